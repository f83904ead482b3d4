"""Initializers without chance."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor

from kcompat import config as settings
from kcompat import registry
from kcompat.errors import ArgumentError, ArgumentTypeError, ShapeError, missing_extra
from kcompat.generations import behaviour
from kcompat.initializers.base import Initializer, Shape, dtype_of


class Zeros(Initializer):
    """Zeros."""

    def __call__(self, shape: Shape, dtype: Any = None) -> Tensor:
        """Zeros of `shape`."""
        return torch.zeros(tuple(shape), dtype=dtype_of(dtype), device=settings.device())


class Ones(Initializer):
    """Ones."""

    def __call__(self, shape: Shape, dtype: Any = None) -> Tensor:
        """Ones of `shape`."""
        return torch.ones(tuple(shape), dtype=dtype_of(dtype), device=settings.device())


class Constant(Initializer):
    """A number, or an array: of as many values as the weight (tf.keras), of a shape that broadcasts to it (Keras 3).

    Keras 2.2 and before fill up with the last value of a shorter array.
    """

    def __init__(self, value: Any = 0.0) -> None:
        self.value = value
        self._rule = behaviour("constant_of_array")

    def __call__(self, shape: Shape, dtype: Any = None) -> Tensor:
        """The value(s) in `shape`; ArgumentTypeError where an array does not fit."""
        shape = tuple(shape)
        values = torch.as_tensor(self.value, device=settings.device()).to(dtype_of(dtype))
        size = values.numel()
        if size == 1:
            return values.reshape(()).expand(shape).clone()
        if (
            self._rule == "broadcast"
            and values.ndim <= len(shape)
            and all(n in (1, m) for n, m in zip(values.shape[::-1], shape[::-1], strict=False))
        ):
            return values.expand(shape).clone()
        if self._rule == "reshape" and size == math.prod(shape):
            return values.reshape(shape).clone()
        if self._rule == "pad" and 0 < size <= math.prod(shape):
            flat = values.flatten()
            return torch.cat([flat, flat[-1:].expand(math.prod(shape) - size)]).reshape(shape)
        raise ArgumentTypeError(f"Constant: `value` of shape {tuple(values.shape)} does not fit a weight of shape {shape}.")

    def get_config(self) -> dict[str, Any]:
        """The value; an array as a dict of its values and dtype."""
        value = self.value.detach().cpu().numpy() if isinstance(self.value, Tensor) else self.value
        if isinstance(value, (np.ndarray, np.generic)):
            value = {"class_name": "__numpy__", "config": {"value": value.tolist(), "dtype": value.dtype.name}}
        return {"value": value}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Constant:
        """The initializer that `get_config` described."""
        value = config.get("value", 0.0)
        if isinstance(value, dict):
            _, stored = registry.split_config("array", value)
            value = np.array(stored["value"], dtype=stored["dtype"])
        return cls(value)


class Identity(Initializer):
    """`gain` on the main diagonal of a matrix; in Keras 2.2 and before a longer side repeats the square."""

    def __init__(self, gain: float = 1.0) -> None:
        self.gain = gain
        self._rule = behaviour("identity_rectangle")

    def __call__(self, shape: Shape, dtype: Any = None) -> Tensor:
        """The matrix; ShapeError for another rank than 2."""
        if len(shape) != 2:
            raise ShapeError(f"Identity: the weight must be a matrix, received the shape {tuple(shape)}.")
        rows, columns = shape
        if self._rule == "eye" or rows == columns:
            return self.gain * torch.eye(rows, columns, dtype=dtype_of(dtype), device=settings.device())
        short, long = sorted((rows, columns))
        if long % short:
            raise ShapeError(f"Identity: in this Keras generation the long side must be a multiple of the short, received {tuple(shape)}.")
        square = self.gain * torch.eye(short, dtype=dtype_of(dtype), device=settings.device())
        return square.repeat(rows // short, columns // short)

    def get_config(self) -> dict[str, Any]:
        """The gain; Keras 3 leaves it out, and so does this where it is 1."""
        told = self.gain != 1 or behaviour("initializer_config") != "own_class_axes"
        return {"gain": self.gain} if told else {}


class STFT(Initializer):
    """Kernels of a short-time Fourier transform as a convolution: shape (frame, 1, fft / 2 + 1).

    `side` is 'real' (cosines) or 'imag' (minus sines), `window` a name, (name, parameter), an array or None, `scaling` 'density'
    (unit energy), 'spectrum' (unit sum) or None; `periodic` windows are for spectral analysis.
    """

    def __init__(self, side: str = "real", window: Any = "hann", scaling: str | None = "density", periodic: bool = False) -> None:
        if side not in ("real", "imag"):
            raise ArgumentError(f"STFT: `side` must be 'real' or 'imag', received {side!r}.")
        if scaling not in ("density", "spectrum", None):
            raise ArgumentError(f"STFT: `scaling` must be 'density', 'spectrum' or None, received {scaling!r}.")
        self.side = side
        self.window = window
        self.scaling = scaling
        self.periodic = periodic
        if window is not None:
            _window(window, 8 if isinstance(window, (str, tuple)) else len(window), periodic)

    def __call__(self, shape: Shape, dtype: Any = None) -> Tensor:
        """The kernels, computed in float64."""
        if len(shape) != 3:
            raise ShapeError(f"STFT: the weight must be of shape (frame, 1, fft / 2 + 1), received {tuple(shape)}.")
        frame, _, bins = shape
        angle = torch.outer(torch.arange(frame, dtype=torch.float64), torch.arange(bins, dtype=torch.float64))
        angle = angle * (math.pi / max(bins - 1, 1))
        kernel = torch.cos(angle) if self.side == "real" else -torch.sin(angle)
        if self.window is not None:
            window = _window(self.window, frame, self.periodic)
            norm = {"density": window.square().sum().sqrt(), "spectrum": window.abs().sum(), None: torch.ones(())}[self.scaling]
            kernel = kernel * (window / norm)[:, None]
        return kernel[:, None].expand(tuple(shape)).to(device=settings.device(), dtype=dtype_of(dtype), copy=True)

    def get_config(self) -> dict[str, Any]:
        """All arguments."""
        return {"side": self.side, "window": self.window, "periodic": self.periodic, "scaling": self.scaling}


_WINDOWS = ("bartlett", "blackman", "cosine", "hamming", "hann", "nuttall")


def _window(window: Any, length: int, periodic: bool) -> Tensor:
    """A window of `length` float64 values by name (those torch lacks: from scipy), or the array given."""
    if not isinstance(window, (str, tuple)):
        values = torch.as_tensor(window, dtype=torch.float64).cpu()
        if values.shape != (length,):
            raise ShapeError(f"STFT: `window` must have the length of the frame, {length}, received the shape {tuple(values.shape)}.")
        return values
    if window in _WINDOWS:
        return getattr(torch.signal.windows, window)(length, sym=not periodic, dtype=torch.float64, device="cpu")
    try:
        from scipy.signal import get_window
    except ImportError:
        raise missing_extra("scipy", "sklearn", f"STFT with the window {window!r} (without it: {', '.join(_WINDOWS)})") from None
    try:
        return torch.from_numpy(get_window(window, length, fftbins=periodic))
    except ValueError as error:
        raise ArgumentError(f"STFT: `window` {window!r} is not known: {error}") from error
