"""TensorFlow's functions of neural networks, `tf.nn`: on top of the functions that our layers use."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from kcompat.errors import ArgumentError
from kcompat.files.symbols.common import Function, axes, both, integers, pick, tensor, unsupported
from kcompat.tensor import activate, convolve, pool
from kcompat.tensor.shapes import padding_amounts

# -- activations -------------------------------------------------------------------------------------------------------------


def _activation(function: Any) -> Function:
    def call(features: Any, name: str | None = None) -> Any:
        return function(tensor(features))

    return call


def _with_axis(function: Any) -> Function:
    def call(logits: Any, axis: Any = None, name: str | None = None, dim: Any = None) -> Any:
        return function(tensor(logits), -1 if axis is None and dim is None else (axis if axis is not None else dim))

    return call


def leaky_relu(features: Any, alpha: Any = 0.2, name: str | None = None) -> Any:
    """`x` above 0, `alpha * x` elsewhere."""
    return activate.leaky_relu(tensor(features), alpha)


def gelu(features: Any, approximate: bool = False, name: str | None = None) -> Any:
    """`x` times the normal distribution function."""
    return activate.gelu(tensor(features), approximate)


def silu(features: Any, beta: Any = 1.0) -> Any:
    """`x * sigmoid(beta * x)`."""
    x = tensor(features)
    return x * torch.sigmoid(x * beta)


def crelu(features: Any, axis: int = -1, name: str | None = None) -> Any:
    """Positive and negative parts side by side."""
    x = tensor(features)
    return torch.relu(torch.cat([x, -x], axis))


# -- normalization, dropout, statistics ------------------------------------------------------------------------------------------


def l2_normalize(x: Any, axis: Any = None, epsilon: Any = 1e-12, name: str | None = None, dim: Any = None) -> Any:
    """`x` over its length along axes; `epsilon` is the least squared length."""
    x = tensor(x)
    chosen = axes(axis if axis is not None else dim, x.ndim)
    return x * torch.rsqrt((x * x).sum(chosen, keepdim=True).clamp(min=epsilon))


def moments(x: Any, axes: Any, shift: Any = None, keepdims: Any = False, name: str | None = None, keep_dims: Any = None) -> Any:
    """Mean and (biased) variance over axes."""
    x, keep = tensor(x), bool(keepdims or keep_dims)
    chosen = _axes(axes, x.ndim)
    y = x.float() if x.dtype in (torch.float16, torch.bfloat16) else x
    mean = y.mean(chosen, True)
    variance = ((y - mean.detach()) ** 2).mean(chosen, True)  # TensorFlow, too, lets no gradient through the mean here
    if not keep:
        mean, variance = mean.squeeze(tuple(chosen)), variance.squeeze(tuple(chosen))
    return [mean.to(x.dtype), variance.to(x.dtype)]


_axes = axes


def batch_normalization(x: Any, mean: Any, variance: Any, offset: Any, scale: Any, variance_epsilon: Any, name: str | None = None) -> Any:
    """`(x - mean) / sqrt(variance + epsilon) * scale + offset`."""
    x = tensor(x)
    factor = torch.rsqrt(tensor(variance, x) + variance_epsilon)
    factor = factor if scale is None else factor * tensor(scale, x)
    shift = -tensor(mean, x) * factor
    return x * factor + (shift if offset is None else shift + tensor(offset, x))


def local_response_normalization(
    input: Any, depth_radius: int = 5, bias: float = 1, alpha: float = 1, beta: float = 0.5, name: str | None = None
) -> Any:
    """`x / (bias + alpha * sum of squares of the near channels) ** beta`."""
    x = tensor(input)
    squares = F.pad(x * x, (depth_radius, depth_radius)).unfold(-1, 2 * depth_radius + 1, 1).sum(-1)
    return x / (bias + alpha * squares) ** beta


def dropout(x: Any, rate: Any = None, noise_shape: Any = None, seed: Any = None, name: str | None = None, keep_prob: Any = None) -> Any:
    """Elements set to zero at random, the others divided by what is kept: at every call, as in TensorFlow."""
    x = tensor(x)
    share = rate if rate is not None else 1 - keep_prob
    shape = list(x.shape) if noise_shape is None else [n if m is None else m for n, m in zip(x.shape, noise_shape, strict=True)]
    return torch.where(torch.rand(shape, device=x.device) >= share, x / (1 - share), torch.zeros_like(x))


def bias_add(value: Any, bias: Any, data_format: Any = None, name: str | None = None) -> Any:
    """A number for each channel added."""
    x, bias = both(value, bias)
    return x + (bias.reshape(-1, *(1,) * (x.ndim - 2)) if _first(data_format) else bias)


# -- windows ---------------------------------------------------------------------------------------------------------------------


def _first(data_format: Any) -> bool:
    return isinstance(data_format, str) and data_format.upper().startswith("NC")


def _format(data_format: Any) -> str:
    return "channels_first" if _first(data_format) else "channels_last"


def _spatial(value: Any, rank: int, data_format: Any, name: str) -> tuple[int, ...]:
    """`strides` and the like: one number, one for each spatial axis, or for all axes with 1 for batch and channels."""
    numbers = integers(value) if isinstance(value, (list, tuple, Tensor)) else [int(value)]
    if len(numbers) == 1:
        return tuple(numbers * rank)
    if len(numbers) == rank:
        return tuple(numbers)
    if len(numbers) == rank + 2:
        inner, outer = (numbers[2:], numbers[:2]) if _first(data_format) else (numbers[1:-1], [numbers[0], numbers[-1]])
        if outer == [1, 1]:
            return tuple(inner)
    raise ArgumentError(f"`{name}` must be 1 along batch and channels, with {rank} numbers between, received {value!r}.")


def _padded(x: Tensor, padding: Any, data_format: Any) -> tuple[Tensor, str]:
    """The input and a padding's name; a list of amounts for all axes is added here."""
    if isinstance(padding, str):
        return x, pick(padding, ("same", "valid"), "padding")
    flat = [n for pair in reversed(list(padding)) for n in integers(pair)]
    return F.pad(x, flat), "valid"


def conv(
    input: Any, filters: Any = None, strides: Any = None, padding: Any = "VALID", data_format: Any = None, dilations: Any = None,
    name: str | None = None, filter: Any = None, use_cudnn_on_gpu: Any = None,
) -> Any:  # fmt: skip
    """A convolution of 1, 2 or 3 spatial axes with filters (*window, in / groups, out)."""
    x, kernel = tensor(input), tensor(filters if filters is not None else filter)
    rank = kernel.ndim - 2
    x, word = _padded(x, padding, data_format)
    steps = _spatial(1 if strides is None else strides, rank, data_format, "strides")
    spread = _spatial(1 if dilations is None else dilations, rank, data_format, "dilations")
    channels = x.shape[1] if _first(data_format) else x.shape[-1]
    return convolve.convolve(
        x, kernel, strides=steps, padding=word, dilation=spread, groups=channels // kernel.shape[-2], data_format=_format(data_format)
    )


def conv1d(
    input: Any, filters: Any = None, stride: Any = 1, padding: Any = "VALID", data_format: Any = "NWC", dilations: Any = None,
    name: str | None = None, **old: Any,
) -> Any:  # fmt: skip
    """A convolution of one spatial axis."""
    return conv(input, filters if filters is not None else old.get("filter", old.get("value")), stride, padding, data_format, dilations)


def depthwise_conv2d(
    input: Any, filter: Any, strides: Any, padding: Any, data_format: Any = None, dilations: Any = None, name: str | None = None,
    rate: Any = None,
) -> Any:  # fmt: skip
    """Each channel convolved with its own filters (h, w, in, multiplier)."""
    x, word = _padded(tensor(input), padding, data_format)
    spread = dilations if dilations is not None else rate
    return convolve.depthwise(
        x, tensor(filter), strides=_spatial(strides, 2, data_format, "strides"), padding=word,
        dilation=_spatial(1 if spread is None else spread, 2, data_format, "dilations"), data_format=_format(data_format),
    )  # fmt: skip


def separable_conv2d(
    input: Any, depthwise_filter: Any, pointwise_filter: Any, strides: Any, padding: Any, data_format: Any = None, dilations: Any = None,
    name: str | None = None,
) -> Any:  # fmt: skip
    """A depthwise convolution, then one of 1 x 1."""
    y = depthwise_conv2d(input, depthwise_filter, strides, padding, data_format, dilations)
    return conv(y, pointwise_filter, 1, "VALID", data_format)


def conv_transpose(
    input: Any, filters: Any, output_shape: Any, strides: Any, padding: Any = "SAME", data_format: Any = None, dilations: Any = None,
    name: str | None = None,
) -> Any:  # fmt: skip
    """The gradient of a convolution as a layer: filters (*window, out, in), cut to `output_shape`."""
    x, kernel = tensor(input), tensor(filters)
    rank, first = kernel.ndim - 2, _first(data_format)
    steps = _spatial(strides, rank, data_format, "strides")
    spread = _spatial(1 if dilations is None else dilations, rank, data_format, "dilations")
    sizes = integers(output_shape)
    wanted = sizes[2:] if first else sizes[1:-1]
    images = x if first else x.movedim(-1, 1)
    weight = kernel.permute(rank + 1, rank, *range(rank))
    full = (F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d)[rank - 1](images, weight, None, steps, 0, 0, 1, spread)
    word = pick(padding, ("same", "valid"), "padding")
    for axis, (length, window, step, gap) in enumerate(zip(wanted, kernel.shape, steps, spread, strict=False)):
        before = padding_amounts(length, window, step, word, gap)[0]
        here = full.shape[axis + 2]
        if before + length > here:
            full = F.pad(full, [0, 0] * (rank - 1 - axis) + [0, before + length - here])
        full = full.narrow(axis + 2, before, length)
    return full if first else full.movedim(1, -1)


def _pooled(function: Any) -> Function:
    def call(
        input: Any = None, ksize: Any = None, strides: Any = None, padding: Any = "VALID", data_format: Any = None, name: str | None = None,
        value: Any = None,
    ) -> Any:  # fmt: skip
        x = tensor(input if input is not None else value)
        rank = x.ndim - 2
        window, steps = _spatial(ksize, rank, data_format, "ksize"), _spatial(strides, rank, data_format, "strides")
        word = pick(padding, ("same", "valid"), "padding")
        if rank == 1:  # torch's kernels here take two axes
            axis = 2 if _first(data_format) else 1
            y = function(x.unsqueeze(axis), (1, *window), (1, *steps), word, _format(data_format))
            return y.squeeze(axis)
        return function(x, window, steps, word, _format(data_format))

    return call


def pool_(
    input: Any, window_shape: Any, pooling_type: str, strides: Any = None, padding: Any = "VALID", data_format: Any = None,
    dilations: Any = None, name: str | None = None,
) -> Any:  # fmt: skip
    """MAX or AVG of windows."""
    unsupported(dilations=dilations if dilations not in (1, [1, 1], [1]) else None)
    call = _pooled(pool.max_pool if pick(pooling_type, ("max", "avg"), "pooling_type") == "max" else pool.average_pool)
    return call(input, window_shape, 1 if strides is None else strides, padding, data_format)


def extract_patches(images: Any, sizes: Any, strides: Any, rates: Any, padding: str, name: str | None = None) -> Any:
    """Windows of images laid into the channels, rows and columns of the window first."""
    x = tensor(images)
    (h, w), (sh, sw), (rh, rw) = (_spatial(v, 2, None, n) for v, n in ((sizes, "sizes"), (strides, "strides"), (rates, "rates")))
    word = pick(padding, ("same", "valid"), "padding")
    rows = padding_amounts(x.shape[1], h, sh, word, rh)
    columns = padding_amounts(x.shape[2], w, sw, word, rw)
    x = F.pad(x, (0, 0, *columns, *rows))
    high, wide = (x.shape[1] - (h - 1) * rh - 1) // sh + 1, (x.shape[2] - (w - 1) * rw - 1) // sw + 1
    parts = [
        x[:, i * rh : i * rh + (high - 1) * sh + 1 : sh, j * rw : j * rw + (wide - 1) * sw + 1 : sw] for i in range(h) for j in range(w)
    ]
    return torch.cat(parts, -1)


# -- losses ----------------------------------------------------------------------------------------------------------------------


def sigmoid_cross_entropy_with_logits(labels: Any = None, logits: Any = None, name: str | None = None) -> Any:
    """The binary cross-entropy of logits, element by element."""
    x, z = tensor(logits), tensor(labels, logits)
    return torch.relu(x) - x * z + torch.log1p(torch.exp(-x.abs()))


def weighted_cross_entropy_with_logits(labels: Any = None, logits: Any = None, pos_weight: Any = None, name: str | None = None) -> Any:
    """The same with the positive part weighted."""
    x, z = tensor(logits), tensor(labels, logits)
    weight = 1 + (tensor(pos_weight, x) - 1) * z
    return (1 - z) * x + weight * (torch.log1p(torch.exp(-x.abs())) + torch.relu(-x))


def softmax_cross_entropy_with_logits(
    labels: Any = None, logits: Any = None, axis: int = -1, name: str | None = None, dim: Any = None
) -> Any:
    """The cross-entropy of logits against a distribution along an axis."""
    x, z = tensor(logits), tensor(labels, logits)
    along = axis if dim is None else dim
    value = -(z * torch.log_softmax(x, along).detach()).sum(along)
    slope = torch.logsumexp(x, along) - (z.detach() * x).sum(along)  # TensorFlow takes the labels' sum for 1 in the gradient
    return value + (slope - slope.detach())


def sparse_softmax_cross_entropy_with_logits(labels: Any = None, logits: Any = None, name: str | None = None) -> Any:
    """The cross-entropy of logits against class numbers."""
    x, z = tensor(logits), tensor(labels).long()
    return -torch.log_softmax(x, -1).gather(-1, z.unsqueeze(-1)).squeeze(-1)


def log_poisson_loss(targets: Any, log_input: Any, compute_full_loss: bool = False, name: str | None = None) -> Any:
    """`exp(c) - z * c`, with Stirling's term where `compute_full_loss`."""
    z, c = both(targets, log_input)
    y = torch.exp(c) - z * c
    if compute_full_loss:
        stirling = z * torch.log(z) - z + 0.5 * torch.log(2 * math.pi * z)
        y = y + torch.where((z >= 0) & (z <= 1), torch.zeros_like(z), stirling)
    return y


def l2_loss(t: Any, name: str | None = None) -> Any:
    """Half the sum of squares."""
    x = tensor(t)
    return (x * x).sum() / 2


# -- tables ------------------------------------------------------------------------------------------------------------------------


def embedding_lookup(
    params: Any, ids: Any, max_norm: Any = None, name: str | None = None, partition_strategy: Any = None, validate_indices: Any = True
) -> Any:
    """Rows of a table."""
    unsupported(max_norm=max_norm)
    return tensor(params)[tensor(ids).long()]


def normalize_moments(counts: Any, mean_ss: Any, variance_ss: Any, shift: Any, name: str | None = None) -> Any:
    """Mean and variance from sums."""
    divisor = torch.reciprocal(tensor(counts))
    shifted = tensor(mean_ss) * divisor
    mean = shifted if shift is None else shifted + tensor(shift)
    return [mean, tensor(variance_ss) * divisor - shifted * shifted]


TABLE: dict[str, Function] = {
    "nn.relu": _activation(torch.relu), "nn.relu6": _activation(activate.relu6), "nn.elu": _activation(activate.elu),
    "nn.selu": _activation(activate.selu), "nn.leaky_relu": leaky_relu, "nn.gelu": gelu, "nn.silu": silu, "nn.swish": silu,
    "nn.crelu": crelu,
    "nn.softmax": _with_axis(activate.softmax), "nn.log_softmax": _with_axis(activate.log_softmax),
    "compat.v1.nn.softmax": _with_axis(activate.softmax), "compat.v1.nn.log_softmax": _with_axis(activate.log_softmax),
    "nn.softplus": _activation(activate.softplus), "nn.softsign": _activation(activate.softsign), "nn.sigmoid": _activation(torch.sigmoid),
    "nn.tanh": _activation(torch.tanh), "nn.l2_normalize": l2_normalize, "math.l2_normalize": l2_normalize,
    "linalg.l2_normalize": l2_normalize,
    "nn.moments": moments, "compat.v1.nn.moments": moments, "nn.batch_normalization": batch_normalization,
    "nn.local_response_normalization": local_response_normalization, "nn.lrn": local_response_normalization,
    "nn.dropout": dropout, "compat.v1.nn.dropout": lambda x, keep_prob=None, noise_shape=None, seed=None, name=None, rate=None: dropout(
        x, rate, noise_shape, seed, name, keep_prob),
    "nn.bias_add": bias_add, "compat.v1.nn.bias_add": bias_add, "nn.conv1d": conv1d, "nn.conv2d": conv, "nn.conv3d": conv,
    "nn.convolution": lambda input, filters=None, strides=None, padding="VALID", data_format=None, dilations=None, name=None: conv(
        input, filters, strides, padding, data_format, dilations),
    "nn.atrous_conv2d": lambda value, filters, rate, padding, name=None: conv(value, filters, 1, padding, None, rate),
    "compat.v1.nn.conv2d": conv, "compat.v1.nn.conv1d": conv1d, "compat.v1.nn.conv3d": conv,
    "nn.depthwise_conv2d": depthwise_conv2d, "compat.v1.nn.depthwise_conv2d": depthwise_conv2d,
    "nn.separable_conv2d": separable_conv2d, "nn.conv1d_transpose": conv_transpose, "nn.conv2d_transpose": conv_transpose,
    "nn.conv3d_transpose": conv_transpose, "nn.conv_transpose": conv_transpose,
    "nn.max_pool": _pooled(pool.max_pool), "nn.max_pool1d": _pooled(pool.max_pool), "nn.max_pool2d": _pooled(pool.max_pool),
    "nn.max_pool3d": _pooled(pool.max_pool), "nn.avg_pool": _pooled(pool.average_pool), "nn.avg_pool1d": _pooled(pool.average_pool),
    "nn.avg_pool2d": _pooled(pool.average_pool), "nn.avg_pool3d": _pooled(pool.average_pool),
    "compat.v1.nn.max_pool": _pooled(pool.max_pool),
    "compat.v1.nn.avg_pool": _pooled(pool.average_pool), "compat.v1.nn.max_pool2d": _pooled(pool.max_pool), "nn.pool": pool_,
    "image.extract_patches": extract_patches,
    "nn.sigmoid_cross_entropy_with_logits": sigmoid_cross_entropy_with_logits,
    "nn.weighted_cross_entropy_with_logits": weighted_cross_entropy_with_logits,
    "nn.softmax_cross_entropy_with_logits": softmax_cross_entropy_with_logits,
    "nn.sparse_softmax_cross_entropy_with_logits": sparse_softmax_cross_entropy_with_logits,
    "compat.v1.nn.softmax_cross_entropy_with_logits_v2": softmax_cross_entropy_with_logits, "nn.log_poisson_loss": log_poisson_loss,
    "nn.l2_loss": l2_loss, "nn.embedding_lookup": embedding_lookup, "compat.v1.nn.embedding_lookup": embedding_lookup,
    "nn.normalize_moments": normalize_moments,
}  # fmt: skip
