"""Functions of TensorFlow as layers of a functional model, as tf.keras puts them into configs when a model calls them on its tensors."""

from __future__ import annotations

from typing import Any

import torch

from kcompat import registry
from kcompat.core.layer import Layer
from kcompat.errors import ArgumentError, ArgumentTypeError
from kcompat.files.bytecode.backend import FUNCTIONS
from kcompat.files.symbols import keras3, nodes
from kcompat.files.symbols.arrays import getitem
from kcompat.files.symbols.common import Function
from kcompat.files.symbols.spec import operation_spec
from kcompat.files.symbols.table import lookup


def _known(symbol: str, layer: str) -> Function:
    """The function of a symbol that a file names; below `keras.backend` are those that tf.keras could not take apart."""
    found = FUNCTIONS.get(symbol.removeprefix("keras.backend.")) if str(symbol).startswith("keras.backend.") else None
    return lookup(symbol, layer) if found is None else found


class OperationLayer(Layer):
    """A function as a layer: no weights, nothing cast, any arguments."""

    _autocast = False
    _writes_build_shape = False
    _passes_down = False
    #: whether the first argument is written as it was given: a tensor, a list, or a constant
    _any_arguments = True

    def __init__(self, function: Function, **kwargs: Any):
        super().__init__(**kwargs)
        self.__dict__["_function"] = function
        self.built = True

    def forward(self, inputs: Any = None, *args: Any, **kwargs: Any) -> Any:
        """Constants need no tensor among the first arguments."""
        return super().forward(inputs, *args, **kwargs)

    def call(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        """The function of all arguments."""
        return self._function(inputs, *args, **kwargs)

    def compute_output_spec(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        """Shape and dtype of the result."""
        return operation_spec(self, (inputs, *args), kwargs)

    def get_build_config(self) -> dict[str, Any] | None:
        """Nothing is built."""
        return None

    def __getstate__(self) -> dict[str, Any]:
        return {k: v for k, v in super().__getstate__().items() if k != "_function"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        self.__dict__["_function"] = self._found()

    def _found(self) -> Function:
        raise NotImplementedError


class TFOpLambda(OperationLayer):
    """A function below `tf`, named by its public path: `math.multiply`, `__operators__.add`, `nn.relu` (tf.keras 2.4 and later)."""

    def __init__(self, function: str, **kwargs: Any):
        if not isinstance(function, str):
            raise ArgumentTypeError(f"TFOpLambda: `function` must be the name of a function below `tf`, received {function!r}.")
        self.__dict__["function"] = function
        kwargs.setdefault("name", f"tf.{function}")
        self.__dict__["_label"] = kwargs["name"]
        super().__init__(self._found(), **kwargs)

    def _found(self) -> Function:
        own = registry.find("operation", f"tf.{self.function}")
        return own if own is not None else _known(self.function, self._label)

    def get_config(self) -> dict[str, Any]:
        """The name of the function."""
        return {**super().get_config(), "function": self.function}


class SlicingOpLambda(TFOpLambda):
    """Indexing of a tensor, its index in `slice_spec`."""

    def call(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        """The part of the tensor; of other functions that tf.keras counts here (`boolean_mask`), what they give."""
        if self.function != "__operators__.getitem":
            return self._function(inputs, *args, **kwargs)
        return getitem(inputs, read_index(kwargs.get("slice_spec", args[0] if args else None)))


def read_index(spec: Any) -> Any:
    """An index from its JSON: numbers, null, {"start", "stop", "step"}, an ellipsis; a list for several axes."""
    if isinstance(spec, (list, tuple)):
        return tuple(read_index(item) for item in spec)
    if isinstance(spec, dict) and spec.get("class_name") == "__ellipsis__":
        return Ellipsis
    if isinstance(spec, dict) and spec.get("class_name") == "__slice__":
        return read_index(spec["config"])
    if isinstance(spec, dict) and {"start", "stop"} <= set(spec):
        return slice(spec["start"], spec["stop"], spec.get("step"))
    return spec


def write_index(index: Any, wrapped: bool = False) -> Any:
    """The JSON of an index; `wrapped` as Keras 3 has it."""
    if isinstance(index, (list, tuple)):
        return [write_index(item, wrapped) for item in index]
    if index is Ellipsis:
        return {"class_name": "__ellipsis__", "config": {}} if wrapped else {"class_name": "__ellipsis__"}
    if isinstance(index, slice):
        parts = {"start": index.start, "stop": index.stop, "step": index.step}
        return {"class_name": "__slice__", "config": parts} if wrapped else parts
    return index


class TensorFlowOpLayer(OperationLayer):
    """One node of a TensorFlow graph, described as `node_def`, with the inputs that are `constants` by place (TF 1.15 to 2.3)."""

    def __init__(self, node_def: Any, name: str | None = None, constants: Any = None, trainable: bool = True, dtype: Any = None):
        if not isinstance(node_def, dict) or not isinstance(node_def.get("op"), str):
            raise ArgumentTypeError(f"TensorFlowOpLayer: `node_def` must be a dict with `op`, received {node_def!r}.")
        own = self.__dict__
        own["node_def"] = node_def
        own["constants"] = {int(place): value for place, value in (constants or {}).items()}
        own["_inner_name"] = name if name is not None else str(node_def.get("name", node_def["op"]))
        super().__init__(self._found(), name=f"tf_op_layer_{self._inner_name}", trainable=trainable, dtype=dtype)

    def _found(self) -> Function:
        own = registry.find("operation", self.node_def["op"])
        function = (lambda *values: own(*values[:-1])) if own is not None else nodes.lookup(self.node_def["op"], self._inner_name)
        self.__dict__["_attributes"] = nodes.attributes(self.node_def)
        return function

    def call(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        """The operation of the inputs, constants in their places."""
        given = list(inputs) if isinstance(inputs, (list, tuple)) else [inputs]
        for place in sorted(self.constants):
            given.insert(place, self.constants[place])
        return self._function(*given, self._attributes)

    def get_config(self) -> dict[str, Any]:
        """The node and its constants."""
        constants = {str(place): value for place, value in self.constants.items()}
        return {**super().get_config(), "name": self._inner_name, "node_def": self.node_def, "constants": constants}


class Operation(OperationLayer):
    """An operation of Keras 3 (`keras.ops`) called on the tensors of a functional model: its class, and its fixed arguments."""

    def __init__(self, operation: str, arguments: dict[str, Any] | None = None, name: str | None = None, dtype: Any = None):
        own = self.__dict__
        own["operation"], own["arguments"] = operation, dict(arguments or {})
        own["_label"] = name or operation
        super().__init__(self._found(), name=name, dtype=dtype)

    @property
    def _config_class_name(self) -> str:
        return self.operation.rsplit(".", 1)[-1]

    @property
    def _config_registered_name(self) -> str:
        return self._config_class_name

    @property
    def _config_module(self) -> str:
        return f"keras.src.ops.{self.operation.rsplit('.', 1)[0]}"

    def _found(self) -> Function:
        own = registry.find("operation", self.operation.rsplit(".", 1)[-1])
        return own if own is not None else keras3.lookup(self.operation, self._label)

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """The operation of all arguments."""
        return self._function(*args, **kwargs, **self.arguments)

    def get_config(self) -> dict[str, Any]:
        """The fixed arguments."""
        return {"name": self.name, **self.arguments}


def as_layer_entry(entry: Any) -> Any:
    """The entry of a Keras 3 operation as that of a layer; everything else as it is."""
    if not isinstance(entry, dict):
        return entry
    module, config, title = entry.get("module"), entry.get("config"), entry.get("class_name")
    if isinstance(module, str) and module.startswith("keras") and ".ops." in f"{module}.":
        room = module.rsplit(".", 1)[-1]
        if not isinstance(config, dict):
            raise ArgumentError(f"The config of the operation '{title}' must be a dict, received {config!r}.")
    elif module is None and isinstance(config, dict) and "name" in config and not {"trainable", "layers"} & set(config):
        room = keras3.ROOMS.get(str(title), "")  # HDF5 of Keras 3 leaves the module out; every layer has these keys
        if not room or (nodes_of_layer(entry) and registry.find("layer", str(title)) is not None):
            return entry
    else:
        return entry
    fixed = {k: _value(v) for k, v in config.items() if k not in ("name", "dtype") or (k == "dtype" and not isinstance(v, dict))}
    rest = {k: v for k, v in entry.items() if k not in ("module", "registered_name")}
    told = {"operation": f"{room}.{entry['class_name']}", "arguments": fixed, "name": config.get("name")}
    return {**rest, "class_name": "Operation", "config": told}


def nodes_of_layer(entry: dict[str, Any]) -> bool:
    """Whether the calls of an entry are not in Keras 3's form, so that it can be no operation."""
    return any(not isinstance(node, dict) for node in entry.get("inbound_nodes") or [()])


def _value(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def keep(value: Any) -> Any:
    """A value that rides in a node, as plain data where it is a dtype."""
    return str(value).removeprefix("torch.") if isinstance(value, torch.dtype) else value


registry.register(
    "layer",
    {"TFOpLambda": TFOpLambda, "SlicingOpLambda": SlicingOpLambda, "TensorFlowOpLayer": TensorFlowOpLayer, "Operation": Operation},
)
