"""Penalties on weights and outputs: a tensor to a scalar tensor."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from kcompat import registry
from kcompat.errors import ArgumentError, ArgumentTypeError, ShapeError, UnknownNameError
from kcompat.generations import NOT_GIVEN, behaviour, given

__all__ = [
    "L1", "L1L2", "L2", "OrthogonalRegularizer", "Regularizer", "deserialize", "get", "l1", "l1_l2", "l2", "orthogonal_regularizer",
    "serialize",
]  # fmt: skip


class Regularizer:
    """Base of regularizers: define `__call__(x) -> scalar tensor` and `get_config`."""

    def __call__(self, x: Tensor) -> Tensor | float:
        """No penalty."""
        return 0.0

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal regularizer; must be defined to save a model."""
        raise NotImplementedError(f"{type(self).__name__} does not define `get_config()`.")

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """The regularizer that `get_config` described."""
        return cls(**config)


def _factor(name: str, value: Any, default: float) -> float:
    if value is None:
        return default
    try:
        number = float(value) if not isinstance(value, str) else math.nan
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        raise ArgumentError(f"`{name}` must be a finite number, received {value!r}.")
    if number < 0 and not behaviour("regularizer_negative"):
        raise ArgumentError(f"`{name}` must not be negative in this Keras generation, received {value!r}.")
    return number


class L1L2(Regularizer):
    """`l1 * sum(|x|) + l2 * sum(x^2)`."""

    def __init__(self, l1: float = 0.0, l2: float = 0.0) -> None:
        self.l1 = _factor("l1", l1, 0.0)
        self.l2 = _factor("l2", l2, 0.0)

    @property
    def _config_class_name(self) -> str | None:
        """Multi-backend Keras has no classes L1 and L2: its functions give an L1L2."""
        old = type(self) in (L1, L2) and behaviour("regularizer_config") == "L1L2"
        return "L1L2" if old or type(self) is l1_l2 else None

    def __call__(self, x: Tensor) -> Tensor:
        """The penalty as a scalar of the dtype of `x`."""
        penalty = self.l1 * x.abs().sum() if self.l1 else x.new_zeros(())
        return penalty + self.l2 * x.square().sum() if self.l2 else penalty

    def get_config(self) -> dict[str, Any]:
        """Both factors."""
        return {"l1": self.l1, "l2": self.l2}


def _spelled(factor: Any, short: Any) -> Any:
    return factor if short is NOT_GIVEN else short


class L1(L1L2):
    """`l1 * sum(|x|)`; Keras 2 also calls the argument `l`."""

    def __init__(self, l1: float = 0.01, *, l: float = NOT_GIVEN) -> None:  # noqa: E741
        super().__init__(_factor("l1", _spelled(l1, l), 0.01), 0.0)

    def get_config(self) -> dict[str, Any]:
        """The factor; both where the generation knows L1L2 alone."""
        return super().get_config() if self._config_class_name == "L1L2" else {"l1": self.l1}


class L2(L1L2):
    """`l2 * sum(x^2)`; Keras 2 also calls the argument `l`."""

    def __init__(self, l2: float = 0.01, *, l: float = NOT_GIVEN) -> None:  # noqa: E741
        super().__init__(0.0, _factor("l2", _spelled(l2, l), 0.01))

    def get_config(self) -> dict[str, Any]:
        """The factor; both where the generation knows L1L2 alone."""
        return super().get_config() if self._config_class_name == "L1L2" else {"l2": self.l2}


class l1_l2(L1L2):
    """`L1L2` whose factors are 0.01 by default in Keras 1 and 2, and 0 in Keras 3."""

    def __init__(self, l1: float = NOT_GIVEN, l2: float = NOT_GIVEN) -> None:
        super().__init__(given(l1, "l1_l2_default"), given(l2, "l1_l2_default"))


class OrthogonalRegularizer(Regularizer):
    """`factor` times the mean |cosine| between the rows, or columns, of a matrix; nan for a single one."""

    def __init__(self, factor: float = 0.01, mode: str = "rows") -> None:
        if mode not in ("rows", "columns"):
            raise ArgumentError(f"OrthogonalRegularizer: `mode` must be 'rows' or 'columns', received {mode!r}.")
        self.factor = _factor("factor", factor, 0.01)
        self.mode = mode

    def __call__(self, x: Tensor) -> Tensor:
        """The penalty for a tensor of rank 2; ShapeError otherwise."""
        if x.ndim != 2:
            raise ShapeError(f"OrthogonalRegularizer: `x` must be of rank 2, received the shape {tuple(x.shape)}.")
        rows = x if self.mode == "rows" else x.T
        unit = rows * torch.rsqrt(rows.square().sum(1, keepdim=True).clamp(min=1e-12))
        cosines = unit @ unit.T
        size = len(rows)
        others = cosines * (1 - torch.eye(size, dtype=x.dtype, device=x.device))
        return self.factor * 0.5 * others.abs().sum() / (size * (size - 1) / 2 or math.nan)

    def get_config(self) -> dict[str, Any]:
        """Factor and mode."""
        return {"factor": self.factor, "mode": self.mode}


l1 = L1
l2 = L2
orthogonal_regularizer = OrthogonalRegularizer


def get(identifier: Any) -> Any:
    """The regularizer for None (none), a name, a config, a function or a regularizer."""
    if identifier == "l1_l2" and not behaviour("l1_l2_is_a_name"):
        raise UnknownNameError("Unknown regularizer: 'l1_l2' is no name in Keras 3. Give L1L2(l1, l2).")
    return registry.get("regularizer", _modern(identifier))


def serialize(regularizer: Any, use_legacy_format: bool = False) -> Any:
    """The config of a regularizer, or the name of a function."""
    return registry.serialize("regularizer", regularizer, use_legacy_format)


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None, use_legacy_format: bool = False) -> Any:
    """The regularizer that `serialize` described. Both config formats are known by their form."""
    return registry.deserialize("regularizer", _modern(config), custom_objects)


def _modern(config: Any) -> Any:
    """Keras 1 wrote {'name': 'L1L2Regularizer', 'l1': 0.0, 'l2': 0.01}."""
    if not isinstance(config, dict) or "class_name" in config or "name" not in config:
        return config
    if config["name"] not in ("L1L2Regularizer", "WeightRegularizer", "ActivityRegularizer"):
        raise ArgumentTypeError(f"Unknown Keras 1 regularizer: {config!r}.")
    return {"class_name": "L1L2", "config": {k: v for k, v in config.items() if k != "name"}}


registry.register(
    "regularizer",
    {
        "L1": L1, "L2": L2, "L1L2": L1L2, "OrthogonalRegularizer": OrthogonalRegularizer, "l1": L1, "l2": L2, "l1_l2": l1_l2,
        "orthogonal_regularizer": OrthogonalRegularizer,
    },
)  # fmt: skip
