"""Shapes of what a function in a model gives: found by running it on tensors without values, or, where values decide, on small real ones.

A tensor that holds sizes of axes (`tf.shape(x)`) carries them through the graph too, so that what is made of them has a shape.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch._subclasses.fake_tensor import FakeTensorMode

from kcompat.files.symbols.common import sizes_of
from kcompat.graph import KerasTensor
from kcompat.graph.infer import ATTEMPTS, stand_in
from kcompat.tree import leaves, map_structure

Primes = tuple[int, ...]


def operation_spec(layer: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """A structure of symbolic tensors for the outputs of `layer.call(*args, **kwargs)`."""
    symbols = [leaf for leaf in leaves((args, kwargs)) if isinstance(leaf, KerasTensor)]
    static = all(None not in symbol.shape and "_sizes" not in symbol.__dict__ for symbol in symbols)
    error: Exception | None = None
    for first, second in ATTEMPTS:
        try:
            pair = [_fake_run(layer, args, kwargs, primes) for primes in ((first,) if static else (first, second))]
            return _with_sizes(_merged(pair), layer, args, kwargs)
        except Exception as caught:  # noqa: PERF203 - whatever does not fit the stand-ins
            error = error or caught
    assert error is not None
    if not isinstance(error, RuntimeError):
        raise error
    try:  # the shape depends on values
        first, second = ATTEMPTS[0]
        runs = list(_real_runs(layer, args, kwargs, (first,) if static else (first, second)))
    except Exception:
        raise error from None
    return map_structure(_loosely, *runs) if len(runs) > 1 else map_structure(lambda a: _loosely(a, a), runs[0])


def _fake_run(layer: Any, args: Any, kwargs: Any, primes: Primes) -> Any:
    with FakeTensorMode(allow_non_fake_inputs=True), torch.no_grad():
        return _run(layer, args, kwargs, primes, lambda shape, dtype: torch.empty(shape, dtype=dtype))


def _real_runs(layer: Any, args: Any, kwargs: Any, all_primes: tuple[Primes, ...]) -> Iterator[Any]:
    """Runs on zeros and on ones; ones may be no valid places of anything."""
    for primes in all_primes:
        for fill in (0, 1):
            try:
                with torch.no_grad():
                    yield _run(layer, args, kwargs, primes, lambda shape, dtype, fill=fill: torch.full(shape, fill, dtype=dtype))
            except Exception:  # noqa: PERF203
                if fill == 0:
                    raise


def _run(layer: Any, args: Any, kwargs: Any, primes: Primes, make: Callable[..., torch.Tensor]) -> Any:
    def stand(leaf: Any) -> Any:
        if not isinstance(leaf, KerasTensor):
            return leaf
        made = make(stand_in(leaf.shape, primes), leaf.dtype)
        sizes = leaf.__dict__.get("_sizes", {}).get(primes)
        if sizes is not None:
            made._keras_sizes = sizes  # type: ignore[attr-defined]
        return made

    return layer.call(*map_structure(stand, args), **map_structure(stand, kwargs))


def _merged(runs: list[Any]) -> Any:
    """Symbols from the results of one run or two."""

    def symbol(*found: Any) -> Any:
        shape = [n if all(t.shape[i] == n for t in found) else None for i, n in enumerate(found[0].shape)]
        made = KerasTensor(tuple(shape), found[0].dtype)
        if sizes_of(found[0]) is not None:
            made.__dict__["_sizes"] = {}
        return made

    return map_structure(symbol, *runs)


def _with_sizes(made: Any, layer: Any, args: Any, kwargs: Any) -> Any:
    """The symbols, those that hold sizes with the sizes of every stand-in run."""
    holders = [symbol for symbol in leaves(made) if "_sizes" in symbol.__dict__]
    for primes in {primes for pair in ATTEMPTS for primes in pair} if holders else ():
        try:
            found = list(leaves(_fake_run(layer, args, kwargs, primes)))
        except Exception:
            continue
        for symbol, value in zip(leaves(made), found, strict=True):
            if sizes_of(value) is not None:
                symbol.__dict__.setdefault("_sizes", {})[primes] = sizes_of(value)
    return made


def _loosely(*found: Any) -> KerasTensor:
    """A symbol of what several runs agree in; a size of 0 is one of no values."""
    shape = [n if n and all(t.shape[i] == n for t in found) else None for i, n in enumerate(found[0].shape)]
    return KerasTensor(tuple(shape), found[0].dtype)
