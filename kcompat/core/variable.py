"""A weight: a `torch.nn.Parameter` of Keras' shape that also answers Keras' variable methods.

The parameter is the only store. What Keras knows about a weight beyond its values (name, regularizer, constraint) stands in a
`WeightInfo`, which the layer owns: torch replaces parameter objects when a module moves to another device, and the
layer then puts the new ones into a `Variable` again. Weights that are not trained are buffers of the same class.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import numpy as np
import torch

from kcompat.errors import ShapeError
from kcompat.tensor.dtypes import dtype_name


class WeightInfo:
    """What a layer knows about one of its weights."""

    __slots__ = ("constraint", "initializer", "name", "path", "regularizer", "short_name", "trainable")

    def __init__(self, short_name: str, name: str, path: str, trainable: bool, regularizer: Any, constraint: Any, initializer: Any):
        self.short_name = short_name
        self.name = name
        self.path = path
        self.trainable = trainable
        self.regularizer = regularizer
        self.constraint = constraint
        self.initializer = initializer


_NO_INFO = WeightInfo("Variable", "Variable:0", "Variable", True, None, None, None)


def adopt(parameter: torch.nn.Parameter, info: WeightInfo) -> Variable:
    """Make a plain parameter a `Variable`, without making another object of it."""
    parameter.__class__ = Variable
    assert isinstance(parameter, Variable)
    parameter._info = info
    return parameter


class Variable(torch.nn.Parameter):
    """A weight in Keras' logical shape; `layer.kernel`, `model.weights[0]` and so on are such objects."""

    _info: WeightInfo = _NO_INFO

    def __new__(cls, data: Any = None, trainable: bool = True, info: WeightInfo | None = None) -> Variable:  # noqa: D102
        tensor = torch.as_tensor(data)
        tensor = tensor.detach() if isinstance(tensor, torch.nn.Parameter) else tensor
        floating = tensor.is_floating_point() or tensor.is_complex()
        variable = torch.Tensor._make_subclass(cls, tensor, trainable and floating)
        if info is not None:
            variable._info = info
        return variable

    def __deepcopy__(self, memo: dict[int, Any]) -> Variable:
        if id(self) not in memo:
            memo[id(self)] = Variable(self.data.clone(memory_format=torch.preserve_format), self.requires_grad, self._info)
        return memo[id(self)]

    def __reduce_ex__(self, protocol: Any) -> Any:
        # Written as a plain parameter, which `torch.load(weights_only=True)` knows; the layer restores the class.
        return torch._utils._rebuild_parameter, (self.data, self.requires_grad, OrderedDict())

    def detach(self) -> Variable:
        """The same values without gradient; of the same class, as `torch.nn.Parameter(variable)` needs."""
        return torch.Tensor._make_subclass(type(self), self.data, False)

    @property
    def name(self) -> str:  # type: ignore[override]
        """The name Keras gives the weight: 'dense/kernel:0' (Keras 1 and 2), 'kernel' (3)."""
        return self._info.name

    @property
    def path(self) -> str:
        """The names of the layers that made the weight and its own, joined by slashes."""
        return self._info.path

    @property
    def trainable(self) -> bool:
        """Whether training changes the weight."""
        return self.requires_grad

    @trainable.setter
    def trainable(self, value: bool) -> None:
        self.requires_grad_(bool(value) and self._info.trainable)

    @property
    def regularizer(self) -> Any:
        """The regularizer, or None."""
        return self._info.regularizer

    @property
    def constraint(self) -> Any:
        """The constraint that optimizers apply after each step, or None."""
        return self._info.constraint

    @property
    def initializer(self) -> Any:
        """The initializer that made the first values."""
        return self._info.initializer

    @property
    def value(self) -> torch.Tensor:
        """The values as a tensor that shares memory."""
        return self.data

    def read_value(self) -> torch.Tensor:
        """The values as a tensor that shares memory."""
        return self.data

    def numpy(self, *, force: bool = False) -> np.ndarray:  # type: ignore[override]
        """The values as a numpy array on the host."""
        values = self.data.cpu()
        return (values.float() if values.dtype is torch.bfloat16 else values).numpy(force=force)

    def assign(self, value: Any) -> Variable:
        """Replace the values in place; the shape must be the same."""
        new = torch.as_tensor(np.asarray(value) if isinstance(value, (list, tuple, float, int)) else value)
        if tuple(new.shape) != tuple(self.shape):
            raise ShapeError(
                f"The weight '{self.path}' of shape {tuple(self.shape)} cannot be assigned a `value` of shape {tuple(new.shape)}."
            )
        with torch.no_grad():
            self.copy_(new)
        return self

    def assign_add(self, value: Any) -> Variable:
        """Add to the values in place."""
        with torch.no_grad():
            self.add_(torch.as_tensor(value, device=self.device).to(self.dtype))
        return self

    def assign_sub(self, value: Any) -> Variable:
        """Subtract from the values in place."""
        with torch.no_grad():
            self.sub_(torch.as_tensor(value, device=self.device).to(self.dtype))
        return self

    def __repr__(self) -> str:  # type: ignore[override]
        return f"<Variable path={self.path}, shape={tuple(self.shape)}, dtype={dtype_name(self.dtype)}, value={self.data}>"
