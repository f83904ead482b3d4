"""Whole models: files that real Keras wrote give its numbers and go on training; files of ours have Keras' form."""

from __future__ import annotations

import json
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch

from kcompat import losses, metrics, optimizers, registry
from kcompat.config import keras_version, keras_version_scope
from kcompat.core import Input
from kcompat.errors import ArgumentError, FileError, UnknownNameError, UnsafeFileError
from kcompat.layers import Conv2D, Dense, Flatten, Layer
from kcompat.models import Model, Sequential, load_model

DATA = Path(__file__).parent / "data"
WRITERS = ["keras224", "keras231", "tfkeras", "keras3"]
FILES = [f"{writer}_{case}" for writer in WRITERS for case in ("sequential", "functional")]


def reference(name: str) -> tuple[dict[str, np.ndarray], list[np.ndarray], list[np.ndarray]]:
    """What the recorder wrote beside a file: everything, inputs, targets."""
    stored = dict(np.load(DATA / f"{name}.npz"))
    return stored, *([stored[k] for k in sorted(stored) if k.startswith(key) and k[len(key) :].isdigit()] for key in "xy")


def single(values: list[np.ndarray]) -> np.ndarray | list[np.ndarray]:
    return values[0] if len(values) == 1 else values


def as_list(value) -> list:
    return list(value) if isinstance(value, (list, tuple)) else [value]


def check_predictions(model, stored, x) -> None:
    for i, output in enumerate(as_list(model.predict(single(x), verbose=0))):
        np.testing.assert_allclose(output, stored[f"prediction{i}"], rtol=0, atol=1e-6)


# -- files of real Keras -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [*FILES, "theano224_sequential"])
def test_a_file_of_keras_gives_its_predictions(name: str):
    stored, x, _ = reference(name)
    check_predictions(load_model(DATA / f"{name}.h5"), stored, x)


# In the old graph-mode Keras a step may read variables before or after their update, so that runs of its training differ; the first
# loss and the state it starts from do not.
@pytest.mark.parametrize("name", [*FILES[-4:], "keras231_functional"])
def test_training_goes_on_where_keras_left_off(name: str):
    stored, x, y = reference(name)
    model = load_model(DATA / f"{name}.h5")
    found = [as_list(model.train_on_batch(single(x), single(y)))[0] for _ in range(3)]
    np.testing.assert_allclose(found, stored["losses"], rtol=1e-5)
    paths = [weight.path for weight in model.weights]
    values = dict(zip(paths, model.get_weights(), strict=True))
    for i, written in enumerate(stored["weight_names"]):
        path = str(written).split(":")[0]
        np.testing.assert_allclose(values[path if path in values else path.split("/", 1)[1]], stored[f"after{i}"], rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", FILES)
def test_the_first_loss_after_loading(name: str):
    stored, x, y = reference(name)
    model = load_model(DATA / f"{name}.h5")
    np.testing.assert_allclose(as_list(model.train_on_batch(single(x), single(y)))[0], stored["losses"][0], rtol=1e-5)


@pytest.mark.parametrize("name", FILES)
def test_the_state_of_the_optimizer_is_that_of_the_file(name: str):
    optimizer = load_model(DATA / f"{name}.h5").optimizer
    with h5py.File(DATA / f"{name}.h5") as file:
        group = file["optimizer_weights"]
        names = [n.decode() if isinstance(n, bytes) else n for n in group.attrs["weight_names"]]
        arrays = [group[n][()] for n in names]
    assert int(optimizer.iterations) == arrays[0] == 2
    state = [a for a in arrays[1:] if a.shape not in ((), (1,))]  # without Keras 3's learning rate, 2.2's placeholders
    interleaved = "Adam" in type(optimizer).__name__ and name.startswith(("tfkeras", "keras3"))
    per_weight = [[v.numpy() for k, v in optimizer.state[p].items()] for p in optimizer.param_groups[0]["params"]]
    ours = [v for slots in per_weight for v in slots] if interleaved else [v for slots in zip(*per_weight, strict=True) for v in slots]
    assert len(ours) == len(state) > 0
    for mine, theirs in zip(ours, state, strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_a_file_selects_its_generation():
    before = keras_version()
    for writer, version in (("keras224", "2.2.4"), ("tfkeras", "2.21.0"), ("keras3", "3.15.1")):
        model = load_model(DATA / f"{writer}_sequential.h5")
        assert model._keras_version == version and model.layers[0]._keras_version == version
    assert keras_version() == before


def test_frozen_layers_stay_frozen():
    inner = load_model(DATA / "tfkeras_functional.h5").get_layer("inner")
    assert not inner.get_layer("in1").trainable and inner.get_layer("in2").trainable


def test_compile_false_leaves_the_model_uncompiled():
    model = load_model(DATA / "tfkeras_sequential.h5", compile=False)
    assert model.optimizer is None


# -- Lambda --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("writer", WRITERS)
def test_a_lambda_is_refused_or_given(writer: str):
    path = DATA / f"{writer}_lambda.h5"
    for options in ({}, {"safe_mode": True}, {"safe_mode": None}):
        with pytest.raises(UnsafeFileError, match=r"Lambda 'twice'"):
            load_model(path, compile=False, **options)
    stored, x, _ = reference(f"{writer}_lambda")
    check_predictions(load_model(path, compile=False, custom_objects={"twice": lambda t: t * 2.0}), stored, x)


def test_a_lambda_of_ours_runs_with_safe_mode_off(tmp_path: Path):
    from kcompat.layers import Lambda

    k = 3.0
    model = Sequential([Lambda(lambda t: t * k, input_shape=(2,), name="thrice")])
    model.save(tmp_path / "m.h5")
    with pytest.raises(UnsafeFileError):
        load_model(tmp_path / "m.h5", compile=False)
    again = load_model(tmp_path / "m.h5", compile=False, safe_mode=False)
    np.testing.assert_array_equal(again.predict(np.ones((1, 2), "float32"), verbose=0), [[3.0, 3.0]])


# -- files of ours -------------------------------------------------------------------------------------------------------


def tree_of(path: Path) -> dict[str, tuple[int, ...]]:
    """Every dataset of a file with its shape, those of the optimizer left out: their names are free, their order is not."""
    found: dict[str, tuple[int, ...]] = {}
    with h5py.File(path) as file:
        file.visititems(lambda name, item: found.update({name: item.shape} if isinstance(item, h5py.Dataset) else {f"{name}/": ()}))
    return {k: v for k, v in found.items() if not k.startswith("optimizer_weights/")}


def config_of(path: Path, name: str):
    with h5py.File(path) as file:
        text = file.attrs[name]
    return json.loads(text)


def optimizer_arrays(path: Path) -> list[np.ndarray]:
    with h5py.File(path) as file:
        group = file["optimizer_weights"]
        return [group[n][()] for n in group.attrs["weight_names"]]


@pytest.mark.parametrize("name", [name for name in FILES if not name.startswith("keras3")])
def test_a_file_saved_again_is_the_file_keras_wrote(tmp_path: Path, name: str):
    """Layers, configs, nodes, weights and their order are the same; real Keras was seen to read such files and to go on training."""
    theirs, ours = DATA / f"{name}.h5", tmp_path / "m.h5"
    load_model(theirs).save(ours)
    assert tree_of(ours) == tree_of(theirs)
    assert config_of(ours, "model_config") == config_of(theirs, "model_config")
    training = config_of(ours, "training_config")
    assert training.pop("weighted_metrics") is None  # 2.2 did not write it
    assert {k: v for k, v in config_of(theirs, "training_config").items() if k != "weighted_metrics"} == training
    for mine, original in zip(optimizer_arrays(ours), optimizer_arrays(theirs), strict=True):
        np.testing.assert_array_equal(mine, original)
    with h5py.File(ours) as a, h5py.File(theirs) as b:
        for attribute in ("keras_version", "backend"):
            mine, original = (v.decode() if isinstance(v, bytes) else v for v in (a.attrs[attribute], b.attrs[attribute]))
            assert mine == original
        for path in tree_of(ours):
            if not path.endswith("/"):
                np.testing.assert_array_equal(a[path], b[path])


def sgd():  # a config holds these numbers as float32, as Keras has them; such powers of two lose nothing by it
    return optimizers.SGD(2**-5, momentum=0.5)


def adam():
    return optimizers.Adam(2**-7, beta_1=0.875, beta_2=0.984375)


@pytest.mark.parametrize("version", ["2.2.4", "2.3.1", "2.15", "3"])
@pytest.mark.parametrize("make", [sgd, adam])
def test_save_and_load_are_inverse(tmp_path: Path, version: str, make):
    x, y = np.random.default_rng(0).normal(size=(8, 5)).astype("float32"), np.arange(8) % 3
    with keras_version_scope(version):
        model = Sequential([Dense(4, activation="tanh", input_shape=(5,)), Dense(3, activation="softmax")])
        model.compile(make(), "sparse_categorical_crossentropy", metrics=["accuracy"])
        model.train_on_batch(x, y)
    model.save(tmp_path / "m.h5")
    again = load_model(tmp_path / "m.h5")
    assert json.dumps(again.get_config(), default=str) == json.dumps(model.get_config(), default=str)
    for _ in range(2):
        assert as_list(model.train_on_batch(x, y)) == as_list(again.train_on_batch(x, y))
    for a, b in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_losses_metrics_and_weights_for_outputs_come_back(tmp_path: Path):
    x = Input((3,), name="x")
    model = Model(x, {"a": Dense(2, name="a")(x), "b": Dense(1, name="b")(x)})
    model.compile(
        optimizers.SGD(0.1, momentum=0.5, clipnorm=1.0),
        {"a": losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.1), "b": "mse"},
        metrics={"a": ["accuracy"], "b": [metrics.MeanAbsoluteError(name="off")]},
        loss_weights={"a": 1.0, "b": 0.25},
    )
    model.save(tmp_path / "m.h5")
    again = load_model(tmp_path / "m.h5")
    data = np.ones((4, 3), "float32")
    targets = {"a": np.eye(2, dtype="float32")[[0, 1, 0, 1]], "b": np.ones((4, 1), "float32")}
    assert again.test_on_batch(data, targets, return_dict=True) == model.test_on_batch(data, targets, return_dict=True)
    assert again.optimizer.get_config() == model.optimizer.get_config()


def test_optimizers_of_tf_keras_before_2_11(tmp_path: Path):
    with keras_version_scope("2.15"):
        model = Sequential([Dense(1, input_shape=(2,))])
        model.compile(optimizers.legacy.Adam(0.1, decay=0.5), "mse")
        model.train_on_batch(np.ones((2, 2), "float32"), np.ones((2, 1), "float32"))
    model.save(tmp_path / "m.h5")
    config = config_of(tmp_path / "m.h5", "training_config")["optimizer_config"]
    assert config["class_name"] == "Adam" and config["config"]["decay"] == 0.5
    again = load_model(tmp_path / "m.h5")
    assert type(again.optimizer) is optimizers.legacy.Adam and int(again.optimizer.iterations) == 1
    for _ in range(2):
        model.train_on_batch(np.ones((2, 2), "float32"), np.ones((2, 1), "float32"))
        again.train_on_batch(np.ones((2, 2), "float32"), np.ones((2, 1), "float32"))
    np.testing.assert_array_equal(model.get_weights()[0], again.get_weights()[0])


def test_without_optimizer_and_without_compile(tmp_path: Path):
    model = Sequential([Dense(1, input_shape=(2,))])
    model.save(tmp_path / "plain.h5")
    model.compile("sgd", "mse")
    model.save(tmp_path / "left_out.h5", include_optimizer=False)
    for name in ("plain.h5", "left_out.h5"):
        with pytest.warns(UserWarning, match="no training configuration"):
            assert load_model(tmp_path / name).optimizer is None


def test_a_torch_optimizer_cannot_be_in_a_file(tmp_path: Path):
    model = Sequential([Dense(1, input_shape=(2,))])
    model.compile(torch.optim.SGD(model.parameters(), lr=0.1), "mse")
    with pytest.warns(UserWarning, match="SGD of torch has no Keras config"):
        model.save(tmp_path / "m.h5")
    assert load_model(tmp_path / "m.h5", compile=False).get_config() == model.get_config()


# -- own classes -----------------------------------------------------------------------------------------------------------


class Scale(Layer):
    def __init__(self, by=2.0, **kwargs):
        super().__init__(**kwargs)
        self.by = by

    def call(self, inputs):
        return inputs * self.by

    def get_config(self):
        return {**super().get_config(), "by": self.by}


def test_own_classes_are_passed_or_registered(tmp_path: Path):
    model = Sequential([Scale(3.0, input_shape=(2,), name="s")])
    model.save(tmp_path / "m.h5")
    with pytest.raises(UnknownNameError, match=r"'Scale'.*custom_objects"):
        load_model(tmp_path / "m.h5", compile=False)
    again = load_model(tmp_path / "m.h5", compile=False, custom_objects={"Scale": Scale})
    np.testing.assert_array_equal(again.predict(np.ones((1, 2), "float32"), verbose=0), [[3.0, 3.0]])


def test_registered_classes_are_written_with_their_package(tmp_path: Path):
    with registry.custom_object_scope({}):
        registry.register_keras_serializable("mine")(Scale)
        Sequential([Scale(3.0, input_shape=(2,), name="s")]).save(tmp_path / "m.h5")
        layers = config_of(tmp_path / "m.h5", "model_config")["config"]["layers"]
        assert layers[-1]["class_name"] == "mine>Scale" and "module" not in layers[-1]
        assert isinstance(load_model(tmp_path / "m.h5", compile=False).layers[0], Scale)


# -- what is refused -------------------------------------------------------------------------------------------------------


def rewritten(tmp_path: Path, change, name: str = "model_config", source: str = "tfkeras_sequential") -> Path:
    """A copy of a real file with one text attribute changed."""
    path = tmp_path / "changed.h5"
    path.write_bytes((DATA / f"{source}.h5").read_bytes())
    with h5py.File(path, "r+") as file:
        file.attrs[name] = change(file.attrs[name])
    return path


def test_a_config_that_asks_for_more_than_the_file_holds(tmp_path: Path):
    path = rewritten(tmp_path, lambda text: text.replace('"units": 3', '"units": 3000000000000'))
    with pytest.raises(UnsafeFileError, match="'alpha'.*more than the file has values for"):
        load_model(path)


@pytest.mark.parametrize(
    ("old", "new", "error", "says"),
    [
        ('"class_name": "Dense"', '"class_name": "Dens"', UnknownNameError, "Did you mean 'Dense'"),
        ('"class_name": "Dense"', '"class_name": "os.system"', UnknownNameError, "os.system"),
        ('"activation": "softmax"', '"activation": "get_file"', UnknownNameError, "get_file"),
        ('"units": 3', '"units": -3', ValueError, "units"),
        ('"units": 3', '"units": 3, "unheard_of": 1', FileError, "unheard_of"),
        ('"units": 3', '"units": 4', ValueError, r"'alpha'.*\(36, 4\).*\(36, 3\)"),
        ('"config": {"name": "net"', '"config": [{"name": "net"}], "x": {"name": "net"', (TypeError, ValueError), "class_name"),
    ],
)
def test_a_config_that_cannot_be_built_says_where(tmp_path: Path, old: str, new: str, error, says: str):
    def change(text: str) -> str:
        assert old in text
        return text.replace(old, new)

    with pytest.raises(error, match=says):
        load_model(rewritten(tmp_path, change))


def test_texts_that_are_no_config(tmp_path: Path):
    for text, says in (("[" * 100_000, "nested"), ("{", "no valid JSON"), ("[]", "must be a JSON object"), ('{"a": 1}', "class_name")):
        with pytest.raises((FileError, TypeError), match=says):
            load_model(rewritten(tmp_path, lambda _, text=text: text))


def test_damaged_training_configurations_name_the_way_out(tmp_path: Path):
    path = rewritten(tmp_path, lambda text: text.replace("categorical_crossentropy", "my_loss"), "training_config")
    with pytest.raises(UnknownNameError, match=r"my_loss.*compile=False"):
        load_model(path)
    load_model(path, compile=False)
    path = rewritten(tmp_path, lambda text: text.replace("optimizer_config", "nothing"), "training_config")
    with pytest.raises(FileError, match="names no optimizer"):
        load_model(path)


def test_an_optimizer_state_that_does_not_fit_starts_anew(tmp_path: Path):
    path = rewritten(tmp_path, lambda text: text.replace('"amsgrad": false', '"amsgrad": true'), "training_config")
    with pytest.warns(UserWarning, match="state of the optimizer in the file is not restored"):
        model = load_model(path)
    assert int(model.optimizer.iterations) == 0


def test_weights_without_a_model():
    with pytest.raises(FileError, match="load_weights"):
        load_model(DATA / "tfkeras_weights.h5")


def test_a_model_that_cannot_be_written(tmp_path: Path):
    with pytest.raises(ValueError, match="no weights yet"):
        Sequential([Dense(3)]).save(tmp_path / "m.h5")
    for option in ("signatures", "options", "save_traces"):
        with pytest.raises(ArgumentError, match=f"`{option}`"):
            Sequential([Dense(1, input_shape=(2,))]).save(tmp_path / "m.h5", **{option: object()})
    for name in ("a/./b", "..", "a//b"):
        model = Sequential([Dense(1, input_shape=(2,), name=name)])
        with pytest.raises(ArgumentError, match="rename it"):
            model.save(tmp_path / "m.h5")
    assert list(tmp_path.iterdir()) == []


def test_slashes_in_names_make_groups(tmp_path: Path):
    model = Sequential([Dense(2, input_shape=(2,), name="block/a"), Dense(2, name="block/b"), Dense(2, name="block")])
    model.save(tmp_path / "m.h5")
    again = load_model(tmp_path / "m.h5", compile=False)
    for a, b in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_kernels_keep_their_memory_order(tmp_path: Path):
    model = Sequential([Conv2D(2, 3, input_shape=(5, 5, 1)), Flatten(), Dense(1)])
    model.save(tmp_path / "m.h5")
    again = load_model(tmp_path / "m.h5", compile=False)
    assert again.layers[0].kernel.stride() == model.layers[0].kernel.stride()
