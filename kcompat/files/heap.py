"""Look over the text heaps of an HDF5 file before libhdf5 does: on a damaged one libhdf5 2.0 (h5py 3.16) loops for ever.

Texts of variable length lie in global heap collections, `GCOL`: a header of 16 bytes (signature, version 1, 3 reserved, size), then
objects of a 16-byte header (index, references, 4 reserved, size) and their bytes padded to 8. Index 0 is the free rest, whose size
counts its header: with the size 0 libhdf5 never gets past it. Source: HDF5 File Format Specification, III.E, and files damaged on purpose.
"""

from __future__ import annotations

import re
import struct

from kcompat.errors import FileError

_HEADER = 16
_SMALLEST = 4096


def check_heaps(data: memoryview, name: str) -> None:
    """Raise `FileError` for the bytes of a file with a heap that libhdf5 would not get through; `name` says which in errors."""
    if len(data) < 64:
        raise FileError(f"{name} is cut short: it is too small to be an HDF5 file.")
    _check_word_sizes(data, name)
    for found in re.finditer(b"GCOL", data):
        if not _passable(data, found.start()):
            raise FileError(f"{name} is damaged: its text heap at byte {found.start()} cannot be read.")


def _check_word_sizes(data: memoryview, name: str) -> None:
    """The layout above holds for 8-byte addresses and lengths, which all Keras files have."""
    version = data[8]
    sizes = (data[13], data[14]) if version <= 1 else (data[9], data[10])
    if version > 3 or sizes != (8, 8):
        raise FileError(f"{name} is an HDF5 file of a kind no Keras writes (superblock {version}, word sizes {sizes}).")


def _passable(data: memoryview, start: int) -> bool:
    """Whether a walk over the heap at `start` ends; bytes that only look like the signature pass."""
    if start + _HEADER > len(data) or data[start + 4] != 1:
        return True
    (size,) = struct.unpack_from("<Q", data, start + 8)
    if size < _SMALLEST or start + size > len(data):
        return True  # libhdf5 refuses these itself
    here, end = start + _HEADER, start + size
    while end - here >= _HEADER:
        index, _, length = struct.unpack_from("<HH4xQ", data, here)
        step = length if index == 0 else _HEADER + (length + 7) // 8 * 8
        if step < _HEADER or here + step > end:
            return False
        here += step
    return True
