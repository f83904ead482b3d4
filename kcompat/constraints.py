"""Projections of a weight after each optimizer step: a tensor to a tensor of the same shape."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from kcompat import config as settings
from kcompat import registry
from kcompat.errors import ShapeError

__all__ = [
    "Constraint", "MaxNorm", "MinMaxNorm", "NonNeg", "RadialConstraint", "UnitNorm", "deserialize", "get", "max_norm", "maxnorm",
    "min_max_norm", "non_neg", "nonneg", "radial_constraint", "serialize", "unit_norm", "unitnorm",
]  # fmt: skip

Axis = int | Sequence[int]


class Constraint:
    """Base of constraints: define `__call__(w) -> tensor`, and `get_config` if there are arguments."""

    def __call__(self, w: Tensor) -> Tensor:
        """`w` itself."""
        return w

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal constraint."""
        return {}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """The constraint that `get_config` described."""
        return cls(**config)


def _norms(w: Tensor, axis: Axis) -> Tensor:
    return w.square().sum(dim=axis if isinstance(axis, int) else tuple(axis), keepdim=True).sqrt()


class MaxNorm(Constraint):
    """Shrinks the vectors along `axis` to a norm of at most `max_value`."""

    def __init__(self, max_value: float = 2, axis: Axis = 0) -> None:
        self.max_value = max_value
        self.axis = axis

    def __call__(self, w: Tensor) -> Tensor:
        """`w` with the norms clipped, exact to the factor `norm / (epsilon + norm)`."""
        norms = _norms(w, self.axis)
        return w * (norms.clamp(0, self.max_value) / (settings.epsilon() + norms))

    def get_config(self) -> dict[str, Any]:
        """Norm and axis."""
        return {"max_value": self.max_value, "axis": self.axis}


class NonNeg(Constraint):
    """Sets negative entries to 0."""

    def __call__(self, w: Tensor) -> Tensor:
        """`max(w, 0)`."""
        return torch.relu(w)


class UnitNorm(Constraint):
    """Gives the vectors along `axis` the norm 1."""

    def __init__(self, axis: Axis = 0) -> None:
        self.axis = axis

    def __call__(self, w: Tensor) -> Tensor:
        """`w / (epsilon + norm)`."""
        return w / (settings.epsilon() + _norms(w, self.axis))

    def get_config(self) -> dict[str, Any]:
        """The axis."""
        return {"axis": self.axis}


class MinMaxNorm(Constraint):
    """Moves the norms of the vectors along `axis` into an interval, by the fraction `rate` of the way."""

    def __init__(self, min_value: float = 0.0, max_value: float = 1.0, rate: float = 1.0, axis: Axis = 0) -> None:
        self.min_value = min_value
        self.max_value = max_value
        self.rate = rate
        self.axis = axis

    def __call__(self, w: Tensor) -> Tensor:
        """`w` with the norm `rate * clip(norm, min_value, max_value) + (1 - rate) * norm`."""
        norms = _norms(w, self.axis)
        wanted = self.rate * norms.clamp(self.min_value, self.max_value) + (1 - self.rate) * norms
        return w * (wanted / (settings.epsilon() + norms))

    def get_config(self) -> dict[str, Any]:
        """Interval, rate and axis."""
        return {"min_value": self.min_value, "max_value": self.max_value, "rate": self.rate, "axis": self.axis}


class RadialConstraint(Constraint):
    """Makes square image kernels (n, n, in, out) constant on rings around the centre.

    As measured on tf_keras, ring r from the centre takes the kernel's diagonal entry `c + r` with `c = n // 2 - 1` for odd n; for even n
    the innermost four take entry `n // 2 - 1` and ring r > 0 entry `n // 2 + r`.
    """

    def __call__(self, w: Tensor) -> Tensor:
        """The rings' values in place of `w`; ShapeError unless (n, n, in, out) with n > 1."""
        if w.ndim != 4 or w.shape[0] != w.shape[1] or w.shape[0] < 2:
            raise ShapeError(f"RadialConstraint: `w` must have a shape (n, n, in, out) with n > 1, received {tuple(w.shape)}.")
        n = w.shape[0]
        place = torch.arange(n, device=w.device)
        ring = torch.maximum(place, n - 1 - place) - n // 2  # distance from the centre, or from the central pair
        ring = torch.maximum(ring[:, None], ring[None, :])
        entry = n // 2 - 1 + ring if n % 2 else torch.where(ring == 0, n // 2 - 1, n // 2 + ring)
        return w.diagonal(dim1=0, dim2=1).movedim(-1, 0)[entry]


max_norm = maxnorm = MaxNorm
non_neg = nonneg = NonNeg
unit_norm = unitnorm = UnitNorm
min_max_norm = MinMaxNorm
radial_constraint = RadialConstraint


def get(identifier: Any) -> Any:
    """The constraint for None (none), a name, a config, a function or a constraint."""
    return registry.get("constraint", _modern(identifier))


def serialize(constraint: Any, use_legacy_format: bool = False) -> Any:
    """The config of a constraint, or the name of a function."""
    return registry.serialize("constraint", constraint, use_legacy_format)


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None, use_legacy_format: bool = False) -> Any:
    """The constraint that `serialize` described. Both config formats are known by their form."""
    return registry.deserialize("constraint", _modern(config), custom_objects)


def _modern(config: Any) -> Any:
    """Keras 1 wrote {'name': 'MaxNorm', 'm': 2, 'axis': 0}."""
    if not isinstance(config, dict) or "class_name" in config or "name" not in config:
        return config
    renamed = {"m": "max_value", "low": "min_value", "high": "max_value"}
    return {"class_name": config["name"], "config": {renamed.get(k, k): v for k, v in config.items() if k != "name"}}


registry.register(
    "constraint",
    {
        "MaxNorm": MaxNorm, "NonNeg": NonNeg, "UnitNorm": UnitNorm, "MinMaxNorm": MinMaxNorm, "RadialConstraint": RadialConstraint,
        "max_norm": MaxNorm, "maxnorm": MaxNorm, "non_neg": NonNeg, "nonneg": NonNeg, "unit_norm": UnitNorm, "unitnorm": UnitNorm,
        "min_max_norm": MinMaxNorm, "radial_constraint": RadialConstraint,
    },
)  # fmt: skip
