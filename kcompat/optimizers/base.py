"""`Optimizer`: Keras' optimizer interface on `torch.optim.Optimizer`; an update rule and its slots make a subclass.

It is made without weights and learns them from `compile`/`fit`, `build(weights)`, the first `apply_gradients`, or the
first argument (`SGD(module.parameters(), lr=0.1)`, as in torch). The learning rate of each parameter group is `group["lr"]`,
so torch's schedulers work; the number of steps stands in the first group and is saved by `state_dict`.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from kcompat import registry
from kcompat.core.naming import snake_case, unique_name
from kcompat.errors import ArgumentError, ArgumentTypeError
from kcompat.generations import NOT_GIVEN, behaviour, positional
from kcompat.optimizers import rules
from kcompat.optimizers.config import config_of, read_config
from kcompat.optimizers.options import take_options
from kcompat.optimizers.schedules import LearningRateSchedule
from kcompat.optimizers.settings import Count, Rate
from kcompat.optimizers.slots import SlotKeeper


def are_parameters(value: Any) -> bool:
    """Whether `value` is what torch's optimizers take first: an iterable of tensors or of group dicts."""
    return isinstance(value, Iterable) and not isinstance(value, (str, bytes, Mapping, np.ndarray, Tensor))


def arguments(*rows: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Decorator for constructors: positional arguments by generation (if `rows` tell), after parameters as torch gives them."""

    def wrap(init: Callable[..., None]) -> Callable[..., None]:
        ordered = positional(*rows)(init) if rows else init

        @functools.wraps(init)
        def call(self: Any, *args: Any, **kwargs: Any) -> None:
            if args and are_parameters(args[0]):
                kwargs["params"], args = args[0], args[1:]
            ordered(self, *args, **kwargs)

        return call

    return wrap


class Optimizer(SlotKeeper):
    """Base of the optimizers. A subclass sets `slots`, and `_update` calls its rule.

    Arguments common to all: `clipnorm`, `clipvalue`, `global_clipnorm`, `weight_decay`, `use_ema`, `ema_momentum`,
    `ema_overwrite_frequency`, `name`, and by generation `decay`, `lr`, `jit_compile`, `loss_scale_factor`, `gradient_accumulation_steps`.
    """

    #: names of the arguments besides the common ones, in the order of Keras' configs
    hyper: tuple[str, ...] = ()

    def __init__(self, learning_rate: Any = NOT_GIVEN, *, params: Any = None, **common: Any):
        self.options = take_options(type(self).__name__, common)
        rate = self.options.lr if learning_rate is NOT_GIVEN or self.options.lr is not None else learning_rate
        # torch refuses to start without parameters; a placeholder makes the first group
        super().__init__([{"params": [torch.empty(0)]}], {"lr": 0.0, "iterations": 0})
        self.param_groups[0]["params"].clear()
        self.name = self.options.name or _default_name(type(self).__name__)
        self._schedule: Any = None
        self._known = []
        self._constrained = []
        self._no_decay: set[int] = set()
        self._plan = None
        self._set_rate(registry.deserialize("schedule", rate) if isinstance(rate, dict) else rate)
        if params is not None:
            self._take_groups(params)

    # -- learning rate and steps -----------------------------------------------------------------------------------------

    def _set_rate(self, value: Any) -> None:
        if isinstance(value, LearningRateSchedule) or (callable(value) and not isinstance(value, (Tensor, float))):
            self._schedule = value
            return
        try:
            rate = float(value.detach() if isinstance(value, Tensor) else value)
        except (TypeError, ValueError):
            raise ArgumentTypeError(
                f"{self.name}: `learning_rate` must be a number, a schedule or a callable, received {value!r}."
            ) from None
        self._schedule = None
        for group in self.param_groups:
            group["lr"] = rate
        self.defaults["lr"] = rate

    @property
    def learning_rate(self) -> Any:
        """The learning rate of the next step; assignable unless a schedule gives it."""
        return Rate(
            self._rate_at(self.param_groups[0]["lr"]) if self._schedule is not None else self.param_groups[0]["lr"], self._assign_rate
        )

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        self._assign_rate(value)

    lr = learning_rate

    def _assign_rate(self, value: Any) -> None:
        if self._schedule is not None and not isinstance(value, LearningRateSchedule):
            raise ArgumentTypeError(f"{self.name}: `learning_rate` cannot be set, the schedule {type(self._schedule).__name__} gives it.")
        self._set_rate(value)

    def _rate_at(self, rate: float) -> float:
        if self._schedule is not None:
            if isinstance(self._schedule, LearningRateSchedule):
                return float(self._schedule(torch.tensor(float(self.iterations))))
            return float(self._schedule())
        return rate / (1.0 + self.options.decay * self.iterations) if self.options.decay else rate

    @property
    def iterations(self) -> Any:
        """The number of updates made."""
        return Count(self._made() // (self.options.gradient_accumulation_steps or 1), self._assign_iterations)

    @iterations.setter
    def iterations(self, value: Any) -> None:
        self._assign_iterations(value)

    def _assign_iterations(self, value: Any) -> None:
        self.param_groups[0]["iterations"] = int(value) * (self.options.gradient_accumulation_steps or 1)

    # -- steps --------------------------------------------------------------------------------------------------------------

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update all weights that have a gradient in `.grad`, as `torch.optim` does."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        with torch.no_grad():
            self.advance()
        return loss

    def advance(self) -> None:
        """One step from `.grad`, to be called without gradient recording."""
        params = [p for group in self.param_groups for p in group["params"] if p.grad is not None]
        if params:
            self._advance(params, [p.grad for p in params])

    def apply_gradients(self, grads_and_vars: Iterable[tuple[Any, Tensor]], name: str | None = None, **kwargs: Any) -> Any:
        """One step from pairs of gradient and weight; weights whose gradient is None stay as they are."""
        del name  # names an op in TensorFlow's graph; there is none here
        unknown = set(kwargs) - {"skip_gradients_aggregation", "experimental_aggregate_gradients"}
        if unknown:
            raise ArgumentTypeError(f"{self.name}: apply_gradients has no argument `{min(unknown)}`.")
        pairs = [(g, v) for g, v in grads_and_vars if g is not None]
        if not pairs:
            raise ArgumentError(f"{self.name}: no gradients provided for any variable: each is None.")
        with torch.no_grad():
            known = {id(p) for p in self._known}
            self.build([*self._known, *(v for _, v in pairs if id(v) not in known)])
            self._advance([v for _, v in pairs], [torch.as_tensor(g, dtype=v.dtype, device=v.device) for g, v in pairs])
        return self.iterations

    def apply(self, grads: Iterable[Any], trainable_variables: Iterable[Tensor] | None = None) -> None:
        """One step from gradients, in the order of `trainable_variables` or of the weights known."""
        grads = list(grads)
        weights = self._known if trainable_variables is None else list(trainable_variables)
        if len(grads) != len(weights):
            raise ArgumentError(f"{self.name}: `grads` must hold one gradient for each of {len(weights)} weights, received {len(grads)}.")
        self.apply_gradients(zip(grads, weights, strict=True))

    def minimize(self, loss: Any, var_list: Iterable[Tensor], tape: Any = None) -> Any:
        """One step down the gradient of `loss`, a scalar tensor or a function that returns one."""
        if tape is not None:
            raise ArgumentError(f"{self.name}: `tape` belongs to TensorFlow; give `loss` as a tensor or a function.")
        weights = list(var_list() if callable(var_list) else var_list)
        with torch.enable_grad():
            value = loss() if callable(loss) else loss
        grads = torch.autograd.grad(value, weights, allow_unused=True)
        return self.apply_gradients(zip(grads, weights, strict=True))

    def _advance(self, params: list[Tensor], grads: list[Tensor]) -> None:
        options = self.options
        if options.special:
            grads = self._prepare(params, grads)
        if grads:
            made = self._made() // (options.gradient_accumulation_steps or 1)
            for rate, indices in self._buckets(params):
                chosen = params if indices is None else [params[i] for i in indices]
                given = grads if indices is None else [grads[i] for i in indices]
                rate = self._rate_at(rate) if self._schedule is not None or options.decay else rate
                if options.weight_decay:
                    decayed = [p for p in chosen if id(p) not in self._no_decay]
                    rules.decay_weights(decayed, rate, options.weight_decay)
                self._update(chosen, given, self._plan_of(chosen).slots, rate, made + 1)
        for weight, constraint in self._constrained:
            weight.copy_(constraint(weight))
        if options.use_ema:
            self._average(params)
        self.param_groups[0]["iterations"] += 1

    def _prepare(self, params: list[Tensor], grads: list[Tensor]) -> list[Tensor]:
        """Unscaled, accumulated and clipped gradients; none where the step only accumulates."""
        options = self.options
        if options.loss_scale_factor:
            grads = list(torch._foreach_div(grads, options.loss_scale_factor))
        every = options.gradient_accumulation_steps
        if every:
            sums = [self.state[p]["gradient_accumulator"] for p in params]
            torch._foreach_add_(sums, grads)
            if (self._made() + 1) % every:
                return []
            grads = list(torch._foreach_div(sums, float(every)))
            torch._foreach_zero_(sums)
        return options.clip(grads)

    def _buckets(self, params: list[Tensor]) -> list[tuple[float, list[int] | None]]:
        """Learning rate and indices of the weights that one kernel call can take together (None: all of them)."""
        if len(self.param_groups) == 1:
            plan = self._plan_of(params)
            if plan.uniform:
                return [(self.param_groups[0]["lr"], None)]
        rates = {id(p): group["lr"] for group in self.param_groups for p in group["params"]}
        found: dict[Any, list[int]] = {}
        for index, p in enumerate(params):
            found.setdefault((rates[id(p)], p.device, p.dtype), []).append(index)
        return [(key[0], indices) for key, indices in found.items()]

    def _update(self, params: list[Tensor], grads: list[Tensor], slots: list[list[Tensor] | None], rate: float, step: int) -> None:
        """Change `params` and `slots` in place by one step; subclasses call their rule."""
        raise NotImplementedError(f"{type(self).__name__} must define `_update(self, params, grads, slots, rate, step)`.")

    # -- averages of weights ------------------------------------------------------------------------------------------------

    def _average(self, params: list[Tensor]) -> None:
        options = self.options
        averages = [self.state[p]["average"] for p in params]
        first = options.ema_start == "first_step" and self._made() == 0
        rules.average(averages, params, 0.0 if first else options.ema_momentum)
        if options.ema_overwrite_frequency and (self._made() + 1) % options.ema_overwrite_frequency == 0:
            torch._foreach_copy_(params, averages)

    def finalize_variable_values(self, var_list: Iterable[Tensor]) -> None:
        """Replace each weight by its running average (`use_ema`)."""
        if self.options.use_ema:
            with torch.no_grad():
                for weight in var_list:
                    weight.copy_(self.state[weight]["average"])

    def exclude_from_weight_decay(self, var_list: Iterable[Tensor] | None = None, var_names: Iterable[str] | None = None) -> None:
        """Leave weights out of weight decay, given as objects or as patterns found in their names."""
        if not isinstance(self.options.weight_decay, float):
            raise ArgumentError(f"{self.name}: there is no `weight_decay` to leave weights out of.")
        self._no_decay |= {id(p) for p in var_list or ()}
        patterns = [re.compile(name) for name in var_names or ()]
        self._no_decay |= {id(p) for p in self._known if any(r.search(getattr(p, "name", None) or "") for r in patterns)}

    def scale_loss(self, loss: Any) -> Any:
        """The loss times `loss_scale_factor`, by which gradients are divided again."""
        return loss * self.options.loss_scale_factor if self.options.loss_scale_factor else loss

    def get_config(self) -> dict[str, Any]:
        """The arguments that make this optimizer again, under the names of the generation."""
        return config_of(self)

    @classmethod
    def from_config(cls, config: Mapping[str, Any], custom_objects: Mapping[str, Any] | None = None) -> Optimizer:
        """An optimizer from `get_config` of any generation."""
        return cls(**read_config(config, custom_objects))

    def __repr__(self) -> str:
        return (
            f"<{type(self).__module__.split('.')[0]}.optimizers.{type(self).__name__} name={self.name}, learning_rate={self.learning_rate}>"
        )


def _default_name(class_name: str) -> str:
    return unique_name(snake_case(class_name), 0) if behaviour("optimizer_auto_name") == "numbered" else class_name
