"""Adafactor, Lamb, Muon, ScheduleFreeAdamW: arguments, slots, and the rule each of them calls."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from kcompat.generations import NOT_GIVEN, behaviour
from kcompat.optimizers import layerwise, rules
from kcompat.optimizers.adaptive import _all
from kcompat.optimizers.base import Optimizer, Slots, arguments
from kcompat.optimizers.classes import Betas
from kcompat.optimizers.options import constant, number


class Adafactor(Optimizer):
    """Second moments by row and column, steps relative to the weight's size. Source: https://keras.io/api/optimizers/adafactor/

    `relative_step` bounds the learning rate by 1 / sqrt(step), as the rule does in any case.
    """

    slots = ("r", "c", "v")
    runs = (slots,)
    hyper = ("beta_2_decay", "epsilon_1", "epsilon_2", "clip_threshold", "relative_step")

    @arguments("adafactor_arguments", "optimizer_arguments")
    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_2_decay: float = -0.8,
        epsilon_1: float = 1e-30,
        epsilon_2: float = 1e-3,
        clip_threshold: float = 1.0,
        relative_step: bool = True,
        **common: Any,
    ):
        self.beta_2_decay = number("Adafactor", "beta_2_decay", beta_2_decay)
        self.epsilon_1 = number("Adafactor", "epsilon_1", epsilon_1, 0.0)
        self.epsilon_2 = number("Adafactor", "epsilon_2", epsilon_2, 0.0)
        self.clip_threshold = number("Adafactor", "clip_threshold", clip_threshold)
        self.relative_step = relative_step
        super().__init__(learning_rate, **common)

    def _slots_of(self, weight: Tensor) -> tuple[str, ...]:
        return self.slots if weight.ndim >= 2 else ("v",)

    def _first(self, slot: str, weight: Tensor) -> Tensor:
        shapes = {"r": weight.shape[:-1], "c": (*weight.shape[:-2], *weight.shape[-1:]), "v": weight.shape}
        return torch.zeros(shapes[slot], dtype=weight.dtype, device=weight.device)

    def _saved(self, weight: Tensor, name: str) -> list[Tensor]:
        if name in ("r", "c") and weight.ndim < 2 and behaviour("adafactor_placeholders", self.release):
            return [torch.zeros((), dtype=torch.int32)]
        return super()._saved(weight, name)

    def _update(self, params: list[Tensor], grads: list[Tensor], slots: Slots, rate: float, step: int) -> None:
        layerwise.adafactor(
            params, grads, *slots, lr=rate, step=step, beta_2_decay=self.beta_2_decay, epsilon_1=self.epsilon_1,
            epsilon_2=self.epsilon_2, clip_threshold=self.clip_threshold,
        )  # fmt: skip


class Lamb(Betas):
    """Adam with steps as long as the weight, for large batches. Source: https://keras.io/api/optimizers/lamb/"""

    slots = ("m", "v")
    runs = (slots,)
    hyper = ("beta_1", "beta_2", "epsilon")

    @arguments("lamb_arguments", "optimizer_arguments")
    def __init__(
        self, learning_rate: Any = 0.001, beta_1: float = 0.9, beta_2: float = 0.999, epsilon: float | None = NOT_GIVEN, **common: Any
    ):
        self._take_betas(beta_1, beta_2, epsilon)
        super().__init__(learning_rate, **common)

    def _update(self, params: list[Tensor], grads: list[Tensor], slots: Slots, rate: float, step: int) -> None:
        layerwise.lamb(
            params, grads, _all(slots[0]), _all(slots[1]), lr=rate, beta_1=self._betas[0], beta_2=self._betas[1],
            epsilon=self.epsilon, corrections=self._corrections(step),
        )  # fmt: skip


class ScheduleFreeAdamW(Betas):
    """Adam that needs no schedule: the weight lies between a sequence and its mean. Source: https://arxiv.org/abs/2405.15682"""

    slots = ("momentum", "velocity")
    runs = (slots,)
    hyper = ("beta_1", "beta_2", "epsilon", "warmup_steps")

    @arguments("schedule_free_arguments", "optimizer_arguments")
    def __init__(
        self,
        learning_rate: Any = 0.0025,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        warmup_steps: int = 0,
        **common: Any,
    ):
        self._take_betas(beta_1, beta_2, epsilon)
        self.warmup_steps = number("ScheduleFreeAdamW", "warmup_steps", warmup_steps, 0)
        super().__init__(learning_rate, **common)

    def _first(self, slot: str, weight: Tensor) -> Tensor:
        return weight.detach().clone() if slot == "momentum" else super()._first(slot, weight)

    def _update(self, params: list[Tensor], grads: list[Tensor], slots: Slots, rate: float, step: int) -> None:
        if self.warmup_steps:
            rate *= min(step / self.warmup_steps, 1.0)
        layerwise.schedule_free(
            params, grads, _all(slots[0]), _all(slots[1]), lr=rate, step=step, beta_1=self._bases[0], beta_2=self._bases[1],
            epsilon=self.epsilon, correction=self._corrections(step)[1],
        )  # fmt: skip


class Muon(Optimizer):
    """Orthogonal steps for matrices, Adam's for all else. Source: https://keras.io/api/optimizers/muon/

    Adam has weights that are no matrices, embeddings (`exclude_embeddings`), and those whose path matches a pattern of `exclude_layers`.
    """

    slots = ("momentum", "velocity")
    runs = (slots,)
    hyper = (
        "adam_beta_1", "adam_beta_2", "epsilon", "exclude_layers", "muon_a", "muon_b", "muon_c", "adam_lr_ratio", "momentum", "ns_steps",
        "nesterov", "exclude_embeddings", "adam_weight_decay", "rms_rate",
    )  # fmt: skip

    @arguments("muon_arguments", "optimizer_arguments", "muon_last_arguments")
    def __init__(
        self,
        learning_rate: Any = 0.001,
        adam_beta_1: float = 0.9,
        adam_beta_2: float = 0.999,
        adam_weight_decay: float | None = 0.004,
        epsilon: float = 1e-7,
        weight_decay: float | None = 0.004,
        exclude_layers: Sequence[str] | None = None,
        exclude_embeddings: bool = True,
        muon_a: float = 3.4445,
        muon_b: float = -4.775,
        muon_c: float = 2.0315,
        adam_lr_ratio: float = 1,
        momentum: float = 0.95,
        ns_steps: int = 5,
        nesterov: bool = True,
        rms_rate: float | None = 0.2,
        **common: Any,
    ):
        self.adam_beta_1 = number("Muon", "adam_beta_1", adam_beta_1, 0.0, 1.0)
        self.adam_beta_2 = number("Muon", "adam_beta_2", adam_beta_2, 0.0, 1.0)
        self.adam_weight_decay = adam_weight_decay
        self._adam_decay = constant(number("Muon", "adam_weight_decay", adam_weight_decay)) if adam_weight_decay else None
        self._bases = constant(adam_beta_1), constant(adam_beta_2)
        self.epsilon = number("Muon", "epsilon", epsilon, 0.0)
        self.exclude_layers = list(exclude_layers or [])
        self.exclude_embeddings = exclude_embeddings
        self.muon_a, self.muon_b, self.muon_c = muon_a, muon_b, muon_c
        self.adam_lr_ratio = number("Muon", "adam_lr_ratio", adam_lr_ratio, 0.0)
        self.momentum = number("Muon", "momentum", momentum)
        self.ns_steps = int(number("Muon", "ns_steps", ns_steps, 0))
        self.nesterov = nesterov
        self.rms_rate = rms_rate
        super().__init__(learning_rate, weight_decay=weight_decay, **common)

    def _is_adams(self, weight: Tensor) -> bool:
        path = getattr(weight, "path", "")
        excluded = any(re.search(pattern, path) for pattern in self.exclude_layers)
        return weight.ndim != 2 or excluded or (self.exclude_embeddings and "embedding" in path.lower())

    def _slots_of(self, weight: Tensor) -> tuple[str, ...]:
        return self.slots if self._is_adams(weight) else self.slots[:1]

    def _decay_of(self, weight: Tensor) -> float | None:
        return self._adam_decay if self._is_adams(weight) else self.options.decay_factor

    def _update(self, params: list[Tensor], grads: list[Tensor], slots: Slots, rate: float, step: int) -> None:
        moments, squares = slots
        if squares is None:
            layerwise.muon(
                params, grads, _all(moments), lr=rate, momentum=self.momentum, nesterov=self.nesterov, steps=self.ns_steps,
                polynomial=(self.muon_a, self.muon_b, self.muon_c), rms_rate=self.rms_rate,
            )  # fmt: skip
            return
        rules.adam(
            params, grads, _all(moments), squares, None, lr=rate * self.adam_lr_ratio, step=step, beta_1=self.adam_beta_1,
            beta_2=self.adam_beta_2, epsilon=self.epsilon,
            corrections=(1.0 - self._bases[0] ** step, 1.0 - self._bases[1] ** step),
        )  # fmt: skip
