"""LocallyConnected1D and 2D, which Keras 3 has not: the three layouts of the kernel, both formats, 'same', strides, bad arguments."""

from parity.cases.make import OLD, TF, layer, x

FIRST = {"data_format": "channels_first"}
BOTH = list(OLD) + list(TF)


def _one(name, more, shape=(2, 6, 3), **fields):
    config = dict({"filters": 2, "kernel_size": 3}, **more)
    fields.setdefault("generations", BOTH)
    return layer("locally_connected/one_" + name, "LocallyConnected1D", config, x(*shape), **fields)


def _two(name, more, shape=(2, 5, 6, 2), **fields):
    config = dict({"filters": 3, "kernel_size": [2, 3]}, **more)
    fields.setdefault("generations", BOTH)
    return layer("locally_connected/two_" + name, "LocallyConnected2D", config, x(*shape), **fields)


_RULES = {"kernel_regularizer": "l2", "bias_regularizer": "l1", "activity_regularizer": "l2"}
_LIMITS = {"kernel_constraint": {"class_name": "MaxNorm", "config": {"max_value": 2, "axis": 0}}, "bias_constraint": "non_neg"}
CASES = [
    _one("plain", {}, float64=True),
    _one("strides", {"strides": 2}),
    _one("no_bias", {"use_bias": False}),
    _one("relu", {"activation": "relu"}),
    _one("wide_strides", {"kernel_size": 2, "strides": 3}, (2, 8, 3)),
    _one("rules", _RULES),
    _one("limits", _LIMITS),
    _one("initial", {"kernel_initializer": "ones", "bias_initializer": "ones"}, weights="initial"),
    _one("one_window", {"kernel_size": 6}),
    _one("first", FIRST, (2, 3, 6), generations=list(TF)),
    _one("too_large", {"kernel_size": 9}, errors=BOTH),
    _one("same", {"padding": "same"}, errors=BOTH),
    _one("rank4", {}, (2, 6, 3, 2), errors=BOTH),
    _one("bad_padding", {"padding": "wide"}, errors=BOTH),
    _one("bad_implementation", {"implementation": 4}, generations=list(TF), errors=list(TF)),
    _one("implementation_before_tf", {"implementation": 2}, generations=list(OLD), errors=list(OLD)),
    _two("plain", {}, float64=True),
    _two("square", {"kernel_size": 2}),
    _two("strides", {"strides": [2, 1]}),
    _two("strides_both", {"strides": 2, "kernel_size": 2}),
    _two("no_bias", {"use_bias": False}),
    _two("tanh", {"activation": "tanh"}),
    _two("rules", _RULES),
    _two("limits", _LIMITS),
    _two("first", FIRST, (2, 2, 5, 6), float64=True),
    _two("first_strides", dict(FIRST, strides=2), (2, 2, 5, 6)),
    _two("first_no_bias", dict(FIRST, use_bias=False), (2, 2, 5, 6)),
    _two("too_large", {"kernel_size": 9}, errors=BOTH),
    _two("same", {"padding": "same"}, errors=BOTH),
    _two("bad_format", {"data_format": "sideways"}, errors=BOTH),
    *[
        make(f"implementation{number}_{name}", dict(more, implementation=number), **dict(fields, generations=list(TF)))
        for number in (2, 3)
        for make, name, more, fields in (
            (_one, "plain", {}, {}),
            (_one, "strides", {"strides": 2}, {}),
            (_one, "same", {"padding": "same"}, {}),
            (_one, "same_even", {"padding": "same", "kernel_size": 4}, {}),
            (_one, "same_strides", {"padding": "same", "strides": 2, "kernel_size": 4}, {"shape": (2, 7, 3)}),
            (_one, "same_wide", {"padding": "same", "strides": 3, "kernel_size": 2}, {"shape": (2, 7, 3)}),
            (_one, "first", FIRST, {"shape": (2, 3, 6)}),
            (_one, "first_same", dict(FIRST, padding="same"), {"shape": (2, 3, 6)}),
            (_one, "rules", _RULES, {}),
            (_two, "plain", {}, {}),
            (_two, "strides", {"strides": [2, 1]}, {}),
            (_two, "same", {"padding": "same"}, {}),
            (_two, "same_strides", {"padding": "same", "strides": 2, "kernel_size": [3, 4]}, {}),
            (_two, "first", FIRST, {"shape": (2, 2, 5, 6)}),
            (_two, "first_same", dict(FIRST, padding="same", strides=[1, 2]), {"shape": (2, 2, 5, 6)}),
            (_two, "no_bias", {"use_bias": False, "activation": "relu"}, {}),
        )
    ],
]  # fmt: skip
