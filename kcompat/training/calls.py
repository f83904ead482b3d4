"""Calls of a model on one batch after the other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor


class RepeatedCall:
    """`model(x, training=training)`: wholly for the first batch, then the layers' work alone for batches of the same shape and dtype.

    For a stretch in which nothing else calls or changes the model. Where a call does more than its layers (`_lean_call`), it stays whole.
    """

    def __init__(self, model: Any, training: bool):
        self._model, self._training = model, training
        self._straight: Callable[[Tensor], Any] | None = None
        self._shape: torch.Size | None = None
        self._dtype: torch.dtype | None = None
        self._known = not hasattr(model, "_lean_call")

    def __call__(self, x: Any) -> Any:
        """The model's outputs."""
        if self._straight is not None and type(x) is Tensor and x.shape == self._shape and x.dtype is self._dtype:
            return self._straight(x)
        made = self._model(x, training=self._training)
        if not self._known and type(x) is Tensor:
            self._straight, self._shape, self._dtype = self._model._lean_call(x, self._training), x.shape, x.dtype
            self._known = True
        return made
