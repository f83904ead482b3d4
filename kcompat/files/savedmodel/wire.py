"""The wire format of protocol buffers, as far as reading needs it: fields of a message, one after the other, nothing built.

Source: https://protobuf.dev/programming-guides/encoding/
"""

from __future__ import annotations

from collections.abc import Iterator

from kcompat.errors import FileError

Value = int | memoryview

#: so many fields may one message have; a graph of a million objects has fewer
MAX_FIELDS = 8_000_000
_FIXED = {1: 8, 5: 4}


def varint(data: memoryview, at: int, what: str) -> tuple[int, int]:
    """A number of variable length that begins at `at`, and where it ends."""
    value = shift = 0
    while at < len(data) and shift < 70:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value & 0xFFFFFFFFFFFFFFFF, at
        shift += 7
    raise FileError(f"{what} is damaged or cut short: a number at byte {at} does not end.")


def fields(data: memoryview, what: str) -> Iterator[tuple[int, Value]]:
    """(number, value) of each field: an int, or the bytes of a text or an inner message."""
    at = count = 0
    while at < len(data):
        count += 1
        if count > MAX_FIELDS:
            raise FileError(f"{what} has more than {MAX_FIELDS} fields.")
        key, at = varint(data, at, what)
        number, kind = key >> 3, key & 7
        if number == 0:
            raise FileError(f"{what} is damaged: there is no field 0, as byte {at} has it.")
        if kind == 0:
            value, at = varint(data, at, what)
            yield number, value
            continue
        size = _FIXED.get(kind)
        if kind == 2:
            size, at = varint(data, at, what)
        if size is None or at + size > len(data):
            raise FileError(f"{what} is damaged or cut short: field {number} at byte {at} is of kind {kind} and size {size}.")
        part = data[at : at + size]
        at += size
        yield number, part if kind == 2 else int.from_bytes(part, "little")


def message(value: Value, what: str) -> memoryview:
    """The bytes of a field that must be a text or a message."""
    if isinstance(value, int):
        raise FileError(f"{what} is damaged: it holds the number {value} where text should be.")
    return value


def number(value: Value, what: str) -> int:
    """A field that must be a number."""
    if isinstance(value, int):
        return value
    raise FileError(f"{what} is damaged: it holds text where a number should be.")


def text(value: Value, what: str) -> str:
    """A field that must be UTF-8 text."""
    try:
        return bytes(message(value, what)).decode("utf-8")
    except UnicodeDecodeError as error:
        raise FileError(f"{what} is damaged: its text is no UTF-8: {error}") from error
