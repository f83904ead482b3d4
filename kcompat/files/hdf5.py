"""Read HDF5 files as data, nothing more: only what lies in the file itself, only numbers and text, sizes checked first.

libhdf5 follows links to other files, maps raw bytes of any file as a dataset, and allocates what a file claims to hold. So names are
walked one component at a time, and only through hard links; a dataset says where its bytes are before they are read. `h5py`'s own
`name in group`, `group[name]` and `visititems` follow links and are not used on files of others.
"""

from __future__ import annotations

import contextlib
import math
import os
from collections.abc import Iterator
from typing import Any

import h5py
import numpy as np

from kcompat.errors import FileError, UnsafeFileError
from kcompat.files.heap import check_heaps
from kcompat.files.source import Window, opened

SIGNATURE = b"\x89HDF\r\n\x1a\n"

#: shuffle, fletcher32, deflate, lzf: filters that only transform bytes; anything else may load a plug-in
_FILTERS = {1: "gzip", 2: "shuffle", 3: "fletcher32", 32000: "lzf"}
#: a compressed array may be this much larger than what is stored of it
_EXPANSION = 1000
#: all arrays of a file together may become this many bytes in any case, or this many times the file
_SMALL, _TOGETHER = 64 << 20, 16


class H5Array:
    """One dataset: its name, shape and dtype are known at once, its bytes are read by `read()`."""

    def __init__(self, dataset: h5py.Dataset, name: str, tree: H5Group):
        self._dataset = dataset
        self._tree = tree
        self.name = name
        self.shape: tuple[int, ...] = tuple(dataset.shape)
        self.dtype: np.dtype = dataset.dtype
        self.is_bfloat16 = _is_bfloat16(dataset)

    @property
    def nbytes(self) -> int:
        """How many bytes the values take."""
        return math.prod(self.shape) * self.dtype.itemsize

    def read(self) -> np.ndarray:
        """The values; a damaged file is a `FileError`. Where they lie in one piece they are looked at, not copied: use them at once."""
        self._tree.spend(int(self._dataset.id.get_storage_size()), self.nbytes, self.name)
        found = self._in_place()
        if found is not None:
            return found
        with _damage(f"the array '{self.name}'"):
            return np.asarray(self._dataset[()])

    def copy(self) -> np.ndarray:
        """The values as an array that may be kept and written to."""
        found = self.read()
        return found if found.flags.writeable else found.copy()

    @property
    def is_in_place(self) -> bool:
        """Whether the values lie in one piece in memory or in a mapped file, so that reading them cannot fail."""
        return self._in_place() is not None

    def _in_place(self) -> np.ndarray | None:
        """The values where they lie, None where only libhdf5 can put them together."""
        view = self._tree.view
        if view is None or not self.nbytes:
            return None
        start = self._dataset.id.get_offset()
        plist = self._dataset.id.get_create_plist()
        if start is None or plist.get_layout() != h5py.h5d.CONTIGUOUS or plist.get_nfilters():
            return None
        if start < 0 or start + self.nbytes > len(view):
            raise FileError(f"The array '{self.name}' lies beyond the end of the file: it is cut short.")
        kind = np.dtype(np.uint16) if self.is_bfloat16 else self.dtype
        return np.frombuffer(view, kind, math.prod(self.shape), start).reshape(self.shape)


class H5Group:
    """A group of a file, or the whole file: children by path, attributes as text."""

    def __init__(self, group: h5py.Group, name: str, size: int, left: list[int] | None = None, view: memoryview | None = None):
        self._group = group
        self._left = [size, max(_SMALL, _TOGETHER * size)] if left is None else left
        self.view = view
        self.name = name
        self.file_size = size

    def spend(self, stored: int, nbytes: int, name: str) -> None:
        """Count bytes that are about to be read, as stored and as they become; a file cannot yield more than it stores."""
        self._left[0] -= stored
        self._left[1] -= nbytes
        if self._left[0] < 0:
            raise UnsafeFileError(f"The arrays up to '{name}' are together larger than the file: it uses bytes more than once.")
        if self._left[1] < 0:
            raise UnsafeFileError(
                f"The arrays up to '{name}' become more than {_TOGETHER} times the file of {self.file_size} bytes: it is a bomb."
            )

    def child(self, path: str) -> H5Group | H5Array | None:
        """The group or array at `path` below this group, None where nothing is; every link on the way must be a hard one."""
        here = self._group
        parts = [part for part in path.split("/") if part]
        if not parts:
            return None
        for depth, part in enumerate(parts):
            where = "/".join([self.name.rstrip("/"), *parts[: depth + 1]])
            if part == "." or not isinstance(here, h5py.Group):
                return None
            with _damage(f"'{where}'"):
                found = _open_link(here, part, where)
            if found is None:
                return None
            here = found
        name = "/".join([self.name.rstrip("/"), *parts])
        if isinstance(here, h5py.Dataset):
            _check_dataset(here, name, self.file_size)
            return H5Array(here, name, self)
        if isinstance(here, h5py.Group):
            return H5Group(here, name, self.file_size, self._left, self.view)
        raise FileError(f"'{name}' is neither a group nor an array.")

    def group(self, path: str) -> H5Group | None:
        """The group at `path`, None where there is none."""
        found = self.child(path)
        return found if isinstance(found, H5Group) else None

    def array(self, path: str) -> H5Array:
        """The array at `path`; an error names it where it is missing."""
        found = self.child(path)
        if not isinstance(found, H5Array):
            raise FileError(f"The file names the array '{path}' in '{self.name}', but there is no array of this name: it is damaged.")
        return found

    def keys(self) -> list[str]:
        """The names of what lies directly in this group."""
        with _damage(f"'{self.name}'"):
            return [name.decode("utf-8", "surrogateescape") if isinstance(name, bytes) else str(name) for name in self._group.id]

    def text(self, name: str) -> str | None:
        """A text attribute, None where there is none."""
        value = self._attribute(name)
        if value is None:
            return None
        if isinstance(value, np.ndarray):
            if value.shape != () and value.size != 1:
                raise FileError(f"The attribute `{name}` of '{self.name}' must be one text, it is an array of shape {value.shape}.")
            value = value.reshape(-1)[0]
        return _decoded(value, name, self.name)

    def texts(self, name: str) -> list[str] | None:
        """A list of texts, also one that was split into `name0`, `name1`, ... because it was too long for one attribute."""
        whole = self._attribute(name)
        if whole is not None:
            return _decoded_list(whole, name, self.name)
        joined: list[str] = []
        for index in range(1_000_000):
            part = self._attribute(f"{name}{index}")
            if part is None:
                return joined if index else None
            joined += _decoded_list(part, f"{name}{index}", self.name)
        raise FileError(f"The attribute `{name}` of '{self.name}' is split into more than a million parts.")

    def _attribute(self, name: str) -> Any:
        with _damage(f"the attribute `{name}` of '{self.name}'"):
            if not h5py.h5a.exists(self._group.id, name.encode()):
                return None
            identifier = h5py.h5a.open(self._group.id, name.encode())
            kind, shape = identifier.dtype, identifier.shape or ()
            if kind.itemsize * math.prod(shape) > self.file_size:
                raise UnsafeFileError(f"The attribute `{name}` of '{self.name}' claims to be larger than the file.")
            if h5py.check_string_dtype(kind) is None and (kind.kind not in "fiub" or kind.subdtype is not None):
                raise FileError(f"The attribute `{name}` of '{self.name}' must hold text, it is of the type {kind}.")
            return self._group.attrs[name]


@contextlib.contextmanager
def open_file(source: Any) -> Iterator[H5Group]:
    """Open an HDF5 file for reading and check what can be checked without libhdf5; an open `h5py` file or group is taken as it is.

    `source` is a path, a binary stream, bytes, or an open `h5py` group.
    """
    if isinstance(source, h5py.Group):
        yield H5Group(source, source.name or "/", _size_of_open(source))
        return
    name = f"'{os.fspath(source)}'" if isinstance(source, (str, os.PathLike)) else "the file"
    with opened(source) as view, contextlib.ExitStack() as stack:
        check_signature(view, name)
        check_heaps(view, name)
        with _damage(name):
            file = stack.enter_context(h5py.File(source if isinstance(source, (str, os.PathLike)) else Window(view), "r"))
            root = file["/"]
        yield H5Group(root, "/", len(view), view=view)


def is_hdf5(path: str | os.PathLike[str]) -> bool:
    """Whether a file begins with the signature of HDF5."""
    try:
        with open(path, "rb") as file:
            return file.read(8) == SIGNATURE
    except OSError:
        return False


def check_signature(view: memoryview, name: str) -> None:
    """Raise an error that says what else it is for bytes that are no HDF5 file."""
    head = bytes(view[:8])
    if head == SIGNATURE:
        return
    kinds = {b"PK": "a zip archive, such as a `.keras` file", b"version ": "a Git LFS pointer: fetch the file itself with `git lfs pull`"}
    guess = next((kind for start, kind in kinds.items() if head.startswith(start)), "empty" if not head else "of an unknown kind")
    raise FileError(f"{name} is no HDF5 file: it does not begin with the HDF5 signature, it is {guess}.")


@contextlib.contextmanager
def _damage(what: str) -> Iterator[None]:
    """Turn what h5py raises on broken bytes into a `FileError` that says what was being read."""
    try:
        yield
    except FileError:
        raise
    except (OSError, RuntimeError, KeyError, ValueError, TypeError, MemoryError, OverflowError, EOFError) as error:
        raise FileError(f"Reading {what} failed, the file is damaged or cut short: {error}") from error


def _size_of_open(group: h5py.Group) -> int:
    return int(group.file.id.get_filesize())


def _open_link(group: h5py.Group, part: str, where: str) -> Any:
    """The object behind one hard link of a group; None where the group has no such link."""
    name = part.encode("utf-8", "surrogateescape")
    if not group.id.links.exists(name):
        return None
    if group.id.links.get_info(name).type != h5py.h5l.TYPE_HARD:
        raise UnsafeFileError(f"'{where}' is a link to somewhere else, not data of this file. Weights files of Keras hold no links.")
    return group[part]


def _check_dataset(dataset: h5py.Dataset, name: str, file_size: int) -> None:
    """Refuse a dataset whose bytes are elsewhere, are no plain numbers, or are fewer than its shape says."""
    plist = dataset.id.get_create_plist()
    if plist.get_external_count() or dataset.is_virtual or plist.get_layout() == h5py.h5d.VIRTUAL:
        raise UnsafeFileError(f"The array '{name}' takes its bytes from another file; only bytes of the file itself are read.")
    dtype = dataset.dtype
    if not _is_bfloat16(dataset) and (dtype.kind not in "fiub" or dtype.subdtype is not None or dtype.fields is not None):
        raise UnsafeFileError(f"The array '{name}' has the type {dtype}; weights are plain numbers.")
    if dataset.shape is None:
        raise FileError(f"The array '{name}' is empty: it has no shape.")
    filters = [plist.get_filter(i)[0] for i in range(plist.get_nfilters())]
    unknown = [number for number in filters if number not in _FILTERS]
    if unknown:
        raise UnsafeFileError(f"The array '{name}' needs the HDF5 filters {unknown}; only {sorted(_FILTERS.values())} are read.")
    claimed = dtype.itemsize * math.prod(int(n) for n in dataset.shape)
    stored = int(dataset.id.get_storage_size())
    if stored > file_size or claimed > max(stored, 1) * (_EXPANSION if filters else 1) * (claimed > 0):
        raise UnsafeFileError(
            f"The array '{name}' claims the shape {dataset.shape}, {claimed} bytes, but the file of {file_size} bytes stores {stored}."
        )


def _is_bfloat16(dataset: h5py.Dataset) -> bool:
    """Keras 3 writes bfloat16 as two opaque bytes with an attribute that says so."""
    if dataset.dtype.kind != "V" or dataset.dtype.itemsize != 2 or dataset.dtype.fields is not None or dataset.dtype.subdtype is not None:
        return False
    return h5py.h5a.exists(dataset.id, b"dtype") and dataset.attrs["dtype"] in ("bfloat16", b"bfloat16")


def _decoded(value: Any, name: str, where: str) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bytes):  # also numpy.bytes_
        try:
            return value.decode("utf-8")
        except UnicodeDecodeError as error:
            raise FileError(f"The attribute `{name}` of '{where}' is no UTF-8 text: {error}") from error
    raise FileError(f"The attribute `{name}` of '{where}' must be text, it is {value!r}.")


def _decoded_list(values: Any, name: str, where: str) -> list[str]:
    array = np.asarray(values)
    if array.size == 0:  # an empty list is stored as an array of floats
        return []
    return [_decoded(value, name, where) for value in array.reshape(-1).tolist()]
