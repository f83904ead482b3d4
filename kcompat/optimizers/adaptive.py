"""RMSprop, Adagrad, Adadelta, Adamax, Nadam, Ftrl, Lion: arguments, slots, and the rule each of them calls."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from kcompat.errors import ArgumentError, UnknownArgumentError
from kcompat.generations import NOT_GIVEN, behaviour, given, keras_version
from kcompat.optimizers import rules
from kcompat.optimizers.base import Optimizer, Slots, arguments
from kcompat.optimizers.classes import Betas, small
from kcompat.optimizers.options import constant, number
from kcompat.optimizers.slots import Entry


def _later(owner: str, row: str, name: str, value: Any, default: Any) -> Any:
    """An argument that only some generations have: those that write it in their configs (`row`)."""
    if value is NOT_GIVEN:
        return default
    if name not in behaviour(row).split():
        raise UnknownArgumentError(f"{owner} has no argument `{name}` in Keras {keras_version()}; its own are: {behaviour(row)}.")
    return value


def _all(slot: list[Tensor] | None) -> list[Tensor]:
    assert slot is not None
    return slot


class RMSprop(Optimizer):
    """Steps of gradient over root of running square. Source: https://keras.io/api/optimizers/rmsprop/

    `centered` takes the square of the running mean from the running square, `momentum` gathers steps.
    """

    slots = ("velocity", "momentum", "average_gradient")
    reads_iterations = False

    @arguments("rmsprop_arguments", "optimizer_arguments")
    def __init__(
        self,
        learning_rate: Any = 0.001,
        rho: float = 0.9,
        momentum: float = NOT_GIVEN,
        epsilon: float | None = NOT_GIVEN,
        centered: bool = NOT_GIVEN,
        **common: Any,
    ):
        self.rho = number("RMSprop", "rho", rho)
        self.momentum = number("RMSprop", "momentum", _later("RMSprop", "rmsprop_config", "momentum", momentum, 0.0), 0.0, 1.0)
        self.centered = _later("RMSprop", "rmsprop_config", "centered", centered, False)
        self.epsilon = small("RMSprop", epsilon)
        self.hyper = tuple(behaviour("rmsprop_config").split())
        # the kernel that tf.keras up to 2.10 has for momentum differs from the formula it uses without
        self._inside = behaviour("epsilon_inside_root") or bool(self.momentum)
        after = behaviour("rmsprop_overwrites_after")
        if after is not None:
            common.setdefault("ema_overwrite_frequency", after)
        super().__init__(learning_rate, **common)

    def _slot_names(self) -> tuple[str, ...]:
        held = (True, self.momentum, self.centered)
        return tuple(name for name, on in zip(self.slots, held, strict=True) if on)

    def _update(self, params: list[Tensor], grads: list[Tensor], slots: Slots, rate: float, step: int) -> None:
        squares, moments, means = slots
        rules.rmsprop(
            params, grads, _all(squares), moments, means,
            lr=rate, rho=self.rho, momentum=self.momentum, epsilon=self.epsilon, inside=self._inside,
        )  # fmt: skip


class Adagrad(Optimizer):
    """Steps of gradient over root of the sum of all squares. Source: https://keras.io/api/optimizers/adagrad/"""

    slots = ("accumulator",)
    reads_iterations = False

    @arguments("adagrad_arguments", "optimizer_arguments")
    def __init__(
        self,
        learning_rate: Any = NOT_GIVEN,
        initial_accumulator_value: float = NOT_GIVEN,
        epsilon: float | None = NOT_GIVEN,
        **common: Any,
    ):
        start = _later("Adagrad", "adagrad_config", "initial_accumulator_value", initial_accumulator_value, behaviour("adagrad_first_sum"))
        self.initial_accumulator_value = number("Adagrad", "initial_accumulator_value", start, 0.0)
        self.epsilon = small("Adagrad", epsilon)
        self.hyper = tuple(behaviour("adagrad_config").split())
        self._inside = behaviour("epsilon_inside_root")
        self._start = float(np.float32(start)) if behaviour("adagrad_sum_constant") == "float32" else start
        super().__init__(given(learning_rate, "adagrad_rate"), **common)

    def _first(self, slot: str, weight: Tensor) -> Tensor:
        return torch.full_like(weight, self._start, requires_grad=False)

    def _update(self, params: list[Tensor], grads: list[Tensor], slots: Slots, rate: float, step: int) -> None:
        rules.adagrad(params, grads, _all(slots[0]), lr=rate, epsilon=self.epsilon, inside=self._inside)


class Adadelta(Optimizer):
    """Steps as long as the running change of the weight says. Source: https://keras.io/api/optimizers/adadelta/"""

    slots = ("accumulated_grad", "accumulated_delta_var")
    runs = (slots,)
    hyper = ("rho", "epsilon")
    reads_iterations = False

    @arguments("adadelta_arguments", "optimizer_arguments")
    def __init__(self, learning_rate: Any = NOT_GIVEN, rho: float = 0.95, epsilon: float | None = NOT_GIVEN, **common: Any):
        self.rho = number("Adadelta", "rho", rho)
        self.epsilon = small("Adadelta", epsilon)
        super().__init__(given(learning_rate, "adadelta_rate"), **common)

    def _update(self, params: list[Tensor], grads: list[Tensor], slots: Slots, rate: float, step: int) -> None:
        rules.adadelta(params, grads, _all(slots[0]), _all(slots[1]), lr=rate, rho=self.rho, epsilon=self.epsilon)


class Adamax(Betas):
    """Adam with the largest gradient of late in the place of the root of squares. Source: https://keras.io/api/optimizers/adamax/"""

    slots = ("m", "u")
    runs = (slots,)
    hyper = ("beta_1", "beta_2", "epsilon")

    @arguments("adamax_arguments", "optimizer_arguments")
    def __init__(
        self,
        learning_rate: Any = NOT_GIVEN,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float | None = NOT_GIVEN,
        **common: Any,
    ):
        self._take_betas(beta_1, beta_2, epsilon)
        super().__init__(given(learning_rate, "adamax_rate"), **common)

    def _update(self, params: list[Tensor], grads: list[Tensor], slots: Slots, rate: float, step: int) -> None:
        rules.adamax(
            params, grads, _all(slots[0]), _all(slots[1]), lr=rate, beta_1=self._betas[0], beta_2=self._betas[1],
            epsilon=self.epsilon, correction=self._corrections(step)[0],
        )  # fmt: skip


class Nadam(Betas):
    """Adam with Nesterov momentum that grows: u_t = beta_1 (1 - 0.5 * 0.96 ** (schedule_decay t)).

    Source: https://keras.io/api/optimizers/nadam/. `schedule_decay` is an argument up to 2.10, 0.004 there and 1 from then on.
    """

    slots = ("m", "v")
    runs = (slots,)

    @arguments("nadam_arguments", "optimizer_arguments")
    def __init__(
        self,
        learning_rate: Any = NOT_GIVEN,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float | None = NOT_GIVEN,
        schedule_decay: float = NOT_GIVEN,
        **common: Any,
    ):
        self._take_betas(beta_1, beta_2, epsilon)
        self.hyper = tuple(behaviour("nadam_config").split())
        pace = behaviour("nadam_schedule_decay")
        self.schedule_decay = number(
            "Nadam", "schedule_decay", _later("Nadam", "nadam_config", "schedule_decay", schedule_decay, pace), 0.0
        )
        if "decay" in common and "schedule_decay" in self.hyper:
            raise UnknownArgumentError("Nadam has no argument `decay` in this Keras generation; `schedule_decay` is of its momentum.")
        # from 2.11 on the numbers go through float32; Keras 3 leaves them as they are in the product
        self._betas, self._growth = self._bases, constant(0.96)
        self._of_product = (self.beta_1, 0.96) if behaviour("nadam_exact_product") else (self._bases[0], self._growth)
        super().__init__(given(learning_rate, "nadam_rate"), **common)

    def _counters(self) -> dict[str, float]:
        return {"product": 1.0}

    def _momentum_at(self, step: Any) -> Any:
        return self._bases[0] * (1.0 - 0.5 * self._growth ** (self.schedule_decay * step))

    def _factor_at(self, step: Any) -> Any:
        return self._of_product[0] * (1.0 - 0.5 * self._of_product[1] ** (self.schedule_decay * step))

    def _update(self, params: list[Tensor], grads: list[Tensor], slots: Slots, rate: float, step: int) -> None:
        now, after = self._momentum_at(step), self._momentum_at(step + 1)
        product = self.param_groups[0]["product"] * self._factor_at(step)
        rules.nadam(
            params, grads, _all(slots[0]), _all(slots[1]), lr=rate, beta_1=self._betas[0], beta_2=self._betas[1],
            epsilon=self.epsilon, of_mean=after / (1.0 - product * after), of_gradient=(1.0 - now) / (1.0 - product),
            correction=self._corrections(step)[1],
        )  # fmt: skip

    def _end_step(self, step: int) -> None:
        self.param_groups[0]["product"] *= self._factor_at(step)

    def _product(self, place: str) -> list[Entry]:
        if behaviour("nadam_saves_product", self.release) != place:
            return []
        return [Entry(torch.tensor(self.param_groups[0]["product"], dtype=torch.float32), self._write_product)]

    def _write_product(self, value: Any) -> None:
        self.param_groups[0]["product"] = float(value)

    def _restored(self) -> None:
        """Where the product is not saved, it is what the steps made it."""
        if behaviour("nadam_saves_product", self.release) is None:
            made = self._made() // (self.options.gradient_accumulation_steps or 1)
            self._write_product(np.prod(self._factor_at(np.arange(1.0, made + 1.0))))


class Ftrl(Optimizer):
    """Follow the regularized leader, for sparse linear models. Source: https://keras.io/api/optimizers/ftrl/"""

    slots = ("accumulator", "linear")
    runs = (slots,)
    always_in_runs = True
    hyper = (
        "learning_rate_power", "initial_accumulator_value", "l1_regularization_strength", "l2_regularization_strength",
        "l2_shrinkage_regularization_strength", "beta",
    )  # fmt: skip

    @arguments("ftrl_arguments", "optimizer_arguments")
    def __init__(
        self,
        learning_rate: Any = 0.001,
        learning_rate_power: float = -0.5,
        initial_accumulator_value: float = 0.1,
        l1_regularization_strength: float = 0.0,
        l2_regularization_strength: float = 0.0,
        l2_shrinkage_regularization_strength: float = 0.0,
        beta: float = 0.0,
        **common: Any,
    ):
        if not isinstance(learning_rate_power, (int, float)) or learning_rate_power > 0:
            raise ArgumentError(f"Ftrl: `learning_rate_power` must be a number of at most 0, received {learning_rate_power!r}.")
        self.learning_rate_power = learning_rate_power
        self.initial_accumulator_value = number("Ftrl", "initial_accumulator_value", initial_accumulator_value, 0.0)
        self._start = float(np.float32(initial_accumulator_value))  # as TensorFlow makes it, also in float64
        self.l1_regularization_strength = number("Ftrl", "l1_regularization_strength", l1_regularization_strength, 0.0)
        self.l2_regularization_strength = number("Ftrl", "l2_regularization_strength", l2_regularization_strength, 0.0)
        shrinkage = number("Ftrl", "l2_shrinkage_regularization_strength", l2_shrinkage_regularization_strength, 0.0)
        self.l2_shrinkage_regularization_strength = shrinkage
        self.beta = number("Ftrl", "beta", beta)
        super().__init__(learning_rate, **common)

    def _first(self, slot: str, weight: Tensor) -> Tensor:
        start = self._start if slot == "accumulator" else 0.0
        return torch.full_like(weight, start, requires_grad=False)

    def _update(self, params: list[Tensor], grads: list[Tensor], slots: Slots, rate: float, step: int) -> None:
        rules.ftrl(
            params, grads, _all(slots[0]), _all(slots[1]), lr=rate, power=self.learning_rate_power,
            l1=self.l1_regularization_strength, l2=self.l2_regularization_strength,
            shrinkage=self.l2_shrinkage_regularization_strength, beta=self.beta,
        )  # fmt: skip


class Lion(Optimizer):
    """Steps of one size in the direction of the sign of a mean. Source: https://arxiv.org/abs/2302.06675"""

    slots = ("m",)
    hyper = ("beta_1", "beta_2")

    @arguments("lion_arguments", "optimizer_arguments")
    def __init__(self, learning_rate: Any = NOT_GIVEN, beta_1: float = 0.9, beta_2: float = 0.99, **common: Any):
        if not isinstance(beta_1, (int, float)) or not 0 < beta_1 <= 1:
            raise ArgumentError(
                f"Lion: `beta_1` must be above 0 and at most 1 (at 0, it is the sign of the gradient), received {beta_1!r}."
            )
        self.beta_1 = beta_1
        self.beta_2 = number("Lion", "beta_2", beta_2, 0.0, 1.0)
        super().__init__(given(learning_rate, "lion_rate"), **common)

    def _update(self, params: list[Tensor], grads: list[Tensor], slots: Slots, rate: float, step: int) -> None:
        rules.lion(params, grads, _all(slots[0]), lr=rate, beta_1=self.beta_1, beta_2=self.beta_2)
