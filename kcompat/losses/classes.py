"""The loss classes that stand for a function: one table of names, functions and options."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from kcompat import registry
from kcompat.errors import ArgumentError, ArgumentTypeError
from kcompat.generations import NOT_GIVEN, behaviour
from kcompat.losses import crossentropies, functions
from kcompat.losses.base import LossFunctionWrapper
from kcompat.losses.bind import by_name


class FunctionLoss(LossFunctionWrapper):
    """A loss class of the table below: a function, and its options as arguments before `reduction`, `name` and `dtype`."""

    function: Callable[..., Any]
    options: dict[str, Any]
    #: the name of objects that are given none; None: that of the function
    told: str | None = None
    #: the row of generations with the order of positional arguments, where it changed
    order_row: str | None = None
    #: options that a config leaves out at their defaults
    late: tuple[str, ...] = ()

    def __init__(self, *args: Any, **kwargs: Any):
        cls = type(self)
        known = [*cls.options, "reduction", "name", "dtype"]
        given = by_name(cls.__name__, behaviour(cls.order_row).split() if cls.order_row else known, known, args, kwargs)
        options = {key: given.pop(key, default) for key, default in self.options.items()}
        for key, check in _CHECKS.items():
            if key in options:
                check(f"{cls.__name__}: `{key}`", options[key])
        kept = {key: value for key, value in options.items() if key not in self.late or value != self.options[key]}
        name = given.pop("name", self.told or registry.function_name(cls.function))
        super().__init__(cls.function, given.pop("reduction", NOT_GIVEN), name, given.pop("dtype", None), **kept)


def _fraction(what: str, value: Any) -> None:
    if not isinstance(value, (int, float)) or not 0 <= value <= 1:
        raise ArgumentError(f"{what} must be a number from 0 to 1, received {value!r}.")


def _open_fraction(what: str, value: Any) -> None:
    if not isinstance(value, (int, float)) or not 0 < value < 1:
        raise ArgumentError(f"{what} must be a number between 0 and 1, received {value!r}.")


def _class_index(what: str, value: Any) -> None:
    if value is not None and (isinstance(value, bool) or not hasattr(value, "__index__")):
        raise ArgumentTypeError(f"{what} must be a class index or None, received {value!r}.")


_CHECKS = {"label_smoothing": _fraction, "q": _open_fraction, "ignore_class": _class_index}
_QUIRKS: dict[str, dict[str, Any]] = {
    "BinaryCrossentropy": {"order_row": "crossentropy_class_arguments"},
    "CategoricalCrossentropy": {"order_row": "crossentropy_class_arguments"},
    "SparseCategoricalCrossentropy": {"order_row": "sparse_crossentropy_class_arguments", "late": ("axis",)},
    "Dice": {"order_row": "dice_class_arguments"},
    "Tversky": {"order_row": "tversky_class_arguments"},
}


def _made(name: str, function: Callable[..., Any], doc: str, told: str | None = None, **options: Any) -> type[FunctionLoss]:
    defaults = {**options, "reduction": NOT_GIVEN, "name": told or function.__name__, "dtype": None}
    signature = inspect.Signature([inspect.Parameter(w, inspect.Parameter.POSITIONAL_OR_KEYWORD, default=d) for w, d in defaults.items()])
    body = {
        "function": staticmethod(function), "options": options, "told": told, "__doc__": doc, "__module__": __name__,
        "__signature__": signature, **_QUIRKS.get(name, {}),
    }  # fmt: skip
    return type(name, (FunctionLoss,), body)


_SMOOTHED: dict[str, Any] = {"from_logits": False, "label_smoothing": 0.0, "axis": -1}

MeanSquaredError = _made("MeanSquaredError", functions.mean_squared_error, "Mean of squared differences.")
MeanAbsoluteError = _made("MeanAbsoluteError", functions.mean_absolute_error, "Mean of absolute differences.")
MeanAbsolutePercentageError = _made(
    "MeanAbsolutePercentageError", functions.mean_absolute_percentage_error, "Mean of absolute differences as percentages of the targets."
)
MeanSquaredLogarithmicError = _made(
    "MeanSquaredLogarithmicError", functions.mean_squared_logarithmic_error, "Mean of squared differences of `log(1 + x)`."
)
LogCosh = _made("LogCosh", functions.log_cosh, "Mean of `log(cosh(difference))`.")
Huber = _made("Huber", functions.huber, "Squares of small differences, straight lines beyond `delta`.", "huber_loss", delta=1.0)
Poisson = _made("Poisson", functions.poisson, "Mean of `y_pred - y_true log(y_pred)`.")
KLDivergence = _made("KLDivergence", functions.kl_divergence, "Kullback-Leibler divergence of the predictions from the targets.")
Hinge = _made("Hinge", functions.hinge, "Mean of `max(1 - y_true y_pred, 0)`.")
SquaredHinge = _made("SquaredHinge", functions.squared_hinge, "Mean of `max(1 - y_true y_pred, 0) ** 2`.")
CategoricalHinge = _made("CategoricalHinge", functions.categorical_hinge, "`max(0, 1 + largest wrong score - right score)`.")
CosineSimilarity = _made(
    "CosineSimilarity", functions.cosine_similarity, "Minus the cosine of the angle along `axis`.", "cosine_similarity", axis=-1
)
BinaryCrossentropy = _made(
    "BinaryCrossentropy", crossentropies.binary_crossentropy, "Cross entropy of yes/no probabilities or logits.", **_SMOOTHED
)
BinaryFocalCrossentropy = _made(
    "BinaryFocalCrossentropy",
    crossentropies.binary_focal_crossentropy,
    "Binary cross entropy in which what is right already counts less. Source: https://arxiv.org/abs/1708.02002",
    apply_class_balancing=False,
    alpha=0.25,
    gamma=2.0,
    **_SMOOTHED,
)
CategoricalCrossentropy = _made(
    "CategoricalCrossentropy", crossentropies.categorical_crossentropy, "Cross entropy of one-hot targets.", **_SMOOTHED
)
CategoricalFocalCrossentropy = _made(
    "CategoricalFocalCrossentropy",
    crossentropies.categorical_focal_crossentropy,
    "Categorical cross entropy in which what is right already counts less.",
    alpha=0.25,
    gamma=2.0,
    **_SMOOTHED,
)
SparseCategoricalCrossentropy = _made(
    "SparseCategoricalCrossentropy",
    crossentropies.sparse_categorical_crossentropy,
    "Cross entropy of class indices; entries whose index is `ignore_class` do not count.",
    from_logits=False,
    ignore_class=None,
    axis=-1,
)
CategoricalGeneralizedCrossEntropy = _made(
    "CategoricalGeneralizedCrossEntropy",
    crossentropies.categorical_generalized_cross_entropy,
    "`(1 - p ** q) / q` of the right class: between cross entropy (q near 0) and absolute error (q near 1).",
    q=0.5,
)
Dice = _made("Dice", functions.dice, "One minus the Dice index of targets and predictions.", axis=None)
Tversky = _made("Tversky", functions.tversky, "One minus the Tversky index of targets and predictions.", alpha=0.5, beta=0.5, axis=None)
Circle = _made("Circle", functions.circle, "Circle loss of embeddings by their labels.", gamma=80.0, margin=0.4, remove_diagonal=True)
CTC = _made("CTC", functions.ctc, "Connectionist temporal classification of label sequences from logits.")

CLASSES: tuple[type[FunctionLoss], ...] = (
    MeanSquaredError, MeanAbsoluteError, MeanAbsolutePercentageError, MeanSquaredLogarithmicError, LogCosh, Huber, Poisson, KLDivergence,
    Hinge, SquaredHinge, CategoricalHinge, CosineSimilarity, BinaryCrossentropy, BinaryFocalCrossentropy, CategoricalCrossentropy,
    CategoricalFocalCrossentropy, SparseCategoricalCrossentropy, CategoricalGeneralizedCrossEntropy, Dice, Tversky, Circle, CTC,
)  # fmt: skip
