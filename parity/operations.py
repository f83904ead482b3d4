"""Cases of kind "operation": a functional model whose only layer is a function of TensorFlow, or an operation of Keras 3."""

import operator

_OPERATORS = {
    "add": operator.add,
    "eq": operator.eq,
    "ne": operator.ne,
    "ge": operator.ge,
    "gt": operator.gt,
    "le": operator.le,
    "lt": operator.lt,
}


def index_of(spec):
    """An index from plain data: numbers, null, "...", lists [start, stop] or [start, stop, step] for slices."""
    return tuple(Ellipsis if item == "..." else slice(*item) if isinstance(item, list) else item for item in spec)


def recorded_model(keras, tf, case, arrays):
    """The model on real Keras."""
    tensors = [keras.Input(batch_shape=a.shape, dtype=str(a.dtype)) for a in arrays]
    return keras.Model(tensors, _applied(keras, tf, case, tensors))


def _applied(keras, tf, case, tensors):
    name, config = case["class"], dict(case["config"])
    if keras.__name__ == "keras":
        import keras.src.ops as rooms

        room, title = name.split(".")
        layer = getattr(getattr(rooms, room), title)(**{k: tuple(v) if isinstance(v, list) else v for k, v in config.items()})
        return layer(tensors) if case.get("listed") else layer(*tensors)
    if name == "__operators__.getitem":
        return tensors[0][index_of(config["index"])]
    call = {key: tensors[place] for key, place in case["call"].items()}
    first = tensors if case.get("listed") else tensors[0]
    if name.startswith("__operators__."):
        return _OPERATORS[name.split(".")[1]](first, *call.values())
    function = tf
    for part in name.split("."):
        function = getattr(function, part)
    return function(first, **call, **config)
