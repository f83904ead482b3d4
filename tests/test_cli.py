"""The command line."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import h5py
import pytest

import kcompat
from kcompat import cli

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
    assert code == 1 and "would not load as it is: Layer 'alpha'" in out


def test_errors_are_one_line_without_traceback(tmp_path: Path):
    (tmp_path / "x.h5").write_bytes(b"PK\x03\x04")
    for name, says in (("absent.h5", "There is no file"), ("x.h5", "it is a zip archive")):
        done = subprocess.run(
            [sys.executable, "-m", "kcompat", "inspect", str(tmp_path / name)], capture_output=True, text=True, check=False
        )
        assert done.returncode == 1 and says in " ".join(done.stderr.split())
        assert done.stderr.startswith("error:") and "Traceback" not in done.stderr
