"""What the instructions for containers and text do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kcompat.files.bytecode import bounds, operators
from kcompat.files.bytecode.frames import Frame


def _build(kind: str) -> Callable[[Frame, int], None]:
    def build(frame: Frame, count: int) -> None:
        if kind == "map" and frame.function.code.layout == "2":  # there the number is only a hint
            frame.push({})
            return
        items = frame.several(2 * count if kind == "map" else count)
        made: Any = tuple(items)
        if kind == "list":
            made = items
        elif kind in ("set", "map"):
            keys = items if kind == "set" else items[::2]
            bounds.plain_keys(keys, frame.program.layer)
            made = set(items) if kind == "set" else dict(zip(keys, items[1::2], strict=True))
        elif kind == "text":
            made = operators.joined(items, frame.program.budget)
        elif kind == "slice":
            made = slice(*items)
        frame.program.budget.weigh(made)
        frame.push(made)

    return build


def _keyed_map(frame: Frame, count: int) -> None:
    keys = frame.pop()
    bounds.plain_keys(keys, frame.program.layer)
    frame.push(dict(zip(keys, frame.several(count), strict=True)))


def _joined(kind: str) -> Callable[[Frame, int], None]:
    def join(frame: Frame, count: int) -> None:
        parts = frame.several(count)
        made: Any = {} if kind == "map" else []
        for part in parts:
            _extend_with(frame, made, part)
        frame.push({"tuple": tuple, "set": set, "list": list, "map": dict}[kind](made))

    return join


def _extend_with(frame: Frame, made: Any, part: Any) -> None:
    items = bounds.listed(part, frame.program.budget) if not isinstance(part, dict) else part
    frame.program.budget.weigh([made, part])
    if isinstance(made, list):
        made.extend(items)
    elif isinstance(made, (dict, set)) and (isinstance(made, set) or isinstance(part, dict)):
        bounds.plain_keys(items, frame.program.layer)
        made.update(items)
    else:
        raise frame.program.error("its bytecode is damaged: it extends what is no container")


def _extend(frame: Frame, depth: int) -> None:
    part = frame.pop()
    _extend_with(frame, frame.peek(depth), part)


def _append(frame: Frame, depth: int) -> None:
    value = frame.pop()
    held = frame.peek(depth)
    frame.program.budget.weigh(value)
    if isinstance(held, list):
        held.append(value)
    elif isinstance(held, set):
        bounds.plain_keys([value], frame.program.layer)
        held.add(value)
    else:
        raise frame.program.error("its bytecode is damaged: it appends to what is no list")


def _put(frame: Frame, form: tuple[int, bool]) -> None:
    depth, key_first = form
    first, second = frame.several(2)
    key, value = (first, second) if key_first else (second, first)
    bounds.plain_keys([key], frame.program.layer)
    frame.program.budget.weigh(value)
    held = frame.peek(depth)
    if not isinstance(held, dict):
        raise frame.program.error("its bytecode is damaged: it puts into what is no mapping")
    held[key] = value


def _to_tuple(frame: Frame, value: Any) -> None:
    frame.push(tuple(bounds.listed(frame.pop(), frame.program.budget)))


def _unpack(frame: Frame, count: int) -> None:
    items = bounds.listed(frame.pop(), frame.program.budget)
    if len(items) != count:
        raise frame.program.error(f"takes {count} values apart from {len(items)}")
    frame.stack += items[::-1]


def _unpack_rest(frame: Frame, form: int) -> None:
    before, after = form & 255, form >> 8
    items = bounds.listed(frame.pop(), frame.program.budget)
    if len(items) < before + after:
        raise frame.program.error(f"takes {before + after} values apart from {len(items)}")
    end = len(items) - after
    frame.stack += [*items[:before], items[before:end], *items[end:]][::-1]


def _format(frame: Frame, flags: int) -> None:
    spec = frame.pop() if flags & 4 else ""
    frame.push(operators.formatted(frame.pop(), spec, flags & 3, frame.program.budget))


def _convert(frame: Frame, flags: int) -> None:
    frame.push(operators.formatted(frame.pop(), "", flags, frame.program.budget))


STEPS: dict[str, Callable[[Frame, Any], None]] = {
    "keyed map": _keyed_map,
    "extend": _extend,
    "update set": _extend,
    "update map": _extend,
    "append": _append,
    "add": _append,
    "put": _put,
    "to tuple": _to_tuple,
    "unpack": _unpack,
    "unpack rest": _unpack_rest,
    "format": _format,
    "convert": _convert,
    **{kind: _build(kind) for kind in ("tuple", "list", "set", "map", "text", "slice")},
    **{f"joined {kind}": _joined(kind) for kind in ("tuple", "list", "set", "map")},
}
