"""The crossentropy functions as in Keras; formulas are in `tensor/crossentropy`, the rest as in `functions`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from torch import Tensor

from kcompat import config
from kcompat.errors import ArgumentError, ShapeError
from kcompat.generations import positional
from kcompat.losses.bind import under_laws, with_mean
from kcompat.losses.convert import Laws, as_tensor, floating, logits_behind, pair
from kcompat.tensor import crossentropy as rules


@under_laws
def binary_crossentropy(
    law: Laws, y_true: Any, y_pred: Any, from_logits: bool = False, label_smoothing: float = 0.0, axis: int = -1
) -> Tensor:
    """Cross entropy of independent yes/no probabilities (or logits), mean over `axis`.

    Predictions that come out of a sigmoid are taken as their logits, as Keras does from 2.3 on.
    """
    y_pred, from_logits = logits_behind(law, y_pred, from_logits, "sigmoid")
    target, output = pair(law, y_true, y_pred, "binary_crossentropy")
    return rules.binary_crossentropy(
        target, output, from_logits, label_smoothing, axis, epsilon=config.epsilon(), log_epsilon=law.log_epsilon
    )


@under_laws
def binary_focal_crossentropy(
    law: Laws,
    y_true: Any,
    y_pred: Any,
    apply_class_balancing: bool = False,
    alpha: float = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Tensor:
    """Binary cross entropy times `(1 - q) ** gamma`, q the probability of the target: what is right already counts less."""
    target, output = pair(law, y_true, y_pred, "binary_focal_crossentropy")
    target = rules.smooth_binary(target, label_smoothing)
    hidden, known = (y_pred, False) if from_logits else logits_behind(law, y_pred, from_logits, "sigmoid")
    if from_logits:
        output = output.sigmoid()
    entropy = rules.binary_entropies(target, hidden if known else output, known, epsilon=config.epsilon(), log_epsilon=law.log_epsilon)
    return rules.binary_focal_crossentropy(target, output, entropy, apply_class_balancing, alpha, gamma, axis)


@under_laws
def categorical_crossentropy(
    law: Laws, y_true: Any, y_pred: Any, from_logits: bool = False, label_smoothing: float = 0.0, axis: int = -1
) -> Tensor:
    """Cross entropy of one-hot targets (any distribution) and probabilities or logits along `axis`."""
    y_pred, from_logits = logits_behind(law, y_pred, from_logits, "softmax")
    target, output = _one_hot(law, y_true, y_pred, "categorical_crossentropy")
    smoothing_axis = -1 if law.smoothing_classes == "last" else axis
    return rules.categorical_crossentropy(
        target, output, from_logits, label_smoothing, axis, epsilon=config.epsilon(), smoothing_axis=smoothing_axis
    )


@under_laws
def categorical_focal_crossentropy(
    law: Laws,
    y_true: Any,
    y_pred: Any,
    alpha: float | Sequence[float] = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Tensor:
    """Categorical cross entropy times `alpha (1 - p) ** gamma` for each class; `alpha` may be one number for each class."""
    target, output = _one_hot(law, y_true, y_pred, "categorical_focal_crossentropy")
    target = rules.smooth_classes(target, label_smoothing, -1)
    output = output.softmax(axis) if from_logits else output
    return rules.categorical_focal_crossentropy(target, output, alpha, gamma, axis, epsilon=config.epsilon())


def _one_hot(law: Laws, y_true: Any, y_pred: Any, name: str) -> tuple[Tensor, Tensor]:
    target, output = pair(law, y_true, y_pred)
    if target.shape != output.shape:
        raise ShapeError(
            f"{name}: `y_true` must be one-hot, of the predictions' shape {tuple(output.shape)}, received "
            f"{tuple(target.shape)}. For class indices use sparse_categorical_crossentropy."
        )
    return target, output


def _sparse(
    law: Laws,
    y_true: Any,
    y_pred: Any,
    from_logits: bool = False,
    axis: int = -1,
    ignore_class: int | None = None,
    reduction: str = "none",
) -> Tensor:
    """Cross entropy of class indices and probabilities or logits along `axis`; 0 where the index is `ignore_class`.

    Raises ArgumentError for an index that is no class.
    """
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


_sparse.__name__ = _sparse.__qualname__ = "sparse_categorical_crossentropy"
sparse_categorical_crossentropy = with_mean(under_laws(_sparse, positional("sparse_crossentropy_arguments")))


@under_laws
def categorical_generalized_cross_entropy(law: Laws, y_true: Any, y_pred: Any, q: float) -> Tensor:
    """`(1 - p[t] ** q) / q` for class indices t: q near 0 is the cross entropy, q = 1 the mean absolute error."""
    output = floating(as_tensor(y_pred))
    target = as_tensor(y_true, output.device)
    target = target.squeeze(-1) if target.ndim == output.ndim and target.shape[-1] == 1 else target
    return rules.categorical_generalized_cross_entropy(target, output, q, epsilon=config.epsilon())


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


#: further names of the functions
ALIASES: dict[Callable[..., Tensor], tuple[str, ...]] = {binary_crossentropy: ("bce", "BCE")}
FUNCTIONS: tuple[Callable[..., Tensor], ...] = (
    binary_crossentropy, binary_focal_crossentropy, categorical_crossentropy, categorical_focal_crossentropy,
    sparse_categorical_crossentropy, categorical_generalized_cross_entropy,
)  # fmt: skip
