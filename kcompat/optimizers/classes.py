"""The optimizers: arguments, slots, and the rule each of them calls."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from kcompat import config
from kcompat.errors import ArgumentError
from kcompat.generations import behaviour
from kcompat.optimizers import rules
from kcompat.optimizers.base import Optimizer, arguments

Slots = list[list[Tensor] | None]


class SGD(Optimizer):
    """Gradient descent with momentum: `m = momentum m - lr g; v += m`. Source: https://keras.io/api/optimizers/sgd/"""

    slots = ("m",)
    hyper = ("momentum", "nesterov")

    @arguments("sgd_arguments", "optimizer_arguments")
    def __init__(self, learning_rate: Any = 0.01, momentum: float = 0.0, nesterov: bool = False, **common: Any):
        if not isinstance(momentum, (int, float)) or not 0 <= momentum <= 1:
            raise ArgumentError(f"SGD: `momentum` must be a number from 0 to 1, received {momentum!r}.")
        self.momentum = momentum
        self.nesterov = nesterov
        self._always_slot = behaviour("sgd_always_has_slot")
        super().__init__(learning_rate, **common)

    def _slot_names(self) -> tuple[str, ...]:
        return self.slots if self.momentum or self._always_slot else ()

    def _update(self, params: list[Tensor], grads: list[Tensor], slots: Slots, rate: float, step: int) -> None:
        moments = slots[0] if self.momentum else None
        rules.sgd(params, grads, moments, lr=rate, momentum=self.momentum, nesterov=self.nesterov)


class Adam(Optimizer):
    """Steps of running mean over root of running square. Source: https://keras.io/api/optimizers/adam/

    `epsilon=None` is `config.epsilon()`; `adaptive_epsilon` corrects it for bias as the paper (and torch) does.
    """

    slots = ("m", "v", "vhat")
    hyper = ("beta_1", "beta_2", "epsilon", "amsgrad")

    @arguments("adam_arguments", "optimizer_arguments")
    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float | None = 1e-7,
        adaptive_epsilon: bool = False,
        amsgrad: bool = False,
        **common: Any,
    ):
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = config.epsilon() if epsilon is None else epsilon
        self.adaptive_epsilon = adaptive_epsilon
        self.amsgrad = amsgrad
        held = behaviour("adam_betas_dtype")
        self._betas_dtype = np.dtype(config.floatx() if held == "floatx" else held) if held else None
        super().__init__(learning_rate, **common)

    def _slot_names(self) -> tuple[str, ...]:
        return self.slots if self.amsgrad else self.slots[:2]

    def _placeholders(self) -> list[Tensor]:
        absent = not self.amsgrad and behaviour("optimizer_placeholders", self.release)
        return [torch.zeros(1, dtype=p.dtype) for p in self._known] if absent else []

    def _saved_together(self) -> list[tuple[str, ...]]:
        if behaviour("optimizer_slot_order", self.release) == "by_slot":
            return super()._saved_together()
        return [("m", "v"), ("vhat",)] if self.amsgrad else [("m", "v")]

    def _update(self, params: list[Tensor], grads: list[Tensor], slots: Slots, rate: float, step: int) -> None:
        means, squares, largest = slots
        assert means is not None
        assert squares is not None
        beta_1, beta_2 = self.beta_1, self.beta_2
        if self._betas_dtype is not None:  # 1 - beta_2 of a float32 variable is 1.3e-5 less
            beta_1, beta_2 = float(self._betas_dtype.type(beta_1)), float(self._betas_dtype.type(beta_2))
        rules.adam(
            params, grads, means, squares, largest, lr=rate, step=step, beta_1=beta_1, beta_2=beta_2,
            epsilon=self.epsilon, adaptive_epsilon=self.adaptive_epsilon,
        )  # fmt: skip
