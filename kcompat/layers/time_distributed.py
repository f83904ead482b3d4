"""A layer applied to every step of a sequence."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from kcompat import registry
from kcompat.core.symbolic import inferred_spec
from kcompat.errors import ShapeError
from kcompat.generations import behaviour
from kcompat.layers.wrapper import Wrapper
from kcompat.tree import map_structure


class TimeDistributed(Wrapper):
    """The layer inside applied to every step: (batch, steps, ...) -> (batch, steps, ...).

    All steps are one large batch for the layer inside; in Keras 3, where steps are called one after the other, layers that keep something
    from call to call (BatchNormalization) are called so. Source: https://keras.io/api/layers/recurrent_layers/time_distributed/

        TimeDistributed(Conv2D(64, 3))(videos)
    """

    supports_masking = True
    _makes_own_masks = True

    def __init__(self, layer: Any, **kwargs: Any):
        super().__init__(layer, **kwargs)
        self.__dict__["_steps"] = behaviour("time_distributed") == "steps"

    def build(self, input_shape: Any = None) -> None:
        """Build the layer inside for one step."""
        shape = tuple(input_shape) if input_shape is not None else ()
        if len(shape) < 3 - self._steps:
            raise ShapeError(f"TimeDistributed '{self.name}' takes inputs of shape (batch, steps, ...), received {shape}.")
        inner = (shape[0], *shape[2:])
        if not self.layer.built:
            _build(self.layer, inner)
        if behaviour("config_build_shape", self._keras_version) == "called":
            self.layer.__dict__.setdefault("_build_shape", inner)
        super().build(input_shape)

    def call(self, inputs: Tensor, training: bool | None = None, mask: Any = None) -> Any:
        """The layer's outputs for all steps."""
        if mask is not None and mask.shape[:2] != inputs.shape[:2]:
            raise ShapeError(
                f"TimeDistributed '{self.name}': `mask` must begin with {tuple(inputs.shape[:2])} like the input, received "
                f"{tuple(mask.shape)}."
            )
        keywords = {"training": training} if training is not None else {}
        run = self._one_by_one if self._steps and self._remembers() else self._together
        found = run(inputs, mask, keywords)
        if self._steps:
            self.layer._clear_losses()  # Keras 3 loses the activity losses of the layer inside
        return found

    def _remembers(self) -> bool:
        """Whether a call may change what later calls give."""
        return any(module._buffers for module in self.layer.modules())

    def _together(self, inputs: Tensor, mask: Tensor | None, keywords: dict[str, Any]) -> Any:
        flat = inputs.flatten(0, 1)
        if mask is not None:
            flat._keras_mask = mask.flatten(0, 1)  # type: ignore[attr-defined]
        found = self.layer(flat, **keywords)

        def unflatten(tensor: Tensor) -> Tensor:
            made = tensor.unflatten(0, tuple(inputs.shape[:2]))
            own = getattr(tensor, "_keras_mask", None)
            made._keras_mask = self._mask(own, mask, inputs)  # type: ignore[attr-defined]
            return made

        return map_structure(unflatten, found)

    def _mask(self, own: Tensor | None, mask: Tensor | None, inputs: Tensor) -> Tensor | None:
        """The mask that the layer inside gave, or the input's, a step counting if anything in it does."""
        if self._steps or (own is None and mask is None):
            return mask
        if own is not None:
            return own.unflatten(0, tuple(inputs.shape[:2]))
        assert mask is not None
        return mask.flatten(2).any(-1) if mask.ndim > 2 else mask

    def _one_by_one(self, inputs: Tensor, mask: Tensor | None, keywords: dict[str, Any]) -> Any:
        found = []
        for t in range(inputs.shape[1]):
            x = inputs[:, t]
            if mask is not None and self.layer._call_spec.takes_mask:
                x._keras_mask = mask[:, t]  # type: ignore[attr-defined]
            found.append(self.layer(x, **keywords))

        def stack(*rows: Tensor) -> Tensor:
            made = torch.stack(rows, 1)
            made._keras_mask = mask  # type: ignore[attr-defined]
            return made

        return map_structure(stack, *found)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """(batch, steps, ...) with what the layer inside makes of one step."""
        shape = tuple(input_shape)
        inner = self.layer.compute_output_shape((shape[0], *shape[2:]))
        if all(n is None or isinstance(n, int) for n in inner):
            return (*shape[:2], *inner[1:])
        return [(*shape[:2], *s[1:]) for s in inner]

    def compute_output_spec(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        """Shape, dtype and mask of the output, found by running the layer."""
        return inferred_spec(self, inputs, args, kwargs)

    def reset_states(self) -> None:
        """Let the layer inside start anew."""
        self.layer.reset_states()

    reset_state = reset_states


def _build(layer: Any, shape: tuple[int | None, ...]) -> None:
    """The layer inside is built under this one's name, or under its own too, as its generation names weights."""
    if behaviour("variable_name", layer._keras_version) == "path":
        layer.build(shape)
        layer.built = True
        if layer._initial_weights is not None:
            layer.set_weights(layer._initial_weights)
            layer.__dict__["_initial_weights"] = None
    else:
        layer._build_once(shape)


NAMES = {"TimeDistributed": TimeDistributed}
registry.register("layer", NAMES)
