"""The training methods of a model, each handing over to the loop: a mixin for `torch.nn.Module`s.

Whoever mixes it in has `trainable_weights`, `losses`, `forward` with a `training` argument, and may have `output_names`.
"""

from __future__ import annotations

import functools
import inspect
import warnings
from collections.abc import Callable
from typing import Any

from kcompat.errors import ArgumentError, ArgumentTypeError, nearest
from kcompat.generations import positional
from kcompat.training import generators, loop, step
from kcompat.training.compile import Compiled
from kcompat.training.numbers import reset_all, to_numbers

#: names of arguments in Keras 1 -> their names since
_RENAMED = {
    "nb_epoch": "epochs", "nb_worker": "workers", "pickle_safe": "use_multiprocessing", "max_q_size": "max_queue_size",
}  # fmt: skip
_OF_COMPILE = [name for name in inspect.signature(Compiled.__init__).parameters if name not in ("self", "output_names")]


def _known(kwargs: dict[str, Any]) -> dict[str, Any]:
    """Keyword arguments of Keras 1 under today's names."""
    for old in sorted(_RENAMED.keys() & kwargs):
        new = _RENAMED[old]
        if new in kwargs:
            raise ArgumentError(f"Give `{new}` or `{old}`, not both.")
        warnings.warn(f"`{old}` is called `{new}` since Keras 2.", DeprecationWarning, stacklevel=3)
        kwargs = {**{name: value for name, value in kwargs.items() if name != old}, new: kwargs[old]}
    return kwargs


def _delegate(function: Callable[..., Any]) -> Callable[..., Any]:
    """A method that hands over to a function of the loop, under its signature and docstring."""

    @functools.wraps(function)
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        return function(self, *args, **_known(kwargs))

    return method


class TrainingMethods:
    """`compile`, `fit`, `evaluate`, `predict` and their kin."""

    _compiled: Compiled | None = None
    history: Any = None
    stop_training = False

    train_step = step.train_step
    test_step = step.test_step
    predict_step = step.predict_step
    compute_loss = step.compute_loss
    compute_metrics = step.compute_metrics

    make_train_function = step.make_train_function
    make_test_function = step.make_test_function
    make_predict_function = step.make_predict_function

    @positional("compile_arguments")
    def compile(self, optimizer: Any = "rmsprop", **settings: Any) -> None:
        """Set optimizer, loss and metrics for training; the arguments are those of `Compiled`.

        Source: https://keras.io/api/models/model_training_apis/
        """
        for name in settings:
            if name not in _OF_COMPILE:
                raise ArgumentTypeError(f"compile has no argument `{name}`. {nearest(name, _OF_COMPILE)}")
        compiled = Compiled(optimizer, **settings, output_names=getattr(self, "output_names", None))
        compiled.scale_losses(getattr(self, "dtype_policy", None))
        compiled.note_trainable(self)
        self._compiled = compiled

    fit = _delegate(loop.fit)
    evaluate = _delegate(loop.evaluate)
    predict = _delegate(loop.predict)
    fit_generator = _delegate(generators.fit_generator)
    evaluate_generator = _delegate(generators.evaluate_generator)
    predict_generator = _delegate(generators.predict_generator)
    train_on_batch = _delegate(loop.train_on_batch)
    test_on_batch = _delegate(loop.test_on_batch)

    def predict_on_batch(self, x: Any) -> Any:
        """Outputs for one batch as a numpy array."""
        return loop.predict_on_batch(self, x)

    @property
    def optimizer(self) -> Any:
        """The optimizer given to `compile`, None before."""
        return None if self._compiled is None else self._compiled.optimizer

    @property
    def loss(self) -> Any:
        """The loss given to `compile`."""
        return None if self._compiled is None else self._compiled.given["loss"]

    @property
    def compiled_loss(self) -> Any:
        """The compiled loss, to be called as `compiled_loss(y, y_pred, sample_weight)` in a `train_step`."""
        return None if self._compiled is None else self._compiled.loss

    @property
    def compiled_metrics(self) -> Any:
        """The compiled metrics, with `update_state(y, y_pred, sample_weight)` for a `train_step`."""
        return None if self._compiled is None else self._compiled.metrics

    @property
    def metrics(self) -> list[Any]:
        """The metric objects: the running loss, those of outputs, those given to `compile`."""
        return [] if self._compiled is None else self._compiled.all_metrics

    @property
    def metrics_names(self) -> list[str]:
        """The names of the numbers that `evaluate` returns."""
        return [] if self._compiled is None else self._compiled.metrics_names()

    def reset_metrics(self) -> None:
        """Start the running numbers anew."""
        reset_all(self.metrics)

    def get_metrics_result(self) -> dict[str, Any]:
        """The running numbers."""
        return to_numbers({m.name: m.result() for m in self.metrics})


class ClassPredictions:
    """`predict_classes` and `predict_proba`, which a `Sequential` has in Keras 1 and 2 (until tf.keras 2.5)."""

    predict: Callable[..., Any]

    def predict_proba(self, x: Any, batch_size: int | None = None, verbose: int = 0, steps: int | None = None) -> Any:
        """The predictions."""
        return self.predict(x, batch_size=batch_size, verbose=verbose, steps=steps)

    def predict_classes(self, x: Any, batch_size: int | None = None, verbose: int = 0, steps: int | None = None) -> Any:
        """The class of each sample: the place of the largest output, or whether the only output is above 0.5."""
        found = self.predict(x, batch_size=batch_size, verbose=verbose, steps=steps)
        return found.argmax(axis=-1) if found.shape[-1] > 1 else (found > 0.5).astype("int32")
