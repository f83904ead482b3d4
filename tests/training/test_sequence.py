"""Data given by index or by generators: workers, ends, exceptions, and the orders of shuffled batches (recorded from real Keras 2.2.4)."""

import random
import threading

import numpy as np
import pandas
import pytest
import scipy.sparse
import torch

from kcompat import callbacks, config, layers, models
from kcompat.errors import ArgumentError, ArgumentTypeError, ShapeError
from kcompat.training import GeneratorEnqueuer, OrderedEnqueuer, PyDataset, Sequence
from kcompat.training.sequence import Fetching

X, Y = np.arange(10.0)[:, None], np.arange(10.0)[:, None] * 2


def model(**arguments):
    made = models.Sequential([layers.Dense(1, use_bias=False, kernel_initializer="ones", input_shape=(1,))])
    made.compile("sgd", "mse", **arguments)
    made.optimizer.learning_rate = 0.0
    return made


class Batches(PyDataset):
    def __init__(self, **options):
        super().__init__(**options)
        self.threads, self.calls = set(), []

    def __len__(self):
        return 4

    def __getitem__(self, i):
        self.threads.add(threading.get_ident())
        self.calls.append(i)
        return X[i * 3 : i * 3 + 3], Y[i * 3 : i * 3 + 3]

    def on_epoch_begin(self):
        self.calls.append("begin")

    def on_epoch_end(self):
        self.calls.append("end")


@pytest.mark.parametrize("options", [{}, {"workers": 3}, {"workers": 2, "use_multiprocessing": True, "max_queue_size": 4}])
def test_workers_give_the_batches_in_order(options):
    data = Batches(**options)
    assert [x[0, 0] for x, _ in Fetching.of(data).by_index(data, range(4))] == [0, 3, 6, 9]
    assert model().fit(data, verbose=0, shuffle=False).history["loss"] == pytest.approx([28.5])
    here = threading.get_ident()
    if not options:
        assert data.threads == {here}
    elif "use_multiprocessing" not in options:
        assert here not in data.threads
    else:
        assert data.calls[-2:] == ["begin", "end"]  # the batches were made in other processes


def test_workers_of_fit_come_before_those_of_the_data():
    data = Batches(workers=3)
    model().fit(data, workers=0, verbose=0)
    assert data.threads == {threading.get_ident()}
    assert (data.calls[0], data.calls[-1]) == ("begin", "end")


def test_an_order_under_the_seed_of_python():
    """Keras shuffles the list 0..n-1 with `random.shuffle`; before tf.keras it shuffles the list of the epoch before."""
    for version, kept in (("2.2.4", True), ("2.15", False)):
        config.set_keras_version(version)
        random.seed(5)
        wanted, order = [], list(range(4))
        for _ in range(2):
            order = order if kept else list(range(4))
            random.shuffle(order)
            wanted += ["begin", *order, "end"]
        data = Batches()
        random.seed(5)
        model().fit(data, epochs=2, verbose=0)
        assert data.calls == wanted


def test_the_order_of_keras_2_2_under_the_seed_of_numpy():
    """Printed by Keras 2.2.4: the samples of three epochs one by one; the losses of batches that stay together."""
    config.set_keras_version("2.2.4")
    seen = []
    hook = callbacks.LambdaCallback(on_batch_end=lambda batch, logs: seen.append(logs["loss"]))
    np.random.seed(3)
    model().fit(X, X * 0, batch_size=1, epochs=3, verbose=0, callbacks=[hook])
    assert [round(loss**0.5) for loss in seen] == [
        *(5, 4, 1, 2, 9, 6, 7, 0, 3, 8), *(2, 3, 1, 4, 8, 9, 5, 7, 0, 6), *(2, 9, 0, 4, 6, 8, 7, 1, 5, 3),
    ]  # fmt: skip
    seen.clear()
    np.random.seed(3)
    model().fit(X, X * 0, batch_size=4, epochs=3, verbose=0, shuffle="batch", callbacks=[hook])
    assert seen == pytest.approx([31.5, 3.5, 72.5, 3.5, 31.5, 72.5, 3.5, 31.5, 72.5])


def test_data_without_an_end():
    class Endless(PyDataset):
        def __getitem__(self, i):
            return X + i, Y

    data = Endless()
    assert data.num_batches is None
    with pytest.raises(ArgumentError, match="has no `__len__`: give `steps_per_epoch`"):
        model().fit(data, verbose=0)
    assert len(model().fit(data, verbose=0, steps_per_epoch=2, epochs=2).epoch) == 2
    assert Sequence is PyDataset


@pytest.mark.parametrize(("version", "firsts"), [("2.15", [0, 0]), ("3", [0, 2])])
def test_whether_epochs_of_some_steps_go_on(version, firsts):
    config.set_keras_version(version)
    data = Batches()
    model().fit(data, steps_per_epoch=2, epochs=2, shuffle=False, verbose=0)
    calls = [c for c in data.calls if c not in ("begin", "end")]
    assert [calls[0], calls[2]] == firsts


@pytest.mark.parametrize("options", [{}, {"workers": 2}, {"workers": 1, "use_multiprocessing": True}])
def test_generators(options):
    def endless():
        while True:
            yield X, Y

    assert model().fit_generator(endless(), 3, epochs=2, verbose=0, **options).history["loss"] == pytest.approx([28.5] * 2)
    assert model().evaluate_generator(endless(), 2, **options) == pytest.approx(28.5)
    assert model().predict_generator(iter([X, X]), **options).shape == (20, 1)


@pytest.mark.parametrize("options", [{}, {"workers": 2}])
def test_the_exception_of_a_generator_reaches_the_caller(options):
    class MineError(Exception):
        pass

    def broken():
        yield X, Y
        raise MineError("mine")

    before = threading.active_count()
    with pytest.raises(MineError, match="mine"):
        model().fit(broken(), steps_per_epoch=3, verbose=0, **options)
    assert threading.active_count() <= before


def test_nothing_is_drawn_before_training_begins():
    seen = []

    def noting():
        while True:
            seen.append("batch")
            yield X, Y

    begin = callbacks.LambdaCallback(on_train_begin=lambda logs: seen.append("begin"))
    model().fit(noting(), steps_per_epoch=1, verbose=0, callbacks=[begin], workers=2)
    assert seen[0] == "begin"


def test_dry_generators():
    with pytest.warns(UserWarning, match="ran out after 1 of 3 steps"):
        model().fit_generator(iter([(X, Y)]), 3, verbose=0)
    with pytest.raises(ArgumentError, match="there is no batch to train on"):
        model().fit(iter([]), verbose=0)
    with pytest.raises(ArgumentError, match="there is no batch to evaluate"):
        model().evaluate(iter([]), verbose=0)
    with pytest.raises(ArgumentError, match="there is no batch to predict"):
        model().predict(iter([]), verbose=0)


def test_arguments_of_generators_and_workers():
    with pytest.raises(ArgumentTypeError, match="arrays go into `fit`"):
        model().fit_generator(X, 3)
    with pytest.raises(ArgumentError, match="`workers` must be an integer of at least 0, received -1"):
        model().fit(Batches(), workers=-1)
    with pytest.raises(ArgumentError, match="`max_queue_size`"):
        model().fit(Batches(), max_queue_size=0)
    with pytest.raises(ArgumentError, match="`shuffle` must be"):
        model().fit(X, Y, shuffle="batches")
    with pytest.raises(ArgumentError, match="`verbose` must be"):
        model().fit(X, Y, verbose=3)
    config.set_keras_version("2.2.4")
    model().evaluate_generator(iter([(X, Y)]), 1, 10, 1, False)  # max_queue_size third, in this generation


def test_enqueuers():
    ordered = OrderedEnqueuer(Batches())
    with pytest.raises(ArgumentError, match="call `start`"):
        ordered.get()
    ordered.start(workers=2, max_queue_size=3)
    items = ordered.get()
    assert [next(items)[0][0, 0] for _ in range(6)] == [0, 3, 6, 9, 0, 3]
    ordered.stop()
    assert not ordered.is_running()
    queue = GeneratorEnqueuer(iter([1, 2]))
    queue.start()
    assert list(queue.get()) == [1, 2]
    queue.stop()


# -- other kinds of data ----------------------------------------------------------------------------------------------------------


def test_frames_series_and_sparse_matrices():
    frame = pandas.DataFrame({"a": X[:, 0]})
    series = pandas.Series(Y[:, 0])
    for x, y in ((frame, series), (scipy.sparse.csr_matrix(X), Y), (torch.tensor(X), pandas.DataFrame(Y))):
        assert model().fit(x, y, verbose=0).history["loss"] == pytest.approx([28.5])
        assert model().predict(x, verbose=0).tolist() == X.tolist()


def test_dicts_by_the_names_of_inputs():
    a, b = layers.Input((1,), name="a"), layers.Input((1,), name="b")
    made = models.Model([a, b], layers.Subtract()([a, b]))
    made.compile("sgd", "mse")
    assert made.evaluate({"b": X, "a": X * 3}, Y, verbose=0) == pytest.approx(0.0)
    frame = {"a": pandas.Series(X[:, 0] * 3), "b": pandas.Series(X[:, 0])}
    assert made.predict(frame, verbose=0)[:, 0].tolist() == Y[:, 0].tolist()


def test_batches_of_other_lengths_in_prediction():
    made = models.Sequential([layers.Dense(1, use_bias=False, kernel_initializer="ones", input_shape=(None, 1))])
    same = made.predict(iter([np.ones((2, 3, 1)), np.ones((1, 3, 1))]), verbose=0)
    assert same.shape == (3, 3, 1)
    other = made.predict(iter([np.ones((2, 3, 1)), np.ones((1, 5, 1))]), verbose=0)
    assert [row.shape for row in other] == [(3, 1), (3, 1), (5, 1)]


def test_inputs_of_other_lengths_in_prediction():
    a, b = layers.Input((1,)), layers.Input((1,))
    made = models.Model([a, b], layers.Add()([a, b]))
    with pytest.raises(ShapeError, match="same number of samples"):
        made.predict([X, X[:3]], verbose=0)
    config.set_keras_version("2.2.4")
    assert made.predict([X[:3], X], verbose=0).tolist() == (X[:3] * 2).tolist()


@pytest.mark.parametrize(
    ("data", "error", "message"),
    [
        ((np.zeros((0, 1)), np.zeros((0, 1))), ArgumentError, "non-empty"),
        ((X, Y[:4]), ShapeError, "`x`: 10; `y`: 4"),
        ((X, Y, np.ones(3)), ShapeError, "`sample_weight`: 3"),
    ],
)
def test_bad_lengths(data, error, message):
    x, y, *weight = data
    with pytest.raises(error, match=message):
        model().fit(x, y, sample_weight=weight[0] if weight else None, verbose=0)
