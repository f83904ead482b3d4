"""Callbacks that set learning rates, save, and stop. Numbers of the schedules: hand computation; names of logs: printed by real Keras."""

import numpy as np
import pytest
import torch

from kcompat import callbacks, config, layers, metrics, models, optimizers
from kcompat.errors import ArgumentError, ArgumentTypeError, FileError, UnknownNameError

X = np.arange(10.0)[:, None] / 10


def model(**arguments):
    made = models.Sequential([layers.Dense(1, use_bias=False, kernel_initializer="ones", input_shape=(1,))])
    made.compile(arguments.pop("optimizer", "sgd"), "mse", **arguments)
    return made


def fitted(*listed, epochs=5, y=None, made=None, **arguments):
    made = made or model()
    return made.fit(X, X if y is None else y, epochs=epochs, verbose=0, callbacks=list(listed), **arguments).history


# -- rates --------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("version", "name"), [("2.2.4", "lr"), ("2.15", "lr"), ("3", "learning_rate")])
def test_scheduler(version, name, capsys):
    config.set_keras_version(version)
    by_epoch = fitted(callbacks.LearningRateScheduler(lambda epoch: 0.1 / (epoch + 1)), epochs=3)
    assert by_epoch[name] == pytest.approx([0.1, 0.05, 0.1 / 3])
    halved = fitted(callbacks.LearningRateScheduler(lambda epoch, rate: rate * 0.5, verbose=1), epochs=2)
    assert halved[name] == pytest.approx([0.005, 0.0025])
    first = "Epoch 00001" if version == "2.2.4" else "Epoch 1"
    assert f"{first}: LearningRateScheduler setting learning rate to 0.005" in capsys.readouterr().out


def test_scheduler_sets_a_torch_optimizer_too():
    made = model()
    made.compile(torch.optim.SGD(made.parameters(), 1.0), "mse")
    fitted(callbacks.LearningRateScheduler(lambda epoch: 0.25), made=made, epochs=1)
    assert made.optimizer.param_groups[0]["lr"] == 0.25


def test_scheduler_refuses():
    with pytest.raises(ArgumentTypeError, match="`schedule` must be a function"):
        callbacks.LearningRateScheduler(0.1)
    with pytest.raises(ArgumentError, match="must give a float, it gave 1 for epoch 0"):
        fitted(callbacks.LearningRateScheduler(lambda epoch: 1))


def test_reduce_on_plateau_waits_cools_down_and_has_a_floor():
    made = model(optimizer=optimizers.SGD(0.0))
    made.optimizer.learning_rate = 1.0
    constant = callbacks.LambdaCallback(on_epoch_begin=lambda e, logs: made.set_weights([np.ones((1, 1))]))
    reduce = callbacks.ReduceLROnPlateau("loss", factor=0.5, patience=2, cooldown=1, min_lr=0.2)
    rates = fitted(constant, reduce, made=made, epochs=10, y=X + 1)["lr"]
    # epoch 0 is the best; 1, 2 wait; halved after 2; printed by Keras 2.2.4, 2.3.1 and tf_keras
    assert rates == pytest.approx([1, 1, 1, 0.5, 0.5, 0.25, 0.25, 0.2, 0.2, 0.2])


def test_reduce_on_plateau_arguments():
    with pytest.raises(ArgumentError, match="`factor` must be below 1"):
        callbacks.ReduceLROnPlateau(factor=1.0)
    with pytest.warns(DeprecationWarning, match="`epsilon`"):
        assert callbacks.ReduceLROnPlateau(epsilon=0.5).min_delta == -0.5
    with pytest.raises(ArgumentTypeError, match="no argument `eps`"):
        callbacks.ReduceLROnPlateau(eps=1)
    with pytest.warns(UserWarning, match="`monitor` 'val_loss' is not among the logs: loss, lr"):
        fitted(callbacks.ReduceLROnPlateau(), epochs=1)


# -- which way is better --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("version", "monitor", "up"),
    [
        ("2.2.4", "val_acc", True), ("2.2.4", "acc_of_mine", True), ("2.15", "acc_of_mine", False), ("2.15", "val_auc", True),
        ("2.15", "loss", False),
    ],
)  # fmt: skip
def test_auto_goes_by_the_name(version, monitor, up):
    config.set_keras_version(version)
    assert (callbacks.EarlyStopping(monitor).monitor_op is np.greater) == up


@pytest.mark.parametrize(("monitor", "up"), [("loss", False), ("mae", False), ("val_accuracy", True), ("val_cosine", True)])
def test_auto_goes_by_the_metric_in_keras_3(monitor, up):
    config.set_keras_version("3")
    made = model(metrics=["mae", "accuracy", metrics.CosineSimilarity(name="cosine")])
    stop = callbacks.EarlyStopping(monitor, patience=9)
    fitted(stop, made=made, epochs=1, y=(X > 0.5) * 1.0, validation_data=(X, (X > 0.5) * 1.0))
    assert (stop.monitor_op is np.greater) == up


def test_auto_that_cannot_be_told_is_refused_in_keras_3():
    config.set_keras_version("3")

    def mine(y_true, y_pred):
        return (y_true - y_pred).sum(-1)

    with pytest.raises(ArgumentError, match="Pass `mode`"):
        fitted(callbacks.EarlyStopping("mine"), made=model(metrics=[mine]))


@pytest.mark.parametrize(("version", "stopped_at"), [("2.2.4", 1), ("2.15", 2)])
def test_baseline(version, stopped_at):
    """Keras 2.2 takes the baseline as the first best, later the first epoch is the best, which must beat the baseline to reset."""
    config.set_keras_version(version)
    made = model()
    values = iter([3.0, 2.0, 2.0, 2.0, 2.0])
    change = callbacks.LambdaCallback(on_epoch_begin=lambda e, logs: made.set_weights([np.array([[next(values)]])]))
    made.optimizer.learning_rate = 0.0
    stop = callbacks.EarlyStopping("loss", baseline=0.01, patience=2)
    fitted(change, stop, made=made, shuffle=False)
    assert stop.stopped_epoch == stopped_at


@pytest.mark.parametrize(("version", "weight"), [("2.15", 3.0), ("3", 1.0)])
def test_best_weights_come_back_without_a_stop_in_keras_3(version, weight):
    config.set_keras_version(version)
    made = model()
    values = iter([2.0, 1.0, 3.0])
    change = callbacks.LambdaCallback(on_epoch_begin=lambda e, logs: made.set_weights([np.array([[next(values)]])]))
    made.optimizer.learning_rate = 0.0
    fitted(change, callbacks.EarlyStopping("loss", patience=5, restore_best_weights=True), made=made, epochs=3)
    assert made.get_weights()[0].item() == weight


# -- checkpoints ------------------------------------------------------------------------------------------------------------------


def losses(made, *values):
    supply = iter(values)
    made.optimizer.learning_rate = 0.0
    return callbacks.LambdaCallback(on_epoch_begin=lambda e, logs: made.set_weights([np.array([[next(supply)]])]))


@pytest.mark.parametrize("version", ["2.2.4", "2.15"])
def test_names_from_logs(tmp_path, version):
    config.set_keras_version(version)
    made = model()
    path = str(tmp_path / "in" / "{epoch:02d}-{loss:.2f}.h5")
    fitted(losses(made, 3.0, 1.0), callbacks.ModelCheckpoint(path), made=made, epochs=2)
    assert sorted(p.name for p in (tmp_path / "in").iterdir()) == ["01-1.14.h5", "02-0.00.h5"]
    assert models.load_model(tmp_path / "in" / "01-1.14.h5").get_weights()[0].item() == 3.0


def test_only_the_best(tmp_path, capsys):
    made, path = model(), tmp_path / "best.h5"
    best = callbacks.ModelCheckpoint(path, "loss", verbose=1, save_best_only=True, save_weights_only=True)
    fitted(losses(made, 3.0, 2.0, 5.0), best, made=made, epochs=3)
    assert best.best == pytest.approx(0.285)
    made.load_weights(path)
    assert made.get_weights()[0].item() == 2.0
    out = capsys.readouterr().out
    assert f"Epoch 2: loss improved from 1.14000 to 0.28500, saving model to {path}" in out
    assert "Epoch 3: loss did not improve from 0.28500" in out


def test_threshold_and_mode(tmp_path):
    made, path = model(), tmp_path / "best.h5"
    fitted(
        losses(made, 3.0, 2.0),
        callbacks.ModelCheckpoint(path, "loss", save_best_only=True, initial_value_threshold=0.1),
        made=made,
        epochs=2,
    )
    assert not path.exists()
    fitted(losses(made, 3.0, 2.0), callbacks.ModelCheckpoint(path, "loss", save_best_only=True, mode="max"), made=made, epochs=2)
    assert models.load_model(path).get_weights()[0].item() == 3.0


def test_by_batches_and_by_period(tmp_path):
    fitted(callbacks.ModelCheckpoint(tmp_path / "{epoch}-{batch}.h5", save_freq=3), epochs=3, batch_size=4)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["1-3.h5", "2-3.h5", "3-3.h5"]
    fitted(callbacks.ModelCheckpoint(tmp_path / "p{epoch}.h5", period=2), epochs=4)
    assert sorted(p.name for p in tmp_path.iterdir())[3:] == ["p2.h5", "p4.h5"]


def test_restart_from_the_newest_file(tmp_path):
    made = model()
    fitted(losses(made, 4.0), callbacks.ModelCheckpoint(tmp_path / "{epoch}.h5", save_weights_only=True), made=made, epochs=1)
    again = model()
    again.optimizer.learning_rate = 0.0
    kept = callbacks.ModelCheckpoint(tmp_path / "{epoch}.h5", save_weights_only=True, load_weights_on_restart=True)
    fitted(kept, made=again, epochs=1)
    assert again.get_weights()[0].item() == 4.0


def test_checkpoint_refuses(tmp_path):
    with pytest.raises(ArgumentError, match="`save_freq`"):
        callbacks.ModelCheckpoint("m.h5", save_freq="batch")
    with pytest.raises(ArgumentError, match="`options`"):
        callbacks.ModelCheckpoint("m.h5", options=object())
    with pytest.raises(ArgumentTypeError, match="Did you mean 'period'"):
        callbacks.ModelCheckpoint("m.h5", periods=2)
    with pytest.raises(UnknownNameError, match="asks for 'val_acc', the logs have"):
        fitted(callbacks.ModelCheckpoint(tmp_path / "{val_acc}.h5"))
    (tmp_path / "m.h5").mkdir()
    with pytest.raises(FileError, match="is a folder"):
        fitted(callbacks.ModelCheckpoint(tmp_path / "m.h5"))
    with pytest.warns(UserWarning, match="'val_loss' is not among the logs"):
        fitted(callbacks.ModelCheckpoint(tmp_path / "x.h5", save_best_only=True), epochs=1)
    assert not (tmp_path / "x.h5").exists()
    config.set_keras_version("3")
    with pytest.raises(ArgumentError, match=r"must end in \.weights\.h5"):
        callbacks.ModelCheckpoint("m.h5", save_weights_only=True)
    with pytest.raises(ArgumentError, match=r"must end in \.keras or \.h5"):
        callbacks.ModelCheckpoint("m")
    config.set_keras_version("2.2.4")
    assert callbacks.ModelCheckpoint("m", "loss", 0, False, False, "auto", 7).period == 7
