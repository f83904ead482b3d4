"""Models as plain PyTorch source, programs and ONNX: every layer leaves, computes the same, trains, and needs nothing of ours."""

from __future__ import annotations

import ast
import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

sys.path.insert(0, str(Path(__file__).parents[1] / "layers"))
from table import ROWS, Row

from kcompat import layers as L
from kcompat.core import Input, InputSpec, Layer
from kcompat.errors import ArgumentError, ArgumentTypeError, FileError, NotBuiltError
from kcompat.models import Model, Sequential
from kcompat.models import export as exporting
from kcompat.tree import flatten

#: rows whose second axis has one size, with the reason
FIXED = {
    "Dot": "the axis is multiplied with one of a known size",
    "Conv2D channels_first": "channels", "GroupNormalization images": "channels", "LocallyConnected2D": "channels",
    "RMSNormalization": "weights along it", "LocallyConnected1D": "weights for each place",
    "LocallyConnected1D same": "weights for each place",
    "LocallyConnected2D packed": "weights for each place", "UpSampling2D bicubic": "channels, of which resizing makes a batch",
}  # fmt: skip
#: parameters that no gradient reaches in the layer itself either
UNREACHED = {"Embedding"}
#: the whole table takes minutes; a run without KCOMPAT_ALL=1 takes each fifth row, and those that are most unlike others
ALWAYS = {"Bidirectional", "ConvLSTM2D channels_first", "SpectralNormalization", "MultiHeadAttention images", "CenterCrop enlarging"}
NAMES = [name for index, name in enumerate(ROWS) if os.environ.get("KCOMPAT_ALL") or index % 5 == 0 or name in ALWAYS]


def imported(path: Path) -> Any:
    """The exported module, imported by its path."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def modelled(row: Row, name: str) -> Model:
    torch.manual_seed(1)
    inputs = []
    for shape in row.shapes:
        rest = list(shape[1:])
        if len(rest) > 1 and name not in FIXED:
            rest[0] = None
        inputs.append(Input(tuple(rest)))
    one = inputs[0] if len(inputs) == 1 else inputs
    return Model(one, row.make()(one))


def exported(model: Any, folder: Path, **options: Any) -> tuple[Any, str]:
    """The plain module and its text, which imports nothing but torch."""
    path = folder / "plain.py"
    model.export(path, **options)
    text = path.read_text()
    found = {a.name.split(".")[0] for n in ast.walk(ast.parse(text)) if isinstance(n, ast.Import) for a in n.names}
    found |= {n.module.split(".")[0] for n in ast.walk(ast.parse(text)) if isinstance(n, ast.ImportFrom)}
    assert found <= {"pathlib", "torch", "safetensors", "math"}
    assert "keras" not in text.lower() and "torch.ops." not in text and "kcompat" not in text
    assert max(map(len, text.splitlines())) <= 120
    return imported(path), text


def same(found: Any, wanted: Any) -> None:
    for a, b in zip(flatten(found), flatten(wanted), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_every_layer(name: str, tmp_path: Path) -> None:
    row = ROWS[name]
    model = modelled(row, name)
    module, _ = exported(model, tmp_path)
    plain = module.load()
    assert not plain.training
    for seed, batch in ((1, None), (2, 5), (3, 1)):
        inputs = row.inputs(seed, batch)
        same(plain(*flatten(inputs)), model(inputs))

    twin = type(plain)()
    twin.load_state_dict(plain.state_dict())
    inputs = row.inputs(4)
    same(twin(*flatten(inputs)), plain(*flatten(inputs)))

    inputs = [x.requires_grad_() for x in flatten(inputs)] if name not in UNREACHED else flatten(inputs)
    total = sum((o * torch.arange(1.0, o.numel() + 1).view(o.shape).sin()).sum() for o in flatten(plain.train()(*inputs)))
    trained = list(plain.parameters())
    assert len(trained) == len([p for p in model.parameters() if p.requires_grad])
    for parameter, found in zip(trained, torch.autograd.grad(total, trained) if trained else (), strict=True):
        assert found.shape == parameter.shape and torch.isfinite(found).all()


def test_fixed_rows_are_needed() -> None:
    assert set(FIXED) <= set(ROWS) and set(ALWAYS) <= set(ROWS)


def test_the_text_reads_well(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = Sequential(
        [
            Input((8, 8, 3)), L.Conv2D(4, 3, activation="relu", name="stem"), L.BatchNormalization(name="norm"),
            L.MaxPooling2D(name="pool"),
            L.Flatten(name="flat"), L.Dropout(0.3, seed=7, name="drop"), L.Dense(5, name="head"),
        ],
        name="small_cnn",
    )  # fmt: skip
    module, text = exported(model, tmp_path)
    begin, end = text.index("    def forward"), text.index("\n\ndef load")
    wanted = """def forward(self, input_1):
        # stem (Conv2D)
        permute = input_1.permute([0, 3, 1, 2])
        conv2d = F.conv2d(permute, self.stem.kernel, self.stem.bias)
        relu = F.relu(conv2d)
        # norm (BatchNormalization)
        batch_norm = F.batch_norm(
            relu,
            self.norm.moving_mean,
            self.norm.moving_variance,
            self.norm.gamma,
            self.norm.beta,
            training=self.training,
            momentum=0.01,
            eps=0.001,
        )
        # pool (MaxPooling2D)
        max_pool2d = F.max_pool2d(batch_norm, [2, 2], stride=[2, 2])
        permute_1 = max_pool2d.permute([0, 2, 3, 1])
        # flat (Flatten)
        flatten = permute_1.flatten(1)
        # drop (Dropout)
        dropout = F.dropout(flatten, 0.3, training=self.training)
        # head (Dense)
        addmm = torch.addmm(self.head.bias, dropout, self.head.kernel)
        return addmm"""
    assert text[begin:end].strip() == wanted
    plain = module.load()
    assert plain.stem.kernel.shape == (4, 3, 3, 3)  # out, in, height, width
    before = plain.norm.moving_mean.clone()
    plain.train()(torch.rand(4, 8, 8, 3))
    assert not torch.equal(before, plain.norm.moving_mean)


def test_batch_statistics_move_as_in_the_model(tmp_path: Path) -> None:
    model = Sequential([Input((4,)), L.BatchNormalization(name="norm", momentum=0.9)])
    plain = exported(model, tmp_path)[0].load().train()
    x = torch.rand(6, 4)
    same(plain(x), model(x, training=True))
    same(plain.norm.moving_variance, model.layers[-1].moving_variance.detach())


def test_runs_where_nothing_of_ours_is(tmp_path: Path) -> None:
    model = Sequential([Input((None, 4)), L.LSTM(3), L.Dense(2, name="head")])
    model.export(tmp_path / "plain.py")
    x = torch.rand(2, 7, 4)
    torch.save({"x": x, "y": model(x).detach()}, tmp_path / "pair.pt")
    script = (
        "import sys, torch, plain\n"
        "pair = torch.load('pair.pt')\n"
        "assert torch.allclose(plain.load()(pair['x']), pair['y'], atol=1e-6)\n"
        "assert not any(name.startswith(('kcompat', 'keras')) for name in sys.modules)\n"
    )
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    shown = subprocess.run([sys.executable, "plain.py"], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert "head.kernel" in shown.stdout and "(3, 2)" in shown.stdout


# -- models ----------------------------------------------------------------------------------------------------------------------


def _text_model() -> Model:
    words = Input((None,), dtype="int32")
    embedded = L.Embedding(9, 4, mask_zero=True)(words)
    both = L.Bidirectional(L.LSTM(3, return_sequences=True))(embedded)
    return Model(words, L.Dense(2)(L.LSTM(3, recurrent_activation="hard_sigmoid", go_backwards=True)(both)), name="text")


def test_masks_and_any_length(tmp_path: Path) -> None:
    model = _text_model()
    plain = exported(model, tmp_path)[0].load()
    for words in ([[1, 2, 0, 3, 0]], [[1], [0]], [[0, 0, 5, 0, 8, 0, 0, 1, 2, 3, 4], [0] * 11, [7] * 11]):
        same(plain(torch.tensor(words)), model(torch.tensor(words)))


def test_stateful(tmp_path: Path) -> None:
    model = Sequential([Input(batch_shape=(2, 3, 4)), L.LSTM(3, stateful=True), L.Dense(2)])
    plain = exported(model, tmp_path)[0].load()
    x = torch.rand(2, 3, 4)
    for _ in range(3):
        same(plain(x), model(x))


def test_structures_nested_models_and_shared_layers(tmp_path: Path) -> None:
    inner_in = Input((4,))
    inner = Model(inner_in, L.Dense(3, name="deep")(inner_in), name="inner part")
    b, a = Input((4,), name="b"), Input((4,), name="a")
    shared = L.Dense(4, name="class")
    model = Model({"b": b, "a": a}, {"x": [inner(shared(a)), L.Lambda(lambda t: t**2 + 1)(b)], "y": inner(shared(b))}, name="for")
    module, text = exported(model, tmp_path)
    plain = module.load()
    assert len(list(plain.parameters())) == 4 and "# inner part.deep (Dense)" in text
    given = {"b": torch.rand(3, 4), "a": torch.rand(3, 4)}
    found, wanted = plain(**given), model(given)
    assert set(found) == {"x", "y"} and isinstance(found["x"], list)
    same(found, wanted)


@pytest.mark.parametrize("name", ["1st-block", "a b", "lambda", "größe", "forward", "ﬁ²", "_infer", "input", "torch"])
def test_odd_names(name: str, tmp_path: Path) -> None:
    i = Input((4,), name="sum")
    model = Model(i, L.Dense(2, name=name)(i), name="2 models")
    x = torch.rand(2, 4)
    same(exported(model, tmp_path)[0].load()(x), model(x))


def test_names_that_become_the_same(tmp_path: Path) -> None:
    model = Sequential([Input((4,)), L.Dense(3, name="a-b"), L.Dense(3, name="a_b"), L.Dense(3, name="a b")])
    plain = exported(model, tmp_path)[0].load()
    assert len(plain.state_dict()) == 6
    same(plain(torch.ones(2, 4)), model(torch.ones(2, 4)))


def test_subclass_and_signatures(tmp_path: Path) -> None:
    class Own(Model):
        def __init__(self) -> None:
            super().__init__()
            self.parts = [L.Dense(3), L.Dense(2)]

        def call(self, x: Any) -> Any:
            return self.parts[1](self.parts[0](x)) * 2

    model = Own()
    with pytest.raises(NotBuiltError, match="Call it on data first"):
        model.export(tmp_path / "m.py")
    x = torch.rand(3, 4)
    model(x)
    with pytest.raises(ArgumentError, match="input_signature"):
        model.export(tmp_path / "m.py")
    for signature in (x, [InputSpec(shape=(None, 4), dtype="float32")], np.ones((2, 4), "float32")):
        same(exported(model, tmp_path, input_signature=signature)[0].load()(x), model(x))


def test_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = Sequential([Input((4,)), L.Dense(3)])
    for kind in ("tf_saved_model", "litert", "openvino"):
        with pytest.raises(ArgumentError, match="there are 'torch', 'torch_export', 'onnx', 'safetensors'"):
            model.export(tmp_path / "m", format=kind)
    with pytest.raises(ArgumentError, match=r"must be one of .* received None"):
        model.export(tmp_path / "m.bin")
    with pytest.raises(ArgumentTypeError, match="opset_version"):
        model.export(tmp_path / "m.py", opset_version=18)
    with pytest.raises(FileError, match="axis 1 of the input 'long' is open"):
        long = Input((None, 4), name="long")
        Model(long, L.Lambda(lambda t: t.reshape(-1, int(t.shape[1]) * 4)[:, : 2 * len([*t.unbind(1)])])(long)).export(tmp_path / "m.pt2")
    assert not list(tmp_path.iterdir())
    model.export(tmp_path / "m.safetensors", verbose=True)
    assert "m.safetensors" in capsys.readouterr().out


def test_what_differs_is_not_written(tmp_path: Path) -> None:
    class Odd(Layer):
        def call(self, x: Any) -> Any:
            return x * (1.0 if torch.compiler.is_exporting() else 2.0)

    i = Input((4,))
    with pytest.raises(FileError, match="does not give the model's outputs"):
        Model(i, Odd()(i)).export(tmp_path / "m.py")
    assert not list(tmp_path.iterdir())


# -- programs and ONNX ---------------------------------------------------------------------------------------------------------------


def test_program_of_any_length(tmp_path: Path) -> None:
    model = _text_model()
    model.export(tmp_path / "m.pt2", format="torch")
    program = torch.export.load(tmp_path / "m.pt2").module()
    for words in (torch.tensor([[1, 2, 0, 3, 0], [0, 0, 1, 1, 1]]), torch.randint(0, 9, (3, 12))):
        same(program(words.int()), model(words.int()))


def _onnx_run(path: Path, *arrays: np.ndarray) -> list[np.ndarray]:
    import onnxruntime as runtime

    options = runtime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = 1
    session = runtime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return session.run(None, {given.name: array for given, array in zip(session.get_inputs(), arrays, strict=True)})


def _image_model() -> Model:
    image = Input((12, 12, 3), name="image")
    x = L.Conv2D(4, 3, strides=2, padding="same", activation="relu")(image)
    x = L.Add()([L.BatchNormalization()(x), x])
    return Model(image, L.Dense(3, activation="softmax")(L.GlobalAveragePooling2D()(x)), name="images")


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", ["images", "text", "attention"])
def test_onnx(kind: str, tmp_path: Path) -> None:
    if kind == "images":
        model, inputs = _image_model(), [torch.rand(n, 12, 12, 3) for n in (2, 5)]
    elif kind == "text":
        model, inputs = _text_model(), [torch.randint(0, 9, (n, 4 + n)).int() for n in (2, 5)]
    else:
        i = Input((None, 4))
        model, inputs = Model(i, L.LayerNormalization()(L.MultiHeadAttention(2, 3)(i, i))), [torch.rand(n, 3 + n, 4) for n in (2, 5)]
    model.export(tmp_path / "m.onnx", format="onnx")
    for x in inputs:
        np.testing.assert_allclose(_onnx_run(tmp_path / "m.onnx", x.numpy())[0], model(x).detach().numpy(), atol=2e-5)


def test_onnx_without_its_packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exporting.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ImportError, match=r"pip install 'kcompat\[onnx\]'"):
        _image_model().export(tmp_path / "m.onnx")
