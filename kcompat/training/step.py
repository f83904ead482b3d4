"""One step of training, testing, prediction. A model's class has these functions as methods; a user may override each.

The loop calls the short way (`train`, `test`, `predict`) where nothing is overridden: no dict of results is made per batch.
"""

from __future__ import annotations

import functools
import inspect
from typing import Any

import torch
from torch import Tensor

from kcompat.training.compile import Compiled, compiled_of
from kcompat.training.data import length, unpack
from kcompat.tree import flatten

# -- methods of a model ------------------------------------------------------------------------------------------------------


def train_step(self: Any, data: Any) -> dict[str, Any]:
    """Train on one batch `(x, y, sample_weight)` and give the running loss and metrics as tensors."""
    compiled = compiled_of(self)
    train(self, compiled, *unpack(data))
    return compiled.results()


def test_step(self: Any, data: Any) -> dict[str, Any]:
    """Test on one batch `(x, y, sample_weight)` and give the running loss and metrics as tensors."""
    compiled = compiled_of(self)
    test(self, compiled, *unpack(data))
    return compiled.results()


def predict_step(self: Any, data: Any) -> Any:
    """The predictions for one batch `(x,)` or x."""
    return self(unpack(data)[0], training=False)


def compute_loss(self: Any, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, training: bool = True) -> Tensor:
    """The total loss: those of the outputs, and what layers added (regularization, `add_loss`)."""
    compiled = compiled_of(self)
    outputs = [y_pred] if isinstance(y_pred, Tensor) else flatten(y_pred)
    if not compiled.ready:
        compiled.settle(self, y, y_pred, outputs, training)
    return compiled.loss.total(compiled.targets(y, outputs), outputs, compiled.weights_of(sample_weight), self.losses)


def compute_metrics(self: Any, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> dict[str, Any]:
    """Update the compiled metrics with a batch and give all running numbers as tensors."""
    compiled = compiled_of(self)
    outputs = [y_pred] if isinstance(y_pred, Tensor) else flatten(y_pred)
    if not compiled.ready:
        compiled.settle(self, y, y_pred, outputs, training=False)
        compiled.begin()
    if compiled.metrics.needs:
        with torch.no_grad():
            compiled.metrics.update(compiled.targets(y, outputs), outputs, compiled.weights_of(sample_weight))
    return compiled.results()


_DEFAULTS = {f.__name__: f for f in (train_step, test_step, predict_step, compute_loss, compute_metrics)}


def overrides(model: Any, name: str) -> bool:
    """Whether the model's class has a method of its own for a step."""
    own = getattr(type(model), name, None)
    return name in vars(model) or (own is not None and own is not _DEFAULTS[name])


# -- the short way -------------------------------------------------------------------------------------------------------------


def train(model: Any, compiled: Compiled, x: Any, y: Any, weight: Any) -> None:
    """Train on one batch and take it into the running numbers."""
    with torch.enable_grad():
        y_pred = compiled.forward(model)(x, training=True)
        outputs = [y_pred] if isinstance(y_pred, Tensor) else flatten(y_pred)
        if not compiled.ready:
            compiled.settle(model, y, y_pred, outputs, training=True)
        targets, weights = compiled.targets(y, outputs), compiled.weights_of(weight)
        if overrides(model, "compute_loss"):
            loss = _call_with(model.compute_loss, training=True)(x, y, y_pred, weight)
        else:
            loss = compiled.loss.total(targets, outputs, weights, model.losses)
        minimize(compiled, loss)
    _take(model, compiled, loss, (x, y, y_pred, weight), targets, outputs, weights)


def minimize(compiled: Compiled, loss: Tensor) -> None:
    """One step of the optimizer down the gradient of the loss."""
    optimizer = compiled.optimizer
    if compiled.own_optimizer:
        for weight in compiled.weights:
            weight.grad = None
    else:
        optimizer.zero_grad()
    scaled = loss if compiled.scale_loss is None else compiled.scale_loss(loss)
    (scaled if scaled.ndim == 0 else scaled.sum()).backward()
    if compiled.direct:
        with torch.no_grad():
            optimizer.advance()
        return
    optimizer.step()
    if compiled.constrained:
        with torch.no_grad():
            for weight, constraint in compiled.constrained:
                weight.copy_(constraint(weight))


def test(model: Any, compiled: Compiled, x: Any, y: Any, weight: Any) -> None:
    """Test on one batch and take it into the running numbers; to be called without gradient recording."""
    y_pred = compiled.forward(model)(x, training=False)
    outputs = [y_pred] if isinstance(y_pred, Tensor) else flatten(y_pred)
    if not compiled.ready:
        compiled.settle(model, y, y_pred, outputs, training=False)
    targets, weights = compiled.targets(y, outputs), compiled.weights_of(weight)
    if overrides(model, "compute_loss"):
        loss = _call_with(model.compute_loss, training=False)(x, y, y_pred, weight)
    else:
        loss = compiled.loss.total(targets, outputs, weights, model.losses)
    _take(model, compiled, loss, (x, y, y_pred, weight), targets, outputs, weights)


def _take(model: Any, compiled: Compiled, loss: Tensor, batch: Any, targets: Any, outputs: Any, weights: Any) -> None:
    x, y, y_pred, weight = batch
    size = outputs[0].shape[0] if outputs[0].ndim else length(x) or 1
    with torch.no_grad():
        if overrides(model, "compute_metrics"):
            compiled.track_loss(loss, size)
            compiled.replaced = model.compute_metrics(x, y, y_pred, weight)
        else:
            compiled.track(loss, size, targets, outputs, weights)


def _call_with(method: Any, training: bool) -> Any:
    """`method`, told of the mode if it wants to know (Keras 3 gives `training` to `compute_loss`)."""
    takes = "training" in inspect.signature(method).parameters
    return functools.partial(_by_name, method, {"training": training} if takes else {})


def _by_name(method: Any, extra: dict[str, Any], x: Any, y: Any, y_pred: Any, weight: Any) -> Any:
    return method(x=x, y=y, y_pred=y_pred, sample_weight=weight, **extra)
