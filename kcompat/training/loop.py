"""`fit`, `evaluate`, `predict` and their `_on_batch` kin, as functions of a model.

Nothing waits for the device inside an epoch: numbers are read when a callback looks at them or the epoch ends.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from kcompat.errors import ArgumentError
from kcompat.generations import behaviour
from kcompat.training import step
from kcompat.training.compile import Compiled, compiled_of, reset_all, to_numbers
from kcompat.training.data import convert, move
from kcompat.training.parts import (
    all_results,
    as_array,
    callback_list,
    carries_batches,
    check_range,
    check_targets,
    device_of,
    metrics_of,
    mode,
    one_batch,
    packed,
    run_params,
    validation_due,
    validation_pair,
    verbosity,
)
from kcompat.training.runs import EvaluationRun, TrainingRun
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
        vx, vy, vw = validation_pair(validation_data)
        batches = validation_batch_size or (batch_size if isinstance(data, Arrays) else None)
        validation = source(vx, vy, vw, batch_size=batches if not carries_batches(vx, vy) else None, device=device)
    elif validation_split:
        if not isinstance(data, Arrays):
            raise ArgumentError("`validation_split` needs arrays or tensors; give `validation_data` beside other data.")
        data, validation = data.split(validation_split)
    check_targets(model, compiled, data)
    run = TrainingRun(model, compiled, callbacks, verbose, data, epochs, steps_per_epoch, validation)
    due = validation_due(validation_freq)
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
    check_targets(model, compiled, data)
    listed = callback_list(callbacks, model, run_params(compiled, verbose, data, 1, steps or data.steps, None))
    with mode(model, training=False):
        numbers = EvaluationRun(model, compiled, listed, data).run(steps)
    return numbers if return_dict else compiled.listed(numbers)


def predict(
    model: Any, x: Any, batch_size: int | None = None, verbose: Any = "auto", steps: int | None = None, callbacks: Any = None
) -> Any:
    """The model's outputs for all samples, as numpy arrays."""
    data = source(x, batch_size=batch_size, device=device_of(model))
    params = {"verbose": verbosity(verbose), "epochs": 1, "steps": steps or data.steps}
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
            form = model.predict_step(packed(batch, y, weight)) if custom else model(batch, training=False)
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
    batch = one_batch(model, x, y, sample_weight, class_weight)
    check_range(model, compiled, batch[1])
    with mode(model, training=True), compiled.trainable_as_compiled(model):
        return _on_batch(model, compiled, batch, "train_step", reset_metrics, return_dict)


def test_on_batch(
    model: Any, x: Any, y: Any = None, sample_weight: Any = None, reset_metrics: bool = True, return_dict: bool = False
) -> Any:
    """The loss and metrics of one batch."""
    compiled = compiled_of(model)
    batch = one_batch(model, x, y, sample_weight, None)
    with mode(model, training=False), torch.no_grad():
        return _on_batch(model, compiled, batch, "test_step", reset_metrics, return_dict)


def _on_batch(model: Any, compiled: Compiled, batch: Any, name: str, fresh: bool, return_dict: bool) -> Any:
    if fresh:
        reset_all(metrics_of(model, compiled))
    compiled.begin()
    if step.overrides(model, name):
        numbers = to_numbers(getattr(model, name)(packed(*batch)))
    else:
        (step.train if name == "train_step" else step.test)(model, compiled, *batch)
        numbers = to_numbers(all_results(model, compiled))
    compiled.begin()
    return compiled.ordered(numbers) if return_dict else compiled.listed(numbers)


def predict_on_batch(model: Any, x: Any) -> Any:
    """The model's outputs for one batch, as numpy arrays."""
    batch = move(convert(x), device_of(model))
    with mode(model, training=False), torch.no_grad():
        made = model.predict_step((batch,)) if step.overrides(model, "predict_step") else model(batch, training=False)
    return map_structure(as_array, made)


__all__ = ["evaluate", "fit", "predict", "predict_on_batch", "test_on_batch", "train_on_batch"]
