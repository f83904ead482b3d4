"""Functions that a generation's laws change: users call them bare, objects keep the laws of their construction."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from torch import Tensor

from kcompat.errors import ArgumentTypeError
from kcompat.losses.convert import laws

#: public function -> what computes it under given laws, and where laws come from
_BODIES: dict[Callable[..., Any], tuple[Callable[..., Any], Callable[[], Any]]] = {}
#: public functions whose bodies can give the mean of their values from one kernel (`reduction="mean"`)
_WITH_MEAN: set[Callable[..., Any]] = set()


def under_laws(
    body: Callable[..., Tensor], ordered: Callable[[Any], Any] | None = None, of: Callable[[], Any] = laws
) -> Callable[..., Tensor]:
    """The public function of a `body(law, y_true, y_pred, ...)`: called with the laws of the selected generation, told by `of`.

    `ordered` gives positional arguments the meaning of the generation (`positional`).
    """

    @functools.wraps(body)
    def function(*args: Any, **kwargs: Any) -> Tensor:
        return body(of(), *args, **kwargs)

    del function.__wrapped__  # type: ignore[attr-defined]
    told = inspect.signature(body)
    public: Any = function if ordered is None else ordered(function)
    public.__signature__ = told.replace(parameters=list(told.parameters.values())[1:])
    _BODIES[public] = (body, of)
    return public


class Bound:
    """A public function under given laws; pickled by the function's name."""

    def __init__(self, function: Callable[..., Any], law: Any):
        self.function, self.law = function, law
        self._body = _BODIES[function][0]

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The function's values."""
        return self._body(self.law, *args, **kwargs)

    def __reduce__(self) -> tuple[Any, ...]:
        return Bound, (self.function, self.law)


def bound(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function under the laws of the generation selected now; a function of the user as it is."""
    found = _BODIES.get(function)
    return function if found is None else Bound(function, found[1]())


def with_mean(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """Note that the body of a public function takes `reduction="mean"`."""
    _WITH_MEAN.add(function)
    return function


def bound_mean(function: Callable[..., Any], options: dict[str, Any]) -> Callable[..., Any] | None:
    """The mean of a loss function's values under the laws selected now, where one kernel gives it."""
    if function not in _WITH_MEAN or options.get("ignore_class") is not None:
        return None
    return functools.partial(bound(function), reduction="mean", **options)


def by_name(what: str, order: Sequence[str], known: Sequence[str], args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of a constructor by their names: positional ones in `order`, keywords among `known`. `what` is the class."""
    if len(args) > len(order):
        raise ArgumentTypeError(f"{what} takes {len(order)} positional arguments ({', '.join(order)}), received {len(args)}.")
    given = dict(zip(order, args, strict=False))
    for key, value in kwargs.items():
        if key in given:
            raise ArgumentTypeError(f"{what} received `{key}` twice, by position and by name.")
        if key not in known:
            raise ArgumentTypeError(f"{what} takes no argument `{key}`; it takes {', '.join(known)}.")
        given[key] = value
    return given
