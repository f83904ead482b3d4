"""A training and a test in progress: epochs over batches, with their callbacks. No number is read between two batches."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator
from typing import Any

import torch

from kcompat.callbacks import CallbackList
from kcompat.generations import behaviour
from kcompat.training import step
from kcompat.training.compile import Compiled
from kcompat.training.numbers import reset_all, to_numbers
from kcompat.training.parts import (
    all_results,
    batch_sizes,
    callback_list,
    metrics_of,
    mode,
    named_results,
    run_params,
    set_metrics_state,
    warn_dry,
)
from kcompat.training.sources import Arrays, Source


class TrainingRun:
    """A training in progress: model, data, callbacks, and the epochs they go through."""

    def __init__(
        self, model: Any, compiled: Compiled, callbacks: Any, verbose: Any, data: Source, epochs: int, steps: Any, validation: Any
    ):
        self.model, self.compiled, self.data, self.validation = model, compiled, data, validation
        self.last: dict[str, Any] = {}
        params = run_params(compiled, verbose, data, epochs, steps or data.steps, validation)
        self.callbacks = callback_list(callbacks, model, params, add_history=True)
        if isinstance(validation, Arrays) and behaviour("callback_validation_data"):
            arrays = validation.arrays()
            for callback in self.callbacks:
                callback.validation_data = arrays
        self._validator: EvaluationRun | None = None
        self._resume: Any = None

    @contextlib.contextmanager
    def training(self) -> Iterator[None]:
        """The callbacks of the whole training, the mode of the modules, the averages of the optimizer at its end."""
        own = self.model.__dict__
        self.model.stop_training = False
        own["_training_data"] = self.data
        own.pop("_resume", None)
        try:
            with mode(self.model, training=True):
                self.callbacks.call("on_train_begin")
                self._step, self.custom = step.trainer(self.model, self.compiled)
                yield
                finalize = getattr(self.compiled.optimizer, "finalize_variable_values", None)
                if finalize is not None and self.compiled.optimizer.built:
                    finalize(self.compiled.weights if hasattr(self.compiled, "weights") else self.model.trainable_weights)
                self.callbacks.call("on_train_end", logs=self.last)
        finally:
            del own["_training_data"]
            for source in (self.data, self.validation):
                if source is not None:
                    source.end()

    def first_epoch(self, initial_epoch: int) -> int:
        """The epoch to begin with: that of an interrupted training which a callback has restored, or `initial_epoch`."""
        self._resume = self.model.__dict__.pop("_resume", None)
        if self._resume is None:
            return initial_epoch
        self.data.set_state(self._resume.before_epoch())
        return self._resume.resume_at[0]

    def _batches(self, steps: int | None) -> tuple[int, Iterator[Any]]:
        """The batches of an epoch, and the number of the first; those that an interrupted training has seen are skipped."""
        resume, self._resume = self._resume, None
        seen = 0 if resume is None else resume.resume_at[1]
        if not seen:
            return 0, self.data.epoch(steps)
        if self.data.repeats:
            batches = self.data.epoch(steps)
            for _ in range(seen):
                next(batches, None)
        else:
            batches = self.data.epoch(None if steps is None else steps - seen)
        state = resume.before_batch()
        if self.custom:
            set_metrics_state(metrics_of(self.model, self.compiled), state)
        else:
            self.compiled.pending = lambda: set_metrics_state(metrics_of(self.model, self.compiled), state)
        return seen, batches

    def epoch(self, epoch: int, steps: int | None) -> dict[str, Any]:
        """Train for one epoch and give its numbers."""
        model, compiled, callbacks = self.model, self.compiled, self.callbacks
        reset_all(metrics_of(model, compiled))
        compiled.begin()
        self.data.begin_epoch()
        callbacks.call("on_epoch_begin", epoch)
        made: dict[str, Any] = {}
        begins, ends, every = callbacks.wants("on_train_batch_begin"), callbacks.wants("on_train_batch_end"), compiled.steps_per_execution
        one = self._step
        compiled.undisturbed = not (begins or ends)
        first, batches = self._batches(steps)
        index = first - 1
        for index, batch in enumerate(batches, first):
            if begins and index % every == 0:
                callbacks.call("on_train_batch_begin", index, logs=batch_sizes(compiled, index, batch[0]))
            made = one(batch)
            if ends and (index + 1) % every == 0:
                callbacks.call("on_train_batch_end", index, logs=functools.partial(self._batch_logs, index, batch[0], made))
            if model.stop_training:
                break
        if ends and (index + 1) % every and index >= first:
            callbacks.call("on_train_batch_end", index, logs=functools.partial(self._batch_logs, index, batch[0], made))
        warn_dry(self.data, index + 1, steps)
        self.data.end_epoch()
        return self._numbers(made)

    def _numbers(self, made: dict[str, Any]) -> dict[str, Any]:
        return self.compiled.ordered(to_numbers(named_results(made) if self.custom else all_results(self.model, self.compiled)))

    def _batch_logs(self, index: int, x: Any, made: dict[str, Any]) -> dict[str, Any]:
        if self.custom or not self.compiled.own_logs:
            return self._numbers(made)
        return {**batch_sizes(self.compiled, index, x), **to_numbers(self.compiled.results(own=True))}

    def validate(self, steps: int | None) -> dict[str, Any]:
        """The numbers of the validation data."""
        if self._validator is None:
            self._validator = EvaluationRun(self.model, self.compiled, self.callbacks, self.validation)
        with mode(self.model, training=False):
            return self._validator.run(steps)


class EvaluationRun:
    """Evaluation of a model on a source of batches."""

    def __init__(self, model: Any, compiled: Compiled, callbacks: CallbackList, data: Source):
        self.model, self.compiled, self.callbacks, self.data = model, compiled, callbacks, data
        self._step, self.custom = step.tester(model, compiled)

    def run(self, steps: int | None) -> dict[str, Any]:
        """The numbers over all batches, or over `steps` of them."""
        model, compiled, callbacks = self.model, self.compiled, self.callbacks
        reset_all(metrics_of(model, compiled))
        compiled.begin()
        self.data.begin_epoch()
        callbacks.call("on_test_begin")
        begins, ends = callbacks.wants("on_test_batch_begin"), callbacks.wants("on_test_batch_end")
        made: dict[str, Any] = {}
        index = -1
        with torch.no_grad():
            for index, batch in enumerate(self.data.epoch(steps)):
                if begins:
                    callbacks.call("on_test_batch_begin", index, logs=batch_sizes(compiled, index, batch[0]))
                made = self._step(batch)
                if ends:
                    callbacks.call("on_test_batch_end", index, logs=functools.partial(self._batch_logs, index, batch[0], made))
        compiled.begin()
        warn_dry(self.data, index + 1, steps, "evaluate")
        self.data.end_epoch()
        numbers = self._numbers(made)
        callbacks.call("on_test_end", logs=numbers)
        return numbers

    def _batch_logs(self, index: int, x: Any, made: dict[str, Any]) -> dict[str, Any]:
        if self.custom or not self.compiled.own_logs:
            return self._numbers(made)
        return {**batch_sizes(self.compiled, index, x), **to_numbers(self.compiled.results(own=True))}

    def _numbers(self, made: dict[str, Any]) -> dict[str, Any]:
        return self.compiled.ordered(to_numbers(named_results(made) if self.custom else all_results(self.model, self.compiled)))
