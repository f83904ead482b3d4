"""Mean errors and crossentropies: formulas, clipping, weights and masks by generation."""

from parity.cases.make import NEW, values, x

CLASSES = ["2.3", *NEW]
T, P = [[1, 0, 2], [0.5, -1, 0.25]], [[0.8, 0.1, 1], [1.5, -0.5, 0]]
BINARY, HALVES = [[1, 0, 1], [0, 1, 0]], [[0.8, 0.1, 0.6], [0.3, 0.9, 0.2]]
ONE_HOT, ROWS = [[1, 0, 0], [0, 0, 1]], [[0.7, 0.2, 0.1], [0.2, 0.3, 0.5]]
UNEVEN = [[0.7, 0.2, 0.3], [0.1, 0.1, 2]]
LOGITS = [[2.0, -1.0, 0.5], [-3.0, 0.25, 1.0]]
WEIGHTS = [2.0, 0.5]


def _loss(name, made, targets, predictions, config=None, weights=None, dtype="floatx", mask=None, **more):
    inputs = [values(targets, dtype=dtype), values(predictions)] + ([] if weights is None else [values(weights)])
    if mask is not None:
        inputs[1]["mask"] = mask
    return dict({"id": "losses/" + name, "kind": "loss", "class": made, "config": config or {}, "inputs": inputs}, **more)


ERRORS = [
    _loss("mean_squared_error", "mean_squared_error", T, P, float64=True),
    _loss("mean_absolute_error", "mean_absolute_error", T, P, float64=True),
    _loss("mse_rank3", "mean_squared_error", [T, P], [P, T]),
    _loss("mae_equal", "mean_absolute_error", T, T),
    {"id": "losses/mse_drawn", "kind": "loss", "class": "mean_squared_error", "inputs": [x(3, 5, 2), x(3, 5, 2)]},
    *({"id": "losses/get_" + name, "kind": "loss", "identifier": name, "inputs": [values(T), values(P)]}
      for name in ("mse", "mae", "MSE", "MAE", "mean_squared_error")),
    {"id": "losses/get_unknown", "kind": "loss", "identifier": "no_such", "inputs": [values(T), values(P)],
     "errors": ["2.2", "2.3", "2.15", "3"]},
]  # fmt: skip

CROSS = [
    _loss("binary_crossentropy", "binary_crossentropy", BINARY, HALVES),
    _loss("binary_crossentropy_extreme", "binary_crossentropy", [[1, 0, 1, 0]], [[0, 1, 1, 0]], gradient=False),
    _loss("binary_crossentropy_logits", "binary_crossentropy", BINARY, LOGITS, {"from_logits": True}, generations=CLASSES),
    _loss("binary_crossentropy_smoothed", "binary_crossentropy", BINARY, HALVES, {"label_smoothing": 0.2}, generations=CLASSES),
    _loss("categorical_crossentropy", "categorical_crossentropy", ONE_HOT, ROWS),
    _loss("categorical_crossentropy_uneven", "categorical_crossentropy", ONE_HOT, UNEVEN),
    _loss("categorical_crossentropy_zero", "categorical_crossentropy", [[1, 0, 0]], [[0, 0.5, 0.5]], gradient=False),
    _loss("categorical_crossentropy_logits", "categorical_crossentropy", ONE_HOT, LOGITS, {"from_logits": True}, generations=CLASSES),
    _loss("categorical_crossentropy_smoothed", "categorical_crossentropy", ONE_HOT, ROWS, {"label_smoothing": 0.3}, generations=CLASSES),
    _loss("sparse_categorical_crossentropy", "sparse_categorical_crossentropy", [0, 2], ROWS, dtype="int32"),
    _loss("sparse_categorical_crossentropy_column", "sparse_categorical_crossentropy", [[0], [2]], ROWS, dtype="int32"),
    _loss("sparse_categorical_crossentropy_uneven", "sparse_categorical_crossentropy", [0, 2], UNEVEN, dtype="int32"),
    _loss("sparse_categorical_crossentropy_steps", "sparse_categorical_crossentropy", [[0, 2], [1, 0]], [ROWS, ROWS],
          dtype="int32"),
    _loss("sparse_categorical_crossentropy_logits", "sparse_categorical_crossentropy", [0, 2], LOGITS, {"from_logits": True},
          dtype="int32", generations=CLASSES),
    _loss("sparse_categorical_crossentropy_ignored", "sparse_categorical_crossentropy", [0, 2], ROWS, {"ignore_class": 2},
          dtype="int32", generations=list(NEW)),
]  # fmt: skip

OBJECTS = [
    _loss(f"{made}_{word}", made, targets, predictions, weights=weights, generations=CLASSES)
    for made, targets, predictions in (
        ("MeanSquaredError", T, P), ("MeanAbsoluteError", T, P), ("BinaryCrossentropy", BINARY, HALVES),
        ("CategoricalCrossentropy", ONE_HOT, ROWS), ("SparseCategoricalCrossentropy", [0, 2], ROWS),
    )
    for word, weights in (("plain", None), ("weighted", WEIGHTS), ("weighted_zero", [2.0, 0.0]))
] + [
    _loss("MeanSquaredError_" + way, "MeanSquaredError", T, P, {"reduction": way}, weights=WEIGHTS, generations=CLASSES)
    for way in ("none", "sum", "sum_over_batch_size")
] + [
    _loss("BinaryCrossentropy_config", "BinaryCrossentropy", BINARY, LOGITS,
          {"from_logits": True, "label_smoothing": 0.1, "name": "told"}, generations=CLASSES),
    _loss("CategoricalCrossentropy_logits", "CategoricalCrossentropy", ONE_HOT, LOGITS, {"from_logits": True}, generations=CLASSES),
    _loss("MeanSquaredError_masked", "MeanSquaredError", [[[1], [2], [3], [9]]], [[[0], [0], [0], [0]]], mask=[[1, 1, 1, 0]],
          generations=list(NEW)),
    _loss("MeanSquaredError_ranks", "MeanSquaredError", [1, 2, 3], [[1], [3], [5]], generations=list(NEW)),
]  # fmt: skip

CASES = ERRORS + CROSS + OBJECTS
