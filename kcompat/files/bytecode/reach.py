"""What code from a file may touch: attributes of facades and those in the lists of `methods`, and calls, tried first without memory.

No attribute that begins with an underscore exists here.
"""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import torch
from torch import Tensor

from kcompat.files.bytecode import methods
from kcompat.files.bytecode.bounds import ELEMENTS, Budget, checked, refusal


def attribute(value: Any, given: str, layer: str) -> Any:
    """An attribute of a module's facade, or one of the listed ones of a value."""
    found = methods.attribute(value, given)
    if found is methods.NONE:
        raise refusal(layer, f"uses the attribute `{given}` of a {type(value).__name__}, which such code may not")
    return found


class Guarded:
    """A builtin in our own words, which is given the budget."""

    def __init__(self, function: Callable[..., Any]):
        self.function = function

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The result, with a budget of its own where a function of a table calls it."""
        return self.function(Budget("?"), *args, **kwargs)


def call(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any], budget: Budget) -> Any:
    """Call what came out of this module or from the user; what could become large is first tried without memory."""
    if not callable(function):
        raise budget.error(f"calls a {type(function).__name__}")
    budget.weigh((args, kwargs))
    if isinstance(function, Guarded):
        return function.function(budget, *args, **kwargs)
    if not torch.compiler.is_compiling() and not isinstance(function, ModuleType):
        _tried(function, args, kwargs, budget)
    return checked(function(*args, **kwargs), budget)


def _tried(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any], budget: Budget) -> None:
    """Refuse what would be too large. The estimate is the product of all numbers and sizes: far too high, so that most calls pass it."""
    tensors: list[Tensor] = []
    estimate: Any = 1
    waiting: list[Any] = [*args, *kwargs.values()]
    while waiting:
        part = waiting.pop()
        if isinstance(part, (list, tuple)):
            waiting.extend(part)
        elif isinstance(part, Tensor):
            tensors.append(part)
            estimate *= max(1, part.numel())
            if not part.is_floating_point() and part.numel() <= 16 and not _symbolic(part):
                waiting.extend(part.reshape(-1).tolist())
        elif isinstance(part, (int, float, np.ndarray, np.generic)):
            estimate *= max(1, min(abs(part), 2**62)) if isinstance(part, (int, float)) and part == part else max(1, np.size(part))
    if estimate <= ELEMENTS or any(_symbolic(part) for part in tensors):
        return
    size = _size_without_memory(function, args, kwargs)
    if (size is None and estimate > 2**16 * ELEMENTS) or (size or 0) > ELEMENTS:
        raise budget.error(f"makes a tensor of {size or 'too many'} elements")


def _symbolic(part: Tensor) -> bool:
    return (type(part) is not Tensor and not isinstance(part, torch.nn.Parameter)) or torch._C._functorch.is_functorch_wrapped_tensor(part)


def _size_without_memory(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> int | None:
    """Elements of the largest result, by a run on tensors without storage; None where that cannot be."""
    from torch._subclasses.fake_tensor import FakeTensorMode

    from kcompat.tree import leaves, map_structure

    try:
        with FakeTensorMode(allow_non_fake_inputs=True) as mode, torch.no_grad():
            fake = lambda part: mode.from_tensor(part) if isinstance(part, Tensor) else part  # noqa: E731
            made = function(*map_structure(fake, args), **map_structure(fake, kwargs))
            return max((part.numel() for part in leaves(made) if isinstance(part, Tensor)), default=0)
    except Exception:
        return None
