"""The call of a layer on symbolic tensors: it is recorded, and gives symbolic tensors."""

from __future__ import annotations

from typing import Any

import torch

from kcompat.core.build import build_for, shapes_of
from kcompat.core.context import ambient
from kcompat.core.inputs import arrays_to_tensors, cast_inputs, check_inputs, device_of
from kcompat.core.masks import any_mask, is_absent, mask_of, refuse_mask
from kcompat.errors import ArgumentError, KcompatError
from kcompat.generations import behaviour
from kcompat.graph import KerasTensor, record
from kcompat.graph.infer import ATTEMPTS, merge, stand_in
from kcompat.tree import flatten, leaves, map_structure


def record_call(layer: Any, inputs: Any, args: tuple[Any, ...], kwargs: dict[str, Any], training: bool | None) -> Any:
    """Symbolic outputs for symbolic inputs, known to the layer as one of its calls."""
    inputs, args, kwargs = arrays_to_tensors(inputs), arrays_to_tensors(args), arrays_to_tensors(kwargs)
    if not layer.built:
        build_for(layer, inputs, args, kwargs)
    check_inputs(layer, inputs)
    masks = kwargs.get("mask")
    if masks is None and any_mask(inputs):
        masks = mask_of(inputs)
    if masks is not None and not is_absent(masks) and not layer.supports_masking and not layer._overrides_mask:
        refuse_mask(layer)
        masks = None
    try:
        specs = layer.compute_output_spec(inputs, *args, **kwargs)
    except KcompatError:
        raise
    except (RuntimeError, TypeError, ValueError, IndexError) as error:
        raise ArgumentError(
            f"Layer '{layer.name}' ({type(layer).__name__}) cannot be applied to symbolic inputs of shape {shapes_of(inputs)}: {error}"
        ) from error
    kept = {k: v for k, v in kwargs.items() if not (k in ("training", "mask") and v is None)}
    if training is not None:
        kept["training"] = training
    if behaviour("config_build_shape", layer._keras_version) == "called":
        layer.__dict__.setdefault("_build_shape", shapes_of(inputs))
    outputs = record(layer, (inputs, *args), kept, specs)
    for tensor in leaves(outputs):
        tensor.name = tensor.name or layer.name
    if (masks is not None or layer._makes_mask) and not layer._makes_own_masks:
        flat = flatten(outputs)
        computed = layer.compute_mask(inputs, masks)
        for tensor, mask in zip(flat, flatten(computed) if isinstance(computed, (list, tuple)) else [computed] * len(flat), strict=False):
            tensor._keras_mask = mask
    return outputs


def inferred_spec(layer: Any, inputs: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """(shape, dtype) of each output, found by running `call` on tensors without storage."""
    from torch._subclasses.fake_tensor import FakeTensorMode

    symbols = [leaf for leaf in leaves((inputs, args, kwargs)) if isinstance(leaf, KerasTensor)]
    device = device_of(layer)

    def once(primes: tuple[int, ...]) -> Any:
        with FakeTensorMode(allow_non_fake_inputs=True), torch.no_grad():

            def fake(leaf: Any) -> Any:
                if not isinstance(leaf, KerasTensor):
                    return leaf
                made = torch.empty(stand_in(leaf.shape, primes), dtype=leaf.dtype, device=device)
                if leaf._keras_mask is not None and isinstance(leaf._keras_mask, KerasTensor):
                    made.__dict__["_keras_mask"] = torch.empty(stand_in(leaf._keras_mask.shape, primes), dtype=torch.bool, device=device)
                return made

            real_inputs, real_args, real_kwargs = map_structure(fake, inputs), map_structure(fake, args), map_structure(fake, kwargs)
            if layer._call_spec.takes_mask and "mask" not in kwargs and any_mask(real_inputs):
                real_kwargs["mask"] = mask_of(real_inputs)
            ambient.depth, ambient.inferring = ambient.depth + 1, ambient.inferring + 1
            scope, ambient.scope = ambient.scope, (*ambient.scope, layer.name)
            try:
                return layer.call(cast_inputs(layer, real_inputs), *real_args, **real_kwargs)
            finally:
                ambient.depth, ambient.inferring = ambient.depth - 1, ambient.inferring - 1
                ambient.scope = scope
                layer._clear_losses()

    if all(None not in s.shape for s in symbols):
        result = once(ATTEMPTS[0][0])
        return _symbols_of(result, result)
    error: Exception | None = None
    for first, second in ATTEMPTS:
        try:
            return _symbols_of(once(first), once(second))
        except (RuntimeError, ValueError, IndexError, TypeError) as caught:  # noqa: PERF203
            error = error or caught
    assert error is not None
    raise error


def _symbols_of(first: Any, second: Any) -> Any:
    """Symbolic tensors from the results of two runs, with the masks that `call` itself gave them."""

    def symbol(a: Any, b: Any) -> Any:
        tensor = KerasTensor(*merge(a, b))
        mask_a, mask_b = getattr(a, "_keras_mask", None), getattr(b, "_keras_mask", None)
        if mask_a is not None and mask_b is not None:
            tensor._keras_mask = KerasTensor(*merge(mask_a, mask_b))
        return tensor

    return map_structure(symbol, first, second)
