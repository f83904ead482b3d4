"""A model that is a graph: wiring it once, running its plan, and the views Keras gives of it."""

from __future__ import annotations

import keyword
from collections.abc import Callable
from typing import Any

import torch
from torch.nn.modules.module import _global_forward_hooks, _global_forward_pre_hooks

from kcompat.core.context import ambient
from kcompat.core.layer import Layer
from kcompat.core.naming import is_auto_name, snake_case
from kcompat.errors import ArgumentError, ArgumentTypeError, ShapeError
from kcompat.generations import behaviour
from kcompat.graph import KerasTensor, Network, Plan
from kcompat.graph.symbol import Node
from kcompat.tree import flatten, is_nested, leaves, pack

_HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")


class GraphMixin:
    """The graph of a functional model (or of a built Sequential); `_network` is None in a subclassed model."""

    _network: Network | None
    _plan: Plan | None
    _modules: dict[str, Any]
    _buffers: dict[str, Any]
    name: str
    _keras_version: str

    def _wire(self, inputs: Any, outputs: Any) -> None:
        """Take the graph from `inputs` to `outputs` (structures of symbolic tensors) as this model."""
        _check_symbols(self.name, "inputs", inputs)
        _check_symbols(self.name, "outputs", outputs)
        if behaviour("list_of_one_unwrapped", self._keras_version):
            inputs, outputs = alone(inputs), alone(outputs)
        sources = flatten(inputs)
        if len({id(t) for t in sources}) != len(sources):
            raise ArgumentError(f"Model '{self.name}': every tensor in `inputs` must be there once, received {inputs!r}.")
        own = self.__dict__
        if any(t.dtype.is_floating_point and t.dtype is not own["_compute_dtype"] for t in sources):
            own["_autocast"] = False  # the layers see the dtype the input was declared with
        own["_inputs_structure"], own["_outputs_structure"] = inputs, outputs
        own["_extra_losses"] = own.get("_extra_losses", [])
        own["_extra_metrics"] = own.get("_extra_metrics", [])
        self._plan_graph()

    def _plan_graph(self) -> None:
        own = self.__dict__
        inputs, outputs = flatten(own["_inputs_structure"]), flatten(own["_outputs_structure"])
        extras = [*own["_extra_losses"], *(value for value, _ in own["_extra_metrics"])]
        network = Network(inputs, [*outputs, *extras], self.name)
        for old in [key for key, module in self._modules.items() if module is not None and key in own.get("_graph_keys", ())]:
            del self._modules[old]
        keys = _module_keys(network, self)
        for operation in network.operations:
            if isinstance(operation, torch.nn.Module):
                self._modules[keys[id(operation)]] = operation
                if operation.training is not self.training:  # type: ignore[attr-defined]
                    operation.train(self.training)  # type: ignore[attr-defined]
        own["_graph_keys"] = tuple(keys.values())
        own["_network"] = network
        own["_plan"] = plan = Plan(network, lambda module: keys[id(module)])
        for index, constant in enumerate(plan.constants):
            self._buffers[f"constant_{index}"] = constant
            self._non_persistent_buffers_set.add(f"constant_{index}")  # type: ignore[attr-defined]
        plan_count = len(plan.constants)
        plan.constants = []
        own["_constant_keys"] = [f"constant_{index}" for index in range(plan_count)]
        single_in = isinstance(own["_inputs_structure"], KerasTensor)
        own["_single"] = single_in and isinstance(own["_outputs_structure"], KerasTensor) and not extras
        own["_chained"] = own["_single"] and plan.chain is not None and not plan_count
        own["_input_checks"] = [(t.shape, t.dtype, t.dtype.is_floating_point) for t in inputs]
        own["_input_names"] = [_source_name(t) for t in inputs]
        own["_output_names"] = _output_names(outputs)

    def _run_graph(self, inputs: Any) -> Any:
        """The outputs for `inputs`, in the structure the model was made with."""
        own = self.__dict__
        if own["_chained"] and isinstance(inputs, torch.Tensor):
            shape, dtype, floating = own["_input_checks"][0]
            if inputs.ndim != len(shape) or (inputs.dtype is not dtype and inputs.is_floating_point() is not floating):
                inputs = _conform(inputs, shape, dtype)
            return own["_plan"].run_chain(self._modules, inputs)
        flat = self._flat_inputs(inputs)
        for index, (shape, dtype, floating) in enumerate(own["_input_checks"]):
            tensor = flat[index]
            if isinstance(tensor, torch.Tensor) and (
                tensor.ndim != len(shape) or (tensor.dtype is not dtype and tensor.is_floating_point() is not floating)
            ):
                flat[index] = _conform(tensor, shape, dtype)
        constants = [self._buffers[key] for key in own["_constant_keys"]]
        values = own["_plan"].run(self._modules, flat, constants)
        if own["_single"]:
            return values[0]
        count = len(own["_output_names"])
        self._note_extras(values[count:])
        return alone(pack(own["_outputs_structure"], values[:count]))

    def _lean_call(self, like: torch.Tensor, training: bool) -> Callable[[torch.Tensor], Any] | None:
        """What `self(x, training=training)` comes to for tensors like `like`, on which it has been called: the layers of a stack in turn.

        None where a call does more: hooks, a `call` of a subclass, casts, losses that layers note.
        """
        own, kind = self.__dict__, type(self)
        changed = kind.forward is not Layer.forward or kind.__call__ is not torch.nn.Module.__call__ or {"call", "forward"} & set(own)  # type: ignore[attr-defined]
        if own.get("_network") is None or not own["_chained"] or changed or not getattr(kind.call, "runs_graph", False):  # type: ignore[attr-defined]
            return None
        watched = any(own[name] for name in _HOOKS) or _global_forward_hooks or _global_forward_pre_hooks
        busy = own["activity_regularizer"] is not None or own["_is_mixed"]
        if watched or busy or like.dtype is not own["_compute_dtype"]:
            return None
        calls = own["_plan"].straight_calls(self._modules, like.dtype)
        if calls is None:
            return None

        def run(x: Any) -> Any:
            before, ambient.training = ambient.training, training
            ambient.depth += 1
            try:
                for call in calls:
                    x = call(x)
                return x
            finally:
                ambient.depth -= 1
                ambient.training = before

        return run

    def _note_extras(self, values: list[Any]) -> None:
        own = self.__dict__
        losses, metrics = own["_extra_losses"], own["_extra_metrics"]
        for value in values[: len(losses)]:
            self._note_loss(value.mean() if value.ndim else value)  # type: ignore[attr-defined]
        for value, (_, name) in zip(values[len(losses) :], metrics, strict=False):
            Layer.add_metric(self, value, name=name)  # type: ignore[arg-type]

    def _flat_inputs(self, inputs: Any) -> list[Any]:
        if isinstance(inputs, torch.Tensor) and len(self.__dict__["_input_names"]) == 1:
            return [inputs]
        structure, names = self.__dict__["_inputs_structure"], self.__dict__["_input_names"]
        if isinstance(inputs, dict) and not isinstance(structure, dict):
            missing = [n for n in names if n not in inputs]
            if missing:
                raise ArgumentError(f"Model '{self.name}' has the inputs {names}; the dict it was given lacks {missing}.")
            return [inputs[n] for n in names]
        if isinstance(structure, dict) and isinstance(inputs, dict):
            missing = [k for k in structure if k not in inputs]
            if missing:
                raise ArgumentError(f"Model '{self.name}' has the inputs {list(structure)}; the dict it was given lacks {missing}.")
            inputs = {k: inputs[k] for k in structure}
        flat = flatten(inputs) if is_nested(inputs) else _pick(structure, inputs)
        if len(flat) != len(names):
            raise ShapeError(f"Model '{self.name}' takes {len(names)} inputs {names}, received {len(flat)}.")
        return flat

    def _graph_output_spec(self, inputs: Any) -> Any:
        """Symbolic outputs for other symbolic inputs: the plan run on them, leaving no trace in the layers' histories."""
        assert self._network is not None and self._plan is not None
        seen = [(op._inbound_nodes, len(op._inbound_nodes)) for op in _all_layers(self)]
        fresh = []
        for given, own in zip(self._flat_inputs(inputs), flatten(self.__dict__["_inputs_structure"]), strict=True):
            if isinstance(given, KerasTensor):
                symbol = KerasTensor(given.shape if len(given.shape) == len(own.shape) else own.shape, own.dtype)
                symbol._keras_mask = given._keras_mask
            else:
                symbol = KerasTensor(tuple(given.shape), given.dtype)
            symbol._node = Node(None, (), {})
            fresh.append(symbol)
        try:
            constants = [self._buffers[key] for key in self.__dict__["_constant_keys"]]
            values = self._plan.run(self._modules, fresh, constants)
        finally:
            for nodes, count in seen:
                del nodes[count:]
        count = len(self.__dict__["_output_names"])
        return pack(self.__dict__["_outputs_structure"], [_without_history(v) for v in values[:count]])


def alone(structure: Any) -> Any:
    """The one thing in a list of one, anything else as it is."""
    return structure[0] if isinstance(structure, (list, tuple)) and len(structure) == 1 else structure


def _pick(structure: Any, value: Any) -> list[Any]:
    """The values at the places of `structure`, for a container that cannot be walked itself (a `torch.fx.Proxy`)."""
    if isinstance(structure, KerasTensor) or isinstance(value, (torch.Tensor, KerasTensor)):
        return [value]
    keys = sorted(structure) if isinstance(structure, dict) else range(len(structure))
    return [leaf for key in keys for leaf in _pick(structure[key], value[key])]


def _all_layers(model: Any) -> list[Any]:
    return [m for m in model.modules() if hasattr(m, "_inbound_nodes")]


def _without_history(value: Any) -> Any:
    symbol = KerasTensor(value.shape, value.dtype)
    symbol._keras_mask = value._keras_mask
    return symbol


def _check_symbols(name: str, argument: str, tensors: Any) -> None:
    wrong = [t for t in leaves(tensors) if not isinstance(t, KerasTensor)]
    if wrong or not flatten(tensors):
        raise ArgumentTypeError(
            f"Model '{name}': `{argument}` must be symbolic tensors, made by `Input` and layers called on it; "
            f"received {type(wrong[0]).__name__ if wrong else tensors!r}."
        )


def _module_keys(network: Network, owner: Any) -> dict[int, str]:
    """A name for each module: the layer's own, without the number that Keras added to tell it from other models' layers.

    So two models of one architecture have the same `state_dict` keys.
    """
    keys: dict[int, str] = {}
    used = {k for k in (*owner._modules, *owner._parameters, *owner._buffers) if k not in owner.__dict__.get("_graph_keys", ())}
    for operation in network.operations:
        if isinstance(operation, torch.nn.Module):
            keys[id(operation)] = key = module_key(operation, used, type(owner))
            used.add(key)
    return keys


#: what torch keeps in every module itself: `training`, `_parameters`, ...
_OF_EVERY_MODULE = frozenset(vars(torch.nn.Module()))


def module_key(module: torch.nn.Module, used: set[str], owner: type) -> str:
    """The name under which a model holds a module."""
    own_name = getattr(module, "name", type(module).__name__)
    kind = type(module).__name__
    base = snake_case(kind) if is_auto_name(own_name, kind) else str(own_name).replace(".", "_")
    if hasattr(owner, base) or base in _OF_EVERY_MODULE or not base or keyword.iskeyword(base):
        base = f"{base}_layer"
    key, number = base, 1
    while key in used:
        key, number = f"{base}_{number}", number + 1
    return key


def _source_name(tensor: KerasTensor) -> str:
    operation = tensor._node.operation if tensor._node is not None else None
    return getattr(operation, "name", None) or tensor.name or "input"


def _output_names(outputs: list[KerasTensor]) -> list[str]:
    """The names of the outputs: their layers' names, numbered where one layer gives several."""
    names: list[str] = []
    for tensor in outputs:
        assert tensor._node is not None
        base = getattr(tensor._node.operation, "name", None) or getattr(tensor._node.operation, "__name__", "output")
        name, number = str(base), 1
        while name in names:
            name, number = f"{base}_{number}", number + 1
        names.append(name)
    return names


def _conform(tensor: torch.Tensor, shape: tuple[int | None, ...], dtype: torch.dtype) -> torch.Tensor:
    """An input in the rank and kind of dtype that the model was made for: (n,) for (n, 1), integers for floats."""
    mask = getattr(tensor, "_keras_mask", None)
    if tensor.ndim == len(shape) + 1 and tensor.shape[-1] == 1:
        tensor = tensor.squeeze(-1)
    elif tensor.ndim == len(shape) - 1 and shape and shape[-1] == 1:
        tensor = tensor.unsqueeze(-1)
    if tensor.is_floating_point() is not dtype.is_floating_point:
        tensor = tensor.to(dtype)
    if mask is not None:
        tensor._keras_mask = mask  # type: ignore[attr-defined]
    return tensor
