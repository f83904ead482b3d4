"""Loss functions as in Keras: targets and predictions in, one value for each sample (or step) out.

A function called directly takes the laws of the selected generation; a loss object keeps those of its construction,
through `bound`. The formulas are in `tensor/loss` and `tensor/similarity_loss`; crossentropies stand in `crossentropies`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor

from kcompat import config
from kcompat.errors import ArgumentError, ShapeError
from kcompat.losses.bind import under_laws
from kcompat.losses.convert import Laws, as_tensor, floating, pair
from kcompat.tensor import loss as rules
from kcompat.tensor import similarity_loss


def _of_pair(name: str, rule: Callable[..., Tensor], epsilon: bool = False) -> Callable[..., Tensor]:
    """The public function of a rule on two tensors that has no options."""

    def body(law: Laws, y_true: Any, y_pred: Any) -> Tensor:
        target, output = pair(law, y_true, y_pred, name)
        return rule(target, output, epsilon=config.epsilon()) if epsilon else rule(target, output)

    body.__name__ = body.__qualname__ = name
    body.__doc__ = rule.__doc__
    return under_laws(body)


mean_squared_error = _of_pair("mean_squared_error", rules.mean_squared_error)
mean_absolute_error = _of_pair("mean_absolute_error", rules.mean_absolute_error)
mean_absolute_percentage_error = _of_pair("mean_absolute_percentage_error", rules.mean_absolute_percentage_error, epsilon=True)
mean_squared_logarithmic_error = _of_pair("mean_squared_logarithmic_error", rules.mean_squared_logarithmic_error, epsilon=True)
log_cosh = _of_pair("log_cosh", rules.log_cosh)
poisson = _of_pair("poisson", rules.poisson, epsilon=True)
kl_divergence = _of_pair("kl_divergence", rules.kl_divergence, epsilon=True)
categorical_hinge = _of_pair("categorical_hinge", rules.categorical_hinge)


@under_laws
def hinge(law: Laws, y_true: Any, y_pred: Any) -> Tensor:
    """Mean over the last axis of `max(1 - t p, 0)`; targets of 0 and 1 count as -1 and 1 (from Keras 2.3 on)."""
    return rules.hinge(*pair(law, y_true, y_pred, "hinge"), signs=law.hinge_signs)


@under_laws
def squared_hinge(law: Laws, y_true: Any, y_pred: Any) -> Tensor:
    """Mean over the last axis of `max(1 - t p, 0) ** 2`; targets of 0 and 1 count as -1 and 1 (from Keras 2.3 on)."""
    return rules.hinge(*pair(law, y_true, y_pred, "squared_hinge"), signs=law.hinge_signs, power=2)


@under_laws
def huber(law: Laws, y_true: Any, y_pred: Any, delta: float = 1.0) -> Tensor:
    """Squares of differences up to `delta`, straight lines beyond; mean over the last axis, in Keras 2.3 the values themselves."""
    target, output = pair(law, y_true, y_pred, "huber")
    return rules.huber(floating(target), floating(output), delta, mean=law.huber_mean)


@under_laws
def cosine_similarity(law: Laws, y_true: Any, y_pred: Any, axis: Any = -1) -> Tensor:
    """Minus the cosine of the angle between targets and predictions along `axis`: -1 where they point the same way."""
    target, output = pair(law, y_true, y_pred, "cosine_similarity")
    return -rules.cosine(target, output, _axes(axis), floor=law.cosine_floor)


@under_laws
def dice(law: Laws, y_true: Any, y_pred: Any, axis: Any = None) -> Tensor:
    """One minus the Dice index `2 sum(t p) / (sum(t) + sum(p))`; sums over `axis`, by default over everything."""
    target, output = pair(law, y_true, y_pred, "dice")
    return similarity_loss.dice(target, output, _axes(axis), epsilon=config.epsilon())


@under_laws
def tversky(law: Laws, y_true: Any, y_pred: Any, alpha: float = 0.5, beta: float = 0.5, axis: Any = None) -> Tensor:
    """One minus the Tversky index, false negatives weighed by `alpha`, false positives by `beta`; over `axis` or all."""
    target, output = pair(law, y_true, y_pred, "tversky")
    return similarity_loss.tversky(target, output, alpha, beta, _axes(axis), epsilon=config.epsilon())


@under_laws
def circle(
    law: Laws,
    y_true: Any,
    y_pred: Any,
    ref_labels: Any = None,
    ref_embeddings: Any = None,
    remove_diagonal: bool = True,
    gamma: float = 80,
    margin: float = 0.4,
) -> Tensor:
    """Circle loss of embeddings (n, d) of length 1 by their class labels (n,), against themselves or given references.

    Source: https://arxiv.org/abs/2002.10857
    """
    embeddings = floating(as_tensor(y_pred))
    labels = as_tensor(y_true, embeddings.device)
    labels = labels.squeeze(-1) if labels.ndim == 2 and labels.shape[-1] == 1 else labels
    if embeddings.ndim != 2 or labels.shape != embeddings.shape[:1]:
        got = f"{tuple(labels.shape)} and {tuple(embeddings.shape)}"
        raise ShapeError(f"circle: `y_true` must be labels of shape (n,) for embeddings `y_pred` of shape (n, d), received {got}.")
    if (ref_labels is None) != (ref_embeddings is None):
        raise ArgumentError("circle: `ref_labels` and `ref_embeddings` are given together or not at all.")
    others = embeddings if ref_embeddings is None else as_tensor(ref_embeddings, embeddings.device).to(embeddings.dtype)
    other_labels = labels if ref_labels is None else as_tensor(ref_labels, embeddings.device)
    return similarity_loss.circle(labels, embeddings, other_labels.reshape(-1), others, remove_diagonal, gamma, margin)


@under_laws
def ctc(law: Laws, y_true: Any, y_pred: Any) -> Tensor:
    """Connectionist temporal classification: labels (n, s), logits (n, steps, classes); class 0 is the blank."""
    logits = floating(as_tensor(y_pred))
    labels = as_tensor(y_true, logits.device)
    if labels.ndim != 2 or logits.ndim != 3 or labels.shape[0] != logits.shape[0]:
        got = f"{tuple(labels.shape)} and {tuple(logits.shape)}"
        raise ShapeError(f"ctc: `y_true` must have shape (n, s) and `y_pred` shape (n, steps, classes), received {got}.")
    return similarity_loss.ctc(labels, logits)


def _axes(axis: Any) -> Any:
    return tuple(axis) if isinstance(axis, (list, tuple)) else axis


#: further names of the functions
ALIASES: dict[Callable[..., Tensor], tuple[str, ...]] = {
    mean_squared_error: ("mse", "MSE"),
    mean_absolute_error: ("mae", "MAE"),
    mean_absolute_percentage_error: ("mape", "MAPE"),
    mean_squared_logarithmic_error: ("msle", "MSLE"),
    kl_divergence: ("kld", "KLD", "kullback_leibler_divergence"),
    log_cosh: ("logcosh",),
    huber: ("huber_loss",),
    cosine_similarity: ("cosine", "cosine_proximity"),
}
#: functions whose name in configs and logs depends on the generation -> the row that tells it
NAME_ROWS: dict[Callable[..., Tensor], str] = {
    kl_divergence: "kl_divergence_name",
    log_cosh: "log_cosh_name",
    huber: "huber_name",
    cosine_similarity: "cosine_name",
}
FUNCTIONS: tuple[Callable[..., Tensor], ...] = (
    mean_squared_error, mean_absolute_error, mean_absolute_percentage_error, mean_squared_logarithmic_error, log_cosh, huber, poisson,
    kl_divergence, hinge, squared_hinge, categorical_hinge, cosine_similarity, dice, tversky, circle, ctc,
)  # fmt: skip
