"""A training and a test in progress: epochs over batches, with their callbacks. No number is read between two batches."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator
from typing import Any

import torch

from kcompat.callbacks import CallbackList
from kcompat.errors import ArgumentError
from kcompat.training import step
from kcompat.training.compile import Compiled, reset_all, to_numbers
from kcompat.training.parts import all_results, batch_sizes, callback_list, metrics_of, mode, packed, run_params, warn_dry
from kcompat.training.sources import Source


class TrainingRun:
    """A training in progress: model, data, callbacks, and the epochs they go through."""

    def __init__(
        self, model: Any, compiled: Compiled, callbacks: Any, verbose: Any, data: Source, epochs: int, steps: Any, validation: Any
    ):
        self.model, self.compiled, self.data, self.validation = model, compiled, data, validation
        self.last: dict[str, Any] = {}
        params = run_params(compiled, verbose, data, epochs, steps or data.steps, validation)
        self.callbacks = callback_list(callbacks, model, params, add_history=True)
        self.custom = step.overrides(model, "train_step")
        self._validator: EvaluationRun | None = None

    @contextlib.contextmanager
    def training(self) -> Iterator[None]:
        """The callbacks of the whole training, the mode of the modules, the averages of the optimizer at its end."""
        self.model.stop_training = False
        with mode(self.model, training=True):
            self.callbacks.call("on_train_begin")
            yield
            finalize = getattr(self.compiled.optimizer, "finalize_variable_values", None)
            if finalize is not None and self.compiled.optimizer.built:
                finalize(self.compiled.weights if hasattr(self.compiled, "weights") else self.model.trainable_weights)
            self.callbacks.call("on_train_end", logs=self.last)

    def epoch(self, epoch: int, steps: int | None) -> dict[str, Any]:
        """Train for one epoch and give its numbers."""
        model, compiled, callbacks = self.model, self.compiled, self.callbacks
        reset_all(metrics_of(model, compiled))
        compiled.begin()
        callbacks.call("on_epoch_begin", epoch)
        made: dict[str, Any] = {}
        begins, ends, every = callbacks.wants("on_train_batch_begin"), callbacks.wants("on_train_batch_end"), compiled.steps_per_execution
        index = -1
        for index, (x, y, weight) in enumerate(self.data.epoch(steps)):
            if begins and index % every == 0:
                callbacks.call("on_train_batch_begin", index, logs=batch_sizes(compiled, index, x))
            if self.custom:
                made = model.train_step(packed(x, y, weight))
            else:
                step.train(model, compiled, x, y, weight)
            if ends and (index + 1) % every == 0:
                callbacks.call("on_train_batch_end", index, logs=functools.partial(self._batch_logs, index, x, made))
            if model.stop_training:
                break
        if ends and (index + 1) % every:
            callbacks.call("on_train_batch_end", index, logs=functools.partial(self._batch_logs, index, x, made))
        warn_dry(self.data, index + 1, steps)
        self.data.end_epoch()
        return self._numbers(made)

    def _numbers(self, made: dict[str, Any]) -> dict[str, Any]:
        return self.compiled.ordered(to_numbers(made if self.custom else all_results(self.model, self.compiled)))

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
        self.custom = step.overrides(model, "test_step")

    def run(self, steps: int | None) -> dict[str, Any]:
        """The numbers over all batches, or over `steps` of them."""
        model, compiled, callbacks = self.model, self.compiled, self.callbacks
        reset_all(metrics_of(model, compiled))
        compiled.begin()
        callbacks.call("on_test_begin")
        begins, ends = callbacks.wants("on_test_batch_begin"), callbacks.wants("on_test_batch_end")
        made: dict[str, Any] = {}
        index = -1
        with torch.no_grad():
            for index, (x, y, weight) in enumerate(self.data.epoch(steps)):
                if begins:
                    callbacks.call("on_test_batch_begin", index, logs=batch_sizes(compiled, index, x))
                if self.custom:
                    made = model.test_step(packed(x, y, weight))
                else:
                    step.test(model, compiled, x, y, weight)
                if ends:
                    callbacks.call("on_test_batch_end", index, logs=functools.partial(self._batch_logs, index, x, made))
        compiled.begin()
        warn_dry(self.data, index + 1, steps)
        if index < 0:
            raise ArgumentError("Expected input data to be non-empty: there is no batch to evaluate.")
        numbers = self._numbers(made)
        callbacks.call("on_test_end", logs=numbers)
        return numbers

    def _batch_logs(self, index: int, x: Any, made: dict[str, Any]) -> dict[str, Any]:
        if self.custom or not self.compiled.own_logs:
            return self._numbers(made)
        return {**batch_sizes(self.compiled, index, x), **to_numbers(self.compiled.results(own=True))}

    def _numbers(self, made: dict[str, Any]) -> dict[str, Any]:
        return self.compiled.ordered(to_numbers(made if self.custom else all_results(self.model, self.compiled)))
