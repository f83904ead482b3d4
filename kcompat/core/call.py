"""What happens between `layer(x)` and the layer's own `call`.

The order is Keras': arrays become tensors, the mask of the input is picked up, the layer is built, the input is checked
and cast, `call` runs, activity regularization is noted, the output gets its mask. A call on symbolic tensors is recorded instead.
"""

from __future__ import annotations

from typing import Any

import torch

from kcompat.core.build import CallSpec, build_for
from kcompat.core.context import ambient
from kcompat.core.inputs import arrays_to_tensors, cast_inputs, cast_weights, check_inputs, to_tensors
from kcompat.core.masks import any_mask, attach, is_absent, mask_of, refuse_mask
from kcompat.core.symbolic import record_call
from kcompat.generations import behaviour
from kcompat.graph import contains_symbol
from kcompat.tree import flatten, leaves


def run(layer: Any, inputs: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The full call of a layer."""
    spec: CallSpec = layer._call_spec
    if type(args) is not tuple:  # torch.fx hands in a proxy for `*args` and one for `**kwargs`
        args, kwargs = (), {}
    training = kwargs.get("training")
    if "training" in kwargs and not (spec.takes_training or spec.passes_any):
        kwargs = {k: v for k, v in kwargs.items() if k != "training"}
    if type(inputs) is not torch.Tensor or args or len(kwargs) > (training is not None):  # else it is a tensor and perhaps a flag
        if contains_symbol(inputs, args, kwargs):
            return record_call(layer, inputs, args, kwargs, training)
        inputs, args, kwargs = to_tensors(layer, inputs), arrays_to_tensors(args), arrays_to_tensors(kwargs)
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
    if spec.takes_training and kwargs.get("training") is None and len(args) < _position(spec, "training"):
        kwargs = {**kwargs, "training": _training_flag(layer, spec)}
    if not layer.built:
        build_for(layer, inputs, args, kwargs)
    check_inputs(layer, inputs)
    ambient.scope = (*ambient.scope, layer.name)
    if layer._is_mixed and layer._casts_weights:
        with cast_weights(layer):
            outputs = layer.call(cast_inputs(layer, inputs), *args, **kwargs)
    else:
        outputs = layer.call(cast_inputs(layer, inputs), *args, **kwargs)
    if layer.activity_regularizer is not None and not torch.compiler.is_exporting():  # a program has outputs, no losses
        _note_activity(layer, outputs)
    if masks is None and not layer._makes_mask:
        return outputs
    return with_masks(layer, inputs, outputs, masks)


def _training_flag(layer: Any, spec: CallSpec) -> bool:
    """The flag a call gets that names none: an outer call's, the default in the signature of `call`, the module's mode."""
    if ambient.training is None and spec.training_default is not None:
        return spec.training_default
    return layer._in_training()


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


def _note_activity(layer: Any, outputs: Any) -> None:
    per_sample = behaviour("activity_loss_per_sample", layer._keras_version)
    for output in flatten(outputs):
        loss = layer.activity_regularizer(output)
        layer._note_loss(loss / output.shape[0] if per_sample else loss)
