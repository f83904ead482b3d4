"""What happens between `layer(x)` and the layer's own `call`: record on symbolic tensors, or run on real ones.

The order is Keras': arrays become tensors, the mask of the input is picked up, the layer is built, the input is checked
and cast, `call` runs, activity regularization is noted, the output gets its mask.
"""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

from kcompat import config
from kcompat.core.context import ambient
from kcompat.core.masks import any_mask, attach, is_absent, mask_of
from kcompat.errors import ArgumentError, ArgumentTypeError, KcompatError, MaskError, ShapeError
from kcompat.generations import behaviour
from kcompat.graph import KerasTensor, contains_symbol, record
from kcompat.graph.infer import _ATTEMPTS, merge, stand_in
from kcompat.tensor.dtypes import torch_dtype
from kcompat.tree import flatten, leaves, map_structure


class CallSpec:
    """The parameters of a class's `call`, read once when the class is made."""

    def __init__(self, call: Any, build: Any):
        parameters = list(inspect.signature(call).parameters.values())[1:]
        named = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
        self.names = [p.name for p in named if p.kind is not p.KEYWORD_ONLY]
        self.first = self.names[0] if self.names else "inputs"
        takes_any = any(p.kind is p.VAR_KEYWORD for p in parameters)
        every = {p.name for p in named}
        self.takes_training = "training" in every
        self.takes_mask = "mask" in every
        self.passes_any = takes_any
        shapes = list(inspect.signature(build).parameters.values())[1:]
        names = [p.name for p in shapes if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
        #: Keras 3: `build(self, query_shape, value_shape)` asks for the shapes of several arguments of `call`
        self.build_shapes = names if len(names) > 1 and all(n.endswith("_shape") for n in names) else None


def run(layer: Any, inputs: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The full call of a layer."""
    spec: CallSpec = layer._call_spec
    if type(args) is not tuple:  # torch.fx hands in a proxy for `*args` and one for `**kwargs`
        args, kwargs = (), {}
    training = kwargs.get("training")
    if "training" in kwargs and not (spec.takes_training or spec.passes_any):
        kwargs = {k: v for k, v in kwargs.items() if k != "training"}
    if contains_symbol(inputs, args, kwargs):
        return _record(layer, inputs, args, kwargs, training)
    inputs, args, kwargs = _tensors(layer, inputs), _arrays(args), _arrays(kwargs)
    before, scope = ambient.training, ambient.scope
    outermost = ambient.depth == 0
    ambient.depth += 1
    if training is not None:
        ambient.training = bool(training)
    try:
        if outermost and ambient.losses_noted:
            layer._clear_losses()
        return _run(layer, inputs, args, kwargs)
    finally:
        ambient.depth -= 1
        ambient.scope = scope
        if training is not None:
            ambient.training = before


def _run(layer: Any, inputs: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    spec: CallSpec = layer._call_spec
    masks = mask_of(inputs) if any_mask(inputs) else None
    if "mask" in kwargs and kwargs["mask"] is not None:
        masks = kwargs["mask"]
    if spec.takes_mask and "mask" not in kwargs and masks is not None and len(args) < _position(spec, "mask"):
        kwargs = {**kwargs, "mask": masks}
    elif not spec.takes_mask and not spec.passes_any and "mask" in kwargs:
        kwargs = {k: v for k, v in kwargs.items() if k != "mask"}
    if not layer.built:
        build_for(layer, inputs, args, kwargs)
    check_inputs(layer, inputs)
    ambient.scope = (*ambient.scope, layer.name)
    if layer._is_mixed and layer._casts_weights:
        with _cast_weights(layer):
            outputs = layer.call(_cast(layer, inputs), *args, **kwargs)
    else:
        outputs = layer.call(_cast(layer, inputs), *args, **kwargs)
    if layer.activity_regularizer is not None and not torch.compiler.is_exporting():  # a program has outputs, no losses
        _note_activity(layer, outputs)
    if masks is None and not layer._makes_mask:
        return outputs
    return with_masks(layer, inputs, outputs, masks)


def _position(spec: CallSpec, name: str) -> int:
    return spec.names.index(name) if name in spec.names else len(spec.names)


def with_masks(layer: Any, inputs: Any, outputs: Any, masks: Any) -> Any:
    """The outputs with the masks that the layer computes for them; masks that `call` itself has set stay."""
    received = {id(t) for t in leaves(inputs)}
    flat = flatten(outputs)
    if layer._makes_own_masks or (flat and all(getattr(t, "_keras_mask", None) is not None and id(t) not in received for t in flat)):
        return outputs
    if masks is not None and not is_absent(masks) and not layer.supports_masking and not layer._overrides_mask:
        refuse_mask(layer)
        return attach(outputs, None, inputs)
    return attach(outputs, layer.compute_mask(inputs, masks), inputs)


def refuse_mask(layer: Any) -> None:
    """Keras 1 and 2.0-2.3 raise where a mask reaches a layer that cannot handle one; later the mask is dropped."""
    if behaviour("unsupported_mask", layer._keras_version) == "raise":
        raise MaskError(
            f"Layer '{layer.name}' ({type(layer).__name__}) does not support masking, but its input has a mask. "
            "Put the layer before the mask is made, or set `supports_masking = True` in a layer of your own."
        )


# -- real tensors -----------------------------------------------------------------------------------------------------


def _tensors(layer: Any, inputs: Any) -> Any:
    """Arrays and numbers as tensors on the layer's device."""
    if isinstance(inputs, torch.Tensor):
        return inputs
    if isinstance(inputs, (list, tuple)) and inputs and all(isinstance(leaf, (int, float)) for leaf in leaves(inputs)):
        inputs = np.asarray(inputs)
    return _arrays(inputs, layer)


def _device(layer: Any) -> torch.device:
    for weight in layer.parameters():
        return weight.device
    return config.device()


def _arrays(structure: Any, layer: Any = None) -> Any:
    def tensor(leaf: Any) -> Any:
        if not isinstance(leaf, (np.ndarray, np.generic)):
            return leaf
        if leaf.dtype.kind not in "biufc":
            raise ArgumentTypeError(f"An array of dtype {leaf.dtype} cannot become a tensor; give numbers.")
        made = torch.as_tensor(leaf)
        made = made.to(torch_dtype(config.floatx())) if made.dtype is torch.float64 else made
        return made if layer is None else made.to(_device(layer))

    return map_structure(tensor, structure)


def _cast(layer: Any, inputs: Any) -> Any:
    """Floating inputs in the layer's compute dtype (Keras: autocast); torch's own autocast is left to do its work."""
    wanted = layer._compute_dtype
    if not layer._autocast:
        return inputs
    integers = layer._casts_integers
    if isinstance(inputs, torch.Tensor):
        return _cast_leaf(inputs, wanted, integers)
    return map_structure(lambda leaf: _cast_leaf(leaf, wanted, integers), inputs)


def _cast_leaf(leaf: Any, wanted: torch.dtype, integers: bool) -> Any:
    if not isinstance(leaf, torch.Tensor) or leaf.dtype is wanted:
        return leaf
    if not (leaf.is_floating_point() or integers) or torch.is_autocast_enabled(leaf.device.type):
        return leaf
    cast = leaf.to(wanted)
    mask = getattr(leaf, "_keras_mask", None)
    if mask is not None:
        cast._keras_mask = mask  # type: ignore[attr-defined]
    return cast


@contextlib.contextmanager
def _cast_weights(layer: Any) -> Iterator[None]:
    """Inside, the layer sees its own weights in the compute dtype of its mixed policy; gradients go to the weights themselves."""
    held = dict(layer._parameters)
    try:
        for key, weight in held.items():
            if weight is not None and weight.is_floating_point():
                layer._parameters[key] = weight.to(layer._compute_dtype)
        yield
    finally:
        layer._parameters.update(held)


def check_inputs(layer: Any, inputs: Any) -> None:
    """Raise the error of the input spec that does not fit."""
    specs = layer.input_spec
    if specs is None:
        return
    where = f"layer '{layer.name}' ({type(layer).__name__})"
    tensors = flatten(inputs)
    if not isinstance(specs, (list, tuple, dict)):
        specs = [specs]
    specs = flatten(specs)
    if len(tensors) != len(specs):
        raise ShapeError(f"Input of {where}: expected {len(specs)} inputs, received {len(tensors)}.")
    for spec, tensor in zip(specs, tensors, strict=True):
        if spec is not None and not hasattr(tensor, "shape") and not isinstance(tensor, torch.fx.Proxy):
            raise ArgumentTypeError(f"Input of {where} must be a tensor or an array, received {type(tensor).__name__}.")
        if spec is not None:
            spec.check(tuple(tensor.shape), getattr(tensor, "dtype", None), where)


def _note_activity(layer: Any, outputs: Any) -> None:
    per_sample = behaviour("activity_loss_per_sample", layer._keras_version)
    for output in flatten(outputs):
        loss = layer.activity_regularizer(output)
        layer._note_loss(loss / output.shape[0] if per_sample else loss)


# -- building -----------------------------------------------------------------------------------------------------------


def shapes_of(value: Any) -> Any:
    """The shapes of a structure of tensors, as tuples."""
    return map_structure(lambda t: tuple(t.shape) if hasattr(t, "shape") else None, value)


def build_for(layer: Any, inputs: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Build the layer for the shapes of this call."""
    spec: CallSpec = layer._call_spec
    if not any(hasattr(leaf, "shape") for leaf in leaves(inputs)) and layer._overrides_build:
        raise ArgumentTypeError(
            f"Layer '{layer.name}' ({type(layer).__name__}) must be called on tensors or arrays, received {type(inputs).__name__}."
        )
    with _first_device(inputs):
        _build(layer, spec, inputs, args, kwargs)


def _first_device(inputs: Any) -> Any:
    """Weights made by a first call live where its input does, unless `config.set_device` says otherwise."""
    found = next((leaf.device for leaf in leaves(inputs) if isinstance(leaf, torch.Tensor)), None)
    same = found is None or config.device_is_set() or found == config.device() or ambient.inferring
    return contextlib.nullcontext() if same else found


def _build(layer: Any, spec: CallSpec, inputs: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    if spec.build_shapes is None:
        layer._build_once(shapes_of(inputs))
        return
    given = {**dict(zip(spec.names, (inputs, *args), strict=False)), **kwargs}
    shapes = {}
    for name in spec.build_shapes:
        argument = name.removesuffix("_shape")
        if given.get(argument) is not None:
            shapes[name] = shapes_of(given[argument])
    layer._build_once(**shapes)


# -- symbolic tensors ---------------------------------------------------------------------------------------------------


def _record(layer: Any, inputs: Any, args: tuple[Any, ...], kwargs: dict[str, Any], training: bool | None) -> Any:
    inputs, args, kwargs = _arrays(inputs), _arrays(args), _arrays(kwargs)
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
    device = _device(layer)

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
                return layer.call(_cast(layer, real_inputs), *real_args, **real_kwargs)
            finally:
                ambient.depth, ambient.inferring = ambient.depth - 1, ambient.inferring - 1
                ambient.scope = scope
                layer._clear_losses()

    if all(None not in s.shape for s in symbols):
        result = once(_ATTEMPTS[0][0])
        return _symbols_of(result, result)
    error: Exception | None = None
    for first, second in _ATTEMPTS:
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
