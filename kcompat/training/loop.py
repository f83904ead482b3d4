"""`fit`, `evaluate`, `predict` and their `_on_batch` kin, as functions of a model.

Nothing waits for the device inside an epoch: numbers are read when a callback looks at them or the epoch ends.
"""

from __future__ import annotations

import functools
from typing import Any

import torch
from torch import Tensor

from kcompat.errors import ArgumentError
from kcompat.generations import NOT_GIVEN, behaviour, given
from kcompat.training import step
from kcompat.training.compile import Compiled, compiled_of
from kcompat.training.data import convert, move, packed, weigh_classes
from kcompat.training.numbers import reset_all, to_numbers
from kcompat.training.parts import (
    all_results,
    as_array,
    callback_list,
    carries_batches,
    check_range,
    check_targets,
    device_of,
    joined,
    metrics_of,
    mode,
    named_results,
    names_of,
    one_batch,
    run_params,
    validation_due,
    validation_pair,
    verbosity,
    warn_dry,
    whole,
    without_gradients,
)
from kcompat.training.runs import EvaluationRun, TrainingRun
from kcompat.training.sources import Arrays, Source, source
from kcompat.tree import flatten, map_structure, pack


def fit(
    model: Any,
    x: Any = None,
    y: Any = None,
    batch_size: int | None = None,
    epochs: int = NOT_GIVEN,
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
    max_queue_size: int | None = None,
    workers: int | None = None,
    use_multiprocessing: bool | None = None,
) -> Any:
    """Train for `epochs` epochs and return the `History`.

    Data may be arrays, tensors, data frames, sparse matrices, a DataLoader, Dataset, `Sequence` or generator; `workers` > 1 fetches the
    batches of the last two ahead in threads (`use_multiprocessing`: processes), at most `max_queue_size` of them.
    """
    compiled, epochs = compiled_of(model), whole("epochs", given(epochs, "fit_epochs"), least=0)
    steps_per_epoch, validation_steps = whole("steps_per_epoch", steps_per_epoch), whole("validation_steps", validation_steps)
    initial_epoch = whole("initial_epoch", initial_epoch, least=0)
    device = device_of(model)
    names, fetching = names_of(model), (workers, use_multiprocessing, max_queue_size)
    late = bool(validation_split) and validation_data is None and not behaviour("validation_split_weighs_classes")
    weights = None if late else class_weight
    data = source(
        x, y, sample_weight, batch_size=batch_size, shuffle=shuffle, class_weight=weights, names=names, fetching=fetching, device=device
    )
    validation: Source | None = None
    if validation_data is not None:
        vx, vy, vw = validation_pair(validation_data)
        batches = validation_batch_size or (batch_size if isinstance(data, Arrays) else None)
        batches = batches if not carries_batches(vx, vy) else None
        validation = source(vx, vy, vw, batch_size=batches, names=names, fetching=fetching, device=device)
    elif validation_split:
        if not isinstance(data, Arrays):
            raise ArgumentError("`validation_split` needs arrays or tensors; give `validation_data` beside other data.")
        data, validation = data.split(validation_split, validation_batch_size)
        if late and class_weight is not None:
            data = data.weighed(functools.partial(weigh_classes, class_weight, names))
    check_targets(model, compiled, data)
    run = TrainingRun(model, compiled, callbacks, verbose, data, epochs, steps_per_epoch, validation)
    due = validation_due(validation_freq)
    with run.training(), compiled.trainable_as_compiled(model):
        for epoch in range(run.first_epoch(initial_epoch), epochs):
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
    max_queue_size: int | None = None,
    workers: int | None = None,
    use_multiprocessing: bool | None = None,
) -> Any:
    """Loss and metrics over the data: one number, a list with the loss first, or a dict."""
    compiled, steps = compiled_of(model), whole("steps", steps)
    fetching = (workers, use_multiprocessing, max_queue_size)
    data = source(x, y, sample_weight, batch_size=batch_size, fetching=fetching, names=names_of(model), device=device_of(model))
    check_targets(model, compiled, data)
    listed = callback_list(callbacks, model, run_params(compiled, verbose, data, 1, steps or data.steps, None))
    with mode(model, training=False):
        numbers = EvaluationRun(model, compiled, listed, data).run(steps)
    data.end()
    return numbers if return_dict else compiled.listed(numbers)


def predict(
    model: Any,
    x: Any,
    batch_size: int | None = None,
    verbose: Any = NOT_GIVEN,
    steps: int | None = None,
    callbacks: Any = None,
    max_queue_size: int | None = None,
    workers: int | None = None,
    use_multiprocessing: bool | None = None,
) -> Any:
    """The model's outputs for all samples, as numpy arrays. Outputs whose shapes differ from batch to batch give an array of arrays."""
    steps = whole("steps", steps)
    data = source(
        x, batch_size=batch_size, fetching=(workers, use_multiprocessing, max_queue_size), device=device_of(model), for_prediction=True
    )
    params = {"verbose": verbosity(given(verbose, "predict_verbose")), "epochs": 1, "steps": steps or data.steps}
    if behaviour("callback_params") == "arrays":
        params |= {"samples": data.samples, "batch_size": data.batch_size}
    listed = callback_list(callbacks, model, params)
    parts: list[list[Tensor]] = []
    form: Any = None
    begins, ends = listed.wants("on_predict_batch_begin"), listed.wants("on_predict_batch_end")
    with mode(model, training=False), without_gradients(model):
        one = step.predictor(model)
        listed.call("on_predict_begin")
        for index, batch in enumerate(data.epoch(steps)):
            if begins:
                listed.call("on_predict_batch_begin", index)
            form = one(batch)
            parts.append([form] if isinstance(form, Tensor) else flatten(form))
            if ends:
                listed.call("on_predict_batch_end", index, logs={"outputs": form})
        listed.call("on_predict_end")
    data.end()
    warn_dry(data, len(parts), steps, "predict")
    return pack(form, [joined(column) for column in zip(*parts, strict=True)])


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
    late = behaviour("on_batch_resets") == "after"
    if late:  # the loss is the batch's own, the metrics go on from a `fit` before
        compiled.loss_tracker.reset_state()
    elif fresh:
        reset_all(metrics_of(model, compiled))
    compiled.begin()
    if step.overrides(model, name):
        numbers = to_numbers(named_results(getattr(model, name)(packed(*batch))))
    else:
        (step.train if name == "train_step" else step.test)(model, compiled, *batch)
        numbers = to_numbers(all_results(model, compiled))
    compiled.begin()
    if late and fresh:
        reset_all(metrics_of(model, compiled))
    return compiled.ordered(numbers) if return_dict else compiled.listed(numbers)


def predict_on_batch(model: Any, x: Any) -> Any:
    """The model's outputs for one batch, as numpy arrays."""
    batch = move(convert(x), device_of(model))
    with mode(model, training=False), without_gradients(model):
        return map_structure(as_array, step.predictor(model)((batch, None, None)))


__all__ = ["evaluate", "fit", "predict", "predict_on_batch", "test_on_batch", "train_on_batch"]
