"""SGD and Adam: arguments, slots, and the rule each of them calls."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from kcompat import config
from kcompat.errors import ArgumentError
from kcompat.generations import NOT_GIVEN, behaviour, given
from kcompat.optimizers import rules
from kcompat.optimizers.base import Optimizer, Slots, arguments
from kcompat.optimizers.options import constant, number


class SGD(Optimizer):
    """Gradient descent with momentum: `m = momentum m - lr g; v += m`. Source: https://keras.io/api/optimizers/sgd/"""

    slots = ("m",)
    hyper = ("momentum", "nesterov")

    @arguments("sgd_arguments", "optimizer_arguments")
    def __init__(self, learning_rate: Any = 0.01, momentum: float = 0.0, nesterov: bool = False, **common: Any):
        self.momentum = number("SGD", "momentum", momentum, 0.0, 1.0)
        self._kept = constant(momentum)
        self.nesterov = nesterov
        self._always_slot = behaviour("sgd_always_has_slot")
        super().__init__(learning_rate, **common)

    def _slot_names(self) -> tuple[str, ...]:
        return self.slots if self.momentum or self._always_slot else ()

    def _update(self, params: list[Tensor], grads: list[Tensor], slots: Slots, rate: float, step: int) -> None:
        moments = slots[0] if self.momentum else None
        rules.sgd(params, grads, moments, lr=rate, momentum=self._kept, nesterov=self.nesterov)


class Betas(Optimizer):
    """Base of those with `beta_1`, `beta_2` and `epsilon`, in the precision in which the generation computes with them."""

    def _take_betas(self, beta_1: float, beta_2: float, epsilon: float | None) -> None:
        owner = type(self).__name__
        self.beta_1 = number(owner, "beta_1", beta_1, 0.0, 1.0)
        self.beta_2 = number(owner, "beta_2", beta_2, 0.0, 1.0)
        self.epsilon = small(owner, epsilon)
        held = behaviour("adam_betas_dtype")
        dtype = np.dtype(config.floatx() if held == "floatx" else held) if held else None
        # 1 - beta_2 of a float32 variable is 1.3e-5 less
        self._betas = (beta_1, beta_2) if dtype is None else (float(dtype.type(beta_1)), float(dtype.type(beta_2)))
        self._bases = constant(self._betas[0]), constant(self._betas[1])

    def _corrections(self, step: int) -> tuple[float, float]:
        """`1 - beta ** step` of both."""
        return 1.0 - self._bases[0] ** step, 1.0 - self._bases[1] ** step


def small(owner: str, epsilon: Any) -> float:
    """An `epsilon`: the generation's where none is given, `config.epsilon()` for None."""
    value = given(epsilon, "optimizer_epsilon")
    return config.epsilon() if value is None else number(owner, "epsilon", value, 0.0)


class Adam(Betas):
    """Steps of running mean over root of running square. Source: https://keras.io/api/optimizers/adam/

    `epsilon=None` is `config.epsilon()`; `adaptive_epsilon` corrects it for bias as the paper (and torch) does.
    """

    slots = ("m", "v", "vhat")
    runs = (("m", "v"), ("vhat",))
    hyper = ("beta_1", "beta_2", "epsilon", "amsgrad")

    @arguments("adam_arguments", "optimizer_arguments")
    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float | None = NOT_GIVEN,
        adaptive_epsilon: bool = False,
        amsgrad: bool = False,
        **common: Any,
    ):
        self._take_betas(beta_1, beta_2, epsilon)
        self.adaptive_epsilon = adaptive_epsilon
        self.amsgrad = amsgrad
        super().__init__(learning_rate, **common)

    def _slot_names(self) -> tuple[str, ...]:
        return self.slots if self.amsgrad else self.slots[:2]

    def _placeholders(self) -> list[Tensor]:
        absent = not self.amsgrad and behaviour("optimizer_placeholders", self.release)
        return [torch.zeros(1, dtype=p.dtype) for p in self._known] if absent else []

    def _update(self, params: list[Tensor], grads: list[Tensor], slots: Slots, rate: float, step: int) -> None:
        means, squares, largest = slots
        assert means is not None
        assert squares is not None
        rules.adam(
            params, grads, means, squares, largest, lr=rate, step=step, beta_1=self._betas[0], beta_2=self._betas[1],
            epsilon=self.epsilon, corrections=self._corrections(step), adaptive_epsilon=self.adaptive_epsilon,
        )  # fmt: skip


class AdamW(Adam):
    """`Adam` with weight decay. Source: https://keras.io/api/optimizers/adamw/"""

    @arguments("adamw_arguments", "optimizer_arguments")
    def __init__(
        self,
        learning_rate: Any = 0.001,
        weight_decay: float = 0.004,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float | None = NOT_GIVEN,
        amsgrad: bool = False,
        **common: Any,
    ):
        if weight_decay is None:
            raise ArgumentError("AdamW: `weight_decay` must be a number, received None; `Adam` has none.")
        own = {"beta_1": beta_1, "beta_2": beta_2, "epsilon": epsilon, "amsgrad": amsgrad}
        super().__init__(learning_rate, **own, weight_decay=weight_decay, **common)
