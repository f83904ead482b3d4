"""Losses: functions of targets and predictions, and `Loss` objects that weigh, mask and average what a function gives.

`tensor/loss` has the formulas; `functions` convert, bring ranks together and call them; `base` has the objects; `classes`
name arguments. What differs between generations (`convert.Laws`) an object keeps from its construction; a function
called directly takes it from the selected generation. Names are registered here.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import torch

from kcompat import registry
from kcompat.errors import ArgumentError, ArgumentTypeError
from kcompat.losses import crossentropies, functions
from kcompat.losses.base import Loss, LossFunctionWrapper, TorchLoss
from kcompat.losses.classes import (
    CLASSES,
    CTC,
    BinaryCrossentropy,
    BinaryFocalCrossentropy,
    CategoricalCrossentropy,
    CategoricalFocalCrossentropy,
    CategoricalGeneralizedCrossEntropy,
    CategoricalHinge,
    Circle,
    CosineSimilarity,
    Dice,
    Hinge,
    Huber,
    KLDivergence,
    LogCosh,
    MeanAbsoluteError,
    MeanAbsolutePercentageError,
    MeanSquaredError,
    MeanSquaredLogarithmicError,
    Poisson,
    SparseCategoricalCrossentropy,
    SquaredHinge,
    Tversky,
)
from kcompat.losses.crossentropies import (
    binary_crossentropy,
    binary_focal_crossentropy,
    categorical_crossentropy,
    categorical_focal_crossentropy,
    categorical_generalized_cross_entropy,
    sparse_categorical_crossentropy,
)
from kcompat.losses.functions import (
    categorical_hinge,
    circle,
    cosine_similarity,
    ctc,
    dice,
    hinge,
    huber,
    kl_divergence,
    log_cosh,
    mean_absolute_error,
    mean_absolute_percentage_error,
    mean_squared_error,
    mean_squared_logarithmic_error,
    poisson,
    squared_hinge,
    tversky,
)

mse = MSE = mean_squared_error
mae = MAE = mean_absolute_error
mape = MAPE = mean_absolute_percentage_error
msle = MSLE = mean_squared_logarithmic_error
kld = KLD = kullback_leibler_divergence = kl_divergence
logcosh = log_cosh
huber_loss = huber
cosine = cosine_proximity = cosine_similarity
bce = BCE = binary_crossentropy

FUNCTIONS: tuple[Any, ...] = (*functions.FUNCTIONS, *crossentropies.FUNCTIONS)
ALIASES: dict[Any, tuple[str, ...]] = {**functions.ALIASES, **crossentropies.ALIASES}
registry.register("loss", {name: fn for fn in FUNCTIONS for name in (fn.__name__, *ALIASES.get(fn, ()))}, name_rows=functions.NAME_ROWS)
_CLASSES: tuple[type[Loss], ...] = (Loss, LossFunctionWrapper, *CLASSES)
registry.register("loss", {cls.__name__: cls for cls in _CLASSES})


class Reduction:
    """The names of the ways to make one number of loss values, as tf.keras lists them."""

    AUTO = "auto"
    NONE = "none"
    SUM = "sum"
    SUM_OVER_BATCH_SIZE = "sum_over_batch_size"

    @classmethod
    def all(cls) -> tuple[str, ...]:
        """All names."""
        return (cls.AUTO, cls.NONE, cls.SUM, cls.SUM_OVER_BATCH_SIZE)

    @classmethod
    def validate(cls, key: str) -> None:
        """Refuse what is no such name."""
        if key not in cls.all():
            raise ArgumentError(f"`reduction` must be one of {cls.all()}, received {key!r}.")


def get(identifier: Any) -> Any:
    """A loss from a name, config, class, function or object; None stays None."""
    return registry.get("loss", identifier)


def serialize(loss: Any, use_legacy_format: bool = False) -> Any:
    """What stands for a loss in a config; the legacy format names no module."""
    written = registry.serialize("loss", loss)
    return {k: written[k] for k in ("class_name", "config")} if use_legacy_format and isinstance(written, dict) else written


def deserialize(name: Any, custom_objects: Mapping[str, Any] | None = None, use_legacy_format: bool = False) -> Any:
    """The loss that `serialize` described; both formats are read, whatever `use_legacy_format` says."""
    return registry.get("loss", name, custom_objects)


def as_loss(identifier: Any) -> Loss | None:
    """What `compile` makes of a loss: an object that weighs and averages."""
    if identifier is None:
        return None
    found = identifier if isinstance(identifier, (Loss, torch.nn.Module)) else get(identifier)
    if isinstance(found, Loss):
        return found
    if isinstance(found, torch.nn.Module):
        return TorchLoss(found)
    if not callable(found) or inspect.isclass(found):
        raise ArgumentTypeError(f"`loss` must be a name, a function, a Loss or a torch loss module, received {identifier!r}.")
    return LossFunctionWrapper(found)


__all__ = [
    "BCE", "CTC", "KLD", "MAE", "MAPE", "MSE", "MSLE", "BinaryCrossentropy", "BinaryFocalCrossentropy", "CategoricalCrossentropy",
    "CategoricalFocalCrossentropy", "CategoricalGeneralizedCrossEntropy", "CategoricalHinge", "Circle", "CosineSimilarity", "Dice",
    "Hinge", "Huber", "KLDivergence", "LogCosh", "Loss", "LossFunctionWrapper", "MeanAbsoluteError", "MeanAbsolutePercentageError",
    "MeanSquaredError", "MeanSquaredLogarithmicError", "Poisson", "Reduction", "SparseCategoricalCrossentropy", "SquaredHinge",
    "TorchLoss", "Tversky", "as_loss", "bce", "binary_crossentropy", "binary_focal_crossentropy", "categorical_crossentropy",
    "categorical_focal_crossentropy", "categorical_generalized_cross_entropy", "categorical_hinge", "circle", "cosine",
    "cosine_proximity", "cosine_similarity", "ctc", "deserialize", "dice", "get", "hinge", "huber", "huber_loss", "kl_divergence", "kld",
    "kullback_leibler_divergence", "log_cosh", "logcosh", "mae", "mape", "mean_absolute_error", "mean_absolute_percentage_error",
    "mean_squared_error", "mean_squared_logarithmic_error", "mse", "msle", "poisson", "serialize", "sparse_categorical_crossentropy",
    "squared_hinge", "tversky",
]  # fmt: skip
