"""The arguments all optimizers share: taken by generation, checked, and what they do to gradients."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import Tensor

from kcompat.errors import ArgumentError, UnknownArgumentError, nearest
from kcompat.generations import behaviour, keras_version
from kcompat.optimizers import rules


@dataclass
class Options:
    """Arguments common to all optimizers; None or 0 means off."""

    name: str | None = None
    lr: Any = None
    decay: float = 0.0
    weight_decay: float | None = None
    clipnorm: float | None = None
    clipvalue: float | None = None
    global_clipnorm: float | None = None
    use_ema: bool = False
    ema_momentum: float = 0.99
    ema_overwrite_frequency: int | None = None
    #: how TensorFlow compiles the update; the update here is one fused kernel either way
    jit_compile: bool = False
    loss_scale_factor: float | None = None
    gradient_accumulation_steps: int | None = None
    #: laws of the generation, kept from construction
    clip_scope: str = "each"
    clips: str = "first"  # where both are given: which alone or in which order
    ema_start: str = "variable"
    special: bool = False
    decay_factor: float | None = None  # the weight decay as it meets the weights

    def set_scale(self, factor: float | None) -> None:
        """Change by what gradients are divided."""
        self.loss_scale_factor = factor
        self.settle()

    def settle(self) -> None:
        """Note whether gradients are changed at all before the rule sees them."""
        changed = (self.clipnorm, self.clipvalue, self.global_clipnorm, self.loss_scale_factor, self.gradient_accumulation_steps)
        self.special = any(changed)

    def clip(self, grads: list[Tensor]) -> list[Tensor]:
        """The gradients, clipped as asked for."""
        by_norm = self.clipnorm or self.global_clipnorm
        if self.clipvalue and (not by_norm or self.clips == "value_norm"):
            grads = rules.clip_by_value(grads, self.clipvalue)
        if self.clipnorm:
            grads = (rules.clip_all_by_norm if self.clip_scope == "all" else rules.clip_each_by_norm)(grads, self.clipnorm)
        elif self.global_clipnorm:
            grads = rules.clip_all_by_norm(grads, self.global_clipnorm)
        if self.clipvalue and by_norm and self.clips == "norm_value":
            grads = rules.clip_by_value(grads, self.clipvalue)
        return grads


_LAWS = ("clip_scope", "clips", "ema_start", "special", "decay_factor")
_NAMES = tuple(name for name in Options.__dataclass_fields__ if name not in _LAWS)


def take_options(owner: str, given: dict[str, Any], own: tuple[str, ...] = (), torch_style: bool = False) -> Options:
    """Options from keyword arguments, refused where the generation does not know them or would misread them.

    `own` are the optimizer's own arguments, named where an unknown one is near; an optimizer made of parameters as in torch
    (`torch_style`) takes `lr` in every generation.
    """
    given = {key: value for key, value in given.items() if key != "is_legacy_optimizer"}
    known = behaviour("optimizer_keywords").split()
    for key in given:
        if key not in known and not (key == "lr" and torch_style):
            hint = "It is called `learning_rate` there." if key == "lr" else nearest(key, ("learning_rate", *own, *known))
            raise UnknownArgumentError(f"{owner} has no argument `{key}`{_since(key)}. {hint}")
    given["decay"] = _decay(owner, given.get("decay"))
    options = Options(
        **given,
        clip_scope=behaviour("optimizer_clipnorm"),
        clips=behaviour("optimizer_clips"),
        ema_start=behaviour("optimizer_ema_starts_from"),
    )
    _check(owner, options)
    options.decay_factor = constant(options.weight_decay) if options.weight_decay else None
    options.settle()
    return options


def _since(key: str) -> str:
    """Says of a name that another generation knows that this one does not."""
    return f" in Keras {keras_version()}" if key in _NAMES else ""


def _decay(owner: str, value: Any) -> float:
    if not value:
        return 0.0
    law = behaviour("optimizer_decay")
    if law == "refuse":
        raise ArgumentError(
            f"{owner}: `decay` is no argument of this Keras generation, received {value!r}. Use "
            f"optimizers.legacy.{owner}, or a schedule such as InverseTimeDecay as `learning_rate`."
        )
    if law == "ignore":
        warnings.warn(f"{owner}: `decay` has no effect in Keras 3; use a schedule as `learning_rate`.", UserWarning, stacklevel=6)
        return 0.0
    return number(owner, "decay", value, low=0.0)


def constant(value: float) -> float:
    """A number as the generation lets it meet a weight: TensorFlow takes some through float32, also where the weight is float64."""
    return float(np.float32(value)) if behaviour("optimizer_constants") == "float32" else float(value)


def number(owner: str, name: str, value: Any, low: float = -math.inf, high: float = math.inf) -> float:
    """`value`, a number from `low` to `high`."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
        bounds = f" from {low:g} to {high:g}" if high < math.inf else f" of at least {low:g}" if low > -math.inf else ""
        raise ArgumentError(f"{owner}: `{name}` must be a number{bounds}, received {value!r}.")
    return value


def _check(owner: str, options: Options) -> None:
    given = {key: getattr(options, key) for key in ("clipnorm", "clipvalue", "global_clipnorm") if getattr(options, key) is not None}
    for name, value in given.items():
        number(owner, name, value, low=0.0)
    if len(given) > 1 and options.clips == "one":
        raise ArgumentError(f"{owner}: only one of `clipnorm`, `clipvalue` and `global_clipnorm` can be set, received {given}.")
    if "clipnorm" in given and "global_clipnorm" in given:
        raise ArgumentError(f"{owner}: `clipnorm` and `global_clipnorm` cannot both be set, received {given}.")
    if options.weight_decay is not None and options.weight_decay is not False:
        number(owner, "weight_decay", options.weight_decay)
    if not 0 <= options.ema_momentum <= 1:
        raise ArgumentError(f"{owner}: `ema_momentum` must lie in [0, 1], received {options.ema_momentum!r}.")
    for name, least in (("gradient_accumulation_steps", 2), ("ema_overwrite_frequency", 1)):
        every = getattr(options, name)
        if every and (not isinstance(every, int) or every < least):
            raise ArgumentError(f"{owner}: `{name}` must be an integer of at least {least}, received {every!r}.")
    if options.loss_scale_factor is not None:
        number(owner, "loss_scale_factor", options.loss_scale_factor, low=1e-30)
