"""What `compile` and `fit` are told beside the data: compiled models, dtypes, workers, weights by class. Numbers printed by real Keras."""

import functools

import numpy as np
import pytest
import torch

from kcompat import config, dtype_policies, layers, models, optimizers, regularizers
from kcompat.errors import ArgumentError
from kcompat.models import Sequential

EIGHTHS = np.arange(8.0).reshape(4, 2) / 8
ONES = np.ones((4, 1))


# -- compiled -----------------------------------------------------------------------------------------------------------------


def trained(jit_compile):
    rng = np.random.RandomState(0)
    x, y = rng.randn(32, 5), rng.randint(0, 3, (32, 1))
    torch.manual_seed(0)
    model = Sequential([layers.Dense(8, "tanh", input_shape=(5,)), layers.BatchNormalization(), layers.Dense(3, "softmax")])
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"], jit_compile=jit_compile)
    history = model.fit(x, y, batch_size=8, epochs=3, shuffle=False, verbose=0, validation_data=(x, y)).history
    return history, model.get_weights()


def test_a_compiled_model_has_the_history_of_an_eager_one(monkeypatch):
    calls = []
    real = torch.compile

    def compiled(function, **options):
        calls.append(function)
        return real(function, backend="eager", **options)

    monkeypatch.setattr(torch, "compile", compiled)
    eager, weights = trained(None)
    assert not calls
    history, same = trained(True)
    assert len(calls) == 2  # the step of training, and the forward pass of validation
    assert list(history) == list(eager)
    for name, numbers in eager.items():
        np.testing.assert_allclose(history[name], numbers, rtol=1e-5)
    for a, b in zip(weights, same, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)


# -- dtypes --------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def mixed():
    dtype_policies.set_dtype_policy("mixed_bfloat16")
    yield
    dtype_policies.set_dtype_policy(None)


@pytest.mark.parametrize(
    ("version", "losses", "bias"),
    [("2.15", [1.26171875, 1.25390625, 1.205078125], 0.0053666), ("3", [1.2702259, 1.2702731, 1.1843213], 0.0053560)],
)
def test_mixed_precision_trains_float32_weights(mixed, version, losses, bias):
    config.set_keras_version(version)
    x, y = np.arange(24.0).reshape(6, 4) / 24, (np.arange(6) % 2)[:, None]
    ones = functools.partial(layers.Dense, kernel_initializer="ones")
    model = Sequential([ones(4, activation="tanh", input_shape=(4,)), layers.BatchNormalization(), ones(1, activation="sigmoid")])
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    history = model.fit(x, y, epochs=3, batch_size=3, shuffle=False, verbose=0).history
    assert history["loss"] == pytest.approx(losses, rel=0.02)  # three digits are all that bfloat16 has
    assert history["accuracy"] == [0.5, 0.5, 0.5]
    assert {w.dtype for w in model.weights} == {torch.float32}
    assert model(x).dtype is torch.bfloat16
    # steps of Adam do not depend on the size of gradients: the weights agree better than the losses
    np.testing.assert_allclose(model.get_weights()[1], [bias] * 4, rtol=2e-3)
    np.testing.assert_allclose(model.get_weights()[4], [0.0474965] * 4, rtol=1e-3)


# -- regularization -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("version", "losses", "kernel", "evaluated"),
    [
        ("2.3.1", [1.5025525, 1.4670519], [0.7392055, 0.7062664], [0.8573112, 0.7151476]),
        ("2.15", [1.4027741, 1.4656563], [0.7418139, 0.7097052], [0.6752579, 0.6752579]),
        ("3", [1.4027741, 1.4656563], [0.7418139, 0.7097052], [0.6752579, 0.6752579]),
    ],
)
def test_logged_losses_hold_activity_and_weight_regularization(version, losses, kernel, evaluated):
    """Until 2.3 the activity's penalty is a sum over the batch, later it is divided by the number of samples."""
    config.set_keras_version(version)
    model = Sequential(
        [
            layers.Dense(2, input_shape=(2,), kernel_initializer="ones", activity_regularizer=regularizers.l2(0.1)),
            layers.Dense(1, kernel_initializer="ones", kernel_regularizer=regularizers.l1(0.01)),
        ]
    )
    model.compile(optimizers.SGD(0.1), "mse")
    history = model.fit(EIGHTHS, ONES, batch_size=3, shuffle=False, epochs=2, verbose=0).history
    np.testing.assert_allclose(history["loss"], losses, rtol=1e-6)
    np.testing.assert_allclose(model.get_weights()[0], np.repeat(kernel, 2).reshape(2, 2), rtol=1e-6)
    numbers = [model.evaluate(EIGHTHS, ONES, verbose=0, **size) for size in ({}, {"batch_size": 3})]
    np.testing.assert_allclose(numbers, evaluated, rtol=1e-6)


# -- fetching -------------------------------------------------------------------------------------------------------------------


def plain():
    model = Sequential([layers.Dense(1, input_shape=(2,))])
    model.compile("sgd", "mse")
    return model


def calls(model):
    return (
        functools.partial(model.fit, EIGHTHS, ONES, verbose=0),
        functools.partial(model.evaluate, EIGHTHS, ONES, verbose=0),
        functools.partial(model.predict, EIGHTHS, verbose=0),
    )


def test_workers_are_taken_for_arrays_too():
    for call in calls(plain()):
        call(max_queue_size=20, workers=4, use_multiprocessing=False)
        with pytest.warns(DeprecationWarning, match="is called"):
            call(max_q_size=20, nb_worker=0, pickle_safe=False)


def test_batch_methods_fetch_nothing():
    with pytest.raises(TypeError, match="workers"):
        plain().train_on_batch(EIGHTHS, ONES, workers=1)


# -- classes --------------------------------------------------------------------------------------------------------------------

TABLE, SAMPLES, LABELS = {0: 1.0, 1: 3.0}, np.array([1.0, 2, 0.5, 3]), np.array([0, 1, 1, 0])


def weighted(loss, units, y, sample_weight=None):
    activation = "sigmoid" if units == 1 else "softmax"
    model = Sequential([layers.Dense(units, input_shape=(2,), kernel_initializer="ones", activation=activation)])
    model.compile(optimizers.SGD(0.1), loss, weighted_metrics=["accuracy"])
    weights = {"class_weight": TABLE, "sample_weight": sample_weight}
    history = model.fit(EIGHTHS, y, verbose=0, batch_size=4, shuffle=False, **weights).history
    return [history["loss"][0], next(v[0] for k, v in history.items() if "acc" in k)], model.get_weights()[0].ravel()


@pytest.mark.parametrize("targets", [LABELS, LABELS.astype("float32"), LABELS.astype("float32")[:, None]])
@pytest.mark.parametrize(
    ("version", "numbers", "kernel"),
    [
        ("2.2.4", [1.7924523, 0.625], [0.9588939, 0.9519632]),  # the sample weights alone
        ("2.3.1", [2.2914405, 0.6521739], [0.9706736, 0.9688668]),
        ("2.15", [2.2914405, 0.6521739], [0.9706736, 0.9688668]),
    ],
)
def test_class_and_sample_weights_together(version, numbers, kernel, targets):
    config.set_keras_version(version)
    got, weights = weighted("binary_crossentropy", 1, targets, SAMPLES)
    np.testing.assert_allclose(got, numbers, rtol=1e-6)
    np.testing.assert_allclose(weights, kernel, rtol=1e-6)


@pytest.mark.parametrize("version", ["2.3.1", "2.15"])
@pytest.mark.parametrize(
    ("loss", "targets"),
    [
        ("sparse_categorical_crossentropy", LABELS),
        ("sparse_categorical_crossentropy", LABELS.astype("float32")),
        ("categorical_crossentropy", np.eye(2)[LABELS]),
    ],
)
def test_class_and_sample_weights_of_several_outputs(version, loss, targets):
    config.set_keras_version(version)
    got, weights = weighted(loss, 2, targets, SAMPLES)
    np.testing.assert_allclose(got, [1.9927982, 0.3478261], rtol=1e-6)
    np.testing.assert_allclose(weights, [1.0, 1.0, 0.9945313, 1.0054687], rtol=1e-6)


@pytest.mark.parametrize("version", ["2.15", "3"])
def test_the_class_of_a_fraction_is_the_nearest(version):
    config.set_keras_version(version)
    got, weights = weighted("binary_crossentropy", 1, np.array([0.2, 0.8, 1, 0]))
    np.testing.assert_allclose(got, [1.2604741, 0.375], rtol=1e-6)
    np.testing.assert_allclose(weights, [0.9963124, 0.9963578], rtol=1e-6)


@pytest.mark.parametrize("version", ["2.2.4", "2.3.1"])
def test_a_fraction_is_no_class_in_old_keras(version):
    config.set_keras_version(version)
    with pytest.raises(ArgumentError, match="needs targets that are classes"):
        weighted("binary_crossentropy", 1, np.array([0.2, 0.8, 1, 0]))


# -- lists of numbers -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("version", "metrics", "weighted_metrics", "count"),
    [
        ("2.2.4", ["mae", "mae"], None, 3),
        ("2.3.1", ["mae", "mae"], None, 2),
        ("2.3.1", ["mae", "mean_absolute_error"], None, 3),
        ("2.3.1", ["mae"], ["mae"], 3),
        ("2.15", ["mae"], ["mae"], 3),
        ("3", ["mae", "mae"], None, 4),  # both are looked up as mae, then mae_1 is left
        ("3", ["mae"], ["mae"], 4),
        ("3", ["mae", "mean_absolute_error"], None, 3),
    ],
)
def test_how_many_numbers_metrics_of_one_name_give(version, metrics, weighted_metrics, count):
    config.set_keras_version(version)
    model = models.Sequential([layers.Dense(1, input_shape=(2,), kernel_initializer="ones")])
    model.compile(optimizers.SGD(0.01), "mse", metrics=metrics, weighted_metrics=weighted_metrics)
    model.fit(EIGHTHS, ONES, verbose=0, batch_size=4)
    numbers = model.evaluate(EIGHTHS, ONES, verbose=0)
    np.testing.assert_allclose(numbers, [0.3266718] + [0.4989844] * (count - 1), rtol=1e-4)
