"""What the instructions for jumps, loops, calls and functions do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kcompat.files.bytecode import bounds, operators
from kcompat.files.bytecode.frames import NULL, Cell, Frame
from kcompat.files.bytecode.marshalled import Code


def _jump(frame: Frame, target: int) -> None:
    frame.place = target


def _jump_if(frame: Frame, form: tuple[str, int]) -> None:
    word, target = form
    value = frame.pop()
    none = value is None
    if {"NONE": none, "NOT_NONE": not none}[word] if "N" in word else operators.truth(value) == (word == "TRUE"):
        frame.place = target


def _jump_or_pop(frame: Frame, form: tuple[bool, int]) -> None:
    want, target = form
    if operators.truth(frame.peek(1)) == want:
        frame.place = target
    else:
        frame.pop()


def _iterate(frame: Frame, value: Any) -> None:
    frame.push(bounds.Items(bounds.listed(frame.pop(), frame.program.budget)))


def _for(frame: Frame, form: tuple[bool, int]) -> None:
    leave, target = form
    items = frame.peek(1)
    if not isinstance(items, bounds.Items):
        raise frame.program.error("its bytecode is damaged: it loops over what is no iterator")
    if items.left():
        frame.push(items.next())
        return
    if not leave:
        frame.pop()
    frame.place = target


def _begin_loop(frame: Frame, target: int) -> None:
    frame.loops.append((target, len(frame.stack)))


def _end_loop(frame: Frame, value: Any) -> None:
    if not frame.loops:
        raise frame.program.error("its bytecode is damaged: it ends a loop that has not begun")
    frame.loops.pop()


def _break(frame: Frame, value: Any) -> None:
    if not frame.loops:
        raise frame.program.error("its bytecode is damaged: it leaves a loop that has not begun")
    frame.place, height = frame.loops.pop()
    del frame.stack[height:]


def _call(frame: Frame, count: int, names: tuple[str, ...] = ()) -> None:
    """The call of 3.11 on, and of methods: below the arguments stand the function and an empty place or first argument, in any order."""
    given = frame.several(count)
    first, second = frame.several(2)
    if second is NULL:
        function = first
    elif first is NULL:
        function = second
    else:
        function, given = first, [second, *given]
    split = len(given) - len(names)
    frame.call(function, given[:split], dict(zip(names, given[split:], strict=True)))


def _call_names(frame: Frame, count: int) -> None:
    names = frame.pop()
    _call(frame, count, tuple(names))


def _call_plain(frame: Frame, count: int) -> None:
    given = frame.several(count)
    frame.call(frame.pop(), given, {})


def _call_plain_names(frame: Frame, count: int) -> None:
    names = frame.pop()
    given = frame.several(count)
    split = count - len(names)
    frame.call(frame.pop(), given[:split], dict(zip(names, given[split:], strict=True)))


def _call_pairs(frame: Frame, form: tuple[int, int, bool, bool]) -> None:
    """The call before 3.6: keywords as pairs of a name and a value, then *args and **kwargs."""
    count, pairs, variable, keywords = form
    more = dict(frame.pop()) if keywords else {}
    rest = bounds.listed(frame.pop(), frame.program.budget) if variable else []
    named = frame.several(2 * pairs)
    given = frame.several(count)
    frame.call(frame.pop(), [*given, *rest], {**dict(zip(named[::2], named[1::2], strict=True)), **more})


def _call_all(frame: Frame, form: tuple[bool, bool]) -> None:
    keywords, null = form
    more = frame.pop() if keywords else {}
    given = bounds.listed(frame.pop(), frame.program.budget)
    function = frame.pop()
    if null:
        other = frame.pop()
        function = other if function is NULL else function
    frame.call(function, given, dict(more) if more is not NULL else {})


def _function(frame: Frame, form: tuple[str, int, bool, bool]) -> None:
    kind, flags, named, closure = form
    if named:
        frame.pop()
    code = frame.pop()
    if not isinstance(code, Code):
        raise frame.program.error("its bytecode is damaged: it makes a function of what is no code")
    cells: Any = ()
    defaults: Any
    if kind == "counts":
        cells = frame.pop() if closure else ()
        names = frame.several(2 * (flags >> 8 & 255))
        defaults, keyword = frame.several(flags & 255), dict(zip(names[::2], names[1::2], strict=True))
    elif kind == "flags":
        cells = frame.pop() if flags & 8 else ()
        if flags & 4:
            frame.pop()
        keyword = frame.pop() if flags & 2 else {}
        defaults = frame.pop() if flags & 1 else ()
    else:
        defaults, keyword = (), {}
    frame.push(_made(frame, code, defaults, keyword, cells))


def _made(frame: Frame, code: Code, defaults: Any, keyword: Any, cells: Any) -> Any:
    if not all(isinstance(cell, Cell) for cell in cells):
        raise frame.program.error("its bytecode is damaged: a captured variable is none")
    return type(frame.function)(frame.program, code, defaults, keyword, tuple(cells))


def _equip(frame: Frame, flag: int) -> None:
    """What 3.13 gives a function after making it: defaults, keyword defaults, annotations, captured variables."""
    function, value = frame.pop(), frame.pop()
    if not isinstance(function, type(frame.function)):
        raise frame.program.error("its bytecode is damaged: it equips what is no function")
    parts = {1: function.defaults, 2: function.keyword_defaults, 8: function.cells}
    if flag in parts:
        parts[flag] = value
    frame.push(_made(frame, function.code, parts[1], parts[2], parts[8]))


def _return(frame: Frame, value: Any) -> None:
    frame.result = frame.pop()
    if frame.result is NULL:
        raise frame.program.error("its bytecode is damaged: it returns nothing")


def _yield(frame: Frame, value: Any) -> None:
    made = frame.pop()
    frame.program.budget.weigh(made)
    frame.yielded.append(made)
    frame.push(None)


def _unknown(frame: Frame, name: str) -> None:
    raise frame.program.error(f"has the instruction {name}, which stored functions have no use for here")


STEPS: dict[str, Callable[[Frame, Any], None]] = {
    "jump": _jump,
    "jump if": _jump_if,
    "jump or pop": _jump_or_pop,
    "iterate": _iterate,
    "for": _for,
    "begin loop": _begin_loop,
    "end loop": _end_loop,
    "break": _break,
    "call": _call,
    "call names": _call_names,
    "call plain": _call_plain,
    "call plain names": _call_plain_names,
    "call pairs": _call_pairs,
    "call all": _call_all,
    "function": _function,
    "equip": _equip,
    "return": _return,
    "yield": _yield,
    "unknown": _unknown,
}
