"""The sorted table of keys and values in a checkpoint's `.index` file: LevelDB's format.

Source: https://github.com/google/leveldb/blob/main/doc/table_format.md. Blocks must lie one behind the other and keys must rise, as all
writers have it, so that reading takes time and memory in proportion to the file.
"""

from __future__ import annotations

from collections.abc import Iterator

from kcompat.errors import FileError
from kcompat.files.savedmodel import snappy
from kcompat.files.savedmodel.checksum import masked_crc32c
from kcompat.files.savedmodel.wire import varint

_MAGIC = 0xDB4775248B80FB57
_FOOTER = 48
_TRAILER = 5
#: keys share their beginnings; written out they may have so many bytes
_KEY_BYTES = 256 << 20


def entries(data: memoryview, what: str) -> Iterator[tuple[bytes, memoryview]]:
    """All keys and values in order."""
    if len(data) < _FOOTER or int.from_bytes(data[-8:], "little") != _MAGIC:
        raise FileError(f"{what} is no index of a TensorFlow checkpoint, or it is cut short: its last bytes are not the format's mark.")
    footer = data[-_FOOTER:]
    _, at = _handle(footer, 0, what)
    place, _ = _handle(footer, at, what)
    left = [min(_KEY_BYTES, 64 * len(data) + (1 << 20))]
    end, last = 0, None
    for _, value in _rows(_block(data, place, what), left, what):
        where, _ = _handle(value, 0, what)
        if where[0] < end:
            raise FileError(f"{what} is damaged: its blocks overlap.")
        end = sum(where) + _TRAILER
        for key, inner in _rows(_block(data, where, what), left, what):
            if last is not None and key <= last:
                raise FileError(f"{what} is damaged: its keys are not in order.")
            last = key
            yield key, inner


def _handle(data: memoryview, at: int, what: str) -> tuple[tuple[int, int], int]:
    """(offset, size) of a block, and where the handle ends."""
    offset, at = varint(data, at, what)
    size, at = varint(data, at, what)
    return (offset, size), at


def _block(data: memoryview, handle: tuple[int, int], what: str) -> memoryview:
    """The bytes of a block, its checksum compared."""
    offset, size = handle
    end = offset + size
    if end + _TRAILER > len(data):
        raise FileError(f"{what} is damaged or cut short: a block of {size} bytes at {offset} lies outside of its {len(data)} bytes.")
    if int.from_bytes(data[end + 1 : end + _TRAILER], "little") != masked_crc32c(data[offset : end + 1]):
        raise FileError(f"{what} is damaged: the checksum of its block at byte {offset} is wrong.")
    if data[end] == 0:
        return data[offset:end]
    if data[end] == 1:
        return memoryview(snappy.decode(data[offset:end], what))
    raise FileError(f"{what} is damaged: a block is compressed in the unknown way {data[end]}.")


def _rows(block: memoryview, left: list[int], what: str) -> Iterator[tuple[bytes, memoryview]]:
    """Keys and values of one block; `left` counts down how many bytes keys may still have."""
    count = int.from_bytes(block[-4:], "little") if len(block) >= 4 else -1
    end = len(block) - 4 * (count + 1)
    if count < 0 or end < 0:
        raise FileError(f"{what} is damaged: a block of {len(block)} bytes says it has {count} points to begin at.")
    at, key = 0, b""
    while at < end:
        shared, at = varint(block, at, what)
        fresh, at = varint(block, at, what)
        size, at = varint(block, at, what)
        if shared > len(key) or at + fresh + size > end:
            raise FileError(f"{what} is damaged: a key or a value lies outside of its block.")
        key = key[:shared] + bytes(block[at : at + fresh])
        left[0] -= len(key)
        if left[0] < 0:
            raise FileError(f"{what} has keys of an unreasonable length.")
        at += fresh
        yield key, block[at : at + size]
        at += size
