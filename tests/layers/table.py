"""Every layer there is, with a way to make it and inputs it takes. A new layer is covered by all tests here once it is listed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from kcompat import layers as L
from kcompat import registry


@dataclass(frozen=True)
class Row:
    make: Callable[[], Any]
    shapes: tuple[tuple[int, ...], ...]
    #: things this layer cannot do by its nature, each with the reason
    cannot: tuple[str, ...] = ()

    def inputs(self, seed: int = 0, batch: int | None = None) -> Any:
        generator = torch.Generator().manual_seed(seed)
        made = [torch.rand((batch or s[0], *s[1:]), generator=generator) + 0.1 for s in self.shapes]
        return made[0] if len(made) == 1 else made


def _shape(rank: int) -> tuple[int, ...]:
    return (3, *(6, 5, 4)[:rank], 2)


ROWS: dict[str, Row] = {
    "Dense": Row(lambda: L.Dense(5, "relu"), ((3, 4),)),
    "Dense sequence": Row(lambda: L.Dense(5, "softmax", use_bias=False), ((3, 6, 4),)),
    "Activation": Row(lambda: L.Activation("tanh"), ((3, 4),)),
    "Dropout": Row(lambda: L.Dropout(0.5), ((3, 4),)),
    "SpatialDropout1D": Row(lambda: L.SpatialDropout1D(0.5), ((3, 6, 4),)),
    "SpatialDropout2D": Row(lambda: L.SpatialDropout2D(0.5), ((3, 6, 5, 4),)),
    "SpatialDropout3D": Row(lambda: L.SpatialDropout3D(0.5), ((3, 6, 5, 4, 2),)),
    "ActivityRegularization": Row(lambda: L.ActivityRegularization(0.1, 0.2), ((3, 4),)),
    "Flatten": Row(lambda: L.Flatten(), ((3, 4, 5),)),
    "Reshape": Row(lambda: L.Reshape((2, -1)), ((3, 4, 5),)),
    "Permute": Row(lambda: L.Permute((2, 1)), ((3, 4, 5),)),
    "RepeatVector": Row(lambda: L.RepeatVector(3), ((3, 4),)),
    "Lambda": Row(lambda: L.Lambda(_double), ((3, 4),)),
    "Masking": Row(lambda: L.Masking(), ((3, 6, 4),)),
    "Identity": Row(lambda: L.Identity(), ((3, 4),)),
    **{
        name: Row(lambda name=name: getattr(L, name)(), ((3, 4, 5), (3, 4, 5)))
        for name in ("Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum", "Concatenate")
    },
    "Dot": Row(lambda: L.Dot(axes=(1, 2)), ((3, 4, 5), (3, 2, 4))),
    "Conv1D": Row(lambda: L.Conv1D(5, 3, padding="causal", activation="relu"), ((3, 8, 4),)),
    "Conv2D": Row(lambda: L.Conv2D(6, 3, strides=2, padding="same", activation="relu"), ((3, 8, 7, 4),)),
    "Conv2D channels_first": Row(lambda: L.Conv2D(6, (3, 2), data_format="channels_first", dilation_rate=2), ((3, 4, 8, 7),)),
    "Conv2D groups": Row(lambda: L.Conv2D(6, 3, groups=2), ((3, 8, 7, 4),)),
    "Conv3D": Row(lambda: L.Conv3D(3, 2, padding="same", strides=2), ((3, 5, 4, 6, 2),)),
    "Conv1DTranspose": Row(lambda: L.Conv1DTranspose(5, 3, strides=2), ((3, 8, 4),)),
    "Conv2DTranspose": Row(lambda: L.Conv2DTranspose(5, 3, strides=2, padding="same"), ((3, 6, 5, 4),)),
    "Conv3DTranspose": Row(lambda: L.Conv3DTranspose(3, 2, strides=2), ((3, 4, 3, 5, 2),)),
    "DepthwiseConv1D": Row(lambda: L.DepthwiseConv1D(3, depth_multiplier=2), ((3, 8, 4),)),
    "DepthwiseConv2D": Row(lambda: L.DepthwiseConv2D(3, strides=2, padding="same"), ((3, 8, 7, 4),)),
    "SeparableConv1D": Row(lambda: L.SeparableConv1D(5, 3), ((3, 8, 4),)),
    "SeparableConv2D": Row(lambda: L.SeparableConv2D(5, 3, padding="same"), ((3, 8, 7, 4),)),
    **{
        f"{kind}{rank}D": Row(lambda kind=kind, rank=rank: getattr(L, f"{kind}{rank}D")(2, strides=1, padding="same"), (_shape(rank),))
        for kind in ("MaxPooling", "AveragePooling")
        for rank in (1, 2, 3)
    },
    **{
        f"{kind}{rank}D": Row(lambda kind=kind, rank=rank: getattr(L, f"{kind}{rank}D")(), (_shape(rank),))
        for kind in ("GlobalMaxPooling", "GlobalAveragePooling", "ZeroPadding", "Cropping")
        for rank in (1, 2, 3)
    },
    "BatchNormalization": Row(lambda: L.BatchNormalization(), ((3, 8, 7, 4),)),
    "BatchNormalization rank 2": Row(lambda: L.BatchNormalization(), ((3, 4),)),
    "SyncBatchNormalization": Row(lambda: L.SyncBatchNormalization(), ((3, 4),)),
    "LayerNormalization": Row(lambda: L.LayerNormalization(), ((3, 6, 4),)),
    "TorchModuleWrapper": Row(lambda: L.TorchModuleWrapper(torch.nn.Linear(4, 2)), ((3, 4),)),
}
#: layer classes without a row of their own: bases, and inputs, which take no data
BASES = {"InputLayer", "Wrapper", "Functional", "Model", "Sequential"}


def _double(x: torch.Tensor) -> torch.Tensor:
    return x * 2.0


def listed() -> set[str]:
    return {type(row.make()).__name__ for row in ROWS.values()}


def registered() -> set[str]:
    return {registry.lookup("layer", name).__name__ for name in registry.names("layer")}
