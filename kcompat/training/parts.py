"""What the loops share: devices, modes, callbacks, checks, and numbers as users see them."""

from __future__ import annotations

import contextlib
import math
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from kcompat.callbacks import CallbackList
from kcompat.errors import ArgumentError, ArgumentTypeError
from kcompat.generations import behaviour
from kcompat.training.compile import Compiled
from kcompat.training.data import convert, length, move, same_length, unpack, weigh_classes
from kcompat.training.sources import Source
from kcompat.tree import flatten


def device_of(model: Any) -> torch.device:
    """The device of the model's first weight."""
    first = next(model.parameters(), None)
    return torch.get_default_device() if first is None or first.is_meta else first.device


def without_gradients(model: Any) -> contextlib.AbstractContextManager[Any]:
    """Record nothing for gradients. Where weights or states are still to be made or replaced, they must stay usable in training."""
    for module in model.modules():
        if getattr(module, "stateful", False) or not getattr(module, "built", True):
            return torch.no_grad()
    return torch.inference_mode()


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


def set_metrics_state(metrics: Sequence[Any], state: Sequence[Tensor]) -> None:
    """Put back the state of metrics, as their variables one after the other."""
    variables = [v for metric in metrics for v in getattr(metric, "variables", ())]
    with torch.no_grad():
        for variable, value in zip(variables, state, strict=False):
            variable.copy_(value)


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


def joined(parts: Sequence[Tensor]) -> Any:
    """The outputs of all batches as one array; where their shapes differ beyond the first axis, an array of one array a sample."""
    if not parts[0].ndim:
        return as_array(torch.stack(list(parts)))
    if len({part.shape[1:] for part in parts}) == 1:
        return as_array(torch.cat(list(parts)))
    samples = [as_array(sample) for part in parts for sample in part]
    found = np.empty(len(samples), dtype=object)
    for index, sample in enumerate(samples):
        found[index] = sample
    return found


def names_of(model: Any) -> list[str] | None:
    """The names of the model's outputs, where it has any."""
    return list(getattr(model, "output_names", None) or ()) or None


def named_results(made: Any) -> dict[str, Any]:
    """What a step of a user gave: a dict of numbers."""
    if not isinstance(made, Mapping):
        raise ArgumentTypeError(f"`train_step` and `test_step` must return a dict of numbers by name, received {type(made).__name__}.")
    return dict(made)


def verbosity(verbose: Any) -> int:
    """'auto' as 1."""
    if verbose != "auto" and (not isinstance(verbose, (int, np.integer)) or not 0 <= verbose <= 2):
        raise ArgumentError(f"`verbose` must be 0, 1, 2 or 'auto', received {verbose!r}.")
    return 1 if verbose == "auto" else int(verbose)


def whole(name: str, value: Any, least: int = 1) -> Any:
    """A count of epochs or steps; old scripts divide to get it, and the fraction of a step is one more. None stays."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float, np.number)):
        raise ArgumentTypeError(f"`{name}` must be an integer of at least {least}, received {value!r}.")
    if not least <= value < math.inf:
        raise ArgumentError(f"`{name}` must be an integer of at least {least}, received {value!r}.")
    return math.ceil(value)


def run_params(compiled: Compiled, verbose: Any, data: Source, epochs: int, steps: int | None, validation: Source | None) -> dict[str, Any]:
    """What callbacks learn of a run, as the generation tells it."""
    params = {"verbose": verbosity(verbose), "epochs": epochs, "steps": steps}
    if behaviour("callback_params") != "arrays":
        return params
    names = compiled.metrics_names()
    both = [*names, *(f"val_{name}" for name in names)] if validation is not None else names
    arrays = {"batch_size": data.batch_size, "samples": data.samples, "do_validation": validation is not None, "metrics": both}
    given = None if data.samples and steps == data.steps else steps
    arrays = arrays if data.samples else {k: v for k, v in arrays.items() if k not in ("batch_size", "samples")}
    return {**params, "steps": given, **arrays}


def batch_sizes(compiled: Compiled, index: int, x: Any) -> dict[str, Any]:
    """What old generations put into the logs of a batch."""
    return {"batch": index, "size": length(x)} if compiled.own_logs else {}


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
        weight = weigh_classes(class_weight, names_of(model), y, weight)
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


def warn_dry(data: Source, made: int, steps: int | None, purpose: str = "train on") -> None:
    """Say that data ran out; refuse data without any batch."""
    if data.dry and made:
        warnings.warn(
            f"The data ran out after {made} of {steps} steps; that ends it. Let it yield enough batches, or repeat.",
            UserWarning,
            stacklevel=4,
        )
    if made == 0:
        raise ArgumentError(f"Expected input data to be non-empty: there is no batch to {purpose}.")
