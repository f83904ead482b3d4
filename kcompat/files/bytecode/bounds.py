"""The bounds of what code from a file may do: work, sizes, what can be looped over, what is a key."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from torch import Tensor

from kcompat.errors import FileError

#: steps and container elements of one call; elements of one tensor; bits of one integer
_WORK, ELEMENTS, BITS = 100_000, 2**28, 8192


def refusal(layer: str, text: str) -> FileError:
    """The error of a stored function, which names the layer and the way out."""
    return FileError(
        f"Lambda '{layer}': the stored function {text}. Give the function yourself when loading: `custom_objects={{'{layer}': function}}`."
    )


class Budget:
    """The work that one call may still do."""

    def __init__(self, layer: str):
        self.layer, self.left = layer, _WORK

    def fill(self) -> None:
        """Anew for a call from outside."""
        self.left = _WORK

    def spend(self, count: int) -> None:
        """Some of it."""
        self.left -= count
        if self.left < 0:
            raise refusal(self.layer, f"takes more than {_WORK} steps")

    def weigh(self, value: Any) -> None:
        """Spend what a container holds, at any depth."""
        waiting = [value]
        while waiting:
            item = waiting.pop()
            self.spend(1)
            if isinstance(item, dict):
                waiting.extend(item.values())
            elif isinstance(item, (list, tuple, set, frozenset)):
                self.spend(len(item))
                waiting.extend(item)

    def error(self, text: str) -> FileError:
        """A refusal that names the layer."""
        return refusal(self.layer, text)


class Items:
    """An iterator over a list, which can be asked whether it is at its end."""

    def __init__(self, items: list[Any]):
        self.items, self.place = items, 0

    def left(self) -> bool:
        """Whether there is another."""
        return self.place < len(self.items)

    def next(self) -> Any:
        """The next item."""
        self.place += 1
        return self.items[self.place - 1]


def listed(value: Any, budget: Budget) -> list[Any]:
    """The items of what can be looped over."""
    if isinstance(value, Items):
        made = value.items[value.place :]
        value.place = len(value.items)
    elif isinstance(value, (list, tuple, dict, set, frozenset, str, range)):
        budget.spend(len(value))
        made = list(value)
    elif isinstance(value, (Tensor, np.ndarray)) and value.ndim:
        budget.spend(value.shape[0])
        made = [value[i] for i in range(value.shape[0])]
    elif type(value) in (type(iter([])), type({}.items()), type({}.keys()), type({}.values())):
        made = list(value)
    else:
        raise budget.error(f"loops over a {type(value).__name__}")
    budget.spend(len(made))
    return made


def plain_keys(keys: Any, layer: str) -> None:
    """Keys of mappings and sets are plain values, or short tuples of them."""
    for key in keys:
        if isinstance(key, tuple) and len(key) < 8 and all(isinstance(part, (str, int, float, type(None))) for part in key):
            continue
        if not isinstance(key, (str, bytes, int, float, complex, type(None))):
            raise refusal(layer, f"uses a {type(key).__name__} as a key")


def checked(value: Any, budget: Budget) -> Any:
    """A result, if it is no tensor of absurd size."""
    if isinstance(value, (Tensor, np.ndarray)) and all(isinstance(n, int) for n in value.shape) and math.prod(value.shape) > ELEMENTS:
        raise budget.error(f"makes a tensor of {math.prod(value.shape)} elements")
    return value
