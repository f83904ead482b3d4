"""`Optimizer`: Keras' optimizer interface on `torch.optim.Optimizer`; an update rule and its slots make a subclass.

It is made without weights and learns them from `compile`/`fit`, `build(weights)`, the first `apply_gradients`, or the
first argument (`SGD(module.parameters(), lr=0.1)`, as in torch). The learning rate of each parameter group is `group["lr"]`,
so torch's schedulers work; the number of steps stands in the first group and is saved by `state_dict`.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from kcompat import registry
from kcompat.core.naming import snake_case, unique_name
from kcompat.errors import ArgumentError, ArgumentTypeError, NotBuiltError
from kcompat.generations import NOT_GIVEN, behaviour, positional
from kcompat.optimizers import rules
from kcompat.optimizers.config import config_of, read_config
from kcompat.optimizers.gradients import Gradients
from kcompat.optimizers.options import take_options
from kcompat.optimizers.own import OwnState
from kcompat.optimizers.schedules import LearningRateSchedule
from kcompat.optimizers.settings import Count, Rate
from kcompat.optimizers.slots import SlotKeeper

Slots = list[list[Tensor] | None]


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


class Optimizer(OwnState, Gradients, SlotKeeper):
    """Base of the optimizers. A subclass sets `slots`, and `_update` calls its rule; one of a user defines `update_step`.

    Arguments common to all: `clipnorm`, `clipvalue`, `global_clipnorm`, `weight_decay`, `use_ema`, `ema_momentum`,
    `ema_overwrite_frequency`, `name`, and by generation `decay`, `lr`, `jit_compile`, `loss_scale_factor`, `gradient_accumulation_steps`.
    """

    #: names of the arguments besides the common ones, in the order of Keras' configs
    hyper: tuple[str, ...] = ()

    def __init__(self, learning_rate: Any = NOT_GIVEN, *, params: Any = None, **common: Any):
        if isinstance(learning_rate, str) and not self.hyper:  # of tf.keras' base class, the first argument is the name
            learning_rate, common["name"] = common.pop("learning_rate", NOT_GIVEN), learning_rate
        self.options = take_options(type(self).__name__, common, self.hyper, torch_style=params is not None)
        rate = learning_rate if self.options.lr is None else self.options.lr
        # torch refuses to start without parameters; a placeholder makes the first group
        super().__init__([{"params": [torch.empty(0)]}], {"lr": 0.0, "iterations": 0, **self._counters()})
        self.param_groups[0]["params"].clear()
        self.name = self.options.name or _default_name(type(self).__name__)
        self._schedule: Any = None
        self._known = []
        self._own = []
        self._no_decay: set[int] = set()
        self._no_decay_patterns: list[re.Pattern[str]] = []
        self._plan = None
        if rate is not NOT_GIVEN:  # a subclass as for tf.keras gives it later, through `_build_learning_rate`
            self._set_rate(registry.deserialize("schedule", rate) if isinstance(rate, dict) else rate)
        if params is not None:
            self._take_groups(params)

    def _counters(self) -> dict[str, float]:
        """Numbers that change with every step, kept beside `iterations`."""
        return {}

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
        if rate < 0:
            raise ArgumentError(f"{self.name}: `learning_rate` must be at least 0, received {value!r}.")
        self._schedule = None
        for group in self.param_groups:
            group["lr"] = rate
        self.defaults["lr"] = rate

    @property
    def learning_rate(self) -> Any:
        """The learning rate of the next step, assignable unless a schedule gives it; in `legacy`, the schedule itself."""
        if self._schedule is None:
            return Rate(self.param_groups[0]["lr"], self._assign_rate)
        return self._schedule if self.release else Rate(self._rate_at(0.0), self._assign_rate)

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        self._assign_rate(value)

    lr = learning_rate

    def _assign_rate(self, value: Any) -> None:
        if self._schedule is not None and not callable(value):
            raise ArgumentTypeError(f"{self.name}: `learning_rate` cannot be set, the schedule {type(self._schedule).__name__} gives it.")
        self._set_rate(value)

    def _build_learning_rate(self, learning_rate: Any) -> Any:
        """Take the learning rate; how subclasses written for tf.keras 2.11 to 2.15 give it."""
        self._set_rate(learning_rate)
        return self.learning_rate

    def _decayed_lr(self, var_dtype: Any = None) -> Rate:
        """The learning rate of the next step with `decay` or the schedule worked in (tf.keras up to 2.10)."""
        return Rate(self._rate_at(self.param_groups[0]["lr"]), self._assign_rate)

    def _rate_at(self, rate: float) -> float:
        if self._schedule is not None:
            if not isinstance(self._schedule, LearningRateSchedule):
                return float(self._schedule())
            made = self._made()
            return float(self._schedule(made if self._schedule.takes_numbers else torch.tensor(float(made))))
        return rate / (1.0 + self.options.decay * self._made()) if self.options.decay else rate

    @property
    def iterations(self) -> Any:
        """The number of updates made."""
        return Count(self._made() // (self.options.gradient_accumulation_steps or 1), self._assign_iterations)

    @iterations.setter
    def iterations(self, value: Any) -> None:
        self._assign_iterations(value)

    def _assign_iterations(self, value: Any) -> None:
        self._write_made(int(value) * (self.options.gradient_accumulation_steps or 1))
        self._restored()

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
        """One step from `.grad`, to be called without gradient recording; `torch.compile` leaves it as it is, one fused call."""
        if torch.compiler.is_compiling():
            _uncompiled(self)
        else:
            self._from_grads()

    def _from_grads(self) -> None:
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
            if not all(id(v) in known for _, v in pairs):
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

    def _advance(self, params: list[Tensor], grads: list[Tensor]) -> None:
        options, plan = self.options, self._plan_of(params)
        if any(g.is_sparse for g in grads):
            grads = [g.to_dense() if g.is_sparse else g for g in grads]
        if options.special:
            grads = self._prepare(params, grads)
        if grads:
            step = self._made() // (options.gradient_accumulation_steps or 1) + 1
            for bucket in plan.buckets:
                rate = bucket.group["lr"]
                if self._schedule is not None or options.decay:
                    rate = self._rate_at(rate)
                if bucket.decayed:
                    assert bucket.decay is not None
                    rules.decay_weights(bucket.decayed, rate, bucket.decay)
                chosen = grads if bucket.indices is None else [grads[i] for i in bucket.indices]
                self._update(bucket.params, chosen, bucket.slots, rate, step)
            self._end_step(step)
        if options.use_ema:
            self._average(params)
        for weight, constraint in plan.constrained:
            weight.copy_(constraint(weight))
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

    def _update(self, params: list[Tensor], grads: list[Tensor], slots: Slots, rate: float, step: int) -> None:
        """Change `params` and `slots` in place by one step (counted from 1); subclasses call their rule."""
        self._update_by_steps(params, grads, rate)

    def _end_step(self, step: int) -> None:
        """What changes once a step, after all weights have."""

    def stateless_apply(
        self, optimizer_variables: Sequence[Tensor], grads: Sequence[Any], trainable_variables: Sequence[Tensor]
    ) -> tuple[list[Tensor], list[Tensor]]:
        """What weights and state would be after a step from the values given; the optimizer and its weights stay as they are."""
        if not self.built:
            raise NotBuiltError(f"{self.name}: `stateless_apply` needs a built optimizer: call `build(trainable_variables)` first.")
        for name, values, count in (
            ("optimizer_variables", optimizer_variables, len(self.variables)),
            ("trainable_variables", trainable_variables, len(self._known)),
            ("grads", grads, len(self._known)),
        ):
            if len(values) != count:
                raise ArgumentError(f"{self.name}: `{name}` must hold {count} tensors, received {len(values)}.")
        before = [w.detach().clone() for w in self._known], [v.detach().clone() for v in self.variables]
        try:
            self._write(trainable_variables, optimizer_variables)
            self.apply(grads)
            return [w.detach().clone() for w in self._known], [v.detach().clone() for v in self.variables]
        finally:
            self._write(*before)

    def _write(self, weights: Sequence[Tensor], state: Sequence[Tensor]) -> None:
        with torch.no_grad():
            for weight, value in zip(self._known, weights, strict=True):
                weight.copy_(torch.as_tensor(value))
        self.set_weights(state)

    # -- averages of weights ------------------------------------------------------------------------------------------------

    def _average(self, params: list[Tensor]) -> None:
        """Running averages of the weights: of those just stepped, or, where the first step starts them, of all."""
        options = self.options
        made = self._made() // (options.gradient_accumulation_steps or 1)
        if options.ema_start == "first_step":
            params = self._known
        averages = [self.state[p]["average"] for p in params]
        rules.average(averages, params, 0.0 if options.ema_start == "first_step" and made == 0 else options.ema_momentum)
        if options.ema_overwrite_frequency and (made + 1) % options.ema_overwrite_frequency == 0:
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
        self._no_decay_patterns += [re.compile(name) for name in var_names or ()]
        self._plan = None

    def _decays(self, weight: Tensor) -> bool:
        called = [name for name in (getattr(weight, "name", None), getattr(weight, "path", None)) if name]
        return id(weight) not in self._no_decay and not any(r.search(name) for r in self._no_decay_patterns for name in called)

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


@torch._disable_dynamo
def _uncompiled(optimizer: Optimizer) -> None:
    optimizer._from_grads()


def _default_name(class_name: str) -> str:
    return unique_name(snake_case(class_name), 0) if behaviour("optimizer_auto_name") == "numbered" else class_name
