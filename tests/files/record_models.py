"""Write the model files that tests/files reads, with real Keras (any of 2.2.4, 2.3.1, tf_keras, 3): `python record_models.py keras tag`.

Beside each `.h5` lies an `.npz`: inputs, targets, what the model predicts, and losses and weights after three more training
steps of the model that Keras itself loads from the file. Runs on Python 3.7 too.
"""

import os
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

import importlib

import numpy as np

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "data")
PACKAGE, TAG = sys.argv[1], sys.argv[2]
keras = importlib.import_module(PACKAGE)
L = keras.layers
LEARNING_RATE = "learning_rate" if keras.__version__ >= "2.3" else "lr"


def randomize(model, seed):
    """Give every weight, moving statistics too, a value of its own."""
    random = np.random.RandomState(seed)
    fresh = []
    for index, old in enumerate(model.get_weights()):
        new = random.randn(*old.shape) * 0.5
        fresh.append(np.abs(new) + 0.5 if "var" in names(model)[index] else new)
    model.set_weights(fresh)


def names(model):
    return [getattr(w, "path", None) or w.name for w in model.weights]


def sequential():
    model = keras.models.Sequential(
        [
            L.Conv2D(4, 3, padding="same", activation="relu", input_shape=(6, 6, 2), name="zeta"),
            L.BatchNormalization(name="norm"),
            L.MaxPooling2D(name="pool"),
            L.Dropout(0.0, name="drop"),
            L.Flatten(name="flat"),
            L.Dense(3, activation="softmax", name="alpha"),
        ],
        name="net",
    )
    randomize(model, 1)
    adam = keras.optimizers.Adam(**{LEARNING_RATE: 0.01})
    model.compile(optimizer=adam, loss="categorical_crossentropy", metrics=["accuracy"])
    random = np.random.RandomState(2)
    return model, random.randn(8, 6, 6, 2).astype("float32"), np.eye(3, dtype="float32")[random.randint(0, 3, 8)]


def functional():
    inner_in = L.Input((5,), name="inner_in")
    x = L.Dense(4, name="in1")(inner_in)
    x = L.BatchNormalization(name="inbn")(x)
    inner = keras.models.Model(inner_in, L.Dense(2, name="in2")(x), name="inner")
    inner.get_layer("in1").trainable = False
    a, b = L.Input((4,), name="a"), L.Input((4,), name="b")
    shared = L.Dense(5, activation="tanh", name="shared")
    model = keras.models.Model([a, b], [inner(shared(a)), L.Activation("relu", name="act")(L.Dense(3, name="head")(shared(b)))], name="net")
    randomize(model, 3)
    sgd = keras.optimizers.SGD(momentum=0.9, nesterov=True, **{LEARNING_RATE: 0.01})
    model.compile(optimizer=sgd, loss=["mse", "mse"], loss_weights=[1.0, 0.5])
    random = np.random.RandomState(4)
    x = [random.randn(8, 4).astype("float32") for _ in range(2)]
    return model, x, [random.randn(8, 2).astype("float32"), random.randn(8, 3).astype("float32")]


def with_lambda():
    model = keras.models.Sequential([L.Lambda(lambda t: t * 2.0, input_shape=(3,), name="twice"), L.Dense(2, name="d")], name="net")
    randomize(model, 5)
    return model, np.random.RandomState(6).randn(4, 3).astype("float32"), None


def as_list(value):
    return list(value) if isinstance(value, (list, tuple)) else [value]


def record(case, make):
    model, x, y = make()
    stored = {"weight_names": np.array(names(model))}
    if y is not None:
        for _ in range(2):
            model.train_on_batch(x, y)
    path = os.path.join(HERE, f"{TAG}_{case}.h5")
    model.save(path)
    if case == "sequential" and keras.__version__ < "3":
        model.save_weights(os.path.join(HERE, f"{TAG}_weights.h5"))
    for i, array in enumerate(as_list(x)):
        stored[f"x{i}"] = array
    for i, array in enumerate(as_list(model.predict(x))):
        stored[f"prediction{i}"] = array
    if y is not None:
        for i, array in enumerate(as_list(y)):
            stored[f"y{i}"] = array
        if keras.__version__ < "3":  # Keras 3 cannot go on from its own .h5: its optimizer does not know the loaded weights
            model = keras.models.load_model(path)
        stored["losses"] = np.array([float(as_list(model.train_on_batch(x, y))[0]) for _ in range(3)])
        for i, array in enumerate(model.get_weights()):
            stored[f"after{i}"] = array
    stored["versions"] = np.array(f"{PACKAGE} {keras.__version__} on {keras.backend.backend()}, Python {sys.version.split()[0]}")
    np.savez(path[:-3] + ".npz", **stored)


cases = {"sequential": sequential, "functional": functional, "lambda": with_lambda}
for case in sys.argv[3:] or cases:
    record(case, cases[case])
    print(TAG, case)
