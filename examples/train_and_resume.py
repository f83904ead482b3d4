"""`compile` and `fit` with callbacks; the training is stopped half way, and goes on as if it had not been.

python examples/train_and_resume.py
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np

from kcompat import random
from kcompat.callbacks import BackupAndRestore, Callback, CSVLogger, ModelCheckpoint, ReduceLROnPlateau
from kcompat.layers import BatchNormalization, Dense, Dropout, Input
from kcompat.models import Sequential, load_model


class Stop(Exception):
    """What a power cut would be."""


class PowerCut(Callback):
    """Ends everything after an epoch."""

    def __init__(self, epoch: int):
        super().__init__()
        self.epoch = epoch

    def on_epoch_end(self, epoch, logs=None):
        if epoch == self.epoch:
            raise Stop


def network() -> Sequential:
    random.set_random_seed(1)
    model = Sequential([Input((20,)), Dense(32, activation="relu"), BatchNormalization(), Dropout(0.2), Dense(3, activation="softmax")])
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def train(model: Sequential, folder: Path, *more: Callback) -> None:
    draw = np.random.RandomState(0)
    x = draw.normal(size=(600, 20)).astype("float32")
    y = x[:, :3].argmax(1)
    callbacks = [
        BackupAndRestore(folder / "backup"),
        ModelCheckpoint(str(folder / "best.h5"), monitor="val_loss", save_best_only=True),
        ReduceLROnPlateau(monitor="val_loss", patience=3),
        CSVLogger(str(folder / "log.csv"), append=True),
        *more,
    ]
    model.fit(x, y, epochs=6, batch_size=32, validation_split=0.2, callbacks=callbacks, verbose=2)


def main() -> float:
    """The largest difference between the weights of a training that was cut and one that was not."""
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as two:
        whole = network()
        train(whole, Path(one))
        try:
            train(network(), Path(two), PowerCut(epoch=3))
        except Stop:
            print("power cut after epoch 4; a new process goes on:")
        resumed = network()
        train(resumed, Path(two))
        load_model(Path(two) / "best.h5").summary()
    pairs = zip(whole.get_weights(), resumed.get_weights(), strict=True)
    difference = max(float(np.abs(a - b).max()) for a, b in pairs)
    print(f"largest difference to the training without a cut: {difference}")
    return difference


if __name__ == "__main__":
    main()
