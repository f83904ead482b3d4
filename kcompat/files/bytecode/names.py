"""The names that code from a file finds: the modules' facades, and builtins in our own words, which are given the budget."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from kcompat.files.bytecode.bounds import Budget, Items, listed, refusal
from kcompat.files.bytecode.modules import GLOBALS
from kcompat.files.bytecode.operators import binary, formatted, truth
from kcompat.files.bytecode.reach import Guarded, call


def _range(budget: Budget, *args: Any) -> Any:
    made = range(*(int(n) for n in args))
    budget.spend(len(made) if (made.stop - made.start) // made.step < 2**60 else 2**60)
    return made


def _called(budget: Budget, function: Any, *args: Any) -> Any:
    return function(*args) if hasattr(function, "program") else call(function, args, {}, budget)


def _extreme(function: Callable[..., Any]) -> Guarded:
    def extreme(budget: Budget, *args: Any, **kwargs: Any) -> Any:
        items = listed(args[0], budget) if len(args) == 1 else list(args)
        key = kwargs.pop("key", None)
        if key is None:
            return function(items, **kwargs)
        return function(zip([_called(budget, key, i) for i in items], range(len(items)), items, strict=True), **kwargs)[2]

    return Guarded(extreme)


def _sum(budget: Budget, items: Any, start: Any = 0) -> Any:
    for part in listed(items, budget):
        start = binary("+", start, part, budget)
    return start


def _sorted(budget: Budget, items: Any, key: Any = None, reverse: bool = False) -> Any:
    found = listed(items, budget)
    keys = found if key is None else [_called(budget, key, i) for i in found]
    budget.weigh(keys)
    order = sorted(range(len(found)), key=keys.__getitem__, reverse=reverse)
    return [found[i] for i in order]


def _zip(budget: Budget, *several: Any, strict: bool = False) -> Any:
    return Items(list(zip(*(listed(one, budget) for one in several), strict=strict)))


def _map(budget: Budget, function: Any, *several: Any) -> Any:
    return Items([_called(budget, function, *one) for one in zip(*(listed(one, budget) for one in several), strict=False)])


def _filter(budget: Budget, function: Any, items: Any) -> Any:
    return Items([i for i in listed(items, budget) if truth(i if function is None else _called(budget, function, i))])


def _enumerate(budget: Budget, items: Any, start: int = 0) -> Any:
    return Items(list(enumerate(listed(items, budget), start)))


def _reversed(budget: Budget, items: Any) -> Any:
    return Items(listed(items, budget)[::-1])


def _len(budget: Budget, value: Any) -> int:
    if not isinstance(value, (list, tuple, dict, set, frozenset, str, bytes, range, Tensor, np.ndarray)):
        raise budget.error(f"asks for the length of a {type(value).__name__}")
    return len(value)


def _isinstance(budget: Budget, value: Any, kinds: Any) -> bool:
    given = kinds if isinstance(kinds, tuple) else (kinds,)
    return isinstance(value, tuple(kind.kind if isinstance(kind, Kind) else kind for kind in given if isinstance(kind, (Kind, type))))


class Kind(Guarded):
    """A builtin type: what makes a value of it, and what `isinstance` compares with."""

    def __init__(self, kind: type, function: Callable[..., Any]):
        super().__init__(function)
        self.kind = kind


def _number(kind: type) -> Kind:
    def make(budget: Budget, value: Any = 0) -> Any:
        if not isinstance(value, (int, float, str, Tensor, np.ndarray, np.generic, torch.SymInt)) or (
            isinstance(value, str) and len(value) > 400
        ):
            raise budget.error(f"makes a number of a {type(value).__name__}")
        return value if isinstance(value, torch.SymInt) and kind is int else kind(value)

    return Kind(kind, make)


def _text(budget: Budget, value: Any = "") -> str:
    return formatted(value, "", 1, budget)


def _print(budget: Budget, *args: Any, **kwargs: Any) -> None:
    """Nothing: a model that is loaded does not talk."""


BUILTINS: dict[str, Any] = {
    "None": None, "True": True, "False": False, "Ellipsis": ..., "range": Guarded(_range), "xrange": Guarded(_range),
    "len": Guarded(_len), "isinstance": Guarded(_isinstance), "sum": Guarded(_sum), "sorted": Guarded(_sorted), "zip": Guarded(_zip),
    "map": Guarded(_map), "filter": Guarded(_filter), "enumerate": Guarded(_enumerate), "reversed": Guarded(_reversed),
    "min": _extreme(min), "max": _extreme(max), "abs": abs, "round": round, "divmod": divmod, "print": Guarded(_print),
    "pow": Guarded(lambda budget, a, b: binary("**", a, b, budget)), "int": _number(int), "float": _number(float), "bool": _number(bool),
    "str": Kind(str, _text), "slice": slice, "any": Guarded(lambda budget, items: any(truth(i) for i in listed(items, budget))),
    "all": Guarded(lambda budget, items: all(truth(i) for i in listed(items, budget))),
    "list": Kind(list, lambda budget, items=(): listed(items, budget)),
    "tuple": Kind(tuple, lambda budget, items=(): tuple(listed(items, budget))),
    "dict": Kind(dict, lambda budget, **items: dict(items)),
}  # fmt: skip


def name(given: str, names: Mapping[str, Any], layer: str) -> Any:
    """What a global name stands for."""
    for table in (names, GLOBALS):
        if given in table:
            return table[given]
    if given in BUILTINS:
        return BUILTINS[given]
    raise refusal(
        layer, f"uses `{given}`, which is no builtin that such code may use, no module known here, and not in the file: "
        f"if it is a harmless value or function of your own, give it as `custom_objects={{'{given}': ...}}`"
    )  # fmt: skip
