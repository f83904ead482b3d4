"""Low-rank adaptation (https://arxiv.org/abs/2106.09685): a frozen weight, and a trained product of two small matrices beside it."""

from __future__ import annotations

from typing import Any

from kcompat.core.layer import Layer
from kcompat.errors import ArgumentError, NotBuiltError
from kcompat.layers.arguments import positive


def adapt(layer: Layer, target: str, rank: int, alpha: float | None, a_initializer: Any, b_initializer: Any) -> None:
    """Freeze the weight `target` (..., n); make `lora_<target>_a` (..., rank) and `lora_<target>_b` (rank, n), which are trained."""
    where = f"{type(layer).__name__} '{layer.name}'"
    rank = positive(where, "rank", rank)
    if not layer.built:
        raise NotBuiltError(f"{where}: `enable_lora` needs a built layer; call it on data first.")
    if layer.lora_enabled:
        raise ArgumentError(f"{where}: LoRA is enabled already.")
    if getattr(layer, f"{target}_constraint") is not None:
        raise ArgumentError(f"{where}: `enable_lora` does not go with the constraint of `{target}`; leave that out.")
    *rows, columns = getattr(layer, target).shape
    for part, shape, initializer in (("a", (*rows, rank), a_initializer), ("b", (rank, columns), b_initializer)):
        name = f"lora_{target}_{part}"
        setattr(layer, name, layer.add_weight(name, shape, initializer=initializer, regularizer=getattr(layer, f"{target}_regularizer")))
    getattr(layer, target).requires_grad_(False)
    layer.__dict__.update(lora_enabled=True, lora_rank=rank, lora_alpha=rank if alpha is None else alpha)
