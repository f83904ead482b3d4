"""Configs of optimizers: what each generation writes, and reading all of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from kcompat import registry
from kcompat.generations import behaviour

_CLIPS = ("clipnorm", "global_clipnorm", "clipvalue")
_EMA = ("use_ema", "ema_momentum", "ema_overwrite_frequency")


def config_of(optimizer: Any) -> dict[str, Any]:
    """The config of an optimizer in the form of the generation."""
    options, form = optimizer.options, behaviour("optimizer_config", optimizer.release)
    own = {name: getattr(optimizer, name) for name in optimizer.hyper}
    rate = _rate(optimizer)
    shared = {name: getattr(options, name) for name in ("weight_decay", *_CLIPS, *_EMA)}
    if form == "keras3":
        scaling = {name: getattr(options, name) for name in ("loss_scale_factor", "gradient_accumulation_steps")}
        return {"name": optimizer.name, "learning_rate": rate, **shared, **scaling, **own}
    if form == "full":
        return {
            "name": optimizer.name,
            **shared,
            "jit_compile": options.jit_compile,
            "is_legacy_optimizer": False,
            "learning_rate": rate,
            **own,
        }
    clips = {name: getattr(options, name) for name in _CLIPS if getattr(options, name) is not None}
    pace = getattr(optimizer, "schedule_decay", None)  # of Nadam, which knows no `decay`
    if form == "legacy":
        return {"name": optimizer.name, **clips, "learning_rate": rate, "decay": options.decay if pace is None else pace, **own}
    decay = {"decay": _as_float32("decay", options.decay)} if pace is None else {}
    return {behaviour("optimizer_rate_key"): rate, **{k: _as_float32(k, v) for k, v in own.items()}, **decay, **clips}


def _as_float32(name: str, value: Any) -> Any:
    """Old Keras keeps its hyperparameters in float32 variables and reads them back; epsilon and flags stay as given."""
    return float(np.float32(value)) if isinstance(value, float) and name not in ("epsilon", "schedule_decay") else value


def _rate(optimizer: Any) -> Any:
    if optimizer._schedule is not None:
        return registry.serialize("schedule", optimizer._schedule)
    return float(np.float32(optimizer.param_groups[0]["lr"]))


#: what the keywords of later generations say where they say nothing
_SILENT = {
    "decay": 0.0, "weight_decay": None, "clipnorm": None, "clipvalue": None, "global_clipnorm": None, "use_ema": False,
    "ema_momentum": 0.99, "ema_overwrite_frequency": None, "loss_scale_factor": None, "gradient_accumulation_steps": None,
}  # fmt: skip


def read_config(config: Mapping[str, Any], custom_objects: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Constructor arguments from a config of any generation: what this one does not know is left out where it says nothing."""
    arguments = dict(config)
    if "lr" in arguments:
        arguments["learning_rate"] = arguments.pop("lr")
    if isinstance(arguments.get("learning_rate"), dict):
        arguments["learning_rate"] = registry.deserialize("schedule", arguments["learning_rate"], custom_objects)
    known = behaviour("optimizer_keywords").split()
    for key in ("is_legacy_optimizer", *(() if "jit_compile" in known else ("jit_compile",))):
        arguments.pop(key, None)  # of how TensorFlow runs the update, which is one fused kernel here
    if "name" not in known:
        arguments.pop("name", None)
    return {k: v for k, v in arguments.items() if k in known or k not in _SILENT or v != _SILENT[k]}
