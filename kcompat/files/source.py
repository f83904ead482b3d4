"""The bytes of a file, wherever they are: on disk (mapped, not copied), in memory, in a stream."""

from __future__ import annotations

import contextlib
import io
import mmap
import os
from collections.abc import Iterator
from typing import Any

from kcompat.errors import ArgumentTypeError, FileError

#: a stream is read to its end, in pieces of this size
_PIECE = 1 << 20


@contextlib.contextmanager
def opened(source: Any) -> Iterator[memoryview]:
    """The bytes of a path, of a bytes object, or of a binary stream from its beginning."""
    if isinstance(source, (bytes, bytearray, memoryview)):
        yield memoryview(source)
    elif isinstance(source, io.BytesIO):
        yield memoryview(source.getvalue())  # shares the stream's bytes, and leaves it free to be written to
    elif hasattr(source, "read") and hasattr(source, "seek"):
        source.seek(0)
        content = source.read()
        if not isinstance(content, bytes):
            raise ArgumentTypeError(f"A file to load from must be opened in binary mode, {source!r} gives {type(content).__name__}.")
        yield memoryview(content)
    else:
        with _mapped(path_of(source)) as view:
            yield view


def path_of(source: Any) -> str:
    """The name of a file as text."""
    if not isinstance(source, (str, os.PathLike)):
        raise ArgumentTypeError(
            f"A model file is given as a path, an open `h5py` file or group, a binary stream or a mapping, received {source!r}."
        )
    path = os.fspath(source)
    if not isinstance(path, str):
        path = os.fsdecode(path)
    return path


@contextlib.contextmanager
def _mapped(path: str) -> Iterator[memoryview]:
    if not os.path.exists(path):
        raise FileError(f"There is no file '{path}'.")
    if os.path.isdir(path):
        raise FileError(f"'{path}' is a folder, a file was expected.")
    if not os.path.isfile(path):
        raise FileError(f"'{path}' is no regular file.")
    with open(path, "rb") as file:
        if os.fstat(file.fileno()).st_size == 0:
            yield memoryview(b"")
            return
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)  # writable in memory, the file stays as it is
    view = memoryview(mapped)
    try:
        yield view
    finally:
        with contextlib.suppress(BufferError):  # an array that is still looked at keeps the map alive, and closes it when it goes
            view.release()
            mapped.close()


class Window(io.RawIOBase):
    """A memory view as a file that is only read."""

    def __init__(self, view: memoryview):
        super().__init__()
        self._view = view
        self._at = 0

    def readable(self) -> bool:
        """True."""
        return True

    def seekable(self) -> bool:
        """True."""
        return True

    def tell(self) -> int:
        """The position."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move to a position."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: len(self._view)}[whence]
        self._at = max(base + offset, 0)
        return self._at

    def readinto(self, buffer: Any) -> int:
        """Fill the buffer from the position on; how many bytes there were."""
        target = memoryview(buffer).cast("B")
        found = self._view[self._at : self._at + len(target)]
        target[: len(found)] = found
        self._at += len(found)
        return len(found)
