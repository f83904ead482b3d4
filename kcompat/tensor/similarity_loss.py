"""Losses between whole sets: of pixels (dice, Tversky), of embeddings (circle), of sequences (CTC). Torch in, torch out."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from kcompat.tensor.loss import Axis


def tversky(
    y_true: Tensor, y_pred: Tensor, alpha: float = 0.5, beta: float = 0.5, axis: Axis | None = None, *, epsilon: float = 1e-7
) -> Tensor:
    """One minus the Tversky index `i / (i + alpha fn + beta fp)`, sums over `axis` (None: all of it, one number).

    That `alpha` weighs what is missed and `beta` what is too much is what Keras computes; its documentation says the reverse.
    """
    axes = tuple(range(y_true.ndim)) if axis is None else axis
    both = (y_true * y_pred).sum(axes)
    extra, missed = ((1.0 - y_true) * y_pred).sum(axes), (y_true * (1.0 - y_pred)).sum(axes)
    return 1.0 - both / (both + missed * alpha + extra * beta + epsilon)


def dice(y_true: Tensor, y_pred: Tensor, axis: Axis | None = None, *, epsilon: float = 1e-7) -> Tensor:
    """One minus the Dice index `2 sum(t p) / (sum(t) + sum(p))`, sums over `axis` (None: all of it, one number)."""
    axes = tuple(range(y_true.ndim)) if axis is None else axis
    return 1.0 - 2.0 * (y_true * y_pred).sum(axes) / (y_true.sum(axes) + y_pred.sum(axes) + epsilon)


def circle(
    labels: Tensor,
    embeddings: Tensor,
    ref_labels: Tensor,
    ref_embeddings: Tensor,
    remove_diagonal: bool = True,
    gamma: float = 80.0,
    margin: float = 0.4,
) -> Tensor:
    """Circle loss of each embedding (n, d) against the references (m, d), by labels (n,) and (m,).

    `softplus(logsumexp(g a_n (s_n - m)) + logsumexp(-g a_p (s_p - 1 + m)))` over similarities s of pairs with other and with the same
    label, with weights `a_p = max(1 + m - s, 0)`, `a_n = max(s + m, 0)`, through which gradients flow too; no s counts for more than 1.
    Source: https://arxiv.org/abs/2002.10857
    """
    distance = (1.0 - embeddings @ ref_embeddings.T).clamp(min=0.0)
    same = labels[:, None] == ref_labels[None, :]
    other = ~same
    if remove_diagonal:
        same = same & ~torch.eye(*same.shape, dtype=torch.bool, device=same.device)
    pull = gamma * (distance + margin).clamp(min=0.0) * (distance - margin)
    push = gamma * (1.0 + margin - distance).clamp(min=0.0) * (1.0 - margin - distance)
    least = torch.finfo(distance.dtype).min
    pulled = torch.where(same, pull, least).logsumexp(1)
    pushed = torch.where(other, push, least).logsumexp(1)
    return F.softplus(pulled + pushed)


def ctc(y_true: Tensor, y_pred: Tensor) -> Tensor:
    """Connectionist temporal classification: labels (n, s) and logits (n, t, classes), class 0 is the blank; one value a sample.

    As many labels of a row count as are not 0: zeros behind them are padding.
    """
    scores = y_pred.log_softmax(-1).transpose(0, 1)
    steps = torch.full((y_pred.shape[0],), y_pred.shape[1], dtype=torch.int64)
    labels = y_true.to(torch.int64)
    lengths = (labels != 0).sum(1)
    return F.ctc_loss(scores, labels, steps, lengths, blank=0, reduction="none")
