"""Metrics: functions in all generations, objects that accumulate (two updates) from 2.3 on."""

from parity.cases.make import ALL, NEW, OLD, values, x

TF, THREE = ["2.15"], ["3"]
CLASSES = ["2.3", *NEW]
BINARY, HALVES = [[1, 0, 1], [0, 1, 0]], [[0.8, 0.1, 0.3], [0.5, 0.9, 0.6]]
ONE_HOT, ROWS = [[1, 0, 0], [0, 0, 1], [0, 1, 0]], [[0.7, 0.2, 0.1], [0.4, 0.4, 0.2], [0.1, 0.8, 0.1]]
WEIGHTS = [2.0, 0.5, 1.0]
T, P = [[1, 0, 2], [0.5, -1, 0.25]], [[0.8, 0.1, 1], [1.5, -0.5, 0]]
SHARES = [[0.2, 0.5, 0.3], [0.6, 0, 0.4], [0.1, 0.8, 0.1]]
#: scores on the edges of 5 and 11 evenly spaced thresholds too
EDGES = [0.0, 0.1, 0.25, 0.3, 0.5, 0.5, 0.6, 0.7, 0.75, 0.9, 1.0, 1.0]
HITS = [0, 0, 1, 0, 1, 0, 1, 1, 0, 1, 1, 0]


def _array(given):
    return given if isinstance(given, dict) else values(given)


def _metric(name, made, targets, predictions, config=None, weights=None, mask=None, **more):
    inputs = [_array(targets), _array(predictions)] + ([] if weights is None else [_array(weights)])
    if mask is not None:
        inputs[1] = dict(inputs[1], mask=mask)
    return dict({"id": "metrics/" + name, "kind": "metric", "class": made, "config": config or {}, "inputs": inputs, "steps": 2}, **more)


def _labels(*shape, classes=2):
    return x(*shape, low=0, high=classes, whole=True)


def _scores(*shape):
    return x(*shape, low=0)


def _ways(made, rows, generations=CLASSES, **more):
    """Cases of one class: rows of (word, targets, predictions, config, weights[, generations])."""
    return [
        _metric(f"{made}_{word}" if word else made, made, targets, predictions, config, weights,
                **dict(more, generations=list(rest[0] if rest else generations)))
        for word, targets, predictions, config, weights, *rest in rows
    ]  # fmt: skip


FUNCTIONS = [
    _metric(word, made, targets, predictions, config, generations=list(generations), steps=1)
    for word, made, targets, predictions, config, generations in (
        ("binary_accuracy", "binary_accuracy", BINARY, HALVES, {}, ALL),
        ("binary_accuracy_threshold", "binary_accuracy", BINARY, HALVES, {"threshold": 0.55}, CLASSES),
        ("binary_accuracy_steps", "binary_accuracy", _labels(2, 3, 4), _scores(2, 3, 4), {}, NEW),
        ("categorical_accuracy", "categorical_accuracy", ONE_HOT, ROWS, {}, ALL),
        ("categorical_accuracy_steps", "categorical_accuracy", _scores(2, 3, 4), _scores(2, 3, 4), {}, ALL),
        ("sparse_categorical_accuracy", "sparse_categorical_accuracy", [[0], [1], [2]], ROWS, {}, ALL),
        ("sparse_categorical_accuracy_flat", "sparse_categorical_accuracy", [0, 1, 2], ROWS, {}, NEW),
        ("sparse_categorical_accuracy_steps", "sparse_categorical_accuracy", _labels(2, 3, classes=4), _scores(2, 3, 4), {}, NEW),
        ("top_k_categorical_accuracy", "top_k_categorical_accuracy", ONE_HOT, ROWS, {"k": 2}, ALL),
        ("top_k_categorical_accuracy_1", "top_k_categorical_accuracy", ONE_HOT, ROWS, {"k": 1}, ALL),
        ("top_k_categorical_accuracy_5", "top_k_categorical_accuracy", _scores(4, 7), _scores(4, 7), {}, ALL),
        ("top_k_categorical_accuracy_steps", "top_k_categorical_accuracy", _scores(2, 3, 7), _scores(2, 3, 7), {"k": 3}, NEW),
        ("sparse_top_k_categorical_accuracy", "sparse_top_k_categorical_accuracy", [[0], [1], [2]], ROWS, {"k": 2}, ALL),
        ("sparse_top_k_categorical_accuracy_flat", "sparse_top_k_categorical_accuracy", [0, 1, 2], ROWS, {"k": 1}, NEW),
        ("sparse_top_k_categorical_accuracy_steps", "sparse_top_k_categorical_accuracy", _labels(2, 3, classes=7), _scores(2, 3, 7), {},
         NEW),
        ("sparse_top_k_categorical_accuracy_sorted", "sparse_top_k_categorical_accuracy", [0, 1, 2], [[1, 0, 2], [2, 0, 1], [2, 1, 0]],
         {"k": 2, "from_sorted_ids": True}, THREE),
        ("accuracy", "accuracy", [[1], [2], [3]], [[1], [2], [4]], {}, ["2.3"]),
        ("cosine_proximity", "cosine_proximity", T, P, {}, OLD),
        ("cosine_similarity", "cosine_similarity", T, P, {}, ["2.3"]),
        ("pearson_correlation", "pearson_correlation", T, P, {}, THREE),
        ("pearson_correlation_axis", "pearson_correlation", _scores(2, 3, 4), _scores(2, 3, 4), {"axis": 1}, THREE),
        ("pearson_correlation_flat", "pearson_correlation", [[1, 1, 1]], [[1, 2, 3]], {}, THREE),
        ("concordance_correlation", "concordance_correlation", T, P, {}, THREE),
        ("concordance_correlation_axis", "concordance_correlation", _scores(2, 3, 4), _scores(2, 3, 4), {"axis": [1, 2]}, THREE),
        *((name, name, BINARY, HALVES, {}, ALL) for name in (
            "mean_squared_error", "mean_absolute_error", "mean_absolute_percentage_error", "mean_squared_logarithmic_error", "hinge",
            "squared_hinge", "poisson", "binary_crossentropy", "categorical_crossentropy")),
        *((name, name, BINARY, HALVES, {}, NEW) for name in (
            "kl_divergence", "log_cosh", "binary_focal_crossentropy", "categorical_focal_crossentropy")),
        *((name, name, BINARY, HALVES, {}, [*OLD, *TF]) for name in ("kullback_leibler_divergence", "logcosh", "mape", "msle")),
        ("huber", "huber", T, P, {"delta": 0.4}, THREE),
        ("categorical_hinge", "categorical_hinge", ONE_HOT, ROWS, {}, ["2.3", "3"]),
    )
]  # fmt: skip

#: what `metrics.get` knows in each generation
NAMES = {
    **dict.fromkeys(("mse", "MSE", "mae", "MAE", "mape", "MAPE", "msle", "MSLE", "hinge", "squared_hinge", "poisson",
                     "binary_crossentropy", "categorical_crossentropy", "binary_accuracy", "categorical_accuracy",
                     "mean_squared_error", "mean_absolute_error", "top_k_categorical_accuracy"), ALL),
    "kullback_leibler_divergence": [*OLD, *TF], "cosine": OLD, "cosine_proximity": [*OLD, *TF], "cosine_similarity": CLASSES,
    "logcosh": [*OLD, *TF], "log_cosh": TF, "categorical_hinge": CLASSES, "accuracy": CLASSES, "acc": TF,
    "bce": THREE, "BCE": THREE, "kl_divergence": THREE, "AUC": NEW, "auc": THREE, "Precision": NEW, "precision": THREE, "recall": THREE,
    "true_positives": THREE, "TruePositives": NEW, "f1_score": THREE, "root_mean_squared_error": THREE, "RootMeanSquaredError": NEW,
    "pearson_correlation": THREE, "concordance_correlation": THREE, "log_cosh_error": THREE, "binary_io_u": THREE,
    "MeanSquaredError": NEW, "CosineSimilarity": NEW,
}  # fmt: skip
BY_NAME = [
    {"id": "metrics/get_" + name, "kind": "metric", "identifier": name, "inputs": [_labels(2, 6), _scores(2, 6)],
     "generations": list(generations), "skip": ["rebuild"]}
    for name, generations in NAMES.items()
] + [
    {"id": "metrics/get_unknown", "kind": "metric", "identifier": "no_such", "inputs": [values(T), values(P)],
     "generations": ["2.2", "2.3", "3"], "errors": ["2.2", "2.3", "3"]},
    {"id": "metrics/get_config", "kind": "metric", "identifier": {"class_name": "Precision", "config": {"thresholds": 0.25}},
     "inputs": [values(HITS), values(EDGES)], "generations": list(NEW)},
]  # fmt: skip

REDUCED = [
    *_ways("Mean", [("", _scores(3, 2), None, {}, None), ("weighted", _scores(3, 2), None, {}, x(3, low=0)),
                    ("weighted_all", _scores(3, 2), None, {}, x(3, 2, low=0)), ("named", _scores(4), None, {"name": "told"}, None),
                    ("scalar", values(2.5), None, {}, None, NEW)]),
    *_ways("Sum", [("", _scores(3, 2), None, {}, None), ("weighted", _scores(3, 2), None, {}, x(3, low=0)),
                   ("weighted_all", _scores(3, 2), None, {}, x(3, 2, low=0))]),
    *_ways("MeanTensor", [("", _scores(3, 2), None, {}, None), ("weighted", _scores(3, 2), None, {}, x(3, 2, low=0)),
                          ("shape", _scores(3, 2), None, {"shape": [3, 2]}, None),
                          ("weighted_rows", _scores(3, 2), None, {}, x(3, 1, low=0))], TF),
]  # fmt: skip
for _case in REDUCED:
    _case["inputs"] = [one for one in _case["inputs"] if one != {"values": None}]

MEANS = [
    case
    for made, targets, predictions, config, generations in (
        ("Accuracy", _labels(3, 4, classes=3), x(3, 4, low=0, high=3, dtype="int32"), {}, CLASSES),
        ("BinaryAccuracy", _labels(3, 4), _scores(3, 4), {}, CLASSES),
        ("CategoricalAccuracy", _scores(3, 4), _scores(3, 4), {}, CLASSES),
        ("SparseCategoricalAccuracy", _labels(3, 1, classes=4), _scores(3, 4), {}, CLASSES),
        ("TopKCategoricalAccuracy", _scores(3, 7), _scores(3, 7), {"k": 3}, CLASSES),
        ("SparseTopKCategoricalAccuracy", _labels(3, 1, classes=7), _scores(3, 7), {"k": 3}, CLASSES),
        ("MeanSquaredError", x(3, 4), x(3, 4), {}, CLASSES), ("MeanAbsoluteError", x(3, 4), x(3, 4), {}, CLASSES),
        ("MeanAbsolutePercentageError", x(3, 4), x(3, 4), {}, CLASSES),
        ("MeanSquaredLogarithmicError", x(3, 4), x(3, 4), {}, CLASSES),
        ("RootMeanSquaredError", x(3, 4), x(3, 4), {}, CLASSES), ("LogCoshError", x(3, 4), x(3, 4), {}, CLASSES),
        ("CosineSimilarity", x(3, 4), x(3, 4), {}, CLASSES), ("Poisson", _scores(3, 4), _scores(3, 4), {}, CLASSES),
        ("KLDivergence", _scores(3, 4), _scores(3, 4), {}, CLASSES), ("Hinge", _labels(3, 4), _scores(3, 4), {}, CLASSES),
        ("SquaredHinge", _labels(3, 4), _scores(3, 4), {}, CLASSES), ("CategoricalHinge", values(ONE_HOT), x(3, 3), {}, CLASSES),
        ("BinaryCrossentropy", _labels(3, 4), _scores(3, 4), {}, CLASSES),
        ("CategoricalCrossentropy", values(ONE_HOT), _scores(3, 3), {}, CLASSES),
        ("SparseCategoricalCrossentropy", _labels(3, 1, classes=4), _scores(3, 4), {}, CLASSES),
        ("MeanRelativeError", x(3), x(3), {"normalizer": [1.0, 0.0, -3.0]}, TF),
        ("PearsonCorrelation", x(3, 4), x(3, 4), {}, THREE), ("ConcordanceCorrelation", x(3, 4), x(3, 4), {}, THREE),
    )
    for case in _ways(made, [("", targets, predictions, config, None), ("weighted", targets, predictions, config, values(WEIGHTS))],
                      generations)
] + [
    *_ways("BinaryAccuracy", [("threshold", BINARY, HALVES, {"threshold": 0.55}, None), ("halves", BINARY, HALVES, {}, None),
                              ("all_weighted", BINARY, HALVES, {}, HALVES, NEW), ("flat", HITS, EDGES, {"threshold": 0.3}, EDGES, NEW),
                              ("ranks", [[1], [0], [1]], [0.2, 0.3, 0.9], {}, None, NEW)]),
    *_ways("Accuracy", [("flat", [1, 2, 3], [1, 2, 4], {}, None), ("ranks", [[1], [2], [3]], [1, 2, 4], {}, WEIGHTS, NEW)]),
    *_ways("CategoricalAccuracy", [("ties", ONE_HOT, ROWS, {"name": "told"}, WEIGHTS), ("steps", _scores(2, 3, 4), _scores(2, 3, 4), {},
                                    x(2, 3, low=0)), ("sample_weights", _scores(2, 3, 4), _scores(2, 3, 4), {}, x(2, low=0))]),
    *_ways("SparseCategoricalAccuracy", [("flat", [0, 1, 2], ROWS, {}, WEIGHTS, NEW),
                                         ("steps", _labels(2, 3, classes=4), _scores(2, 3, 4), {}, x(2, 3, low=0), NEW)]),
    *_ways("TopKCategoricalAccuracy", [("default", _scores(3, 9), _scores(3, 9), {}, None), ("ties", ONE_HOT, ROWS, {"k": 1}, None),
                                       ("many", ONE_HOT, ROWS, {"k": 3}, None)]),
    *_ways("SparseTopKCategoricalAccuracy", [
        ("default", _labels(3, classes=9), _scores(3, 9), {}, None, NEW),
        ("steps", _labels(2, 3, classes=5), _scores(2, 3, 5), {"k": 2}, None, NEW),
        ("sorted", [0, 1, 2], [[1, 0, 2], [2, 0, 1], [2, 1, 0]], {"k": 2, "from_sorted_ids": True}, None, THREE)]),
    *_ways("CosineSimilarity", [("axis_3", x(3, 4), x(3, 4), {"axis": 0}, None)], THREE, skip=["config.axis", "rebuild"],
           note="Keras 3 does not write this argument into the config"),
    *_ways("CosineSimilarity", [("axis", x(3, 4), x(3, 4), {"axis": 0}, None, ["2.3", *TF]),
                                ("zero", [[0, 0], [1, 1]], [[1, 0], [0, 1]], {}, None)]),
    *_ways("MeanSquaredError", [("ranks", [1, 2, 3], [[1], [3], [5]], {}, None, NEW), ("steps", x(2, 3, 4), x(2, 3, 4), {}, x(2, 3, low=0)),
                                ("sample_weights", x(2, 3, 4), x(2, 3, 4), {}, x(2, low=0)),
                                ("dtype", x(3, 4), x(3, 4), {"dtype": "float64"}, None, THREE)]),
    *_ways("BinaryCrossentropy", [("logits", _labels(3, 4), x(3, 4), {"from_logits": True}, None),
                                  ("smoothed", _labels(3, 4), _scores(3, 4), {"label_smoothing": 0.2}, None)]),
    *_ways("CategoricalCrossentropy", [("logits", ONE_HOT, x(3, 3), {"from_logits": True, "label_smoothing": 0.1}, None),
                                       ("axis", _scores(2, 3, 4), _scores(2, 3, 4), {"axis": 1}, None, NEW)]),
    *_ways("SparseCategoricalCrossentropy", [
        ("logits", _labels(3, classes=4), x(3, 4), {"from_logits": True}, None, NEW),
        ("ignored", _labels(3, classes=4), _scores(3, 4), {"ignore_class": 1}, None, NEW),
        ("ignored_weighted", _labels(2, 3, classes=4), _scores(2, 3, 4), {"ignore_class": 1}, x(2, 3, low=0), NEW)]),
    *_ways("PearsonCorrelation", [("axis", x(2, 3, 4), x(2, 3, 4), {"axis": 1}, None),
                                  ("pair", x(2, 3, 4), x(2, 3, 4), {"axis": [1, 2]}, None)],
           THREE),
    *_ways("ConcordanceCorrelation", [("axis", x(2, 3, 4), x(2, 3, 4), {"axis": 1}, None)], THREE),
    *_ways("MeanRelativeError", [("columns", x(2, 3), x(2, 3), {"normalizer": [1.0, 2.0, -3.0]}, None),
                                 ("columns_weighted", x(2, 3), x(2, 3), {"normalizer": [1.0, 2.0, -3.0]}, x(2, low=0))], TF),
    *(_metric(f"{made}_masked{word}", made, targets, predictions, {}, weights, mask=[[1, 1, 0], [1, 0, 0]], generations=list(NEW))
      for made, targets, predictions in (
          ("MeanAbsoluteError", x(2, 3, 4), x(2, 3, 4)), ("CategoricalAccuracy", _scores(2, 3, 4), _scores(2, 3, 4)),
          ("BinaryAccuracy", _labels(2, 3, 1), _scores(2, 3, 1)))
      for word, weights in (("", None), ("_weighted", x(2, 3, low=0)))),
]  # fmt: skip

CONFUSION = [
    case
    for made in ("TruePositives", "TrueNegatives", "FalsePositives", "FalseNegatives", "Precision", "Recall")
    for case in _ways(made, [
        ("", _labels(8), _scores(8), {}, None), ("weighted", _labels(8), _scores(8), {}, x(8, low=0)),
        ("threshold", _labels(8), _scores(8), {"thresholds": 0.3}, None),
        ("thresholds", _labels(8), _scores(8), {"thresholds": [0.2, 0.5, 0.7]}, None),
        ("thresholds_weighted", _labels(3, 4), _scores(3, 4), {"thresholds": [0.2, 0.5]}, x(3, 4, low=0)),
        ("sample_weights", _labels(3, 4), _scores(3, 4), {}, x(3, low=0)),
        ("even", HITS, EDGES, {"thresholds": [0.0, 0.25, 0.5, 0.75, 1.0]}, EDGES),
        ("edges", HITS, EDGES, {"thresholds": [0.1, 0.5, 0.9]}, None), ("named", [[1], [0]], [[0.7], [0.7]], {"name": "told"}, None),
        ("outside", HITS, EDGES, {"thresholds": [0.5, 1.5]}, None),
    ])
] + [
    case
    for made in ("Precision", "Recall")
    for case in _ways(made, [
        ("top_k", _labels(4, 5), _scores(4, 5), {"top_k": 2}, None), ("class_id", _labels(4, 5), _scores(4, 5), {"class_id": 1}, None),
        ("top_k_class", _labels(4, 5), _scores(4, 5), {"top_k": 3, "class_id": 2}, x(4, low=0), NEW),
        ("top_k_thresholds", _labels(4, 5), _scores(4, 5), {"top_k": 3, "thresholds": [0.3, 0.6]}, None),
        ("top_k_steps", _labels(2, 3, 5), _scores(2, 3, 5), {"top_k": 2}, x(2, 3, low=0), NEW),
        ("class_weighted", _labels(4, 5), _scores(4, 5), {"class_id": 3, "thresholds": [0.3, 0.6]}, x(4, low=0), NEW),
        ("none", [0, 0], [0.1, 0.2], {}, None), ("ties", [[1, 0, 0, 1]], [[0.5, 0.5, 0.5, 0.2]], {"top_k": 2}, None),
    ])
] + [
    case
    for made, value in (("SensitivityAtSpecificity", "specificity"), ("SpecificityAtSensitivity", "sensitivity"),
                        ("PrecisionAtRecall", "recall"), ("RecallAtPrecision", "precision"))
    for case in _ways(made, [
        ("half", HITS, EDGES, {value: 0.5}, None), ("high", HITS, EDGES, {value: 0.8, "num_thresholds": 11}, None),
        ("drawn", _labels(30), _scores(30), {value: 0.6}, x(30, low=0)), ("one", HITS, EDGES, {value: 0.4, "num_thresholds": 1}, None),
        ("five", _labels(30), _scores(30), {value: 0.7, "num_thresholds": 5}, None), ("never", [0, 1], [0.9, 0.1], {value: 0.9}, None),
        ("class_id", _labels(6, 3), _scores(6, 3), {value: 0.6, "class_id": 1}, None, NEW),
        ("outside", HITS, EDGES, {value: 1.5}, None), ("no_thresholds", HITS, EDGES, {value: 0.5, "num_thresholds": 0}, None),
    ], CLASSES if made in ("SensitivityAtSpecificity", "SpecificityAtSensitivity") else NEW)
]  # fmt: skip

CURVES = [
    _metric(f"AUC_{curve}_{way}_{word}", "AUC", targets, scores, dict(config, curve=curve, summation_method=way), weights,
            generations=list(NEW if curve == "PRGAIN" else CLASSES))
    for curve in ("ROC", "PR", "PRGAIN")
    for way in ("interpolation", "minoring", "majoring")
    for word, targets, scores, config, weights in (
        ("edges", HITS, EDGES, {"num_thresholds": 5}, None), ("drawn", _labels(30), _scores(30), {}, x(30, low=0)),
    )
] + _ways("AUC", [
    ("", HITS, EDGES, {}, None), ("column", _labels(10, 1), _scores(10, 1), {}, None), ("matrix", _labels(5, 3), _scores(5, 3), {}, None),
    ("eleven", HITS, EDGES, {"num_thresholds": 11}, EDGES), ("thresholds", HITS, EDGES, {"thresholds": [0.1, 0.5, 0.55]}, None),
    ("even", HITS, EDGES, {"thresholds": [0.25, 0.5, 0.75]}, None), ("many", _labels(60), _scores(60), {"num_thresholds": 1000}, None),
    ("no_positives", [0, 0], [0.2, 0.6], {}, None), ("no_positives_pr", [0, 0], [0.2, 0.6], {"curve": "PR"}, None),
    ("named", HITS, EDGES, {"name": "told", "num_thresholds": 3}, None), ("single_beyond", HITS, EDGES, {"num_thresholds": 1}, None),
    ("curve_unknown", HITS, EDGES, {"curve": "RO"}, None), ("thresholds_wide", HITS, EDGES, {"thresholds": [-0.5, 0.5]}, None),
    ("sample_weights", _labels(5, 3), _scores(5, 3), {}, x(5, low=0)),
]) + _ways("AUC", [
    ("labels", _labels(8, 3), _scores(8, 3), {"multi_label": True}, None),
    ("labels_weighted", _labels(8, 3), _scores(8, 3), {"multi_label": True}, x(8, low=0)),
    ("labels_all_weighted", _labels(8, 3), _scores(8, 3), {"multi_label": True, "num_thresholds": 11}, x(8, 3, low=0)),
    ("labels_counted", _labels(8, 3), _scores(8, 3), {"multi_label": True, "num_labels": 3}, None),
    ("label_weights", _labels(8, 3), _scores(8, 3), {"multi_label": True, "label_weights": [0.2, 0.5, 1.0]}, None),
    ("label_weights_flat", _labels(8, 3), _scores(8, 3), {"label_weights": [0.2, 0.5, 1.0]}, None),
    ("labels_pr", _labels(8, 3), _scores(8, 3), {"multi_label": True, "curve": "PR"}, None),
    ("labels_pr_weighted", _labels(8, 3), _scores(8, 3), {"multi_label": True, "curve": "PR", "label_weights": [0.2, 0.5, 1.0]}, None),
    ("labels_thresholds", _labels(8, 3), _scores(8, 3), {"multi_label": True, "thresholds": [0.1, 0.4, 0.45]}, None),
    ("logits", HITS, x(12), {"from_logits": True}, None), ("logits_labels", _labels(8, 3), x(8, 3), {"from_logits": True,
     "multi_label": True, "num_thresholds": 11}, None),
    ("labels_alone_beyond", HITS, EDGES, {"num_labels": 2}, None),
], NEW)  # fmt: skip

OVERLAP = [
    *_ways("MeanIoU", [("", _labels(6, classes=3), _labels(6, classes=3), {"num_classes": 3}, None),
                       ("weighted", _labels(2, 3, classes=3), _labels(2, 3, classes=3), {"num_classes": 3}, x(2, 3, low=0)),
                       ("absent", [0, 0, 1], [0, 1, 1], {"num_classes": 4}, None),
                       ("ignored", _labels(9, classes=3), _labels(9, classes=3), {"num_classes": 3, "ignore_class": 1}, None),
                       ("ignored_beyond", [0, 1, 255, 1], [0, 1, 1, 0], {"num_classes": 2, "ignore_class": 255}, None),
                       ("dense", _scores(6, 3), _scores(6, 3), {"num_classes": 3, "sparse_y_true": False, "sparse_y_pred": False}, None),
                       ("dense_axis", _scores(2, 3, 4), _scores(2, 3, 4),
                        {"num_classes": 3, "sparse_y_true": False, "sparse_y_pred": False, "axis": 1}, None, TF)], NEW),
    *_ways("IoU", [("", _labels(6, classes=3), _labels(6, classes=3), {"num_classes": 3, "target_class_ids": [0]}, None),
                   ("two", _labels(6, classes=3), _labels(6, classes=3), {"num_classes": 3, "target_class_ids": [0, 2]}, x(6, low=0)),
                   ("dense", _labels(6, classes=3), _scores(6, 3), {"num_classes": 3, "target_class_ids": [1], "sparse_y_pred": False},
                    None),
                   ("ignored", _labels(9, classes=3), _labels(9, classes=3),
                    {"num_classes": 3, "target_class_ids": [0, 1], "ignore_class": 2, "name": "told"}, None),
                   ("ids_beyond", [0, 1], [0, 1], {"num_classes": 2, "target_class_ids": [0, 3]}, None)], NEW),
    *_ways("BinaryIoU", [("", _labels(6), _scores(6), {}, None), ("threshold", _labels(2, 6), _scores(2, 6), {"threshold": 0.3}, None),
                         ("one", _labels(6), _scores(6), {"target_class_ids": [1]}, x(6, low=0)),
                         ("edge", [1, 0], [0.5, 0.5], {}, None)], NEW),
    *_ways("OneHotIoU", [("", _scores(6, 3), _scores(6, 3), {"num_classes": 3, "target_class_ids": [0, 2]}, None),
                         ("sparse", _scores(6, 3), _labels(6, classes=3),
                          {"num_classes": 3, "target_class_ids": [1], "sparse_y_pred": True}, x(6, low=0))], NEW),
    *_ways("OneHotMeanIoU", [("", _scores(6, 3), _scores(6, 3), {"num_classes": 3}, None),
                             ("weighted", _scores(6, 3), _scores(6, 3), {"num_classes": 3, "ignore_class": 1}, x(6, low=0)),
                             ("axis", _scores(2, 3, 4), _scores(2, 3, 4), {"num_classes": 3, "axis": 1}, None, TF)], NEW),
]  # fmt: skip

SCORES = [
    _metric(f"{made}_{average}_{word}", made, targets, predictions, dict(config, average=average), weights, generations=list(NEW))
    for average in (None, "micro", "macro", "weighted")
    for made, word, targets, predictions, config, weights in (
        ("FBetaScore", "largest", _labels(6, 3), _scores(6, 3), {"beta": 2.0}, None),
        ("FBetaScore", "threshold", _labels(6, 3), _scores(6, 3), {"beta": 0.5, "threshold": 0.4}, x(6, low=0)),
        ("F1Score", "plain", _labels(6, 3), _scores(6, 3), {}, None),
        ("F1Score", "one", _labels(6, 1), _scores(6, 1), {"threshold": 0.5}, None),
    )
] + [
    *_ways("F1Score", [("default", values(ONE_HOT), values(ROWS), {}, None),
                       ("average_unknown", values(ONE_HOT), values(ROWS), {"average": "mean"}, None),
                       ("threshold_unknown", values(ONE_HOT), values(ROWS), {"threshold": 1.5}, None)], NEW),
    *_ways("FBetaScore", [("beta_unknown", values(ONE_HOT), values(ROWS), {"beta": -1.0}, None),
                          ("weighted", _labels(6, 3), _scores(6, 3), {"average": "micro"}, x(6, low=0))], NEW),
    *(_metric(f"R2Score_{way}_{word}", "R2Score", targets, predictions, dict(config, class_aggregation=way), weights, generations=list(NEW))
      for way in (None, "uniform_average", "variance_weighted_average")
      for word, targets, predictions, config, weights in (
          ("plain", x(6, 3), x(6, 3), {}, None), ("weighted", x(6, 2), x(6, 2), {}, x(6, low=0)),
          ("regressors", x(6, 2), x(6, 2), {"num_regressors": 2}, None))),
    *_ways("R2Score", [("default", x(5, 1), x(5, 1), {}, None), ("too_many_regressors", x(5, 1), x(5, 1), {"num_regressors": 20}, None),
                       ("regressors_negative", x(5, 1), x(5, 1), {"num_regressors": -1}, None),
                       ("way_unknown", x(5, 1), x(5, 1), {"class_aggregation": "mean"}, None)], NEW),
]  # fmt: skip

CASES = FUNCTIONS + BY_NAME + REDUCED + MEANS + CONFUSION + CURVES + OVERLAP + SCORES
for _case in CASES:
    if "label_weights" in _case.get("config", {}):
        _case.update(skip=["config.label_weights", "rebuild"], note="Keras 3 writes a tensor into the config")
_WRONG = ("outside", "no_thresholds", "_unknown", "beyond", "_negative")
for _case in CASES:
    if _case["id"].endswith(_WRONG) and "errors" not in _case and not _case["id"].endswith("ignored_beyond"):
        _case["errors"] = list(_case["generations"])
