"""A training that is killed goes on in a new process, and ends with the weights of one that was not."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from kcompat import callbacks, config, layers, models
from kcompat.callbacks.checkpoint import BatchCounter
from kcompat.errors import ArgumentError, FileError

X = np.arange(12.0)[:, None] / 12
SCRIPT = Path(__file__).with_name("interrupted.py")


def interrupted(folder, save_freq, *moments, version="2.15"):
    environment = {**os.environ, "PYTHONPATH": str(SCRIPT.parents[2]), "KCOMPAT_KERAS_VERSION": version, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, str(SCRIPT), str(folder), str(save_freq), *moments], capture_output=True, text=True, timeout=300, env=environment
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.parametrize(
    ("version", "save_freq", "moments"),
    [
        ("2.15", 2, ["batch:1", "batch:8", "batch:10", "write:4", "epoch:2"]),
        ("2.2.4", 3, ["batch:14"]),  # shuffles the order of the epoch before
        ("3", "epoch", ["batch:12", "write:2"]),
    ],
)
def test_killed_at_any_moment(tmp_path, version, save_freq, moments):
    whole, *resumed = interrupted(tmp_path, save_freq, *moments, version=version)
    assert resumed == [whole] * len(moments)


def model():
    made = models.Sequential([layers.Dense(1, use_bias=False, kernel_initializer="ones", input_shape=(1,))])
    made.compile("sgd", "mse")
    return made


def interrupted_fit(made, folder, at, **options):
    def stop(epoch, logs):
        if epoch == at:
            raise KeyboardInterrupt

    halt = callbacks.LambdaCallback(on_epoch_begin=stop)
    with pytest.raises(KeyboardInterrupt):
        made.fit(X, X * 2, epochs=4, verbose=0, callbacks=[callbacks.BackupAndRestore(folder, **options), halt])


def test_goes_on_at_the_epoch_that_was_interrupted(tmp_path):
    interrupted_fit(model(), tmp_path / "b", 2)
    made = model()
    history = made.fit(X, X * 2, epochs=4, verbose=0, callbacks=[callbacks.BackupAndRestore(tmp_path / "b")])
    assert history.epoch == [2, 3]
    assert not (tmp_path / "b").exists()
    whole = model()
    whole.fit(X, X * 2, epochs=4, verbose=0)
    np.testing.assert_allclose(made.get_weights()[0], whole.get_weights()[0], rtol=1e-6)


def test_delete_checkpoint_false_keeps_the_state(tmp_path):
    model().fit(X, X, epochs=1, verbose=0, callbacks=[callbacks.BackupAndRestore(tmp_path, delete_checkpoint=False)])
    assert [path.name for path in tmp_path.iterdir()] == ["training_state.pt"]


def test_a_damaged_state_is_an_error_or_the_one_before(tmp_path):
    interrupted_fit(model(), tmp_path, 2, double_checkpoint=True)
    state = tmp_path / "training_state.pt"
    state.write_bytes(state.read_bytes()[:100])
    made = model()
    assert made.fit(X, X, epochs=4, verbose=0, callbacks=[callbacks.BackupAndRestore(tmp_path, delete_checkpoint=False)]).epoch == [1, 2, 3]
    state.write_bytes(b"nothing")
    (tmp_path / "previous_training_state.pt").unlink()
    with pytest.raises(FileError, match="cannot be read"):
        model().fit(X, X, verbose=0, callbacks=[callbacks.BackupAndRestore(tmp_path)])


def test_the_state_of_another_model_is_refused(tmp_path):
    interrupted_fit(model(), tmp_path, 2)
    other = models.Sequential([layers.Dense(1, input_shape=(1,))])
    other.compile("sgd", "mse")
    with pytest.raises(FileError, match="another model"):
        other.fit(X, X, verbose=0, callbacks=[callbacks.BackupAndRestore(tmp_path)])


def test_told_to_end_it_saves_and_ends(tmp_path):
    tell = callbacks.LambdaCallback(on_train_batch_begin=lambda batch, logs: os.kill(os.getpid(), signal.SIGTERM) if batch == 1 else None)
    before = signal.getsignal(signal.SIGTERM)
    backup = callbacks.BackupAndRestore(tmp_path, save_before_preemption=True)
    with pytest.raises(SystemExit):
        model().fit(X, X * 2, batch_size=4, epochs=2, verbose=0, callbacks=[backup, tell])
    signal.signal(signal.SIGTERM, before)
    seen = []
    made = model()
    hook = callbacks.LambdaCallback(on_train_batch_begin=lambda batch, logs: seen.append(batch))
    made.fit(X, X * 2, batch_size=4, epochs=2, verbose=0, callbacks=[callbacks.BackupAndRestore(tmp_path), hook])
    assert seen == [2, 0, 1, 2]


def test_arguments():
    with pytest.raises(ArgumentError, match="`backup_dir`"):
        callbacks.BackupAndRestore("")
    with pytest.raises(ArgumentError, match="`save_freq` must be 'epoch'"):
        callbacks.BackupAndRestore("x", save_freq="batch")
    config.set_keras_version("3")
    assert callbacks.BackupAndRestore("x", "epoch", True).double_checkpoint is True
    config.set_keras_version("2.15")
    assert callbacks.BackupAndRestore("x", "epoch", False).delete_checkpoint is False


def test_batches_are_counted_over_epochs():
    counter = BatchCounter(3)
    due = []
    for _ in range(2):
        counter.start_epoch()
        due += [counter.due(batch) for batch in range(4)]
    assert due == [False, False, True, False, False, True, False, False]
