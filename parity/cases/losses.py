"""Losses: formulas, clipping, reductions, weights and masks by generation."""

from parity.cases.make import ALL, NEW, OLD, values, x

TF, THREE = ["2.15"], ["3"]
CLASSES = ["2.3", *NEW]
T, P = [[1, 0, 2], [0.5, -1, 0.25]], [[0.8, 0.1, 1], [1.5, -0.5, 0]]
BINARY, HALVES = [[1, 0, 1], [0, 1, 0]], [[0.8, 0.1, 0.6], [0.3, 0.9, 0.2]]
ONE_HOT, ROWS = [[1, 0, 0], [0, 0, 1]], [[0.7, 0.2, 0.1], [0.2, 0.3, 0.5]]
UNEVEN = [[0.7, 0.2, 0.3], [0.1, 0.1, 2]]
LOGITS = [[2.0, -1.0, 0.5], [-3.0, 0.25, 1.0]]
WEIGHTS = [2.0, 0.5]
SIGNS = [[1, -1, 1], [-1, 1, -1]]
SHARES = [[0.2, 0.5, 0.3], [0.6, 0, 0.4]]
STEPS = x(2, 4, 3, low=0)
LOST = "Keras 3 does not write this argument into the config"


def _loss(name, made, targets, predictions, config=None, weights=None, dtype="floatx", mask=None, **more):
    inputs = [_array(targets, dtype=dtype), _array(predictions)] + ([] if weights is None else [_array(weights)])
    if mask is not None:
        inputs[1]["mask"] = mask
    return dict({"id": "losses/" + name, "kind": "loss", "class": made, "config": config or {}, "inputs": inputs}, **more)


def _array(given, **more):
    return dict(given, **more) if isinstance(given, dict) else values(given, **more)


def _sparse(name, made, targets, predictions, config=None, **more):
    return _loss(name, made, targets, predictions, config, dtype="int32", **more)


MEAN_ERRORS = [
    _loss("mean_squared_error", "mean_squared_error", T, P, float64=True),
    _loss("mean_absolute_error", "mean_absolute_error", T, P, float64=True),
    _loss("mse_rank3", "mean_squared_error", [T, P], [P, T]),
    _loss("mae_equal", "mean_absolute_error", T, T),
    {"id": "losses/mse_drawn", "kind": "loss", "class": "mean_squared_error", "inputs": [x(3, 5, 2), x(3, 5, 2)]},
]

#: function -> generations that have it under this name
PLAIN = {
    "mean_absolute_percentage_error": ALL, "mean_squared_logarithmic_error": ALL, "squared_hinge": ALL, "hinge": ALL,
    "categorical_hinge": ALL, "poisson": ALL, "kullback_leibler_divergence": [*OLD, *TF], "kl_divergence": NEW,
    "logcosh": [*OLD, *TF], "log_cosh": NEW, "cosine_proximity": OLD, "cosine_similarity": CLASSES, "huber_loss": ["2.3"], "huber": NEW,
    "binary_focal_crossentropy": NEW, "categorical_focal_crossentropy": NEW, "dice": THREE, "tversky": THREE,
}  # fmt: skip
#: float32 constants in Keras stop these in float64, or show there
ONE_DTYPE = {"categorical_hinge": list(NEW), "logcosh": [], "log_cosh": [], "huber": THREE}
FORMULAS = [
    case
    for name, generations in PLAIN.items()
    for case in (
        _loss(f"{name}_signed", name, T, P, generations=list(generations), float64=ONE_DTYPE.get(name, True)),
        _loss(f"{name}_shares", name, SHARES, ROWS, generations=list(generations)),
        _loss(f"{name}_binary", name, BINARY, HALVES, generations=list(generations)),
        _loss(f"{name}_steps", name, STEPS, STEPS, generations=list(generations)),
    )
] + [
    _loss("hinge_signs", "hinge", SIGNS, P),
    _loss("hinge_zeros", "hinge", [[0, 0, 0]], [[0.8, 0.1, 1]]),
    _loss("squared_hinge_signs", "squared_hinge", SIGNS, P),
    _loss("squared_hinge_two", "squared_hinge", [[2, 1]], [[0.5, 0.5]]),
    _loss("mape_zero", "mean_absolute_percentage_error", [[0, 1]], [[1, 0.5]]),
    _loss("log_cosh_large", "log_cosh", [[0, 0]], [[200, -200]], generations=list(NEW)),
    _loss("logcosh_large", "logcosh", [[0, 0]], [[200, -200]], generations=["2.2", "2.3", "2.15"]),
    _loss("poisson_zero", "poisson", [[2, 0]], [[0, 0.5]]),
    _loss("cosine_axis", "cosine_similarity", T, P, {"axis": 0}, generations=CLASSES),
    _loss("cosine_zero", "cosine_similarity", [[0, 0, 0]], [[1, 2, 3]], generations=CLASSES, gradient=False),
    _loss("cosine_proximity_axis", "cosine_proximity", T, P, {"axis": 0}, generations=["2.3"]),
    _loss("huber_delta", "huber", T, P, {"delta": 0.4}, generations=list(NEW), float64=THREE),
    _loss("huber_loss_delta", "huber_loss", T, P, {"delta": 0.4}, generations=["2.3"]),
    _loss("huber_rank1", "huber", [1.0, 2.0], [0.5, 4.0], generations=list(NEW)),
    *(_loss(f"binary_focal_{word}", "binary_focal_crossentropy", BINARY, predictions, config, generations=list(NEW))
      for word, predictions, config in (
          ("balanced", HALVES, {"apply_class_balancing": True}), ("alpha", HALVES, {"apply_class_balancing": True, "alpha": 0.6}),
          ("gamma", HALVES, {"gamma": 1.0}), ("logits", LOGITS, {"from_logits": True}), ("smoothed", HALVES, {"label_smoothing": 0.2}),
          ("axis", HALVES, {"axis": 0}), ("saturated", [[0, 1, 1], [0, 1, 0]], {}),
          ("all", LOGITS, {"from_logits": True, "label_smoothing": 0.1, "apply_class_balancing": True, "gamma": 3.0, "axis": 0}))),
    *(_loss(f"categorical_focal_{word}", "categorical_focal_crossentropy", ONE_HOT, predictions, config, generations=list(NEW))
      for word, predictions, config in (
          ("alpha", ROWS, {"alpha": 0.6}), ("alphas", ROWS, {"alpha": [0.2, 0.3, 0.5]}), ("gamma", ROWS, {"gamma": 1.0}),
          ("logits", LOGITS, {"from_logits": True}), ("smoothed", ROWS, {"label_smoothing": 0.2}), ("axis", ROWS, {"axis": 0}),
          ("uneven", UNEVEN, {}), ("all", LOGITS, {"from_logits": True, "label_smoothing": 0.1, "gamma": 3.0}))),
    _loss("dice_axis", "dice", BINARY, HALVES, {"axis": [1]}, generations=THREE),
    _loss("dice_zero", "dice", [[0, 0]], [[0, 0]], generations=THREE),
    _loss("tversky_uneven", "tversky", BINARY, HALVES, {"alpha": 0.2, "beta": 0.7}, generations=THREE),
    _loss("tversky_axis", "tversky", STEPS, STEPS, {"alpha": 0.3, "beta": 0.9, "axis": [1, 2]}, generations=THREE),
    _sparse("generalized", "categorical_generalized_cross_entropy", [0, 2], ROWS, {"q": 0.5}, generations=THREE),
    _sparse("generalized_q", "categorical_generalized_cross_entropy", [0, 2], ROWS, {"q": 0.9}, generations=THREE),
    _sparse("generalized_steps", "categorical_generalized_cross_entropy", [[0, 2], [1, 1]], [ROWS, ROWS], {"q": 0.3}, generations=THREE),
    _sparse("circle", "circle", [0, 1, 0, 1], x(4, 3), generations=THREE),
    _sparse("circle_margin", "circle", [0, 1, 0, 2], x(4, 3), {"gamma": 8, "margin": 0.2}, generations=THREE),
    _sparse("circle_diagonal", "circle", [0, 1, 0, 1], x(4, 3), {"remove_diagonal": False, "gamma": 8}, generations=THREE),
    _sparse("circle_column", "circle", [[0], [1], [0], [1]], x(4, 3), {"gamma": 8}, generations=THREE),
    _sparse("ctc", "ctc", [[1, 2, 0], [2, 2, 1]], x(2, 6, 4), generations=THREE),
    _sparse("ctc_gap", "ctc", [[1, 0, 2], [0, 3, 0]], x(2, 6, 4), generations=THREE, skip=["gradient"],
            note="torch's gradient takes it that no label is the blank"),
    _sparse("ctc_long", "ctc", [[1, 2, 3, 1], [2, 0, 0, 0]], x(2, 9, 5, low=-3, high=3), generations=THREE),
]  # fmt: skip

#: name -> (generations of losses.get that know it, with the error where not)
NAMES = {
    "mse": ALL, "MSE": ALL, "mae": ALL, "MAE": ALL, "mape": ALL, "MAPE": ALL, "msle": ALL, "MSLE": ALL, "kld": ALL, "KLD": ALL,
    "bce": NEW, "BCE": NEW, "kl_divergence": NEW, "kullback_leibler_divergence": [*OLD, *TF], "cosine": OLD, "cosine_proximity": OLD,
    "cosine_similarity": CLASSES, "logcosh": [*OLD, *TF], "log_cosh": NEW, "huber_loss": ["2.3", *TF], "huber": NEW, "hinge": ALL,
    "squared_hinge": ALL, "categorical_hinge": ALL, "poisson": ALL, "binary_crossentropy": ALL, "categorical_crossentropy": ALL,
    "mean_squared_error": ALL, "mean_absolute_error": ALL, "mean_absolute_percentage_error": ALL, "mean_squared_logarithmic_error": ALL,
    "binary_focal_crossentropy": NEW, "categorical_focal_crossentropy": NEW, "tversky": THREE, "dice": THREE, "MeanSquaredError": NEW,
    "LogCosh": NEW, "Huber": NEW, "KLDivergence": NEW,
}  # fmt: skip
BY_NAME = [
    {"id": "losses/get_" + name, "kind": "loss", "identifier": name, "inputs": [values(BINARY), values(HALVES)],
     "generations": list(generations)}
    for name, generations in NAMES.items()
] + [
    {"id": "losses/get_unknown", "kind": "loss", "identifier": "no_such", "inputs": [values(T), values(P)],
     "errors": ["2.2", "2.3", "2.15", "3"]},
    {"id": "losses/get_config", "kind": "loss", "identifier": {"class_name": "Huber", "config": {"delta": 0.5, "name": "mine"}},
     "inputs": [values(T), values(P)], "generations": list(NEW), "skip": ["config.delta", "rebuild"], "note": LOST},
]  # fmt: skip

CROSS = [
    _loss("binary_crossentropy", "binary_crossentropy", BINARY, HALVES),
    _loss("binary_crossentropy_steps", "binary_crossentropy", STEPS, STEPS, float64=True),
    _loss("binary_crossentropy_extreme", "binary_crossentropy", [[1, 0, 1, 0]], [[0, 1, 1, 0]], gradient=False),
    _loss("binary_crossentropy_extreme_gradient", "binary_crossentropy", [[1, 0, 1, 0]], [[0, 1, 1, 0]], generations=list(NEW)),
    _loss("binary_crossentropy_logits", "binary_crossentropy", BINARY, LOGITS, {"from_logits": True}, generations=CLASSES),
    _loss("binary_crossentropy_smoothed", "binary_crossentropy", BINARY, HALVES, {"label_smoothing": 0.2}, generations=CLASSES),
    _loss("binary_crossentropy_axis", "binary_crossentropy", BINARY, HALVES, {"axis": 0}, generations=list(NEW)),
    _loss("categorical_crossentropy", "categorical_crossentropy", ONE_HOT, ROWS),
    _loss("categorical_crossentropy_uneven", "categorical_crossentropy", ONE_HOT, UNEVEN),
    _loss("categorical_crossentropy_targets", "categorical_crossentropy", T, ROWS),
    _loss("categorical_crossentropy_targets_logits", "categorical_crossentropy", T, LOGITS, {"from_logits": True}, generations=CLASSES),
    _loss("categorical_crossentropy_targets_logits_steps", "categorical_crossentropy", STEPS, x(2, 4, 3), {"from_logits": True},
          generations=CLASSES),
    _loss("categorical_crossentropy_zero", "categorical_crossentropy", [[1, 0, 0]], [[0, 0.5, 0.5]], gradient=False),
    _loss("categorical_crossentropy_logits", "categorical_crossentropy", ONE_HOT, LOGITS, {"from_logits": True}, generations=CLASSES),
    _loss("categorical_crossentropy_smoothed", "categorical_crossentropy", ONE_HOT, ROWS, {"label_smoothing": 0.3}, generations=CLASSES),
    _loss("categorical_crossentropy_axis", "categorical_crossentropy", [[1, 0, 1], [0, 1, 0]], ROWS, {"axis": 0}, generations=list(NEW)),
    _loss("categorical_crossentropy_axis_logits", "categorical_crossentropy", STEPS, x(2, 4, 3), {"axis": 1, "from_logits": True},
          generations=list(NEW)),
    _loss("categorical_crossentropy_axis_smoothed", "categorical_crossentropy", STEPS, STEPS, {"axis": 1, "label_smoothing": 0.2},
          generations=list(NEW)),
    _sparse("sparse_categorical_crossentropy", "sparse_categorical_crossentropy", [0, 2], ROWS),
    _sparse("sparse_categorical_crossentropy_column", "sparse_categorical_crossentropy", [[0], [2]], ROWS),
    _sparse("sparse_categorical_crossentropy_uneven", "sparse_categorical_crossentropy", [0, 2], UNEVEN),
    _sparse("sparse_categorical_crossentropy_steps", "sparse_categorical_crossentropy", [[0, 2], [1, 0]], [ROWS, ROWS]),
    _sparse("sparse_categorical_crossentropy_steps_column", "sparse_categorical_crossentropy", [[[0], [2]], [[1], [0]]], [ROWS, ROWS]),
    _sparse("sparse_categorical_crossentropy_logits", "sparse_categorical_crossentropy", [0, 2], LOGITS, {"from_logits": True},
            generations=CLASSES),
    _sparse("sparse_categorical_crossentropy_axis", "sparse_categorical_crossentropy", [0, 1, 1], ROWS, {"axis": 0},
            generations=["2.3", *TF]),
    _sparse("sparse_categorical_crossentropy_ignored", "sparse_categorical_crossentropy", [0, 2], ROWS, {"ignore_class": 2},
            generations=list(NEW)),
    _sparse("sparse_categorical_crossentropy_ignored_negative", "sparse_categorical_crossentropy", [0, -1], ROWS, {"ignore_class": -1},
            generations=list(NEW)),
    _sparse("sparse_categorical_crossentropy_ignored_steps", "sparse_categorical_crossentropy", [[0, 2], [1, 0]], [ROWS, LOGITS],
            {"ignore_class": 0, "from_logits": True}, generations=list(NEW)),
]  # fmt: skip

#: class -> targets, predictions, generations
MADE = {
    "MeanSquaredError": (T, P, CLASSES), "MeanAbsoluteError": (T, P, CLASSES), "MeanAbsolutePercentageError": (T, P, CLASSES),
    "MeanSquaredLogarithmicError": (T, P, CLASSES), "BinaryCrossentropy": (BINARY, HALVES, CLASSES),
    "CategoricalCrossentropy": (ONE_HOT, ROWS, CLASSES), "SparseCategoricalCrossentropy": ([0, 2], ROWS, CLASSES),
    "Hinge": (BINARY, HALVES, CLASSES), "SquaredHinge": (BINARY, HALVES, CLASSES), "CategoricalHinge": (ONE_HOT, ROWS, CLASSES),
    "KLDivergence": (SHARES, ROWS, CLASSES), "Poisson": (SHARES, ROWS, CLASSES), "LogCosh": (T, P, CLASSES), "Huber": (T, P, CLASSES),
    "CosineSimilarity": (T, P, NEW), "BinaryFocalCrossentropy": (BINARY, HALVES, NEW),
    "CategoricalFocalCrossentropy": (ONE_HOT, ROWS, NEW), "CategoricalGeneralizedCrossEntropy": ([0, 2], ROWS, THREE),
}  # fmt: skip
OBJECTS = [
    _loss(f"{made}_{word}", made, targets, predictions, config, weights=weights, generations=list(generations))
    for made, (targets, predictions, generations) in MADE.items()
    for word, config, weights in (
        ("plain", {}, None), ("weighted", {}, WEIGHTS), ("weighted_zero", {}, [2.0, 0.0]), ("none", {"reduction": "none"}, WEIGHTS),
        ("sum", {"reduction": "sum", "name": "told"}, WEIGHTS),
    )
] + [
    _loss(f"{made}_{word}", made, x(2, 4, 3, low=0), x(2, 4, 3, low=0), {"reduction": way}, generations=list(generations), **more)
    for made in ("MeanSquaredError", "BinaryCrossentropy", "CategoricalCrossentropy", "Huber", "Poisson")
    for word, way, generations, more in (
        ("steps", "sum_over_batch_size", CLASSES, {"weights": [[1, 2, 0, 1], [3, 1, 1, 0]]}),
        ("steps_mean", "mean", THREE, {"weights": [[1, 2, 0, 1], [3, 1, 1, 0]]}),
        ("steps_weighted_mean", "mean_with_sample_weight", THREE, {"weights": [[1, 2, 0, 1], [3, 1, 1, 0]]}),
        ("weighted_mean", "mean_with_sample_weight", THREE, {}),
        ("auto", "auto", TF, {"weights": [2, 3]}),
        ("masked", "sum_over_batch_size", NEW, {"mask": [[1, 1, 0, 0], [1, 1, 1, 0]]}),
        ("masked_none", "none", NEW, {"mask": [[1, 1, 0, 0], [1, 1, 1, 0]]}),
        ("masked_sum", "sum", NEW, {"mask": [[1, 1, 0, 0], [1, 1, 1, 0]]}),
        ("masked_steps", "sum_over_batch_size", NEW, {"mask": [[1, 1, 0, 0], [1, 1, 1, 0]], "weights": [[1, 2, 0, 1], [3, 1, 1, 0]]}),
        ("masked_weighted_mean", "mean_with_sample_weight", THREE,
         {"mask": [[1, 1, 0, 0], [1, 1, 1, 0]], "weights": [[1, 2, 0, 1], [3, 1, 1, 0]]}),
    )
] + [
    _loss("MeanSquaredError_nothing_kept", "MeanSquaredError", STEPS, STEPS, mask=[[0] * 4, [0] * 4], generations=list(NEW),
          gradient=False),
    _loss("MeanSquaredError_masked_by_sample", "MeanSquaredError", STEPS, STEPS, weights=[1.0, 3.0], mask=[[1, 1, 0, 0], [1, 1, 1, 0]],
          generations=TF),
    _loss("MeanSquaredError_weights_of_samples", "MeanSquaredError", STEPS, STEPS, weights=[1.0, 3.0], generations=list(NEW), errors=THREE),
    _loss("MeanSquaredError_column_weights", "MeanSquaredError", STEPS, STEPS, weights=[[1.0], [3.0]], generations=list(NEW)),
    _loss("MeanSquaredError_scalar_weight", "MeanSquaredError", T, P, weights=3.0, generations=list(NEW)),
    _loss("BinaryCrossentropy_config", "BinaryCrossentropy", BINARY, LOGITS,
          {"from_logits": True, "label_smoothing": 0.1, "name": "told"}, generations=CLASSES),
    _loss("BinaryCrossentropy_axis", "BinaryCrossentropy", BINARY, HALVES, {"axis": 0}, generations=list(NEW)),
    _loss("CategoricalCrossentropy_logits", "CategoricalCrossentropy", ONE_HOT, LOGITS, {"from_logits": True}, generations=CLASSES),
    _loss("CategoricalCrossentropy_targets", "CategoricalCrossentropy", T, LOGITS, {"from_logits": True, "label_smoothing": 0.1},
          generations=CLASSES),
    _loss("CategoricalCrossentropy_axis", "CategoricalCrossentropy", STEPS, STEPS, {"axis": 1}, generations=list(NEW)),
    _sparse("SparseCategoricalCrossentropy_ignored", "SparseCategoricalCrossentropy", [0, 2], ROWS, {"ignore_class": 2},
            generations=list(NEW)),
    _sparse("SparseCategoricalCrossentropy_ignored_weighted", "SparseCategoricalCrossentropy", [0, 2], ROWS, {"ignore_class": 2},
            weights=WEIGHTS, generations=list(NEW)),
    _sparse("SparseCategoricalCrossentropy_ignored_masked", "SparseCategoricalCrossentropy", [[0, 2, 1, 1], [0, 0, 2, 1]], x(2, 4, 3),
            {"ignore_class": 1, "from_logits": True}, mask=[[1, 1, 0, 0], [1, 1, 1, 0]], generations=list(NEW)),
    _loss("Huber_delta", "Huber", T, P, {"delta": 0.3}, generations=["2.3", *TF]),
    _loss("CosineSimilarity_axis", "CosineSimilarity", T, P, {"axis": 0}, generations=TF),
    _loss("Huber_delta_3", "Huber", T, P, {"delta": 0.3}, generations=THREE, skip=["config.delta", "rebuild"], note=LOST),
    _loss("CosineSimilarity_axis_3", "CosineSimilarity", T, P, {"axis": 0}, generations=THREE, skip=["config.axis", "rebuild"], note=LOST),
    _loss("BinaryFocalCrossentropy_config", "BinaryFocalCrossentropy", BINARY, LOGITS, {"apply_class_balancing": True, "alpha": 0.4,
          "gamma": 1.5, "from_logits": True, "label_smoothing": 0.1}, generations=list(NEW)),
    _loss("CategoricalFocalCrossentropy_config", "CategoricalFocalCrossentropy", ONE_HOT, LOGITS, {"alpha": 0.4, "gamma": 1.5,
          "from_logits": True, "label_smoothing": 0.1}, generations=list(NEW)),
    _loss("MeanSquaredError_masked_column", "MeanSquaredError", [[[1], [2], [3], [9]]], [[[0], [0], [0], [0]]], mask=[[1, 1, 1, 0]],
          generations=list(NEW)),
    _loss("MeanSquaredError_ranks", "MeanSquaredError", [1, 2, 3], [[1], [3], [5]], generations=list(NEW)),
    _loss("MeanSquaredError_ranks_turned", "MeanSquaredError", [[1], [2], [3]], [1, 3, 5], generations=list(NEW)),
    _loss("MeanSquaredError_integers", "MeanSquaredError", [[1, 2]], values([[2, 4]], dtype="int32"), dtype="int32", gradient=False,
          generations=list(NEW)),
    _loss("MeanSquaredError_float64", "MeanSquaredError", T, P, {"dtype": "float64"}, generations=THREE, skip=["rebuild"], note=LOST),
    _loss("CategoricalCrossentropy_float64", "CategoricalCrossentropy", ONE_HOT, ROWS, {"dtype": "float64"}, generations=THREE,
          skip=["rebuild"], note=LOST),
    *(_loss(f"{made}_{word}", made, BINARY, HALVES, config, weights=weights, generations=THREE)
      for made in ("Dice", "Tversky")
      for word, config, weights in (("plain", {}, None), ("weighted", {}, 2.0), ("axis", {"axis": [1]}, WEIGHTS))),
    _loss("Tversky_uneven", "Tversky", BINARY, HALVES, {"alpha": 0.2, "beta": 0.7}, generations=THREE),
    _loss("CategoricalGeneralizedCrossEntropy_q", "CategoricalGeneralizedCrossEntropy", [0, 2], ROWS, {"q": 0.9}, generations=THREE),
    _loss("CategoricalGeneralizedCrossEntropy_q_wrong", "CategoricalGeneralizedCrossEntropy", [0, 2], ROWS, {"q": 1.5}, generations=THREE,
          errors=THREE),
    _sparse("Circle_plain", "Circle", [0, 1, 0, 1], x(4, 3), generations=THREE),
    _sparse("Circle_config", "Circle", [0, 1, 0, 1], x(4, 3), {"gamma": 8.0, "margin": 0.2, "remove_diagonal": False,
            "reduction": "none"}, generations=THREE),
    _sparse("CTC_plain", "CTC", [[1, 2, 0], [2, 2, 1]], x(2, 6, 4), generations=THREE),
    _sparse("CTC_weighted", "CTC", [[1, 2, 0], [2, 2, 1]], x(2, 6, 4), weights=WEIGHTS, generations=THREE),
    _loss("reduction_unknown", "MeanSquaredError", T, P, {"reduction": "average"}, generations=CLASSES, errors=CLASSES),
    _loss("label_smoothing_unknown_argument", "MeanSquaredError", T, P, {"label_smoothing": 0.1}, generations=CLASSES, errors=CLASSES),
]  # fmt: skip

CASES = MEAN_ERRORS + FORMULAS + BY_NAME + CROSS + OBJECTS
