"""Optimizers that users write: `build`, `add_variable` and `update_step` as Keras 3 and tf.keras call them."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor

from kcompat import initializers
from kcompat.config import floatx
from kcompat.core.variable import Variable, WeightInfo
from kcompat.errors import UnknownMethodError
from kcompat.tensor.dtypes import torch_dtype


class OwnState:
    """What a user's subclass finds in `self`; the state it adds is saved after that of Keras' own optimizers."""

    name: str
    _known: list[Tensor]
    _own: list[Tensor]
    state: Any

    def add_variable(self, shape: Sequence[int], initializer: Any = "zeros", dtype: Any = None, name: str | None = None) -> Variable:
        """A tensor that is saved with the optimizer."""
        values = initializers.get(initializer)(tuple(shape), dtype=torch_dtype(dtype or floatx()))
        return self._keep(values, name or "variable")

    def add_variable_from_reference(
        self, reference_variable: Tensor | None = None, name: str = "var", initializer: Any = "zeros", *,
        model_variable: Tensor | None = None, variable_name: str | None = None, shape: Any = None, initial_value: Any = None,
    ) -> Variable:  # fmt: skip
        """A tensor of the shape, dtype and device of a weight; tf.keras calls the weight `model_variable`, the name `variable_name`."""
        weight = model_variable if reference_variable is None else reference_variable
        assert weight is not None
        wanted = tuple(weight.shape) if shape is None else tuple(shape)
        if initial_value is not None:
            values = torch.as_tensor(initial_value, dtype=weight.dtype)
        else:
            values = initializers.get(initializer)(wanted, dtype=weight.dtype)
        return self._keep(values.to(weight.device), variable_name or name)

    def add_optimizer_variables(self, trainable_variables: Iterable[Tensor], name: Any, initializer: Any = "zeros") -> Any:
        """For each weight a tensor like it; with a list of names, a tuple of such lists."""
        weights = list(trainable_variables)
        names = [name] if isinstance(name, str) else list(name)
        starts = initializer if isinstance(initializer, (list, tuple)) else [initializer] * len(names)
        rows = [[self.add_variable_from_reference(w, n, i) for n, i in zip(names, starts, strict=True)] for w in weights]
        columns = tuple([row[place] for row in rows] for place in range(len(names)))
        return columns[0] if isinstance(name, str) else columns

    def _keep(self, values: Tensor, name: str) -> Variable:
        own = f"{self.name}/{name}"
        made = Variable(values, trainable=False, info=WeightInfo(name, own, own, False, None, None, None))
        self._own.append(made)
        return made

    def update_step(self, gradient: Tensor, variable: Tensor, learning_rate: Any) -> None:
        """Change one weight in place; tf.keras calls it without the learning rate."""
        raise UnknownMethodError(f"{type(self).__name__} must define `update_step(self, gradient, variable, learning_rate)`.")

    def _update_by_steps(self, params: list[Tensor], grads: list[Tensor], rate: float) -> None:
        takes_rate = len(inspect.signature(self.update_step).parameters) > 2
        for weight, gradient in zip(params, grads, strict=True):
            if takes_rate:
                self.update_step(gradient, weight, rate)
            else:
                self.update_step(gradient, weight)  # type: ignore[call-arg]

    @property
    def _trainable_variables(self) -> list[Tensor]:
        return list(self._known)

    @property
    def _index_dict(self) -> dict[int, int]:
        return {id(weight): index for index, weight in enumerate(self._known)}

    @property
    def _model_variables_moving_average(self) -> list[Tensor]:
        """The running averages of the weights (`use_ema`), in their order."""
        return [self.state[weight]["average"] for weight in self._known]

    def _var_key(self, variable: Tensor) -> int:
        return id(variable)

    def _get_variable_index(self, variable: Tensor) -> int:
        """The place of a weight among those the optimizer was built with."""
        return self._index_dict[id(variable)]

    def assign(self, variable: Tensor, value: Any) -> None:
        """Replace the values of a weight or slot."""
        with torch.no_grad():
            variable.copy_(torch.as_tensor(value))

    def assign_add(self, variable: Tensor, value: Any) -> None:
        """Add to the values of a weight or slot."""
        with torch.no_grad():
            variable.add_(torch.as_tensor(value, device=variable.device))

    def assign_sub(self, variable: Tensor, value: Any) -> None:
        """Subtract from the values of a weight or slot."""
        with torch.no_grad():
            variable.sub_(torch.as_tensor(value, device=variable.device))
