"""Counts of true and false positives and negatives at thresholds, and what is made of them. Torch in, torch out.

Predictions are counted into the `T + 1` buckets between `T` thresholds, one index for each, so that a batch of n takes n
additions and not T x n comparisons; sums over buckets then give the counts at every threshold.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from kcompat.tensor.loss import divide_or_zero


def evenly_spaced(thresholds: Sequence[float]) -> bool:
    """Whether at least three thresholds go from 0 to 1 in equal steps (to 1e-7 at each)."""
    steps = len(thresholds) - 1
    return steps >= 2 and all(abs(value - index / steps) <= 1e-7 for index, value in enumerate(thresholds))


def edges(thresholds: Sequence[float], even: bool, dtype: torch.dtype) -> Tensor:
    """What a prediction must exceed to count as above each of the sorted `thresholds`.

    `even`: they go from 0 to 1 in equal steps (or just beyond at both ends), and as Keras does a prediction's place is `ceil(p * steps)`,
    at least 1: the edges are the largest numbers whose product, as rounded, is no more than the index.
    """
    if not even:
        return torch.tensor(list(thresholds), dtype=dtype)
    steps = len(thresholds) - 1
    index = torch.arange(steps + 1, dtype=dtype)
    found = index / steps
    for _ in range(4):
        found = torch.where(found * steps > index, torch.nextafter(found, found.new_tensor(-torch.inf)), found)
    for _ in range(4):
        above = torch.nextafter(found, found.new_tensor(torch.inf))
        found = torch.where(above * steps <= index, above, found)
    found[0], found[-1] = -torch.inf, torch.inf
    return found


def add_counts(histogram: Tensor, y_pred: Tensor, above: Tensor, y_true: Tensor, weight: Tensor | None, one: Tensor) -> Tensor:
    """Add (weights of) predictions to a flat `histogram` of two rows, of false and of true targets, in place.

    `above` are the `edges`, for predictions of any shape; for `labels` columns there is a histogram behind the other, and predictions are
    (n, labels). `one` is a tensor of one 1 in the histogram's dtype. Gives the places in the histogram, one for each prediction.
    """
    index = torch.bucketize(y_pred, above)
    size = above.shape[0] + 1
    half = histogram.shape[0] // 2
    if half != size:
        index += torch.arange(0, half, size, device=index.device)
    index.add_(y_true != 0, alpha=half)
    added = one.expand(index.numel()) if weight is None else weight.to(histogram.dtype).reshape(-1)
    places = index.view(-1)
    histogram.index_add_(0, places, added)
    return places


def at_thresholds(histogram: Tensor) -> Tensor:
    """Counts (4, ..., T) of true positives, false positives, true negatives, false negatives from buckets (2, ..., T + 1)."""
    above = histogram.flip(-1).cumsum(-1).flip(-1)[..., 1:]
    below = histogram.cumsum(-1)[..., :-1]
    return torch.stack([above[1], above[0], below[0], below[1]])


def largest_only(y_pred: Tensor, k: int, least: float = -1e10) -> Tensor:
    """The k largest along the last axis (of equal ones the first), `least` in place of the others."""
    order = y_pred.sort(dim=-1, descending=True, stable=True).indices[..., :k]
    kept = torch.zeros_like(y_pred, dtype=torch.bool).scatter_(-1, order, True)
    return torch.where(kept, y_pred, least)


def ratio(part: Tensor, rest: Tensor) -> Tensor:
    """`part / (part + rest)`, 0 where both are 0."""
    return divide_or_zero(part, part + rest)


def best_within(constrained: Tensor, dependent: Tensor, value: float) -> Tensor:
    """The largest `dependent` where `constrained >= value`; 0 where that is nowhere."""
    allowed = constrained >= value
    best = torch.where(allowed, dependent, -1.0).amax()
    return best.clamp(min=0.0)


def nearest_to(constrained: Tensor, dependent: Tensor, value: float) -> Tensor:
    """The `dependent` where `constrained` is nearest to `value` (the first of equal ones)."""
    return dependent[(constrained - value).abs().argmin()]


def area(counts: Tensor, curve: str, summation: str, label_weights: Tensor | None = None) -> Tensor:
    """Area under a curve from counts (4, T) or (4, T, labels): "ROC", "PR", "PRGAIN"; "interpolation", "minoring", "majoring".

    With labels the mean of their areas, weighed by `label_weights`. Source of the interpolation under the precision-recall
    curve: https://www.biostat.wisc.edu/~page/rocpr.pdf
    """
    hit, false, rejected, missed = counts
    if curve == "PR" and summation == "interpolation":
        parts = _interpolated(hit, false, missed)
    else:
        x, y = _curve(hit, false, rejected, missed, curve)
        heights = {"minoring": torch.minimum, "majoring": torch.maximum}.get(summation, _middle)(y[:-1], y[1:])
        parts = (x[:-1] - x[1:]) * heights
    if parts.ndim == 1:
        return parts.sum()
    by_label = parts.sum(0)
    if label_weights is None:
        return by_label.mean()
    return divide_or_zero((by_label * label_weights).sum(), label_weights.sum())


def _middle(a: Tensor, b: Tensor) -> Tensor:
    return (a + b) / 2.0


def _curve(hit: Tensor, false: Tensor, rejected: Tensor, missed: Tensor, curve: str) -> tuple[Tensor, Tensor]:
    recall = ratio(hit, missed)
    if curve == "ROC":
        return ratio(false, rejected), recall
    if curve == "PR":
        return recall, ratio(hit, false)
    share = ratio(hit + missed, false + rejected)
    recall_gain, precision_gain = (divide_or_zero(rate - share, (1.0 - share) * rate) for rate in (recall, ratio(hit, false)))
    return recall_gain.clamp(min=0.0), precision_gain


def _interpolated(hit: Tensor, false: Tensor, missed: Tensor) -> Tensor:
    gained = hit[:-1] - hit[1:]
    found = hit + false
    slope = divide_or_zero(gained, (found[:-1] - found[1:]).clamp(min=0.0))
    offset = hit[1:] - slope * found[1:]
    both = (found[:-1] > 0) & (found[1:] > 0)
    growth = torch.where(both, divide_or_zero(found[:-1], found[1:].clamp(min=0.0)), 1.0)
    return divide_or_zero(slope * (gained + offset * growth.log()), (hit[1:] + missed[1:]).clamp(min=0.0))
