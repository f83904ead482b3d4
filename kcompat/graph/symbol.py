"""Tensors without values: every torch function, operator and method applied to one is recorded as a node."""

from __future__ import annotations

import operator
from collections.abc import Callable
from functools import partial
from typing import Any

import torch

from kcompat.errors import ArgumentError, ArgumentTypeError
from kcompat.generations import behaviour
from kcompat.graph.infer import infer
from kcompat.tensor.dtypes import dtype_name, torch_dtype
from kcompat.tree import leaves, map_structure


class Node:
    """One call: the operation, its arguments (symbolic tensors, constants, nested), and the tensors it made."""

    __slots__ = ("args", "kwargs", "operation", "outputs", "parents")

    def __init__(self, operation: Any, args: tuple[Any, ...], kwargs: dict[str, Any]):
        self.operation = operation
        self.args = args
        self.kwargs = kwargs
        #: the symbolic tensors among the arguments; keywords as they stand, which decides about the order of layers in a model
        self.parents: list[KerasTensor] = [leaf for leaf in leaves((args, list(kwargs.values()))) if isinstance(leaf, KerasTensor)]
        self.outputs: Any = None

    def __repr__(self) -> str:
        return f"<Node of {getattr(self.operation, 'name', None) or getattr(self.operation, '__name__', self.operation)}>"


class KerasTensor:
    """A tensor of known shape (None where it varies) and dtype, and the call that makes it.

    Layers, arithmetic, slicing, torch functions and tensor methods all take it and give another one.
    """

    def __init__(self, shape: tuple[int | None, ...], dtype: Any = torch.float32, name: str | None = None, sparse: bool = False):
        self.shape = tuple(shape)
        self.dtype = torch_dtype(dtype)
        self.name = name
        self.sparse = sparse
        self._node: Node | None = None
        self._index = 0
        self._keras_mask: Any = None

    @classmethod
    def __torch_function__(cls, function: Callable[..., Any], types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return trace(function, args, kwargs or {})

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        return len(self.shape)

    @property
    def device(self) -> torch.device:
        """Symbolic tensors live nowhere: 'meta'."""
        return torch.device("meta")

    @property
    def T(self) -> KerasTensor:
        """The tensor with its dimensions in reverse order."""
        return trace(torch.permute, (self, tuple(reversed(range(self.ndim)))), {})

    @property
    def _keras_shape(self) -> tuple[int | None, ...]:
        return self.shape

    @property
    def _keras_history(self) -> tuple[Any, int, int]:
        """Operation, index of the node among the operation's calls, and index of this tensor in the call's output."""
        if self._node is None:
            raise ArgumentError(f"The symbolic tensor {self!r} was not made by a layer or an `Input`.")
        calls = getattr(self._node.operation, "_inbound_nodes", [self._node])
        return self._node.operation, calls.index(self._node), self._index

    def get_shape(self) -> tuple[int | None, ...]:
        """The shape."""
        return self.shape

    def size(self, dim: int | None = None) -> Any:
        """The shape, or one entry of it (None where it varies)."""
        return self.shape if dim is None else self.shape[dim]

    def dim(self) -> int:
        """The number of dimensions."""
        return len(self.shape)

    def reshape(self, *shape: Any) -> KerasTensor:
        """Another shape; None stands for the size this tensor has in that place."""
        sizes = shape[0] if len(shape) == 1 and isinstance(shape[0], (tuple, list)) else shape
        return trace(reshape_keeping, (self, tuple(sizes)), {})

    view = reshape

    def __repr__(self) -> str:
        named = f", name={self.name!r}" if self.name else ""
        return f"<KerasTensor shape={self.shape}, dtype={dtype_name(self.dtype)}{named}>"

    def __getattr__(self, name: str) -> Any:
        method = None if name.startswith("_") else getattr(torch.Tensor, name, None)
        if not callable(method):
            raise AttributeError(f"A KerasTensor has no attribute '{name}': it is symbolic and holds no values.")
        return partial(_method, method, self)

    def __getitem__(self, index: Any) -> KerasTensor:
        return trace(operator.getitem, (self, index), {})

    def __len__(self) -> int:
        if not self.shape or self.shape[0] is None:
            raise ArgumentTypeError(f"`len()` of the symbolic tensor {self!r} is not known: its first dimension varies.")
        return self.shape[0]

    def __iter__(self) -> Any:
        return iter([self[i] for i in range(len(self))])

    def __bool__(self) -> bool:
        raise ArgumentTypeError(f"The symbolic tensor {self!r} has no value to branch on; use `torch.where`.")

    def __array__(self, *_: Any, **__: Any) -> Any:
        raise ArgumentTypeError(f"The symbolic tensor {self!r} has no values, so it is no numpy array; put the function into a layer.")


def _method(method: Any, tensor: KerasTensor, *args: Any, **kwargs: Any) -> Any:
    return trace(method, (tensor, *args), kwargs)


def reshape_keeping(x: torch.Tensor, shape: tuple[int | None, ...]) -> torch.Tensor:
    """Reshape where None means: the size that `x` has in that place."""
    return x.reshape([x.shape[i] if size is None else size for i, size in enumerate(shape)])


def _reflected(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda self, other: trace(function, (other, self), {})


def _plain(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda self, *args: trace(function, (self, *args), {})


_BINARY = {
    "add": operator.add, "sub": operator.sub, "mul": operator.mul, "truediv": operator.truediv, "floordiv": operator.floordiv,
    "mod": operator.mod, "pow": operator.pow, "matmul": operator.matmul, "and": operator.and_, "or": operator.or_, "xor": operator.xor,
}  # fmt: skip
for _name, _function in _BINARY.items():
    setattr(KerasTensor, f"__{_name}__", _plain(_function))
    setattr(KerasTensor, f"__r{_name}__", _reflected(_function))
for _name in ("lt", "le", "gt", "ge", "ne", "neg", "abs", "invert"):
    setattr(KerasTensor, f"__{_name}__", _plain(getattr(operator, f"__{_name}__")))
KerasTensor.__hash__ = object.__hash__  # type: ignore[method-assign]


def contains_symbol(*structures: Any) -> bool:
    """Whether a symbolic tensor is anywhere inside."""
    return any(isinstance(leaf, KerasTensor) for leaf in leaves(structures))


def trace(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Record a call of a torch function; the result has the shapes that torch gives on tensors without storage."""
    if function in (torch.reshape, torch.Tensor.reshape, torch.Tensor.view):
        sizes = args[1:] if len(args) > 2 else (args[1] if len(args) > 1 else kwargs.get("shape", ()),)
        flat = tuple(leaves(sizes))
        function, args, kwargs = reshape_keeping, (args[0] if args else kwargs["input"], flat), {}
    for leaf in leaves((args, kwargs)):
        if isinstance(leaf, torch.nn.Parameter):
            raise ArgumentError(
                f"A parameter of shape {tuple(leaf.shape)} enters the symbolic graph through {_title(function)}, where no model would "
                "own or train it. Put the torch module that holds it into `kcompat.layers.TorchModuleWrapper(module)`."
            )
    return record(function, args, kwargs, infer(function, args, kwargs))


def _title(function: Any) -> str:
    return f"`{getattr(function, '__name__', function)}`"


def record(operation: Any, args: tuple[Any, ...], kwargs: dict[str, Any], specs: Any) -> Any:
    """Symbolic tensors for the outputs `specs` (a structure of (shape, dtype) pairs) of a call, and its node."""
    if len(kwargs) > 1 and behaviour("graph_keywords_sorted", getattr(operation, "_keras_version", None)):
        kwargs = {name: kwargs[name] for name in sorted(kwargs)}
    node = Node(operation, args, kwargs)
    count = iter(range(1 << 30))

    def symbol(spec: Any) -> KerasTensor:
        tensor = spec if isinstance(spec, KerasTensor) else KerasTensor(*spec)
        tensor._node, tensor._index = node, next(count)
        return tensor

    node.outputs = map_structure(symbol, specs, is_leaf=is_spec)
    calls = getattr(operation, "_inbound_nodes", None)
    if calls is not None:
        calls.append(node)
    return node.outputs


def is_spec(value: Any) -> bool:
    """Whether `value` is a (shape, dtype) pair."""
    return isinstance(value, tuple) and len(value) == 2 and isinstance(value[1], torch.dtype)
