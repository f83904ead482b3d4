"""The members of a `.keras` file by name: in a zip archive, in a folder, or in a mapping of names to bytes. Nothing is ever unpacked.

A zip is read from its bytes: a stored member is looked at in place, a compressed one is inflated up to the size it claims and
no further. Names are checked before any member is read.
"""

from __future__ import annotations

import contextlib
import os
import stat
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from typing import Any

from kcompat.errors import FileError, UnsafeFileError
from kcompat.files.source import Window, opened

#: what a compressed member may become: this many bytes in any case, or this many times what is stored
_SMALL, _EXPANSION = 16 << 20, 100
#: configs and vocabularies, which are parsed in memory
_LONGEST_TEXT = 256 << 20
_MOST_MEMBERS = 100_000


class Members:
    """Read access to named blocks of bytes."""

    def __init__(self, blocks: Mapping[str, Any], read: Any, where: str):
        self._blocks = blocks
        self._read = read
        self.where = where

    def names(self) -> list[str]:
        """The names, in the order of the file."""
        return list(self._blocks)

    def view(self, name: str) -> memoryview:
        """The bytes of a member, which must be there."""
        if name not in self._blocks:
            raise FileError(f"{self.where} has no member '{name}'; it holds {', '.join(self.names()[:8]) or 'nothing'}.")
        return self._read(name, self._blocks[name])

    def text(self, name: str) -> str:
        """A member as UTF-8 text."""
        view = self.view(name)
        if len(view) > _LONGEST_TEXT:
            raise UnsafeFileError(f"The member '{name}' of {self.where} has {len(view)} bytes, more than any text that Keras writes.")
        try:
            return str(view, "utf-8")
        except UnicodeDecodeError as error:
            raise FileError(f"The member '{name}' of {self.where} is no UTF-8 text: {error}") from error


@contextlib.contextmanager
def open_members(source: Any) -> Iterator[Members]:
    """The members of a zip archive (path, bytes or binary stream), of a folder, or of a mapping."""
    if isinstance(source, Mapping):
        wrong = [
            name for name, value in source.items() if not isinstance(name, str) or not isinstance(value, (bytes, bytearray, memoryview))
        ]
        if wrong:
            raise FileError(f"A mapping that holds a model must map names to bytes; {wrong[0]!r} is none of these.")
        yield Members(source, lambda name, value: memoryview(value), "the mapping")
    elif isinstance(source, (str, os.PathLike)) and os.path.isdir(source):
        yield _folder(os.fspath(source))
    else:
        where = f"'{os.fspath(source)}'" if isinstance(source, (str, os.PathLike)) else "the archive"
        with opened(source) as view:
            yield _archive(view, where)


# -- folders -----------------------------------------------------------------------------------------------------------


def _folder(path: str) -> Members:
    """The regular files below a folder; links are not followed."""
    found: dict[str, str] = {}
    for folder, folders, files in os.walk(path, followlinks=False):
        folders.sort()
        for file in sorted(files):
            full = os.path.join(folder, file)
            if stat.S_ISREG(os.lstat(full).st_mode):
                found[os.path.relpath(full, path).replace(os.sep, "/")] = full
    return Members(found, _read_plain, f"'{path}'")


def _read_plain(name: str, path: str) -> memoryview:
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
    with open(handle, "rb") as file:
        return memoryview(file.read())


# -- zip archives ------------------------------------------------------------------------------------------------------


def _archive(view: memoryview, where: str) -> Members:
    try:
        with zipfile.ZipFile(Window(view)) as archive:  # type: ignore[arg-type]
            listed = archive.infolist()
    except (
        zipfile.BadZipFile,
        ValueError,
        OverflowError,
        EOFError,
        OSError,
        NotImplementedError,
        UnicodeDecodeError,
        MemoryError,
    ) as error:
        raise FileError(f"{where} is no zip archive, or a damaged one: {error}") from error
    if len(listed) > _MOST_MEMBERS:
        raise UnsafeFileError(f"{where} has {len(listed)} members; no model has.")
    found: dict[str, zipfile.ZipInfo] = {}
    for info in listed:
        _check_name(info, where)
        if info.filename in found:
            raise UnsafeFileError(f"{where} has two members called '{info.filename}': which one counts would be anyone's guess.")
        if not info.is_dir():
            found[info.filename] = info
    return Members(found, lambda name, info: _content(view, info, where), where)


def _check_name(info: zipfile.ZipInfo, where: str) -> None:
    """Refuse what no `.keras` file holds: paths that lead out, links, devices, encrypted members."""
    name = info.filename
    if name.startswith(("/", "\\")) or "\\" in name or ".." in name.split("/") or ":" in name.split("/")[0] or "\0" in name:
        raise UnsafeFileError(f"{where} has a member '{name}', whose path leads out of the archive.")
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise UnsafeFileError(f"The member '{name}' of {where} is a link or a device, not a file.")
    if info.flag_bits & 1:
        raise FileError(f"The member '{name}' of {where} is encrypted.")


def _content(view: memoryview, info: zipfile.ZipInfo, where: str) -> memoryview:
    """The bytes of a member, checked against its size and checksum."""
    head = bytes(view[info.header_offset : info.header_offset + 30]) if info.header_offset >= 0 else b""
    if len(head) < 30 or head[:4] != b"PK\x03\x04":
        raise FileError(f"{where} is damaged: the member '{info.filename}' is not where the list of members says.")
    start = info.header_offset + 30 + int.from_bytes(head[26:28], "little") + int.from_bytes(head[28:30], "little")
    stored = view[start : start + info.compress_size]
    if len(stored) != info.compress_size:
        raise FileError(f"{where} is cut short in the member '{info.filename}'.")
    if info.compress_type == zipfile.ZIP_STORED:
        content = stored
    elif info.compress_type == zipfile.ZIP_DEFLATED:
        content = _inflated(stored, info, where)
    else:
        raise FileError(f"The member '{info.filename}' of {where} is compressed by a method ({info.compress_type}) that is not read.")
    if len(content) != info.file_size or zlib.crc32(content) != info.CRC:
        raise FileError(f"The member '{info.filename}' of {where} is damaged: its size or checksum is not that in the list of members.")
    return content


def _inflated(stored: memoryview, info: zipfile.ZipInfo, where: str) -> memoryview:
    if info.file_size > max(_SMALL, _EXPANSION * len(stored)):
        raise UnsafeFileError(
            f"The member '{info.filename}' of {where} claims to become {info.file_size} bytes out of {len(stored)}: it is a bomb."
        )
    machine = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        content = machine.decompress(stored, info.file_size + 1)
    except zlib.error as error:
        raise FileError(f"The member '{info.filename}' of {where} is damaged: {error}") from error
    return memoryview(content)
