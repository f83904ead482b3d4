"""What every initializer is."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from kcompat import config as settings
from kcompat.tensor.dtypes import torch_dtype

Shape = Sequence[int]


class Initializer:
    """Base of initializers: define `__call__(shape, dtype=None) -> tensor`, and `get_config` if there are arguments."""

    def __call__(self, shape: Shape, dtype: Any = None) -> Tensor:
        """A tensor of `shape`; must be defined."""
        raise NotImplementedError(f"{type(self).__name__} does not define `__call__(shape, dtype=None)`.")

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal initializer."""
        return {}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """The initializer that `get_config` described; a `dtype`, which TensorFlow 1 wrote, is what the caller gives now."""
        known = inspect.signature(cls.__init__).parameters
        return cls(**{k: v for k, v in config.items() if k != "dtype" or k in known})

    def clone(self) -> Any:
        """A new initializer with the same config."""
        return type(self).from_config(self.get_config())


def dtype_of(dtype: Any) -> torch.dtype:
    """The torch dtype meant; `config.floatx()` for None."""
    return torch_dtype(settings.floatx() if dtype is None else dtype)
