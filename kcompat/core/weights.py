"""The weights of a layer: making them, listing them in Keras' order, reading and writing them as arrays."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch

from kcompat import config, constraints, initializers, regularizers
from kcompat.core.context import ambient, spend_weight
from kcompat.core.variable import Variable, WeightInfo, adopt
from kcompat.errors import ArgumentError, NotBuiltError, ShapeError
from kcompat.generations import behaviour
from kcompat.tensor.dtypes import torch_dtype

#: The order of positional arguments: Keras 1 and 2 begin with a name, Keras 3 with the shape.
_NAME_FIRST = ("name", "shape", "dtype", "initializer", "regularizer", "trainable", "constraint")
_SHAPE_FIRST = ("shape", "initializer", "dtype", "trainable", "autocast", "regularizer", "constraint", "aggregation", "name")
_KNOWN = {
    *_NAME_FIRST,
    *_SHAPE_FIRST,
    "use_resource",
    "synchronization",
    "experimental_autocast",
    "overwrite_with_gradient",
    "layout",
    "memory_order",
}


class WeightsMixin:
    """The part of a layer that owns weights. `_infos` maps the attribute of each own weight to its `WeightInfo`."""

    name: str
    built: bool
    _infos: dict[str, WeightInfo]
    _parameters: dict[str, Any]
    _buffers: dict[str, Any]
    _modules: dict[str, Any]
    _keras_version: str
    _trainable: bool
    variable_dtype: str

    # -- making ---------------------------------------------------------------------------------------------------------

    def add_weight(self, *args: Any, **kwargs: Any) -> Variable:
        """Make a weight: `add_weight(name, shape, dtype, initializer, regularizer, trainable, constraint)`.

        Keras 3's order `add_weight(shape, initializer, dtype, trainable, ...)` is understood too. A trainable weight becomes a
        parameter of the module, another one a buffer. Source: https://keras.io/api/layers/base_layer/#add_weight-method
        """
        order = _NAME_FIRST if args and (args[0] is None or isinstance(args[0], str)) else _SHAPE_FIRST
        options = dict(zip(order, args, strict=False))
        twice = [k for k in options if k in kwargs]
        unknown = [k for k in kwargs if k not in _KNOWN]
        if twice or unknown or len(args) > len(order):
            raise ArgumentError(
                f"Layer '{self.name}': `add_weight` does not take {(twice or unknown or args)!r}; its arguments are {list(_NAME_FIRST)}."
            )
        return self._make_weight(**{**options, **kwargs})

    def _make_weight(
        self,
        name: str | None = None,
        shape: Any = None,
        dtype: Any = None,
        initializer: Any = None,
        regularizer: Any = None,
        trainable: bool | None = None,
        constraint: Any = None,
        memory_order: tuple[int, ...] | None = None,
        **unused_hints: Any,  # how TensorFlow places, shares and casts variables: no meaning for a parameter
    ) -> Variable:
        shape = () if shape is None else (shape,) if isinstance(shape, int) else tuple(int(n) if n is not None else None for n in shape)
        if any(n is None or n < 0 for n in shape):
            raise ShapeError(f"Layer '{self.name}': the weight `{name}` cannot have the shape {shape}; every size must be known.")
        kind = torch_dtype(self.variable_dtype if dtype is None else dtype)
        spend_weight(f"Layer '{self.name}'", name, math.prod(shape) * kind.itemsize)
        floating = kind.is_floating_point or kind.is_complex
        trainable = floating if trainable is None else trainable
        maker = initializers.get("glorot_uniform" if floating else "zeros") if initializer is None else initializers.get(initializer)
        if ambient.bytes_left is not None and getattr(maker, "seed", 0) is None and type(maker).__module__.startswith("kcompat."):
            values = torch.zeros(shape, dtype=kind, device=config.device())  # a file is being read, whose values take this place
        else:
            values = torch.as_tensor(maker(shape, dtype=kind)).to(device=config.device(), dtype=kind)
        if tuple(values.shape) != shape:
            raise ShapeError(f"Layer '{self.name}': the initializer of `{name}` gave the shape {tuple(values.shape)} instead of {shape}.")
        short = name or f"variable{'_' + str(len(self._infos)) if self._infos else ''}"
        path = "/".join((*(ambient.scope or (self.name,)), short))
        full = f"{path}:0" if behaviour("variable_name", self._keras_version) == "path" else short
        made = WeightInfo(short, full, path, bool(trainable), regularizers.get(regularizer), constraints.get(constraint), maker)
        weight = Variable(_in_memory_order(values, memory_order), bool(trainable) and self._trainable, made)
        self._own_weight(self._free_key(short), weight)
        return weight

    def _free_key(self, name: str) -> str:
        base = name.replace(".", "_").replace("/", "_")
        base = f"{base}_weight" if hasattr(type(self), base) or base in self._modules else base
        key, number = base, 1
        while key in self._infos:
            key, number = f"{base}_{number}", number + 1
        return key

    def _own_weight(self, key: str, weight: Variable) -> None:
        self._infos[key] = weight._info
        home = self._parameters if weight._info.trainable else self._buffers
        home[key] = weight

    def _adopt_weight(self, key: str, weight: Variable) -> None:
        """`self.<key> = weight`: the attribute's name becomes the weight's key, in the place where the weight stood."""
        old = next((k for k in self._infos if self._parameters.get(k) is weight or self._buffers.get(k) is weight), None)
        if old == key:
            return
        home = self._parameters if weight._info.trainable else self._buffers
        if old is None:
            if weight._info.name == "Variable:0":
                weight._info = WeightInfo(key, f"{self.name}/{key}:0", f"{self.name}/{key}", weight.requires_grad, None, None, None)
                home = self._parameters if weight._info.trainable else self._buffers
            self._infos[key] = weight._info
            home[key] = weight
        else:
            self._infos = {key if k == old else k: info for k, info in self._infos.items()}
            renamed = {key if k == old else k: value for k, value in home.items()}
            home.clear()
            home.update(renamed)

    def _restore_variables(self) -> None:
        """Put parameters that torch has replaced (by `.to('meta')`, `load_state_dict(assign=True)`, ...) into `Variable` again."""
        for key, info in self._infos.items():
            home = self._parameters if key in self._parameters else self._buffers
            held = home.get(key)
            if type(held) is torch.nn.Parameter:
                adopt(held, info)  # the same object: an optimizer may hold it already
            elif held is not None and type(held) is torch.Tensor:
                home[key] = Variable(held.data, held.requires_grad, info)
            elif isinstance(held, Variable) and held._info is not info:
                held._info = info

    # -- listing --------------------------------------------------------------------------------------------------------

    def _own(self) -> Iterator[tuple[WeightInfo, Any]]:
        """The layer's own weights as made; a parametrized or pruned one as its present value."""
        for key, info in self._infos.items():
            held = self._parameters.get(key)
            if held is None:
                held = self._buffers.get(key)
            yield info, getattr(self, key) if held is None else held

    def _sublayers(self) -> list[WeightsMixin]:
        """The layers directly below this one, in the order of creation, looking through torch containers."""
        found: list[WeightsMixin] = []
        pending = list(reversed(list(self._modules.values())))
        while pending:
            module = pending.pop()
            if isinstance(module, WeightsMixin):
                if module not in found:
                    found.append(module)
            elif module is not None:
                pending.extend(reversed(list(module._modules.values())))
        return found

    def _split_weights(self) -> tuple[list[Any], list[Any]]:
        """Trainable and other weights of this layer and the ones below, each in Keras' order."""
        own = list(self._own())
        trainable = [w for info, w in own if info.trainable and _trains(w)]
        frozen = [w for info, w in own if info.trainable and not _trains(w)]
        fixed = [w for info, w in own if not info.trainable]
        below = [layer._split_weights() for layer in self._sublayers()]
        own_torch = _plain_parameters(self)
        return (
            _unique([*trainable, *(w for t, _ in below for w in t), *(p for p in own_torch if p.requires_grad)]),
            _unique([*frozen, *fixed, *(w for _, f in below for w in f), *(p for p in own_torch if not p.requires_grad)]),
        )

    @property
    def trainable_weights(self) -> list[Any]:
        """The weights that training changes."""
        return self._split_weights()[0]

    @property
    def non_trainable_weights(self) -> list[Any]:
        """The weights that training leaves alone: frozen ones, moving statistics."""
        return self._split_weights()[1]

    @property
    def weights(self) -> list[Any]:
        """All weights in Keras' order: the order of `get_weights` and of files."""
        trainable, others = self._split_weights()
        if behaviour("layer_weights", self._keras_version) == "by_layer":
            own = sorted(self._own(), key=lambda pair: not pair[0].trainable)
            return _unique([*(w for _, w in own), *(w for layer in self._sublayers() for w in layer.weights), *trainable, *others])
        return _unique([*trainable, *others])

    variables = property(lambda self: self.weights)
    trainable_variables = property(lambda self: self.trainable_weights)
    non_trainable_variables = property(lambda self: self.non_trainable_weights)

    def count_params(self) -> int:
        """How many numbers the weights hold."""
        if not self.built:
            raise NotBuiltError(
                f"`count_params` of layer '{self.name}': the layer has no weights yet. Call it on data, or `build(input_shape)`."
            )
        return sum(w.numel() for w in self.weights)

    # -- reading and writing ----------------------------------------------------------------------------------------------

    def get_weights(self) -> list[np.ndarray]:
        """The weights as numpy arrays."""
        return [_array(w) for w in self.weights]

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Set all weights from arrays of the same shapes, in the order of `get_weights`; all of them or none."""
        own = self.weights
        if not isinstance(weights, (list, tuple)) or len(weights) != len(own):
            got = f"{len(weights)} arrays" if isinstance(weights, (list, tuple)) else repr(type(weights).__name__)
            raise ArgumentError(
                f"`set_weights` of layer '{self.name}': `weights` must be a list of {len(own)} arrays of shapes "
                f"{[tuple(w.shape) for w in own]}, received {got}."
            )
        arrays = [torch.as_tensor(np.asarray(w)) if not isinstance(w, torch.Tensor) else w.detach() for w in weights]
        for weight, array in zip(own, arrays, strict=True):
            if tuple(weight.shape) != tuple(array.shape):
                raise ShapeError(
                    f"`set_weights` of layer '{self.name}': the weight '{getattr(weight, 'path', '?')}' has the shape "
                    f"{tuple(weight.shape)}, received an array of shape {tuple(array.shape)}."
                )
        with torch.no_grad():
            for weight, array in zip(own, arrays, strict=True):
                weight.copy_(array)


def make_weights_contiguous(module: torch.nn.Module) -> torch.nn.Module:
    """Lay the weights of a module out in row-major memory, in place, for tools that insist on it; returns the module.

    Convolution kernels lie in the order that torch's kernels read fastest. Results are the same either way. Tools that view a weight as a
    vector need this first: `prune.l1_unstructured`, `parameters_to_vector`, FSDP2, safetensors.
    """
    with torch.no_grad():
        for weight in (*module.parameters(), *module.buffers()):
            weight.data = weight.data.contiguous()
    return module


def _in_memory_order(values: torch.Tensor, order: tuple[int, ...] | None) -> torch.Tensor:
    """The same tensor with its dimensions laid out in memory in the given order, slowest first."""
    if order is None:
        return values.detach().clone(memory_format=torch.contiguous_format)
    inverse = [order.index(axis) for axis in range(len(order))]
    return values.detach().permute(order).contiguous().permute(inverse)


def _trains(weight: Any) -> bool:
    # A weight that is no parameter is one that a parametrization or a functional call put there: it trains.
    return weight.requires_grad or not isinstance(weight, torch.nn.Parameter)


def _plain_parameters(layer: Any) -> list[torch.nn.Parameter]:
    """Parameters of torch modules inside the layer, and parameters it owns that `add_weight` did not make."""
    found = [p for key, p in layer._parameters.items() if p is not None and key not in layer._infos]
    pending = [m for m in layer._modules.values() if m is not None and not isinstance(m, WeightsMixin)]
    while pending:
        module = pending.pop(0)
        found += [p for p in module._parameters.values() if p is not None]
        pending += [m for m in module._modules.values() if m is not None and not isinstance(m, WeightsMixin)]
    return found


def _unique(weights: list[Any]) -> list[Any]:
    return list({id(w): w for w in weights}.values())


def _array(weight: torch.Tensor) -> np.ndarray:
    return weight.numpy().copy() if isinstance(weight, Variable) else weight.detach().cpu().numpy().copy()
