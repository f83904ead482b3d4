"""`python -m parity` says 0 only when all holds: tampered, missing and stale references and fixed known failures make it 1."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from parity import __main__ as command
from parity import store

ROOT = Path(command.__file__).parents[1]
CASE = "regularization/two_kinds"
SELECT = ["--family", "regularization", "--generation", "2.15", "--case", CASE]


@pytest.fixture
def references(tmp_path):
    """A copy of one reference file, free to be damaged; `change(function)` rewrites its records."""
    (tmp_path / "2.15").mkdir()
    path = tmp_path / "2.15" / "regularization.npz"
    shutil.copy(ROOT / "parity" / "references" / "2.15" / "regularization.npz", path)

    def change(function):
        records, versions = store.read(path)
        function(records)
        store.write(str(path), records, versions)

    change.folder, change.path = tmp_path, path
    return change


def run(references, *more):
    return command.main([*SELECT, "--references", str(references.folder), *more])


def test_the_untouched_reference_holds(references, capsys):
    assert run(references) == 0
    assert "holds" in capsys.readouterr().out


@pytest.mark.parametrize("key", ["output/0", "gradient/input/0", "gradient/weight/0", "loss/0"])
def test_a_tampered_value_falls_short(references, capsys, key):
    references(lambda records: records[CASE].update({key: records[CASE][key] + np.float32(0.01)}))
    assert run(references) == 1
    assert "falls short" in capsys.readouterr().out


def test_a_tampered_config_falls_short(references, capsys):
    references(lambda records: records[CASE]["facts"]["config"].update(units=4))
    assert run(references) == 1
    assert "config.units" in capsys.readouterr().out


def test_a_missing_record_falls_short(references, capsys):
    references(lambda records: records.pop(CASE))
    assert run(references) == 1
    assert "a recording of this case" in capsys.readouterr().out


def test_a_missing_file_falls_short(references):
    references.path.unlink()
    assert run(references) == 1


def test_a_stale_record_falls_short(references, capsys):
    references(lambda records: records[CASE].update(digest="0" * 12))
    assert run(references) == 1
    assert "an earlier form of the case" in capsys.readouterr().out


def test_a_record_without_a_case_falls_short(references, capsys):
    references(lambda records: records.update({"regularization/gone": records[CASE]}))
    arguments = ["--family", "regularization", "--generation", "2.15", "--references", str(references.folder), "--details", "500"]
    assert command.main(arguments) == 1
    assert "regularization/gone" in capsys.readouterr().out


def test_known_failures_are_strict(references, tmp_path, capsys):
    known = tmp_path / "known.txt"
    known.write_text(f"# why\n2.15 {CASE} a cause\n")
    assert run(references, "--known", str(known)) == 1
    assert "remove its line" in capsys.readouterr().out
    references(lambda records: records[CASE].update({"loss/0": np.array(99.0, "float32")}))
    assert run(references, "--known", str(known)) == 0
    assert "1 known" in capsys.readouterr().out


def test_a_known_failure_needs_a_cause(tmp_path):
    known = tmp_path / "known.txt"
    known.write_text(f"2.15 {CASE}\n")
    with pytest.raises(ValueError, match="must be: GENERATION CASE-ID CAUSE"):
        command.known_failures(known)


def test_nothing_selected_is_no_success(references):
    assert command.main(["--family", "regularization", "--layer", "NoSuchLayer", "--references", str(references.folder)]) == 1


def test_as_a_command():
    done = subprocess.run([sys.executable, "-m", "parity", *SELECT], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "forward" in done.stdout and "1 cases, 0 differences" in done.stdout
