"""The training methods of a model, each handing over to the loop: a mixin for `torch.nn.Module`s.

Whoever mixes it in has `trainable_weights`, `losses`, `forward` with a `training` argument, and may have `output_names`.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from typing import Any

from kcompat.errors import ArgumentError, ArgumentTypeError
from kcompat.generations import positional
from kcompat.training import loop, step
from kcompat.training.compile import Compiled, reset_all, to_numbers

#: how batches are fetched, not which: threads and queues, in Keras 2 and in Keras 1 -> the values that ask for no help
_FETCHING: dict[str, tuple[Any, ...]] = {
    "workers": (None, 0, 1), "use_multiprocessing": (None, False), "nb_worker": (None, 0, 1), "pickle_safe": (None, False),
}  # fmt: skip
_QUEUES = ("max_queue_size", "max_q_size")


def _known(kwargs: dict[str, Any], fetches: bool) -> dict[str, Any]:
    """Keyword arguments under today's names; those on fetching change nothing in the result: they are dropped, workers with a warning."""
    if fetches:
        for name in sorted(_FETCHING.keys() & kwargs):
            if kwargs[name] not in _FETCHING[name]:
                warnings.warn(
                    f"`{name}={kwargs[name]!r}` has no effect: batches are fetched in the calling thread, with the same results. "
                    "Workers come with a DataLoader: `torch.utils.data.DataLoader(dataset, num_workers=...)`.",
                    UserWarning,
                    stacklevel=3,
                )
        kwargs = {key: value for key, value in kwargs.items() if key not in _FETCHING and key not in _QUEUES}
    if "nb_epoch" in kwargs:
        if "epochs" in kwargs:
            raise ArgumentError("Give `epochs` or `nb_epoch`, not both.")
        warnings.warn("`nb_epoch` is called `epochs` since Keras 2.", DeprecationWarning, stacklevel=3)
        kwargs = {**kwargs, "epochs": kwargs["nb_epoch"]}
        del kwargs["nb_epoch"]
    return kwargs


def _delegate(function: Callable[..., Any], fetches: bool = False) -> Callable[..., Any]:
    """A method that hands over to a function of the loop, under its signature and docstring."""

    @functools.wraps(function)
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        return function(self, *args, **_known(kwargs, fetches))

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

    @positional("compile_arguments")
    def compile(
        self,
        optimizer: Any = "rmsprop",
        loss: Any = None,
        metrics: Any = None,
        loss_weights: Any = None,
        weighted_metrics: Any = None,
        run_eagerly: bool | None = None,
        steps_per_execution: int | None = None,
        jit_compile: Any = None,
        auto_scale_loss: bool = True,
        sample_weight_mode: Any = None,
        target_tensors: Any = None,
        **kwargs: Any,
    ) -> None:
        """Set optimizer, loss and metrics for training. Source: https://keras.io/api/models/model_training_apis/"""
        if set(kwargs) - {"pss_evaluation_shards"}:
            raise ArgumentTypeError(f"compile has no argument `{min(set(kwargs) - {'pss_evaluation_shards'})}`.")
        compiled = Compiled(
            optimizer, loss, metrics, loss_weights, weighted_metrics, run_eagerly, steps_per_execution, jit_compile,
            auto_scale_loss, sample_weight_mode, target_tensors, output_names=getattr(self, "output_names", None), **kwargs,
        )  # fmt: skip
        compiled.note_trainable(self)
        self._compiled = compiled

    fit = _delegate(loop.fit, fetches=True)
    evaluate = _delegate(loop.evaluate, fetches=True)
    predict = _delegate(loop.predict, fetches=True)
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
