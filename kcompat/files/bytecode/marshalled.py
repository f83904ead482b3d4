"""Reads the marshal format of every Python from 2.7 on: constants and code objects, as plain data. Bounded by the bytes it is given."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

from kcompat.errors import FileError

_DEEPEST = 40
_LONGEST = 256  # digits of 15 bits
_PLAIN = (str, bytes, int, float, complex, type(None))


@dataclass(frozen=True)
class Code:
    """What a code object of any Python holds that its run needs; `slots` are the names of arguments, locals, cells and captured ones."""

    layout: str
    name: str
    arguments: int
    keyword_only: int
    positional_only: int
    flags: int
    instructions: bytes
    constants: tuple[Any, ...]
    names: tuple[str, ...]
    slots: tuple[str, ...]
    locals: int
    cells: tuple[str, ...]
    captured: tuple[str, ...]
    lines: bytes


class _Missing(Exception):
    """The bytes are no marshalled object of this layout."""


class _Reader:
    def __init__(self, data: bytes, layout: str):
        self.data, self.place, self.layout, self.depth = data, 0, layout, 0
        self.shared: list[Any] = []
        self.interned: list[Any] = []

    def take(self, count: int) -> bytes:
        if count < 0 or self.place + count > len(self.data):
            raise _Missing("it ends too early")
        self.place += count
        return self.data[self.place - count : self.place]

    def number(self, form: str) -> Any:
        return struct.unpack("<" + form, self.take(struct.calcsize(form)))[0]

    def object(self) -> Any:
        self.depth += 1
        if self.depth > _DEEPEST:
            raise _Missing("it is nested too deeply")
        kind = self.take(1)[0]
        place = None
        if kind & 0x80:
            place = len(self.shared)
            self.shared.append(None)
        value = self.value(chr(kind & 0x7F))
        if place is not None:
            self.shared[place] = value
        self.depth -= 1
        return value

    def value(self, kind: str) -> Any:
        if kind in _SINGLE:
            return _SINGLE[kind]
        if kind in _NUMBERS:
            return self.number(_NUMBERS[kind])
        if kind in "xfy":
            read = (lambda: self.number("d")) if kind == "y" else self.decimal
            return complex(read(), read()) if kind != "f" else self.decimal()
        if kind == "l":
            return self.long()
        if kind in _TEXTS:
            return self.text(kind)
        if kind in "()[<>":
            count = self.number("B") if kind == ")" else self.number("I")
            items = [self.object() for _ in range(self.bounded(count))]
            return tuple(items) if kind in "()" else items if kind == "[" else frozenset(_plain(item) for item in items)
        if kind == "{":
            return self.mapping()
        if kind == ":":
            return slice(self.object(), self.object(), self.object())
        if kind in "rR":
            return self.reference(self.shared if kind == "r" else self.interned)
        if kind == "c":
            return self.code()
        raise _Missing(f"it has an object of an unknown kind {kind!r}")

    def bounded(self, count: int) -> int:
        if count > len(self.data) - self.place:
            raise _Missing("it ends too early")
        return count

    def decimal(self) -> float:
        return float(self.take(self.number("B")))

    def long(self) -> int:
        count = self.number("i")
        if abs(count) > _LONGEST:
            raise _Missing("it has a number too large")
        digits = [self.number("H") for _ in range(abs(count))]
        total = 0
        for digit in reversed(digits):
            total = total << 15 | digit
        return -total if count < 0 else total

    def text(self, kind: str) -> Any:
        raw = self.take(self.number("B") if kind in "zZ" else self.number("I"))
        if kind == "s" and self.layout != "2":
            return raw
        text = raw.decode("utf-8", "surrogatepass") if kind in "ut" and self.layout != "2" else raw.decode("latin-1")
        if kind == "u" and self.layout == "2":
            text = raw.decode("utf-8", "surrogatepass")
        if kind == "t" and self.layout == "2":
            self.interned.append(text)
        return text

    def mapping(self) -> dict[Any, Any]:
        made: dict[Any, Any] = {}
        while self.data[self.place : self.place + 1] != b"0":
            key = _plain(self.object())
            made[key] = self.object()
        self.place += 1
        return made

    def reference(self, among: list[Any]) -> Any:
        place = self.number("I")
        if place >= len(among):
            raise _Missing("it refers to an object that is not there")
        return among[place]

    def code(self) -> Code:
        layout = self.layout
        count = {"2": 4, "3.0": 5, "3.8": 6, "3.11": 5}[layout]
        counts = [self.number("i") for _ in range(count)]
        instructions, constants, names = self.object(), self.object(), self.object()
        positional = counts[1] if layout in ("3.8", "3.11") else 0
        keyword = {"2": 0, "3.0": counts[1]}.get(layout, counts[2])
        if layout == "3.11":
            slots, kinds, _file, name, _qualified = (self.object() for _ in range(5))
            cells = tuple(n for n, kind in zip(slots, kinds, strict=False) if kind & 0x40)
            captured = tuple(n for n, kind in zip(slots, kinds, strict=False) if kind & 0x80)
            local = sum(1 for kind in kinds if kind & 0x20)
        else:
            variables, captured, cells, _file, name = (self.object() for _ in range(5))
            slots, local = (*variables, *cells, *captured), len(variables)
        self.number("i")
        lines = self.object()
        if layout == "3.11":
            self.object()
        if layout == "2" and isinstance(instructions, str):
            instructions = instructions.encode("latin-1")
        texts = (*names, *slots, name)
        if not isinstance(instructions, bytes) or not isinstance(constants, tuple) or not all(isinstance(text, str) for text in texts):
            raise _Missing("its code object is damaged")
        if counts[0] < 0 or keyword < 0 or counts[0] + keyword > len(slots):
            raise _Missing("its code object is damaged")
        return Code(
            layout, name, counts[0], keyword, positional, counts[-1], instructions, constants, tuple(names), tuple(slots), local,
            tuple(cells), tuple(captured), lines.encode("latin-1") if isinstance(lines, str) else lines,
        )  # fmt: skip


def _plain(key: Any) -> Any:
    """A key whose hash takes no time."""
    if not isinstance(key, _PLAIN):
        raise _Missing("a set or mapping has a key that is no plain value")
    return key


_SINGLE: dict[str, Any] = {"N": None, "T": True, "F": False, ".": ..., "S": StopIteration}
_NUMBERS = {"i": "i", "I": "q", "g": "d"}
_TEXTS = "sutaAzZ"


def read_code(data: bytes, layer: str) -> Code:
    """The code object in marshalled bytes, whatever Python wrote it: that of the first layout by which they can be read to their end."""
    problems = []
    for layout in ("3.11", "3.8", "3.0", "2"):
        reader = _Reader(data, layout)
        try:
            found = reader.object()
            if not isinstance(found, Code):
                raise FileError(f"Lambda '{layer}': the file holds a {type(found).__name__} where the code of a function should be.")
            if reader.place != len(data):
                raise _Missing("something follows it")
        except (_Missing, TypeError, ValueError, AttributeError, struct.error) as error:
            problems.append(str(error))
            continue
        return found
    raise FileError(
        f"Lambda '{layer}': its bytecode is damaged, or of no Python from 2.7 to 3.14 ({problems[0]}). "
        f"Give the function yourself: `custom_objects={{'{layer}': function}}`."
    )
