"""`Sequential`: a stack of layers, built when the shape of its input is known."""

from __future__ import annotations

from typing import Any

import torch

from kcompat import registry
from kcompat.core.input import InputLayer
from kcompat.core.layer import Layer
from kcompat.errors import ArgumentError, ArgumentTypeError
from kcompat.generations import behaviour
from kcompat.graph import KerasTensor, contains_symbol
from kcompat.graph.network import sources
from kcompat.layers.keras1_merge import Merge
from kcompat.layers.wrapper import TorchModuleWrapper
from kcompat.models import config as configs
from kcompat.models.graph import module_key
from kcompat.models.model import Model
from kcompat.training import ClassPredictions
from kcompat.tree import flatten, is_nested


class Sequential(ClassPredictions, Model):
    """A stack of layers, each fed with the output of the one before it.

    Layers are given as a list or by `add`; the shape of the input comes from an `Input`, from `input_shape=` (or
    `input_dim`, `batch_input_shape`) of the first layer, from `build(input_shape)` or from the first call. Torch modules may stand between
    Keras layers. Source: https://keras.io/api/models/sequential/
    """

    _config_types = (dict, list)  # up to Keras 2.1 a config is the list of the layers

    def __init__(self, layers: Any = None, trainable: bool = True, name: str | None = None, **kwargs: Any):
        if isinstance(trainable, str):  # Keras 1 and 2: Sequential(layers, name)
            trainable, name = True, trainable
        super().__init__(name=name, trainable=trainable, **kwargs)
        self.__dict__["_stack"] = []
        self.__dict__["_begin"] = None
        if layers is not None and not isinstance(layers, (list, tuple)):
            layers = [layers]
        taken: set[str] = set()
        for layer in layers or ():
            self._push(layer, taken)
        self._rebuild()
        if not trainable:
            self.trainable = False

    # -- the stack ----------------------------------------------------------------------------------------------------------

    def add(self, layer: Any, rebuild: bool = True) -> None:
        """Put a layer on top."""
        before, begin = list(self._stack), self._begin
        try:
            self._push(layer)
            if rebuild:
                self._rebuild()
        except Exception:
            self.__dict__.update(_stack=before, _begin=begin)
            self._rebuild()
            raise

    def pop(self, rebuild: bool = True) -> Layer:
        """Take the top layer off and return it."""
        if not self._stack:
            raise ArgumentTypeError(f"Sequential '{self.name}' has no layers to pop.")
        layer = self._stack.pop()
        if rebuild:
            self._rebuild()
        return layer

    def _push(self, layer: Any, taken: set[str] | None = None) -> None:
        """Put a layer on the stack; `taken` are the names of those there, where the caller keeps count of them."""
        if isinstance(layer, KerasTensor) and layer._node is not None and isinstance(layer._node.operation, InputLayer):
            layer = layer._node.operation
        if isinstance(layer, torch.nn.Module) and not isinstance(layer, Layer):
            layer = TorchModuleWrapper(layer)
        if not isinstance(layer, Layer):
            raise ArgumentTypeError(f"Sequential '{self.name}' takes layers, received {layer!r}.")
        names = {other.name for other in self._stack} if taken is None else taken
        if layer.name in names:
            raise ArgumentError(f"Sequential '{self.name}' already has a layer called '{layer.name}'; names must be unique.")
        if isinstance(layer, InputLayer):
            if self._stack or self._begin is not None:
                raise ArgumentError(f"Sequential '{self.name}' already has an input or layers; an Input can only come first.")
            self.__dict__["_begin"] = layer
            return
        names.add(layer.name)
        self._stack.append(layer)

    def _make_input(self, shape: Any, dtype: Any) -> InputLayer:
        own_name = behaviour("sequential_input_name", self._keras_version) == "input"
        return InputLayer(batch_shape=shape, dtype=dtype, name=None if own_name else f"{self._stack[0].name}_input")

    def _first_input(self) -> InputLayer | None:
        """The input layer: a given one, or one for the shape that the first layer tells."""
        if self._begin is None and self._stack:
            first = self._stack[0]
            shape, dtype = first._batch_input_shape, None
            while shape is None and isinstance(first, Sequential) and first._stack and first._network is None:
                first = first._stack[0]
                shape = first._batch_input_shape
            if shape is None and isinstance(first, Model) and isinstance(first.input if first._network is not None else None, KerasTensor):
                shape, dtype = first.input.shape, first.input.dtype
            if shape is not None:
                kind = dtype if dtype is not None else self._stack[0].dtype
                self.__dict__["_begin"] = self._make_input(shape, kind)
        return self._begin

    def _rebuild(self) -> None:
        """Wire the graph if the input is known; hold the layers as modules in any case."""
        first, rest = self._first_tensors()
        if first is None or not self._stack:
            self._hold()
            return
        source, x = first
        for layer in rest:
            x = layer(x)
            if is_nested(x) and len(flatten(x)) > 1:
                raise ArgumentTypeError(
                    f"Sequential '{self.name}': layer '{layer.name}' has {len(flatten(x))} outputs; every layer of a stack must have one."
                )
        self._wire(source, x)
        self.built = True

    def _first_tensors(self) -> tuple[Any, list[Layer]]:
        """(inputs, the tensor that the stack goes on from) and the layers on top of it."""
        if self._stack and isinstance(self._stack[0], Merge) and self._stack[0].layers is not None:
            joined = self._stack[0].output
            return (sources(joined), joined), self._stack[1:]
        begin = self._first_input()
        if begin is None:
            return None, self._stack
        tensor = begin._inbound_nodes[0].outputs
        return (tensor, tensor), self._stack

    def _hold(self) -> None:
        own = self.__dict__
        for key in own.get("_graph_keys", ()):
            self._modules.pop(key, None)
        keys: list[str] = []
        for layer in self._stack:
            keys.append(module_key(layer, {*keys, *self._modules}, type(self)))
            self._modules[keys[-1]] = layer
            if layer.training is not self.training:
                layer.train(self.training)
        own.update(_graph_keys=tuple(keys), _network=None, _plan=None)
        self.built = False

    @property
    def layers(self) -> list[Layer]:
        """The layers, without the input."""
        present = {id(m): m for m in self._modules.values()}
        if all(id(layer) in present for layer in self._stack):
            return list(self._stack)
        return [m for k, m in self._modules.items() if isinstance(m, Layer) and not isinstance(m, InputLayer)]

    @property
    def flattened_layers(self) -> list[Layer]:
        """The layers, and in the place of a first `Merge` of Keras 1 those of its branches: these have weights of their own in a file."""
        layers = self.layers
        if not layers or not isinstance(layers[0], Merge) or layers[0].layers is None:
            return layers
        branches = [getattr(branch, "flattened_layers", [branch]) for branch in layers[0].layers]
        flat = [layer for branch in branches for layer in branch if not isinstance(layer, InputLayer)]
        return list(dict.fromkeys([*flat, *layers[1:]]))

    # -- calling ------------------------------------------------------------------------------------------------------------

    def build(self, input_shape: Any = None) -> None:
        """Build for inputs of this shape (batch first, None where it varies)."""
        if self._network is not None or input_shape is None:
            return
        if not self._stack:
            raise ArgumentError(f"Sequential '{self.name}' has no layers; add some before building it.")
        self.__dict__["_begin"] = self._make_input(input_shape, self._stack[0].dtype)
        self._rebuild()
        self.__dict__["_build_shape"] = self.__dict__["_deferred_shape"] = tuple(input_shape)

    def _build_once(self, *shapes: Any, **named: Any) -> None:
        shape = shapes[0] if shapes else None
        if isinstance(shape, (tuple, list)) and shape and not is_nested(shape[0]):
            fixed = behaviour("sequential_batch_from_data", self._keras_version)
            self.build(tuple(shape) if fixed else (None, *shape[1:]))
        else:
            self.built = True

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """Run the layers in order."""
        if self._network is not None:
            return super().call(inputs, training=training, mask=mask)
        if not self._stack:
            return inputs
        for layer in self._stack:
            inputs = layer(inputs)
        return inputs

    call.runs_graph = True  # type: ignore[attr-defined]

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The output's shape for an input of this shape."""
        for layer in self._stack:
            input_shape = layer.compute_output_shape(input_shape)
        return input_shape

    def compute_output_spec(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        """Symbolic outputs for symbolic inputs."""
        if self._network is None and contains_symbol(inputs) and isinstance(inputs, KerasTensor):
            self.build(inputs.shape)
        return super().compute_output_spec(inputs, *args, **kwargs)

    # -- configs ------------------------------------------------------------------------------------------------------------

    def get_build_config(self) -> dict[str, Any] | None:
        """The input shape, once it is known."""
        return None if self._network is None else {"input_shape": self._network.inputs[0].shape}

    @property
    def _config_module(self) -> str:
        return "keras"

    def get_config(self) -> Any:
        """The architecture as plain data: a list of layers up to Keras 2.1, a dict with a name later."""
        return configs.sequential_config(self)

    @classmethod
    def from_config(cls, config: Any, custom_objects: Any = None) -> Sequential:
        """A stack from its config, in the form of any generation."""
        return configs.sequential_from_config(cls, config, custom_objects)


registry.register("layer", {"Sequential": Sequential})
