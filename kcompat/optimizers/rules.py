"""Update rules: one function each, from gradients to weights and slots, in place, on all weights at once.

Every argument is a list of tensors of one device and dtype, or a number. `step` counts from 1. Formulas:
t = step, g = gradient, v -= ... the weight. Lists go through torch's fused and `_foreach_` kernels; nothing is read on the host.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

Tensors = list[Tensor]

#: devices with fused kernels of Adam and SGD
_FUSED = ("cpu", "cuda", "mps", "xpu")


def sgd(params: Tensors, grads: Tensors, moments: Tensors | None, *, lr: float, momentum: float, nesterov: bool) -> None:
    """`m = momentum m - lr g; v += m`, or `v += momentum m - lr g` (nesterov); without momentum `v -= lr g`."""
    if moments is None:
        torch._foreach_add_(params, grads, alpha=-lr)
        return
    first = params[0]
    if not nesterov and first.device.type in _FUSED and first.is_floating_point():
        # torch's `b = momentum b + (1 - dampening) g; v -= lr b`, whose b is m
        torch._fused_sgd_(
            params, grads, moments, weight_decay=0.0, momentum=momentum, lr=-1.0, dampening=1.0 + lr, nesterov=False, maximize=False,
            is_first_step=False,
        )  # fmt: skip
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
    corrections: tuple[float, float],
    adaptive_epsilon: bool = False,
) -> None:
    """`m = b1 m + (1 - b1) g; s = b2 s + (1 - b2) g^2; v -= lr sqrt(c2) / c1 m / (sqrt(s) + epsilon)`.

    `corrections` are c1 = 1 - b1^t and c2 = 1 - b2^t. `largest` (amsgrad) holds the largest s so far and takes its place. Keras'
    epsilon is not bias-corrected, torch's is: torch's kernel gets `epsilon / sqrt(c2)`; `adaptive_epsilon` gives it as it is.
    """
    root = math.sqrt(corrections[1])
    epsilon = epsilon if adaptive_epsilon else epsilon / root
    first = params[0]
    if first.device.type in _FUSED and first.is_floating_point():
        # the kernel corrects by its own powers of the betas; the rate and epsilon take the difference
        own = math.sqrt(1.0 - beta_2**step)
        lr, epsilon = lr * (1.0 - beta_1**step) / corrections[0] * (root / own), epsilon * (root / own)
        steps = [torch.full((), float(step), dtype=torch.float32, device=first.device)] * len(params)
        torch._fused_adam_(
            params, grads, means, squares, largest or [], steps,
            lr=lr, beta1=beta_1, beta2=beta_2, weight_decay=0.0, eps=epsilon, amsgrad=largest is not None, maximize=False,
        )  # fmt: skip
        return
    running_moments(means, squares, grads, beta_1, beta_2)
    if largest is not None:
        torch._foreach_maximum_(largest, squares)
    held = torch._foreach_sqrt(squares if largest is None else largest)
    torch._foreach_div_(held, root)
    torch._foreach_add_(held, epsilon)
    torch._foreach_addcdiv_(params, means, held, -lr / corrections[0])


def running_moments(means: Tensors, squares: Tensors, grads: Tensors, beta_1: float, beta_2: float) -> None:
    """`m = b1 m + (1 - b1) g; s = b2 s + (1 - b2) g^2`."""
    torch._foreach_lerp_(means, grads, 1.0 - beta_1)
    torch._foreach_mul_(squares, beta_2)
    torch._foreach_addcmul_(squares, grads, grads, 1.0 - beta_2)


def rmsprop(
    params: Tensors,
    grads: Tensors,
    squares: Tensors,
    moments: Tensors | None,
    means: Tensors | None,
    *,
    lr: float,
    rho: float,
    momentum: float,
    epsilon: float,
    inside: bool,
) -> None:
    """`s = rho s + (1 - rho) g^2; v -= lr g / sqrt(s + epsilon)`, or `/ (sqrt(s) + epsilon)` where epsilon is not `inside` the root.

    `means` (centered) hold the running mean of g, whose square is taken from s; `moments` gather the steps: `m = momentum m + step`.
    """
    torch._foreach_mul_(squares, rho)
    torch._foreach_addcmul_(squares, grads, grads, 1.0 - rho)
    if means is not None:
        torch._foreach_lerp_(means, grads, 1.0 - rho)
        spread = torch._foreach_addcmul(squares, means, means, -1.0)
    else:
        spread = tuple(squares)
    root = torch._foreach_sqrt(torch._foreach_add(spread, epsilon) if inside else spread)
    if not inside:
        torch._foreach_add_(root, epsilon)
    if moments is None:
        torch._foreach_addcdiv_(params, grads, root, -lr)
        return
    torch._foreach_mul_(moments, momentum)
    torch._foreach_addcdiv_(moments, grads, root, lr)
    torch._foreach_sub_(params, moments)


def adagrad(params: Tensors, grads: Tensors, sums: Tensors, *, lr: float, epsilon: float, inside: bool) -> None:
    """`a += g^2; v -= lr g / sqrt(a + epsilon)`, or `/ (sqrt(a) + epsilon)` where epsilon is not `inside` the root."""
    torch._foreach_addcmul_(sums, grads, grads, 1.0)
    if inside:
        root = torch._foreach_add(sums, epsilon)
        torch._foreach_sqrt_(root)
    else:
        root = torch._foreach_sqrt(sums)
        torch._foreach_add_(root, epsilon)
    torch._foreach_addcdiv_(params, grads, root, -lr)


def adadelta(params: Tensors, grads: Tensors, squares: Tensors, changes: Tensors, *, lr: float, rho: float, epsilon: float) -> None:
    """`s = rho s + (1 - rho) g^2; d = g sqrt(c + epsilon) / sqrt(s + epsilon); v -= lr d; c = rho c + (1 - rho) d^2`."""
    torch._foreach_mul_(squares, rho)
    torch._foreach_addcmul_(squares, grads, grads, 1.0 - rho)
    change = torch._foreach_add(changes, epsilon)
    torch._foreach_div_(change, torch._foreach_add(squares, epsilon))
    torch._foreach_sqrt_(change)
    torch._foreach_mul_(change, grads)
    torch._foreach_add_(params, change, alpha=-lr)
    torch._foreach_mul_(changes, rho)
    torch._foreach_addcmul_(changes, change, change, 1.0 - rho)


def adamax(
    params: Tensors, grads: Tensors, means: Tensors, norms: Tensors, *,
    lr: float, beta_1: float, beta_2: float, epsilon: float, correction: float,
) -> None:  # fmt: skip
    """`m = b1 m + (1 - b1) g; u = max(b2 u, |g|); v -= lr / (1 - b1^t) m / (u + epsilon)`; `correction` is 1 - b1^t."""
    torch._foreach_lerp_(means, grads, 1.0 - beta_1)
    torch._foreach_mul_(norms, beta_2)
    torch._foreach_maximum_(norms, torch._foreach_abs(grads))
    torch._foreach_addcdiv_(params, means, torch._foreach_add(norms, epsilon), -lr / correction)


def nadam(
    params: Tensors, grads: Tensors, means: Tensors, squares: Tensors, *,
    lr: float, beta_1: float, beta_2: float, epsilon: float, of_mean: float, of_gradient: float, correction: float,
) -> None:  # fmt: skip
    """`v -= lr (of_mean m + of_gradient g) / (sqrt(s / (1 - b2^t)) + epsilon)`; `correction` is 1 - b2^t, m and s as in Adam."""
    running_moments(means, squares, grads, beta_1, beta_2)
    root = torch._foreach_sqrt(squares)
    torch._foreach_div_(root, math.sqrt(correction))
    torch._foreach_add_(root, epsilon)
    torch._foreach_addcdiv_(params, means, root, -lr * of_mean)
    torch._foreach_addcdiv_(params, grads, root, -lr * of_gradient)


def ftrl(
    params: Tensors, grads: Tensors, sums: Tensors, linear: Tensors, *,
    lr: float, power: float, l1: float, l2: float, shrinkage: float, beta: float,
) -> None:  # fmt: skip
    """Follow the regularized leader. `a' = a + g^2; z += g + 2 shrinkage v - (a'^-p - a^-p) / lr v`, and then
    `v = (clip(z, -l1, l1) - z) / (a'^-p / lr + 2 l2 + beta / lr)`. Source: https://research.google.com/pubs/archive/41159.pdf
    """
    before = torch._foreach_pow(sums, -power)
    torch._foreach_addcmul_(sums, grads, grads, 1.0)
    now = torch._foreach_pow(sums, -power)
    torch._foreach_add_(linear, grads)
    if shrinkage:
        torch._foreach_add_(linear, params, alpha=2.0 * shrinkage)
    torch._foreach_addcmul_(linear, torch._foreach_sub(now, before), params, -1.0 / lr)
    torch._foreach_div_(now, lr)
    torch._foreach_add_(now, 2.0 * l2 + beta / lr)
    step = torch._foreach_clamp_max(linear, l1)
    torch._foreach_clamp_min_(step, -l1)
    torch._foreach_sub_(step, linear)
    torch._foreach_div_(step, now)
    torch._foreach_copy_(params, step)


def lion(params: Tensors, grads: Tensors, means: Tensors, *, lr: float, beta_1: float, beta_2: float) -> None:
    """`v -= lr sign(b1 m + (1 - b1) g); m = b2 m + (1 - b2) g`."""
    torch._foreach_add_(params, torch._foreach_sign(torch._foreach_lerp(means, grads, 1.0 - beta_1)), alpha=-lr)
    torch._foreach_lerp_(means, grads, 1.0 - beta_2)


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
