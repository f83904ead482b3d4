"""Initializers that draw random values."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from kcompat import config as settings
from kcompat import registry
from kcompat.errors import ArgumentError, ShapeError
from kcompat.generations import behaviour
from kcompat.initializers.base import Initializer, Shape, dtype_of
from kcompat.random import SeedGenerator, checked_seed, cpu_generator, draw_seed


class Random(Initializer):
    """What seeded initializers share: whence the random numbers of a call come."""

    def __init__(self, seed: Any = None) -> None:
        self.seed = checked_seed(seed, type(self).__name__)
        self._repeats = behaviour("initializer_repeats")
        self._drawn: int | None = None

    def _generator(self) -> torch.Generator:
        seed = self.seed
        if isinstance(seed, SeedGenerator):
            return cpu_generator(seed)
        if seed is not None:
            self.seed = seed + 1 if self._repeats == "never" else seed
        elif self._repeats == "always":
            seed = self._drawn = draw_seed() if self._drawn is None else self._drawn
        else:
            seed = draw_seed()
        return torch.Generator("cpu").manual_seed(seed)

    def _draw(self, values: Tensor, generator: torch.Generator) -> Tensor:
        raise NotImplementedError

    def __call__(self, shape: Shape, dtype: Any = None) -> Tensor:
        """Random values of `shape` in a floating-point `dtype`, drawn in float32 or float64."""
        kind = dtype_of(dtype)
        if not kind.is_floating_point:
            raise ArgumentError(f"{type(self).__name__}: `dtype` must be a floating-point type, received {dtype!r}.")
        generator, device = self._generator(), settings.device()
        if device.type == "meta":
            return torch.empty(tuple(shape), dtype=kind, device=device)
        wide = torch.float64 if kind == torch.float64 else torch.float32
        return self._draw(torch.empty(tuple(shape), dtype=wide, device="cpu"), generator).to(device=device, dtype=kind)

    def get_config(self) -> dict[str, Any]:
        """The seed."""
        seed = self.seed
        return {"seed": registry.serialize("seed_generator", seed) if isinstance(seed, SeedGenerator) else seed}


def truncated(values: Tensor, mean: float, stddev: float, generator: torch.Generator) -> Tensor:
    """`values` filled in place with a normal distribution cut at two standard deviations."""
    return torch.nn.init.trunc_normal_(values, generator=generator).mul_(stddev).add_(mean)


class RandomNormal(Random):
    """Normal values."""

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: Any = None) -> None:
        super().__init__(seed)
        self.mean = mean
        self.stddev = stddev

    def _draw(self, values: Tensor, generator: torch.Generator) -> Tensor:
        return values.normal_(generator=generator).mul_(self.stddev).add_(self.mean)

    def get_config(self) -> dict[str, Any]:
        """Mean, standard deviation, seed."""
        return {"mean": self.mean, "stddev": self.stddev, **super().get_config()}


class TruncatedNormal(RandomNormal):
    """Normal values within two standard deviations; their own deviation is 0.88 `stddev`."""

    def _draw(self, values: Tensor, generator: torch.Generator) -> Tensor:
        return truncated(values, self.mean, self.stddev, generator)


class RandomUniform(Random):
    """Uniform values from [minval, maxval); integers where the dtype is one."""

    def __init__(self, minval: float = -0.05, maxval: float = 0.05, seed: Any = None) -> None:
        super().__init__(seed)
        self.minval = minval
        self.maxval = maxval

    def __call__(self, shape: Shape, dtype: Any = None) -> Tensor:
        """Random values of `shape`."""
        kind = dtype_of(dtype)
        if kind.is_floating_point or kind == torch.bool:
            return super().__call__(shape, dtype)
        low, high = int(self.minval), int(self.maxval)
        if low >= high:
            raise ArgumentError(f"RandomUniform: no integer lies in [{self.minval}, {self.maxval}); received `dtype` {dtype!r}.")
        return torch.randint(low, high, tuple(shape), generator=self._generator(), dtype=kind, device="cpu").to(settings.device())

    def _draw(self, values: Tensor, generator: torch.Generator) -> Tensor:
        return values.uniform_(generator=generator).mul_(self.maxval - self.minval).add_(self.minval)

    def get_config(self) -> dict[str, Any]:
        """Limits, seed."""
        return {"minval": self.minval, "maxval": self.maxval, **super().get_config()}


class Orthogonal(Random):
    """`gain` times a random matrix with orthonormal rows or columns, from all leading dimensions against the last."""

    def __init__(self, gain: float = 1.0, seed: Any = None) -> None:
        super().__init__(seed)
        self.gain = gain

    def __call__(self, shape: Shape, dtype: Any = None) -> Tensor:
        """The matrix in `shape`; ShapeError below rank 2."""
        if len(shape) < 2:
            raise ShapeError(f"Orthogonal: the weight must have at least 2 axes, received the shape {tuple(shape)}.")
        return super().__call__(shape, dtype)

    def _draw(self, values: Tensor, generator: torch.Generator) -> Tensor:
        columns = values.shape[-1]
        rows = values.numel() // max(columns, 1)
        q, r = torch.linalg.qr(values.new_empty(max(rows, columns), min(rows, columns)).normal_(generator=generator))
        q = q * r.diagonal().sign()
        return self.gain * (q if rows >= columns else q.T).reshape(values.shape)

    def get_config(self) -> dict[str, Any]:
        """Gain, seed."""
        return {"gain": self.gain, **super().get_config()}
