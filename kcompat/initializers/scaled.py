"""Initializers whose spread depends on the number of inputs and outputs: VarianceScaling and its named settings."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from kcompat.errors import ArgumentError
from kcompat.generations import behaviour
from kcompat.initializers.base import Shape
from kcompat.initializers.drawn import Random, truncated

Axes = int | Sequence[int] | None

#: standard deviation of the standard normal cut at +-2
_CUT_DEVIATION = 0.87962566103423978
_MODES = ("fan_in", "fan_out", "fan_avg")
_DISTRIBUTIONS = ("truncated_normal", "untruncated_normal", "uniform")


def fans(shape: Shape, input_axes: Axes = None, output_axes: Axes = None, odd_ranks: str = "receptive_field") -> tuple[float, float]:
    """Inputs and outputs of a unit: the last two axes times the receptive field, or the product of the axes given (both or none).

    `odd_ranks` 'root': the root of the size for shapes that are neither a matrix nor a kernel of 1 to 3 dimensions (before tf.keras).
    """
    if input_axes is not None and output_axes is not None:
        return math.prod(shape[a] for a in _listed(input_axes)), math.prod(shape[a] for a in _listed(output_axes))
    if odd_ranks == "root" and not 2 <= len(shape) <= 5:
        return math.sqrt(math.prod(shape)), math.sqrt(math.prod(shape))
    if len(shape) < 2:
        return math.prod(shape), math.prod(shape)
    field = math.prod(shape[:-2])
    return shape[-2] * field, shape[-1] * field


def _listed(axes: int | Sequence[int]) -> Sequence[int]:
    return (axes,) if isinstance(axes, int) else axes


class VarianceScaling(Random):
    """Random values of variance `scale / n`, n the fan that `mode` names.

    `distribution` is 'truncated_normal' (cut at two deviations of a normal that is wider by 1/0.8796, 'normal' is the same),
    'untruncated_normal' or 'uniform'. Both of `input_axes` and `output_axes` say which axes of the weight are inputs and outputs.
    """

    def __init__(
        self,
        scale: float = 1.0,
        mode: str = "fan_in",
        distribution: str = "truncated_normal",
        seed: Any = None,
        input_axes: Axes = None,
        output_axes: Axes = None,
    ) -> None:
        super().__init__(seed)
        if not scale > 0:
            raise ArgumentError(f"{type(self).__name__}: `scale` must be positive, received {scale!r}.")
        if str(mode).lower() not in _MODES:
            raise ArgumentError(f"{type(self).__name__}: `mode` must be one of {_MODES}, received {mode!r}.")
        drawn = {"normal": "truncated_normal"}.get(str(distribution).lower(), str(distribution).lower())
        if drawn not in _DISTRIBUTIONS:
            raise ArgumentError(f"{type(self).__name__}: `distribution` must be one of {_DISTRIBUTIONS}, received {distribution!r}.")
        self.scale = scale
        self.mode = mode.lower()
        self.distribution = drawn
        self.input_axes = input_axes
        self.output_axes = output_axes
        self._odd_ranks = behaviour("fans_of_odd_ranks")

    def _draw(self, values: Tensor, generator: torch.Generator) -> Tensor:
        inputs, outputs = fans(tuple(values.shape), self.input_axes, self.output_axes, self._odd_ranks)
        count = {"fan_in": inputs, "fan_out": outputs, "fan_avg": (inputs + outputs) / 2}[self.mode]
        variance = self.scale / max(1.0, count)
        if self.distribution == "uniform":
            limit = math.sqrt(3 * variance)
            return values.uniform_(-limit, limit, generator=generator)
        if self.distribution == "untruncated_normal":
            return values.normal_(0, math.sqrt(variance), generator=generator)
        return truncated(values, 0, math.sqrt(variance) / _CUT_DEVIATION, generator)

    def get_config(self) -> dict[str, Any]:
        """All arguments; the axes where the generation has them or they are set."""
        normal = self.distribution == "truncated_normal"
        told = {
            "scale": self.scale,
            "mode": self.mode,
            "distribution": behaviour("normal_distribution_name") if normal else self.distribution,
            **super().get_config(),
        }
        return told | self._axes()

    def _axes(self) -> dict[str, Any]:
        set_here = self.input_axes is not None or self.output_axes is not None
        known = set_here or behaviour("initializer_config") == "own_class_axes"
        return {"input_axes": self.input_axes, "output_axes": self.output_axes} if known else {}


class _Named(VarianceScaling):
    """A setting of VarianceScaling with a name; multi-backend Keras has no class for it and writes the setting out."""

    _setting: tuple[float, str, str]

    def __init__(self, seed: Any = None, input_axes: Axes = None, output_axes: Axes = None) -> None:
        super().__init__(*self._setting, seed, input_axes, output_axes)

    @property
    def _written_out(self) -> bool:
        return type(self) in _Named.__subclasses__() and behaviour("initializer_config") == "variance_scaling"

    @property
    def _config_class_name(self) -> str | None:
        return "VarianceScaling" if self._written_out else None

    def get_config(self) -> dict[str, Any]:
        """The seed, and the axes as in VarianceScaling; everything where the class is written as VarianceScaling."""
        return super().get_config() if self._written_out else Random.get_config(self) | self._axes()

    def clone(self) -> Any:
        """A new initializer of the same class and seed."""
        return type(self)(self.seed, self.input_axes, self.output_axes)


class GlorotUniform(_Named):
    """Uniform, variance 2 / (fan_in + fan_out)."""

    _setting = (1.0, "fan_avg", "uniform")


class GlorotNormal(_Named):
    """Truncated normal, variance 2 / (fan_in + fan_out)."""

    _setting = (1.0, "fan_avg", "truncated_normal")


class HeUniform(_Named):
    """Uniform, variance 2 / fan_in."""

    _setting = (2.0, "fan_in", "uniform")


class HeNormal(_Named):
    """Truncated normal, variance 2 / fan_in."""

    _setting = (2.0, "fan_in", "truncated_normal")


class LecunUniform(_Named):
    """Uniform, variance 1 / fan_in."""

    _setting = (1.0, "fan_in", "uniform")


class LecunNormal(_Named):
    """Truncated normal, variance 1 / fan_in."""

    _setting = (1.0, "fan_in", "truncated_normal")
