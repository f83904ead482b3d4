"""What a layer adds to training: losses, metrics, updates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from kcompat import registry
from kcompat.core.context import ambient
from kcompat.errors import ArgumentError, ArgumentTypeError
from kcompat.generations import behaviour
from kcompat.tree import flatten


class LossesMixin:
    """The part of a layer that notes losses and metrics. `_losses` holds those of the last call."""

    if TYPE_CHECKING:  # what the other parts of a layer bring

        def __getattr__(self, name: str) -> Any: ...

    def add_loss(self, losses: Any, inputs: Any = None) -> None:
        """Add a scalar tensor, a list of them, or a function without arguments to the losses of the present call.

        `inputs`, with which Keras 1 and 2 marked losses that depend on the input, has no meaning where tensors have values.
        """
        for loss in flatten(losses):
            if not callable(loss) and not isinstance(loss, (torch.Tensor, int, float)):
                raise ArgumentTypeError(f"`add_loss` of layer '{self.name}' takes scalar tensors or functions, received {loss!r}.")
            if callable(loss) and not isinstance(loss, torch.Tensor):
                self.__dict__.setdefault("_loss_functions", []).append(loss)
            else:
                self._note_loss(torch.as_tensor(loss))

    def _note_loss(self, loss: torch.Tensor) -> None:
        ambient.losses_noted = True
        self._losses.append(loss)

    def add_metric(self, value: Any, name: str | None = None, aggregation: str | None = "mean") -> None:
        """Track the mean of `value` under `name` over an epoch."""
        if aggregation not in (None, "mean"):
            raise ArgumentError(f"`aggregation` of `add_metric` in layer '{self.name}' must be 'mean' or None, received {aggregation!r}.")
        if name is None and not hasattr(value, "name"):
            raise ArgumentError(f"`add_metric` in layer '{self.name}' needs a `name`, received None.")
        if ambient.inferring:
            return  # only shapes are being found
        label = name or value.name
        metric = next((m for m in self._metrics if m.name == label), None)
        if metric is None:
            metric = registry.lookup("metric", "Mean")(name=label)
            self._metrics.append(metric)
        metric.update_state(value.detach() if isinstance(value, torch.Tensor) else value)

    def add_update(self, updates: Any, inputs: Any = None) -> None:
        """Run updates given as functions; assignments to weights have already happened where tensors have values."""
        for update in flatten(updates):
            if callable(update) and not isinstance(update, torch.Tensor):
                update()

    @property
    def updates(self) -> list[Any]:
        """Always empty: weights are updated when the layer is called."""
        return []

    @property
    def losses(self) -> list[torch.Tensor]:
        """Scalar losses of the last call (activity regularization, `add_loss`), then weight regularization."""
        layers = [m for m in self.modules() if isinstance(m, LossesMixin)]
        called = [loss for layer in layers for loss in (*layer._losses, *(f() for f in layer.__dict__.get("_loss_functions", ())))]
        frozen_too = behaviour("frozen_weights_regularized", self._keras_version)
        return called + [
            info.regularizer(weight)
            for layer in layers
            for info, weight in layer._own()
            if info.regularizer is not None and (frozen_too or weight.requires_grad)
        ]

    def _adds_losses(self) -> bool:
        """Whether `losses` can hold any, as long as no call notes one."""
        layers = [m for m in self.modules() if isinstance(m, LossesMixin)]
        told = any(layer.__dict__.get("_loss_functions") or type(layer).losses is not LossesMixin.losses for layer in layers)
        return told or any(info.regularizer is not None for layer in layers for info, _ in layer._own())

    def _clear_losses(self) -> None:
        for module in self.modules():
            if isinstance(module, LossesMixin) and module._losses:
                module._losses.clear()

    @property
    def metrics(self) -> list[Any]:
        """The metrics of this layer and the layers inside it."""
        return [metric for m in self.modules() if isinstance(m, LossesMixin) for metric in m._metrics]

    def reset_states(self) -> None:
        """Forget what stateful layers carry from batch to batch."""
        for layer in self._sublayers():
            if layer.stateful or type(layer).reset_states is LossesMixin.reset_states:  # type: ignore[attr-defined]
                layer.reset_states()  # type: ignore[attr-defined]

    reset_state = reset_states
