"""Short ways to write cases: arrays, layers, layer and model cases. Plain dicts come out."""

#: where channels_first is said
FIRST = {"data_format": "channels_first"}
OLD = ("2.2", "2.3")
NEW = ("2.15", "3")
TF = ("2.15",)
ALL = OLD + NEW


def x(*shape, **more):
    """A drawn input: `x(2, 7, 3, low=0, mask=[[1, 0]])`."""
    return dict({"shape": list(shape)}, **more)


def values(nested, **more):
    """A literal input."""
    return dict({"values": nested}, **more)


def ones(*shape, **more):
    """An input of ones (drawn from [1, 1])."""
    return dict({"shape": list(shape), "low": 1, "high": 1}, **more)


def obj(class_name, **config):
    """The config of an object inside another one: `obj("L2", l2=0.1)`."""
    return {"class_name": class_name, "config": config}


def first(shape):
    """A shape with the channels after the batch."""
    return (shape[0], shape[-1], *shape[1:-1])


def window(kernel, strides=1, padding="valid", **more):
    """The arguments of a convolution's window."""
    return dict({"kernel_size": kernel, "strides": strides, "padding": padding}, **more)


def layer(case_id, name, config, inputs, **more):
    """A layer case; a single input may be given without a list."""
    inputs = [inputs] if isinstance(inputs, dict) else list(inputs)
    return dict({"id": case_id, "kind": "layer", "class": name, "config": config, "inputs": inputs}, **more)


def part(class_name, **config):
    """A layer inside a model."""
    return {"class": class_name, "config": config}


def sequential(case_id, layers, inputs=None, **more):
    """A Sequential model case."""
    inputs = [] if inputs is None else [inputs] if isinstance(inputs, dict) else list(inputs)
    return dict({"id": case_id, "kind": "model", "model": {"sequential": layers}, "inputs": inputs}, **more)


def functional(case_id, inputs, layers, calls, outputs, arrays, **more):
    """A functional model case: `inputs` {"a": shape or dict}, `layers` {"d": part}, `calls` rows, `arrays` what goes in."""
    inputs = {k: v if isinstance(v, dict) else {"shape": list(v)} for k, v in inputs.items()}
    model = {"inputs": inputs, "layers": layers, "calls": calls, "outputs": outputs}
    return dict({"id": case_id, "kind": "model", "model": model, "inputs": list(arrays)}, **more)
