"""Calls of layers in the words of Keras 1.

The table of `keras1_words` is read in three ways (`keras1_arguments` in the generation table). Under Keras 1 positional arguments mean what
they meant there. Keras 2.0 to 2.3 take the old keywords, and `Convolution2D(64, 3, 3)`, with a warning; more positions than Keras 2 allowed
are refused, because they may be Keras 1's. Later generations refuse old keywords, and the error says what to write.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from typing import Any

from kcompat import registry
from kcompat.errors import ArgumentError, ArgumentTypeError, UnknownArgumentError
from kcompat.generations import behaviour
from kcompat.layers.keras1_words import TABLE, Row, value_now


def present(where: str, row: Row, args: tuple[Any, ...], kwargs: dict[str, Any], mode: str) -> tuple[list[Any], dict[str, Any]]:
    """The arguments of a call in present words; the call itself is left alone."""
    free, named = list(args), dict(kwargs)
    if mode == "positions":
        free, named = [], _by_position(where, row, free, named)
    told = _window(where, row, mode, free, named)
    for rule in row.rules:
        told += rule(where, mode, free, named)
    if row.allowed is not None and len(free) > row.allowed:
        raise ArgumentTypeError(
            f"{where} takes {row.allowed} positional arguments in Keras 2.0 to 2.3, received {len(free)}: later ones meant other things in "
            "Keras 1. Give them by name."
        )
    for name in list(named):
        value, new = value_now(name, named[name]), row.names.get(name, name)
        named[name] = value
        if new == name:
            continue
        if new in named:
            raise ArgumentTypeError(f"{where}: give `{new}` or `{name}`, its name in Keras 1, not both.")
        named[new] = named.pop(name)
        told.append(name)
    if told and mode == "keywords":
        call = ", ".join([*map(_short, free), *(f"{name}={_short(value)}" for name, value in named.items())])
        warnings.warn(f"{where}: {', '.join(told)}: words of Keras 1. Keras 2 writes {where}({call}).", UserWarning, stacklevel=4)
    return free, named


def _by_position(where: str, row: Row, free: list[Any], named: dict[str, Any]) -> dict[str, Any]:
    order = row.positions.split()
    if len(free) > len(order):
        raise ArgumentTypeError(f"{where} takes {len(order)} positional arguments ({', '.join(order)}) in Keras 1, received {len(free)}.")
    given = dict(zip(order, free, strict=False))
    twice = given.keys() & named.keys()
    if twice:
        raise ArgumentTypeError(f"{where} received `{min(twice)}` twice, by position and by name.")
    return {**given, **named}


def _window(where: str, row: Row, mode: str, free: list[Any], named: dict[str, Any]) -> list[str]:
    """`kernel_size` out of the numbers that Keras 1 had for each axis."""
    if "output_shape" in row.words and mode == "keywords" and len(free) == len(row.window) + 2 and isinstance(free[-1], tuple):
        named["output_shape"] = free.pop()
    ahead = free[1:]
    rest = row.window[len(ahead) :]
    if not row.window or not all(isinstance(n, int) for n in ahead) or len(ahead) > len(row.window):
        return []
    held = [name for name in rest if name in named]
    if len(held) != len(rest):
        if held and isinstance(named[held[0]], (tuple, list)):  # as Keras 2 writes it
            named["kernel_size"] = named.pop(held[0])
        elif held and mode == "positions":
            raise ArgumentTypeError(
                f"{where}: `{next(n for n in rest if n not in named)}` must be given, received {', '.join(held)} alone."
            )
        return []
    later = [name for name in ("padding", "strides", "data_format") if name in named]
    if not rest and later and mode == "keywords":
        raise ArgumentError(
            f"{where}: {free[1:]} may be a kernel size of Keras 1, but `{later[0]}` is a word of Keras 2; give "
            "`kernel_size` or `strides` by name."
        )
    size = (*ahead, *(named.pop(name) for name in rest))
    if free:
        free[1:] = [size]
    else:
        named["kernel_size"] = size
    return list(row.window)


def _short(value: Any) -> str:
    told = repr(value)
    return told if len(told) <= 40 else told[:37] + "..."


def _refuse(where: str, row: Row, kwargs: dict[str, Any]) -> None:
    for name in kwargs:
        if name in row.names or name in row.window or name in row.words:
            new = row.names.get(name, "kernel_size" if name in row.window else None)
            instead = f", which is called `{new}` now" if new else ""
            raise UnknownArgumentError(
                f"{where}: unknown keyword argument `{name}`, a word of Keras 1{instead}. Scripts of Keras 1 run as they are after "
                "`kcompat.config.set_keras_version('1.2.2')`."
            )


#: words of Keras 1 that no argument stands for today: the layer keeps them under these names
_KEPT = {"output_shape": "_wanted_shape", "mode": "_keras1_mode"}


def _understanding(init: Callable[..., None], where: str, row: Row) -> Callable[..., None]:
    @functools.wraps(init)
    def wrapped(self: Any, *args: Any, **kwargs: Any) -> None:
        mode = behaviour("keras1_arguments")
        if mode is None:
            _refuse(where, row, kwargs)
            return init(self, *args, **kwargs)
        free, named = present(where, row, args, kwargs, mode)
        kept = {attribute: named.pop(word) for word, attribute in _KEPT.items() if word in row.words and word in named}
        self.__dict__.update(kept)
        return init(self, *free, **named)

    return wrapped


def teach() -> None:
    """Let the layers in the table understand Keras 1."""
    for name, row in TABLE.items():
        cls = registry.find("layer", name)
        if cls is not None and not issubclass(cls, _Atrous):
            cls.__init__ = _understanding(cls.__init__, name, row)


class _Atrous:
    """A convolution with `atrous_rate`, as Keras 1 called its dilation; what is made is a Conv1D or Conv2D."""

    row: str
    made: str

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        mode = behaviour("keras1_arguments")
        if mode != "positions":
            warnings.warn(f"{cls.__name__} is {cls.made} with `dilation_rate` since Keras 2.", UserWarning, stacklevel=2)
        free, named = present(cls.made, TABLE[cls.__name__], args, kwargs, mode or "keywords")
        named.setdefault("dilation_rate", 1)
        names = ("filters", "kernel_size")
        return registry.lookup("layer", cls.made)(**dict(zip(names, free, strict=False)), **named)

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """The convolution that a config describes."""
        return cls(**config)


class AtrousConvolution1D(_Atrous):
    """A Conv1D whose windows have gaps."""

    made = "Conv1D"


class AtrousConvolution2D(_Atrous):
    """A Conv2D whose windows have gaps."""

    made = "Conv2D"


NAMES = {
    "AtrousConvolution1D": AtrousConvolution1D, "AtrousConv1D": AtrousConvolution1D, "AtrousConvolution2D": AtrousConvolution2D,
    "AtrousConv2D": AtrousConvolution2D,
}  # fmt: skip
registry.register("layer", NAMES)
