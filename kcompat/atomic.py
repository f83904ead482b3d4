"""Write a file so that nobody ever sees half of it: a temporary file in the same folder, then one rename."""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
import sys
from collections.abc import Iterator

from kcompat.errors import FileError


@contextlib.contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[str]:
    """The name of a temporary file to write; it takes the place of `path` when the block ends, and goes when the block fails."""
    target = os.path.realpath(path)
    folder, name = os.path.split(target)
    if not os.path.isdir(folder):
        raise FileError(f"'{os.fspath(path)}' cannot be written: there is no folder '{folder}'.")
    if os.path.isdir(target):
        raise FileError(f"'{os.fspath(path)}' cannot be written: it is a folder.")
    temporary = os.path.join(folder, f".{name}.{secrets.token_hex(6)}.tmp")
    try:
        os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
        mode = stat.S_IMODE(os.stat(target if os.path.exists(target) else temporary).st_mode)
        os.chmod(temporary, mode)
        with disk_errors(path):
            yield temporary
        os.chmod(temporary, mode)  # some writers put a file of their own in its place
        _flush(temporary)
        os.replace(temporary, target)
        _flush(folder)
    except OSError as error:
        if isinstance(error, FileError):
            raise
        raise FileError(f"'{os.fspath(path)}' cannot be written: {error}") from error
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)


@contextlib.contextmanager
def disk_errors(path: object) -> Iterator[None]:
    """What libhdf5 says of a disk on which it cannot write, as a `FileError`; h5py raises a plain `RuntimeError` when it closes a file."""
    try:
        yield
    except RuntimeError as error:
        if "errno" not in str(error):
            raise
        raise FileError(f"'{path}' cannot be written: {error}") from error


def may_write(path: str | os.PathLike[str], overwrite: bool) -> bool:
    """Whether `path` may be written: asks on a terminal where a file exists and `overwrite` is False, as Keras does."""
    if overwrite or not os.path.exists(path):
        return True
    if not sys.stdin or not sys.stdin.isatty():
        raise FileError(f"'{os.fspath(path)}' exists; pass `overwrite=True` to replace it.")
    answer = ""
    while answer.strip().lower() not in ("y", "n"):
        answer = input(f"[WARNING] {os.fspath(path)} already exists - overwrite? [y/n] ")
    return answer.strip().lower() == "y"


def _flush(path: str) -> None:
    """Wait until the bytes of a file, or the names in a folder, are on the disk."""
    with contextlib.suppress(PermissionError):  # folders cannot be opened on some systems
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
