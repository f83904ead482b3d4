"""`Merge` of Keras 1: one class for what are Add, Concatenate, Dot ... today, and the way it made a Sequential of several branches.

Facts: Keras 1.2.2 on Theano, recorded in `parity/corpus`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any

import torch
from torch import Tensor

from kcompat import registry
from kcompat.core.layer import Layer
from kcompat.errors import ArgumentError, ArgumentTypeError, ShapeError
from kcompat.graph import KerasTensor
from kcompat.layers.merging import Concatenate, _list, _shapes
from kcompat.tensor.merge import cosine, dot
from kcompat.tree import flatten

_SAME_SHAPE = ("sum", "mul", "ave", "max")
_MODES = (*_SAME_SHAPE, "concat", "dot", "cos")


class Merge(Layer):
    """Several tensors made one: their sum, product, mean, maximum, concatenation, dot product, cosine, or a function of them.

    `layers` may hold the branches that end in this layer (models or layers that have been called); such a `Merge` can stand first in a
    `Sequential`, which then has the inputs of all branches. Without `layers` it is called on a list of tensors.
    A function as `mode` needs its `output_shape` (without the batch, or a function of the list of input shapes) and may have an
    `output_mask`; `arguments` are its keywords. Source: Keras 1.2.2, https://faroit.com/keras-docs/1.2.2/getting-started/sequential-model-guide/

        Sequential([Merge([left, right], mode="concat"), Dense(1)])
    """

    supports_masking = True
    _turns_masks_only = True

    def __init__(self, layers: Any = None, mode: str | Callable[..., Any] = "sum", concat_axis: int = -1, dot_axes: Any = -1,
                 output_shape: Any = None, output_mask: Any = None, arguments: Any = None, node_indices: Any = None,
                 tensor_indices: Any = None, name: str | None = None, **kwargs: Any):  # fmt: skip
        if not callable(mode) and mode not in _MODES:
            raise ArgumentError(f"Merge: `mode` must be one of {', '.join(_MODES)} or a function, received {mode!r}.")
        if isinstance(concat_axis, bool) or not isinstance(concat_axis, int):
            raise ArgumentTypeError(f"Merge: `concat_axis` must be an integer, received {concat_axis!r}.")
        super().__init__(name=name, **kwargs)
        self.__dict__.update(
            layers=None if layers is None else list(layers), mode=mode, concat_axis=concat_axis, dot_axes=_axes(dot_axes),
            output_mask_given=output_mask, arguments=dict(arguments or {}),
        )  # fmt: skip
        self.__dict__["_output_shape"] = output_shape
        if layers is not None:
            self(_ends(layers, node_indices, tensor_indices))

    def build(self, input_shape: Any) -> None:
        """Check that there are at least two inputs and that they fit the mode."""
        shapes = _shapes(input_shape)
        if shapes is None or len(shapes) < 2:
            raise ArgumentTypeError(f"Merge '{self.name}' must be called on a list of at least 2 tensors, received shape {input_shape!r}.")
        if not callable(self.mode):
            self._check(shapes)
        super().build(input_shape)

    def _check(self, shapes: list[Any]) -> None:
        if self.mode in (*_SAME_SHAPE, "cos") and len(set(shapes)) > 1:
            raise ShapeError(f"Merge '{self.name}': `mode` {self.mode!r} needs inputs of one shape, received {shapes}.")
        if self.mode in ("dot", "cos"):
            if len(shapes) != 2:
                raise ShapeError(f"Merge '{self.name}': `mode` {self.mode!r} takes 2 inputs, received {len(shapes)}.")
            first, second = (s[a] for s, a in zip(shapes, self.dot_axes, strict=True))
            if first != second:
                raise ShapeError(f"Merge '{self.name}': the sizes {first} and {second} along `dot_axes` {self.dot_axes} differ: {shapes}.")
        if self.mode == "concat":
            Concatenate(self.concat_axis).compute_output_shape(shapes)

    def call(self, inputs: Any, mask: Any = None) -> Tensor:
        """The inputs merged."""
        tensors = _list(self, inputs)
        if callable(self.mode):
            takes_mask = "mask" in inspect.signature(self.mode).parameters
            return self.mode(tensors, **self.arguments, **({"mask": mask} if takes_mask else {}))
        return _JOIN[self.mode](self, tensors)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape of the merged tensor."""
        shapes = _shapes(input_shape)
        if callable(self.mode) and self._output_shape is not None:
            given = self._output_shape
            return tuple(given(shapes)) if callable(given) else (shapes[0][0] if shapes else None, *given)
        return super().compute_output_shape(input_shape)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """All masks joined by AND; one behind the other for a concatenation along time; none for products."""
        if mask is None or all(m is None for m in mask):
            return None
        if callable(self.mode):
            given = self.output_mask_given
            return given(mask) if callable(given) else given
        if self.mode in ("dot", "cos", "max"):
            return None
        if self.mode == "concat":
            return _concatenated_mask(_list(self, inputs), mask, self.concat_axis)
        return reduce(torch.logical_and, [m for m in mask if m is not None])

    def get_config(self) -> dict[str, Any]:
        """The arguments; the branches only where the layer was made with them."""
        written = {"name": self.name, "mode": self.mode, "concat_axis": self.concat_axis, "dot_axes": self.dot_axes}
        written.update(output_shape=self._output_shape, output_mask=self.output_mask_given, arguments=self.arguments)
        for key in ("mode", "output_shape", "output_mask"):
            written[f"{key}_type"] = "function" if callable(written[key]) else "raw"
        if self.layers is not None:
            written["layers"] = [registry.serialize("layer", layer) for layer in self.layers]
        return written

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Merge:
        """A Merge, and the branches written with it."""
        config = {k: v for k, v in config.items() if not k.endswith("_type")}
        if config.get("layers") is not None:
            config["layers"] = [registry.deserialize("layer", entry, custom_objects) for entry in config["layers"]]
        return cls(**config)


def merge(inputs: Sequence[Any], mode: Any = "sum", concat_axis: int = -1, dot_axes: Any = -1, output_shape: Any = None,
          output_mask: Any = None, arguments: Any = None, name: str | None = None) -> Any:  # fmt: skip
    """A list of tensors merged by a new `Merge` layer, as the function of this name in Keras 1."""
    layer = Merge(None, mode, concat_axis, dot_axes, output_shape, output_mask, arguments, name=name)
    return layer(list(inputs))


def _axes(given: Any) -> tuple[int, int]:
    pair = (given, given) if isinstance(given, int) else tuple(given) if isinstance(given, (list, tuple)) else ()
    if len(pair) != 2 or not all(isinstance(a, int) for a in pair):
        raise ArgumentTypeError(f"Merge: `dot_axes` must be an integer or two integers, received {given!r}.")
    return pair


def _ends(layers: Any, node_indices: Any, tensor_indices: Any) -> list[KerasTensor]:
    """The symbolic tensor at the end of each branch."""
    if not isinstance(layers, (list, tuple)) or len(layers) < 2:
        raise ArgumentTypeError(f"Merge: `layers` must be a list of at least 2 layers, models or tensors, received {layers!r}.")
    ends = []
    for place, branch in enumerate(layers):
        if isinstance(branch, KerasTensor):
            ends.append(branch)
            continue
        if not isinstance(branch, Layer):
            raise ArgumentTypeError(f"Merge: `layers` takes layers, models or symbolic tensors, received {branch!r}.")
        nodes = branch._inbound_nodes
        if not nodes and getattr(branch, "_network", None) is None:
            raise ArgumentError(f"Merge: the branch '{branch.name}' in `layers` has no input yet: give its first layer an `input_shape`.")
        outputs = flatten(branch.get_output_at(node_indices[place] if node_indices else 0) if nodes else branch.output)
        index = tensor_indices[place] if tensor_indices else None
        ends.append(outputs[index or 0])
    return ends


def _concatenated_mask(tensors: list[Any], masks: Any, axis: int) -> Any:
    """Masks as wide as their tensors, concatenated; a step counts where its whole last axis does."""
    wide = []
    for tensor, mask in zip(tensors, masks, strict=True):
        if mask is None:
            wide.append(torch.ones_like(tensor, dtype=torch.bool))
        else:
            wide.append(mask.unsqueeze(-1) if mask.ndim < tensor.ndim else mask)
    return torch.cat(wide, axis).all(-1)


#: mode -> what it makes of the tensors
_JOIN: dict[str, Callable[[Any, list[Tensor]], Tensor]] = {
    "sum": lambda layer, x: reduce(torch.add, x),
    "ave": lambda layer, x: reduce(torch.add, x) / len(x),
    "mul": lambda layer, x: reduce(torch.mul, x),
    "max": lambda layer, x: reduce(torch.maximum, x),
    "concat": lambda layer, x: torch.cat(x, layer.concat_axis),
    "dot": lambda layer, x: dot(x[0], x[1], layer.dot_axes),
    "cos": lambda layer, x: cosine(x[0], x[1], layer.dot_axes).unsqueeze(1),
}

NAMES = {"Merge": Merge}
registry.register("layer", NAMES)
