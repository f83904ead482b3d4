"""What old scripts say: Keras 1's words for generators, class weights that are no table, targets checked against outputs.

Numbers of Keras 1 were printed by real Keras 1.2.2 (Theano), those of 2.2 and 2.3 by Keras 2.2.4 and 2.3.1; others are computed by hand.
"""

import numpy as np
import pytest
import torch

from kcompat import callbacks, config, layers, metrics, models, optimizers
from kcompat.errors import ArgumentError, ArgumentTypeError, ShapeError

X = np.arange(12.0).reshape(6, 2) / 10
Y = X.sum(1, keepdims=True)


def line(version):
    config.set_keras_version(version)
    model = models.Sequential([layers.Dense(1, input_dim=2, name="out")])
    model.set_weights([np.full((2, 1), 0.5), np.zeros(1)])
    model.compile(optimizers.SGD(0.05), "mse", metrics=["mae"])
    return model


def pairs():
    place = 0
    while True:
        rows = (np.arange(2) + place) % 6
        place += 2
        yield X[rows], Y[rows]


def near(*values):
    return pytest.approx(list(values), rel=1e-6)


# -- Keras 1 --------------------------------------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore:.*is called.*:DeprecationWarning")
def test_keras_1_counts_samples():
    history = line("1.2.2").fit_generator(pairs(), samples_per_epoch=4, nb_epoch=3, verbose=0, validation_data=(X, Y)).history
    assert history["loss"] == near(0.162351593375206, 0.3424601287115365, 0.1854863241314888)
    assert history["val_loss"] == near(0.29933784312258166, 0.14805592208479842, 0.06321592566867669)


@pytest.mark.filterwarnings("ignore:.*is called.*:DeprecationWarning")
def test_keras_1_by_position_with_epochs_of_more_samples_than_told():
    model = line("1.2.2")
    history = model.fit_generator(pairs(), 5, 2, verbose=0, validation_data=pairs(), nb_val_samples=6).history
    assert history["loss"] == near(0.3341425955295563, 0.12605610194926462)
    assert history["val_loss"] == near(0.14639556609715024, 0.06321592566867669)
    assert model.evaluate_generator(pairs(), val_samples=6) == near(0.06321592566867669, 0.2121185710032781)
    assert model.evaluate_generator(pairs(), 6) == near(0.06321592566867669, 0.2121185710032781)
    assert model.predict_generator(pairs(), val_samples=4).shape == (4, 1)


@pytest.mark.parametrize(("version", "epochs"), [("1.2.2", 10), ("2.2.4", 1), ("3", 1)])
def test_how_many_epochs_nothing_said_means(version, epochs):
    assert len(line(version).fit(X, Y, verbose=0).epoch) == epochs


def test_keras_2_takes_samples_for_batches():
    with pytest.warns(DeprecationWarning, match="`samples_per_epoch` is called `steps_per_epoch`"):
        told = line("2.2.4").fit_generator(pairs(), samples_per_epoch=3, verbose=0)
    assert told.history["loss"] == near(0.3341425955295563)  # three batches
    with pytest.raises(ArgumentTypeError, match="`samples_per_epoch` is of Keras 1: give `steps_per_epoch`"):
        line("2.15").fit_generator(pairs(), samples_per_epoch=3)


# -- data -------------------------------------------------------------------------------------------------------------------------


def test_arrays_that_run_backwards():
    model = line("3")
    assert np.array_equal(model.predict(X[::-1], verbose=0), model.predict(X, verbose=0)[::-1])
    weights = np.arange(6.0)
    assert model.evaluate(X, Y, sample_weight=weights[::-1], verbose=0) == model.evaluate(
        X, Y, sample_weight=weights[::-1].copy(), verbose=0
    )


@pytest.mark.parametrize("version", ["2.2.4", "2.3.1"])
@pytest.mark.parametrize("table", ["auto", np.array([1.0, 5.0])])
def test_class_weight_that_is_no_table_says_nothing_in_old_keras(version, table):
    with pytest.warns(UserWarning, match="`class_weight` must be a table"):
        told = line(version).fit(X, Y, class_weight=table, verbose=0, shuffle=False)
    assert told.history == line(version).fit(X, Y, verbose=0, shuffle=False).history


@pytest.mark.parametrize("version", ["2.15", "3"])
def test_class_weight_that_is_no_table_is_refused(version):
    with pytest.raises(ArgumentTypeError, match="`class_weight` must be a table .* received 'auto'"):
        line(version).fit(X, Y, class_weight="auto", verbose=0)


@pytest.mark.parametrize(("version", "law"), [("2.2.4", "same"), ("2.3.1", "same"), ("2.15", "broadcast"), ("3", "broadcast")])
def test_targets_that_would_have_to_be_broadcast(version, law):
    config.set_keras_version(version)
    model = models.Sequential([layers.Dense(3, input_dim=2, name="out")])
    model.compile("sgd", "mse")
    if law == "broadcast":
        assert len(model.fit(X, Y, verbose=0).history["loss"]) == 1
        return
    before = model.get_weights()
    with pytest.raises(ShapeError, match=r"Output 'out': .*mean_squared_error needs .* received \(6, 1\) and .* \(6, 3\)"):
        model.fit(X, Y, verbose=0)
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))
    model.compile("sgd", lambda y_true, y_pred: (y_true - y_pred) ** 2)  # one's own loss may do as it likes
    assert len(model.fit(X, Y, verbose=0).history["loss"]) == 1


def test_steps_that_were_divided():
    """`steps_per_epoch=len(x) / batch_size` of old scripts is no integer: the fraction is one more batch."""
    assert line("2.2.4").fit_generator(pairs(), steps_per_epoch=2.5, verbose=0).history["loss"] == near(0.3341425955295563)
    assert line("2.2.4").predict_generator(pairs(), steps=1.5).shape == (4, 1)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"epochs": "3"}, ArgumentTypeError, "`epochs` must be an integer of at least 0, received '3'"),
        ({"epochs": -1}, ArgumentError, "`epochs` must be an integer of at least 0, received -1"),
        ({"steps_per_epoch": -1}, ArgumentError, "`steps_per_epoch` must be an integer of at least 1, received -1"),
        ({"initial_epoch": "a"}, ArgumentTypeError, "`initial_epoch` must be an integer of at least 0, received 'a'"),
        ({"callbacks": [print]}, ArgumentTypeError, "`callbacks` must hold `Callback` objects, received <built-in function print>"),
        ({"callbacks": [callbacks.History]}, ArgumentTypeError, "`callbacks` must hold `Callback` objects, received <class"),
    ],
)
def test_counts_and_callbacks_that_are_none(arguments, error, message):
    with pytest.raises(error, match=message):
        line("3").fit(X, Y, verbose=0, **arguments)


# -- numbers ----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("version", "first", "second"), [("2.2.4", 0.0, 0.0), ("2.3.1", (1.0 + 1.0 + 0.0) / 3, 0.0), ("2.15", 0.0, 0.0), ("3", 0.0, 0.0)]
)
def test_train_on_batch_after_fit(version, first, second):
    """In Keras 2.3 the metrics of the first batch after `fit` still hold those of its last epoch; the loss is the batch's own."""
    config.set_keras_version(version)
    model = models.Sequential([layers.Dense(1, use_bias=False, kernel_initializer="ones", input_dim=1)])
    model.compile(optimizers.SGD(0.0), "mae", metrics=["mae"])
    one = np.ones((2, 1))
    model.fit(one, one * 2, batch_size=1, verbose=0)
    assert model.train_on_batch(one[:1], one[:1]) == near(0.0, first)
    assert model.train_on_batch(one[:1], one[:1]) == near(0.0, second)


@pytest.mark.parametrize("version", ["2.2.4", "3"])
def test_loss_weights_that_a_callback_changes(version):
    config.set_keras_version(version)
    weight = torch.tensor(1.0)
    inputs = layers.Input((1,))
    outputs = [layers.Dense(1, name=name, use_bias=False, kernel_initializer="ones")(inputs) for name in "ab"]
    model = models.Model(inputs, outputs)
    model.compile(optimizers.SGD(0.0), "mae", loss_weights=[weight, np.float32(0.5)])
    change = callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: weight.fill_(0.0))
    one = np.ones((2, 1))
    history = model.fit(one, [one * 2, one * 3], epochs=2, verbose=0, callbacks=[change]).history
    assert history["loss"] == near(1 + 0.5 * 2, 0.5 * 2)


def test_what_callbacks_are_told_of_a_generator_in_old_keras():
    history = line("2.2.4").fit_generator(pairs(), steps_per_epoch=2, verbose=0, validation_data=(X, Y))
    assert set(history.params) == {"do_validation", "epochs", "metrics", "steps", "verbose"}
    history = line("2.2.4").fit(X, Y, verbose=0, validation_data=(X, Y))
    assert set(history.params) == {"batch_size", "do_validation", "epochs", "metrics", "samples", "steps", "verbose"}


def test_small_letters_and_legacy_formats():
    config.set_keras_version("2.2.4")
    assert type(optimizers.adam(lr=0.5)) is optimizers.Adam and optimizers.sgd is optimizers.SGD
    config.set_keras_version("2.15")
    assert set(metrics.serialize(metrics.Mean(), use_legacy_format=True)) == {"class_name", "config"}
    assert metrics.deserialize(metrics.serialize(metrics.Mean("m"), use_legacy_format=True), use_legacy_format=True).name == "m"


@pytest.mark.parametrize("version", ["2.15", "3"])
@pytest.mark.parametrize(
    ("policy", "losses", "bar"),
    [
        ("mixed_float16", [0.581514, 0.547298, 0.542459, 0.541231, 0.539613], 5e-4),
        ("mixed_bfloat16", [0.581825, 0.547808, 0.543275, 0.540796, 0.540247], 4e-3),  # one step of bfloat16 is 1/256
    ],
)
def test_mixed_precision_as_printed_by_tf_keras(version, policy, losses, bar):
    config.set_keras_version(version)
    dense = [layers.Dense(5, activation="tanh", dtype=policy, input_shape=(4,)), layers.Dense(1)]
    model = models.Sequential(dense)
    model.set_weights([np.linspace(-0.5, 0.5, w.size).reshape(w.shape) for w in model.get_weights()])
    optimizer = optimizers.SGD(0.1)
    model.compile(optimizers.LossScaleOptimizer(optimizer) if policy == "mixed_float16" else optimizer, "mse")
    x, y = np.sin(np.arange(32.0)).reshape(8, 4), np.cos(np.arange(8.0))[:, None]
    assert model.fit(x, y, batch_size=4, epochs=5, shuffle=False, verbose=0).history["loss"] == pytest.approx(losses, rel=bar)
