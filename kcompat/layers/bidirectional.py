"""A recurrent layer run in both directions."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from kcompat import registry
from kcompat.core.layer import Layer
from kcompat.core.spec import is_shape
from kcompat.errors import ArgumentError, ArgumentTypeError, ShapeError
from kcompat.generations import behaviour
from kcompat.layers.state_inputs import StateInputs
from kcompat.layers.states import pack_states
from kcompat.tree import flatten

_MERGES = ("sum", "mul", "concat", "ave", None)
_SAME = ("return_sequences", "return_state", "stateful")


class Bidirectional(StateInputs):
    """A recurrent layer and its twin that reads backwards, their outputs merged.

    `merge_mode` 'concat', 'sum', 'mul', 'ave' (the mean) or None for a list of both. `backward_layer` replaces the twin. States are
    forward's, then backward's. Outputs of the backward layer are turned back where they are whole sequences. Source:
    https://keras.io/api/layers/recurrent_layers/bidirectional/

        Bidirectional(LSTM(64, return_sequences=True))(x)
    """

    supports_masking = True
    _turns_masks_only = True

    def __init__(self, layer: Any, merge_mode: Any = "concat", weights: Any = None, backward_layer: Any = None, **kwargs: Any):
        for argument, given in (("layer", layer), ("backward_layer", backward_layer)):
            if given is None and argument == "backward_layer":
                continue
            if not isinstance(given, Layer) or not all(hasattr(given, a) for a in ("go_backwards", *_SAME)):
                raise ArgumentTypeError(
                    f"Bidirectional: `{argument}` must be a recurrent layer (with `go_backwards`, `return_sequences`, `return_state`, "
                    f"`stateful`), received {given!r}."
                )
        if merge_mode not in _MERGES:
            raise ArgumentError(f"Bidirectional: `merge_mode` must be one of {list(_MERGES)}, received {merge_mode!r}.")
        if backward_layer is not None:
            _check_pair(layer, backward_layer)
        elif layer.go_backwards and behaviour("bidirectional_of_backwards") == "refuse":
            raise ArgumentError(f"Bidirectional: `layer` must read forwards in Keras 3, received '{layer.name}' with `go_backwards=True`.")
        if kwargs.get("name") is None:
            kwargs.pop("name", None)
        super().__init__(**kwargs)
        self.__dict__.update(merge_mode=merge_mode, return_sequences=layer.return_sequences, return_state=layer.return_state)
        self.__dict__["layer"] = layer  # as it was given; what runs are the two below
        self.__dict__["_given_backward"] = backward_layer
        plain = layer.name.removeprefix("forward_") if behaviour("bidirectional_config") == "both" else layer.name
        self.forward_layer = _twin(layer, f"forward_{plain}")
        self.backward_layer = (
            _twin(layer, f"backward_{plain}", not layer.go_backwards)
            if backward_layer is None
            else _twin(backward_layer, backward_layer.name)
        )
        self.stateful = layer.stateful
        if behaviour("bidirectional_zero_output"):
            for inner in (self.forward_layer, self.backward_layer):
                if getattr(inner, "_zeroed_by_bidirectional", False):
                    inner.__dict__["zero_output_for_mask"] = self.return_sequences
        if weights is not None:
            half = len(weights) // 2
            self.forward_layer.__dict__["_initial_weights"] = weights[:half]
            self.backward_layer.__dict__["_initial_weights"] = weights[half:]

    def build(self, input_shape: Any) -> None:
        """Build both layers."""
        for inner in (self.forward_layer, self.backward_layer):
            if not inner.built:
                inner.__dict__["_num_constants"] = self._num_constants
                inner._build_once(input_shape if is_shape(input_shape) else input_shape[0])
        super().build(input_shape)

    def call(self, inputs: Any, initial_state: Any = None, constants: Any = None, mask: Any = None, training: bool | None = None) -> Any:
        """The merged outputs, and with `return_state` the states of both."""
        if isinstance(inputs, list):
            end = len(inputs) - self._num_constants
            initial_state, constants = inputs[1:end] or initial_state, inputs[end:] or constants
            inputs, mask = inputs[0], mask[0] if isinstance(mask, list) else mask
        states = [None, None] if initial_state is None else self._halves(flatten(initial_state))
        common = {"mask": mask, "training": training, "constants": constants}
        common = {k: v for k, v in common.items() if v is not None}
        ahead, ahead_states = self._parts(self.forward_layer, inputs, states[0], common)
        back, back_states = self._parts(self.backward_layer, inputs, states[1], common)
        if self.return_sequences:
            back = back.flip(0 if getattr(self.forward_layer, "time_major", False) else 1)
        merged = self._merge(ahead, back)
        if self.return_state:
            return self._outputs([*(merged if self.merge_mode is None else [merged]), *ahead_states, *back_states])
        return self._outputs(merged) if self.merge_mode is None else merged

    def _check_states(self, states: list[Any], shape: Any) -> None:
        for inner, own in zip((self.forward_layer, self.backward_layer), self._halves(states), strict=True):
            if isinstance(inner, StateInputs):
                inner._check_states(own, shape)

    def _halves(self, states: list[Any]) -> list[Any]:
        ahead, back = (len(flatten(getattr(x, "state_size", ()))) for x in (self.forward_layer, self.backward_layer))
        if ahead + back != len(states) and ahead + back:
            raise ArgumentError(
                f"Bidirectional '{self.name}': `initial_state` must hold the forward layer's {ahead} states and then the backward layer's "
                f"{back}; received {len(states)} tensors."
            )
        half = ahead if ahead + back else len(states) // 2
        return [states[:half], states[half:]]

    def _parts(self, inner: Any, inputs: Any, states: Any, common: dict[str, Any]) -> tuple[Any, list[Any]]:
        if states is not None:
            states = pack_states(inner.state_size, states, self) if hasattr(inner, "state_size") else states
            common = {**common, "initial_state": states}
        found = inner(inputs, **common)
        return (found[0], list(found[1:])) if self.return_state else (found, [])

    def _merge(self, ahead: Tensor, back: Tensor) -> Any:
        if self.merge_mode == "concat":
            return torch.cat([ahead, back], -1)
        if self.merge_mode is None:
            return [ahead, back]
        if ahead.shape != back.shape:
            raise ShapeError(
                f"Bidirectional '{self.name}': `merge_mode` {self.merge_mode!r} needs outputs of one shape, received "
                f"{tuple(ahead.shape)} and {tuple(back.shape)}; give both layers the same units, or take 'concat'."
            )
        if self.merge_mode == "mul":
            return ahead * back
        return (ahead + back) / 2 if self.merge_mode == "ave" else ahead + back

    def _outputs(self, together: list[Any]) -> Any:
        return tuple(together) if behaviour("rnn_outputs", self._keras_version) == "tuple" else together

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape of the merged output, of both outputs, and of the states."""
        shapes = [inner.compute_output_shape(input_shape) for inner in (self.forward_layer, self.backward_layer)]
        ahead, back = ((s[0], list(s[1:])) if self.return_state else (s, []) for s in shapes)
        merged = (*ahead[0][:-1], ahead[0][-1] + back[0][-1]) if self.merge_mode == "concat" else ahead[0]
        outputs = [ahead[0], back[0]] if self.merge_mode is None else [merged]
        if self.return_state or self.merge_mode is None:
            return self._outputs([*outputs, *ahead[1], *back[1]])
        return merged

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """The input's mask for sequences, none for last outputs and for states."""
        mask = flatten(mask)[0] if mask is not None else None
        shown = mask if self.return_sequences else None
        masks = [shown, shown] if self.merge_mode is None else [shown]
        if self.return_state:
            masks += [None] * (len(flatten(self.forward_layer.state_size)) + len(flatten(self.backward_layer.state_size)))
        return masks if len(masks) > 1 else shown

    @property
    def states(self) -> Any:
        """What stateful layers carry on, forward's and then backward's."""
        ahead, back = self.forward_layer.states, self.backward_layer.states
        return None if ahead is None else (*ahead, *back)

    def reset_states(self, states: Any = None) -> None:
        """Let both layers start anew, from zeros or from `states`, forward's and then backward's."""
        halves = [None, None] if states is None else self._halves(flatten(states))
        for inner, own in zip((self.forward_layer, self.backward_layer), halves, strict=True):
            inner.reset_states(own) if own is not None else inner.reset_states()

    reset_state = reset_states

    def get_config(self) -> dict[str, Any]:
        """The arguments as plain data."""
        config = {**super().get_config(), "merge_mode": self.merge_mode}
        if behaviour("bidirectional_config", self._keras_version) == "both":
            config["layer"] = registry.serialize("layer", self.forward_layer)
            config["backward_layer"] = registry.serialize("layer", self.backward_layer)
            return config
        config["layer"] = registry.serialize("layer", self.layer)
        if self._given_backward is not None:
            config["backward_layer"] = registry.serialize("layer", self._given_backward)
        if self._num_constants:
            config["num_constants"] = self._num_constants
        return config

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
        """A layer from its config."""
        config = dict(config)
        for key in ("layer", "backward_layer"):
            if config.get(key) is not None:
                config[key] = registry.deserialize("layer", config[key], custom_objects)
        constants = config.pop("num_constants", 0)
        made = cls(**config)
        made.__dict__["_num_constants"] = constants
        return made


def _check_pair(layer: Any, backward_layer: Any) -> None:
    if layer.go_backwards == backward_layer.go_backwards:
        raise ArgumentError(
            f"Bidirectional: `layer` and `backward_layer` must read in different directions; both have `go_backwards={layer.go_backwards}`."
        )
    different = [a for a in _SAME if getattr(layer, a) != getattr(backward_layer, a)]
    if different:
        told = [(getattr(layer, a), getattr(backward_layer, a)) for a in different]
        raise ArgumentError(f"Bidirectional: `backward_layer` must have the same {different} as `layer`, received {told}.")


def _twin(layer: Any, name: str, backwards: bool | None = None) -> Any:
    """A layer of the same arguments under another name."""
    described = registry.serialize("layer", layer)
    config = {**described["config"], "name": name}
    if backwards is not None:
        config["go_backwards"] = backwards
    config.pop("batch_input_shape", None)
    cells = getattr(getattr(layer, "cell", None), "cells", [getattr(layer, "cell", None)])
    with registry.custom_object_scope({type(cell).__name__: type(cell) for cell in cells if cell is not None}):  # cells of the user's own
        made = type(layer).from_config(config)
    made.__dict__["_num_constants"] = getattr(layer, "_num_constants", 0)
    return made


NAMES = {"Bidirectional": Bidirectional}
registry.register("layer", NAMES)
