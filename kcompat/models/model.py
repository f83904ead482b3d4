"""`Model`: a layer that is trained, evaluated, saved and summarized."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from kcompat import registry
from kcompat.core.layer import Layer
from kcompat.core.naming import unique_name
from kcompat.core.spec import is_shape
from kcompat.core.symbolic import inferred_spec
from kcompat.core.weights import _unique
from kcompat.errors import ArgumentError, ArgumentTypeError
from kcompat.files import compiled, formats
from kcompat.files.upgrade import Context
from kcompat.generations import behaviour, keras_version_scope, positional
from kcompat.graph import KerasTensor, freeze, thaw
from kcompat.models import config as configs
from kcompat.models import summary as summaries
from kcompat.models.export import export_model
from kcompat.models.graph import GraphMixin, alone
from kcompat.training.methods import TrainingMethods
from kcompat.tree import flatten, map_structure


class Model(GraphMixin, TrainingMethods, Layer):
    """Layers with one input and output side, with `fit`, `evaluate`, `predict`, files and a summary.

    `Model(inputs, outputs)` takes the graph between symbolic tensors; a subclass makes layers in `__init__` and calls
    them in `call(self, inputs, training=None)`. Source: https://keras.io/api/models/model/
    """

    supports_masking = True
    _makes_own_masks = True
    _is_model = True

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:  # noqa: D102
        if cls is Model and (args or {"inputs", "outputs", "input", "output"} & set(kwargs)):
            return super().__new__(Functional, *args, **kwargs)
        return super().__new__(cls, *args, **kwargs)

    def __init__(self, *args: Any, **kwargs: Any):
        inputs, outputs, rest = _graph_arguments(args, kwargs)
        if rest.get("name") is None and type(self) in (Model, Functional):
            rest["name"] = unique_name(behaviour("functional_name"), behaviour("auto_name_first_index"))
        self.__dict__.update(_network=None, _plan=None, _compiled=None, history=None, stop_training=False)
        super().__init__(**rest)
        if inputs is not None:
            self._wire(inputs, outputs)
            self.built = True

    # -- calling --------------------------------------------------------------------------------------------------------

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """Run the graph; a subclass without one overrides this."""
        if self._network is None:
            raise ArgumentError(
                f"Model '{self.name}' ({type(self).__name__}) needs a `call(self, inputs)` method, or `inputs` and `outputs`."
            )
        if mask is not None:
            for tensor, own in zip(flatten(inputs), flatten(mask), strict=False):
                tensor._keras_mask = own
        return self._run_graph(inputs)

    call.runs_graph = True  # type: ignore[attr-defined]

    def build(self, input_shape: Any) -> None:
        """Build the layers of a subclassed model: shapes are sent through its `call`, without data."""
        if self._network is None and not self.built:
            symbols = map_structure(lambda shape: KerasTensor(tuple(shape), self._compute_dtype), input_shape, is_leaf=is_shape)
            inferred_spec(self, symbols, (), {})
        super().build(input_shape)

    def _build_once(self, *shapes: Any, **named: Any) -> None:
        if type(self).build is Model.build:  # a call is under way, which builds the layers itself
            self.__dict__["_build_shape"] = shapes[0] if shapes else named
            self.built = True
        else:
            super()._build_once(*shapes, **named)

    def compute_output_spec(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        """Symbolic outputs for symbolic inputs."""
        if self._network is not None and type(self).call is Model.call:
            return self._graph_output_spec(inputs)
        return super().compute_output_spec(inputs, *args, **kwargs)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The output's shape for an input of this shape."""
        if self._network is None:
            return super().compute_output_shape(input_shape)
        return configs.output_shape_of_graph(self, input_shape)

    # -- layers and weights -----------------------------------------------------------------------------------------------

    @property
    def layers(self) -> list[Layer]:
        """The layers in Keras' order: by depth in a graph, by creation in a subclass."""
        if self._network is not None:
            return [self._modules[k] for k in self.__dict__["_graph_keys"] if isinstance(self._modules.get(k), Layer)]
        return list(self._sublayers())  # type: ignore[arg-type]

    @property
    def flattened_layers(self) -> list[Layer]:
        """The layers as files list them; the same as `layers` but for a Sequential that begins with a `Merge`."""
        return self.layers

    @property
    def operations(self) -> list[Any]:
        """The layers and functions of the graph."""
        return list(self.layers) if self._network is None else self._network.operations

    def get_layer(self, name: str | None = None, index: int | None = None) -> Layer:
        """The layer of this name, or at this place in `layers`."""
        layers = self.layers
        if index is not None:
            if not -len(layers) <= index < len(layers):
                raise ArgumentError(f"Model '{self.name}' has {len(layers)} layers; `index` {index} names none.")
            return layers[index]
        for layer in layers:
            if layer.name == name:
                return layer
        raise ArgumentError(f"Model '{self.name}' has no layer called {name!r}. Its layers: {[layer.name for layer in layers]}.")

    def _by_layer(self) -> list[Any]:
        own = [w for _, w in self._own()]
        of_layers = [w for layer in self.flattened_layers for w in layer.weights]
        return _unique([*own, *of_layers, *self._split_weights()[0], *self._split_weights()[1]])

    @property
    def weights(self) -> list[Any]:
        """All weights: layer by layer, or trainable ones first, as the generation has it."""
        if behaviour("weights_trainable_first", self._keras_version):
            return super().weights
        return self._by_layer()

    def get_weights(self) -> list[np.ndarray]:
        """The weights as numpy arrays, layer by layer."""
        return [w.detach().cpu().numpy().copy() for w in self._by_layer()]

    def set_weights(self, weights: Any) -> None:
        """Set all weights from arrays in the order of `get_weights`; all of them or none."""
        ordered = self._by_layer()
        if (
            isinstance(weights, (list, tuple))
            and len(weights) == len(ordered)
            and behaviour("weights_trainable_first", self._keras_version)
        ):
            position = {id(w): i for i, w in enumerate(ordered)}
            weights = [weights[position[id(w)]] for w in self.weights]
        super().set_weights(weights)

    # -- inputs and outputs -------------------------------------------------------------------------------------------------

    @property
    def inputs(self) -> list[KerasTensor]:
        """The symbolic inputs as a flat list."""
        return [] if self._network is None else list(self._network.inputs)

    @property
    def outputs(self) -> list[KerasTensor]:
        """The symbolic outputs as a flat list."""
        return [] if self._network is None else flatten(self.__dict__["_outputs_structure"])

    @property
    def input(self) -> Any:
        """The symbolic input, or the structure of inputs."""
        return super().input if self._network is None else self.__dict__["_inputs_structure"]

    @property
    def output(self) -> Any:
        """The symbolic output, or the structure of outputs."""
        return super().output if self._network is None else self.__dict__["_outputs_structure"]

    @property
    def input_shape(self) -> Any:
        """The shapes of the inputs."""
        return super().input_shape if self._network is None else _shapes(alone(self.input))

    @property
    def output_shape(self) -> Any:
        """The shapes of the outputs."""
        return super().output_shape if self._network is None else _shapes(alone(self.output))

    @property
    def input_names(self) -> list[str]:
        """The names of the inputs."""
        return list(self.__dict__.get("_input_names", ()))

    @property
    def output_names(self) -> list[str]:
        """The names of the outputs; data, losses and metrics can be given by them."""
        return list(self.__dict__.get("_output_names", ()))

    @property
    def metrics(self) -> list[Any]:
        """The metrics of `compile`, then those that layers added."""
        return [*super().metrics, *self._added_metrics]

    @property
    def _added_metrics(self) -> list[Any]:
        return Layer.metrics.fget(self)  # type: ignore[attr-defined]

    # -- losses and metrics of the graph --------------------------------------------------------------------------------------

    def add_loss(self, losses: Any, inputs: Any = None) -> None:
        """Add scalar tensors, functions, or symbolic tensors of this model's graph to the losses."""
        symbolic = [loss for loss in flatten(losses) if isinstance(loss, KerasTensor)]
        if symbolic:
            if self._network is None:
                raise ArgumentError(f"`add_loss` of model '{self.name}' takes symbolic tensors only in a functional model.")
            self.__dict__["_extra_losses"] = [*self.__dict__["_extra_losses"], *symbolic]
            self._plan_graph()
        others = [loss for loss in flatten(losses) if not isinstance(loss, KerasTensor)]
        if others:
            super().add_loss(others)

    def add_metric(self, value: Any, name: str | None = None, aggregation: str | None = "mean") -> None:
        """Track the mean of a tensor, or of a symbolic tensor of this model's graph."""
        if not isinstance(value, KerasTensor):
            super().add_metric(value, name=name, aggregation=aggregation)
            return
        if self._network is None or name is None:
            raise ArgumentError(f"`add_metric` of model '{self.name}' takes symbolic tensors with a `name`, in a functional model.")
        self.__dict__["_extra_metrics"] = [*self.__dict__["_extra_metrics"], (value, name)]
        self._plan_graph()

    # -- configs, files, summary ------------------------------------------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        """The architecture as plain data."""
        if self._network is None:
            return super().get_config()
        return configs.functional_config(self)

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
        """A model from its config."""
        if "layers" in config and ("input_layers" in config or "output_layers" in config):
            return configs.functional_from_config(cls, config, custom_objects)
        return cls(**config)

    def get_compile_config(self) -> dict[str, Any]:
        """What `compile` was given, as plain data; empty for a model that is not compiled."""
        return {} if self._compiled is None else compiled.given_config(self._compiled.given)

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Compile as a config of `get_compile_config` says."""
        with keras_version_scope(self._keras_version):
            self.compile(**compiled.compile_arguments(config, Context(self._keras_version)))

    def to_json(self, **options: Any) -> str:
        """The architecture as JSON text, with the Keras version it is written for."""
        return json.dumps(configs.model_to_config(self), default=configs.plain, **options)

    def summary(
        self,
        line_length: int | None = None,
        positions: Any = None,
        print_fn: Any = None,
        expand_nested: bool = False,
        show_trainable: bool = False,
        layer_range: Any = None,
    ) -> None:
        """Print a table of layers, output shapes and numbers of parameters."""
        summaries.print_summary(self, line_length, positions, print_fn, expand_nested, show_trainable, layer_range)

    @positional("save_arguments")
    def save(self, filepath: Any, overwrite: bool = True, **options: Any) -> None:
        """Write the whole model to a file: architecture, weights, training configuration, optimizer state.

        Keywords: `include_optimizer=True`, `save_format` ('keras', 'h5'), `zipped`, `keras_version` (write for another release).
        """
        formats.save_model(self, filepath, overwrite=overwrite, **options)

    @positional("save_weights_arguments")
    def save_weights(self, filepath: Any, overwrite: bool = True, **options: Any) -> None:
        """Write the weights to a file. Keywords: `save_format`, `max_shard_size` (GB), `keras_version`."""
        formats.save_weights(self, filepath, overwrite=overwrite, **options)

    @positional("load_weights_arguments")
    def load_weights(self, filepath: Any, **options: Any) -> Any:
        """Read weights from a file; if it does not fit, the model stays as it was.

        Keywords: `by_name=False`, `skip_mismatch=False`, `objects_to_skip`.
        """
        return formats.load_weights(self, filepath, **options)

    def export(
        self, filepath: Any, format: str | None = None, verbose: bool | None = None, input_signature: Any = None, **options: Any
    ) -> None:
        """Write the model for use without kcompat: 'torch' (source), 'torch_export', 'onnx' or 'safetensors'; see `export_model`."""
        export_model(self, filepath, format, verbose, input_signature, **options)

    # -- torch --------------------------------------------------------------------------------------------------------------------

    def __getstate__(self) -> dict[str, Any]:
        state = super().__getstate__()
        if self._network is not None:
            parts = ("_inputs_structure", "_outputs_structure", "_extra_losses", "_extra_metrics")
            frozen = freeze(self._network, *(state[p] for p in parts))
            state = {k: v for k, v in state.items() if k not in (*parts, "_network", "_plan", "_inbound_nodes")}
            state["_frozen_graph"] = frozen
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        frozen = state.pop("_frozen_graph", None) if isinstance(state, dict) else None
        self.__dict__.update(_network=None, _plan=None)
        super().__setstate__(state)
        if frozen is not None:
            parts = ("_inputs_structure", "_outputs_structure", "_extra_losses", "_extra_metrics")
            self.__dict__.update(zip(parts, thaw(frozen), strict=True))
            self._plan_graph()


class Functional(Model):
    """A model made from symbolic inputs and outputs."""

    @property
    def _config_class_name(self) -> str:
        return behaviour("functional_class_name", self._keras_version)

    @property
    def _config_module(self) -> str | None:
        return behaviour("model_module", self._keras_version)

    def get_build_config(self) -> dict[str, Any] | None:
        """Keras 3 writes a shape of None: the graph knows its own."""
        own = behaviour("config_build_shape", self._keras_version) == "built"
        return {"input_shape": None} if own else super().get_build_config()

    @property
    def _config_registered_name(self) -> str:
        return "Functional"


def _graph_arguments(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, Any, dict[str, Any]]:
    """Inputs, outputs and the other arguments; Keras 1 calls them `input` and `output`."""
    rest = dict(kwargs)
    inputs, outputs = rest.pop("inputs", rest.pop("input", None)), rest.pop("outputs", rest.pop("output", None))
    names = iter(args)
    if args:
        if inputs is not None or len(args) > 3:
            raise ArgumentTypeError(f"A Model takes `inputs`, `outputs` and `name`, received {len(args)} positional arguments.")
        inputs = next(names)
        outputs = next(names, outputs)
        rest["name"] = next(names, rest.get("name"))
    if (inputs is None) != (outputs is None):
        raise ArgumentError(f"A Model needs both `inputs` and `outputs`, received inputs={inputs!r}, outputs={outputs!r}.")
    return inputs, outputs, rest


def _shapes(structure: Any) -> Any:
    return map_structure(lambda t: t.shape, structure)


registry.register("layer", {"Functional": Functional, "Model": Functional})
