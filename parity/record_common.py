# ruff: noqa: B905 - runs under Python 3.7 too, which knows no strict=
"""What recording has in common for every Keras: building from data, and turning what Keras says into plain data."""

import numpy as np

from parity import bodies

ROOMS = {
    "activation": "activations", "regularizer": "regularizers", "constraint": "constraints", "initializer": "initializers",
    "loss": "losses", "metric": "metrics", "optimizer": "optimizers", "schedule": "optimizers.schedules",
}  # fmt: skip


def short(name):
    """'dense_1/kernel:0' -> 'kernel'."""
    return name.split("/")[-1].split(":")[0]


#: config keys that tf_keras grew after tf.keras 2.15, whose place it takes here
_LATER = ("optional", "robust_masking", "softmax_robust_masking", "adaptive_epsilon")


def plain(value):
    """A config, shape or mask as JSON types; functions and bytecode become '<code>'."""
    if hasattr(value, "as_list"):
        return value.as_list() if value.rank is not None else None
    if isinstance(value, dict):
        told = {str(k): plain(v) for k, v in value.items()}
        return "<code>" if told.get("class_name") == "__lambda__" else told
    if isinstance(value, (list, tuple)):
        return "<code>" if len(value) == 3 and isinstance(value[0], str) and len(value[0]) > 60 else [plain(v) for v in value]
    if isinstance(value, (np.generic, np.ndarray)):
        return value.tolist()
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if hasattr(value, "get_config"):
        return {"class_name": type(value).__name__, "config": plain(value.get_config())}
    return "<code>" if callable(value) else str(value)


def flat(value):
    """The leaves of nested lists, tuples and dicts (by sorted key)."""
    if isinstance(value, dict):
        return [leaf for key in sorted(value) for leaf in flat(value[key])]
    if isinstance(value, (list, tuple)):
        return [leaf for item in value for leaf in flat(item)]
    return [value]


def structure(value):
    """How outputs come: 'one', 'list', 'tuple' or 'dict'."""
    return next((name for kind, name in ((dict, "dict"), (list, "list"), (tuple, "tuple")) if isinstance(value, kind)), "one")


def make_layer(keras, spec):
    """A layer (or nested model) from its description."""
    if "model" in spec:
        return make_model(keras, spec["model"])
    config = bodies.fill(spec.get("config", {}))
    inner = {key: make_layer(keras, value) for key, value in config.items() if isinstance(value, dict) and "class" in value}
    made = getattr(keras.layers, spec["class"])(**dict(config, **inner))
    if "trainable" in spec:
        made.trainable = spec["trainable"]
    return made


def make_model(keras, spec):
    """A Sequential or functional model from its description."""
    if "sequential" in spec:
        model = keras.models.Sequential()
        for part in spec["sequential"]:
            model.add(make_layer(keras, part))
        return model
    tensors = {name: keras.layers.Input(**told) for name, told in spec["inputs"].items()}
    ins = list(tensors.values())
    layers = {name: make_layer(keras, told) for name, told in spec["layers"].items()}
    for row in spec["calls"]:
        name, layer, source = row[:3]
        given = [tensors[s] for s in source] if isinstance(source, list) else tensors[source]
        made = layers[layer](given, **with_tensors(row[3] if len(row) > 3 else {}, tensors))
        tensors.update(zip(name, made) if isinstance(name, list) else {name: made})
    outs = spec["outputs"]
    outs = [tensors[o] for o in outs] if isinstance(outs, list) else tensors[outs]
    return keras.models.Model(ins if len(ins) > 1 else ins[0], outs)


def with_tensors(call, tensors):
    """The arguments of a call, {"tensors": ["h", "c"]} standing for the list of tensors of these names, {"tensor": "h"} for one."""
    call = {k: tensors[v["tensor"]] if isinstance(v, dict) and "tensor" in v else v for k, v in call.items()}
    return {k: [tensors[n] for n in v["tensors"]] if isinstance(v, dict) and "tensors" in v else v for k, v in call.items()}


def make_object(keras, case):
    """The activation, regularizer, constraint or initializer of a case."""
    room = keras
    for name in ROOMS[case["kind"]].split("."):
        room = getattr(room, name)
    if "identifier" in case:
        return room.get(case["identifier"])
    for name in case["class"].split("."):
        room = getattr(room, name)
    if case["kind"] == "activation" or (case["kind"] in ("loss", "metric") and not isinstance(room, type)):
        return room
    return room(**bodies.fill(case["config"]))


#: metrics of one input
OF_VALUES = ("Mean", "Sum", "MeanTensor")


def judged(made, case, tensors):
    """A loss or metric of targets, predictions and perhaps weights; of values and perhaps weights where the class takes those."""
    if case.get("class") in OF_VALUES:
        return made(tensors[0], **({"sample_weight": tensors[1]} if len(tensors) > 1 else {}))
    if len(tensors) > 2:
        return made(tensors[0], tensors[1], sample_weight=tensors[2])
    function = not hasattr(made, "get_config")
    return made(tensors[0], tensors[1], **(case["config"] if function else {}))


def serialized(keras, case, made):
    """How Keras writes the object."""
    if case["kind"] in ("loss", "metric", "optimizer", "schedule"):
        return plain(made.get_config()) if hasattr(made, "get_config") else None
    return plain(getattr(keras, ROOMS[case["kind"]]).serialize(made))


def as_tf_keras_215(config):
    """A config of tf_keras 2.21 as tf.keras 2.15 writes it: no later keys, modules called keras."""
    if isinstance(config, dict):
        kept = {k: as_tf_keras_215(v) for k, v in config.items() if k not in _LATER}
        if str(kept.get("module", "")).startswith("tf_keras."):
            kept["module"] = kept["module"][3:]
        return kept
    return [as_tf_keras_215(v) for v in config] if isinstance(config, list) else config


def facts(layer, case):
    """Names, shapes and order of the weights, config, and for a model the names of its layers."""
    told = {
        "weights": [[short(w.name), plain(w.shape)] for w in layer.weights],
        "stored": [list(np.shape(value)) for value in layer.get_weights()],
        "trainable": [short(w.name) for w in layer.trainable_weights],
        "name": layer.name,
    }
    try:
        told["config"] = plain(layer.get_config())
    except NotImplementedError:
        told["config"] = None
    if case["kind"] == "model":
        told["layers"] = [inner.name for inner in layer.layers]
        told["output_shape"] = plain(layer.output_shape)
        told["input_shape"] = plain(layer.input_shape)
    return told


def is_mask(name, value):
    """Whether an argument of a call is a mask given as nested lists."""
    return name.endswith("mask") and isinstance(value, list)


def static_shape(layer, arrays, listed, spread=False):
    """`compute_output_shape` for an unknown batch size, or None where Keras cannot say."""
    shapes = [(None, *a.shape[1:]) for a in arrays]
    try:
        if spread:
            return plain(layer.compute_output_shape(*shapes))
        return plain(layer.compute_output_shape(shapes if listed else shapes[0]))
    except Exception:
        return None
