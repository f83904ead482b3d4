"""The command line."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest

import kcompat
from kcompat import cli
from kcompat.layers import Dense, Input
from kcompat.models import Sequential, clone_model, load_model, model_from_json

FILES = Path(__file__).parent / "files" / "data"


@pytest.fixture(autouse=True)
def _wide(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("COLUMNS", "200")


def run(capsys, *arguments: str) -> tuple[int, str, str]:
    code = cli.main(list(arguments))
    out, err = capsys.readouterr()
    return code, " ".join(out.split()), " ".join(err.split())


def test_version_and_help(capsys):
    for option, says in (("--version", f"kcompat {kcompat.__version__}"), ("--help", "inspect")):
        with pytest.raises(SystemExit) as left:
            cli.main([option])
        assert left.value.code == 0 and says in capsys.readouterr().out
    assert cli.main([]) == 2 and "usage: kcompat" in capsys.readouterr().out


def test_inspect_a_model(capsys):
    code, out, _ = run(capsys, "inspect", str(FILES / "tfkeras_functional.h5"))
    assert code == 0
    for says in (
        "tfkeras_functional.h5 model", "written by Keras 2.21.0 on tensorflow",
        "compiled with SGD, loss ['mse', 'mse'], optimizer state of 9 arrays",
        "shared │ Dense │ (4, 5) (5,) │ 25", "inner │ Functional │ (4,) (4,) (4, 2) (2,) (5, 4) (4,) (4,) (4,) │ 50", "act │ Activation",
        "93 numbers in the weights", "Everything in it would load.",
    ):  # fmt: skip
        assert says in out, says


def test_inspect_weights(capsys):
    code, out, _ = run(capsys, "inspect", str(FILES / "keras224_weights.h5"))
    assert code == 0 and "weights only" in out and "Keras 2.2.4" in out and "203 numbers" in out and "load_weights" in out


@pytest.mark.parametrize("writer", ["keras224", "tfkeras", "keras3"])
def test_inspect_says_what_would_not_load(capsys, writer: str):
    code, out, _ = run(capsys, "inspect", str(FILES / f"{writer}_lambda.h5"))
    assert code == 1 and "would not load as it is: Lambda 'twice'" in out and "safe_mode=False" in out


def test_inspect_names_every_unknown_class(capsys, tmp_path: Path):
    path = tmp_path / "m.h5"
    shutil.copy(FILES / "tfkeras_sequential.h5", path)
    with h5py.File(path, "r+") as file:
        file.attrs["model_config"] = file.attrs["model_config"].replace('"Dense"', '"Dens"').replace('"Flatten"', '"[red]Odd"')
    code, out, _ = run(capsys, "inspect", str(path))
    assert code == 1 and "there is no class 'Dens'. Did you mean 'Dense'" in out and "there is no class '[red]Odd'" in out
    with h5py.File(path, "r+") as file:
        file.attrs["model_config"] = file.attrs["model_config"].replace('"Dens"', '"Dense"').replace('"[red]Odd"', '"Flatten"')
        file.attrs["model_config"] = file.attrs["model_config"].replace('"units": 3', '"units": 4')
    code, out, _ = run(capsys, "inspect", str(path))
    assert code == 1 and "would not load as it is:" in out and "Layer 'alpha'" in out


def test_errors_are_one_line_without_traceback(tmp_path: Path):
    (tmp_path / "x.h5").write_bytes(b"PK\x03\x04")
    for name, says in (("absent.h5", "There is no file"), ("x.h5", "no zip archive, or a damaged one")):
        done = subprocess.run(
            [sys.executable, "-m", "kcompat", "inspect", str(tmp_path / name)], capture_output=True, text=True, check=False
        )
        assert done.returncode == 1 and says in " ".join(done.stderr.split())
        assert done.stderr.startswith("error:") and "Traceback" not in done.stderr


@pytest.fixture
def model():
    made = Sequential([Input((4,)), Dense(3, name="first", activation="relu"), Dense(2, name="second")], name="small")
    made.compile("adam", "mse")
    made.fit(np.ones((2, 4)), np.ones((2, 2)), verbose=0)
    return made


@pytest.mark.parametrize("name", ["m.keras", "m.h5"])
def test_inspect_every_model_format(capsys, tmp_path: Path, model, name: str):
    model.save(tmp_path / name)
    code, out, _ = run(capsys, "inspect", str(tmp_path / name))
    assert code == 0 and "first │ Dense │ (4, 3) (3,) │ 15" in out and "Adam, loss mse, optimizer state of 9 arrays" in out


def test_inspect_weights_by_object(capsys, tmp_path: Path, model):
    model.save_weights(tmp_path / "m.weights.h5")
    model.save_weights(tmp_path / "s.weights.json", max_shard_size=1e-7)
    for name, says in (("m.weights.h5", "tf.keras 2.12"), ("s.weights.json", "Keras 3, in")):
        code, out, _ = run(capsys, "inspect", str(tmp_path / name))
        assert code == 0 and "layers/dense │ (4, 3) (3,) │ 15" in out and says in out and "an optimizer with 9 arrays" in out


def test_inspect_tensorflow_files(capsys, tmp_path: Path):
    with zipfile.ZipFile(FILES / "saved_models.zip") as archive:
        archive.extractall(tmp_path)
    code, out, _ = run(capsys, "inspect", str(tmp_path / "2.8.4" / "nested"))
    assert code == 0 and "tf.keras of TensorFlow 2.8.4" in out and "o │ Dense │ (2, 1) (1,) │ 3" in out and "Adam, loss mse" in out
    code, out, _ = run(capsys, "inspect", str(tmp_path / "2.8.4" / "net"))
    assert code == 0 and "weights only" in out and "112 numbers" in out


def test_convert(capsys, tmp_path: Path, model):
    source = str(tmp_path / "m.keras")
    model.save(source)
    x = np.random.default_rng(0).random((3, 4), "float32")
    for name, more in (("a.h5", ()), ("b.keras", ("--to-version", "3")), ("c.h5", ("--to-version", "2.4"))):
        assert run(capsys, "convert", source, str(tmp_path / name), *more)[0] == 0
        np.testing.assert_allclose(load_model(tmp_path / name).predict(x, verbose=0), model.predict(x, verbose=0), atol=1e-6)
    with h5py.File(tmp_path / "c.h5") as file:
        assert "2.4" in str(file.attrs["keras_version"])
    for name, more in (("d.weights.h5", ()), ("e.h5", ("--weights-only",)), ("f.weights.json", ())):
        assert run(capsys, "convert", source, str(tmp_path / name), *more)[0] == 0
        twin = clone_model(model)
        twin.load_weights(tmp_path / name)
        np.testing.assert_allclose(twin.predict(x, verbose=0), model.predict(x, verbose=0), atol=1e-6)
    assert run(capsys, "convert", source, str(tmp_path / "g.json"))[0] == 0
    assert model_from_json((tmp_path / "g.json").read_text()).get_layer("second").units == 2
    assert run(capsys, "convert", source, str(tmp_path / "h.safetensors"))[0] == 0
    code, out, _ = run(capsys, "convert", str(FILES / "keras224_sequential.h5"), str(tmp_path / "i.keras"))
    assert code == 0 and "Keras 2.2.4 has no .keras files: it is written for Keras 2.15" in out and load_model(tmp_path / "i.keras")


def test_convert_refuses(capsys, tmp_path: Path, model):
    source = str(tmp_path / "m.keras")
    model.save(source)
    for arguments, says in (
        ((source, source), "exists; --overwrite"), ((source, "x.bin"), "must end in one of .weights.json"),
        ((source, "x.keras", "--weights-only"), "--weights-only is for .h5"), ((source, "x.safetensors", "--to-version", "3"), "has none"),
        ((str(FILES / "tfkeras_lambda.h5"), str(tmp_path / "x.keras")), "bytecode"),
        ((str(tmp_path / "absent.h5"), str(tmp_path / "x.keras")), "There is no file"),
    ):  # fmt: skip
        code, _, error = run(capsys, "convert", *arguments)
        assert code == 1 and error.startswith("error:") and says in error
    assert sorted(p.name for p in tmp_path.iterdir()) == ["m.keras"]
    assert run(capsys, "convert", source, source, "--overwrite")[0] == 0


def test_export(capsys, tmp_path: Path, model):
    source = str(tmp_path / "m.keras")
    model.save(source)
    code, out, _ = run(capsys, "export", source, "--to", "torch")
    assert code == 0 and "wrote" in out and (tmp_path / "m.py").exists() and (tmp_path / "m.safetensors").exists()
    assert run(capsys, "export", source, "--to", "torch")[0] == 1
    assert run(capsys, "export", source, "--to", "pt2", "-o", str(tmp_path / "o.pt2"))[0] == 0
    code, _, error = run(capsys, "export", source, "--to", "pt2", "-o", "o.bin")
    assert code == 1 and "must end in .pt2" in error
    with pytest.raises(SystemExit) as left:
        cli.main(["export", source, "--to", "tflite"])
    assert left.value.code == 2
