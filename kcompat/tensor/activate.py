"""Activation functions on torch tensors, with Keras' values and Keras' gradients where a function has a kink.

Where torch's fused function has another gradient at a kink it is not used: an exact zero is common (padding, dead units),
so that the difference would be seen. Facts: values and gradients of real Keras, `parity/references/*/activations.npz`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

_SELU_SCALE = 1.0507009873554805
_SELU_ALPHA = 1.6732632423543772


def relu(x: Tensor, negative_slope: float = 0.0, max_value: float | None = None, threshold: float = 0.0, in_place: bool = False) -> Tensor:
    """`max_value` from there on, `x` above `threshold`, `negative_slope * (x - threshold)` below; `in_place` lets it overwrite `x`.

    The derivative is 1 at `max_value` (but 0 where it is 6 and `threshold` 0), 0 at `threshold` (but the slope where only that is set).
    """
    if threshold == 0 and max_value is None:
        return F.leaky_relu(x, negative_slope, in_place) if negative_slope else F.relu(x, in_place)
    if threshold == 0 and max_value == 6:
        y = F.relu6(x, in_place and not negative_slope)
    else:
        y = F.threshold(x, threshold, 0.0) if threshold else F.relu(x)
        if max_value is not None:
            y = y.clamp(0.0, max(max_value, 0.0))
    return y - negative_slope * F.relu(threshold - x) if negative_slope else y


def leaky_relu(x: Tensor, negative_slope: float = 0.2) -> Tensor:
    """`x` above 0, `negative_slope * x` elsewhere; whole numbers give float32."""
    return F.leaky_relu(x if x.is_floating_point() else x.float(), negative_slope)


def prelu(x: Tensor, alpha: Tensor) -> Tensor:
    """`x` above 0, `alpha * x` below; both derivatives are 0 at 0, where `F.prelu` has `alpha`."""
    return torch.addcmul(F.relu(x), alpha, F.hardtanh(x, -math.inf, 0.0))


def parametric_softplus(x: Tensor, alpha: Tensor, beta: Tensor) -> Tensor:
    """`alpha * log(1 + exp(beta * x))`."""
    return alpha * softplus(beta * x)


def s_shaped_relu(x: Tensor, t_left: Tensor, a_left: Tensor, width: Tensor, a_right: Tensor) -> Tensor:
    """`x` between `t_left` and `t_left + |width|`, lines of slope `a_left` and `a_right` beyond (https://arxiv.org/abs/1512.07030)."""
    t_right = t_left + width.abs()
    middle = torch.minimum(F.relu(x - t_left), width.abs())
    return t_left + middle - a_left * F.relu(t_left - x) + a_right * F.relu(x - t_right)


def elu(x: Tensor, alpha: float = 1.0) -> Tensor:
    """`x` above 0, `alpha * (exp(x) - 1)` elsewhere; derivative `alpha` at 0."""
    return F.elu(x, alpha)


def celu(x: Tensor, alpha: float = 1.0) -> Tensor:
    """`max(x, 0) + min(alpha * (exp(x / alpha) - 1), 0)`; Keras' derivative at 0 is 2."""
    return x.clamp(min=0) + alpha * torch.expm1(x.clamp(max=0) / alpha)


def selu(x: Tensor) -> Tensor:
    """`1.0507 * elu(x, 1.6733)`; derivative 1.0507 at 0, as in tf.keras and Keras 3."""
    return torch.where(x < 0, F.elu(x, _SELU_SCALE * _SELU_ALPHA), _SELU_SCALE * x)


def selu_from_elu(x: Tensor) -> Tensor:
    """`1.0507 * elu(x, 1.6733)`; derivative 1.7581 at 0, as in multi-backend Keras and torch."""
    return F.selu(x)


def gelu(x: Tensor, approximate: bool = False) -> Tensor:
    """`x` times the normal distribution function of `x`, exact or by the tanh formula."""
    return F.gelu(x, approximate="tanh" if approximate else "none")


def softplus(x: Tensor) -> Tensor:
    """`log(1 + exp(x))`; torch's default turns linear at 20, which shows in float64."""
    return F.softplus(x, threshold=50.0)


def squareplus(x: Tensor, b: float = 4) -> Tensor:
    """`(x + sqrt(x^2 + b)) / 2`."""
    return (x + torch.sqrt(x * x + b)) / 2


def exponential(x: Tensor) -> Tensor:
    """`exp(x)`."""
    return torch.exp(x)


def linear(x: Tensor) -> Tensor:
    """`x` itself."""
    return x


def hard_sigmoid_fifth(x: Tensor) -> Tensor:
    """Keras 1 and 2: `clip(0.2 x + 0.5, 0, 1)`, derivative 0.2 at -2.5 and 2.5 too."""
    return (0.2 * x).add_(0.5).clamp(0.0, 1.0)


def hard_sigmoid_sixth(x: Tensor) -> Tensor:
    """Keras 3: `relu6(x + 3) / 6`, derivative 0 at -3 and 3."""
    if x.dtype == torch.float64:  # the fused kernel's gradient holds 1/6 in float32
        return F.relu6(x + 3) / 6
    return F.hardsigmoid(x)


def hard_silu(x: Tensor) -> Tensor:
    """`x * relu6(x + 3) / 6`; derivative 0 at -3 and 1 at 3."""
    return x * F.hardsigmoid(x)


def hard_tanh(x: Tensor) -> Tensor:
    """`clip(x, -1, 1)`; derivative 1 at both ends."""
    return x.clamp(-1.0, 1.0)


def hard_shrink(x: Tensor, threshold: float = 0.5) -> Tensor:
    """`x` where `|x| > threshold`, else 0."""
    return F.hardshrink(x, threshold)


def soft_shrink(x: Tensor, threshold: float = 0.5) -> Tensor:
    """`x` moved by `threshold` towards 0, and 0 within it."""
    return F.softshrink(x, threshold)


def threshold(x: Tensor, threshold: float, default_value: float) -> Tensor:
    """`x` where `x > threshold`, else `default_value`."""
    return F.threshold(x, threshold, default_value)


def sparse_plus(x: Tensor) -> Tensor:
    """0 up to -1, `x` from 1 on, `(x + 1)^2 / 4` between."""
    return (x.clamp(-1.0, 1.0) + 1).square() / 4 + F.relu(x - 1)


def sparse_sigmoid(x: Tensor) -> Tensor:
    """0 up to -1, 1 from 1 on, `(x + 1) / 2` between; derivative 0 at both ends."""
    return (F.hardtanh(x) + 1) / 2


def sparsemax(x: Tensor, axis: int = -1) -> Tensor:
    """Keras 3.15's sparsemax along `axis`.

    It takes the threshold from the *sum of the running sums* over the support, so that it is the projection onto the simplex
    only where the support is one entry or all are zero: (-3, 0, 4, 4) gives zeros. Kept, since models were trained with it.
    """
    ordered, _ = torch.sort(x, dim=axis, descending=True, stable=True)
    running = torch.cumsum(ordered, dim=axis)
    shape = [1] * x.ndim
    shape[axis] = -1
    rank = torch.arange(1, x.shape[axis] + 1, dtype=x.dtype, device=x.device).reshape(shape)
    support = 1 + rank * ordered > running
    size = support.sum(dim=axis, keepdim=True).to(x.dtype)
    tau = (torch.where(support, running, 0.0).sum(dim=axis, keepdim=True) - 1) / size
    return (x - tau).clamp(min=0)


def softmax(x: Tensor, axis: int | Sequence[int] = -1) -> Tensor:
    """`exp(x)` divided by its sum over one axis or several."""
    if isinstance(axis, int):
        return torch.softmax(x, axis)
    return torch.exp(x - torch.logsumexp(x, dim=list(axis), keepdim=True))


def log_softmax(x: Tensor, axis: int | Sequence[int] = -1) -> Tensor:
    """The logarithm of `softmax`."""
    if isinstance(axis, int):
        return torch.log_softmax(x, axis)
    return x - torch.logsumexp(x, dim=list(axis), keepdim=True)


def glu(x: Tensor, axis: int = -1) -> Tensor:
    """The first half along `axis`, times the sigmoid of the second."""
    return F.glu(x, axis)


def sigmoid(x: Tensor) -> Tensor:
    """`1 / (1 + exp(-x))`."""
    return torch.sigmoid(x)


def tanh(x: Tensor) -> Tensor:
    """The hyperbolic tangent."""
    return torch.tanh(x)


def softsign(x: Tensor) -> Tensor:
    """`x / (1 + |x|)`."""
    return F.softsign(x)


def silu(x: Tensor) -> Tensor:
    """`x * sigmoid(x)`, also called swish."""
    return F.silu(x)


def mish(x: Tensor) -> Tensor:
    """`x * tanh(softplus(x))`."""
    return F.mish(x)


def relu6(x: Tensor) -> Tensor:
    """`clip(x, 0, 6)`; derivative 0 at both ends."""
    return F.relu6(x)


def log_sigmoid(x: Tensor) -> Tensor:
    """The logarithm of `sigmoid`."""
    return F.logsigmoid(x)


def tanh_shrink(x: Tensor) -> Tensor:
    """`x - tanh(x)`."""
    return F.tanhshrink(x)
