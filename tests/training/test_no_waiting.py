"""Inside an epoch no number is read from the device: `.item()`, `float(tensor)` and kin all end in `_local_scalar_dense`."""

import collections

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from kcompat import callbacks, layers, models

READS = ("aten::_local_scalar_dense", "aten::is_nonzero", "aten::equal", "aten::nonzero", "aten::_to_cpu")


class Reads(TorchDispatchMode):
    def __init__(self):
        super().__init__()
        self.count = collections.Counter()

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        if function._schema.name in READS:
            self.count[function._schema.name] += 1
        return function(*args, **(kwargs or {}))


def mlp():
    return models.Sequential(
        [layers.Dense(4, activation="relu", input_shape=(3,)), layers.Dropout(0.3), layers.Dense(2, activation="softmax")]
    )


def recurrent():
    return models.Sequential(
        [layers.Masking(0.0, input_shape=(5, 3)), layers.LSTM(4), layers.BatchNormalization(), layers.Dense(2, activation="softmax")]
    )


def reads(model, samples, shape, **arguments):
    x, y = np.random.rand(samples, *shape), np.random.randint(0, 2, (samples, 1))
    with Reads() as seen:
        model.fit(x, y, batch_size=4, verbose=0, **arguments)
        model.evaluate(x, y, batch_size=4, verbose=0)
        model.predict(x, batch_size=4, verbose=0)
    return seen.count


@pytest.mark.parametrize(("make", "shape"), [(mlp, (3,)), (recurrent, (5, 3))])
@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
@pytest.mark.parametrize("metrics", [["accuracy"], []])
def test_reads_do_not_grow_with_the_number_of_batches(make, shape, optimizer, metrics):
    model = make()
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=metrics)
    extra = {
        "class_weight": {0: 1.0, 1: 2.0},
        "epochs": 2,
        "callbacks": [callbacks.EarlyStopping("loss"), callbacks.ModelCheckpoint("never.h5", save_freq=99)],
    }
    reads(model, 8, shape, **extra)
    few, many = reads(model, 8, shape, **extra), reads(model, 80, shape, **extra)
    assert few == many


def test_the_tracer_sees_reads():
    with Reads() as seen:
        float(torch.ones(()))
        torch.ones(()).item()
    assert seen.count["aten::_local_scalar_dense"] == 2
