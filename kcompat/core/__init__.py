"""The contract of a layer: construction, weights, the call (recorded on symbolic tensors, run on real ones), masks, losses.

`Layer` is a `torch.nn.Module`; its parts have a file each: `variable` (a weight), `weights` (the weights of a layer), `losses`,
`serial` (configs), `history` (the graph seen from a layer), `tracking` (layers in lists and dicts). A call goes through `call`, which uses
`inputs`, `build` and `masks`, or, on symbolic tensors, through `symbolic`; `context` is what it hands down. Nothing here knows a
concrete layer.
"""

from kcompat.core.input import Input, InputLayer
from kcompat.core.layer import Layer
from kcompat.core.spec import InputSpec
from kcompat.core.variable import Variable
from kcompat.core.weights import make_weights_contiguous

__all__ = ["Input", "InputLayer", "InputSpec", "Layer", "Variable", "make_weights_contiguous"]
