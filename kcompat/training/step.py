"""One step of training, testing, prediction. A model's class has these functions as methods; a user may override each.

The loop calls the short way (`train`, `test`, `predict`) where nothing is overridden: no dict of results is made per batch.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from kcompat.errors import ArgumentError
from kcompat.training.calls import RepeatedCall
from kcompat.training.compile import Compiled, compiled_of
from kcompat.training.data import length, packed, unpack
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


def make_train_function(self: Any, force: bool = False) -> Any:
    """A function that takes the next batch of an iterator and trains on it."""
    return lambda iterator: self.train_step(next(iterator))


def make_test_function(self: Any, force: bool = False) -> Any:
    """A function that takes the next batch of an iterator and tests on it."""
    return lambda iterator: self.test_step(next(iterator))


def make_predict_function(self: Any, force: bool = False) -> Any:
    """A function that takes the next batch of an iterator and gives the predictions."""
    return lambda iterator: self.predict_step(next(iterator))


_METHODS = (
    train_step, test_step, predict_step, compute_loss, compute_metrics, make_train_function, make_test_function, make_predict_function,
)  # fmt: skip
_DEFAULTS = {f.__name__: f for f in _METHODS}


def overrides(model: Any, name: str) -> bool:
    """Whether the model's class has a method of its own for a step."""
    own = getattr(type(model), name, None)
    return name in vars(model) or (own is not None and own is not _DEFAULTS[name])


# -- what the loops call -------------------------------------------------------------------------------------------------------

#: a function of a batch (x, y, weight), and whether what it gives are the numbers (it is written by a user)
OneBatch = tuple[Callable[[Any], Any], bool]


def trainer(model: Any, compiled: Compiled) -> OneBatch:
    """What trains on a batch: the short way, or what the model's class says."""
    own = _own(model, "make_train_function", "train_step")
    return (own, True) if own is not None else (lambda batch: train(model, compiled, *batch), False)


def tester(model: Any, compiled: Compiled) -> OneBatch:
    """What tests on a batch."""
    own = _own(model, "make_test_function", "test_step")
    return (own, True) if own is not None else (lambda batch: test(model, compiled, *batch), False)


def predictor(model: Any) -> Callable[[Any], Any]:
    """What predicts for a batch."""
    own = _own(model, "make_predict_function", "predict_step")
    if own is not None:
        return own
    compiled = getattr(model, "_compiled", None)
    forward = model if compiled is None else compiled.forward(model)
    if forward is not model:
        return lambda batch: forward(batch[0], training=False)
    call = RepeatedCall(model, training=False)
    return lambda batch: call(batch[0])


def _own(model: Any, maker: str, name: str) -> Callable[[Any], Any] | None:
    if overrides(model, maker):
        function = getattr(model, maker)()
        return lambda batch: function(iter([packed(*batch)]))
    if overrides(model, name):
        method = getattr(model, name)
        return lambda batch: method(packed(*batch))
    return None


# -- the short way -------------------------------------------------------------------------------------------------------------


def train(model: Any, compiled: Compiled, x: Any, y: Any, weight: Any) -> None:
    """Train on one batch and take it into the running numbers."""
    if compiled.jit_compile and compiled.ready and not overrides(model, "compute_loss"):
        compiled.faster_step(model, _train_compiled, _train_eagerly)(model, compiled, x, y, weight)
    else:
        _train_eagerly(model, compiled, x, y, weight)


def _train_eagerly(model: Any, compiled: Compiled, x: Any, y: Any, weight: Any) -> None:
    with torch.enable_grad():
        y_pred = compiled.call(model, x)
        outputs = [y_pred] if isinstance(y_pred, Tensor) else flatten(y_pred)
        if not compiled.ready:
            compiled.settle(model, y, y_pred, outputs, training=True)
        targets, weights = compiled.targets(y, outputs), compiled.weights_of(weight)
        if overrides(model, "compute_loss"):
            loss = _call_with(model.compute_loss, training=True)(x, y, y_pred, weight)
        else:
            loss = compiled.loss.total(targets, outputs, weights, compiled.added_losses(model))
        minimize(compiled, loss)
    _take(model, compiled, loss, (x, y, y_pred, weight), targets, outputs, weights)


def _train_compiled(model: Any, compiled: Compiled, x: Any, y: Any, weight: Any) -> None:
    """The same through one compiled graph; the first batch, which settles what meets what, runs eagerly."""
    targets, weights = compiled.targets_like_before(y), compiled.weights_of(weight)
    with torch.enable_grad():
        loss, y_pred = compiled.forward_and_loss(model)(x, targets, weights)
        minimize(compiled, loss)
    outputs = [y_pred] if isinstance(y_pred, Tensor) else flatten(y_pred)
    _take(model, compiled, loss, (x, y, y_pred, weight), targets, outputs, weights)


def minimize(compiled: Compiled, loss: Tensor) -> None:
    """One step of the optimizer down the gradient of the loss."""
    optimizer = compiled.optimizer
    if compiled.own_optimizer:
        for weight in compiled.weights:
            weight.grad = None
    else:
        optimizer.zero_grad()
    if not loss.requires_grad:  # a model without trainable weights: there is a loss, and nothing to change
        if compiled.weights:
            raise ArgumentError("The loss depends on no trainable weight: check that the model's outputs are made from its layers.")
        return
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
