"""Every layer there is, with a way to make it and inputs it takes. A new layer is covered by all tests here once it is listed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from kcompat import layers as L
from kcompat import registry
from kcompat.files.symbols.layers import Operation, TensorFlowOpLayer, TFOpLambda


@dataclass(frozen=True)
class Row:
    make: Callable[[], Any]
    shapes: tuple[tuple[int, ...], ...]
    #: things this layer cannot do by its nature, each with the reason
    cannot: tuple[str, ...] = ()
    #: the layer's class, where `make` gives one derived from it
    of: str = ""

    def inputs(self, seed: int = 0, batch: int | None = None) -> Any:
        generator = torch.Generator().manual_seed(seed)
        made = [torch.rand((batch or s[0], *s[1:]), generator=generator) + 0.1 for s in self.shapes]
        return made[0] if len(made) == 1 else made


def _shape(rank: int) -> tuple[int, ...]:
    return (3, *(6, 5, 4)[:rank], 2)


class _OfOneInput:
    """A layer called on query and value, here on one tensor as both."""

    def forward(self, query: Any, *args: Any, **kwargs: Any) -> Any:
        return super().forward(query, *(args or (query,)), **kwargs)  # type: ignore[misc]


class SelfAttention(_OfOneInput, L.MultiHeadAttention):
    """Of one input."""


class SelfGroupedAttention(_OfOneInput, L.GroupQueryAttention):
    """Of one input."""


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
    "Merge": Row(lambda: L.Merge(mode="mul"), ((3, 4), (3, 4))),
    "TFOpLambda": Row(lambda: TFOpLambda("math.square"), ((3, 4),)),
    "TensorFlowOpLayer": Row(
        lambda: TensorFlowOpLayer({"name": "relu", "op": "Relu", "input": ["x"], "attr": {"T": {"type": "DT_FLOAT"}}}), ((3, 4),)
    ),
    "Operation": Row(lambda: Operation("numpy.Absolute"), ((3, 4),)),
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
    "LeakyReLU": Row(lambda: L.LeakyReLU(0.2), ((3, 4),)),
    "PReLU": Row(lambda: L.PReLU("ones", shared_axes=[1]), ((3, 6, 4),)),
    "ELU": Row(lambda: L.ELU(0.5), ((3, 4),)),
    "ThresholdedReLU": Row(lambda: L.ThresholdedReLU(0.5), ((3, 4),)),
    "ReLU": Row(lambda: L.ReLU(0.9, 0.1, 0.5), ((3, 4),)),
    "Softmax": Row(lambda: L.Softmax(axis=1), ((3, 6, 4),)),
    "GaussianNoise": Row(lambda: L.GaussianNoise(0.5), ((3, 4),)),
    "GaussianNoise seeded": Row(lambda: L.GaussianNoise(0.5, seed=1), ((3, 4),)),
    "GaussianDropout": Row(lambda: L.GaussianDropout(0.5), ((3, 4),)),
    "AlphaDropout": Row(lambda: L.AlphaDropout(0.5), ((3, 4),)),
    "AlphaDropout shared": Row(lambda: L.AlphaDropout(0.5, (None, 1, 4), seed=2), ((3, 6, 4),)),
    "EinsumDense": Row(lambda: L.EinsumDense("abc,cde->abde", (6, 2, 5), bias_axes="de"), ((3, 6, 4),)),
    "EinsumDense left": Row(lambda: L.EinsumDense("...x,xy->...y", 5, "relu"), ((3, 6, 4),)),
    "GroupNormalization": Row(lambda: L.GroupNormalization(2), ((3, 6, 4),)),
    "GroupNormalization images": Row(lambda: L.GroupNormalization(2, axis=1, scale=False), ((3, 4, 5, 6),)),
    "UnitNormalization": Row(lambda: L.UnitNormalization(), ((3, 6, 4),)),
    "RMSNormalization": Row(lambda: L.RMSNormalization([1, 2]), ((3, 6, 4),)),
    "SpectralNormalization": Row(lambda: L.SpectralNormalization(L.Dense(5)), ((3, 4),)),
    "SpectralNormalization images": Row(lambda: L.SpectralNormalization(L.Conv2D(5, 2)), ((3, 5, 6, 4),)),
    "MaxoutDense": Row(lambda: L.MaxoutDense(5), ((3, 4),)),
    "Highway": Row(lambda: L.Highway(activation="tanh"), ((3, 4),)),
    "TimeDistributedDense": Row(lambda: L.TimeDistributedDense(5, activation="tanh"), ((3, 6, 4),)),
    "ParametricSoftplus": Row(lambda: L.ParametricSoftplus(), ((3, 4),)),
    "SReLU": Row(lambda: L.SReLU("one", shared_axes=[1]), ((3, 6, 4),)),
    **{f"UpSampling{rank}D": Row(lambda rank=rank: getattr(L, f"UpSampling{rank}D")(2), (_shape(rank),)) for rank in (1, 2, 3)},
    "UpSampling2D bilinear": Row(lambda: L.UpSampling2D((2, 3), interpolation="bilinear"), ((3, 6, 5, 2),)),
    "UpSampling2D bicubic": Row(lambda: L.UpSampling2D(2, "channels_first", "bicubic"), ((3, 2, 6, 5),)),
    "Resizing": Row(lambda: L.Resizing(4, 7), ((3, 6, 5, 2),)),
    "Resizing antialias": Row(lambda: L.Resizing(3, 3, "lanczos3", pad_to_aspect_ratio=True, antialias=True), ((3, 6, 5, 2),)),
    "Resizing nearest": Row(lambda: L.Resizing(3, 7, "nearest", crop_to_aspect_ratio=True), ((3, 6, 5, 2),)),
    "CenterCrop": Row(lambda: L.CenterCrop(4, 3), ((3, 6, 5, 2),)),
    "CenterCrop enlarging": Row(lambda: L.CenterCrop(8, 9), ((3, 6, 5, 2),)),
    "Rescaling": Row(lambda: L.Rescaling(2.0, -1), ((3, 6, 5, 2),)),
    "Rescaling channels": Row(lambda: L.Rescaling([2.0, 3.0], [0.5, 1.0]), ((3, 6, 5, 2),)),
    **{
        f"Adaptive{kind}Pooling{rank}D": Row(
            lambda kind=kind, rank=rank: getattr(L, f"Adaptive{kind}Pooling{rank}D")((4, 2, 3)[:rank]), (_shape(rank),)
        )
        for kind in ("Average", "Max")
        for rank in (1, 2, 3)
    },
    "LocallyConnected1D": Row(lambda: L.LocallyConnected1D(3, 2, 2), ((3, 6, 4),)),
    "LocallyConnected1D same": Row(lambda: L.LocallyConnected1D(3, 2, padding="same", implementation=2), ((3, 6, 4),)),
    "LocallyConnected2D": Row(lambda: L.LocallyConnected2D(3, (2, 3), data_format="channels_first"), ((3, 2, 4, 5),)),
    "LocallyConnected2D packed": Row(
        lambda: L.LocallyConnected2D(2, 2, 2, "same", bias_initializer="ones", implementation=3), ((3, 5, 4, 2),)
    ),
    "SimpleRNN": Row(lambda: L.SimpleRNN(5), ((3, 6, 4),)),
    "LSTM": Row(lambda: L.LSTM(5, return_sequences=True), ((3, 6, 4),)),
    "LSTM hard": Row(lambda: L.LSTM(5, recurrent_activation="hard_sigmoid"), ((3, 6, 4),)),
    "LSTM dropped": Row(lambda: L.LSTM(5, dropout=0.3, recurrent_dropout=0.3, implementation=1), ((3, 6, 4),)),
    "GRU": Row(lambda: L.GRU(5), ((3, 6, 4),)),
    "GRU before": Row(lambda: L.GRU(5, reset_after=False, use_bias=False), ((3, 6, 4),)),
    "RNN": Row(lambda: L.RNN([L.LSTMCell(4), L.GRUCell(3), L.SimpleRNNCell(2)], return_sequences=True), ((3, 6, 4),)),
    "Bidirectional": Row(lambda: L.Bidirectional(L.LSTM(5, return_sequences=True)), ((3, 6, 4),)),
    "TimeDistributed": Row(lambda: L.TimeDistributed(L.Dense(5)), ((3, 6, 4),)),
    "TimeDistributed images": Row(lambda: L.TimeDistributed(L.Conv2D(5, 2)), ((3, 2, 5, 6, 4),)),
    "ConvLSTM1D": Row(lambda: L.ConvLSTM1D(3, 2, padding="same", return_sequences=True), ((3, 4, 6, 2),)),
    "ConvLSTM2D": Row(lambda: L.ConvLSTM2D(3, (3, 2), strides=2), ((3, 4, 6, 5, 2),)),
    "ConvLSTM2D channels_first": Row(
        lambda: L.ConvLSTM2D(2, 2, data_format="channels_first", recurrent_activation="sigmoid", dropout=0.2), ((3, 4, 2, 6, 5),)
    ),
    "ConvLSTM3D": Row(lambda: L.ConvLSTM3D(2, 2, go_backwards=True, return_sequences=True), ((3, 2, 4, 3, 4, 2),)),
    "ConvRNN2D": Row(lambda: L.ConvRNN2D(L.ConvLSTM2DCell(3, 2)), ((3, 4, 6, 5, 2),)),
    "CuDNNLSTM": Row(lambda: L.CuDNNLSTM(5, return_sequences=True), ((3, 6, 4),)),
    "CuDNNGRU": Row(lambda: L.CuDNNGRU(5), ((3, 6, 4),)),
    "Attention": Row(lambda: L.Attention(use_scale=True), ((3, 4, 5), (3, 6, 5))),
    "Attention concat": Row(lambda: L.Attention(score_mode="concat", dropout=0.3), ((3, 4, 5), (3, 6, 5))),
    "Attention seeded": Row(lambda: L.Attention(use_scale=True, dropout=0.3, seed=1), ((3, 4, 5), (3, 6, 2), (3, 6, 5))),
    "AdditiveAttention": Row(lambda: L.AdditiveAttention(), ((3, 4, 5), (3, 6, 5))),
    "MultiHeadAttention": Row(lambda: SelfAttention(2, 3), ((3, 6, 4),), of="MultiHeadAttention"),
    "MultiHeadAttention images": Row(
        lambda: SelfAttention(2, 3, 5, dropout=0.3, output_shape=7, attention_axes=(2,)), ((3, 2, 6, 4),), of="MultiHeadAttention"
    ),
    "MultiHeadAttention seeded": Row(
        lambda: SelfAttention(2, 3, dropout=0.3, seed=1, use_gate=True, sliding_window=2), ((3, 6, 4),), of="MultiHeadAttention"
    ),
    "GroupQueryAttention": Row(lambda: SelfGroupedAttention(3, 4, 2), ((3, 6, 4),), of="GroupedQueryAttention"),
    "Embedding": Row(lambda: L.Embedding(7, 5), ((3, 6),)),
    "TorchModuleWrapper": Row(lambda: L.TorchModuleWrapper(torch.nn.Linear(4, 2)), ((3, 4),)),
}
#: layer classes without a row of their own: bases, inputs, which take no data, cells, which take states, and makers of convolutions
BASES = {
    "AtrousConvolution1D", "AtrousConvolution2D", "SimpleRNNCell", "LSTMCell", "GRUCell", "StackedRNNCells",
    "ConvLSTM1DCell", "ConvLSTM2DCell", "ConvLSTM3DCell", "Recurrent", "ConvRecurrent2D",
    "InputLayer", "Wrapper", "SlicingOpLambda",  # which takes an index beside its tensor
    "Functional", "Model", "Sequential",
}  # fmt: skip


def _double(x: torch.Tensor) -> torch.Tensor:
    return x * 2.0


def listed() -> set[str]:
    return {row.of or type(row.make()).__name__ for row in ROWS.values()}


def registered() -> set[str]:
    return {registry.lookup("layer", name).__name__ for name in registry.names("layer")}
