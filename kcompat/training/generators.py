"""`fit_generator` and its kin (Keras 1 and 2): `fit`, `evaluate`, `predict` under the arguments they had for generators."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import Any

from kcompat.errors import ArgumentTypeError
from kcompat.generations import NOT_GIVEN, behaviour, positional
from kcompat.training import loop
from kcompat.training.data import convert, is_structure_of_arrays, length, unpack


@positional("fit_generator_arguments")
def fit_generator(
    model: Any,
    generator: Any,
    steps_per_epoch: int | None = None,
    epochs: int = NOT_GIVEN,
    verbose: Any = 1,
    callbacks: Any = None,
    validation_data: Any = None,
    validation_steps: int | None = None,
    validation_freq: Any = 1,
    class_weight: Any = None,
    max_queue_size: int = 10,
    workers: int = 1,
    use_multiprocessing: bool = False,
    shuffle: Any = True,
    initial_epoch: int = 0,
    samples_per_epoch: int | None = None,
    nb_val_samples: int | None = None,
) -> Any:
    """Train on the batches of a generator or `Sequence`; Keras 1 counts `samples_per_epoch` and `nb_val_samples`."""
    generator, steps_per_epoch = _counted(_batches(generator), steps_per_epoch, "samples_per_epoch", samples_per_epoch)
    if validation_data is not None and not is_structure_of_arrays(validation_data):
        validation_data, validation_steps = _counted(validation_data, validation_steps, "nb_val_samples", nb_val_samples)
    return loop.fit(
        model, generator, epochs=epochs, verbose=verbose, callbacks=callbacks, validation_data=validation_data, shuffle=shuffle,
        class_weight=class_weight, initial_epoch=initial_epoch, steps_per_epoch=steps_per_epoch, validation_steps=validation_steps,
        validation_freq=validation_freq, max_queue_size=max_queue_size, workers=workers, use_multiprocessing=use_multiprocessing,
    )  # fmt: skip


def _over_batches(name: str, run: Callable[..., Any], doc: str) -> Callable[..., Any]:
    """`evaluate_generator` or `predict_generator`: `run` under the arguments that both have."""

    @positional("evaluate_generator_arguments")
    def function(
        model: Any,
        generator: Any,
        steps: int | None = None,
        callbacks: Any = None,
        max_queue_size: int = 10,
        workers: int = 1,
        use_multiprocessing: bool = False,
        verbose: Any = 0,
        val_samples: int | None = None,
    ) -> Any:
        generator, steps = _counted(_batches(generator), steps, "val_samples", val_samples)
        return run(
            model, generator, steps=steps, callbacks=callbacks, verbose=verbose, max_queue_size=max_queue_size, workers=workers,
            use_multiprocessing=use_multiprocessing,
        )  # fmt: skip

    function.__name__ = function.__qualname__ = name
    function.__doc__ = doc
    return function


def _batches(generator: Any) -> Any:
    if is_structure_of_arrays(generator):
        raise ArgumentTypeError(
            f"`generator` must be a generator or a `Sequence`, received {type(generator).__name__}: arrays go into `fit`."
        )
    return generator


#: what Keras 2 calls the counts of Keras 1
_STEPS = {"samples_per_epoch": "steps_per_epoch", "nb_val_samples": "validation_steps", "val_samples": "steps"}


def _counted(data: Any, steps: int | None, argument: str, samples: int | None) -> tuple[Any, int | None]:
    """Data and steps of an epoch, where Keras 1 tells how many samples it has; Keras 2 took that for batches."""
    if samples is None:
        return data, steps
    law = behaviour("samples_arguments")
    if law is None or steps is not None:
        raise ArgumentTypeError(f"`{argument}` is of Keras 1: give `{_STEPS[argument]}`, the number of batches.")
    if law == "samples":
        return BySamples(data, samples), None
    warnings.warn(f"`{argument}` is called `{_STEPS[argument]}` since Keras 2 and counts batches.", DeprecationWarning, stacklevel=4)
    return data, samples // getattr(data, "batch_size", 1) if argument == "samples_per_epoch" else samples


class BySamples:
    """The batches of a generator in epochs of at least `samples` samples; an epoch goes on where the one before stopped."""

    def __init__(self, data: Any, samples: int):
        self._data, self._samples = data, samples
        self._ahead: Iterator[Any] | None = None

    def __iter__(self) -> Iterator[Any]:
        if self._ahead is None:
            self._ahead = iter(self._data)
        seen = 0
        while seen < self._samples:
            batch = next(self._ahead, None)
            if batch is None:
                return
            seen += length(convert(unpack(batch)[0])) or 0
            yield batch


evaluate_generator = _over_batches("evaluate_generator", loop.evaluate, "Loss and metrics over the batches of a generator or `Sequence`.")
predict_generator = _over_batches("predict_generator", loop.predict, "The outputs for the batches of a generator or `Sequence`.")
