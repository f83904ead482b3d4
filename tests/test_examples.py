"""The examples run and show what they say."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parent.parent / "examples"


def run(name: str, *arguments):
    return runpy.run_path(str(EXAMPLES / name))["main"](*arguments)


def test_a_resumed_training_ends_with_the_weights_of_one_that_was_not_cut():
    assert run("train_and_resume.py") == 0.0


def test_the_masked_reader_learns():
    assert run("masked_lstm.py", 150) > 0.9


def test_the_exported_model_is_the_one_that_keras_trained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(tmp_path)
    assert run("leave_keras.py", tmp_path) < 1e-5
