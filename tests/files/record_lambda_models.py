"""Writes models with Lambdas of code by real Keras, and predictions: `python record_lambda_models.py NAME tf|3|keras .h5,.keras`."""

import sys

import numpy as np

out = sys.argv[1]
kind = sys.argv[2]
if kind == "tf":
    import tensorflow as tf
    import tf_keras as keras
elif kind == "3":
    import keras
    import tensorflow as tf
else:
    import keras
    import tensorflow as tf
if kind != "3":
    K = keras.backend
L = keras.layers


def distance(pair):
    a, b = pair
    return K.sqrt(K.maximum(K.sum(K.square(a - b), axis=1, keepdims=True), K.epsilon()))


np.random.seed(0)
x1 = L.Input((4,), name="a")
x2 = L.Input((4,), name="b")
if kind == "3":
    from keras import ops

    h1 = L.Dense(4, name="d", bias_initializer="ones")(x1)
    m = L.Lambda(lambda t: ops.concatenate([t[0] * t[1], ops.mean(t[0], axis=1, keepdims=True)], axis=-1), name="mix")([h1, x2])
    c = L.Lambda(lambda t, scale=2.0: ops.clip(t * scale, -1.0, 1.0) if len(t.shape) == 2 else t, name="clip")(m)
else:
    h1 = L.Dense(4, name="d", bias_initializer="ones")(x1)
    dd = L.Lambda(distance, output_shape=lambda s: (s[0][0], 1), name="distance")([h1, x2])
    m = L.Lambda(
        lambda t: K.concatenate([t[0] * t[1], tf.nn.relu(t[0]), K.stack([K.sum(t[1] * i, axis=1) for i in range(2)], axis=1)], axis=-1),
        name="mix",
    )([h1, x2])
    s = L.Lambda(lambda t, scale=2.0: K.clip(t * scale, -1.0, 1.0) if K.ndim(t) == 2 else t, name="clip")(m)
    f = L.Lambda(lambda t, power: K.pow(t, power), arguments={"power": 3.0}, name="cube")(s)
    c = L.concatenate([f, dd], name="both")
y = L.Dense(2, name="out")(c)
model = keras.models.Model([x1, x2], y)
A = np.linspace(-1, 1, 12).reshape(3, 4).astype("float32")
B = np.cos(np.arange(12)).reshape(3, 4).astype("float32")
p = model.predict([A, B])
for ext in sys.argv[3].split(","):
    model.save(out + ext)
np.savez(out + ".npz", a=A, b=B, y=p)
