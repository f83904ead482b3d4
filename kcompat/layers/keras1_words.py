"""What Keras 1 called the arguments of layers: ONE table, class -> names and order. `keras1_arguments` reads calls by it.

Facts: signatures and configs of Keras 1.2.2, behaviour of Keras 2.2.4 (`parity/references/2.2/keras1_arguments.npz`).
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from kcompat.errors import ArgumentError, ArgumentTypeError

#: a rule that no renaming expresses: changes the arguments in place and gives the old words that it took
Rule = Callable[[str, str, list[Any], dict[str, Any]], list[str]]


@dataclass(frozen=True)
class Row:
    """What Keras 1 called the arguments of a class."""

    #: in the order of Keras 1
    positions: str
    #: how many may be given by position in Keras 2.0 to 2.3; None: as many as there are
    allowed: int | None = None
    #: old name -> present one
    names: dict[str, str] = field(default_factory=dict)
    #: the names of `kernel_size`, where Keras 1 had one for each axis
    window: tuple[str, ...] = ()
    rules: tuple[Rule, ...] = ()
    #: words that only the rules know
    words: tuple[str, ...] = ()


# -- values -----------------------------------------------------------------------------------------------------------------

_VALUES: dict[str, dict[Any, Any]] = {
    "dim_ordering": {"tf": "channels_last", "th": "channels_first", "default": None},
    "consume_less": {"cpu": 0, "mem": 1, "gpu": 2},
    "regularizer": {"l1l2": "l1_l2", "activity_l1": "l1", "activity_l2": "l2", "activity_l1l2": "l1_l2"},
}
#: class name in configs of Keras 1 -> present class, present names of arguments
_OBJECTS: dict[str, tuple[str, dict[str, str]]] = {
    "L1L2Regularizer": ("L1L2", {}), "WeightRegularizer": ("L1L2", {}), "ActivityRegularizer": ("L1L2", {}),
    "MaxNorm": ("MaxNorm", {"m": "max_value"}),
}  # fmt: skip


def value_now(name: str, value: Any) -> Any:
    """A value of Keras 1 in present words; configs called objects by `name`."""
    kind = name.rsplit("_", 1)[-1]
    if isinstance(value, str):
        return _VALUES.get(name, _VALUES.get(kind, {})).get(value, value)
    if kind in ("regularizer", "constraint") and isinstance(value, dict) and "name" in value and "class_name" not in value:
        cls, names = _OBJECTS.get(value["name"], (value["name"], {}))
        return {"class_name": cls, "config": {names.get(k, k): v for k, v in value.items() if k != "name"}}
    return value


# -- rules ------------------------------------------------------------------------------------------------------------------


def _features(where: str, mode: str, args: list[Any], kwargs: dict[str, Any]) -> list[str]:
    """`input_dim` is the size of a step, `input_length` the number of steps."""
    if "input_dim" not in kwargs:
        return []
    shape = (kwargs.pop("input_length", None), kwargs.pop("input_dim"))
    if shape[1] is not None and "input_shape" not in kwargs and "batch_input_shape" not in kwargs:
        kwargs["input_shape"] = shape
    return ["input_dim"]


def _two_initializers(where: str, mode: str, args: list[Any], kwargs: dict[str, Any]) -> list[str]:
    if "init" not in kwargs:
        return []
    kwargs["depthwise_initializer"] = kwargs["pointwise_initializer"] = kwargs.pop("init")
    return ["init"]


def _mode(where: str, mode: str, args: list[Any], kwargs: dict[str, Any]) -> list[str]:
    if "mode" not in kwargs:
        return []
    if mode == "positions" and kwargs["mode"] in (1, 2):
        return []
    if kwargs["mode"] != 0:
        raise ArgumentTypeError(f"{where}: `mode` must be 0, received {kwargs['mode']!r}; the modes 1 and 2 ended with Keras 1.")
    del kwargs["mode"]
    return ["mode"]


def _output_shape(where: str, mode: str, args: list[Any], kwargs: dict[str, Any]) -> list[str]:
    """Keras 2 forgets it; under Keras 1 the layer keeps it (`keras1_arguments`)."""
    if mode == "positions" or "output_shape" not in kwargs:
        return []
    del kwargs["output_shape"]
    return ["output_shape"]


def _forget_bias(where: str, mode: str, args: list[Any], kwargs: dict[str, Any]) -> list[str]:
    if "forget_bias_init" not in kwargs:
        return []
    value = kwargs.pop("forget_bias_init")
    if value in ("one", "ones"):
        kwargs["unit_forget_bias"] = True
    elif mode == "positions" and value in ("zero", "zeros"):
        kwargs["unit_forget_bias"] = False
    elif mode == "positions":
        raise ArgumentError(f"{where}: `forget_bias_init` must be 'one' or 'zero', received {value!r}.")
    else:  # as Keras 2 did
        warnings.warn(f"{where}: `forget_bias_init={value!r}` has no effect in Keras 2; use `unit_forget_bias`.", UserWarning, stacklevel=5)
        return []
    return ["forget_bias_init"]


def _way_of_computing(where: str, mode: str, args: list[Any], kwargs: dict[str, Any]) -> list[str]:
    """`consume_less` chose between ways of computing the same; a SimpleRNN has one."""
    return ["consume_less"] if kwargs.pop("consume_less", None) is not None else []


def _embedding_dropout(where: str, mode: str, args: list[Any], kwargs: dict[str, Any]) -> list[str]:
    if "dropout" not in kwargs:
        return []
    if kwargs["dropout"]:
        raise ArgumentError(
            f"{where}: `dropout` of Keras 1 must be 0, received {kwargs['dropout']!r}; put a SpatialDropout1D behind the layer."
        )
    del kwargs["dropout"]
    return ["dropout"]


_SIDES = (("top_pad", "bottom_pad"), ("left_pad", "right_pad"))


def _sides(where: str, mode: str, args: list[Any], kwargs: dict[str, Any]) -> list[str]:
    """`padding` as a dict of sides; in Keras 1 of images also as four numbers in a row."""
    value = args[0] if args else kwargs.get("padding")
    pairs = _SIDES if where == "ZeroPadding2D" else _SIDES[1:]
    made: Any
    if isinstance(value, dict) and set(value) <= {side for pair in pairs for side in pair}:
        made = tuple((value.get(a, 0), value.get(b, 0)) for a, b in pairs)
        made = made if len(pairs) == 2 else made[0]
    elif mode == "positions" and isinstance(value, (tuple, list)) and len(value) == 4:
        made = (tuple(value[:2]), tuple(value[2:]))
    else:
        return []
    args[:] = args[1:]
    kwargs["padding"] = made
    return ["padding"]


# -- the table --------------------------------------------------------------------------------------------------------------

_FORMAT = {"dim_ordering": "data_format"}
_PADDED = {"border_mode": "padding", **_FORMAT}
_BIAS = {"b_regularizer": "bias_regularizer", "b_constraint": "bias_constraint", "bias": "use_bias"}
_KERNEL = {"init": "kernel_initializer", "W_regularizer": "kernel_regularizer", "W_constraint": "kernel_constraint", **_BIAS}
_STEPS = {**_KERNEL, "nb_filter": "filters", "filter_length": "kernel_size", "subsample_length": "strides", "border_mode": "padding"}
_IMAGES = {**_KERNEL, **_PADDED, "nb_filter": "filters", "subsample": "strides"}
_POOL_STEPS = {"pool_length": "pool_size", "stride": "strides", "border_mode": "padding"}
_RECURRENT = {
    "init": "kernel_initializer", "inner_init": "recurrent_initializer", "inner_activation": "recurrent_activation",
    "W_regularizer": "kernel_regularizer", "U_regularizer": "recurrent_regularizer", "b_regularizer": "bias_regularizer",
    "dropout_W": "dropout", "dropout_U": "recurrent_dropout",
}  # fmt: skip
_SIMPLE = {"output_dim": "units", **{old: new for old, new in _RECURRENT.items() if old != "inner_activation"}}
_UNITS = {**_RECURRENT, "output_dim": "units", "consume_less": "implementation"}
_ENDS = "W_regularizer b_regularizer activity_regularizer W_constraint b_constraint bias"
_START = "init activation weights border_mode"
_GATES = "W_regularizer U_regularizer b_regularizer dropout_W dropout_U"
_PLANE, _VOLUME = ("nb_row", "nb_col"), ("kernel_dim1", "kernel_dim2", "kernel_dim3")
_IMAGE = f"nb_filter nb_row nb_col {_START} subsample"
_POOLING = Row("pool_size strides border_mode dim_ordering", 3, _PADDED)
_RATE = Row("p dim_ordering", 1, {"p": "rate", **_FORMAT})

TABLE: dict[str, Row] = {
    "Dense": Row(f"output_dim init activation weights {_ENDS} input_dim", 1, {**_KERNEL, "output_dim": "units"}),
    "Dropout": Row("p noise_shape seed", 3, {"p": "rate"}),
    "SpatialDropout1D": Row("p", 1, {"p": "rate"}),
    "SpatialDropout2D": _RATE,
    "SpatialDropout3D": _RATE,
    "GaussianNoise": Row("sigma", 1, {"sigma": "stddev"}),
    "GaussianDropout": Row("p", 1, {"p": "rate"}),
    "Lambda": Row("function output_shape arguments", 2),
    "PReLU": Row("init weights shared_axes", 1, {"init": "alpha_initializer"}),
    "BatchNormalization": Row(
        "epsilon mode axis momentum weights beta_init gamma_init gamma_regularizer beta_regularizer", 0,
        {"beta_init": "beta_initializer", "gamma_init": "gamma_initializer"}, (), (_mode,), ("mode",),
    ),
    "Embedding": Row(
        "input_dim output_dim init input_length W_regularizer activity_regularizer W_constraint mask_zero weights dropout", 2,
        {"init": "embeddings_initializer", "W_regularizer": "embeddings_regularizer", "W_constraint": "embeddings_constraint"},
        (), (_embedding_dropout,), ("dropout",),
    ),
    "Conv1D": Row(f"nb_filter filter_length {_START} subsample_length {_ENDS} input_dim input_length", 2, _STEPS, (), (_features,)),
    "Conv2D": Row(f"{_IMAGE} dim_ordering {_ENDS}", 2, _IMAGES, _PLANE),
    "Conv3D": Row(f"nb_filter {' '.join(_VOLUME)} {_START} subsample dim_ordering {_ENDS}", 2, _IMAGES, _VOLUME),
    "AtrousConvolution1D": Row(
        f"nb_filter filter_length {_START} subsample_length atrous_rate {_ENDS}", 2, {**_STEPS, "atrous_rate": "dilation_rate"}, (),
        (_features,),
    ),
    "AtrousConvolution2D": Row(
        f"{_IMAGE} atrous_rate dim_ordering {_ENDS}", 2, {**_IMAGES, "atrous_rate": "dilation_rate"}, _PLANE
    ),
    "Conv2DTranspose": Row(
        f"nb_filter nb_row nb_col output_shape {_START} subsample dim_ordering {_ENDS}", 2, _IMAGES, _PLANE, (_output_shape,),
        ("output_shape",),
    ),
    "SeparableConv2D": Row(
        f"{_IMAGE} depth_multiplier dim_ordering depthwise_regularizer pointwise_regularizer b_regularizer activity_regularizer "
        "depthwise_constraint pointwise_constraint b_constraint bias", 2,
        {**_PADDED, **_BIAS, "nb_filter": "filters", "subsample": "strides"}, _PLANE, (_two_initializers,), ("init",),
    ),
    "LocallyConnected1D": Row(
        f"nb_filter filter_length {_START} subsample_length {_ENDS} input_dim input_length", 2, _STEPS, (), (_features,)
    ),
    "LocallyConnected2D": Row(f"{_IMAGE} dim_ordering {_ENDS}", 2, _IMAGES, _PLANE),
    "MaxPooling1D": Row("pool_length stride border_mode", 3, _POOL_STEPS),
    "AveragePooling1D": Row("pool_length stride border_mode", 3, _POOL_STEPS),
    **{f"{kind}Pooling{rank}D": _POOLING for kind in ("Max", "Average") for rank in (2, 3)},
    **{f"Global{kind}Pooling{rank}D": Row("dim_ordering", None, _FORMAT) for kind in ("Max", "Average") for rank in (2, 3)},
    "MaxoutDense": Row(f"output_dim nb_feature init weights {_ENDS} input_dim"),
    "Highway": Row(f"init activation weights {_ENDS} input_dim"),
    "TimeDistributedDense": Row(f"output_dim init activation weights {_ENDS} input_dim input_length"),
    "UpSampling1D": Row("length", 1, {"length": "size"}),
    "UpSampling2D": Row("size dim_ordering", 1, _FORMAT),
    "UpSampling3D": Row("size dim_ordering", 1, _FORMAT),
    "ZeroPadding1D": Row("padding", None, {}, (), (_sides,)),
    "ZeroPadding2D": Row("padding dim_ordering", 1, _FORMAT, (), (_sides,)),
    "ZeroPadding3D": Row("padding dim_ordering", 1, _FORMAT),
    "Cropping2D": Row("cropping dim_ordering", 1, _FORMAT),
    "Cropping3D": Row("cropping dim_ordering", 1, _FORMAT),
    "SimpleRNN": Row(f"output_dim init inner_init activation {_GATES}", 1, _SIMPLE, (), (_features, _way_of_computing), ("consume_less",)),
    "GRU": Row(f"output_dim init inner_init activation inner_activation {_GATES}", 1, _UNITS, (), (_features,)),
    "LSTM": Row(
        f"output_dim init inner_init forget_bias_init activation inner_activation {_GATES}", 1, _UNITS, (), (_features, _forget_bias),
        ("forget_bias_init",),
    ),
    "ConvLSTM2D": Row(
        f"nb_filter nb_row nb_col init inner_init forget_bias_init activation inner_activation dim_ordering border_mode subsample {_GATES}",
        2, {**_RECURRENT, **_PADDED, "nb_filter": "filters", "subsample": "strides"}, _PLANE, (_forget_bias,), ("forget_bias_init",),
    ),
}  # fmt: skip
