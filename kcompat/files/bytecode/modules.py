"""What code from a file finds as `tf`, `K` and `keras`: tables of functions of tensors, never the modules."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from kcompat import registry
from kcompat.files.bytecode.backend import FUNCTIONS, K, _truncated
from kcompat.files.bytecode.methods import FACADES, Facade
from kcompat.files.bytecode.numeric import FUNCTIONAL, MATH, NUMPY, TORCH, unknown
from kcompat.files.bytecode.operations import OPERATIONS
from kcompat.files.symbols import keras3
from kcompat.files.symbols.common import as_dtype, tensor
from kcompat.files.symbols.table import TABLE, find


def _normal(shape: Any, mean: float = 0.0, stddev: float = 1.0, dtype: Any = None, seed: Any = None, name: Any = None) -> Tensor:
    return FUNCTIONS["random_normal"](shape, mean, stddev, dtype, seed)


def _cond(pred: Any, true_fn: Any = None, false_fn: Any = None, name: Any = None) -> Any:
    return true_fn() if bool(pred) else false_fn()


#: functions of TensorFlow that take a function or chance, which no graph of a functional model holds
_TF: dict[str, Any] = {
    "random.normal": _normal, "random_normal": _normal, "random.uniform": FUNCTIONS["random_uniform"], "cond": _cond,
    "random_uniform": FUNCTIONS["random_uniform"], "random.truncated_normal": _truncated, "map_fn": FUNCTIONS["map_fn"],
    "is_tensor": lambda x: isinstance(x, Tensor), "rank": lambda x, name=None: tensor(x).ndim,
    "foldl": FUNCTIONS["foldl"], "foldr": FUNCTIONS["foldr"], "no_op": lambda name=None: None,
}  # fmt: skip


class Symbols(Facade):
    """A module of TensorFlow: its functions by name, its submodules, its dtypes."""

    def __init__(self, path: str = ""):
        self._path = path

    def _find(self, name: str) -> Any:
        path = f"{self._path}{name}".removeprefix("compat.v1.").removeprefix("compat.v2.") if self._path else name
        if path == "keras":
            return KERAS
        found = _TF.get(path) or find(f"{self._path}{name}") or find(path)
        if found is not None:
            return found
        if any(symbol.startswith(f"{self._path}{name}.") for symbol in (*TABLE, *_TF, "compat.v2.")):
            return Symbols(f"{self._path}{name}.")
        try:
            return as_dtype(name)
        except ValueError:
            raise unknown(f"tf.{path}", TABLE) from None


class Keras(Facade):
    """`keras`: its backend, its `ops`, its activations."""

    def _find(self, name: str) -> Any:
        parts = {"backend": K, "ops": OPS, "activations": ACTIVATIONS}
        if name not in parts:
            raise unknown(f"keras.{name}", parts)
        return parts[name]


class Activations(Facade):
    """`keras.activations`."""

    def _find(self, name: str) -> Any:
        return registry.lookup("activation", name, {})


class Ops(Facade):
    """`keras.ops`: the table of what functional models of Keras 3 hold, and those whose arguments are not fixed."""

    def _find(self, name: str) -> Any:
        if name in ("numpy", "nn", "image", "linalg", "math", "core"):
            return self
        camel = "".join(word.capitalize() for word in name.split("_"))
        stored = (keras3.TABLE.get(f"{room}.{camel}") for room in ("numpy", "nn", "image", "linalg", "math", "core"))
        found = OPERATIONS.get(name) or next((f for f in stored if f is not None), None) or find(name)
        if found is None:
            raise unknown(f"keras.ops.{name}", OPERATIONS)
        return found


TF, KERAS, OPS, ACTIVATIONS = Symbols(), Keras(), Ops(), Activations()

#: the names that code from a file finds without anybody giving them
GLOBALS: dict[str, Any] = {
    "K": K, "backend": K, "tf": TF, "tensorflow": TF, "keras": KERAS, "tf_keras": KERAS, "ops": OPS, "knp": OPS, "np": NUMPY,
    "numpy": NUMPY, "onp": NUMPY, "torch": TORCH, "F": FUNCTIONAL, "math": MATH, "activations": ACTIVATIONS,
    "kcompat": KERAS,
}  # fmt: skip
FACADES.update(GLOBALS)
