# ruff: noqa - the source of every Python from 2.7 on
"""Writes the code of many small functions as this Python marshals it: run with each Python, `python record_lambdas.py out.json`.

Run with a Python that has Keras (2.2, 2.3 or tf_keras) it writes what real Keras computes with them, too: `... out.json numbers`.
The source is that of every Python from 2.7 on.
"""

from __future__ import division

import base64
import json
import marshal
import sys


def captured(k, power):
    return lambda x: (x * k) ** power


def helper(x):
    def inner(y, scale=2.0):
        return y * scale + 1.0

    return inner(x) - inner(x, scale=0.5)


def loop(x):
    total = 0
    for i in range(3):
        if i == 1:
            continue
        total = total + x * i
    return total


def early(x):
    for i in range(10):
        if i > 3:
            break
        x = x + i
    return x


def while_loop(x):
    n = 0
    while n < 4:
        x = x * 0.5
        n += 1
    return x


def augmented(x):
    y = x
    y *= 2.0
    y -= 1.0
    y /= 4.0
    return y


def unpacked(x):
    a, b = x[:, :2], x[:, 2:]
    (c, d), e = (a, b), 3.0
    return c * d + e


def keyword_pack(x):
    options = {"axis": 1, "keepdims": True}
    return K.sum(x, **options)


def star_pack(x):
    args = (x, 1)
    return K.mean(*args)


def counter(x):
    state = [0.0]

    def add(v):
        state[0] = state[0] + v
        return state[0]

    return x + add(1.0) + add(2.0)


def many_branches(x):
    n = K.int_shape(x)[-1]
    if n == 3:
        return x * 0.0
    elif n is not None and n > 3 and not n == 5:
        return x + n
    else:
        return x


def standardized(x):
    mean = K.mean(x, axis=-1, keepdims=True)
    std = K.std(x, axis=-1, keepdims=True)
    return (x - mean) / (std + 1e-3)


def generator(x):
    return sum(x[:, i] * w for i, w in enumerate([1.0, 2.0, 3.0, 4.0]))


def sampled(args):
    z, log_var = args
    return z + K.exp(log_var * 0.5) * 0.25


FUNCTIONS = {
    "identity": lambda x: x,
    "constant": lambda x: x * 0.0 + 5.0,
    "arithmetic": lambda x: (x + 1.5) * 2.0 - x / 4.0,
    "negative": lambda x: -x + 1.0,
    "powers": lambda x: x**2 + 2.0**x,
    "floor_mod": lambda x: (x + 10.0) // 3.0 + (x + 10.0) % 3.0,
    "mean": lambda x: K.mean(x, axis=1),
    "mean_kept": lambda x: K.mean(x, axis=-1, keepdims=True),
    "sum_all_axes": lambda x: K.sum(x, axis=[1]),
    "max_min": lambda x: K.max(x, axis=1) - K.min(x, axis=1),
    "sqrt_square": lambda x: K.sqrt(K.sum(K.square(x), axis=1, keepdims=True) + K.epsilon()),
    "l2": lambda x: K.l2_normalize(x, axis=1),
    "slicing": lambda x: x[:, 1:3],
    "slicing_step": lambda x: x[:, ::2],
    "slicing_last": lambda x: x[..., -1],
    "slicing_back": lambda x: x[:, ::-1],
    "newaxis": lambda x: x[:, None, :] * x[:, :, None],
    "expand": lambda x: K.expand_dims(x, axis=1),
    "concatenate": lambda x: K.concatenate([x, x * 2.0], axis=-1),
    "reshape": lambda x: K.reshape(x, (-1, 2, 2)),
    "permute": lambda x: K.permute_dimensions(K.reshape(x, (-1, 2, 2)), (0, 2, 1)),
    "relu": lambda x: K.relu(x - 0.5),
    "relu_keywords": lambda x: K.relu(x, alpha=0.1, max_value=1.0),
    "clip": lambda x: K.clip(x, -0.5, 0.5),
    "softmax": lambda x: K.softmax(x),
    "activations": lambda x: K.tanh(x) + K.sigmoid(x) + K.elu(x) + K.softplus(x) + K.hard_sigmoid(x),
    "exp_log": lambda x: K.log(K.exp(x) + 1.0),
    "maximum": lambda x: K.maximum(x, 0.25) + K.minimum(x, 0.0),
    "cast": lambda x: K.cast(K.greater(x, 0.0), "float32"),
    "tile": lambda x: K.tile(x, [1, 2]),
    "repeat": lambda x: K.repeat(x, 3),
    "repeat_elements": lambda x: K.repeat_elements(x, 2, axis=1),
    "stack": lambda x: K.stack([x, x + 1.0], axis=1),
    "dot": lambda x: K.dot(x, K.transpose(x)),
    "batch_dot": lambda x: K.batch_dot(x, x, axes=1),
    "abs_sign_round": lambda x: K.abs(x) + K.sign(x) + K.round(x),
    "reverse": lambda x: K.reverse(x, axes=1),
    "argmax": lambda x: K.cast(K.argmax(x, axis=-1), "float32"),
    "one_hot": lambda x: K.one_hot(K.cast(K.argmax(x), "int32"), 4),
    "cumsum": lambda x: K.cumsum(x, axis=1),
    "switch": lambda x: K.switch(K.greater(x, 0.0), x * 2.0, x * 3.0),
    "int_shape": lambda x: x * K.int_shape(x)[1],
    "zeros_like": lambda x: K.zeros_like(x) + K.ones_like(x) * 3.0,
    "tf_nn": lambda x: tf.nn.relu(x) + tf.nn.softmax(x),
    "tf_reduce": lambda x: tf.reduce_mean(x, axis=1, keepdims=True),
    "tf_math": lambda x: tf.exp(x) * tf.sin(x) - tf.square(x),
    "tf_concat": lambda x: tf.concat([x, x], axis=1),
    "tf_shape": lambda x: tf.reshape(x, [tf.shape(x)[0], 2, -1]),
    "tf_cast_type": lambda x: tf.cast(x > 0.0, tf.float32),
    "tf_where": lambda x: tf.where(x > 0.0, x, tf.zeros_like(x)),
    "tf_split": lambda x: tf.split(x, 2, axis=1)[1],
    "np_constant": lambda x: x * np.sqrt(2.0) + np.pi,
    "np_array": lambda x: x * np.array([1.0, 2.0, 3.0, 4.0], dtype="float32"),
    "np_arange": lambda x: x + np.arange(4).astype("float32"),
    "conditional": lambda x: x * 2.0 if K.ndim(x) == 2 else x,
    "conditional_and": lambda x: x + 1.0 if K.ndim(x) == 2 and K.int_shape(x)[1] == 4 else x,
    "conditional_or": lambda x: x if (K.ndim(x) == 3 or K.int_shape(x)[1] != 4) else x - 1.0,
    "chained": lambda x: x * 3.0 if 1 < K.ndim(x) <= 2 else x,
    "contains": lambda x: x * 4.0 if K.ndim(x) in (2, 3) else x,
    "none": lambda x, y=None: x * 5.0 if y is None else y,
    "default": lambda x, factor=3.0: x * factor,
    "captured": captured(2.0, 2),
    "nested_lambda": lambda x: (lambda y, z: y + z)(x, 2.0),
    "comprehension": lambda x: K.concatenate([x[:, i : i + 1] * i for i in range(4) if i != 2], axis=1),
    "comprehension_nested": lambda x: K.stack([x * (i + j) for i in range(2) for j in range(2)], axis=1),
    "comprehension_captured": lambda x: K.stack([(lambda v: v * i + x)(2.0) for i in range(2)], axis=1),
    "dict_item": lambda x: {"a": x, "b": x * 2.0}["b"],
    "text_format": lambda x: K.cast(x, "float%d" % 32) * len("abc"),
    "list_input": lambda xs: xs[0] * xs[1],
    "list_input_distance": lambda xs: K.sqrt(K.maximum(K.sum(K.square(xs[0] - xs[1]), axis=1, keepdims=True), 1e-7)),
    "list_input_sum": lambda xs: sum(xs) / len(xs),
    "loop": loop, "early": early, "while_loop": while_loop, "augmented": augmented, "unpacked": unpacked, "helper": helper,
    "keyword_pack": keyword_pack, "star_pack": star_pack, "counter": counter, "many_branches": many_branches,
    "standardized": standardized, "generator": generator, "sampled": sampled,
    "map_zip": lambda x: K.stack(list(map(lambda p: p[0] * p[1], zip([x, x], [1.0, 2.0]))), axis=1),
    "min_max_builtins": lambda x: x * max(1.0, 2.0) + min([3.0, 4.0]) + abs(-1.0) + int(2.5) + float("1.5"),
    "boolean": lambda x: x * (1.0 if not False else 0.0),
}  # fmt: skip
TWO = ("list_input", "list_input_distance", "list_input_sum", "sampled")
INPUTS = [[[0.5, -1.0, 2.0, 0.25], [-0.75, 1.5, 0.1, -2.0], [1.25, 0.3, -0.4, 0.8]],
          [[1.0, 0.5, -0.5, 2.0], [0.2, -0.3, 0.7, 1.1], [-1.0, 0.9, 0.6, -0.2]]]  # fmt: skip


def stored(function):
    code = base64.b64encode(marshal.dumps(function.__code__)).decode("ascii")
    closure = [cell.cell_contents for cell in function.__closure__] if function.__closure__ else None
    return [code, list(function.__defaults__) if function.__defaults__ else None, closure]


def numbers():
    global K, tf, np
    import numpy as np
    import tensorflow as tf

    try:
        import keras

        if int(keras.__version__.split(".")[0]) > 2:
            raise ImportError
    except ImportError:
        import tf_keras as keras
    K = keras.backend
    made = {}
    for name, function in FUNCTIONS.items():
        inputs = [keras.layers.Input((4,)) for _ in range(2 if name in TWO else 1)]
        try:
            output = keras.layers.Lambda(function)(inputs if len(inputs) > 1 else inputs[0])
            arrays = [np.array(values, "float32") for values in INPUTS[: len(inputs)]]
            made[name] = keras.models.Model(inputs, output).predict_on_batch(arrays if len(arrays) > 1 else arrays[0])
            made[name] = np.asarray(made[name]).astype("float64").round(7).tolist()
        except Exception as error:
            print(name, type(error).__name__, str(error)[:150])
    return made


if __name__ == "__main__":
    with open(sys.argv[1], "w") as file:
        if sys.argv[2:] == ["numbers"]:
            json.dump(numbers(), file, sort_keys=True)
        else:
            json.dump({name: stored(function) for name, function in sorted(FUNCTIONS.items())}, file, sort_keys=True)
