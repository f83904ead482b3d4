"""What layers with sliding windows share: checking sizes, paddings and data formats, and telling output shapes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from kcompat import config as settings
from kcompat.core.layer import Layer
from kcompat.errors import ArgumentError, ShapeError
from kcompat.generations import behaviour
from kcompat.tensor.shapes import channel_axis, image_shape, span, spatial_axes

_Lengths = Callable[[int, int | None], int | None]


def sizes(where: str, argument: str, value: Any, rank: int, least: int = 1) -> tuple[int, ...]:
    """`value`, one integer or one for each of `rank` axes, as a tuple of integers not below `least`."""
    found = (value,) * rank if isinstance(value, int) or hasattr(value, "__index__") else value
    try:
        found = tuple(int(n) for n in found if int(n) == n)
        fits = len(found) == (rank if isinstance(value, int) or hasattr(value, "__index__") else len(tuple(value))) == rank
    except (TypeError, ValueError):
        fits = False
    if not fits or isinstance(value, (bool, str)) or any(n < least for n in found):
        one = f" or a tuple of {rank}" if rank > 1 else ""
        raise ArgumentError(f"{where}: `{argument}` must be an integer not below {least}{one}, received {value!r}.")
    return found


def theano_paddings(*names: str) -> tuple[str, ...]:
    """Those paddings that the generation has from the Theano backend; 'same_theano' is what that of Keras 1 did for 'same'."""
    known = behaviour("theano_paddings")
    return tuple(name for name in names if name in known)


def padding_name(where: str, value: Any, known: Sequence[str]) -> str:
    """`value` in lower case, if it is one of the `known` paddings."""
    lowered = value.lower() if isinstance(value, str) else value
    if lowered not in known:
        raise ArgumentError(f"{where}: `padding` must be {' or '.join(map(repr, known))}, received {value!r}.")
    return lowered


def known_output_padding(where: str, value: Any, rank: int, kernel: Any, strides: Any, padding: Any, dilation: Any) -> tuple[int, ...]:
    """`output_padding` of a transposed convolution, if a convolution brings the length it makes back to the input's."""
    found, steps = sizes(where, "output_padding", value, rank, 0), sizes(where, "strides", strides, rank)
    if any(p >= s for p, s in zip(found, steps, strict=True)):
        raise ArgumentError(f"{where}: `output_padding` must be below `strides`={steps}, received {found}.")
    windows, rates = sizes(where, "kernel_size", kernel, rank), sizes(where, "dilation_rate", dilation, rank)
    even = [span(k, d) % 2 == 0 for k, d in zip(windows, rates, strict=True)]
    if str(padding).lower() == "same" and any(e and p == 0 for e, p in zip(even, found, strict=True)):
        raise ArgumentError(
            f"{where}: `output_padding` must be at least 1 where the window is even and `padding` is 'same', received {found} with "
            f"windows of {windows}; with None the layer chooses."
        )
    return found


def data_format_name(where: str, value: Any) -> str:
    """`value` in lower case, the global setting for None."""
    return settings.checked_data_format(value, f"{where}: ")


def window_arguments(
    where: str, rank: int, kernel_size: Any, strides: Any, padding: Any, data_format: Any, dilation_rate: Any,
    paddings: Sequence[str] = ("valid", "same"), strides_and_dilation: bool = False,
) -> dict[str, Any]:  # fmt: skip
    """The arguments of a convolution's window, checked, one entry for each of `rank` axes."""
    window: dict[str, Any] = {
        "kernel_size": sizes(where, "kernel_size", kernel_size, rank),
        "strides": sizes(where, "strides", strides, rank),
        "padding": padding_name(where, padding, paddings),
        "data_format": data_format_name(where, data_format),
        "dilation_rate": sizes(where, "dilation_rate", dilation_rate, rank),
    }
    if max(window["strides"]) > 1 and max(window["dilation_rate"]) > 1 and not strides_and_dilation:
        raise ArgumentError(
            f"{where}: `strides` and `dilation_rate` cannot both be above 1, received {window['strides']} and "
            f"{window['dilation_rate']}; set one of them to 1."
        )
    return window


def title(layer: Layer) -> str:
    """How errors name a layer."""
    return f"{type(layer).__name__} '{layer.name}'"


def known_channels(layer: Layer, input_shape: Sequence[int | None], rank: int, data_format: str) -> int:
    """The number of channels of an input of rank `rank + 2` or more, which must be known."""
    if len(input_shape) < rank + 2:
        raise ShapeError(
            f"{title(layer)} expects an input with {rank + 2} axes (batch, {rank} spatial, channels), received {tuple(input_shape)}."
        )
    channels = input_shape[-1 if data_format == "channels_last" else -rank - 1]
    if channels is None:
        raise ShapeError(
            f"{title(layer)}: the channels (axis {channel_axis(data_format)}) of the input must be known, received shape "
            f"{tuple(input_shape)}."
        )
    return channels


def output_shape(
    layer: Layer, input_shape: Sequence[int | None], rank: int, data_format: str, length: _Lengths, channels: int | None = None
) -> tuple[int | None, ...]:
    """The output's shape where spatial axis `i` of n cells becomes `length(i, n)` cells; `channels` None: as many as came in."""
    more = tuple(input_shape[: len(input_shape) - rank - 2])
    shape = tuple(input_shape[len(more) :])
    if len(shape) != rank + 2:
        raise ShapeError(f"{title(layer)} expects an input with {rank + 2} axes, received shape {tuple(input_shape)}.")
    lengths = [length(i, shape[axis]) for i, axis in enumerate(spatial_axes(rank, data_format))]
    if any(n is not None and n < 1 and shape[axis] != 0 for n, axis in zip(lengths, spatial_axes(rank, data_format), strict=True)):
        raise ShapeError(
            f"{title(layer)}: the window does not fit into an input of shape {tuple(input_shape)}; the output would have the spatial sizes "
            f"{lengths}. Use a smaller window or `padding='same'`."
        )
    return (*more, *image_shape(shape[0], lengths, channels or shape[channel_axis(data_format)], data_format))
