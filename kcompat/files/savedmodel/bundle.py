"""TensorFlow's tensor bundle: an index of names, and the bytes of the tensors in one or several data files.

`<prefix>.index` is a table (`table`) from names to a message {dtype, shape, shard, offset, size, checksum, slices}; the files are
`<prefix>.data-00000-of-00001`, .... A tensor's size must agree with its shape and lie in its file before anything is made of it.
"""

from __future__ import annotations

import contextlib
import math
import mmap
import os
import stat
from dataclasses import dataclass, field

import numpy as np

from kcompat.errors import FileError, UnsafeFileError
from kcompat.files.savedmodel.checksum import masked_crc32c
from kcompat.files.savedmodel.table import entries
from kcompat.files.savedmodel.wire import fields, message, number, varint

#: TensorFlow's numbers of the types that weights have -> numpy's; bfloat16 is widened after reading
_DTYPES = {
    1: "<f4", 2: "<f8", 3: "<i4", 4: "|u1", 5: "<i2", 6: "|i1", 9: "<i8", 10: "|b1", 14: "<u2", 17: "<u2", 19: "<f2", 22: "<u4", 23: "<u8",
}  # fmt: skip
_STRING, _BFLOAT16 = 7, 14
#: fields of an entry that are numbers
_NUMBERS = {1: "dtype", 3: "shard", 4: "offset", 5: "size", 6: "checksum"}
_MAX_RANK = 32
_MAX_INDEX = 512 << 20


@dataclass
class Entry:
    """Where a tensor lies."""

    dtype: int = 0
    shape: tuple[int, ...] = ()
    shard: int = 0
    offset: int = 0
    size: int = 0
    checksum: int = 0
    slices: list[list[tuple[int, int]]] = field(default_factory=list)


class Bundle:
    """An open bundle: `entries` by name, tensors by `array(name)`; closed by `close()` or a `with` block."""

    def __init__(self, prefix: str | os.PathLike[str]):
        self.prefix = os.fspath(prefix)
        self.name = f"'{self.prefix}.index'"
        self._files = contextlib.ExitStack()
        self._shards: dict[int, memoryview] = {}
        self._left = 0
        self._seen: set[str] = set()
        self.entries: dict[str, Entry] = {}
        try:
            data = memoryview(read_file(f"{self.prefix}.index", _MAX_INDEX))
            self.shard_count = 0
            for key, value in entries(data, self.name):
                if key == b"":
                    self.shard_count = self._header(value)
                else:
                    self.entries[_key(key)] = self._entry(value, self.name)
            if not self.shard_count:
                raise FileError(f"{self.name} is damaged: it does not say how many data files there are.")
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Bundle:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the data files."""
        self._shards.clear()
        with contextlib.suppress(BufferError):  # an array that somebody kept holds its file open
            self._files.close()

    def _header(self, data: memoryview) -> int:
        found = dict(fields(data, self.name))
        if found.get(2, 0) != 0:
            raise FileError(f"{self.name}: the tensors were written on a big-endian machine, which is not supported.")
        shards = number(found.get(1, 1), self.name)
        if not 0 < shards < 100_000:
            raise FileError(f"{self.name} is damaged: it claims to have {shards} data files.")
        return shards

    def _entry(self, data: memoryview, what: str) -> Entry:
        entry = Entry()
        for n, value in fields(data, what):
            if n == 2:
                entry.shape = _shape(message(value, what), what)
            elif n == 7:
                entry.slices.append(_slice(message(value, what), what))
            elif n in _NUMBERS:
                setattr(entry, _NUMBERS[n], number(value, what))
        return entry

    @property
    def nbytes(self) -> int:
        """How many bytes the data files have."""
        return sum(regular_size(self._path(shard)) for shard in range(self.shard_count))

    # -- bytes -------------------------------------------------------------------------------------------------------------

    def _path(self, shard: int) -> str:
        return f"{self.prefix}.data-{shard:05d}-of-{self.shard_count:05d}"

    def _data(self, shard: int) -> memoryview:
        """The bytes of a data file, mapped."""
        if not 0 <= shard < self.shard_count:
            raise FileError(f"{self.name} is damaged: it names data file {shard} of {self.shard_count}.")
        if shard not in self._shards:
            path = self._path(shard)
            size = regular_size(path)
            self._left += size
            mapped: memoryview = memoryview(b"")
            if size:
                file = self._files.enter_context(open(path, "rb"))  # noqa: SIM115 - the stack closes it
                mapped = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
            self._shards[shard] = mapped
        return self._shards[shard]

    def _bytes(self, name: str, entry: Entry) -> memoryview:
        data = self._data(entry.shard)
        if entry.offset + entry.size > len(data):
            raise FileError(
                f"The tensor '{name}' claims bytes {entry.offset} to {entry.offset + entry.size} of a data file of {len(data)} bytes: "
                f"'{self.prefix}' is damaged or cut short."
            )
        if name not in self._seen:  # two layers may share a variable
            self._seen.add(name)
            self._left -= entry.size
        if self._left < 0:
            raise UnsafeFileError(
                f"The tensors up to '{name}' are together larger than the files of '{self.prefix}': bytes are used twice."
            )
        return data[entry.offset : entry.offset + entry.size]

    # -- tensors -----------------------------------------------------------------------------------------------------------

    def entry(self, name: str) -> Entry:
        """Where the tensor `name` lies; FileError where there is none."""
        if name not in self.entries:
            raise FileError(f"{self.name} has no tensor '{name}', which its graph of objects names: it is damaged.")
        return self.entries[name]

    def array(self, name: str) -> np.ndarray:
        """A tensor of numbers, its checksum compared. The array may lie in the file itself: copy what is to stay."""
        entry = self.entry(name)
        if entry.slices:
            return self._partitioned(name, entry)
        kind = _DTYPES.get(entry.dtype)
        if kind is None:
            raise FileError(f"The tensor '{name}' has TensorFlow's type {entry.dtype}; weights are plain numbers.")
        dtype = np.dtype(kind)
        if entry.size != dtype.itemsize * math.prod(entry.shape):
            raise UnsafeFileError(f"The tensor '{name}' claims the shape {entry.shape}, but has {entry.size} bytes.")
        data = self._bytes(name, entry)
        if masked_crc32c(data) != entry.checksum:
            raise FileError(f"The tensor '{name}' is damaged: its checksum is wrong.")
        array = np.frombuffer(data, dtype).reshape(entry.shape)
        return (array.astype(np.uint32) << 16).view(np.float32) if entry.dtype == _BFLOAT16 else array

    def _partitioned(self, name: str, entry: Entry) -> np.ndarray:
        """A variable stored in pieces, each under a name made of the variable's and the piece's place."""
        kind = _DTYPES.get(entry.dtype)
        if kind is None or any(len(s) != len(entry.shape) for s in entry.slices):
            raise FileError(f"The tensor '{name}' is stored in pieces that do not fit it.")
        pieces = []
        for spans in entry.slices:
            where = [
                slice(start, start + length if length >= 0 else size) for (start, length), size in zip(spans, entry.shape, strict=True)
            ]
            found = _key(piece_key(name, spans))
            if found not in self.entries or self.entries[found].slices:
                raise FileError(f"The tensor '{name}' lacks its piece at {spans}: '{self.prefix}' is damaged.")
            pieces.append((tuple(where), self.array(found)))
        if sum(piece.size for _, piece in pieces) != math.prod(entry.shape):
            raise UnsafeFileError(f"The pieces of the tensor '{name}' do not make up its shape {entry.shape}.")
        whole = np.empty(entry.shape, pieces[0][1].dtype)
        for at, piece in pieces:
            if whole[at].shape != piece.shape:
                raise FileError(f"A piece of the tensor '{name}' has the shape {piece.shape} where {whole[at].shape} is due.")
            whole[at] = piece
        return whole

    def text(self, name: str) -> bytes:
        """A tensor of one string."""
        entry = self.entry(name)
        if entry.dtype != _STRING or entry.shape != ():
            raise FileError(f"The tensor '{name}' should be one text; it has type {entry.dtype} and shape {entry.shape}.")
        data = self._bytes(name, entry)
        size, at = varint(data, 0, f"The text '{name}'")
        body = data[at + 4 :]
        if size != len(body):
            raise FileError(f"The text '{name}' is damaged: it should have {size} bytes and has {len(body)}.")
        lengths = size.to_bytes(8 if size > 0xFFFFFFFF else 4, "little")
        if masked_crc32c(lengths + bytes(data[at : at + 4]) + bytes(body)) != entry.checksum:
            raise FileError(f"The text '{name}' is damaged: its checksum is wrong.")
        return bytes(body)


def _key(key: bytes) -> str:
    """A key as text; the binary keys of pieces survive the way there and back."""
    return key.decode("utf-8", "surrogateescape")


def _shape(data: memoryview, what: str) -> tuple[int, ...]:
    sizes = []
    for n, value in fields(data, what):
        if n == 2:
            size = next((number(v, what) for k, v in fields(message(value, what), what) if k == 1), 0)
            if size >= 1 << 40:
                raise UnsafeFileError(f"{what} claims a tensor with an axis of {size} cells.")
            sizes.append(size)
    if len(sizes) > _MAX_RANK:
        raise UnsafeFileError(f"{what} claims a tensor of {len(sizes)} axes.")
    return tuple(sizes)


def _slice(data: memoryview, what: str) -> list[tuple[int, int]]:
    """(start, length) for each axis; -1 is the whole axis."""
    spans = []
    for n, value in fields(data, what):
        if n == 1:
            found = {k: number(v, what) for k, v in fields(message(value, what), what)}
            spans.append((found.get(1, 0), found.get(2, -1)))
    return spans


def piece_key(name: str, spans: list[tuple[int, int]]) -> bytes:
    """The key of a piece, in TensorFlow's ordered code: 0, the name, the number of axes, start and length of each."""
    return (
        b"\x00"
        + name.encode("utf-8", "surrogateescape")
        + b"\x00\x01"
        + _ordered(len(spans))
        + b"".join(_signed(a) + _signed(b) for a, b in spans)
    )


def _ordered(value: int) -> bytes:
    body = value.to_bytes((value.bit_length() + 7) // 8, "big")
    return bytes([len(body)]) + body


def _signed(value: int) -> bytes:
    """A signed number whose bytes sort as the numbers do: the first bits count the bytes."""
    if -64 <= value < 64:
        return bytes([0x80 ^ (value & 0xFF)])
    magnitude = ~value if value < 0 else value
    length = magnitude.bit_length() // 7 + 1
    header = ((1 << length) - 1) << (8 * length - length)
    coded = (value & ((1 << 8 * length) - 1)) ^ header
    return coded.to_bytes(length, "big")


def regular_size(path: str) -> int:
    """The size of a file that must be there and be a plain file."""
    try:
        info = os.stat(path)
    except (OSError, ValueError) as error:
        raise FileError(f"'{path}' cannot be read: {error}") from error
    if not stat.S_ISREG(info.st_mode):
        raise UnsafeFileError(f"'{path}' is no plain file.")
    return info.st_size


def read_file(path: str, limit: int) -> bytes:
    """A whole file that may have up to `limit` bytes."""
    size = regular_size(path)
    if size > limit:
        raise UnsafeFileError(f"'{path}' has {size} bytes; no file of its kind has more than {limit}.")
    with open(path, "rb") as file:
        return file.read(limit + 1)
