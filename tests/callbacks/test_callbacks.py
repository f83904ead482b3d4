import sys

import numpy as np
import pytest

from kcompat import callbacks, config, layers, models
from kcompat.callbacks.progress import Progbar, number, remaining, seconds
from kcompat.errors import ArgumentTypeError

X = np.arange(10.0)[:, None] / 10


def model():
    made = models.Sequential([layers.Dense(1, use_bias=False, kernel_initializer="ones", input_shape=(1,))])
    made.compile("sgd", "mse", metrics=["mae"])
    return made


HOOKS = [
    "on_train_begin", "on_epoch_begin", "on_train_batch_begin", "on_train_batch_end", "on_test_begin", "on_test_batch_begin",
    "on_test_batch_end", "on_test_end", "on_epoch_end", "on_train_end", "on_predict_begin", "on_predict_batch_begin",
    "on_predict_batch_end", "on_predict_end",
]  # fmt: skip


def test_every_hook_is_called_in_order():
    seen = []
    body = {hook: lambda self, *args, _hook=hook, logs=None: seen.append(_hook) for hook in HOOKS}
    every = type("Every", (callbacks.Callback,), body)()
    made = model()
    made.fit(X, X, verbose=0, validation_data=(X, X), callbacks=[every])
    made.predict(X, verbose=0, callbacks=[every])
    assert seen == HOOKS
    assert every.model is made
    assert every.params == {"verbose": 0, "epochs": 1, "steps": 1}


def test_only_overridden_hooks_are_called():
    listed = callbacks.CallbackList([callbacks.Callback(), callbacks.LambdaCallback(on_epoch_end=lambda e, logs: None)])
    assert [hook for hook in HOOKS if listed.wants(hook)] == ["on_epoch_end"]
    old = type("Old", (callbacks.Callback,), {"on_batch_end": lambda self, batch, logs=None: None})()
    assert callbacks.CallbackList([old]).wants("on_train_batch_end")


def test_logs_of_old_generations_carry_the_batch():
    config.set_keras_version("2.2.4")
    seen = []
    hook = callbacks.LambdaCallback(on_batch_begin=lambda batch, logs: seen.append(dict(logs)))
    model().fit(X, X, verbose=0, batch_size=6, callbacks=[hook])
    assert seen == [{"batch": 0, "size": 6}, {"batch": 1, "size": 4}]


def test_lambda_callback_refuses_unknown_hooks():
    with pytest.raises(ArgumentTypeError, match="on_epoch_end"):
        callbacks.LambdaCallback(on_epoch_ended=print)
    with pytest.raises(ArgumentTypeError, match="must be a function"):
        callbacks.LambdaCallback(on_epoch_end=3)


@pytest.mark.parametrize(("patience", "epochs"), [(0, 2), (1, 2), (2, 3)])
def test_early_stopping_on_a_constant_loss(patience, epochs):
    made = model()
    made.optimizer.learning_rate = 0.0
    stop = callbacks.EarlyStopping(monitor="loss", patience=patience)
    assert len(made.fit(X, X + 1, verbose=0, epochs=9, callbacks=[stop]).epoch) == epochs


def test_early_stopping_restores_the_best_weights():
    made = model()
    weights = iter([3.0, 1.0, 5.0, 6.0, 7.0])
    change = callbacks.LambdaCallback(on_epoch_begin=lambda e, logs: made.set_weights([np.array([[next(weights)]])]))
    made.optimizer.learning_rate = 0.0
    stop = callbacks.EarlyStopping(monitor="loss", patience=2, restore_best_weights=True)
    made.fit(X, X, verbose=0, epochs=5, callbacks=[change, stop])
    assert stop.stopped_epoch == 3
    assert made.get_weights()[0].tolist() == [[1.0]]


def test_early_stopping_arguments():
    with pytest.warns(UserWarning, match="`mode` must be"):
        assert callbacks.EarlyStopping(mode="up").mode == "auto"
    with pytest.warns(UserWarning, match="`monitor` 'val_loss' is not among"):
        model().fit(X, X, verbose=0, callbacks=[callbacks.EarlyStopping()])


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ("2.2.4", "10/10 [==============================] - 0s "),
        ("2.15", "3/3 [==============================] - 0s "),
        ("3", "\x1b[1m3/3\x1b[0m \x1b[32m━━━━━━━━━━━━━━━━━━━━\x1b[0m\x1b[37m\x1b[0m \x1b[1m0s\x1b[0m "),
    ],
)
def test_the_bar_has_the_look_of_its_generation(version, expected, capsys):
    config.set_keras_version(version)
    model().fit(X, X, verbose=1, batch_size=4, epochs=2, validation_data=(X, X))
    lines = capsys.readouterr().out.splitlines()
    assert "Epoch 1/2" in lines
    drawn = [line for line in lines if line.startswith(expected)]
    assert len(drawn) == 2
    assert " - loss: " in drawn[0]
    assert drawn[0].rindex("val_loss") > drawn[0].index("loss")


def test_one_line_an_epoch(capsys):
    model().fit(X, X, verbose=2, batch_size=4)
    out = capsys.readouterr().out.splitlines()
    assert len(out) == 1
    assert out[0].startswith("3/3 - 0s - loss: ")
    assert out[0].endswith("/step")


def test_silence(capsys):
    made = model()
    made.fit(X, X, verbose=0)
    made.predict(X, verbose=0)
    assert capsys.readouterr().out == ""


def test_redrawn_in_place_on_a_terminal(capsys, monkeypatch):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    bar = Progbar(10, interval=0)
    bar.update(5, [("loss", 1.0)])
    bar.update(10, [("loss", 3.0)])
    first, second = capsys.readouterr().out.split("\r")[1:]
    assert "5/10 [==============>...............] - ETA: 0s - loss: 1.0000" in first
    assert "10/10 [==============================] - " in second
    assert "loss: 2.0000" in second


def test_numbers_and_times():
    assert (number(0.12345), number(0.00012345), number("x")) == ("0.1235", "1.2345e-04", "x")
    assert (seconds(2.0), seconds(0.0123), seconds(0.0000123)) == ("2s", "12ms", "12us")
    assert (remaining(3723), remaining(123), remaining(3.4)) == ("1:02:03", "2:03", "3s")
