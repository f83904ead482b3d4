"""What an import pulls in: light packages stay light. Nothing is timed here; `parity.speed` does that."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = {
    "h5py", "rich", "sklearn", "scipy", "pandas", "PIL", "matplotlib", "tensorboard", "pydot", "safetensors", "onnx",
    "tensorflow", "keras", "tf_keras", "torchvision",
}  # fmt: skip


def loaded_by(statement: str, before: str = "pass") -> set[str]:
    """The top-level packages, and our own modules in full, that `statement` loads in a fresh interpreter after `before`."""
    code = f"import sys\n{before}\nknown = set(sys.modules)\n{statement}\nprint('\\n'.join(set(sys.modules) - known))"
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True)
    return {name if name.startswith("kcompat") else name.split(".")[0] for name in done.stdout.split("\n")}


def test_importing_the_package_imports_nothing_else():
    loaded = loaded_by("import kcompat")
    assert "torch" not in loaded and "numpy" not in loaded
    assert {name for name in loaded if name.startswith("kcompat")} == {"kcompat"}


@pytest.mark.parametrize("room", ["layers", "activations", "initializers", "losses", "optimizers", "config"])
def test_a_room_brings_no_heavy_package(room: str):
    assert not loaded_by(f"import kcompat.{room}", "import torch") & HEAVY


def test_models_need_h5py_but_no_optional_package():
    assert not loaded_by("import kcompat.models", "import torch") & (HEAVY - {"h5py"})
