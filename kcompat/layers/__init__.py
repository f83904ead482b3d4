"""The layers users name: arguments, weights, a few lines into `tensor/`, and a config.

A class here computes nothing itself. One class serves all ranks (`class Conv2D(_Conv): rank = 2`). Each file ends with the
table of names it adds to the registry; `names()` of the registry is what configs and `from kcompat.layers import ...` can name.
"""

from typing import Any

from kcompat import registry
from kcompat.core import Input, InputLayer, InputSpec, Layer
from kcompat.layers import (
    activation,
    adaptive_pooling,
    advanced_activations,
    attention,
    bidirectional,
    cells,
    conv_lstm,
    convolution,
    cudnn,
    dense,
    dropout,
    einsum_dense,
    embedding,
    group_normalization,
    grouped_query_attention,
    keras1,
    keras1_arguments,
    keras1_merge,
    layer_normalization,
    legacy_recurrent,
    locally_connected,
    merging,
    misc,
    multi_head_attention,
    noise,
    normalization,
    padding,
    pooling,
    recurrent,
    reshape,
    resizing,
    rnn,
    separable,
    spectral_normalization,
    stacked_cells,
    time_distributed,
    wrapper,
)
from kcompat.layers.keras1_merge import merge
from kcompat.layers.merging import add, average, concatenate, dot, maximum, minimum, multiply, subtract

__all__ = [
    "Input", "InputLayer", "InputSpec", "Layer", "add", "average", "concatenate", "deserialize", "dot", "maximum", "merge", "minimum",
    "multiply", "serialize", "subtract",
]  # fmt: skip

_ROOMS = (
    activation, adaptive_pooling, advanced_activations, attention, bidirectional, cells, conv_lstm, convolution, cudnn, dense, dropout,
    einsum_dense, embedding, group_normalization, grouped_query_attention, keras1, keras1_arguments, keras1_merge, layer_normalization,
    legacy_recurrent, locally_connected, merging, misc, multi_head_attention, noise, normalization, padding, pooling, recurrent, reshape,
    resizing, rnn, separable, spectral_normalization, stacked_cells, time_distributed, wrapper,
)  # fmt: skip
for _room in _ROOMS:
    for _name, _layer in _room.NAMES.items():
        globals()[_name] = _layer
        __all__.append(_name)

keras1_arguments.teach()


def serialize(layer: Any) -> Any:
    """Class name and config of a layer."""
    return registry.serialize("layer", layer)


def deserialize(config: Any, custom_objects: Any = None) -> Any:
    """The layer that `serialize` described."""
    return registry.deserialize("layer", config, custom_objects)
