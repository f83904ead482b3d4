"""What the loops share: devices, modes, callbacks, checks, and numbers as users see them."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor

from kcompat.callbacks import CallbackList
from kcompat.errors import ArgumentError
from kcompat.generations import behaviour
from kcompat.training.compile import Compiled
from kcompat.training.data import class_weights, combine_weights, convert, length, move, same_length, unpack
from kcompat.training.sources import Source
from kcompat.tree import flatten


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


def all_results(model: Any, compiled: Compiled) -> dict[str, Any]:
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


def verbosity(verbose: Any) -> int:
    """'auto' as 1."""
    return 1 if verbose == "auto" else int(verbose)


def run_params(compiled: Compiled, verbose: Any, data: Source, epochs: int, steps: int | None, validation: Source | None) -> dict[str, Any]:
    """What callbacks learn of a run, as the generation tells it."""
    params = {"verbose": verbosity(verbose), "epochs": epochs, "steps": steps}
    if behaviour("callback_params") != "arrays":
        return params
    names = compiled.metrics_names()
    both = [*names, *(f"val_{name}" for name in names)] if validation is not None else names
    arrays = {"batch_size": data.batch_size, "samples": data.samples, "do_validation": validation is not None, "metrics": both}
    hidden = {"validation_samples": validation.samples} if validation is not None else {}
    given = None if data.samples and steps == data.steps else steps
    return {**params, "steps": given, **arrays, **hidden}


def batch_sizes(compiled: Compiled, index: int, x: Any) -> dict[str, Any]:
    """What old generations put into the logs of a batch."""
    return {"batch": index, "size": length(x)} if compiled.own_logs else {}


def packed(x: Any, y: Any, weight: Any) -> tuple[Any, ...]:
    """A batch as a user's step takes it."""
    return (x,) if y is None and weight is None else (x, y) if weight is None else (x, y, weight)


def validation_pair(data: Any) -> tuple[Any, Any, Any]:
    """x, y and weights of `validation_data`."""
    if isinstance(data, (tuple, list)) and len(data) in (2, 3):
        return unpack(data)
    return data, None, None


def carries_batches(x: Any, y: Any) -> bool:
    """Whether data come in batches of their own, targets included."""
    return y is None and not hasattr(x, "shape")


def one_batch(model: Any, x: Any, y: Any, sample_weight: Any, class_weight: Any) -> tuple[Any, Any, Any]:
    """Arrays of one batch as tensors on the model's device."""
    x, y, weight = convert(x), convert(y), convert(sample_weight)
    same_length({"x": x, "y": y, "sample_weight": weight})
    if class_weight is not None:
        weight = combine_weights(weight, class_weights(y, class_weight))
    device = device_of(model)
    return move(x, device), None if y is None else move(y, device), None if weight is None else move(weight, device)


def check_targets(model: Any, compiled: Compiled, data: Source) -> None:
    """Refuse class indices that are none, where all targets are at hand."""
    if data.targets is not None:
        check_range(model, compiled, data.targets)


def check_range(model: Any, compiled: Compiled, y: Any) -> None:
    """Refuse class indices that are none, where the outputs' sizes are known."""
    shapes = getattr(model, "output_shape", None) if getattr(model, "built", False) else None
    if shapes is None:
        return
    flat = flatten(shapes, is_leaf=lambda s: isinstance(s, tuple) and all(isinstance(d, (int, type(None))) for d in s))
    compiled.check_classes(model, y, [s[-1] if s else None for s in flat])


def validation_due(frequency: Any) -> Callable[[int], bool]:
    """A function that says after which epochs validation runs."""
    if isinstance(frequency, int) and not isinstance(frequency, bool) and frequency >= 1:
        return lambda epoch: (epoch + 1) % frequency == 0
    if isinstance(frequency, (list, tuple, set)):
        return lambda epoch: epoch + 1 in frequency
    raise ArgumentError(f"`validation_freq` must be an integer of at least 1 or a list of epochs, received {frequency!r}.")


def warn_dry(data: Source, made: int, steps: int | None) -> None:
    """Say that data ran out; refuse data without any batch."""
    if data.dry and made:
        warnings.warn(
            f"The data ran out after {made} of {steps} steps; training stops. Let it yield enough batches, or repeat.",
            UserWarning,
            stacklevel=4,
        )
    if made == 0:
        raise ArgumentError("Expected input data to be non-empty: the iterable gave no batch.")
