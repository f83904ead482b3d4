"""Loading a model of 25 million parameters, against reading the bytes of its file and building the same model."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

from kcompat.core import Input
from kcompat.layers import Dense
from kcompat.models import Sequential, load_model
from parity.speed import Case

WIDTH, DEPTH = 2500, 4  # 4 * 2500 * 2501 = 25 million


def build() -> Sequential:
    """The model, with new weights."""
    return Sequential([Input((WIDTH,)), *(Dense(WIDTH, activation="relu") for _ in range(DEPTH))])


def sides(suffix: str) -> Callable[[], dict[str, Callable[[], object]]]:
    """A function that writes the file once and gives the two things to time."""

    def make() -> dict[str, Callable[[], object]]:
        folder = tempfile.TemporaryDirectory()
        path = Path(folder.name) / f"m{suffix}"
        build().save(path)

        def load(keep: object = folder) -> object:
            return load_model(path, compile=False)

        def read_and_build(keep: object = folder) -> object:
            return path.read_bytes(), build()

        return {"kcompat": load, "read + build": read_and_build}

    return make


def cases() -> list[Case]:
    """One case for each format."""
    return [Case(f"load 25M {suffix}", sides=sides(suffix), bounds={"read + build": 1.5}) for suffix in (".h5", ".keras")]
