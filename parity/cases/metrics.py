"""Accuracies: functions in all generations, objects that accumulate from 2.3 on."""

from parity.cases.make import NEW, values

CLASSES = ["2.3", *NEW]
BINARY, HALVES = [[1, 0, 1], [0, 1, 0]], [[0.8, 0.1, 0.3], [0.5, 0.9, 0.6]]
ONE_HOT, ROWS = [[1, 0, 0], [0, 0, 1], [0, 1, 0]], [[0.7, 0.2, 0.1], [0.4, 0.4, 0.2], [0.1, 0.8, 0.1]]
WEIGHTS = [2.0, 0.5, 1.0]


def _metric(name, made, targets, predictions, config=None, weights=None, **more):
    inputs = [values(targets), values(predictions)] + ([] if weights is None else [values(weights)])
    return dict({"id": "metrics/" + name, "kind": "metric", "class": made, "config": config or {}, "inputs": inputs}, **more)


CASES = [
    _metric("binary_accuracy", "binary_accuracy", BINARY, HALVES),
    _metric("binary_accuracy_threshold", "binary_accuracy", BINARY, HALVES, {"threshold": 0.55}, generations=CLASSES),
    _metric("categorical_accuracy", "categorical_accuracy", ONE_HOT, ROWS),
    _metric("sparse_categorical_accuracy", "sparse_categorical_accuracy", [[0], [1], [2]], ROWS),
    _metric("BinaryAccuracy", "BinaryAccuracy", BINARY, HALVES, steps=2, generations=CLASSES),
    _metric("BinaryAccuracy_threshold", "BinaryAccuracy", BINARY, HALVES, {"threshold": 0.55}, generations=CLASSES),
    _metric("BinaryAccuracy_weighted", "BinaryAccuracy", BINARY, HALVES, weights=WEIGHTS[:2], generations=CLASSES),
    _metric("CategoricalAccuracy", "CategoricalAccuracy", ONE_HOT, ROWS, generations=CLASSES),
    _metric("CategoricalAccuracy_weighted", "CategoricalAccuracy", ONE_HOT, ROWS, weights=WEIGHTS, generations=CLASSES),
    _metric("SparseCategoricalAccuracy", "SparseCategoricalAccuracy", [[0], [1], [2]], ROWS, generations=CLASSES),
    _metric("Accuracy", "Accuracy", [[1], [2], [3]], [[1], [2], [4]], generations=CLASSES),
    _metric("MeanSquaredError", "MeanSquaredError", ONE_HOT, ROWS, generations=CLASSES),
    _metric("MeanAbsoluteError_weighted", "MeanAbsoluteError", ONE_HOT, ROWS, weights=WEIGHTS, generations=CLASSES),
    _metric("RootMeanSquaredError", "RootMeanSquaredError", ONE_HOT, ROWS, generations=CLASSES),
    _metric("BinaryCrossentropy", "BinaryCrossentropy", BINARY, HALVES, generations=CLASSES),
    _metric("CategoricalCrossentropy", "CategoricalCrossentropy", ONE_HOT, ROWS, generations=CLASSES),
]
