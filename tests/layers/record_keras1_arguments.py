"""Record `data/keras1_arguments.json` under Keras 1.2.2 on Theano: calls by position and in Keras 1's words, configs, outputs.

    KERAS_BACKEND=theano python record_keras1_arguments.py

Sizes are such that Theano's 'same', which pads both ends alike, is TensorFlow's.
"""

import json
import os

import keras
import numpy as np
from keras import backend as K
from keras import layers
from keras.models import Sequential

K.set_image_dim_ordering("tf")

#: class, positional arguments, keywords, shape of a sample
CASES = [
    ("Dense", [3, "uniform", "tanh"], {}, [4]), ("Dense", [], {"output_dim": 3, "bias": False}, [4]),
    ("Convolution1D", [3, 3, "uniform", "relu", None, "same", 2], {}, [7, 2]),
    ("Convolution1D", [3, 2], {"input_dim": 2, "input_length": 7}, [7, 2]),
    ("Convolution2D", [3, 2, 3], {}, [5, 6, 2]),
    ("Convolution2D", [3, 3, 3, "normal", "tanh", None, "valid", [2, 1]], {}, [5, 6, 2]),
    ("Convolution2D", [3, 3, 3], {"border_mode": "same", "dim_ordering": "th"}, [2, 5, 6]),
    ("Convolution3D", [2, 1, 2, 3], {"bias": False}, [3, 4, 5, 2]),
    ("AtrousConvolution1D", [3, 2, "uniform", "linear", None, "valid", 1, 2], {}, [7, 2]),
    ("AtrousConvolution2D", [3, 2, 2], {"atrous_rate": [2, 1]}, [5, 6, 2]),
    ("Deconvolution2D", [2, 3, 3, [None, 7, 8, 2]], {}, [5, 6, 2]),
    ("Deconvolution2D", [2, 3, 3, [None, 12, 14, 2]], {"subsample": [2, 2]}, [5, 6, 2]),
    ("Deconvolution2D", [2, 3, 3, [None, 9, 11, 2]], {"subsample": [2, 2], "border_mode": "same"}, [5, 6, 2]),
    ("LocallyConnected1D", [3, 2], {"subsample_length": 2}, [6, 2]),
    ("LocallyConnected2D", [3, 2, 2], {"activation": "relu"}, [4, 3, 2]),
    ("MaxPooling1D", [3, 2, "valid"], {}, [7, 2]), ("AveragePooling1D", [], {"pool_length": 2, "stride": 1}, [7, 2]),
    ("MaxPooling2D", [[2, 3], [1, 2], "valid", "tf"], {}, [5, 6, 2]),
    ("GlobalMaxPooling2D", ["th"], {}, [2, 5, 6]), ("UpSampling1D", [3], {}, [4, 2]), ("UpSampling2D", [[2, 1], "tf"], {}, [3, 2, 2]),
    ("ZeroPadding1D", [{"left_pad": 2, "right_pad": 1}], {}, [3, 2]), ("ZeroPadding1D", [[1, 2]], {}, [3, 2]),
    ("ZeroPadding2D", [[1, 2, 3, 4]], {}, [3, 2, 2]), ("ZeroPadding2D", [{"top_pad": 1, "right_pad": 2}], {}, [3, 2, 2]),
    ("Cropping2D", [[[1, 0], [0, 1]], "th"], {}, [2, 3, 4]), ("Dropout", [0.5], {}, [4]), ("GaussianNoise", [0.5], {}, [4]),
    ("PReLU", ["one"], {}, [4]), ("BatchNormalization", [0.01, 0, -1, 0.9], {}, [4]),
    ("SimpleRNN", [3, "uniform", "normal", "relu"], {}, [4, 2]),
    ("SimpleRNN", [], {"output_dim": 3, "inner_init": "uniform", "consume_less": "mem", "return_sequences": True}, [4, 2]),
    ("GRU", [3, "uniform", "orthogonal", "relu", "sigmoid"], {"go_backwards": True}, [4, 2]),
    ("GRU", [3], {"consume_less": "gpu", "return_sequences": True}, [4, 2]),
    ("LSTM", [3, "uniform", "orthogonal", "zero", "relu", "sigmoid"], {}, [4, 2]),
    ("LSTM", [3], {"consume_less": "gpu", "inner_activation": "tanh", "return_sequences": True, "unroll": True}, [4, 2]),
    ("LSTM", [3], {"consume_less": "mem", "dropout_W": 0.2, "dropout_U": 0.1}, [4, 2]),
    ("ConvLSTM2D", [2, 3, 3, "uniform", "orthogonal", "one", "tanh", "sigmoid", "tf", "same"], {"return_sequences": True}, [3, 4, 5, 2]),
    ("ConvLSTM2D", [2, 1, 3], {"dim_ordering": "th", "border_mode": "same", "inner_activation": "hard_sigmoid"}, [3, 2, 4, 5]),
]  # fmt: skip
ONES = "Deconvolution2D"  # so that the layout of its kernel does not matter

_RULES = [
    ("Dense", {"output_dim": 2, "W_regularizer": "l1l2", "W_constraint": "maxnorm", "b_constraint": "nonneg"}),
    ("Dense", {"output_dim": 2, "activity_regularizer": "activity_l2", "W_constraint": "unitnorm"}),
    ("Highway", {"W_regularizer": "l2", "W_constraint": "maxnorm"}),
]


def listed(array):
    """The shortest numbers that are the same in float32, and the shape."""
    array = np.asarray(array)
    return [float(f"{n:.9g}") for n in array.ravel()], list(array.shape)


rows = []
for number, (name, args, kwargs, shape) in enumerate(CASES):
    random = np.random.RandomState(number)
    tuples = [tuple(a) if isinstance(a, list) and name != "Cropping2D" else a for a in args]
    layer = getattr(layers, name)(*tuples, input_shape=shape, **{k: tuple(v) if isinstance(v, list) else v for k, v in kwargs.items()})
    model = Sequential()
    model.add(layer)
    x = random.uniform(-1, 1, [2, *shape]).astype("float32")
    low = 0.5 if name == "BatchNormalization" else -1
    weights = [
        np.ones(w.shape, "float32") if name == ONES else random.uniform(low, 1, w.shape).astype("float32") for w in layer.get_weights()
    ]
    layer.set_weights(weights)
    rows.append({
        "class": name, "args": args, "kwargs": kwargs, "x": listed(x), "weights": [listed(w) for w in weights],
        "y": listed(model.predict(x)), "config": json.loads(json.dumps(layer.get_config())),
    })  # fmt: skip
rules = [{"class": name, "config": json.loads(json.dumps(getattr(layers, name)(**kwargs).get_config()))} for name, kwargs in _RULES]
path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "data", "keras1_arguments.json")
with open(path, "w") as file:
    told = json.dumps({"keras": keras.__version__, "rows": rows, "rules": rules}, sort_keys=True)
    file.write(told.replace('{"args"', '\n{"args"') + "\n")
print(keras.__version__, len(rows))
