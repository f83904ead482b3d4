"""Shapes and dtypes of a function's results, found by running it on tensors that have no storage.

A dimension of unknown size is given two different stand-in sizes, in two runs: what differs between the results is
unknown there too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from kcompat.errors import ShapeError
from kcompat.tree import flatten, map_structure

#: Stand-in sizes by axis for two runs. They are primes, so that products of them do not meet by accident. The first
#: pair keeps axes apart; the second is for functions that need unknown axes to agree (attention: time against time).
_PRIMES = ((83, 89, 97, 101, 103, 107, 109, 113), (127, 131, 137, 139, 149, 151, 157, 163))
ATTEMPTS = (
    (_PRIMES[0], _PRIMES[1]),
    (tuple([83] + [97] * 7), tuple([127] + [137] * 7)),
    (tuple([83] * 8), tuple([127] * 8)),
)


def infer(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The structure of (shape, dtype) pairs that `function` gives for symbolic arguments; None where a size varies."""
    symbols = [leaf for leaf in flatten((args, kwargs)) if _is_symbol(leaf)]
    if all(None not in s.shape for s in symbols):
        return map_structure(lambda t: (tuple(t.shape), t.dtype), _run(function, args, kwargs, _PRIMES[0]))
    error: Exception | None = None
    for first, second in ATTEMPTS:
        try:
            return merge(_run(function, args, kwargs, first), _run(function, args, kwargs, second))
        except (RuntimeError, ValueError, IndexError) as caught:  # noqa: PERF203
            error = error or caught
    shapes = ", ".join(str(s.shape) for s in symbols)
    name = getattr(function, "__name__", str(function))
    raise ShapeError(f"`{name}` cannot be applied to symbolic tensors of shapes {shapes}: {error}") from error


def merge(first: Any, second: Any) -> Any:
    """One structure of (shape, dtype) pairs from the results of two runs."""
    return map_structure(_merge_leaf, first, second)


def _merge_leaf(a: Any, b: Any) -> Any:
    if not isinstance(a, torch.Tensor):
        return ((), torch.get_default_dtype() if isinstance(a, float) else torch.int64)
    return tuple(m if m == n else None for m, n in zip(a.shape, b.shape, strict=True)), a.dtype


def stand_in(shape: tuple[int | None, ...], primes: tuple[int, ...]) -> tuple[int, ...]:
    """The shape with a size in the place of every None."""
    return tuple(primes[axis % len(primes)] if size is None else size for axis, size in enumerate(shape))


def _is_symbol(leaf: Any) -> bool:
    return hasattr(type(leaf), "__torch_function__") and not isinstance(leaf, torch.Tensor)


def _run(function: Callable[..., Any], args: Any, kwargs: Any, primes: tuple[int, ...]) -> Any:
    def bare(leaf: Any) -> Any:
        if _is_symbol(leaf):
            return torch.empty(stand_in(leaf.shape, primes), dtype=leaf.dtype, device="meta")
        return leaf.to("meta") if isinstance(leaf, torch.Tensor) else leaf

    bare_args, bare_kwargs = map_structure(bare, args), map_structure(bare, kwargs)
    with torch.no_grad():
        return function(*bare_args, **bare_kwargs)
