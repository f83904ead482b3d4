"""Decode a block of Snappy. Source: https://github.com/google/snappy/blob/main/format_description.txt"""

from __future__ import annotations

from kcompat.errors import FileError
from kcompat.files.savedmodel.wire import varint

#: three bytes make at most 64
_EXPANSION = 22


def decode(data: memoryview, what: str) -> bytes:
    """The bytes that a compressed block stands for; FileError where it is damaged."""
    size, at = varint(data, 0, what)
    if size > _EXPANSION * len(data) + 64:
        raise FileError(f"{what} is damaged: {len(data)} compressed bytes claim to hold {size}.")
    out = bytearray()
    while at < len(data):
        tag = data[at]
        at += 1
        kind, extra = tag & 3, 0
        if kind == 0:
            length, extra = (tag >> 2) + 1, max((tag >> 2) - 59, 0)
            if extra:
                length = int.from_bytes(data[at : at + extra], "little") + 1
            at += extra
            piece = data[at : at + length]
            if len(piece) != length:
                raise FileError(f"{what} is damaged or cut short inside its compressed bytes.")
            out += piece
            at += length
        else:
            length, width = ((tag >> 2 & 7) + 4, 1) if kind == 1 else ((tag >> 2) + 1, 2 if kind == 2 else 4)
            back = int.from_bytes(data[at : at + width], "little") + ((tag >> 5) << 8 if kind == 1 else 0)
            at += width
            if not 0 < back <= len(out):
                raise FileError(f"{what} is damaged: its compressed bytes refer to what is not there.")
            for _ in range(length):
                out.append(out[-back])
        if len(out) > size:
            break
    if len(out) != size:
        raise FileError(f"{what} is damaged: its compressed bytes hold {len(out)} bytes and should hold {size}.")
    return bytes(out)
