"""Which array of a file belongs to which weight; a load that fails changes nothing."""

from __future__ import annotations

import shutil
import warnings
from pathlib import Path

import h5py
import numpy as np
import pytest

from kcompat.config import keras_version_scope
from kcompat.errors import ArgumentError, FileError, NotBuiltError, ShapeError, UnsafeFileError
from kcompat.files import load_weights, save_weights
from kcompat.layers import BatchNormalization, Conv2D, Dense, Flatten, MaxPooling2D
from kcompat.models import Sequential

DATA = Path(__file__).parent / "data"
WRITERS = ["keras224", "keras231", "tfkeras", "keras3"]


def net(names=("zeta", "norm", "alpha"), filters=4) -> Sequential:
    """The architecture of `*_sequential.h5`, new weights."""
    return Sequential(
        [
            Conv2D(filters, 3, padding="same", activation="relu", input_shape=(6, 6, 2), name=names[0]),
            BatchNormalization(name=names[1]),
            MaxPooling2D(),
            Flatten(),
            Dense(3, activation="softmax", name=names[2]),
        ]
    )


def in_file(path: Path) -> dict[str, np.ndarray]:
    """The arrays of a file by layer and order, read with h5py alone."""
    with h5py.File(path) as file:
        root = file.get("model_weights", file)
        found = {}
        for layer in ("zeta", "norm", "alpha"):
            for i, name in enumerate(root[layer].attrs["weight_names"]):
                found[f"{layer}{i}"] = root[layer][name][()]
        return found


def in_model(model: Sequential) -> dict[str, np.ndarray]:
    layers = [layer for layer in model.layers if layer.weights]
    return {f"{key}{i}": a for key, layer in zip(("zeta", "norm", "alpha"), layers, strict=True) for i, a in enumerate(layer.get_weights())}


def same(a: dict[str, np.ndarray], b: dict[str, np.ndarray]) -> bool:
    return a.keys() == b.keys() and all(np.array_equal(a[k], b[k]) for k in a)


# Keras 3 writes no weights-only files of this format
@pytest.mark.parametrize("file", [f"{w}_sequential" for w in WRITERS] + [f"{w}_weights" for w in WRITERS[:3]])
def test_by_position(file: str):
    model = net(names=("x", "y", "z"))
    load_weights(model, DATA / f"{file}.h5")
    assert same(in_model(model), in_file(DATA / f"{file}.h5"))


@pytest.mark.parametrize("writer", WRITERS)
def test_by_name(writer: str):
    path = DATA / f"{writer}_sequential.h5"
    model = net(names=("zeta", "other", "alpha"))
    before = in_model(model)
    load_weights(model, path, by_name=True)
    after, stored = in_model(model), in_file(path)
    for key, value in after.items():
        assert np.array_equal(value, before[key] if key.startswith("norm") else stored[key]), key


def test_by_name_with_no_common_name_says_so():
    with pytest.warns(UserWarning, match=r"Nothing is loaded.*\(x, y, .*zeta, norm, alpha"):
        load_weights(net(names=("x", "y", "z")), DATA / "tfkeras_weights.h5", by_name=True)


def test_a_mismatch_names_layer_weight_and_shapes_and_changes_nothing():
    model = net(filters=5)
    before = in_model(model)
    for by_name in (False, True):
        with pytest.raises(ShapeError, match=r"Layer 'zeta'.*'zeta/kernel' has shape \(3, 3, 2, 5\).*\(3, 3, 2, 4\)"):
            load_weights(model, DATA / "tfkeras_weights.h5", by_name=by_name)
    assert same(in_model(model), before)


def test_skip_mismatch_leaves_alone_what_differs():
    # as real tf_keras does: weight by weight; the bias of another length stays, the equal bias of the last layer is loaded
    model = net(filters=5)
    before, stored = in_model(model), in_file(DATA / "tfkeras_weights.h5")
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        load_weights(model, DATA / "tfkeras_weights.h5", by_name=True, skip_mismatch=True)
    after = in_model(model)
    assert len(warned) == 7 and all("is not loaded" in str(w.message) for w in warned)
    assert np.array_equal(after["alpha1"], stored["alpha1"])
    assert all(np.array_equal(after[k], before[k]) for k in after if k != "alpha1")


def test_counts_that_differ():
    few = Sequential([Dense(3, input_shape=(4,), name="alpha")])
    with pytest.raises(ArgumentError, match="weights for 3 layers, model .* has 1"):
        load_weights(few, DATA / "tfkeras_weights.h5")
    bare = Sequential([Dense(3, input_shape=(36,), use_bias=False, name="alpha")])
    with pytest.raises(ArgumentError, match=r"'alpha' has 1 weights .*the file has 2"):
        load_weights(bare, DATA / "tfkeras_weights.h5", by_name=True)
    with pytest.warns(UserWarning, match="They are not loaded"):
        load_weights(bare, DATA / "tfkeras_weights.h5", by_name=True, skip_mismatch=True)


def test_arguments_that_cannot_be_honoured_are_refused():
    with pytest.raises(ArgumentError, match="needs `by_name=True`"):
        load_weights(net(), DATA / "tfkeras_weights.h5", skip_mismatch=True)
    with pytest.raises(ArgumentError, match="`options`"):
        load_weights(net(), DATA / "tfkeras_weights.h5", options=object())
    with pytest.raises(NotBuiltError, match="no weights yet"):
        load_weights(Sequential([Dense(3)]), DATA / "tfkeras_weights.h5")


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    path = tmp_path / "weights.h5"
    shutil.copy(DATA / "tfkeras_weights.h5", path)
    return path


def external(file: h5py.File) -> None:
    del file["alpha/alpha/bias:0"]
    file["alpha/alpha/bias:0"] = h5py.ExternalLink("/etc/hosts", "/")


def foreign_bytes(file: h5py.File) -> None:
    del file["alpha/alpha/bias:0"]
    file["alpha/alpha"].create_dataset("bias:0", (3,), "float32", external=[("/etc/passwd", 0, 12)])


def bomb(file: h5py.File) -> None:
    del file["alpha/alpha/bias:0"]
    file["alpha/alpha"].create_dataset("bias:0", (3 << 40,), "float32")


def text(file: h5py.File) -> None:
    del file["alpha/alpha/bias:0"]
    file["alpha/alpha"].create_dataset("bias:0", data=np.array([b"a", b"b", b"c"]))


def linked_layer(file: h5py.File) -> None:
    file.move("alpha", "moved")
    file["alpha"] = h5py.SoftLink("/moved")


@pytest.mark.parametrize("damage", [external, foreign_bytes, bomb, text, linked_layer])
def test_a_hostile_file_is_refused_and_nothing_has_changed(copy: Path, damage):
    with h5py.File(copy, "r+") as file:
        damage(file)
    model = net()
    before = in_model(model)
    with pytest.raises(UnsafeFileError):
        load_weights(model, copy)
    assert same(in_model(model), before)


def test_missing_parts_are_named(copy: Path, tmp_path: Path):
    with h5py.File(copy, "r+") as file:
        del file["alpha/alpha/bias:0"]
    with pytest.raises(FileError, match="'alpha/bias:0'"):
        load_weights(net(), copy)
    with h5py.File(copy, "r+") as file:
        del file["alpha"]
    with pytest.raises(FileError, match="the layer 'alpha'"):
        load_weights(net(), copy)
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["data"] = np.ones(3)
    with pytest.raises(FileError, match="holds no weights"):
        load_weights(net(), tmp_path / "other.h5")


def test_bytes_lost_from_the_end_change_nothing(copy: Path):
    whole = copy.read_bytes()
    model = net()
    before = in_model(model)
    for missing in (1, 500, len(whole) // 2):
        copy.write_bytes(whole[:-missing])
        with pytest.raises(FileError):
            load_weights(model, copy)
        assert same(in_model(model), before)


def test_kernels_that_theano_wrote_are_turned_round():
    model = net()
    load_weights(model, DATA / "theano224_weights.h5")
    stored, loaded = in_file(DATA / "theano224_weights.h5"), in_model(model)
    np.testing.assert_array_equal(loaded.pop("zeta0"), stored.pop("zeta0")[::-1, ::-1])
    assert same(loaded, stored)


@pytest.mark.parametrize("version", ["2.2.4", "2.3.1", "2.15", "3"])
def test_written_weights_come_back(tmp_path: Path, version: str):
    with keras_version_scope(version):
        one, other = net(), net()
    path = tmp_path / "w.h5"
    save_weights(one, path)
    load_weights(other, path)
    assert same(in_model(one), in_model(other))
    with h5py.File(path) as file:
        assert [n.decode() for n in file.attrs["layer_names"]] == [layer.name for layer in one.layers]
        assert [n.decode() for n in file["zeta"].attrs["weight_names"]] == (
            ["zeta/kernel", "zeta/bias"] if version == "3" else ["zeta/kernel:0", "zeta/bias:0"]
        )


def test_many_long_names_are_split(tmp_path: Path):
    def deep():
        return Sequential([Dense(2, name=f"{i:02}" + "n" * 2500, **({"input_shape": (2,)} if i == 0 else {})) for i in range(30)])

    one, other = deep(), deep()
    path = tmp_path / "w.h5"
    save_weights(one, path)
    with h5py.File(path) as file:
        assert "layer_names" not in file.attrs and {"layer_names0", "layer_names1"} <= set(file.attrs)
    load_weights(other, path)
    for a, b in zip(one.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    load_weights(other, path, by_name=True)


def test_a_failed_save_leaves_the_old_file_and_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "w.h5"
    model = net()
    save_weights(model, path)
    before = path.read_bytes()

    def broken(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(h5py.Group, "create_dataset", broken)
    with pytest.raises(FileError, match="No space left"):
        save_weights(model, path)
    assert path.read_bytes() == before and [p.name for p in tmp_path.iterdir()] == ["w.h5"]


def test_where_a_file_may_be_written(tmp_path: Path):
    model = net()
    path = tmp_path / "w.h5"
    path.write_text("old")
    path.chmod(0o640)
    with pytest.raises(FileError, match="exists; pass `overwrite=True`"):
        save_weights(model, path, overwrite=False)
    assert path.read_text() == "old"
    save_weights(model, path)
    assert path.stat().st_mode & 0o777 == 0o640
    with pytest.raises(FileError, match="no folder"):
        save_weights(model, tmp_path / "nowhere" / "w.h5")
    with pytest.raises(FileError, match="is a folder"):
        save_weights(model, tmp_path, save_format="h5")
    for name, options in (("w.keras", {}), ("w", {}), ("w.h5", {"save_format": "tf"})):
        with pytest.raises(ArgumentError, match="h5"):
            save_weights(model, tmp_path / name, **options)
    with keras_version_scope("2.3.1"):  # there a name said nothing about the format
        save_weights(net(), tmp_path / "w.weights")
    save_weights(model, tmp_path / "named", save_format="h5")
    load_weights(model, tmp_path / "named")
