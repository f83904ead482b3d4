"""Update rules: one function each, from gradients to weights and slots, in place, on all weights at once.

Every argument is a list of tensors of one device and dtype, or a number. `step` counts from 1. Formulas:
t = step, g = gradient, v -= ... the weight. Lists go through torch's fused and `_foreach_` kernels; nothing is read on the host.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

Tensors = list[Tensor]

#: devices with a fused Adam kernel
_FUSED = ("cpu", "cuda", "mps", "xpu")


def sgd(params: Tensors, grads: Tensors, moments: Tensors | None, *, lr: float, momentum: float, nesterov: bool) -> None:
    """`m = momentum m - lr g; v += m`, or `v += momentum m - lr g` (nesterov); without momentum `v -= lr g`."""
    if moments is None:
        torch._foreach_add_(params, grads, alpha=-lr)
        return
    torch._foreach_mul_(moments, momentum)
    torch._foreach_add_(moments, grads, alpha=-lr)
    if nesterov:
        torch._foreach_add_(params, moments, alpha=momentum)
        torch._foreach_add_(params, grads, alpha=-lr)
    else:
        torch._foreach_add_(params, moments)


def adam(
    params: Tensors,
    grads: Tensors,
    means: Tensors,
    squares: Tensors,
    largest: Tensors | None,
    *,
    lr: float,
    step: int,
    beta_1: float,
    beta_2: float,
    epsilon: float,
    adaptive_epsilon: bool = False,
) -> None:
    """`m = b1 m + (1 - b1) g; s = b2 s + (1 - b2) g^2; v -= lr sqrt(1 - b2^t) / (1 - b1^t) m / (sqrt(s) + epsilon)`.

    `largest` (amsgrad) holds the largest s so far and takes its place. Keras' epsilon is not bias-corrected, torch's is:
    torch's kernel gets `epsilon / sqrt(1 - b2^t)`; `adaptive_epsilon` gives it as it is.
    """
    if beta_2 < 1 and not adaptive_epsilon:
        epsilon = epsilon / math.sqrt(1.0 - beta_2**step)
    first = params[0]
    if first.device.type in _FUSED and first.is_floating_point():
        steps = [torch.full((), float(step), dtype=torch.float32, device=first.device)] * len(params)
        torch._fused_adam_(
            params, grads, means, squares, largest or [], steps,
            lr=lr, beta1=beta_1, beta2=beta_2, weight_decay=0.0, eps=epsilon, amsgrad=largest is not None, maximize=False,
        )  # fmt: skip
        return
    torch._foreach_lerp_(means, grads, 1.0 - beta_1)
    torch._foreach_mul_(squares, beta_2)
    torch._foreach_addcmul_(squares, grads, grads, 1.0 - beta_2)
    if largest is not None:
        torch._foreach_maximum_(largest, squares)
    root = torch._foreach_sqrt(squares if largest is None else largest)
    torch._foreach_div_(root, math.sqrt(1.0 - beta_2**step))
    torch._foreach_add_(root, epsilon)
    torch._foreach_addcdiv_(params, means, root, -lr / (1.0 - beta_1**step))


# -- before and after the rule ----------------------------------------------------------------------------------------------


def clip_each_by_norm(grads: Tensors, limit: float) -> Tensors:
    """Each gradient scaled so that its own norm is at most `limit`."""
    norms = torch._foreach_norm(grads)
    return list(torch._foreach_mul(grads, [limit / norm.clamp(min=limit) for norm in norms]))


def clip_all_by_norm(grads: Tensors, limit: float) -> Tensors:
    """All gradients scaled alike so that the norm of all together is at most `limit`."""
    norm = torch.linalg.vector_norm(torch.stack(torch._foreach_norm(grads)))
    return list(torch._foreach_mul(grads, limit / norm.clamp(min=limit)))


def clip_by_value(grads: Tensors, limit: float) -> Tensors:
    """Every entry cut to [-limit, limit]."""
    clipped = torch._foreach_clamp_max(grads, limit)
    torch._foreach_clamp_min_(clipped, -limit)
    return list(clipped)


def decay_weights(params: Tensors, lr: float, rate: float) -> None:
    """`v -= lr rate v`."""
    torch._foreach_mul_(params, 1.0 - lr * rate)


def average(averages: Tensors, params: Tensors, momentum: float) -> None:
    """`a = momentum a + (1 - momentum) v`."""
    torch._foreach_lerp_(averages, params, 1.0 - momentum)
