"""`.keras` and `.weights.h5` files: ways in and out, hooks of layers, what does not fit. `parity.files` replays real Keras' files."""

from __future__ import annotations

import copy
import io
import json
import pickle
import resource
import signal
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch

from kcompat import optimizers, saving
from kcompat.config import keras_version_scope
from kcompat.core import Input
from kcompat.errors import ArgumentError, FileError, NotBuiltError
from kcompat.layers import LSTM, Attention, BatchNormalization, Bidirectional, Dense, Dropout, Layer
from kcompat.models import Model, Sequential, load_model

GENERATIONS = ["2.15", "3"]


def network(version: str = "2.15", seed: int = 0) -> Model:
    """A nested model with a recurrent layer, trained for two steps."""
    torch.manual_seed(seed)
    with keras_version_scope(version):
        x = Input((4, 3), name="x")
        inner = Sequential([Input((4,)), Dense(3, name="in"), BatchNormalization(name="norm")], name="inner")
        model = Model(x, Dense(2, name="out")(inner(Bidirectional(LSTM(2), name="both")(x))), name="net")
        model.compile(optimizers.SGD(0.05, momentum=0.9), "mse", metrics=["mae"])
    x, y = data()
    for _ in range(2):
        model.train_on_batch(x, y)
    return model


def data() -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(5)
    return random.normal(size=(8, 4, 3)).astype("float32"), random.normal(size=(8, 2)).astype("float32")


def same(a: Model, b: Model) -> None:
    x, _ = data()
    np.testing.assert_array_equal(a.predict(x, verbose=0), b.predict(x, verbose=0))


# -- ways in and out -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", GENERATIONS)
@pytest.mark.parametrize("way", ["path", "Path", "stream", "mapping", "folder", "file object", "h5", "h5 group"])
def test_every_way_out_and_in_gives_the_model_and_goes_on_training(tmp_path: Path, version: str, way: str):
    model = network(version)
    if way in ("path", "Path"):
        place = tmp_path / "m.keras" if way == "Path" else str(tmp_path / "m.keras")
        model.save(place)
        again = load_model(place)
    elif way == "stream":
        stream = io.BytesIO()
        model.save(stream)
        again = load_model(stream)
        stream.write(b"the stream is still ours")
    elif way == "mapping":
        store: dict[str, bytes] = {}
        model.save(store)
        assert set(store) == {"metadata.json", "config.json", "model.weights.h5"}
        again = load_model(store)
    elif way == "folder":
        model.save(tmp_path / "m", zipped=False)
        model.save(tmp_path / "m", zipped=False)  # takes the place of the first
        again = load_model(tmp_path / "m")
    elif way == "file object":
        with open(tmp_path / "m.keras", "wb") as file:
            model.save(file)
        with open(tmp_path / "m.keras", "rb") as file:
            again = load_model(file)
    elif way == "h5":
        model.save(tmp_path / "m.h5")
        again = load_model(io.BytesIO((tmp_path / "m.h5").read_bytes()))
    else:
        with h5py.File(tmp_path / "m.h5", "w") as file:
            model.save(file.create_group("deep"))
        with h5py.File(tmp_path / "m.h5", "r") as file:
            again = load_model(file["deep"])
    same(model, again)
    x, y = data()
    for _ in range(3):
        assert model.train_on_batch(x, y)[0] == pytest.approx(again.train_on_batch(x, y)[0], rel=1e-6)
    same(model, again)


def test_a_pickled_and_a_copied_model_are_the_model():
    model = network()
    for again in (pickle.loads(pickle.dumps(model)), copy.deepcopy(model)):
        same(model, again)
        x, y = data()
        assert copy.deepcopy(model).train_on_batch(x, y)[0] == pytest.approx(again.train_on_batch(x, y)[0], rel=1e-6)


@pytest.mark.parametrize(("own", "other"), [("2.15", "3"), ("3", "2.15")])
def test_keras_version_writes_in_the_other_dialect_and_leaves_the_model_as_it_was(tmp_path: Path, own: str, other: str):
    model = network(own)
    model.save(tmp_path / "m.keras", keras_version=other)
    assert model._keras_version == own and model.layers[-1]._keras_version == own
    with zipfile.ZipFile(tmp_path / "m.keras") as archive:
        assert json.loads(archive.read("metadata.json"))["keras_version"].startswith(other)
        first = json.loads(archive.read("config.json"))["config"]["layers"][0]["config"]
    assert ("batch_shape" in first) == (other == "3")
    again = load_model(tmp_path / "m.keras")
    np.testing.assert_allclose(again.predict(data()[0], verbose=0), model.predict(data()[0], verbose=0), atol=1e-6)


def test_a_function_that_means_something_else_there_is_refused(tmp_path: Path):
    with keras_version_scope("2.15"):
        model = Sequential([Input((2,)), Dense(2, activation="hard_sigmoid")])
    with pytest.raises(ArgumentError, match="hard_sigmoid"):
        model.save(tmp_path / "m.keras", keras_version="3")
    assert not (tmp_path / "m.keras").exists()


def test_formats_follow_the_name_and_the_generation(tmp_path: Path):
    model = network()
    with pytest.raises(ArgumentError, match=r"'.keras' or '.h5'"):
        model.save(tmp_path / "m.model")
    model.save(tmp_path / "m.model", save_format="keras")
    same(model, load_model(tmp_path / "m.model"))
    model.save(tmp_path / "m.keras", save_format="h5")  # as old scripts did
    same(model, load_model(tmp_path / "m.keras"))
    with pytest.raises(ArgumentError, match="save_format"):
        model.save(tmp_path / "m", save_format="tf")
    with pytest.raises(ArgumentError, match="zipped"):
        model.save(tmp_path / "m.h5", zipped=True)
    with pytest.raises(FileError, match="overwrite"):
        model.save(tmp_path / "m.keras", overwrite=False)
    with pytest.raises(NotBuiltError):
        Sequential([Dense(1)]).save(tmp_path / "n.keras")


def test_include_optimizer_false_leaves_training_out(tmp_path: Path):
    model = network()
    model.save(tmp_path / "m.keras", include_optimizer=False)
    again = load_model(tmp_path / "m.keras")
    assert again.optimizer is None
    same(model, again)


def test_a_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    model = network()
    model.save(tmp_path / "m.keras")
    before = (tmp_path / "m.keras").read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(zipfile.ZipFile, "write", full)
    with pytest.raises(FileError, match="No space left"):
        model.save(tmp_path / "m.keras")
    assert (tmp_path / "m.keras").read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["m.keras"]


# -- weights -------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", GENERATIONS)
def test_weights_by_object(tmp_path: Path, version: str):
    model, other = network(version), network(version, seed=1)
    model.save_weights(tmp_path / "w.weights.h5")
    with h5py.File(tmp_path / "w.weights.h5") as file:
        assert "layers/bidirectional/forward_layer/cell/vars/0" in file and "layers/sequential/layers/batch_normalization/vars/3" in file
        assert ("name" in file["vars"].attrs) == (version == "3")
    other.load_weights(tmp_path / "w.weights.h5")
    same(model, other)


@pytest.mark.parametrize("version", GENERATIONS)
def test_weights_out_of_an_archive_and_into_the_other_generation(tmp_path: Path, version: str):
    model, other = network(version), network("3" if version == "2.15" else "2.15", seed=1)
    model.save(tmp_path / "m.keras")
    other.load_weights(tmp_path / "m.keras")
    np.testing.assert_allclose(other.predict(data()[0], verbose=0), model.predict(data()[0], verbose=0), atol=1e-6)


def test_shards(tmp_path: Path):
    model, other = network("3"), network("3", seed=1)
    model.save_weights(tmp_path / "w.weights.json", max_shard_size=4e-7)  # 429 bytes
    index = json.loads((tmp_path / "w.weights.json").read_text())
    files = {name for names in index["weight_map"].values() for name in names}
    assert len(files) > 2 and files == {p.name for p in tmp_path.glob("*.weights.h5")}
    other.load_weights(tmp_path / "w.weights.json")
    same(model, other)
    with pytest.raises(ArgumentError, match="max_shard_size"):
        model.save_weights(tmp_path / "w.weights.json", max_shard_size=0)
    with pytest.raises(ArgumentError, match=r"weights\.json"):
        model.save_weights(tmp_path / "w.h5x", max_shard_size=1)


def test_what_does_not_fit_changes_nothing_or_is_skipped(tmp_path: Path):
    network().save_weights(tmp_path / "w.weights.h5")
    x = Input((4, 3), name="x")
    inner = Sequential([Input((4,)), Dense(5, name="in"), BatchNormalization(name="norm")], name="inner")
    other = Model(x, Dense(2, name="out")(inner(Bidirectional(LSTM(2), name="both")(x))), name="net")
    before = other.get_weights()
    with pytest.raises(ArgumentError, match=r"'in'.*\(4, 5\).*\(4, 3\)"):
        other.load_weights(tmp_path / "w.weights.h5")
    for a, b in zip(before, other.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    with pytest.warns(UserWarning, match="not loaded") as warned:
        other.load_weights(tmp_path / "w.weights.h5", skip_mismatch=True)
    assert len(warned) == 3  # in, norm, out
    np.testing.assert_array_equal(other.get_layer("both").get_weights()[0], network().get_layer("both").get_weights()[0])
    np.testing.assert_array_equal(other.get_layer("out").get_weights()[0], before[-2])


def test_objects_to_skip_and_by_name(tmp_path: Path):
    model, other = network(), network(seed=1)
    model.save_weights(tmp_path / "w.weights.h5")
    before = other.get_layer("out").get_weights()
    other.load_weights(tmp_path / "w.weights.h5", objects_to_skip=[other.get_layer("out")])
    np.testing.assert_array_equal(other.get_layer("out").get_weights()[0], before[0])
    np.testing.assert_array_equal(other.get_layer("both").get_weights()[0], model.get_layer("both").get_weights()[0])
    with pytest.raises(ArgumentError, match="by_name"):
        other.load_weights(tmp_path / "w.weights.h5", by_name=True)
    model.save_weights(tmp_path / "w.h5")
    with pytest.raises(ArgumentError, match="objects_to_skip"):
        other.load_weights(tmp_path / "w.h5", objects_to_skip=[other.get_layer("out")])
    with pytest.raises(ArgumentError, match="reshape"):
        other.load_weights(tmp_path / "w.h5", reshape=True)


def test_the_order_of_positional_arguments_is_that_of_the_generation(tmp_path: Path):
    model = network()
    model.save_weights(tmp_path / "w.h5")
    model.load_weights(tmp_path / "w.h5", False, True)  # tf.keras: skip_mismatch, by_name
    with keras_version_scope("2.3"), pytest.raises(ArgumentError, match="by_name"):
        model.load_weights(tmp_path / "w.h5", False, True)  # Keras 2.3: by_name, skip_mismatch


# -- classes and hooks of the user -----------------------------------------------------------------------------------------------


@saving.register_keras_serializable(package="tests")
class Table(Layer):
    """A layer that keeps words, which it saves itself."""

    def __init__(self, size: int = 2, **kwargs):
        super().__init__(**kwargs)
        self.size = size
        self.words: list[str] = []

    def build(self, input_shape):
        self.scale = self.add_weight(name="scale", shape=(self.size,), initializer="ones")
        self.built = True

    def call(self, inputs):
        return inputs[:, : self.size] * self.scale

    def get_config(self):
        return {**super().get_config(), "size": self.size}

    def save_own_variables(self, store):
        store["doubled"] = self.scale.numpy() * 2

    def load_own_variables(self, store):
        assert list(store.keys()) == ["doubled"] and "doubled" in store and len(store) == 1
        self.scale.assign(store["doubled"] / 2)

    def save_assets(self, dir_path):
        (Path(dir_path) / "words.txt").write_text("\n".join(self.words))

    def load_assets(self, dir_path):
        self.words = (Path(dir_path) / "words.txt").read_text().split("\n")


@saving.register_keras_serializable(package="tests")
class Net(Model):
    """A subclassed model with layers in attributes, lists and dicts, and a weight of its own."""

    def __init__(self, width: int = 2, **kwargs):
        super().__init__(**kwargs)
        self.width = width
        self.first = Dense(width)
        self.blocks = [Dense(2), Dense(3)]
        self.heads = {"b": Dense(1), "a": Dense(1)}

    def build(self, input_shape):
        self.top = self.add_weight(name="top", shape=(1,), initializer="ones")
        super().build(input_shape)

    def call(self, x):
        x = self.first(x)
        for block in self.blocks:
            x = block(x)
        return self.top * (self.heads["b"](x) + 2 * self.heads["a"](x))

    def get_config(self):
        return {"name": self.name, "width": self.width}

    def get_compile_config(self):
        return {"loss": "mse", "note": "mine"}

    def compile_from_config(self, config):
        assert config["note"] == "mine"
        self.compile(optimizers.get(config["optimizer"]), config["loss"])


@pytest.mark.parametrize("version", GENERATIONS)
def test_hooks_of_layers(tmp_path: Path, version: str):
    with keras_version_scope(version):
        model = Sequential([Input((3,)), Table(2, name="table")])
    model.get_layer("table").scale.assign([3.0, 4.0])
    model.get_layer("table").words = ["one", "two"]
    model.save(tmp_path / "m.keras")
    with zipfile.ZipFile(tmp_path / "m.keras") as archive:
        assert "assets/layers/table/words.txt" in archive.namelist()
    again = load_model(tmp_path / "m.keras")
    assert again.get_layer("table").words == ["one", "two"]
    np.testing.assert_array_equal(again.get_layer("table").scale.numpy(), [3.0, 4.0])


def test_a_hook_that_fails_leaves_all_weights(tmp_path: Path):
    model = Sequential([Input((3,)), Dense(3, name="before"), Table(2, name="table")])
    model.save_weights(tmp_path / "w.weights.h5")
    with h5py.File(tmp_path / "w.weights.h5", "r+") as file:
        del file["layers/table/vars/doubled"]
        file["layers/table/vars/doubled"] = np.zeros(7, "f4")
    other = Sequential([Input((3,)), Dense(3, name="before"), Table(2, name="table")])
    before = other.get_weights()
    with pytest.raises(ValueError, match="scale"):
        other.load_weights(tmp_path / "w.weights.h5")
    for a, b in zip(before, other.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    ("version", "paths"),
    [
        ("2.15", [f"layers/dense{n}/vars/0" for n in ("", "_1", "_2", "_3", "_4")]),
        ("3", ["first/vars/0", "blocks/dense/vars/0", "blocks/dense_1/vars/0", "heads/dense/vars/0", "heads/dense_1/vars/0"]),
    ],
)
def test_a_subclassed_model_lies_where_keras_puts_it(tmp_path: Path, version: str, paths: list[str]):
    """The paths are those of files that Keras wrote of the same class."""
    with keras_version_scope(version):
        model = Net(name="net")
        model(np.ones((2, 3), "float32"))
        model.compile(optimizers.SGD(0.5), "mse")
    model.save(tmp_path / "m.keras")
    with zipfile.ZipFile(tmp_path / "m.keras") as archive, h5py.File(io.BytesIO(archive.read("model.weights.h5"))) as file:
        assert all(path in file for path in [*paths, "vars/0"])
        if version == "2.15":  # which takes a dict by sorted keys
            np.testing.assert_array_equal(file["layers/dense_3/vars/0"][()], model.heads["a"].kernel.numpy())
        config = json.loads(archive.read("config.json"))
    assert config["module"] is None and config["registered_name"] == "tests>Net" and config["compile_config"]["note"] == "mine"
    again = load_model(tmp_path / "m.keras")
    assert float(again.optimizer.learning_rate) == 0.5
    x = np.random.default_rng(0).normal(size=(4, 3)).astype("float32")
    np.testing.assert_array_equal(again.predict(x, verbose=0), model.predict(x, verbose=0))


def test_custom_objects_name_classes_that_are_not_registered(tmp_path: Path):
    class Twice(Layer):
        def call(self, inputs):
            return inputs * 2

    model = Sequential([Input((3,)), Twice(name="twice")])
    model.save(tmp_path / "m.keras")
    with pytest.raises(FileError, match=r"Twice.*custom_objects"):
        load_model(tmp_path / "m.keras")
    again = load_model(tmp_path / "m.keras", custom_objects={"Twice": Twice})
    np.testing.assert_array_equal(again.predict(np.ones((1, 3)), verbose=0), [[2.0, 2.0, 2.0]])
    with saving.custom_object_scope({"Twice": Twice}):
        load_model(tmp_path / "m.keras")


def test_a_layer_in_an_outer_and_an_inner_model_stays_one(tmp_path: Path):
    """Keras itself reads neither file back (tf_keras 2.21, Keras 3.15.1)."""
    for version in GENERATIONS:
        with keras_version_scope(version):
            shared, entry, a = Dense(3, name="both"), Input((3,), name="entry"), Input((3,), name="a")
            inner = Model(entry, Dense(2, name="own")(shared(entry)), name="inner")
            model = Model(a, [shared(a), inner(a)])
        for suffix in ("keras", "h5"):
            model.save(tmp_path / f"m.{suffix}")
            again = load_model(tmp_path / f"m.{suffix}", compile=False)
            assert again.get_layer("both") is again.get_layer("inner").get_layer("both")
            for x, y in zip(model.predict(np.eye(3), verbose=0), again.predict(np.eye(3), verbose=0), strict=True):
                np.testing.assert_array_equal(x, y)


def test_bfloat16_weights(tmp_path: Path):
    with keras_version_scope("3"):
        model = Sequential([Input((3,)), Dense(2, dtype="bfloat16")])
    model.save(tmp_path / "m.keras")
    again = load_model(tmp_path / "m.keras")
    assert torch.equal(again.layers[0].kernel, model.layers[0].kernel) and again.layers[0].kernel.dtype is torch.bfloat16


def test_training_false_in_a_file_of_keras_3_does_not_hold_a_layer_back():
    """Keras 3.15 writes `training: false` beside each call of a Dropout; a model that is loaded drops in training nevertheless."""
    x = torch.ones(1, 1000)
    with keras_version_scope("3"):
        symbol = Input((1000,))
        model = Model(symbol, Dropout(0.5)(symbol))
    store: dict[str, bytes] = {}
    model.save(store)
    assert b'"training": false' in store["config.json"]
    again = load_model(store)
    assert 0.3 < float((again(x, training=True) == 0).float().mean()) < 0.7
    assert float((again(x, training=False) == 0).float().mean()) == 0.0


def test_a_model_that_was_saved_before_it_had_weights_loads():
    """tf_keras and Keras 3 write such files: an empty `Sequential`, or one that waits for a shape."""
    for version, layers in (("3", []), ("3", [("Dense", 3)]), ("2.15", [("Dense", 3)])):
        entries = [{"class_name": name, "config": {"name": "d", "units": units}} for name, units in layers]
        config = {"class_name": "Sequential", "config": {"name": "s", "layers": entries}, "module": "keras", "registered_name": None}
        stream = io.BytesIO()
        with h5py.File(stream, "w") as file:
            file.create_group("vars")
        release = {"3": "3.15.1", "2.15": "2.15.0"}[version]
        store = {"metadata.json": json.dumps({"keras_version": release}).encode(), "config.json": json.dumps(config).encode()}
        model = load_model({**store, "model.weights.h5": stream.getvalue()})
        assert not model.built and len(model.layers) == len(layers)


def test_scalar_weights_stay_scalars_in_hdf5(tmp_path: Path):
    with keras_version_scope("2.15"):
        symbol = Input((4, 3))
        model = Model(symbol, Attention(use_scale=True, name="attention")([symbol, symbol]))
    model.save(tmp_path / "m.h5")
    with h5py.File(tmp_path / "m.h5") as file:
        group = file["model_weights/attention"]
        assert [group[name].shape for name in group.attrs["weight_names"]] == [()]
    load_model(tmp_path / "m.h5", compile=False)


@pytest.mark.parametrize("name", ["m.keras", "m.h5", "m.weights.h5"])
def test_a_full_disk_leaves_the_file_that_was_there(tmp_path: Path, name: str):
    """A limit on the size of files stands for the disk; the mode of the file stays too."""
    with keras_version_scope("2.15"):
        model = Sequential([Input((100,)), Dense(300)])
    path = tmp_path / name
    save = model.save_weights if "weights" in name else model.save
    save(path)
    path.chmod(0o640)
    before, limits = path.read_bytes(), resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, limits[1]))
        with pytest.raises(FileError, match="cannot be written"):
            save(path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert path.read_bytes() == before and path.stat().st_mode & 0o777 == 0o640
    assert [p.name for p in tmp_path.iterdir()] == [name]
