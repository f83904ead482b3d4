"""Gradients of a loss, and steps down them, under the names each generation has for it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

from kcompat.errors import ArgumentError, UnknownMethodError
from kcompat.optimizers.options import Options


def clip_norm(g: Tensor, c: float, n: Any) -> Tensor:
    """A gradient `g` whose norm is `n`, made `c` long where it is longer (Keras 2.0 to 2.3)."""
    return torch.where(torch.as_tensor(n) >= c, g * c / n, g) if c > 0 else g


class Gradients:
    """The part of an optimizer that differentiates."""

    name: str
    options: Options

    def apply_gradients(self, grads_and_vars: Iterable[tuple[Any, Tensor]], name: str | None = None, **kwargs: Any) -> Any:
        """One step from pairs of gradient and weight."""
        raise NotImplementedError

    def compute_gradients(self, loss: Any, var_list: Any, tape: Any = None) -> list[tuple[Any, Tensor]]:
        """Pairs of gradient and weight for `loss`, a scalar tensor or a function that returns one; None where it does not depend."""
        if tape is not None:
            raise ArgumentError(f"{self.name}: `tape` belongs to TensorFlow; give `loss` as a tensor or a function.")
        weights = list(var_list() if callable(var_list) else var_list)
        with torch.enable_grad():
            value = loss() if callable(loss) else loss
        if not isinstance(value, Tensor) or value.numel() != 1:
            raise ArgumentError(f"{self.name}: `loss` must be one number that torch can differentiate, received {value!r}.")
        return list(zip(torch.autograd.grad(value.reshape(()), weights, allow_unused=True), weights, strict=True))

    def minimize(self, loss: Any, var_list: Any, tape: Any = None) -> Any:
        """One step down the gradient of `loss`, a scalar tensor or a function that returns one."""
        return self.apply_gradients(self.compute_gradients(loss, var_list, tape))

    def get_gradients(self, loss: Tensor, params: Iterable[Tensor]) -> list[Tensor]:
        """The gradients of `loss`, clipped as the optimizer clips them (tf.keras up to 2.10, Keras 2.0 to 2.3)."""
        pairs = self.compute_gradients(loss, params)
        if any(gradient is None for gradient, _ in pairs):
            raise ArgumentError(f"{self.name}: `loss` does not depend on each of the {len(pairs)} weights of `params`.")
        return self.options.clip([gradient for gradient, _ in pairs])

    def aggregate_gradients(self, grads_and_vars: Iterable[tuple[Any, Tensor]]) -> list[tuple[Any, Tensor]]:
        """The pairs as they are: torch's DistributedDataParallel has added the gradients up already."""
        return list(grads_and_vars)

    def get_updates(self, *args: Any, **kwargs: Any) -> Any:
        """Refused: there is no graph whose updates could be collected."""
        raise UnknownMethodError(f"{self.name}: there is no graph to update; use `apply_gradients`, `minimize` or `step`.")
