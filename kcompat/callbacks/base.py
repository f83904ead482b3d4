"""`Callback`: what happens around epochs and batches."""

from __future__ import annotations

from typing import Any

#: hook -> the old name that stands for the same (a callback may define either)
HOOKS: dict[str, str | None] = {
    "on_train_begin": None, "on_train_end": None, "on_test_begin": None, "on_test_end": None,
    "on_predict_begin": None, "on_predict_end": None, "on_epoch_begin": None, "on_epoch_end": None,
    "on_train_batch_begin": "on_batch_begin", "on_train_batch_end": "on_batch_end",
    "on_test_batch_begin": None, "on_test_batch_end": None, "on_predict_batch_begin": None, "on_predict_batch_end": None,
}  # fmt: skip


class Callback:
    """Base of callbacks: override the hooks you need. `self.model` and `self.params` are set before training starts.

    `logs` holds numbers: after a batch those so far in the epoch (Keras 1 to 2.3: of the batch), after an epoch also `val_*`.
    Source: https://keras.io/api/callbacks/base_callback/
    """

    #: whether the hooks after batches take a function that gives the logs, instead of the logs
    lazy_logs = False

    def __init__(self) -> None:
        self.model: Any = None
        self.params: dict[str, Any] = {}
        self.validation_data: Any = None

    def set_params(self, params: dict[str, Any]) -> None:
        """Take the facts of the run: epochs, steps, verbose."""
        self.params = params

    def set_model(self, model: Any) -> None:
        """Take the model."""
        self.model = model

    def on_train_begin(self, logs: Any = None) -> None:
        """Before training."""

    def on_train_end(self, logs: Any = None) -> None:
        """After training; `logs` of the last epoch."""

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Before an epoch."""

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """After an epoch and its validation."""

    def on_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Old name of `on_train_batch_begin`."""

    def on_batch_end(self, batch: int, logs: Any = None) -> None:
        """Old name of `on_train_batch_end`."""

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Before a batch of training."""
        self.on_batch_begin(batch, logs=logs)

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """After a batch of training."""
        self.on_batch_end(batch, logs=logs)

    def on_test_begin(self, logs: Any = None) -> None:
        """Before evaluation or validation."""

    def on_test_end(self, logs: Any = None) -> None:
        """After evaluation or validation."""

    def on_test_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Before a batch of evaluation."""

    def on_test_batch_end(self, batch: int, logs: Any = None) -> None:
        """After a batch of evaluation."""

    def on_predict_begin(self, logs: Any = None) -> None:
        """Before prediction."""

    def on_predict_end(self, logs: Any = None) -> None:
        """After prediction."""

    def on_predict_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Before a batch of prediction."""

    def on_predict_batch_end(self, batch: int, logs: Any = None) -> None:
        """After a batch of prediction; `logs["outputs"]` are its outputs."""
