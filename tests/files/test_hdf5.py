"""A file can show only what it holds itself: links, foreign bytes, lying sizes and damage are errors, and quick ones."""

from __future__ import annotations

import os
import struct
from pathlib import Path

import h5py
import numpy as np
import pytest

from kcompat.errors import FileError, UnsafeFileError
from kcompat.files import json_text
from kcompat.files.hdf5 import is_hdf5, open_file


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "file.h5"


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """A file that is none of the model file's business."""
    other = tmp_path / "secret.h5"
    with h5py.File(other, "w") as file:
        file["w"] = np.full(3, 42.0, "float32")
    return other


def read(path: Path, name: str = "w") -> np.ndarray:
    with open_file(path) as root:
        return root.array(name).read()


def test_plain_arrays_are_read(path: Path):
    with h5py.File(path, "w") as file:
        file["a/b:0/w"] = np.arange(6, dtype="float32").reshape(2, 3)
        file["scalar"] = np.int64(3)
        file["none"] = np.zeros((0, 4))
        file.create_dataset("packed", data=np.ones((50, 50)), compression="gzip", shuffle=True, fletcher32=True, chunks=(10, 10))
    np.testing.assert_array_equal(read(path, "a/b:0/w"), [[0, 1, 2], [3, 4, 5]])
    assert read(path, "scalar").shape == () and read(path, "scalar") == 3
    assert read(path, "none").shape == (0, 4)
    np.testing.assert_array_equal(read(path, "packed"), np.ones((50, 50)))


def test_missing_things_are_none_or_named(path: Path):
    with h5py.File(path, "w") as file:
        file["w"] = np.ones(2)
    with open_file(path) as root:
        assert root.child("nothing") is None and root.child("w/below") is None and root.child("") is None and root.child(".") is None
        assert root.group("w") is None and root.text("nothing") is None and root.texts("nothing") is None
        with pytest.raises(FileError, match="'x/y'"):
            root.array("x/y")


def soft(file: h5py.File, secret: Path) -> None:
    file["real"] = np.ones(3)
    file["w"] = h5py.SoftLink("/real")


def external_link(file: h5py.File, secret: Path) -> None:
    file["w"] = h5py.ExternalLink(str(secret), "w")


def soft_on_the_way(file: h5py.File, secret: Path) -> None:
    file["real/w"] = np.ones(3)
    file["g"] = h5py.SoftLink("/real")


def external_on_the_way(file: h5py.File, secret: Path) -> None:
    file["g"] = h5py.ExternalLink(str(secret), "/")


def external_storage(file: h5py.File, secret: Path) -> None:
    file.create_dataset("w", (10,), "uint8", external=[(str(secret), 0, 10)])


def virtual(file: h5py.File, secret: Path) -> None:
    layout = h5py.VirtualLayout((3,), "float32")
    layout[:] = h5py.VirtualSource(str(secret), "w", (3,))
    file.create_virtual_dataset("w", layout)


@pytest.mark.parametrize("make", [soft, external_link, soft_on_the_way, external_on_the_way, external_storage, virtual])
def test_nothing_outside_of_the_file_is_read(path: Path, secret: Path, make):
    with h5py.File(path, "w") as file:
        make(file, secret)
    name = "g/w" if make.__name__.endswith("way") else "w"
    with pytest.raises(UnsafeFileError, match=r"link to somewhere else|another file"):
        read(path, name)


def test_an_external_file_is_not_even_opened(path: Path, tmp_path: Path):
    # a named pipe: opening it for reading would block for ever
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with h5py.File(path, "w") as file:
        file["w"] = h5py.ExternalLink(str(pipe), "w")
    with pytest.raises(UnsafeFileError):
        read(path)


_ODD = [np.dtype([("a", "f4")]), h5py.vlen_dtype("f4"), h5py.string_dtype(), np.dtype("S5"), np.dtype("V4"), np.dtype("c8")]


@pytest.mark.parametrize("dtype", _ODD, ids=["compound", "vlen", "text", "bytes", "opaque", "complex"])
def test_only_plain_numbers_are_weights(path: Path, dtype):
    with h5py.File(path, "w") as file:
        file.create_dataset("w", (2,), dtype)
    with pytest.raises(UnsafeFileError, match="plain numbers"):
        read(path)


@pytest.mark.parametrize("options", [{}, {"chunks": (1024, 1024), "compression": "gzip"}], ids=["contiguous", "chunked"])
def test_a_huge_shape_without_bytes_is_refused_at_once(path: Path, options):
    with h5py.File(path, "w") as file:
        file.create_dataset("w", (1 << 22, 1 << 20), "float32", **options)
    assert path.stat().st_size < 10_000
    with pytest.raises(UnsafeFileError, match=r"claims the shape \(4194304, 1048576\)"):
        read(path)


def test_a_filter_that_may_load_a_plugin_is_refused(path: Path):
    with h5py.File(path, "w") as file:
        file.create_dataset("w", data=np.ones(100), chunks=(10,), scaleoffset=2)
    with pytest.raises(UnsafeFileError, match="filters"):
        read(path)


def test_bytes_used_twice_cannot_make_more_than_the_file_stores(path: Path):
    with h5py.File(path, "w") as file:
        file["w"] = np.ones(1000)
        for i in range(20):
            file[f"w{i}"] = file["w"]
    with open_file(path) as root, pytest.raises(UnsafeFileError, match="more than once"):
        for i in range(20):
            root.array(f"w{i}").read()


def test_texts_of_both_kinds_and_split_lists(path: Path):
    with h5py.File(path, "w") as file:
        file.attrs["vlen"] = "grün"
        file.attrs["fixed"] = np.bytes_("grün".encode())
        file.attrs["names"] = np.array([b"a", "ü".encode()])
        file.attrs["vlen_names"] = ["a", "ü"]
        file.attrs["none"] = np.zeros(0)
        file.attrs["long0"], file.attrs["long1"] = np.array([b"a", b"b"]), np.array([b"c"])
        file.attrs["number"], file.attrs["latin"] = 3.0, np.bytes_(b"\xe9")
    with open_file(path) as root:
        assert root.text("vlen") == root.text("fixed") == "grün"
        assert root.texts("names") == root.texts("vlen_names") == ["a", "ü"]
        assert root.texts("none") == [] and root.texts("long") == ["a", "b", "c"]
        for name in ("number", "latin"):
            with pytest.raises(FileError, match=f"`{name}`"):
                root.text(name)


def test_what_is_no_hdf5_file_says_so(tmp_path: Path):
    kinds = {b"PK\x03\x04 zip": "zip", b"": "empty", b"version https://git-lfs": "git lfs pull", b"\x89HDF\r\n\x1a\n": "cut short"}
    for content, says in kinds.items():
        file = tmp_path / "x.h5"
        file.write_bytes(content)
        with pytest.raises(FileError, match=says), open_file(file):
            pass
    with pytest.raises(FileError, match="no file"), open_file(tmp_path / "absent.h5"):
        pass
    with pytest.raises(FileError, match="folder"), open_file(tmp_path):
        pass
    assert not is_hdf5(tmp_path) and not is_hdf5(tmp_path / "absent.h5")


def test_a_file_cut_short_anywhere_is_a_file_error(path: Path):
    with h5py.File(path, "w") as file:
        file.attrs["names"] = ["w"] * 20
        file["w"] = np.arange(3000.0)
    whole = path.read_bytes()
    for length in range(0, len(whole) - 1, 997):
        path.write_bytes(whole[:length])
        with pytest.raises(FileError), open_file(path) as root:
            root.texts("names")
            root.array("w").read()


def test_a_text_heap_on_which_libhdf5_hangs_is_refused(path: Path):
    with h5py.File(path, "w") as file:
        file.attrs["names"] = ["some text", "more text"]
    data = bytearray(path.read_bytes())
    heap = data.find(b"GCOL")
    here = heap + 16
    while struct.unpack_from("<H", data, here)[0]:  # go to the free rest of the heap
        here += 16 + (struct.unpack_from("<Q", data, here + 8)[0] + 7) // 8 * 8
    assert struct.unpack_from("<Q", data, here + 8)[0] > 0
    struct.pack_into("<Q", data, here + 8, 0)
    path.write_bytes(data)
    with pytest.raises(FileError, match="text heap"), open_file(path):
        pass


def test_the_letters_of_a_heap_inside_an_array_do_no_harm(path: Path):
    array = np.frombuffer(b"GCOL\x01\0\0\0" * 200, dtype="uint8")
    with h5py.File(path, "w") as file:
        file["w"] = array
    np.testing.assert_array_equal(read(path), array)


def test_an_open_file_is_taken_as_it_is(path: Path):
    with h5py.File(path, "w") as file:
        file["w"] = np.ones(2)
        with open_file(file) as root:
            np.testing.assert_array_equal(root.array("w").read(), [1, 1])


def test_json_is_bounded():
    assert json_text.parse('{"a": "[[[[\\"]", "b": [1]}', "It") == {"a": '[[[["]', "b": [1]}
    for text in ("[" * 100_000, '{"a":' * 100_000, "[" * 257 + "]" * 257):
        with pytest.raises(FileError, match="It is nested"):
            json_text.parse(text, "It")
    assert json_text.parse("[" * 256 + "]" * 256, "It")
    for text in ("{", "nope", '"' + '\\"' * 100_000):
        with pytest.raises(FileError, match="It is no valid JSON"):
            json_text.parse(text, "It")
    with pytest.raises(FileError, match="must be a JSON object"):
        json_text.parse_dict("[]", "It")
