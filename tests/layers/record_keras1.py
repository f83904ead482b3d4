"""Record `data/keras1.json` under Keras 1.2.2 on Theano: layers that Keras 1 had and Keras 2 dropped.

THEANO_FLAGS=cxx= KERAS_BACKEND=theano python record_keras1.py
"""

import json
import os
import re

import keras
import numpy as np
from keras import backend as K
from keras.layers import *  # noqa: F403
from keras.models import Sequential

CASES = [
    ("MaxoutDense", {"output_dim": 3}, [4]), ("MaxoutDense", {"output_dim": 3, "nb_feature": 2, "bias": False}, [4]),
    ("Highway", {"activation": "tanh"}, [4]), ("Highway", {"activation": "relu", "bias": False}, [4]), ("Highway", {}, [3]),
    ("TimeDistributedDense", {"output_dim": 2, "activation": "tanh"}, [3, 4]),
    ("TimeDistributedDense", {"output_dim": 2, "bias": False}, [3, 4]),
    ("ParametricSoftplus", {}, [4]), ("ParametricSoftplus", {"shared_axes": [1]}, [3, 4]), ("ParametricSoftplus", {}, [2, 2, 3]),
    ("SReLU", {}, [4]), ("SReLU", {"shared_axes": [1]}, [3, 4]), ("SReLU", {"shared_axes": [1, 2]}, [2, 2, 3]),
    ("PReLU", {"shared_axes": [1]}, [3, 4]), ("LeakyReLU", {"alpha": 0.2}, [5]), ("ELU", {"alpha": 0.5}, [5]),
    ("ThresholdedReLU", {"theta": 0.5}, [5]),
]  # fmt: skip


def listed(array):
    """Nested lists of the shortest numbers that are the same in float32."""
    array = np.asarray(array)
    return [float(f"{n:.9g}") for n in array.ravel()], list(array.shape)


rows = []
for number, (name, config, shape) in enumerate(CASES):
    random = np.random.RandomState(number)
    model = Sequential()
    layer = globals()[name](input_shape=shape, **config)
    model.add(layer)
    x = random.uniform(-2, 2, [3, *shape]).astype("float32")
    weights = [random.uniform(-1, 1, w.shape).astype("float32") for w in layer.get_weights()]
    if name == "SReLU":
        weights[1] = np.abs(weights[1])  # a negative left slope means other things on Theano and on TensorFlow
    layer.set_weights(weights)
    out = model.predict(x)
    cotangent = random.uniform(-1, 1, out.shape).astype("float32")
    loss = K.sum(model.output * K.variable(cotangent))
    found = K.function([model.input, K.learning_phase()], K.gradients(loss, [model.input, *layer.trainable_weights]))([x, 0])
    rows.append({
        "class": name, "config": config, "x": listed(x), "weights": [listed(w) for w in weights], "y": listed(out),
        "cotangent": listed(cotangent),
        "gradients": [listed(g) for g in found], "names": [re.sub(r"^[a-z]+_[0-9]+_", "", w.name) for w in layer.weights],
    })  # fmt: skip
path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "data", "keras1.json")
with open(path, "w") as file:
    file.write(json.dumps({"keras": keras.__version__, "rows": rows}, sort_keys=True).replace('{"class"', '\n{"class"') + "\n")
print(keras.__version__, len(rows))
