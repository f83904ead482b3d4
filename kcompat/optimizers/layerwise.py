"""Update rules that look at a weight as a whole: its norm, its rows and columns. Formulas and lists as in `rules`."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from kcompat.optimizers.rules import Tensors, running_moments


def adafactor(
    params: Tensors, grads: Tensors, rows: Tensors | None, columns: Tensors | None, squares: Tensors | None, *,
    lr: float, step: int, beta_2_decay: float, epsilon_1: float, epsilon_2: float, clip_threshold: float,
) -> None:  # fmt: skip
    """Steps relative to the size of a weight, with second moments of rows and columns instead of entries (weights of rank 2 and up).

    `rows` and `columns` are None for weights of lower rank. Source: https://arxiv.org/abs/1804.04235
    """
    assert squares is not None
    part = float(step) ** beta_2_decay
    rate = min(lr, 1.0 / math.sqrt(step))
    now = torch._foreach_mul(grads, grads)
    torch._foreach_add_(now, epsilon_1)
    if rows is None or columns is None:
        torch._foreach_lerp_(squares, now, part)
    else:
        torch._foreach_lerp_(rows, [g.mean(-1) for g in now], part)
        torch._foreach_lerp_(columns, [g.mean(-2) for g in now], part)
        for row, column, square in zip(rows, columns, squares, strict=True):
            torch.mul((row / row.mean(-1, keepdim=True)).unsqueeze(-1), column.unsqueeze(-2), out=square)
    steps = torch._foreach_div(grads, torch._foreach_sqrt(squares))
    sizes = [(size / clip_threshold).clamp(min=1.0) for size in _mean_sizes(steps)]
    scales = [size.clamp(min=epsilon_2) * (-rate) for size in _mean_sizes(params)]
    torch._foreach_mul_(steps, [scale / size for scale, size in zip(scales, sizes, strict=True)])
    torch._foreach_add_(params, steps)


def _mean_sizes(tensors: Tensors | tuple[Tensor, ...]) -> Tensors:
    """The root of the mean square of each tensor."""
    return [norm / math.sqrt(max(t.numel(), 1)) for norm, t in zip(torch._foreach_norm(tensors), tensors, strict=True)]


def lamb(
    params: Tensors, grads: Tensors, means: Tensors, squares: Tensors, *,
    lr: float, beta_1: float, beta_2: float, epsilon: float, corrections: tuple[float, float],
) -> None:  # fmt: skip
    """Adam's step `u`, as long as lr times the norm of its weight: `v -= lr |v| / |u| u`. Source: https://arxiv.org/abs/1904.00962"""
    running_moments(means, squares, grads, beta_1, beta_2)
    root = torch._foreach_sqrt(torch._foreach_div(squares, corrections[1]))
    torch._foreach_add_(root, epsilon)
    steps = torch._foreach_div(torch._foreach_div(means, corrections[0]), root)
    sizes = zip(torch._foreach_norm(params), torch._foreach_norm(steps), strict=True)
    ratios = [torch.where((weight > 0) & (step > 0), weight / step, 1.0) * (-lr) for weight, step in sizes]
    torch._foreach_mul_(steps, ratios)
    torch._foreach_add_(params, steps)


def muon(
    params: Tensors, grads: Tensors, moments: Tensors, *,
    lr: float, momentum: float, nesterov: bool, steps: int, polynomial: tuple[float, float, float], rms_rate: float | None,
) -> None:  # fmt: skip
    """Momentum whose step is a matrix with singular values near 1. Source: https://kellerjordan.github.io/posts/muon/

    `rms_rate` scales a step of an (n, m) matrix by `rms_rate sqrt(max(n, m))`.
    """
    torch._foreach_mul_(moments, momentum)
    torch._foreach_add_(moments, grads)
    ahead = torch._foreach_add(grads, moments, alpha=momentum) if nesterov else moments
    for weight, direction in zip(params, ahead, strict=True):
        scale = 1.0 if rms_rate is None else rms_rate * math.sqrt(max(weight.shape))
        weight.add_(orthogonalized(direction, steps, polynomial), alpha=-lr * scale)


def orthogonalized(x: Tensor, steps: int, polynomial: tuple[float, float, float]) -> Tensor:
    """`x` with its singular values drawn near 1 by `steps` of Newton-Schulz: `x = a x + b (x x') x + c (x x')^2 x`."""
    a, b, c = polynomial
    tall = x.shape[-2] > x.shape[-1]
    x = x.mT if tall else x
    x = x / (torch.linalg.matrix_norm(x, keepdim=True) + 1e-7)
    for _ in range(steps):
        gram = x @ x.mT
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x.mT if tall else x


def schedule_free(
    params: Tensors, grads: Tensors, bases: Tensors, squares: Tensors, *,
    lr: float, step: int, beta_1: float, beta_2: float, epsilon: float, correction: float,
) -> None:  # fmt: skip
    """A base sequence z steps as in RMSprop, x is its mean, and the weight lies between: `v = (1 - b1) z + b1 x`.

    x is not kept: `b1 x = v - (1 - b1) z` before the step. Source: https://arxiv.org/abs/2405.15682
    """
    torch._foreach_mul_(squares, beta_2)
    torch._foreach_addcmul_(squares, grads, grads, 1.0 - beta_2)
    root = torch._foreach_sqrt(torch._foreach_div(squares, correction))
    torch._foreach_add_(root, epsilon)
    torch._foreach_add_(params, bases, alpha=beta_1 - 1.0)
    torch._foreach_addcdiv_(bases, grads, root, -lr)
    torch._foreach_mul_(params, 1.0 - 1.0 / step)
    torch._foreach_add_(params, bases, alpha=1.0 - beta_1 + beta_1 / step)
