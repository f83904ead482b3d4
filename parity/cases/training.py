"""Histories of `fit`: names and numbers of the logs, with validation, weights, masks and several outputs.

Batches are of unequal size (7 samples by 3), so that averages over batches and over samples differ.
"""

from parity.cases.make import NEW, OLD, functional, part, sequential, values, x

D = "Dense"
YES_NO = [{"shape": [7, 1], "low": 0, "high": 2, "dtype": "int32"}]
LABELS = [{"shape": [7, 1], "low": 0, "high": 3, "dtype": "int32"}]
WEIGHTS = [{"shape": [7], "low": 0.25, "high": 2}]
MASK = [[1, 1, 1, 0], [1, 1, 0, 0], [1, 1, 1, 1], [0, 1, 1, 0], [1, 0, 1, 1], [1, 1, 1, 1], [1, 1, 0, 1]]

MASKED = [[[0.1 * (i + 1), 0.2 * j - 0.3] if m else [0.0, 0.0] for j, m in enumerate(row)] for i, row in enumerate(MASK)]


def _fit(loss="mse", epochs=2, fit=None, **more):
    return dict({"loss": loss, "optimizer": "SGD", "rate": 0.1, "epochs": epochs, "batch_size": 3, "fit": fit or {}}, **more)


def _mlp(name, train, units=1, activation=None, generations=(*OLD, *NEW), **more):
    layers = [part(D, units=4, activation="tanh", input_shape=[5]), part(D, units=units, activation=activation)]
    return sequential("training/" + name, layers, x(7, 5), train=train, gradient=False, generations=list(generations), **more)


def _two(name, train, generations=(*OLD, *NEW)):
    layers = {"a": part(D, units=1, name="a"), "b": part(D, units=2, name="b")}
    calls, told = [["p", "a", "i"], ["q", "b", "i"]], {"train": train, "gradient": False, "generations": list(generations)}
    return functional("training/" + name, {"i": [5]}, layers, calls, ["p", "q"], [x(7, 5)], **told)


SPLIT = {"validation_split": 0.3}

CASES = [
    _mlp("plain", _fit(metrics=["mae"])),
    _mlp("validation_split", _fit(metrics=["mae", "acc"], fit=SPLIT)),
    _mlp("validation_freq", _fit(epochs=3, fit={"validation_split": 0.3, "validation_freq": 2}), generations=["2.3", *NEW]),
    _mlp("accuracy_of_two", _fit("binary_crossentropy", metrics=["accuracy"], targets=YES_NO, fit=SPLIT), 1, "sigmoid"),
    _mlp("accuracy_of_three", _fit("sparse_categorical_crossentropy", metrics=["accuracy"], targets=LABELS, fit=SPLIT), 3, "softmax"),
    _mlp("sample_weight", _fit(metrics=["mae"], weighted_metrics=["mse"], sample_weight=WEIGHTS, fit=SPLIT)),
    _mlp(
        "class_weight",
        _fit("binary_crossentropy", metrics=["accuracy"], weighted_metrics=["mae"], targets=YES_NO, class_weight={"0": 0.5, "1": 2.0}),
        1,
        "sigmoid",
    ),
    _mlp(
        "class_weight_and_split",
        _fit("binary_crossentropy", targets=YES_NO, class_weight={"0": 0.5, "1": 2.0}, fit=SPLIT),
        1,
        "sigmoid",
    ),
    sequential(
        "training/masks",
        [part("Masking", input_shape=[4, 2]), part("SimpleRNN", units=3, return_sequences=True), part(D, units=1)],
        values(MASKED),
        train=_fit(metrics=["mae"], fit=SPLIT),
        gradient=False,
        generations=[*OLD, *NEW],
    ),
    _two("two_outputs", _fit(["mse", "mae"], metrics={"a": "mae", "b": ["mse"]}, loss_weights=[1.0, 0.5])),
    _two("two_outputs_split", _fit(["mse", "mae"], metrics={"b": ["mae"]}, fit=SPLIT)),
]
