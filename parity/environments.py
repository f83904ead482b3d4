"""Record all references and the corpus of model files: python -m parity.environments [--generation 2.2 ...] [--family core ...].

For each generation the recorder runs in an environment of its own, made on first use (a minute or two, 0.7-2 GB) under
`.record/`, or under the folder in KCOMPAT_RECORD_HOME. An existing Python is taken from KCOMPAT_RECORD_PYTHON_1, ..._2_2, ..._2_3,
..._2_15, ..._3. Keras 1 (for model files alone), 2.2 and 2.3 need a Python 3.7: `python3.7` in PATH, pyenv's, or the one in
KCOMPAT_RECORD_PYTHON37.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

from parity import cases as tables

ROOT = Path(__file__).resolve().parent.parent
_OLD = ("tensorflow==1.15.5", "protobuf==3.20.3", "numpy==1.18.5", "h5py==2.10.0", "scipy<1.8", "pyyaml", "keras-applications==1.0.8",
        "keras-preprocessing==1.1.0")  # fmt: skip
_NEW = ("tensorflow-cpu==2.21.0", "tf_keras==2.21.0", "keras==3.15.1")
#: generation -> (folder of the environment, needs Python 3.7, packages, packages without their dependencies)
ENVIRONMENTS = {
    "1": ("keras-1.2.2", True, ("theano==1.0.5", "numpy==1.18.5", "h5py==2.10.0", "scipy<1.8", "pyyaml", "six"), ("keras==1.2.2",)),
    "2.2": ("keras-2.2.4", True, _OLD, ("keras==2.2.4",)),
    "2.3": ("keras-2.3.1", True, _OLD, ("keras==2.3.1",)),
    "2.15": ("keras-new", False, _NEW, ()),
    "3": ("keras-new", False, _NEW, ()),
}


def main(arguments: list[str] | None = None) -> int:
    """Record the selected generations and families; the exit code is 1 when any recording failed."""
    parser = argparse.ArgumentParser(prog="python -m parity.environments", description=__doc__.split("\n")[0])
    parser.add_argument("--generation", action="append", choices=sorted(ENVIRONMENTS))
    parser.add_argument("--family", action="append", choices=tables.families())
    options = parser.parse_args(arguments)
    families = [word for family in options.family or () for word in ("--family", family)]
    failed = False
    for generation in options.generation or ENVIRONMENTS:
        command = [recording_python(generation), "-W", "ignore", str(ROOT / "parity" / "record.py"), "--generation", generation, *families]
        if generation in tables.GENERATIONS:  # of Keras 1 there are model files alone
            failed |= subprocess.run(command, check=False).returncode != 0
        if not families:
            files = [recording_python(generation), "-W", "ignore", str(ROOT / "parity" / "record_files.py"), "--generation", generation]
            failed |= subprocess.run(files, check=False).returncode != 0
    if not families:  # the way back: real Keras reads what we write
        failed |= subprocess.run([sys.executable, "-m", "parity.files", "--back"], check=False, cwd=ROOT).returncode != 0
    return int(failed)


def recording_python(generation: str) -> str:
    """The Python that runs the Keras of a generation; its environment is made when it is not there."""
    given = os.environ.get(f"KCOMPAT_RECORD_PYTHON_{generation.replace('.', '_')}")
    if given:
        return given
    name, old, packages, bare = ENVIRONMENTS[generation]
    folder = Path(os.environ.get("KCOMPAT_RECORD_HOME", ROOT / ".record")) / name
    python = folder / "bin" / "python"
    done = folder / "complete"
    if not done.exists():
        print(f"making {folder} for Keras {generation}", flush=True)
        subprocess.run([python37() if old else sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
        install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*install, *(p for p in packages if not p.startswith("keras-"))], check=True)
        single = [*(p for p in packages if p.startswith("keras-")), *bare]
        if single:
            subprocess.run([*install, "--no-deps", *single], check=True)
        done.touch()
    return str(python)


def python37() -> str:
    """A Python 3.7, the last that TensorFlow 1.15 was made for."""
    versions = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    candidates = [os.environ.get("KCOMPAT_RECORD_PYTHON37"), shutil.which("python3.7"), *map(str, versions.glob("3.7.*/bin/python"))]
    found = next((python for python in candidates if python and _is_python37(python)), None)
    if found is None:
        sys.exit("Keras 2.2 and 2.3 need Python 3.7: install it (pyenv install 3.7) or name it in KCOMPAT_RECORD_PYTHON37.")
    return found


def _is_python37(python: str) -> bool:
    """Whether it runs and says so: pyenv's shims are there also for versions that are switched off."""
    said = subprocess.run([python, "-c", "import sys; print(sys.version_info[:2])"], capture_output=True, text=True, check=False)
    return said.stdout.strip() == "(3, 7)"


if __name__ == "__main__":
    sys.exit(main())
