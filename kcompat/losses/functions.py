"""Loss functions: targets and predictions to one value for each sample (or step), under the laws of the generation."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from torch import Tensor

from kcompat import config
from kcompat.errors import ArgumentError, ShapeError
from kcompat.generations import positional
from kcompat.losses.convert import Laws, as_tensor, floating, laws, logits_behind, pair
from kcompat.tensor import loss as rules


def mean_squared_error(y_true: Any, y_pred: Any) -> Tensor:
    """Mean over the last axis of the squared differences."""
    return _mean_squared_error(laws(), y_true, y_pred)


def mean_absolute_error(y_true: Any, y_pred: Any) -> Tensor:
    """Mean over the last axis of the absolute differences."""
    return _mean_absolute_error(laws(), y_true, y_pred)


def binary_crossentropy(y_true: Any, y_pred: Any, from_logits: bool = False, label_smoothing: float = 0.0, axis: int = -1) -> Tensor:
    """Cross entropy of independent yes/no probabilities (or logits), mean over `axis`.

    Predictions that come out of a sigmoid are taken as their logits, as Keras does from 2.3 on.
    """
    return _binary_crossentropy(laws(), y_true, y_pred, from_logits, label_smoothing, axis)


def categorical_crossentropy(y_true: Any, y_pred: Any, from_logits: bool = False, label_smoothing: float = 0.0, axis: int = -1) -> Tensor:
    """Cross entropy of one-hot targets (any distribution) and probabilities or logits along `axis`."""
    return _categorical_crossentropy(laws(), y_true, y_pred, from_logits, label_smoothing, axis)


@positional("sparse_crossentropy_arguments")
def sparse_categorical_crossentropy(
    y_true: Any, y_pred: Any, from_logits: bool = False, axis: int = -1, ignore_class: int | None = None
) -> Tensor:
    """Cross entropy of class indices and probabilities or logits along `axis`; 0 where the index is `ignore_class`.

    Raises ArgumentError for an index that is no class.
    """
    return _sparse_categorical_crossentropy(laws(), y_true, y_pred, from_logits, axis, ignore_class)


def _mean_squared_error(law: Laws, y_true: Any, y_pred: Any) -> Tensor:
    return rules.mean_squared_error(*pair(law, y_true, y_pred))


def _mean_absolute_error(law: Laws, y_true: Any, y_pred: Any) -> Tensor:
    return rules.mean_absolute_error(*pair(law, y_true, y_pred))


def _binary_crossentropy(
    law: Laws, y_true: Any, y_pred: Any, from_logits: bool = False, label_smoothing: float = 0.0, axis: int = -1
) -> Tensor:
    y_pred, from_logits = logits_behind(law, y_pred, from_logits, "sigmoid")
    target, output = pair(law, y_true, y_pred)
    return rules.binary_crossentropy(
        target, output, from_logits, label_smoothing, axis, epsilon=config.epsilon(), log_epsilon=law.log_epsilon
    )


def _categorical_crossentropy(
    law: Laws, y_true: Any, y_pred: Any, from_logits: bool = False, label_smoothing: float = 0.0, axis: int = -1
) -> Tensor:
    y_pred, from_logits = logits_behind(law, y_pred, from_logits, "softmax")
    target, output = pair(law, y_true, y_pred)
    if target.shape != output.shape:
        raise ShapeError(
            f"categorical_crossentropy: `y_true` must be one-hot, of the predictions' shape {tuple(output.shape)}, received "
            f"{tuple(target.shape)}. For class indices use sparse_categorical_crossentropy."
        )
    smoothing_axis = -1 if law.smoothing_classes == "last" else axis
    return rules.categorical_crossentropy(
        target, output, from_logits, label_smoothing, axis, epsilon=config.epsilon(), smoothing_axis=smoothing_axis
    )


def _sparse_categorical_crossentropy(
    law: Laws,
    y_true: Any,
    y_pred: Any,
    from_logits: bool = False,
    axis: int = -1,
    ignore_class: int | None = None,
    reduction: str = "none",
) -> Tensor:
    y_pred, from_logits = logits_behind(law, y_pred, from_logits, "softmax")
    output = floating(as_tensor(y_pred))
    target = as_tensor(y_true, output.device)
    try:
        values = rules.sparse_categorical_crossentropy(
            target, output, from_logits, ignore_class, axis, epsilon=config.epsilon(), reduction=reduction
        )
    except IndexError as error:
        raise _no_such_class(target, output.shape[axis]) from error
    except (ValueError, RuntimeError) as error:
        raise _no_class_indices(target, output, axis, error) from error
    if ignore_class is not None:
        values._keras_mask = (target != ignore_class).reshape(values.shape)  # type: ignore[attr-defined]
    return values


def _no_such_class(target: Tensor, classes: int) -> ArgumentError:
    low, high = int(target.min()), int(target.max())
    return ArgumentError(
        f"sparse_categorical_crossentropy: class indices in `y_true` must lie in [0, {classes}), as the predictions have {classes} "
        f"classes; received indices from {low} to {high}."
    )


def _no_class_indices(target: Tensor, output: Tensor, axis: int, error: Exception) -> Exception:
    expected = list(output.shape)
    del expected[axis]
    if list(target.shape) in (expected, [*expected, 1]):
        return error
    return ShapeError(
        f"sparse_categorical_crossentropy: `y_true` must hold class indices of shape {tuple(expected)} for predictions of shape "
        f"{tuple(output.shape)}, received {tuple(target.shape)}. For one-hot targets use categorical_crossentropy."
    )


#: public function -> what computes it under given laws
_BODIES: dict[Callable[..., Tensor], Callable[..., Tensor]] = {
    mean_squared_error: _mean_squared_error,
    mean_absolute_error: _mean_absolute_error,
    binary_crossentropy: _binary_crossentropy,
    categorical_crossentropy: _categorical_crossentropy,
    sparse_categorical_crossentropy: _sparse_categorical_crossentropy,
}


#: functions that can give the mean of their values from one kernel
_WITH_MEAN = (sparse_categorical_crossentropy,)


def bound_mean(function: Callable[..., Any], options: dict[str, Any]) -> Callable[..., Any] | None:
    """The mean of a loss function's values under the laws selected now, where one kernel gives it."""
    if function not in _WITH_MEAN or options.get("ignore_class") is not None:
        return None
    return functools.partial(_BODIES[function], laws(), reduction="mean", **options)


def bound(function: Callable[..., Any]) -> Callable[..., Any]:
    """A loss function under the laws of the generation selected now; a function of the user as it is."""
    body = _BODIES.get(function)
    return function if body is None else functools.partial(body, laws())


#: the short names of the functions
ALIASES: dict[Callable[..., Tensor], tuple[str, ...]] = {
    mean_squared_error: ("mse", "MSE"),
    mean_absolute_error: ("mae", "MAE"),
    binary_crossentropy: ("bce", "BCE"),
}
