"""Starting values of weights: `init(shape, dtype=None)` gives a plain tensor on `config.device()`.

Random values are drawn on the CPU, so that a seed means the same values on every device. Whether one instance gives the same values
at every call depends on the generation (row `initializer_repeats`).
"""

from __future__ import annotations

from typing import Any

from kcompat import registry
from kcompat.initializers.base import Initializer
from kcompat.initializers.drawn import Orthogonal, RandomNormal, RandomUniform, TruncatedNormal
from kcompat.initializers.fixed import STFT, Constant, Identity, Ones, Zeros
from kcompat.initializers.scaled import (
    GlorotNormal,
    GlorotUniform,
    HeNormal,
    HeUniform,
    LecunNormal,
    LecunUniform,
    VarianceScaling,
)

IdentityInitializer = identity = Identity
OrthogonalInitializer = orthogonal = Orthogonal
STFTInitializer = stft = STFT
zeros = zero = Zeros
ones = one = Ones
constant = Constant
normal = random_normal = RandomNormal
uniform = random_uniform = RandomUniform
truncated_normal = TruncatedNormal
variance_scaling = VarianceScaling
glorot_normal = GlorotNormal
glorot_uniform = GlorotUniform
he_normal = HeNormal
he_uniform = HeUniform
lecun_normal = LecunNormal
lecun_uniform = LecunUniform

_CLASSES = {
    c.__name__: c
    for c in (
        Zeros, Ones, Constant, Identity, STFT, RandomNormal, TruncatedNormal, RandomUniform, Orthogonal, VarianceScaling, GlorotUniform,
        GlorotNormal, HeUniform, HeNormal, LecunUniform, LecunNormal,
    )
}  # fmt: skip
_OTHER_NAMES = {name: thing for name, thing in globals().items() if thing in _CLASSES.values() and name not in _CLASSES}
__all__ = ["Initializer", "deserialize", "get", "serialize", *_CLASSES, *_OTHER_NAMES]

registry.register("initializer", _CLASSES)
registry.register("initializer", _OTHER_NAMES)
registry.register("initializer", {f"{name}V2": thing for name, thing in _CLASSES.items()})  # TensorFlow 2's files


def get(identifier: Any) -> Any:
    """The initializer for None (none), a name, a config, a class, a function `f(shape, dtype=None)` or an initializer."""
    return registry.get("initializer", identifier)


def serialize(initializer: Any, use_legacy_format: bool = False) -> Any:
    """The config of an initializer, or the name of a function."""
    return registry.serialize("initializer", initializer, use_legacy_format)


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None, use_legacy_format: bool = False) -> Any:
    """The initializer that `serialize` described. Both config formats are known by their form."""
    return registry.deserialize("initializer", config, custom_objects)
