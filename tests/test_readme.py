"""What the README shows runs as it stands."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"^```python\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)


def test_there_is_a_block_for_each_kind_of_user():
    assert len(BLOCKS) == 3


@pytest.mark.parametrize("code", BLOCKS, ids=["torch_user", "keras_file", "parity"])
def test_block_runs(code: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.chdir(ROOT)
    exec(compile(code.replace("/tmp/", f"{tmp_path}/"), "README.md", "exec"), {"__name__": "readme"})


def test_the_commands_are_targets_of_the_makefile():
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    shown = re.findall(r"^ {4}make ([a-z]+)", TEXT, re.MULTILINE)
    assert shown == ["demo", "test"]
    assert set(shown) <= set(targets)
