import numpy as np
import pytest
import torch

from kcompat import metrics as M
from kcompat.errors import ArgumentError, ShapeError, UnknownNameError
from kcompat.generations import keras_version_scope


def test_mean_over_updates_and_weights():
    mean = M.Mean()
    assert float(mean.result()) == 0.0
    mean.update_state([1.0, 3.0], sample_weight=[1.0, 0.0])
    assert float(mean.result()) == 1.0
    mean.update_state(5.0)
    assert (float(mean.result()), float(mean.total), float(mean.count)) == (3.0, 6.0, 2.0)
    mean.reset_state()
    assert float(mean.count) == 0.0


@pytest.mark.parametrize(("version", "names"), [("2.15", ["total:0", "count:0"]), ("3", ["total", "count"])])
def test_state_has_names(version, names):
    with keras_version_scope(version):
        assert [v.name for v in M.Mean().variables] == names


def test_weighted_accuracy():
    accuracy = M.Accuracy()
    accuracy.update_state([[1], [2], [3], [4]], [[0], [2], [3], [4]], sample_weight=[1, 1, 0, 0])
    assert float(accuracy.result()) == 0.5


@pytest.mark.parametrize(("version", "expected"), [("2.2.4", 0.5), ("2.3.1", 0.5), ("2.15", 1.0), ("3", 1.0)])
def test_binary_accuracy_of_half_and_of_more_than_one_and_a_half(version, expected):
    with keras_version_scope(version):
        assert float(M.BinaryAccuracy()(np.array([[0.0], [1.0]]), np.array([[0.5], [1.7]], "float32"))) == expected
        assert float(M.binary_accuracy(np.array([[0.0], [1.0]]), np.array([[0.5], [1.7]], "float32")).mean()) == expected


@pytest.mark.parametrize(("version", "expected"), [("2.15", [2 / 3, 2 / 3]), ("3", [[1, 0, 1], [1, 0, 1]])])
def test_binary_accuracy_averages_only_before_keras_3(version, expected):
    y, p = np.array([[1, 0, 1], [0, 1, 0.0]], "float32"), np.array([[0.9, 0.8, 0.7], [0.2, 0.1, 0.3]], "float32")
    with keras_version_scope(version):
        np.testing.assert_allclose(M.binary_accuracy(y, p), expected, rtol=1e-6)
        for weights, share in ((None, 4 / 6), ([1, 3], 2 / 3), ([[1], [3]], 2 / 3), ([[1, 2, 3], [4, 5, 6]], 14 / 21)):
            mean = M.BinaryAccuracy()
            mean.update_state(y, p, sample_weight=None if weights is None else np.array(weights, "float32"))
            assert float(mean.result()) == pytest.approx(share)
        by_name = M.MeanMetricWrapper(M.binary_accuracy)
        by_name.update_state(y, p, sample_weight=np.array([1, 3], "float32"))
        assert float(by_name.result()) == pytest.approx(2 / 3)


def test_weights_that_fit_no_value():
    with pytest.raises(ShapeError, match=r"mean_squared_error: `sample_weight` of shape \(3,\) cannot weigh values of shape \(2,\)"):
        M.MeanSquaredError().update_state(np.ones((2, 3)), np.ones((2, 3)), sample_weight=np.ones(3))


@pytest.mark.parametrize("version", ["2.3.1", "2.15", "3"])
def test_crossentropy_configs_of_generations(version):
    late = version != "2.3.1"
    with keras_version_scope(version):
        assert ("axis" in M.CategoricalCrossentropy().get_config()) is late
        sparse = M.SparseCategoricalCrossentropy().get_config()
        assert sparse["axis"] == -1
        assert ("ignore_class" in sparse) is late
        assert M.CategoricalCrossentropy(axis=1).get_config()["axis"] == 1


def test_categorical_accuracies_take_the_first_maximum():
    p = np.array([[0.4, 0.4, 0.2], [0.1, 0.2, 0.7]])
    assert M.categorical_accuracy(np.array([[1, 0, 0], [0, 1, 0]]), p).tolist() == [1.0, 0.0]
    assert M.sparse_categorical_accuracy(np.array([[0], [2]]), p).tolist() == [1.0, 1.0]
    assert M.sparse_categorical_accuracy(np.array([1, 2]), p).tolist() == [0.0, 1.0]


def test_masked_entries_do_not_count():
    with keras_version_scope("3"):
        _masked_mean()
    with keras_version_scope("2.15"), pytest.raises(AssertionError):
        _masked_mean()  # before Keras 3 the compiled metrics turn masks into weights


def _masked_mean():
    p = torch.tensor([[[1.0], [2.0], [9.0]]])
    p._keras_mask = torch.tensor([[True, True, False]])
    metric = M.MeanAbsoluteError()
    metric.update_state(torch.full((1, 3, 1), 5.0), p)
    assert float(metric.result()) == 3.5
    metric.reset_state()
    metric.update_state(torch.full((1, 3, 1), 5.0), p, sample_weight=torch.tensor([[1.0, 3.0, 7.0]]))
    assert float(metric.result()) == pytest.approx((4 + 3 * 3) / 4)


def test_root_mean_squared_error_is_the_root_over_all_batches():
    metric = M.RootMeanSquaredError()
    metric.update_state([[0.0]], [[1.0]])
    metric.update_state([[0.0]], [[3.0]])
    assert float(metric.result()) == pytest.approx(5**0.5)


@pytest.mark.parametrize(
    ("metric", "expected"),
    [
        (lambda: M.Mean(), {"name": "mean", "dtype": "float32"}),
        (lambda: M.BinaryAccuracy(), {"name": "binary_accuracy", "dtype": "float32", "threshold": 0.5}),
        (lambda: M.MeanSquaredError(), {"name": "mean_squared_error", "dtype": "float32"}),
        (
            lambda: M.CategoricalCrossentropy(),
            {"name": "categorical_crossentropy", "dtype": "float32", "from_logits": False, "label_smoothing": 0, "axis": -1},
        ),
    ],
)
@pytest.mark.parametrize("version", ["2.15", "3"])
def test_config(version, metric, expected):
    with keras_version_scope(version):
        assert metric().get_config() == expected
        assert M.deserialize(M.serialize(metric())).get_config() == expected


def test_strings_mean_functions_then_objects():
    with keras_version_scope("2.15"):
        assert M.get("mse") is M.mean_squared_error
    with keras_version_scope("3"):
        assert isinstance(M.get("mse"), M.MeanSquaredError)
    with pytest.raises(UnknownNameError, match="'accuracy'"):
        M.get("accurracy")


def test_own_metric_with_the_older_reset():
    class Hits(M.Metric):
        def __init__(self, name="hits", **kwargs):
            super().__init__(name=name, **kwargs)
            self.hits = self.add_weight(name="hits", initializer="zeros")

        def update_state(self, y_true, y_pred, sample_weight=None):
            self.hits.assign_add(((y_true > 0) & (y_pred > 0)).sum())

        def result(self):
            return self.hits

        def reset_states(self):
            self.hits.assign(0.0)

    metric = Hits()
    metric.update_state(torch.tensor([1.0, -1.0]), torch.tensor([1.0, 1.0], requires_grad=True))
    assert float(metric.result()) == 1.0
    from kcompat.metrics.base import reset

    reset(metric)
    assert float(metric.result()) == 0.0


def test_threshold_is_checked():
    with pytest.raises(ArgumentError, match="`threshold`"):
        M.BinaryAccuracy(threshold=2)
