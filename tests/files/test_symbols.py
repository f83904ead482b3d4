"""Functions of TensorFlow and Keras 3 inside of models: shapes that vary, the way there and back, names that nobody knows, constants."""

from __future__ import annotations

import copy
import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from kcompat import config
from kcompat.errors import ArgumentError, UnknownNameError
from kcompat.files.symbols import keras3, nodes
from kcompat.files.symbols.layers import SlicingOpLambda, TensorFlowOpLayer, TFOpLambda, as_layer_entry
from kcompat.files.symbols.table import TABLE, find
from kcompat.layers import Dense, Input
from kcompat.models import Model, load_model, model_from_config
from parity import store

REFERENCES = Path(__file__).parents[2] / "parity" / "references"


def recorded(generation: str) -> dict[str, Any]:
    """name -> config of each recorded model of one function."""
    records, _ = store.read(REFERENCES / generation / "tf_ops.npz")
    return {name: record["facts"]["config"] for name, record in records.items()}


def test_the_table_is_large() -> None:
    """So many symbols, operations of graphs, and operations of Keras 3; each is found under both of TensorFlow's names."""
    assert len(TABLE) >= 250
    assert len(nodes._SAME) + len(nodes._WITH_ATTRIBUTES) >= 150
    assert len(keras3.TABLE) >= 150
    assert find("abs") is find("math.abs")
    assert find("compat.v1.math.abs") is find("math.abs")
    assert find("io.write_file") is None
    assert find("py_function") is None


def written_nodes(layers: list[dict[str, Any]]) -> list[Any]:
    """The functions of a config and their calls, without the arguments that say nothing."""

    def bare(value: Any) -> Any:
        if isinstance(value, dict):
            return {k: bare(v) for k, v in value.items() if v is not None}
        return [bare(v) for v in value] if isinstance(value, (list, tuple)) else value

    functions = ("TFOpLambda", "SlicingOpLambda")
    return [bare([e["class_name"], e["config"], e["inbound_nodes"]]) for e in layers if e["class_name"] in functions]


def test_what_tf_keras_wrote_is_written_again() -> None:
    """Config, reading, config: the same functions with the same arguments, for every recorded function."""
    lost = ("tf_ops/operators___eq", "tf_ops/operators___ne")  # tf.keras itself loses their second operand
    for name, told in recorded("2.15").items():
        if name in lost:
            continue
        model = model_from_config({"class_name": "Functional", "config": told})
        again = json.loads(model.to_json())["config"]
        assert written_nodes(again["layers"]) == written_nodes(told["layers"]), name


def test_what_keras_3_wrote_is_written_again() -> None:
    """The same for the operations of Keras 3."""
    with config.keras_version_scope("3"):
        for name, told in recorded("3").items():
            again = json.loads(model_from_config({"class_name": "Functional", "config": told}).to_json())["config"]
            for ours, theirs in zip(again["layers"], told["layers"], strict=True):
                assert ours["inbound_nodes"] == theirs["inbound_nodes"], name
                assert {k: ours[k] for k in ("module", "class_name", "config")} == {
                    k: theirs[k] for k in ("module", "class_name", "config")
                }, name


def torch_model() -> Model:
    """A model of torch functions, arithmetic and indexing."""
    x = Input((4,), name="x")
    y = torch.cat([torch.relu(x * 2.0 + 1.0), x], -1)[:, 1:7]
    y = 1.0 / (torch.abs(y) + 1.0)
    y = y - y.mean(-1, keepdim=True)
    y = Dense(6, name="d")(torch.where(y > 0, y, y * 0.1))
    y = torch.softmax(y.reshape(-1, 2, 3).permute(0, 2, 1), dim=-1)
    y = F.gelu(torch.flatten(y, 1)) + torch.clamp(y.reshape(-1, 6), 0.1, 0.9)
    y = torch.stack([y, y], 1).sum(1).unsqueeze(1)[:, 0, ::2]
    return Model(x, torch.squeeze(torch.matmul(y.unsqueeze(1), y.unsqueeze(2)), 1))


@pytest.mark.parametrize("generation", ["2.15", "3"])
def test_a_model_of_torch_functions_is_written(generation: str, tmp_path: Path) -> None:
    """Real tf_keras and Keras 3 load what is written here (tried by hand); so do we, from every format."""
    with config.keras_version_scope(generation):
        model = torch_model()
    x = torch.randn(5, 4)
    for name in ("m.h5", "m.keras"):
        model.save(tmp_path / name)
        again = load_model(tmp_path / name, compile=False)
        torch.testing.assert_close(again(x), model(x))
        torch.testing.assert_close(copy.deepcopy(again)(x), model(x))
        torch.testing.assert_close(pickle.loads(pickle.dumps(again))(x), model(x))
    entries = json.loads(model.to_json())["config"]["layers"]
    kinds = {entry["class_name"] for entry in entries}
    assert ({"TFOpLambda", "SlicingOpLambda"} if generation == "2.15" else {"Relu", "GetItem", "Mean"}) <= kinds


def test_a_function_without_a_name_is_refused() -> None:
    """The error names the function, and the argument where only that has no counterpart."""
    x = Input((4,))
    with pytest.raises(ArgumentError, match="`hardshrink`"):
        Model(x, F.hardshrink(x)).to_json()
    with pytest.raises(ArgumentError, match="alpha"):
        Model(x, torch.add(x, x, alpha=2)).to_json()


def tf_model(function: str, keywords: dict[str, Any], shape: tuple[Any, ...] = (None, 4), first: Any = None) -> dict[str, Any]:
    """The config of a model with one function."""
    inputs = {"class_name": "InputLayer", "config": {"batch_input_shape": list(shape), "dtype": "float32", "name": "x"}, "name": "x"}
    node = [*(first if first is not None else ["x", 0, 0]), keywords]
    name = f"tf.{function}"
    layer = {"class_name": "TFOpLambda", "config": {"name": name, "function": function}, "name": name, "inbound_nodes": [node]}
    layers = [{**inputs, "inbound_nodes": []}, layer]
    return {
        "class_name": "Functional",
        "config": {"name": "m", "layers": layers, "input_layers": [["x", 0, 0]], "output_layers": [[name, 0, 0]]},
    }


def test_unknown_symbols_are_named() -> None:
    """No function of a file is looked up anywhere but in the table; the user may give it."""
    for symbol in ("io.write_file", "py_function", "numpy_function", "raw_ops.WriteFile", "__class__", "math"):
        with pytest.raises(UnknownNameError, match=symbol):
            model_from_config(tf_model(symbol, {}))
    model = model_from_config(tf_model("my.own", {"by": 3}), {"tf.my.own": lambda x, by: x * by})
    np.testing.assert_array_equal(model(torch.ones(2, 4)).numpy(), 3 * np.ones((2, 4)))
    with pytest.raises(UnknownNameError, match="WriteFile"):
        TensorFlowOpLayer({"op": "WriteFile", "name": "w"})
    entry = {"module": "keras.src.ops.numpy", "class_name": "Bogus", "config": {"name": "b"}, "registered_name": "Bogus"}
    with pytest.raises(UnknownNameError, match="Bogus"):
        model_from_config({"class_name": "Functional", "config": {**tf_model("abs", {})["config"], "layers": [entry]}})


def test_a_constant_before_the_tensor() -> None:
    """1 / x: the row of a constant, and the tensor among the keywords."""
    told = tf_model("math.truediv", {"y": ["x", 0, 0], "name": None}, first=["_CONSTANT_VALUE", -1, 1.0])
    model = model_from_config(told)
    np.testing.assert_array_equal(model(torch.full((2, 4), 4.0)).numpy(), np.full((2, 4), 0.25))
    assert json.loads(model.to_json())["config"]["layers"][1]["inbound_nodes"] == [["_CONSTANT_VALUE", -1, 1.0, {"y": ["x", 0, 0]}]]


def test_sizes_of_axes_trace() -> None:
    """`tf.shape` in a model is no value to wait for: another batch size works, compiled and exported too."""
    x = Input((6, 4))
    count = TFOpLambda("__operators__.getitem")(TFOpLambda("shape")(x), index=0)
    y = TFOpLambda("reshape")(x, shape=[count, 3, -1])
    assert y.shape == (None, 3, 8)
    model = Model(x, y)
    assert model(torch.zeros(5, 6, 4)).shape == (5, 3, 8)
    compiled = torch.compile(model, fullgraph=True, backend="eager", dynamic=True)
    for batch in (2, 3):
        assert compiled(torch.zeros(batch, 6, 4)).shape == (batch, 3, 8)


def test_a_shape_that_depends_on_values() -> None:
    """`tf.boolean_mask` gives as many rows as the mask has; before it runs nobody knows."""
    x, mask = Input((4,)), Input((), dtype="bool")
    kept = SlicingOpLambda("boolean_mask")(x, mask=mask)
    assert kept.shape == (None, 4)
    model = Model([x, mask], kept)
    assert model([torch.zeros(3, 4), torch.tensor([True, False, True])]).shape == (2, 4)


def test_nodes_of_a_graph() -> None:
    """TF 2.0 to 2.3: attributes by type, constants by place."""
    told = {"name": "m", "op": "Mean", "input": ["a", "b"], "attr": {"keep_dims": {"b": True}, "T": {"type": "DT_FLOAT"}}}
    layer = TensorFlowOpLayer(told, constants={"1": [1]})
    assert layer.name == "tf_op_layer_m"
    np.testing.assert_array_equal(layer(torch.tensor([[1.0, 3.0]])).numpy(), [[2.0]])
    assert layer.get_config()["constants"] == {"1": [1]}
    masks = {"begin_mask": {"i": "1"}, "end_mask": {"i": "1"}, "shrink_axis_mask": {"i": "2"}}
    sliced = TensorFlowOpLayer({"name": "s", "op": "StridedSlice", "attr": masks}, constants={"1": [0, 2], "2": [0, 3], "3": [1, 1]})
    np.testing.assert_array_equal(sliced(torch.arange(8.0).reshape(2, 4)).numpy(), [2.0, 6.0])


def test_operations_without_a_module() -> None:
    """Keras 3 leaves the module out in HDF5: `Add` with two arguments is an operation, with a dtype a layer."""
    call = {"args": [1, 2], "kwargs": {}}
    assert as_layer_entry({"class_name": "Relu", "config": {"name": "relu"}, "inbound_nodes": [call]})["class_name"] == "Operation"
    layer = {"class_name": "Add", "config": {"name": "add", "trainable": True, "dtype": "float32"}, "inbound_nodes": [call]}
    assert as_layer_entry(layer) is layer
