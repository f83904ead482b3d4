"""The arguments all optimizers share: taken by generation, checked, and what they do to gradients."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from kcompat.errors import ArgumentError, UnknownArgumentError, nearest
from kcompat.generations import behaviour
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
    clips: str = "first"
    ema_start: str = "variable"
    special: bool = False

    def clip(self, grads: list[Tensor]) -> list[Tensor]:
        """The gradients, clipped as asked for."""
        clipped = False
        if self.clipnorm and self.clipnorm > 0:
            grads = (rules.clip_all_by_norm if self.clip_scope == "all" else rules.clip_each_by_norm)(grads, self.clipnorm)
            clipped = True
        elif self.global_clipnorm and self.global_clipnorm > 0:
            grads = rules.clip_all_by_norm(grads, self.global_clipnorm)
            clipped = True
        if self.clipvalue and self.clipvalue > 0 and (not clipped or self.clips == "both"):
            grads = rules.clip_by_value(grads, self.clipvalue)
        return grads


_LAWS = ("clip_scope", "clips", "ema_start", "special")
_NAMES = tuple(name for name in Options.__dataclass_fields__ if name not in _LAWS)


def take_options(owner: str, given: dict[str, Any]) -> Options:
    """Options from keyword arguments, refused where the generation would misread them."""
    given = {key: value for key, value in given.items() if key != "is_legacy_optimizer"}
    for key in given:
        if key not in _NAMES:
            raise UnknownArgumentError(f"{owner} has no argument `{key}`. {nearest(key, _NAMES)}")
    given["decay"] = _decay(owner, given.get("decay"))
    options = Options(
        **given,
        clip_scope=behaviour("optimizer_clipnorm"),
        clips=behaviour("optimizer_clips"),
        ema_start=behaviour("optimizer_ema_starts_from"),
    )
    _check(owner, options)
    clips = (options.clipnorm, options.clipvalue, options.global_clipnorm)
    options.special = any(clips) or bool(options.loss_scale_factor or options.gradient_accumulation_steps)
    return options


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
        warnings.warn(f"{owner}: `decay` has no effect in Keras 3; use a schedule as `learning_rate`.", UserWarning, stacklevel=5)
        return 0.0
    return float(value)


def _check(owner: str, options: Options) -> None:
    given = {key: getattr(options, key) for key in ("clipnorm", "clipvalue", "global_clipnorm") if getattr(options, key) is not None}
    if len(given) > 1 and options.clips == "one":
        raise ArgumentError(f"{owner}: only one of `clipnorm`, `clipvalue` and `global_clipnorm` can be set, received {given}.")
    if "clipnorm" in given and "global_clipnorm" in given:
        raise ArgumentError(f"{owner}: `clipnorm` and `global_clipnorm` cannot both be set, received {given}.")
    if not 0 <= options.ema_momentum <= 1:
        raise ArgumentError(f"{owner}: `ema_momentum` must lie in [0, 1], received {options.ema_momentum!r}.")
    every = options.gradient_accumulation_steps
    if every is not None and (not isinstance(every, int) or every < 2):
        raise ArgumentError(f"{owner}: `gradient_accumulation_steps` must be an integer of at least 2, received {every!r}.")
