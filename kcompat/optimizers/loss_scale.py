"""`LossScaleOptimizer`: training in float16, whose small gradients would be 0."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor

from kcompat import registry
from kcompat.errors import ArgumentError, ArgumentTypeError
from kcompat.generations import behaviour
from kcompat.optimizers.around import Around, made_of, unchanged
from kcompat.optimizers.base import Optimizer, arguments
from kcompat.optimizers.options import number
from kcompat.optimizers.slots import Entry


class LossScaleOptimizer(Around):
    """Scales the loss up, gradients down, and leaves out steps with gradients that are not finite, for float16.

    The scale doubles after `dynamic_growth_steps` finite steps and halves at one that is not. One number a step is read on the
    host: whether the gradients are finite. Source: https://keras.io/api/optimizers/loss_scale_optimizer/
    """

    @arguments("loss_scale_arguments")
    def __init__(
        self,
        inner_optimizer: Any,
        initial_scale: float | None = None,
        dynamic_growth_steps: int | None = None,
        name: str | None = None,
        dynamic: bool = True,
        **common: Any,
    ):
        owner = "LossScaleOptimizer"
        for key, value in common.items():
            if key == "params" or value not in (None, False, 0.99):
                raise ArgumentError(f"{owner}: `{key}` belongs to the inner optimizer, received {value!r}.")
        if not isinstance(inner_optimizer, Optimizer) or isinstance(inner_optimizer, LossScaleOptimizer):
            raise ArgumentTypeError(f"{owner}: `inner_optimizer` must be an unscaled optimizer of kcompat, received {inner_optimizer!r}.")
        if not dynamic and (behaviour("loss_scale") == "keras3" or initial_scale is None or dynamic_growth_steps is not None):
            raise ArgumentError(
                f"{owner}: `dynamic=False` is a fixed scale: it needs `initial_scale` and no `dynamic_growth_steps`; in Keras 3, give "
                "the inner optimizer a `loss_scale_factor` instead."
            )
        self.dynamic = dynamic
        self.initial_scale = number(owner, "initial_scale", 2.0**15 if initial_scale is None else initial_scale, 1e-30)
        growth = 2000 if dynamic_growth_steps is None and dynamic else dynamic_growth_steps
        self.dynamic_growth_steps = growth if growth is None else int(number(owner, "dynamic_growth_steps", growth, 1))
        self.inner_optimizer = inner_optimizer
        self._scale, self._good_steps = float(self.initial_scale), 0
        self._least = 1.0 if behaviour("loss_scale") == "tf" else 0.0
        self._unscales = behaviour("loss_scale") == "keras3"
        super().__init__([inner_optimizer], name)
        self.options.loss_scale_factor = self.initial_scale  # tells the loop to scale the loss
        inner_optimizer.options.set_scale(None)  # or gradients would be scaled twice

    # -- the scale -------------------------------------------------------------------------------------------------------------

    @property
    def loss_scale(self) -> float:
        """The scale of the next step."""
        return self._scale

    dynamic_scale = loss_scale

    @property
    def dynamic_counter(self) -> int:
        """The number of finite steps since the scale changed."""
        return self._good_steps

    step_counter = dynamic_counter

    def scale_loss(self, loss: Any) -> Any:
        """The loss times the scale."""
        return loss * self._scale

    get_scaled_loss = scale_loss

    def get_unscaled_gradients(self, grads: Iterable[Any]) -> list[Any]:
        """Gradients of a scaled loss, divided by the scale."""
        return [None if g is None else g / self._scale for g in grads]

    # -- steps -----------------------------------------------------------------------------------------------------------------

    def build(self, var_list: Iterable[Tensor]) -> None:
        """Take weights to train."""
        self.inner_optimizer.settle(list(var_list))

    def _advance(self, params: list[Tensor], grads: list[Tensor]) -> None:
        self._step(params, grads, self._scale)

    def apply_gradients(self, grads_and_vars: Iterable[tuple[Any, Tensor]], name: str | None = None, **kwargs: Any) -> Any:
        """One step; Keras 3 takes gradients of the scaled loss, tf.keras those of `get_unscaled_gradients`."""
        pairs = [(g, v) for g, v in grads_and_vars if g is not None]
        if not pairs:
            raise ArgumentError(f"{self.name}: no gradients provided for any variable: each is None.")
        with torch.no_grad():
            self.build([v for _, v in pairs])
            grads = [torch.as_tensor(g, dtype=v.dtype, device=v.device) for g, v in pairs]
            self._step([v for _, v in pairs], grads, self._scale if self._unscales else 1.0)
        return self.iterations

    def _step(self, params: list[Tensor], grads: list[Tensor], scale: float) -> None:
        finite = bool(torch.stack([norm.float() for norm in torch._foreach_norm(grads, torch.inf)]).isfinite().all())
        if finite:
            self.inner_optimizer._advance(params, grads if scale == 1.0 else list(torch._foreach_div(grads, scale)))
        if not self.dynamic:
            return
        assert self.dynamic_growth_steps is not None
        self._good_steps = self._good_steps + 1 if finite else 0
        if not finite:
            self._scale = max(self._scale / 2.0, self._least)
        elif self._good_steps >= self.dynamic_growth_steps:
            self._scale, self._good_steps = self._scale * 2.0, 0

    # -- the optimizer inside ----------------------------------------------------------------------------------------------------

    @property
    def learning_rate(self) -> Any:
        """The inner optimizer's."""
        return self.inner_optimizer.learning_rate

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        self.inner_optimizer.learning_rate = value

    lr = learning_rate

    def _set_rate(self, value: Any) -> None:
        """The rate is the inner optimizer's."""

    @property
    def iterations(self) -> Any:
        """The inner optimizer's."""
        return self.inner_optimizer.iterations

    @iterations.setter
    def iterations(self, value: Any) -> None:
        self.inner_optimizer.iterations = value

    def _numbers(self) -> dict[str, Any]:
        return {"_scale": self._scale, "_good_steps": self._good_steps}

    def _entries(self) -> list[Entry]:
        if behaviour("loss_scale") != "keras3":
            return super()._entries()
        own = [Entry(torch.tensor(0), unchanged), Entry(torch.tensor(0.0), unchanged)]
        own.append(Entry(torch.tensor(self._good_steps, dtype=torch.int32), self._write_counter))
        own.append(Entry(torch.tensor(self._scale), self._write_scale))
        return (own if self.built else own[:2]) + super()._entries()

    def _write_counter(self, value: Any) -> None:
        self._good_steps = int(value)

    def _write_scale(self, value: Any) -> None:
        self._scale = float(value)

    def get_config(self) -> dict[str, Any]:
        """The arguments that make this optimizer again."""
        own = {"name": self.name} if behaviour("loss_scale") == "keras3" else {"dynamic": self.dynamic}
        scale = {"initial_scale": self.initial_scale, "dynamic_growth_steps": self.dynamic_growth_steps}
        return {**own, "inner_optimizer": registry.serialize("optimizer", self.inner_optimizer), **scale}

    @classmethod
    def from_config(cls, config: Mapping[str, Any], custom_objects: Mapping[str, Any] | None = None) -> LossScaleOptimizer:
        """An optimizer from `get_config`."""
        own = dict(config)
        return cls(made_of(own.pop("inner_optimizer"), custom_objects), **own)
