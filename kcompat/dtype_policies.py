"""Which dtype a layer computes in and which its weights have.

A policy is a dtype name, or 'mixed_float16' / 'mixed_bfloat16': computation in the half type, weights in float32.
Quantized policies are not supported and say so.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from kcompat import config, registry
from kcompat.errors import ArgumentError, ArgumentTypeError, UnknownNameError
from kcompat.generations import behaviour
from kcompat.tensor.dtypes import dtype_name, torch_dtype

__all__ = [
    "DTypePolicy", "FloatDTypePolicy", "Policy", "deserialize", "dtype_policy", "get", "global_policy", "serialize", "set_dtype_policy",
    "set_global_policy",
]  # fmt: skip

_MIXED = {"mixed_float16": ("float16", "float32"), "mixed_bfloat16": ("bfloat16", "float32")}


class DTypePolicy:
    """`name` is a dtype, 'mixed_float16' or 'mixed_bfloat16'; None takes the global policy.

    `compute_dtype` and `variable_dtype` are names of dtypes ('float32'). Raises ArgumentError for an unknown name.
    """

    def __init__(self, name: str | None = None) -> None:
        if name is None:
            name = dtype_policy().name
        if not isinstance(name, str):
            raise ArgumentTypeError(f"DTypePolicy: `name` must be a string such as 'mixed_float16', received {name!r}.")
        self._name = name
        self._compute_dtype, self._variable_dtype = _MIXED.get(name) or (_checked(name),) * 2

    @property
    def name(self) -> str:
        """The name given: 'float32', 'mixed_float16', ..."""
        return self._name

    @property
    def compute_dtype(self) -> str:
        """The dtype that floating inputs are cast to and results have."""
        return self._compute_dtype

    @property
    def variable_dtype(self) -> str:
        """The dtype of the weights."""
        return self._variable_dtype

    @property
    def quantization_mode(self) -> None:
        """None: policies here do not quantize."""
        return None

    def convert_input(self, x: Any, autocast: bool, dtype: Any) -> Any:
        """`x`, cast to `dtype` when `autocast` is set and both are floating; an array becomes a tensor, all else stays as it is."""
        if not isinstance(x, torch.Tensor):
            if not hasattr(x, "__array__"):
                return x
            x = torch.as_tensor(np.asarray(x), device=config.device())
        wanted = torch_dtype(dtype)
        cast = autocast and x.is_floating_point() and wanted.is_floating_point and x.dtype != wanted
        return x.to(wanted) if cast else x

    def get_config(self) -> dict[str, Any]:
        """The name, as a dict."""
        return {"name": self.name}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> DTypePolicy:
        """The policy that `get_config` described."""
        return cls(**config)

    @property
    def _config_module(self) -> str:
        return behaviour("policy_class")[0]

    @property
    def _config_class_name(self) -> str | None:
        return behaviour("policy_class")[1] if type(self) is DTypePolicy else None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DTypePolicy) and other.name == self.name

    def __hash__(self) -> int:
        return hash(self.name)

    def __repr__(self) -> str:
        return f'<DTypePolicy "{self.name}">'


class FloatDTypePolicy(DTypePolicy):
    """Keras 3's second name for `DTypePolicy`."""


Policy = DTypePolicy


def _checked(name: str) -> str:
    if name == "string":
        return name
    try:
        return dtype_name(name)
    except ArgumentError:
        hint = " Quantized policies are not supported: their layers would run unquantized." if "_from_" in name else ""
        raise ArgumentError(
            f"DTypePolicy: `name` must be a dtype such as 'float32', 'mixed_float16' or 'mixed_bfloat16', received {name!r}.{hint}"
        ) from None


_global: DTypePolicy | None = None


def dtype_policy() -> DTypePolicy:
    """The policy of layers that name none: the one set, else `config.floatx()`."""
    return DTypePolicy(config.floatx()) if _global is None else _global


def set_dtype_policy(policy: str | DTypePolicy | None) -> None:
    """Let layers made from now on use `policy` when they name none; None returns to `config.floatx()`."""
    global _global
    chosen = None if policy is None else get(policy)
    if chosen is not None and not torch_dtype(chosen.compute_dtype).is_floating_point:
        raise ArgumentError(f"`policy` must be a floating-point policy such as 'float32' or 'mixed_float16', received '{chosen.name}'.")
    _global = chosen


global_policy = dtype_policy
set_global_policy = set_dtype_policy


def get(identifier: Any) -> DTypePolicy:
    """The policy for None (the global one), a name, a dtype of torch or numpy, a config or a policy."""
    if identifier is None:
        return dtype_policy()
    if isinstance(identifier, DTypePolicy):
        return identifier
    if isinstance(identifier, dict):
        return deserialize(identifier)
    if isinstance(identifier, str):
        return DTypePolicy(identifier)
    try:
        return DTypePolicy(dtype_name(identifier))
    except ArgumentError:
        raise ArgumentError(f"`dtype` must be a dtype or a DTypePolicy, received {identifier!r}.") from None


def serialize(dtype_policy: DTypePolicy) -> Any:
    """The config of a policy."""
    return registry.serialize("dtype_policy", dtype_policy)


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """The policy that `serialize` described."""
    name, _ = registry.split_config("dtype_policy", config)
    if name in _UNSUPPORTED:
        raise UnknownNameError(f"`{name}` is not supported: {_UNSUPPORTED[name]}. Use DTypePolicy('float32') or a mixed policy.")
    return registry.deserialize("dtype_policy", config, custom_objects)


_QUANTIZED = "quantized layers do not exist here, and running them in floating point would give other numbers"
_UNSUPPORTED = {
    **dict.fromkeys(
        ("AWQDTypePolicy", "GPTQDTypePolicy", "Int4DTypePolicy", "QuantizedDTypePolicy", "QuantizedFloat8DTypePolicy"), _QUANTIZED
    ),
    "DTypePolicyMap": "layers here have no path by which a policy could be chosen; give each layer its `dtype`",
}


def __getattr__(name: str) -> Any:
    if name in _UNSUPPORTED:
        raise AttributeError(f"kcompat.dtype_policies has no `{name}`: {_UNSUPPORTED[name]}.")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


registry.register("dtype_policy", {"DTypePolicy": DTypePolicy, "Policy": DTypePolicy, "FloatDTypePolicy": FloatDTypePolicy})
