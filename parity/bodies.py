"""Functions that a case names, {"body": "double"}, because code is not data: written so that every Keras and torch run them."""


def double(x):
    """A tensor to a tensor."""
    return x * 2


def scaled(x, scale=1, shift=0):
    """With arguments."""
    return x * scale + shift


def first_steps(x):
    """Another shape."""
    return x[:, :2]


def first_steps_shape(shape):
    """The output shape of `first_steps`."""
    return (shape[0], 2, *shape[2:])


def hadamard(inputs):
    """Two tensors to one."""
    return inputs[0] * inputs[1]


def sum_and_product(inputs):
    """Two tensors to two."""
    return [inputs[0] + inputs[1], inputs[0] * inputs[1]]


def both_shapes(shapes):
    """The output shapes of `sum_and_product`."""
    return [shapes[0], shapes[1]]


def keep_mask(inputs, mask=None):
    """A Lambda's `mask` function."""
    return mask


def blind(x, mask=None):
    """A body that takes a mask and does nothing with it."""
    return x + 1


def cube(x):
    """An activation of the user's."""
    return x * x * x


TABLE = {
    f.__name__: f for f in (double, scaled, first_steps, first_steps_shape, hadamard, sum_and_product, both_shapes, keep_mask, blind, cube)
}


def fill(config):
    """`config` with every {"body": name} replaced by the function."""
    if isinstance(config, dict):
        return TABLE[config["body"]] if set(config) == {"body"} else {k: fill(v) for k, v in config.items()}
    return [fill(v) for v in config] if isinstance(config, list) else config
