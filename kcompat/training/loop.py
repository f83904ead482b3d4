"""`fit`, `evaluate`, `predict` and their `_on_batch` kin, as functions of a model.

Nothing waits for the device inside an epoch: numbers are read when a callback looks at them or the epoch ends.
"""

from __future__ import annotations

import contextlib
import functools
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor

from kcompat.callbacks import CallbackList
from kcompat.errors import ArgumentError
from kcompat.generations import behaviour
from kcompat.training import step
from kcompat.training.compile import Compiled, compiled_of, reset_all, to_numbers
from kcompat.training.data import class_weights, combine_weights, convert, length, move, same_length, unpack
from kcompat.training.sources import Arrays, Source, source
from kcompat.tree import flatten, map_structure, pack


def fit(
    model: Any,
    x: Any = None,
    y: Any = None,
    batch_size: int | None = None,
    epochs: int = 1,
    verbose: Any = "auto",
    callbacks: Any = None,
    validation_split: float = 0.0,
    validation_data: Any = None,
    shuffle: Any = True,
    class_weight: Any = None,
    sample_weight: Any = None,
    initial_epoch: int = 0,
    steps_per_epoch: int | None = None,
    validation_steps: int | None = None,
    validation_batch_size: int | None = None,
    validation_freq: Any = 1,
) -> Any:
    """Train for `epochs` epochs and return the `History`. Data may be arrays, tensors, a DataLoader, Dataset, Sequence or generator."""
    compiled = compiled_of(model)
    device = device_of(model)
    data = source(x, y, sample_weight, batch_size=batch_size, shuffle=shuffle, class_weight=class_weight, device=device)
    validation: Source | None = None
    if validation_data is not None:
        vx, vy, vw = validation_data if isinstance(validation_data, tuple) and len(validation_data) == 3 else _pair(validation_data)
        batches = validation_batch_size or (batch_size if isinstance(data, Arrays) else None)
        validation = source(vx, vy, vw, batch_size=batches if not _carries_batches(vx, vy) else None, device=device)
    elif validation_split:
        if not isinstance(data, Arrays):
            raise ArgumentError("`validation_split` needs arrays or tensors; give `validation_data` beside other data.")
        data, validation = data.split(validation_split)
    _check_targets(model, compiled, data)
    run = _Run(model, compiled, callbacks, verbose, data, epochs, steps_per_epoch, validation)
    due = _validation_due(validation_freq)
    with run.training(), compiled.trainable_as_compiled(model):
        for epoch in range(initial_epoch, epochs):
            logs = run.epoch(epoch, steps_per_epoch)
            if validation is not None and due(epoch):
                after = run.validate(validation_steps)
                prefixed = {f"val_{name}": value for name, value in after.items()}
                logs = {**prefixed, **logs} if compiled.log_order == "validation_first" else {**logs, **prefixed}
            run.last = compiled.ordered(logs)
            run.callbacks.call("on_epoch_end", epoch, logs=run.last)
            if model.stop_training or data.dry:
                break
    return model.history


class _Run:
    """A training in progress: model, data, callbacks, and the epochs they go through."""

    def __init__(
        self, model: Any, compiled: Compiled, callbacks: Any, verbose: Any, data: Source, epochs: int, steps: Any, validation: Any
    ):
        self.model, self.compiled, self.data, self.validation = model, compiled, data, validation
        self.last: dict[str, Any] = {}
        params = _params(compiled, verbose, data, epochs, steps or data.steps, validation)
        self.callbacks = callback_list(callbacks, model, params, add_history=True)
        self.custom = step.overrides(model, "train_step")
        self._validator: _Test | None = None

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
                callbacks.call("on_train_batch_begin", index, logs=_sizes(compiled, index, x))
            if self.custom:
                made = model.train_step(_packed(x, y, weight))
            else:
                step.train(model, compiled, x, y, weight)
            if ends and (index + 1) % every == 0:
                callbacks.call("on_train_batch_end", index, logs=functools.partial(self._batch_logs, index, x, made))
            if model.stop_training:
                break
        if ends and (index + 1) % every:
            callbacks.call("on_train_batch_end", index, logs=functools.partial(self._batch_logs, index, x, made))
        _warn_dry(self.data, index + 1, steps)
        self.data.end_epoch()
        return self._numbers(made)

    def _numbers(self, made: dict[str, Any]) -> dict[str, Any]:
        return self.compiled.ordered(to_numbers(made if self.custom else _all_results(self.model, self.compiled)))

    def _batch_logs(self, index: int, x: Any, made: dict[str, Any]) -> dict[str, Any]:
        if self.custom or not self.compiled.own_logs:
            return self._numbers(made)
        return {**_sizes(self.compiled, index, x), **to_numbers(self.compiled.results(own=True))}

    def validate(self, steps: int | None) -> dict[str, Any]:
        """The numbers of the validation data."""
        if self._validator is None:
            self._validator = _Test(self.model, self.compiled, self.callbacks, self.validation)
        with mode(self.model, training=False):
            return self._validator.run(steps)


class _Test:
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
                    callbacks.call("on_test_batch_begin", index, logs=_sizes(compiled, index, x))
                if self.custom:
                    made = model.test_step(_packed(x, y, weight))
                else:
                    step.test(model, compiled, x, y, weight)
                if ends:
                    callbacks.call("on_test_batch_end", index, logs=functools.partial(self._batch_logs, index, x, made))
        compiled.begin()
        _warn_dry(self.data, index + 1, steps)
        if index < 0:
            raise ArgumentError("Expected input data to be non-empty: there is no batch to evaluate.")
        numbers = self._numbers(made)
        callbacks.call("on_test_end", logs=numbers)
        return numbers

    def _batch_logs(self, index: int, x: Any, made: dict[str, Any]) -> dict[str, Any]:
        if self.custom or not self.compiled.own_logs:
            return self._numbers(made)
        return {**_sizes(self.compiled, index, x), **to_numbers(self.compiled.results(own=True))}

    def _numbers(self, made: dict[str, Any]) -> dict[str, Any]:
        return self.compiled.ordered(to_numbers(made if self.custom else _all_results(self.model, self.compiled)))


def evaluate(
    model: Any,
    x: Any = None,
    y: Any = None,
    batch_size: int | None = None,
    verbose: Any = "auto",
    sample_weight: Any = None,
    steps: int | None = None,
    callbacks: Any = None,
    return_dict: bool = False,
) -> Any:
    """Loss and metrics over the data: one number, a list with the loss first, or a dict."""
    compiled = compiled_of(model)
    data = source(x, y, sample_weight, batch_size=batch_size, device=device_of(model))
    _check_targets(model, compiled, data)
    listed = callback_list(callbacks, model, _params(compiled, verbose, data, 1, steps or data.steps, None))
    with mode(model, training=False):
        numbers = _Test(model, compiled, listed, data).run(steps)
    return numbers if return_dict else compiled.listed(numbers)


def predict(
    model: Any, x: Any, batch_size: int | None = None, verbose: Any = "auto", steps: int | None = None, callbacks: Any = None
) -> Any:
    """The model's outputs for all samples, as numpy arrays."""
    data = source(x, batch_size=batch_size, device=device_of(model))
    params = {"verbose": _verbosity(verbose), "epochs": 1, "steps": steps or data.steps}
    if behaviour("callback_params") == "arrays":
        params |= {"samples": data.samples, "batch_size": data.batch_size}
    listed = callback_list(callbacks, model, params)
    custom = step.overrides(model, "predict_step")
    parts: list[list[Tensor]] = []
    form: Any = None
    begins, ends = listed.wants("on_predict_batch_begin"), listed.wants("on_predict_batch_end")
    with mode(model, training=False), torch.no_grad():
        listed.call("on_predict_begin")
        for index, (batch, y, weight) in enumerate(data.epoch(steps)):
            if begins:
                listed.call("on_predict_batch_begin", index)
            form = model.predict_step(_packed(batch, y, weight)) if custom else model(batch, training=False)
            parts.append(flatten(form))
            if ends:
                listed.call("on_predict_batch_end", index, logs={"outputs": form})
        listed.call("on_predict_end")
    if not parts:
        raise ArgumentError("Expected input data to be non-empty: there is no batch to predict.")
    return pack(form, [as_array(torch.cat(column) if column[0].ndim else torch.stack(column)) for column in zip(*parts, strict=True)])


def train_on_batch(
    model: Any,
    x: Any,
    y: Any = None,
    sample_weight: Any = None,
    class_weight: Any = None,
    reset_metrics: bool = True,
    return_dict: bool = False,
) -> Any:
    """Train on one batch; its loss and metrics (`reset_metrics=False`: those since the last reset)."""
    compiled = compiled_of(model)
    batch = _one_batch(model, x, y, sample_weight, class_weight)
    _check_range(model, compiled, batch[1])
    with mode(model, training=True), compiled.trainable_as_compiled(model):
        return _on_batch(model, compiled, batch, "train_step", reset_metrics, return_dict)


def test_on_batch(
    model: Any, x: Any, y: Any = None, sample_weight: Any = None, reset_metrics: bool = True, return_dict: bool = False
) -> Any:
    """The loss and metrics of one batch."""
    compiled = compiled_of(model)
    batch = _one_batch(model, x, y, sample_weight, None)
    with mode(model, training=False), torch.no_grad():
        return _on_batch(model, compiled, batch, "test_step", reset_metrics, return_dict)


def _on_batch(model: Any, compiled: Compiled, batch: Any, name: str, fresh: bool, return_dict: bool) -> Any:
    if fresh:
        reset_all(metrics_of(model, compiled))
    compiled.begin()
    if step.overrides(model, name):
        numbers = to_numbers(getattr(model, name)(_packed(*batch)))
    else:
        (step.train if name == "train_step" else step.test)(model, compiled, *batch)
        numbers = to_numbers(_all_results(model, compiled))
    compiled.begin()
    return compiled.ordered(numbers) if return_dict else compiled.listed(numbers)


def predict_on_batch(model: Any, x: Any) -> Any:
    """The model's outputs for one batch, as numpy arrays."""
    batch = move(convert(x), device_of(model))
    with mode(model, training=False), torch.no_grad():
        made = model.predict_step((batch,)) if step.overrides(model, "predict_step") else model(batch, training=False)
    return map_structure(as_array, made)


# -- parts --------------------------------------------------------------------------------------------------------------------


def device_of(model: Any) -> torch.device:
    """The device of the model's first weight."""
    first = next(model.parameters(), None)
    return torch.get_default_device() if first is None or first.is_meta else first.device


@contextlib.contextmanager
def mode(model: Any, training: bool) -> Iterator[None]:
    """Put the modules into training or inference mode and back; plain torch modules inside know no `training=`."""
    before = model.training
    if before != training:
        model.train(training)
    try:
        yield
    finally:
        if model.training != before:
            model.train(before)


def metrics_of(model: Any, compiled: Compiled) -> list[Any]:
    """All metric objects of the model, those made by `compile` among them."""
    return list(getattr(model, "metrics", None) or compiled.all_metrics)


def _all_results(model: Any, compiled: Compiled) -> dict[str, Any]:
    """Running loss and metrics, those that layers added among them."""
    found = compiled.results() if compiled.replaced is None else compiled.replaced
    extra = getattr(model, "_added_metrics", None)
    return {**found, **{m.name: m.result() for m in extra}} if extra else found


def callback_list(callbacks: Any, model: Any, params: dict[str, Any], add_history: bool = False) -> CallbackList:
    """The user's callbacks with the bar (if verbose) and the history (in training)."""
    if isinstance(callbacks, CallbackList):
        return callbacks
    return CallbackList(callbacks, add_history=add_history, add_progbar=bool(params["verbose"]), model=model, **params)


def as_array(value: Any) -> Any:
    """A tensor as a numpy array."""
    if not isinstance(value, Tensor):
        return value
    value = value.detach().cpu()
    return (value.float() if value.dtype is torch.bfloat16 else value).numpy()


def _verbosity(verbose: Any) -> int:
    return 1 if verbose == "auto" else int(verbose)


def _params(compiled: Compiled, verbose: Any, data: Source, epochs: int, steps: int | None, validation: Source | None) -> dict[str, Any]:
    params = {"verbose": _verbosity(verbose), "epochs": epochs, "steps": steps}
    if behaviour("callback_params") != "arrays":
        return params
    names = compiled.metrics_names()
    both = [*names, *(f"val_{name}" for name in names)] if validation is not None else names
    arrays = {"batch_size": data.batch_size, "samples": data.samples, "do_validation": validation is not None, "metrics": both}
    hidden = {"validation_samples": validation.samples} if validation is not None else {}
    given = None if data.samples and steps == data.steps else steps
    return {**params, "steps": given, **arrays, **hidden}


def _sizes(compiled: Compiled, index: int, x: Any) -> dict[str, Any]:
    return {"batch": index, "size": length(x)} if compiled.own_logs else {}


def _packed(x: Any, y: Any, weight: Any) -> tuple[Any, ...]:
    return (x,) if y is None and weight is None else (x, y) if weight is None else (x, y, weight)


def _pair(data: Any) -> tuple[Any, Any, Any]:
    if isinstance(data, (tuple, list)) and len(data) in (2, 3):
        return unpack(data)
    return data, None, None


def _carries_batches(x: Any, y: Any) -> bool:
    return y is None and not hasattr(x, "shape")


def _one_batch(model: Any, x: Any, y: Any, sample_weight: Any, class_weight: Any) -> tuple[Any, Any, Any]:
    x, y, weight = convert(x), convert(y), convert(sample_weight)
    same_length({"x": x, "y": y, "sample_weight": weight})
    if class_weight is not None:
        weight = combine_weights(weight, class_weights(y, class_weight))
    device = device_of(model)
    return move(x, device), None if y is None else move(y, device), None if weight is None else move(weight, device)


def _check_targets(model: Any, compiled: Compiled, data: Source) -> None:
    if data.targets is not None:
        _check_range(model, compiled, data.targets)


def _check_range(model: Any, compiled: Compiled, y: Any) -> None:
    shapes = getattr(model, "output_shape", None) if getattr(model, "built", False) else None
    if shapes is None:
        return
    flat = flatten(shapes, is_leaf=lambda s: isinstance(s, tuple) and all(isinstance(d, (int, type(None))) for d in s))
    compiled.check_classes(model, y, [s[-1] if s else None for s in flat])


def _validation_due(frequency: Any) -> Callable[[int], bool]:
    if isinstance(frequency, int) and not isinstance(frequency, bool) and frequency >= 1:
        return lambda epoch: (epoch + 1) % frequency == 0
    if isinstance(frequency, (list, tuple, set)):
        return lambda epoch: epoch + 1 in frequency
    raise ArgumentError(f"`validation_freq` must be an integer of at least 1 or a list of epochs, received {frequency!r}.")


def _warn_dry(data: Source, made: int, steps: int | None) -> None:
    if data.dry and made:
        warnings.warn(
            f"The data ran out after {made} of {steps} steps; training stops. Let it yield enough batches, or repeat.",
            UserWarning,
            stacklevel=4,
        )
    if made == 0:
        raise ArgumentError("Expected input data to be non-empty: the iterable gave no batch.")


__all__ = ["evaluate", "fit", "predict", "predict_on_batch", "test_on_batch", "train_on_batch"]
