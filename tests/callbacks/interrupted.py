"""Trains under `BackupAndRestore`, killed by SIGKILL at the moments given, then goes on; prints the last weights of every training.

Arguments: a folder, then moments as "batch:5" (after that many batches), "write:2" (while the second backup is written, before it has its
name), "epoch:1" (when the epoch's backup is there). Each training is a process of its own, forked before torch has computed anything.
"""

import os
import signal
import sys
import traceback

import numpy as np
import torch._dynamo  # noqa: F401  optimizers import it at their first step: once here, not in every process

from kcompat import atomic, callbacks, layers, models, optimizers, random

atomic._flush = lambda path: None  # a killed process loses nothing that it gave to the system; only a machine does


class Killer(callbacks.Callback):
    def __init__(self, moment):
        super().__init__()
        self.kind, _, count = moment.partition(":")
        self.left = int(count or 0)

    def _one(self, kind):
        if kind == self.kind:
            self.left -= 1
            if self.left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    def on_train_batch_end(self, batch, logs=None):
        self._one("batch")

    def on_epoch_end(self, epoch, logs=None):
        self._one("epoch")


def train(folder, save_freq, moment):
    random.set_random_seed(7)
    x, y = np.random.rand(40, 6), np.random.rand(40, 1)
    model = models.Sequential(
        [layers.Dense(8, activation="tanh", input_shape=(6,)), layers.Dropout(0.4), layers.BatchNormalization(), layers.Dense(1)]
    )
    model.compile(optimizers.Adam(0.05), "mse", metrics=["mae"])
    backup = callbacks.BackupAndRestore(os.path.join(folder, "backup"), save_freq=save_freq, double_checkpoint=True)
    saved = callbacks.ModelCheckpoint(os.path.join(folder, "model.h5"), save_freq=4)
    killer = Killer(moment)
    if killer.kind == "write":
        real = os.replace

        def replace(source, target):
            killer._one("write")
            real(source, target)

        atomic.os.replace = replace
    plateau = callbacks.ReduceLROnPlateau("loss", patience=1, min_delta=0.05, factor=0.5)
    history = model.fit(x, y, batch_size=8, epochs=3, verbose=0, validation_split=0.1, callbacks=[backup, plateau, saved, killer])
    print(repr([float(np.float64(w).sum()) for w in model.get_weights()] + [float(history.history["loss"][-1])]), flush=True)


def in_process(*arguments):
    pid = os.fork()
    if pid == 0:
        try:
            train(*arguments)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    _, status = os.waitpid(pid, 0)
    return os.WIFSIGNALED(status)


if __name__ == "__main__":
    top, save_freq, *moments = sys.argv[1:]
    freq = save_freq if save_freq == "epoch" else int(save_freq)
    for moment in ["none", *moments]:
        place = os.path.join(top, moment.replace(":", "_"))
        os.makedirs(place)
        if moment != "none":
            assert in_process(place, freq, moment), f"{moment}: was not killed"
            last = os.path.join(place, "model.h5")
            if os.path.exists(last):
                pid = os.fork()
                if pid == 0:
                    models.load_model(last).predict(np.zeros((1, 6)), verbose=0)
                    os._exit(0)
                assert os.waitpid(pid, 0)[1] == 0, f"{moment}: the last file does not load"
        assert not in_process(place, freq, "none")
