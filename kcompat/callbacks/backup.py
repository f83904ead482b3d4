"""`BackupAndRestore`: an interrupted training goes on where it stopped, as if it had not been interrupted."""

from __future__ import annotations

import os
import shutil
import signal
from typing import Any

import torch

from kcompat import random
from kcompat.atomic import replacing
from kcompat.callbacks.base import Callback
from kcompat.callbacks.checkpoint import BatchCounter, checked_frequency
from kcompat.callbacks.monitor import MonitorCallback
from kcompat.errors import ArgumentError, FileError
from kcompat.generations import positional

_NAME = "training_state.pt"
_PREVIOUS = "previous_training_state.pt"


class BackupAndRestore(Callback):
    """Keeps the state of a training in `backup_dir`, every epoch or every `save_freq` batches; `fit` in a new process goes on from it.

    Kept are weights, the optimizer's state, the generators of random numbers, the running metrics, and what `EarlyStopping`,
    `ReduceLROnPlateau` and `ModelCheckpoint` beside it know, so that the weights at the end are those of a training without
    interruption. One file is written whole, then renamed; `double_checkpoint` keeps the one before too. `delete_checkpoint` removes the
    state when training ends; `save_before_preemption` also saves after the batch in which the process is told to end (SIGTERM), and
    ends it. A generator goes on where it stands; of all other data the batches already seen are skipped.
    """

    lazy_logs = True

    @positional("backup_arguments")
    def __init__(
        self,
        backup_dir: str | os.PathLike[str],
        save_freq: Any = "epoch",
        delete_checkpoint: bool = True,
        save_before_preemption: bool = False,
        double_checkpoint: bool = False,
    ):
        super().__init__()
        if not backup_dir:
            raise ArgumentError(f"BackupAndRestore: `backup_dir` must name a folder, received {backup_dir!r}.")
        self.backup_dir = os.fspath(backup_dir)
        self.save_freq = save_freq
        self.delete_checkpoint = delete_checkpoint
        self.save_before_preemption = save_before_preemption
        self.double_checkpoint = double_checkpoint
        every = checked_frequency("BackupAndRestore", save_freq)
        self._counter = None if every is None else BatchCounter(every)
        self._beside: list[Any] = []
        self._restored: dict[str, Any] | None = None
        self._told_to_end = False
        self._due_at_end = False
        self._handler: Any = None

    def take_beside(self, callbacks: list[Any]) -> None:
        """Take the callbacks of the same training."""
        self._beside = callbacks

    # -- reading ---------------------------------------------------------------------------------------------------------------

    def on_train_begin(self, logs: Any = None) -> None:
        """Restore the state that an interrupted training left."""
        self._epoch, self._batch = 0, 0
        self._at_epoch: tuple[Any, Any] | None = None
        self._restored = self._read()
        if self._restored is not None:
            self._put_back(self._restored)
            self.model.__dict__["_resume"] = self
        if self.save_before_preemption:
            self._told_to_end = False
            self._handler = signal.signal(signal.SIGTERM, self._end_soon)

    def _read(self) -> dict[str, Any] | None:
        error: Exception | None = None
        for name in (_NAME, _PREVIOUS):
            path = os.path.join(self.backup_dir, name)
            if os.path.exists(path):
                try:
                    return torch.load(path, weights_only=True, map_location="cpu")
                except Exception as broken:  # whatever torch says of a damaged file
                    error = error or broken
        if error is not None:
            raise FileError(f"BackupAndRestore: the state in '{self.backup_dir}' cannot be read: {error}") from error
        return None

    def _put_back(self, state: dict[str, Any]) -> None:
        model = self.model
        if not getattr(model, "built", True):
            raise ArgumentError(
                "BackupAndRestore: a model must be built before `fit` goes on; call `build(input_shape)`, or call it on data."
            )
        tensors, kept = _tensors(model), state["model"]
        wrong = [name for name, tensor in tensors.items() if name not in kept or kept[name].shape != tensor.shape]
        if wrong or len(kept) != len(tensors):
            raise FileError(
                f"BackupAndRestore: '{self.backup_dir}' holds the state of another model: {(wrong or sorted(kept))[0]!r} differs."
            )
        with torch.no_grad():
            for name, tensor in tensors.items():
                tensor.copy_(kept[name])
        optimizer = model.optimizer
        if optimizer is not None and state["optimizer"] is not None:
            if hasattr(optimizer, "build"):
                optimizer.build(list(model.trainable_weights))
            optimizer.load_state_dict(state["optimizer"])

    # -- what the loop asks ----------------------------------------------------------------------------------------------------

    @property
    def resume_at(self) -> tuple[int, int]:
        """The epoch and the batch in it with which training goes on."""
        assert self._restored is not None
        return self._restored["epoch"], self._restored["batch"]

    def before_epoch(self) -> Any:
        """Put back the random numbers as they were when the interrupted epoch began, and what the other callbacks know.

        Gives the state of the data at that moment.
        """
        assert self._restored is not None
        random.set_generator_states(self._restored["random_at_epoch"])
        states = iter(self._restored["callbacks"])
        for callback in self._beside:
            if isinstance(callback, MonitorCallback):
                callback.set_state(next(states, {}))
        if self._counter is not None:
            self._counter.seen = self._restored["batches_since"]
        return self._restored["data"]

    def before_batch(self) -> list[Any]:
        """Put back the random numbers as they were after the last batch seen; the running metrics of that moment."""
        assert self._restored is not None
        random.set_generator_states(self._restored["random"])
        if self._counter is not None:
            self._counter.start_epoch(self._restored["batch"] - 1)
        return self._restored["metrics"]

    # -- writing ---------------------------------------------------------------------------------------------------------------

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Note where the epoch begins."""
        self._epoch, self._batch = epoch, 0
        self._at_epoch = random.generator_states(), self._data_state()
        if self._counter is not None:
            self._counter.start_epoch()

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Save after every `save_freq` batches."""
        self._batch = batch + 1
        due = self._counter is not None and self._counter.due(batch)
        if due and self._batch == getattr(self._data(), "steps", None):
            self._due_at_end = True  # nothing of the epoch is left to go on with
        elif due or self._told_to_end:
            self._save()
        if self._told_to_end:
            raise SystemExit(128 + signal.SIGTERM)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Save after an epoch."""
        self._epoch, self._batch, self._at_epoch = epoch + 1, 0, None
        if self._counter is None or self._due_at_end:
            self._due_at_end = False
            self._save()

    def _save(self) -> None:
        os.makedirs(self.backup_dir, exist_ok=True)
        path = os.path.join(self.backup_dir, _NAME)
        if self.double_checkpoint and os.path.exists(path):
            with replacing(os.path.join(self.backup_dir, _PREVIOUS)) as copy:
                shutil.copyfile(path, copy)
        with replacing(path) as temporary:
            torch.save(self._state(), temporary)

    def _data(self) -> Any:
        return getattr(self.model, "_training_data", None)

    def _data_state(self) -> Any:
        data = self._data()
        return None if data is None else data.get_state()

    def _state(self) -> dict[str, Any]:
        now, optimizer = random.generator_states(), self.model.optimizer
        at_epoch, data = self._at_epoch or (now, self._data_state())
        metrics = getattr(self.model, "metrics", None) or ()
        return {
            "epoch": self._epoch,
            "batch": self._batch,
            "batches_since": 0 if self._counter is None else self._counter.seen,
            "model": {name: tensor.detach() for name, tensor in _tensors(self.model).items()},
            "optimizer": None if optimizer is None else optimizer.state_dict(),
            "metrics": [v.detach().clone() for m in metrics for v in getattr(m, "variables", ())] if self._batch else [],
            "random": now,
            "random_at_epoch": at_epoch,
            "data": data,
            "callbacks": [callback.get_state() for callback in self._beside if isinstance(callback, MonitorCallback)],
        }

    def on_train_end(self, logs: Any = None) -> None:
        """The training is complete: nothing is left to restore."""
        if self._handler is not None:
            signal.signal(signal.SIGTERM, self._handler)
            self._handler = None
        if self.delete_checkpoint:
            for name in (_NAME, _PREVIOUS):
                path = os.path.join(self.backup_dir, name)
                if os.path.exists(path):
                    os.unlink(path)
            if os.path.isdir(self.backup_dir) and not os.listdir(self.backup_dir):
                os.rmdir(self.backup_dir)

    def _end_soon(self, *_: Any) -> None:
        self._told_to_end = True


def _tensors(model: Any) -> dict[str, torch.Tensor]:
    """All weights and states of a model, also those that are not saved with it (what a normalization needs to go on averaging)."""
    return {**dict(model.named_parameters()), **dict(model.named_buffers())}
