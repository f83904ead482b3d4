"""What the instructions for values and variables do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kcompat.files.bytecode import names, operators, reach
from kcompat.files.bytecode.frames import NULL, Cell, Frame


def _pop(frame: Frame, value: Any) -> None:
    frame.pop()


def _null(frame: Frame, value: Any) -> None:
    frame.push(NULL)


def _constant(frame: Frame, value: Any) -> None:
    frame.push(value)


def _rotate(frame: Frame, count: int) -> None:
    items = frame.several(count)
    frame.stack += [items[-1], *items[:-1]]


def _duplicate(frame: Frame, count: int) -> None:
    items = frame.several(count)
    frame.stack += [*items, *items]


def _swap(frame: Frame, depth: int) -> None:
    items = frame.several(depth)
    frame.stack += [items[-1], *items[1:-1], items[0]]


def _copy(frame: Frame, depth: int) -> None:
    frame.push(frame.peek(depth))


def _local(frame: Frame, index: int) -> None:
    value = frame.slots[index]
    if value is NULL:
        raise frame.program.error(f"uses `{frame.function.code.slots[index]}` before it has a value")
    frame.push(value)


def _take_local(frame: Frame, index: int) -> None:
    frame.push(frame.slots[index])
    frame.slots[index] = NULL


def _set_local(frame: Frame, index: int) -> None:
    frame.slots[index] = frame.pop()


def _delete_local(frame: Frame, index: int) -> None:
    frame.slots[index] = NULL


def _make_cell(frame: Frame, index: int) -> None:
    frame.slots[index] = Cell(frame.slots[index])


def _cell(frame: Frame, index: int) -> Cell:
    cell = frame.slots[index]
    if not isinstance(cell, Cell):
        raise frame.program.error("its bytecode is damaged: a captured variable is none")
    return cell


def _captured(frame: Frame, index: int) -> None:
    value = _cell(frame, index).value
    if value is NULL:
        raise frame.program.error(f"uses `{frame.function.code.slots[index]}` before it has a value")
    frame.push(value)


def _set_captured(frame: Frame, index: int) -> None:
    _cell(frame, index).value = frame.pop()


def _global(frame: Frame, name: str) -> None:
    frame.push(names.name(name, frame.program.names, frame.program.layer))


def _attribute(frame: Frame, name: str) -> None:
    frame.push(reach.attribute(frame.pop(), name, frame.program.layer))


def _unary(frame: Frame, symbol: str) -> None:
    frame.push(operators.unary(symbol, frame.pop(), frame.program.budget))


def _binary(frame: Frame, symbol: str) -> None:
    left, right = frame.several(2)
    frame.push(operators.binary(symbol, left, right, frame.program.budget))


def _compare(frame: Frame, symbol: str) -> None:
    left, right = frame.several(2)
    frame.push(operators.compare(symbol, left, right, frame.program.budget))


def _item(frame: Frame, value: Any) -> None:
    held, key = frame.several(2)
    frame.push(operators.item(held, key, frame.program.budget))


def _slice_of(frame: Frame, form: int) -> None:
    """`x[a:b]` of Python 2 (bit 0: with a start, bit 1: with an end) and of 3.12."""
    stop = frame.pop() if form & 2 else None
    start = frame.pop() if form & 1 else None
    frame.push(operators.item(frame.pop(), slice(start, stop), frame.program.budget))


def _set_item(frame: Frame, value: Any) -> None:
    made, held, key = frame.several(3)
    operators.set_item(held, key, made, frame.program.budget)


STEPS: dict[str, Callable[[Frame, Any], None]] = {
    "pop": _pop,
    "null": _null,
    "constant": _constant,
    "rotate": _rotate,
    "duplicate": _duplicate,
    "swap": _swap,
    "copy": _copy,
    "local": _local,
    "take local": _take_local,
    "set local": _set_local,
    "delete local": _delete_local,
    "make cell": _make_cell,
    "captured": _captured,
    "set captured": _set_captured,
    "global": _global,
    "attribute": _attribute,
    "unary": _unary,
    "binary": _binary,
    "compare": _compare,
    "item": _item,
    "slice of": _slice_of,
    "set item": _set_item,
    "cell": lambda frame, index: frame.push(_cell(frame, index)),
}
