"""The arguments of every layer against those of real Keras (data/signatures.json, written by record_signatures.py).

Taken by name each argument is kept; taken by position they mean the same, in the order of each generation.
"""

from __future__ import annotations

import inspect
import json
from pathlib import Path
from typing import Any

import pytest

from kcompat import layers
from kcompat.generations import keras_version_scope

RECORDED = json.loads((Path(__file__).parent / "data" / "signatures.json").read_text())
RELEASES = {"2.2": "2.2.4", "2.15": "2.15", "3": "3"}
#: a value for each argument that differs from its default, where such a value goes with the others
VALUES: dict[str, Any] = {
    "activation": "tanh", "alpha": 0.7, "attention_axes": [1], "axes": 1, "axis": 1, "bias_axes": "c", "center": False,
    "crop_to_aspect_ratio": True, "data_format": "channels_last", "depth_multiplier": 2, "dilation_rate": 1, "dims": [2, 1], "dropout": 0.1,
    "epsilon": 0.01, "equation": "ab,bc->ac", "filters": 4, "go_backwards": True, "groups": 2, "head_dim": 4, "height": 3,
    "implementation": 1, "init": "ones",
    "input_dim": 9, "input_length": 6, "interpolation": "bilinear", "keepdims": True, "kernel_size": 3, "key_dim": 3, "l1": 0.1, "l2": 0.2,
    "mask_value": 2.0, "mask_zero": True, "max_value": 3.0, "merge_mode": "sum", "momentum": 0.5, "n": 3, "negative_slope": 0.2,
    "normalize": True, "num_heads": 2, "num_key_value_heads": 2, "num_query_heads": 4, "offset": 0.5, "output_dim": 5, "output_shape": 5,
    "output_size": 2, "pool_size": 3, "power_iterations": 2, "rate": 0.25, "recurrent_activation": "tanh", "recurrent_dropout": 0.2,
    "reset_after": False, "return_sequences": True, "return_state": True, "score_mode": "concat", "seed": 3, "shared_axes": [1], "size": 3,
    "stddev": 0.3, "strides": 2, "target_shape": [2, 2], "theta": 0.4, "threshold": 0.1, "unit_forget_bias": False, "units": 4,
    "use_bias": False,
    "use_scale": True, "value_dim": 4, "width": 4,
}  # fmt: skip
#: values that go with the rest in these layers alone
OWN: dict[str, dict[str, Any]] = {
    "LocallyConnected1D": {"padding": "valid"}, "LocallyConnected2D": {"padding": "valid"}, "ZeroPadding1D": {"padding": 2},
    "ZeroPadding2D": {"padding": 2}, "ZeroPadding3D": {"padding": 2}, "Rescaling": {"scale": 0.5},
}  # fmt: skip
#: layers whose first argument is a layer or function, models, bases, and what says itself what it takes (InputLayer)
OTHER_KINDS = {
    "Bidirectional", "ConvRNN2D", "InputLayer", "Lambda", "Layer", "Identity", "Model", "RNN", "SpectralNormalization", "StackedRNNCells",
    "TimeDistributed", "TorchModuleWrapper", "Wrapper", "Sequential", "Functional", "DenseFeatures", "AbstractRNNCell",
}  # fmt: skip


def _cases() -> list[tuple[str, str]]:
    return [
        (generation, name)
        for generation, told in RECORDED.items()
        for name in told
        if name not in OTHER_KINDS and inspect.isclass(getattr(layers, name, None))
    ]


def _value(layer: str, argument: list[Any]) -> Any:
    name, default = argument[0], argument[1] if len(argument) > 1 else None
    known = {**VALUES, **OWN.get(layer, {})}
    if name in known:
        return known[name]
    if name.endswith("initializer"):
        return "ones"
    if name.endswith("constraint"):
        return "non_neg"
    return {"padding": "same", "scale": False}.get(name, default) if default is not None else None


def _plain(value: Any) -> Any:
    """One number for a tuple of equal ones, the class for an object's config, names without `_`: how one value may be written."""
    if isinstance(value, (list, tuple)):
        parts = [_plain(v) for v in value]
        return parts[0] if parts and all(p == parts[0] for p in parts) else parts
    if isinstance(value, dict):
        return _plain(value.get("class_name"))
    return value.lower().replace("_", "") if isinstance(value, str) else value


def _config(layer: Any) -> dict[str, Any]:
    return {key: value for key, value in layer.get_config().items() if key != "name"}


def test_there_is_something_to_compare():
    assert len(_cases()) > 250


@pytest.mark.parametrize(("generation", "name"), _cases())
@pytest.mark.filterwarnings("ignore")
def test_arguments_are_kept_by_name_and_mean_the_same_by_position(generation: str, name: str):
    told = RECORDED[generation][name]
    with keras_version_scope(RELEASES[generation]):
        cls = getattr(layers, name)
        given = {argument[0]: _value(name, argument) for argument in told}
        config = _config(cls(**given))
        for key, value in given.items():
            if key in config and key not in ("name", "dtype", "trainable"):
                assert _plain(config[key]) == _plain(value), f"{name}: `{key}` given as {value!r} is {config[key]!r}"
        limited = generation == "2.2" and len(told) > 1 and _takes_keras1(cls)
        if not limited:  # there Keras 2 itself takes the first few by position, because they meant other things in Keras 1
            assert _config(cls(*given.values())) == config


def _takes_keras1(cls: type) -> bool:
    """Whether more than a few arguments by position are refused, which `test_keras1_arguments.py` looks at."""
    try:
        cls(*[3] * 40)
    except Exception as error:
        return "meant other things in Keras 1" in str(error)
    return False


@pytest.mark.parametrize(("generation", "name"), _cases())
def test_defaults_are_those_of_keras(generation: str, name: str):
    with keras_version_scope(RELEASES[generation]):
        told = RECORDED[generation][name]
        config = _config(getattr(layers, name)(**{a[0]: _value(name, a) for a in told if len(a) == 1}))
    settled = {"data_format", "strides", "activation", "dtype", "value_dim"}  # None stands for what other things say
    names = {"glorotuniform": "variancescaling", "uniform": "randomuniform", "lecunnormal": "variancescaling"}
    for key, *default in told:
        if default and key in config and not (default == [None] and key in settled):
            wanted = _plain(default[0])
            assert _plain(config[key]) in (wanted, names.get(wanted) if isinstance(wanted, str) else wanted), key
