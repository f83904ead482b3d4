"""Published and home-made attacks through `.keras`, `.weights.h5` and `.weights.json`: each is refused by a `FileError`, and nothing runs.

Those through links, external storage and shapes in HDF5 stand in `test_hdf5.py` too, where the reader is tested alone.
"""

from __future__ import annotations

import base64
import functools
import io
import json
import marshal
import struct
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from kcompat import config, registry, saving
from kcompat.config import keras_version_scope
from kcompat.core import Input
from kcompat.errors import FileError, KcompatError, UnsafeFileError
from kcompat.files.hdf5 import open_file
from kcompat.layers import Dense
from kcompat.models import Sequential, load_model, model_from_json

GENERATIONS = ["2.15", "3"]


def net(version: str = "3") -> Sequential:
    with keras_version_scope(version):
        return Sequential([Input((3,)), Dense(2, name="d")], name="net")


@functools.cache
def _members(version: str) -> dict[str, bytes]:
    store: dict[str, bytes] = {}
    net(version).save(store)
    return store


def members(version: str = "3") -> dict[str, bytes]:
    """A good file, as its parts."""
    return dict(_members(version))


def packed(store: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", compression) as archive:
        for name, content in store.items():
            archive.writestr(name, content)
    return stream.getvalue()


def with_layer(layer: dict[str, Any], version: str = "3") -> bytes:
    """A good file into whose model a layer was put."""
    store = members(version)
    described = json.loads(store["config.json"])
    described["config"]["layers"].insert(1, layer)
    return packed({**store, "config.json": json.dumps(described).encode()})


def changed(change: Callable[[dict[str, Any]], Any], version: str = "3") -> bytes:
    """A good file whose config was changed in place."""
    store = members(version)
    described = json.loads(store["config.json"])
    change(described)
    return packed({**store, "config.json": json.dumps(described).encode()})


def with_weights(change: Callable[[h5py.File], Any]) -> bytes:
    """A good file whose weights were changed."""
    store = members()
    stream = io.BytesIO(store["model.weights.h5"])
    with h5py.File(stream, "r+") as file:
        change(file)
    return packed({**store, "model.weights.h5": stream.getvalue()})


def refused(content: bytes | dict[str, bytes], says: str, kind: type[Exception] = FileError, **options: Any) -> None:
    with pytest.raises(kind, match=says or None):
        load_model(content, **options)


def test_the_good_file_loads():
    assert load_model(packed(members())).predict(np.ones((1, 3)), verbose=0).shape == (1, 2)
    assert load_model(packed(members(), zipfile.ZIP_DEFLATED)).predict(np.ones((1, 3)), verbose=0).shape == (1, 2)


# -- code -----------------------------------------------------------------------------------------------------------------


def bomb(path: Path) -> str:
    code = compile(f"open({str(path)!r}, 'w').write('ran')", "<attack>", "eval")
    return base64.b64encode(marshal.dumps(code)).decode()


def lambdas(path: Path) -> list[Any]:
    code = bomb(path)
    return [
        {"class_name": "__lambda__", "config": {"code": code, "defaults": None, "closure": None}},
        {"class_name": "__lambda__", "config": {"value": [code, None, None]}},
        [code, None, None],
    ]


@pytest.mark.parametrize("version", GENERATIONS)
@pytest.mark.parametrize("form", range(3))
@pytest.mark.parametrize("place", ["function", "output_shape", "mask", "wrapped", "nested", "initializer", "activation"])
def test_bytecode_does_not_run(tmp_path: Path, version: str, form: int, place: str):
    """CVE-2024-3660, CVE-2025-9905, CVE-2026-12481."""
    code = lambdas(tmp_path / "ran")[form]
    inner: dict[str, Any] = {"class_name": "Lambda", "config": {"name": "l", "function": code}, "module": "keras.layers"}
    if place in ("output_shape", "mask"):
        inner["config"] = {"name": "l", "function": "relu", place: code, f"{place}_type": "lambda"}
    elif place == "wrapped":
        inner = {"class_name": "TimeDistributed", "config": {"name": "t", "layer": inner}}
    elif place == "nested":
        inner = {"class_name": "Sequential", "config": {"name": "s", "layers": [inner]}}
    elif place in ("initializer", "activation"):
        key = "kernel_initializer" if place == "initializer" else place
        inner = {"class_name": "Dense", "config": {"name": "x", "units": 3, key: code}}
    for options in ({}, {"safe_mode": True}, {"safe_mode": None}, {"compile": False}):
        refused(with_layer(inner, version), "", **options)
    described = json.loads(members(version)["config.json"])
    described["config"]["layers"].insert(1, inner)
    for read in (lambda: model_from_json(json.dumps(described)), lambda: saving.deserialize_keras_object(described)):
        with pytest.raises(KcompatError):
            read()
    assert not (tmp_path / "ran").exists()


NAMES = ["get_file", "os.system", "system", "eval", "enable_unsafe_deserialization", "load_model", "set_floatx", "load_data", "__import__"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("module", ["builtins", "os", "keras.utils", "keras.config", "kcompat.config", None])
def test_a_function_is_looked_up_among_functions_of_its_kind(name: str, module: str | None):
    """CVE-2025-1550, CVE-2025-8747, CVE-2025-9906: no module is imported, no function of another kind found."""
    function = {"module": module, "class_name": "function", "config": name, "registered_name": name}
    for told in (function, name):
        refused(
            with_layer({"class_name": "Lambda", "config": {"name": "l", "function": told, "arguments": {"origin": "file:///etc/passwd"}}}),
            "",
        )
        refused(with_layer({"class_name": "Dense", "config": {"name": "x", "units": 3, "activation": told}}), "")
        with pytest.raises(KcompatError):
            saving.deserialize_keras_object(function)


@pytest.mark.parametrize(
    "named",
    [
        {"module": "os", "class_name": "system", "config": {"command": "true"}, "registered_name": None},
        {"module": "subprocess", "class_name": "Popen", "config": {"args": ["true"]}, "registered_name": "Popen"},
        {"module": "keras.layers", "class_name": "TFSMLayer", "config": {"filepath": "/tmp"}},
        {"module": "keras.layers", "class_name": "__class__", "config": {}},
        {"module": "keras.layers", "class_name": "Model.__init__", "config": {}},
        {"module": ["os"], "class_name": ["system"], "config": {}},
        {"module": "keras.layers", "class_name": "Dense", "config": {"name": "d2", "units": 3}, "registered_name": 5},
        {"module": "keras.layers", "class_name": "Adam", "config": {}},
    ],
)
def test_a_class_is_looked_up_among_layers(named: dict[str, Any]):
    """CVE-2025-1550, CVE-2026-1462, keras #22779."""
    refused(with_layer(named), "")


def test_a_wrapped_torch_module_is_not_unpickled(tmp_path: Path):
    """CVE-2025-49655."""

    class Attack:
        def __reduce__(self):
            return (open, (str(tmp_path / "ran"), "w"))

    import pickle

    content = base64.b64encode(pickle.dumps(Attack())).decode()
    for module in (content, {"class_name": "__bytes__", "config": {"value": content}}, {"module": "torch.nn", "class_name": "Linear"}):
        refused(with_layer({"class_name": "TorchModuleWrapper", "config": {"name": "w", "module": module}}), "")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("class_name", ["StringLookup", "IntegerLookup", "TextVectorization"])
@pytest.mark.parametrize("key", ["vocabulary", "idf_weights"])
def test_a_vocabulary_is_data_never_a_path(class_name: str, key: str):
    """CVE-2025-12058."""
    refused(with_layer({"class_name": class_name, "config": {"name": "words", key: "/etc/passwd"}}), "not opened", UnsafeFileError)


def test_a_file_cannot_choose_its_own_safety(tmp_path: Path):
    """CVE-2025-9906: keys in a file that look like arguments mean nothing."""
    layer = {
        "class_name": "Lambda",
        "config": {"name": "l", "function": lambdas(tmp_path / "ran")[0], "safe_mode": False},
        "safe_mode": False,
    }
    refused(with_layer(layer), "")
    refused(changed(lambda c: c.update(safe_mode=False) or c["config"]["layers"].insert(1, layer)), "")
    assert not (tmp_path / "ran").exists()


def test_a_load_changes_no_global_state():
    before = config.floatx(), config.epsilon(), config.keras_version(), dict(registry.get_custom_objects())
    load_model(packed(members("3")))
    refused(with_layer({"class_name": "Nothing", "config": {}}), "Nothing", custom_objects={"Thing": Dense})
    assert before == (config.floatx(), config.epsilon(), config.keras_version(), dict(registry.get_custom_objects()))


# -- the archive ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["../outside", "/etc/cron.d/x", "assets/../../x", "assets\\..\\x", "C:/x", "assets/layers/../../../x"])
def test_names_that_lead_out(name: str):
    refused(packed({**members(), name: b"x"}), "leads out", UnsafeFileError)


def test_links_and_devices():
    for kind in (0o120777, 0o020666, 0o010666):
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w") as archive:
            for name, content in members().items():
                info = zipfile.ZipInfo(name)
                info.external_attr = (kind if name == "model.weights.h5" else 0o100644) << 16
                archive.writestr(info, b"/etc/passwd" if name == "model.weights.h5" else content)
        refused(stream.getvalue(), "link or a device", UnsafeFileError)


def test_links_in_a_folder_are_not_followed(tmp_path: Path):
    net().save(tmp_path / "m", zipped=False)
    (tmp_path / "elsewhere.h5").write_bytes((tmp_path / "m" / "model.weights.h5").read_bytes())
    (tmp_path / "m" / "model.weights.h5").unlink()
    (tmp_path / "m" / "model.weights.h5").symlink_to(tmp_path / "elsewhere.h5")
    with pytest.raises(FileError, match=r"no member 'model\.weights\.h5'"):
        load_model(tmp_path / "m")


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_members_of_one_name():
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in [*members().items(), ("config.json", b"{}")]:
            archive.writestr(name, content)
    refused(stream.getvalue(), "two members", UnsafeFileError)


def test_bombs():
    zeros = b" " * (64 << 20)
    for name in ("config.json", "model.weights.h5", "metadata.json"):
        refused(packed({**members(), name: zeros}, zipfile.ZIP_DEFLATED), "bomb", UnsafeFileError)


def test_a_member_that_lies_about_its_size():
    content = bytearray(packed({**members(), "config.json": b" " * (8 << 20)}, zipfile.ZIP_DEFLATED))
    for signature, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        at = content.find(signature)
        while at >= 0:
            name_at = at + (30 if offset == 22 else 46)
            if content[name_at : name_at + 11] == b"config.json":
                struct.pack_into("<I", content, at + offset, 10)
            at = content.find(signature, at + 4)
    refused(bytes(content), "size or checksum")


def test_damage_in_the_archive():
    good = packed(members())
    at = good.find(b"\x89HDF")
    refused(good[: at + 2000] + b"\xff" + good[at + 2001 :], "checksum")
    refused(good[: len(good) // 2], "no zip archive")
    refused(b"PK", "no zip archive")
    refused(good.replace(b"PK\x03\x04", b"PK\x03\x05"), "not where")
    store = members()
    for name in store:
        refused(packed({k: v for k, v in store.items() if k != name}), f"no member '{name}'")
    encrypted = bytearray(good)
    at = encrypted.find(b"PK\x01\x02")
    encrypted[at + 8] |= 1
    refused(bytes(encrypted), "encrypted")


# -- HDF5 inside the archive ----------------------------------------------------------------------------------------------------

KERNEL = "layers/dense/vars/0"


def replace(file: h5py.File, thing: Any) -> None:
    del file[KERNEL]
    file[KERNEL] = thing


def external_storage(file: h5py.File) -> None:
    del file[KERNEL]
    file.create_dataset(KERNEL, (3, 2), "f4", external=[("/etc/passwd", 0, 24)])


def virtual(file: h5py.File) -> None:
    del file[KERNEL]
    layout = h5py.VirtualLayout((3, 2), "f4")
    layout[:] = h5py.VirtualSource("/etc/passwd", "x", (3, 2))
    file.create_virtual_dataset(KERNEL, layout)


def huge(file: h5py.File) -> None:
    del file[KERNEL]
    file.create_dataset(KERNEL, (1 << 20, 1 << 20), "f4", chunks=(1, 1 << 20))


@pytest.mark.parametrize(
    "attack",
    [
        lambda file: replace(file, h5py.ExternalLink("/etc/passwd", "/")),
        lambda file: replace(file, h5py.SoftLink("/layers/dense/vars/1")),
        lambda file: (file.move("layers/dense", "moved"), file.__setitem__("layers/dense", h5py.SoftLink("/moved"))),
        lambda file: (file.move("layers", "moved"), file.__setitem__("layers", h5py.ExternalLink("/tmp/other.h5", "/layers"))),
        external_storage,
        virtual,
        huge,
        lambda file: replace(file, np.array([b"text"] * 6).reshape(3, 2)),
        lambda file: replace(file, np.zeros((3, 2), [("a", "f4")])),
    ],
)
def test_arrays_that_are_not_in_the_file_or_are_no_numbers(attack: Callable[[h5py.File], Any]):
    """CVE-2026-1669, CVE-2026-0897, CVE-2026-12570, keras PRs 22899, 22900, 22976."""
    refused(with_weights(attack), "", UnsafeFileError)


def test_missing_odd_and_misshapen_variables():
    refused(with_weights(lambda f: f.__delitem__(KERNEL)), "2 variables.*the file has 1")
    refused(with_weights(lambda f: f.move(KERNEL, "layers/dense/vars/7")), "numbered")
    refused(with_weights(lambda f: replace(f, np.zeros((4, 2), "f4"))), r"\(3, 2\).*\(4, 2\)")
    refused(with_weights(lambda f: (f.__delitem__(KERNEL), f.create_group(KERNEL))), "no array")
    refused(with_weights(lambda f: f.__delitem__("layers")), "2 variables.*the file has 0")


# -- the config ---------------------------------------------------------------------------------------------------------------


def test_a_config_that_asks_for_more_than_the_file_has():
    """CVE-2026-0897: the model is not built in the size that a config claims."""

    def grow(described: dict[str, Any]) -> None:
        described["config"]["layers"][1]["config"]["units"] = 1 << 40

    refused(changed(grow), "more than the file has values for", UnsafeFileError)


@pytest.mark.parametrize(
    "text",
    [
        b"[" * 200_000, b'{"a":' * 100_000, b"{", b"[]", b"null", b'"Dense"', b"\xff\xfe", b"", b'{"class_name": 5, "config": {}}', b"NaN",
        b'{"class_name": "Dense", "config": {"units": 3}}', b'{"class_name": "Sequential"}', b'{"class_name": "Sequential", "config": 7}',
        b'{"class_name": "Functional", "config": {"layers": 3, "input_layers": [], "output_layers": []}}',
    ],
)  # fmt: skip
def test_texts_that_are_no_config(text: bytes):
    """CWE-674."""
    refused(packed({**members(), "config.json": text}), "")


@pytest.mark.parametrize("version", [None, 3, "", "x" * 10_000, "3.0; import os", "../3", {"a": 1}, "\u0663.0"])
def test_versions_that_are_none(version: Any):
    refused(packed({**members(), "metadata.json": json.dumps({"keras_version": version}).encode()}), "release")


@pytest.mark.parametrize(
    "compile_config", [{"optimizer": {"class_name": "os.system", "config": {}}}, {"optimizer": 5}, [1], {"loss": "x"}, "adam"]
)
def test_training_configs_that_are_none(compile_config: Any):
    refused(changed(lambda c: c.update(compile_config=compile_config)), "")


@pytest.mark.parametrize(
    "metric",
    [
        {"class_name": "AUC", "config": {"name": "q", "num_thresholds": 1 << 40}},
        {"class_name": "PrecisionAtRecall", "config": {"name": "q", "recall": 0.5, "num_thresholds": 1 << 40}},
        {"class_name": "MeanIoU", "config": {"name": "q", "num_classes": 1 << 20}},
        {"class_name": "AUC", "config": {"name": "q", "multi_label": True, "num_labels": 1 << 40}},
    ],
)
def test_a_metric_that_asks_for_much(metric: dict[str, Any]):
    """State of metrics is made while a file is read, but no file has values for it."""
    told = {"optimizer": {"module": "keras.optimizers", "class_name": "SGD", "config": {}}, "loss": "mse"}
    told["metrics"] = [{"module": "keras.metrics", "registered_name": None, **metric}]
    refused(changed(lambda c: c.update(compile_config=told)), "more than the file has values for", UnsafeFileError)


def test_compressed_arrays_that_become_a_multiple_of_the_file(tmp_path: Path):
    """CWE-409: each array is within what gzip can do, all of them together would be 512 MB out of one."""
    chunk = np.zeros(1 << 20, "float32")
    chunk[:2048] = np.random.default_rng(0).uniform(size=2048)
    with h5py.File(tmp_path / "x.h5", "w") as file:
        for number in range(4):
            made = file.create_dataset(f"{number}", (1 << 25,), "f4", chunks=chunk.shape, compression="gzip")
            for start in range(0, 1 << 25, 1 << 20):
                made[start : start + chunk.size] = chunk
    with open_file(tmp_path / "x.h5") as root, pytest.raises(UnsafeFileError, match="bomb"):
        for number in range(4):
            root.array(f"{number}").read()


def test_many_layers_take_work_by_their_number():
    """Not by the square of it: four times as many layers, about four times as many calls of Python functions."""
    layers = [{"class_name": "Activation", "config": {"name": f"a{i}", "activation": "linear"}} for i in range(600)]
    calls = []
    for count in (150, 600):
        content = changed(lambda c, count=count: c["config"]["layers"].extend(layers[:count]))
        calls.append(0)

        def note(frame, event, argument):
            calls[-1] += event == "call"

        sys.setprofile(note)
        try:
            load_model(content)
        finally:
            sys.setprofile(None)
    assert calls[1] < 6 * calls[0]


def test_a_string_model_names_the_classes_that_are_missing():
    """The first error is that of the input; behind it stands a layer that nobody has."""
    described = json.loads(members("3")["config.json"])
    described["config"]["layers"][0]["config"]["dtype"] = "string"
    described["config"]["layers"].insert(1, {"class_name": "MyLookup", "config": {"name": "x"}})
    refused(packed({**members("3"), "config.json": json.dumps(described).encode()}), "MyLookup")


def test_calls_in_a_circle():
    """CWE-835."""
    layer = {"class_name": "Dense", "config": {"name": "a", "units": 3}, "name": "a"}
    tensor = {"class_name": "__keras_tensor__", "config": {"shape": [None, 3], "dtype": "float32", "keras_history": ["b", 0, 0]}}
    back = {"class_name": "__keras_tensor__", "config": {"shape": [None, 3], "dtype": "float32", "keras_history": ["a", 0, 0]}}
    described = {
        "class_name": "Functional",
        "config": {
            "name": "m",
            "layers": [
                {**layer, "inbound_nodes": [{"args": [tensor], "kwargs": {}}]},
                {
                    "class_name": "Dense",
                    "config": {"name": "b", "units": 3},
                    "name": "b",
                    "inbound_nodes": [{"args": [back], "kwargs": {}}],
                },
            ],
            "input_layers": [["a", 0, 0]],
            "output_layers": [["b", 0, 0]],
        },
    }
    refused(packed({**members(), "config.json": json.dumps(described).encode()}), "no graph")


# -- shards ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["../x.weights.h5", "/etc/passwd", "a/b.weights.h5", "..", "", 5, "a\\b", "x\0y"])
def test_shards_lie_beside_their_index(tmp_path: Path, name: Any):
    (tmp_path / "w.weights.json").write_text(json.dumps({"metadata": {}, "weight_map": {"/vars": [name]}}))
    model = net()
    with pytest.raises(FileError, match="beside it"):
        model.load_weights(tmp_path / "w.weights.json")


def test_a_mapping_must_hold_bytes():
    refused({"config.json": "text"}, "names to bytes")  # type: ignore[dict-item]
    refused({}, "no member")
