"""What a call of a layer or function gives, as a dict that can be set beside a recording of Keras.

Keys: `output/i`, `mask/i` (None: no mask), `loss/i`, `state/i` (weights that are not trained, after the call),
`gradient/input/i` and `gradient/weight/i` (of the outputs weighted by fixed numbers; None: no dependence), `facts`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from kcompat.tree import flatten

#: (index of an output, its shape) -> the numbers its gradient is weighted with
Cotangent = Callable[[int, tuple[int, ...]], np.ndarray]


def observe(
    layer: Any, inputs: Any, arguments: dict[str, Any] | None = None, cotangent: Cotangent | None = None, spread: bool = False
) -> dict[str, Any]:
    """Call a built layer or model once and note all it gives.

    `inputs` is a tensor or a structure of tensors, masks attached as `_keras_mask`. Without `cotangent` no gradient is taken.
    With `spread` the inputs are arguments of the call one by one.
    """
    sources = [_source(t, cotangent is not None) for t in flatten(inputs)]
    given = sources if isinstance(inputs, (list, tuple)) else sources[0]
    outputs = layer(*sources, **(arguments or {})) if spread else layer(given, **(arguments or {}))
    record = _values(outputs)
    record.update({f"loss/{i}": array(loss) for i, loss in enumerate(layer.losses)})
    record.update({f"state/{i}": array(weight) for i, weight in enumerate(layer.non_trainable_weights)})
    if cotangent is not None:
        floats = [t for t in sources if t.requires_grad]
        record.update(_gradients(flatten(outputs), floats, list(layer.trainable_weights), cotangent))
    return record


def observe_function(function: Callable[[torch.Tensor], Any], values: torch.Tensor, cotangent: Cotangent | None = None) -> dict[str, Any]:
    """Like `observe` for a function of one tensor: an activation, regularizer or constraint."""
    source = _source(values, cotangent is not None)
    outputs = function(source)
    record = _values(outputs)
    if cotangent is not None:
        record.update(_gradients(flatten(outputs), [source], [], cotangent))
    return {key: value for key, value in record.items() if not key.startswith("mask/")}


def facts(layer: Any) -> dict[str, Any]:
    """Names, shapes and order of the weights, name and config; for a model also the names of its layers and its shapes."""
    told = {
        "weights": [[_short(w.name), list(w.shape)] for w in layer.weights],
        "stored": [list(np.shape(value)) for value in layer.get_weights()],
        "trainable": [_short(w.name) for w in layer.trainable_weights],
        "name": layer.name,
        "config": plain(layer.get_config()),
    }
    if hasattr(layer, "layers"):
        told["layers"] = [inner.name for inner in layer.layers]
        told["output_shape"] = plain(layer.output_shape)
        told["input_shape"] = plain(layer.input_shape)
    return told


def plain(value: Any) -> Any:
    """A config or shape as JSON types; a function becomes '<code>'."""
    if isinstance(value, dict):
        told = {str(k): plain(v) for k, v in value.items()}
        return "<code>" if told.get("class_name") == "__lambda__" else told
    if isinstance(value, (list, tuple)):
        bytecode = len(value) == 3 and isinstance(value[0], str) and len(value[0]) > 60
        return "<code>" if bytecode else [plain(v) for v in value]
    if isinstance(value, (np.generic, np.ndarray)):
        return value.tolist()
    return "<code>" if callable(value) and not isinstance(value, torch.Tensor) else value


def array(value: Any) -> np.ndarray:
    """A tensor, weight or number as a numpy array on the host, with memory of its own: a weight may change afterwards."""
    return np.array(value.detach().cpu().numpy() if isinstance(value, torch.Tensor) else value)


def _source(tensor: torch.Tensor, watched: bool) -> torch.Tensor:
    """The tensor as a leaf of its own, with its mask."""
    leaf = tensor.detach().clone()
    leaf.requires_grad_(watched and leaf.is_floating_point())
    if getattr(tensor, "_keras_mask", None) is not None:
        leaf._keras_mask = tensor._keras_mask  # type: ignore[attr-defined]
    return leaf


def _values(outputs: Any) -> dict[str, Any]:
    record: dict[str, Any] = {}
    for index, value in enumerate(flatten(outputs)):
        mask = getattr(value, "_keras_mask", None)
        record[f"output/{index}"] = array(value)
        record[f"mask/{index}"] = None if mask is None else array(mask)
    kinds = {dict: "dict", list: "list", tuple: "tuple"}
    record["facts"] = {"structure": next((name for kind, name in kinds.items() if isinstance(outputs, kind)), "one")}
    return record


def _gradients(outputs: list[Any], inputs: list[Any], weights: list[Any], cotangent: Cotangent) -> dict[str, Any]:
    names = [f"gradient/input/{i}" for i in range(len(inputs))] + [f"gradient/weight/{i}" for i in range(len(weights))]
    parts = [
        (value * torch.as_tensor(cotangent(i, tuple(value.shape)), dtype=value.dtype, device=value.device)).sum()
        for i, value in enumerate(outputs)
        if value.is_floating_point()
    ]
    if not parts:
        return {}
    total = torch.stack(parts).sum()
    if not total.requires_grad or not names:
        return dict.fromkeys(names)
    found = torch.autograd.grad(total, [*inputs, *weights], allow_unused=True)
    return {name: None if gradient is None else array(gradient) for name, gradient in zip(names, found, strict=True)}


def _short(name: str) -> str:
    return name.split("/")[-1].split(":")[0]
