"""Counts at thresholds, curves, classes and scores, against calculations by hand; state, merging, errors."""

import copy
import pickle

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from kcompat import layers, models
from kcompat import metrics as M
from kcompat.errors import ArgumentError, ArgumentTypeError, ShapeError, UnknownNameError
from kcompat.generations import keras_version_scope

Y, P = np.array([0.0, 1.0, 1.0, 0.0]), np.array([0.2, 0.4, 0.6, 0.8], "float32")


def value(metric, *batches):
    for batch in batches:
        metric.update_state(*batch)
    return np.asarray(metric.result())


def same(got, expected):
    np.testing.assert_allclose(got, expected, rtol=1e-5)


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (lambda: M.TruePositives(), 1), (lambda: M.FalsePositives(), 1), (lambda: M.TrueNegatives(), 1), (lambda: M.FalseNegatives(), 1),
        (lambda: M.TruePositives(thresholds=[0.7, 0.1]), [0, 2]), (lambda: M.FalsePositives(thresholds=[0.7, 0.1]), [1, 2]),
        (lambda: M.Precision(thresholds=0.3), 2 / 3), (lambda: M.Recall(thresholds=[0.5, 0.3]), [0.5, 1.0]),
        (lambda: M.SensitivityAtSpecificity(0.5, num_thresholds=11), 1.0),
        (lambda: M.SpecificityAtSensitivity(0.9, num_thresholds=11), 0.5),
        (lambda: M.PrecisionAtRecall(0.9, num_thresholds=11), 2 / 3), (lambda: M.RecallAtPrecision(0.6, num_thresholds=11), 1.0),
        (lambda: M.AUC(num_thresholds=101), 0.5), (lambda: M.AUC(thresholds=[0.3, 0.5, 0.7]), 0.5),
        (lambda: M.AUC(num_thresholds=101, summation_method="minoring"), 0.5),
    ],
)  # fmt: skip
def test_counts_of_four(made, expected):
    same(value(made(), (Y, P)), expected)
    same(value(made(), (Y[:2], P[:2]), (Y[2:], P[2:])) * 1.0, expected)


def test_weights_count():
    same(value(M.Precision(), (Y, P, [1.0, 1.0, 3.0, 1.0])), 0.75)
    same(value(M.TruePositives(), (Y[:, None], P[:, None], np.array([1.0, 1.0, 3.0, 1.0]))), 3.0)


def test_top_k_and_class_id():
    y, p = np.array([[0, 1, 1, 0.0]]), np.array([[0.5, 0.5, 0.1, 0.2]], "float32")
    same(value(M.Precision(top_k=2), (y, p)), 0.5)
    same(value(M.Recall(top_k=1), (y, p)), 0.0)  # of two equal ones the first
    same(value(M.Recall(class_id=1, thresholds=0.4), (y, p)), 1.0)


def test_thresholds_on_the_edge_are_not_exceeded():
    p = torch.linspace(0, 1, 11)
    for count in (11, 101, 200):
        metric = M.AUC(num_thresholds=count)
        metric.update_state(torch.ones(11), p)
        steps = torch.tensor([max(np.ceil(np.float32(v) * np.float32(count - 1)), 1) for v in p])
        assert metric.true_positives.tolist() == [int((steps > i).sum()) for i in range(count - 1)] + [0]


def test_state_is_keras_state():
    metric = M.Precision()
    metric.update_state(Y, P)
    assert [v.name.split(":")[0] for v in metric.variables] == ["true_positives", "false_positives"]
    assert [v.tolist() for v in metric.variables] == [[1.0], [1.0]]
    assert metric.true_positives.tolist() == [1.0]
    with pytest.raises(AttributeError, match="does not count false_negatives"):
        _ = metric.false_negatives
    metric.reset_state()
    assert [v.tolist() for v in metric.variables] == [[0.0], [0.0]]
    metric.update_state(Y, P)
    metric.reset_states()
    same(value(metric, (Y[1:3], P[1:3])), 1.0)


def test_merge_state():
    whole, a, b = M.AUC(num_thresholds=21), M.AUC(num_thresholds=21), M.AUC(num_thresholds=21)
    whole.update_state(Y, P)
    a.update_state(Y[:1], P[:1])
    b.update_state(Y[1:], P[1:])
    a.merge_state([b])
    same(a.result(), whole.result())


def test_labels():
    y, p = np.stack([Y, 1 - Y], 1), np.stack([P, P], 1)
    same(value(M.AUC(multi_label=True), (y, p)), 0.5)
    same(value(M.AUC(multi_label=True, label_weights=[1.0, 0.0]), (Y[:, None] * [1, 1], np.stack([Y, P], 1).astype("float32"))), 1.0)
    same(value(M.AUC(from_logits=True), (Y, np.log(P / (1 - P)))), value(M.AUC(), (Y, P)))


def test_overlap():
    pair = ([0, 0, 1, 1], [0, 1, 0, 1])
    same(value(M.MeanIoU(num_classes=2), pair), 1 / 3)
    same(value(M.IoU(num_classes=3, target_class_ids=[0, 2]), pair), 1 / 3)
    same(value(M.MeanIoU(num_classes=2, ignore_class=255), ([0, 255], [0, 1])), 1.0)
    same(value(M.BinaryIoU(), ([0, 1, 0, 1], [0.1, 0.2, 0.4, 0.7])), (2 / 3 + 1 / 2) / 2)
    one_hot = (np.eye(3)[[0, 1, 2]], np.eye(3, dtype="float32")[[0, 1, 1]])
    same(value(M.OneHotMeanIoU(num_classes=3), one_hot), (1 + 1 / 2 + 0) / 3)


def test_scores():
    y, p = np.array([[1.0, 1], [1, 0], [0, 1]]), np.array([[0.9, 0.8], [0.3, 0.7], [0.6, 0.2]], "float32")
    same(value(M.F1Score(threshold=0.5), (y, p)), [0.5, 0.5])
    same(value(M.F1Score(average="micro", threshold=0.5), (y, p)), 0.5)
    same(value(M.FBetaScore(beta=2.0, average="macro", threshold=0.75), (y, p)), 5 * 0.5 / (4 + 0.5))
    same(value(M.R2Score(), ([[1.0], [4.0], [3.0]], [[2.0], [4.0], [4.0]])), 1 - 2 / (26 - 64 / 3))


def test_correlations():
    t, p = np.array([[0.0, 1, 0.5]]), np.array([[0.1, 0.9, 0.5]])
    same(value(M.PearsonCorrelation(), (t, p)), 1.0)
    same(value(M.ConcordanceCorrelation(), (t, p)), 2 * 0.4 / (0.5 + 0.32))


def test_mean_tensor_sum_and_relative_error():
    same(value(M.MeanTensor(), ([0.0, 1, 2, 3],), ([4.0, 5, 6, 7],)), [2, 3, 4, 5])
    same(value(M.MeanTensor(), ([0.0, 1, 2, 3],), ([4.0, 5, 6, 7], [0, 0.2, 1, 1])), [0, 1.666667, 4, 5])
    same(value(M.Sum(), ([[1.0, 2], [3, 4]], [1.0, 10.0])), 73)
    same(value(M.MeanRelativeError(normalizer=[1, 3, 2, 0]), ([1.0, 3, 2, 3], [2.0, 4, 6, 8])), (1 + 1 / 3 + 2 + 0) / 4)
    same(value(M.TopKCategoricalAccuracy(k=1), ([[0, 0, 1], [0, 1, 0]], [[0.1, 0.9, 0.8], [0.05, 0.95, 0]])), 0.5)


@pytest.mark.parametrize(("version", "first"), [("2.3.1", "precision_1"), ("2.15", "precision"), ("3", "precision")])
def test_names_are_numbered(version, first):
    from kcompat.core.naming import reset_names

    reset_names()
    with keras_version_scope(version):
        names = [M.Precision().name for _ in range(2)]
        assert names[0] == first
        assert names[1] == ("precision_2" if version == "2.3.1" else "precision_1")


ARGUMENTS = {
    "MeanIoU": {"num_classes": 3}, "OneHotMeanIoU": {"num_classes": 3}, "IoU": {"num_classes": 3, "target_class_ids": [0]},
    "OneHotIoU": {"num_classes": 3, "target_class_ids": [0]}, "MeanRelativeError": {"normalizer": [1.0, 2.0]},
    "SensitivityAtSpecificity": {"specificity": 0.5}, "SpecificityAtSensitivity": {"sensitivity": 0.5},
    "PrecisionAtRecall": {"recall": 0.5}, "RecallAtPrecision": {"precision": 0.5}, "FBetaScore": {"beta": 2.0},
}  # fmt: skip


@pytest.mark.parametrize("made", M.METRICS, ids=lambda cls: cls.__name__)
@pytest.mark.parametrize("version", ["2.15", "3"])
def test_round_trips(made, version):
    with keras_version_scope(version):
        metric = made(**ARGUMENTS.get(made.__name__, {}), name="mine")
        again = M.deserialize(M.serialize(metric))
        assert type(again) is made
        assert again.get_config() == metric.get_config()
        assert copy.deepcopy(metric).get_config() == pickle.loads(pickle.dumps(metric)).get_config() == metric.get_config()


@pytest.mark.parametrize(
    ("version", "names"), [("2.15", ["AUC", "Precision", "mae", "cosine_similarity"]), ("3", ["auc", "recall", "mae"])]
)
def test_names_in_compile(version, names):
    with keras_version_scope(version):
        model = models.Sequential([layers.Input((2,)), layers.Dense(1, activation="sigmoid")])
        model.compile("sgd", "bce", metrics=names)
        got = model.evaluate(np.random.RandomState(0).rand(8, 2), np.arange(8) % 2.0, verbose=0, return_dict=True)
        assert len(got) == 1 + len(names)
        assert all(np.isfinite(number) for number in got.values())


class _Reads(TorchDispatchMode):
    """Notes the operators that read a number on the host."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        if "local_scalar_dense" in str(func) or "is_nonzero" in str(func):
            self.seen.append(str(func))
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("made", [m for m in M.METRICS if m.__name__ != "MeanRelativeError"], ids=lambda cls: cls.__name__)
def test_an_update_reads_nothing_on_the_host(made):
    metric = made(**ARGUMENTS.get(made.__name__, {}))
    y, p = torch.eye(3), torch.rand(3, 3)
    if "Sparse" in made.__name__ or made.__name__ in ("IoU", "MeanIoU"):
        y = torch.tensor([0, 1, 2])
    if made.__name__ in ("IoU", "MeanIoU"):
        p = torch.tensor([0, 1, 1])
    metric.update_state(y, p)
    with _Reads() as reads:
        metric.update_state(y, p)
    assert reads.seen == []


def test_the_test_above_can_fail():
    with _Reads() as reads:
        torch.ones(()).item()
    assert reads.seen


@pytest.mark.parametrize("made", [M.BinaryAccuracy, M.AUC, M.Precision, M.MeanSquaredError, M.F1Score])
def test_updates_inside_a_compiled_function(made):
    torch._dynamo.reset()
    metric, plain = made(), made()
    y, p = torch.eye(3), torch.linspace(0, 1, 9).reshape(3, 3)
    plain.update_state(y, p)
    plain.update_state(y, p)
    metric.update_state(y, p)  # state by column is made at the first batch
    torch.compile(metric.update_state, backend="eager", fullgraph=True)(y, p)
    same(metric.result(), plain.result())


@pytest.mark.parametrize(
    ("make", "error", "text"),
    [
        (lambda: M.get("precison"), UnknownNameError, "Precision"),
        (lambda: M.Precision(thresholds=[0.5, 1.5]), ArgumentError, "Precision: `thresholds` must be numbers from 0 to 1"),
        (lambda: M.Recall(top_k=0), ArgumentError, "Recall: `top_k`"),
        (lambda: M.AUC(num_thresholds=1), ArgumentError, "`num_thresholds` must be an integer above 1"),
        (lambda: M.AUC(curve="RO"), ArgumentError, "`curve` must be one of"),
        (lambda: M.AUC(summation_method="mid"), ArgumentError, "`summation_method` must be one of"),
        (lambda: M.AUC(num_labels=2), ArgumentError, "`num_labels` is only for"),
        (lambda: M.AUC(multi_label=True, num_labels=2).update_state(np.ones((2, 3)), np.ones((2, 3))), ShapeError, r"shape \(n, 2\)"),
        (lambda: M.AUC(label_weights=[1, 2]).update_state(np.ones((2, 3)), np.ones((2, 3))), ShapeError, "`label_weights` must hold"),
        (lambda: M.SensitivityAtSpecificity(1.5), ArgumentError, "`specificity` must be a number from 0 to 1"),
        (lambda: M.RecallAtPrecision(0.5, num_thresholds=0), ArgumentError, "`num_thresholds` must be an integer of at least 1"),
        (lambda: M.Precision().update_state(np.ones((2, 3)), np.ones((2, 4))), ShapeError, "must have one shape"),
        (lambda: M.Precision().update_state(np.ones(3), np.ones(3), np.ones(2)), ShapeError, "`sample_weight` of shape"),
        (lambda: M.MeanIoU(num_classes=0), ArgumentError, "`num_classes` must be an integer of at least 1"),
        (lambda: M.MeanIoU(num_classes=2).update_state([0, 3], [0, 1]), ArgumentError, r"must lie in \[0, 2\).*from 0 to 3"),
        (
            lambda: M.IoU(num_classes=2, target_class_ids=[2]),
            ArgumentError,
            r"`target_class_ids` must be a list of class indices in \[0, 2\)",
        ),
        (lambda: M.BinaryIoU(threshold=2), ArgumentError, "`threshold` must be a number from 0 to 1"),
        (lambda: M.MeanIoU(num_classes=2, ignore_class="x"), ArgumentError, "`ignore_class` must be a class index"),
        (lambda: M.F1Score(average="mean"), ArgumentError, "`average` must be None"),
        (lambda: M.FBetaScore(beta=-1.0), ArgumentError, "`beta` must be a float above 0"),
        (lambda: M.F1Score(threshold=1.5), ArgumentError, "`threshold` must be None or a float"),
        (lambda: M.F1Score().update_state(np.ones(3), np.ones(3)), ShapeError, r"must have shape \(n, columns\)"),
        (lambda: M.R2Score(class_aggregation="mean"), ArgumentError, "`class_aggregation` must be one of"),
        (lambda: M.R2Score(num_regressors=-1), ArgumentError, "`num_regressors` must be an integer of at least 0"),
        (lambda: M.TopKCategoricalAccuracy(k=0), ArgumentError, "`k` must be an integer of at least 1"),
        (lambda: M.MeanTensor(shape=(2,)).update_state([1.0, 2.0, 3.0]), ShapeError, "must keep the shape"),
        (lambda: M.MeanTensor().result(), ShapeError, "no result before the first"),
        (lambda: M.categorical_accuracy(np.ones((2, 3)), np.ones((2, 4))), ShapeError, "categorical_accuracy: `y_true` must be one-hot"),
        (lambda: M.sparse_categorical_accuracy(np.ones((2, 3)), np.ones((2, 4))), ShapeError, "must hold class indices of shape"),
        (lambda: M.pearson_correlation(np.ones((2, 3)), np.ones((2, 4))), ShapeError, "pearson_correlation: `y_true` and `y_pred`"),
        (lambda: M.pearson_correlation(np.ones((2, 3)), np.ones((2, 3)), axis=2), ArgumentError, "`axis` must name axes"),
        (lambda: M.BinaryAccuracy(thresold=0.3), ArgumentTypeError, "takes no argument `thresold`"),
    ],
)
def test_errors(make, error, text):
    with pytest.raises(error, match=text):
        make()


def test_compiled_metrics_of_the_same_thresholds_count_once():
    rng = np.random.RandomState(1)
    x, y = rng.rand(12, 2).astype("float32"), np.arange(12) % 2.0
    made = [M.Precision(), M.Recall(), M.TruePositives(), M.Recall(thresholds=0.3, name="low"), M.AUC()]
    model = models.Sequential([layers.Input((2,)), layers.Dense(1, activation="sigmoid")])
    model.compile("sgd", "bce", metrics=made)
    got = model.evaluate(x, y, batch_size=5, verbose=0, return_dict=True)
    p = model.predict(x, verbose=0)[:, 0]
    hits = float(((p > 0.5) & (y == 1)).sum())
    assert got["true_positives"] == hits
    assert got["recall" if "recall" in got else made[1].name] == pytest.approx(hits / 6)
    assert got[made[0].name] == pytest.approx(hits / max((p > 0.5).sum(), 1))
    assert got["low"] == pytest.approx(((p > 0.3) & (y == 1)).sum() / 6)
