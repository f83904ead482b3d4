"""Damaged files: thousands of truncations, bit flips and overwritten blocks; each loads or is a `FileError`, in bounded time.

The seeds are fixed. A mapping of members is damaged rather than an archive where the checksum of the zip would find everything.
"""

from __future__ import annotations

import io
import resource
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kcompat import optimizers
from kcompat.config import keras_version_scope
from kcompat.core import Input
from kcompat.errors import FileError, KcompatError
from kcompat.layers import Dense
from kcompat.models import Sequential, load_model

TRIES = 500
SLOWEST = 5.0  # seconds for one try, of milliseconds usually


def net(version: str = "3") -> Sequential:
    with keras_version_scope(version):
        model = Sequential([Input((2,)), Dense(2, name="d"), Dense(1, name="e")], name="net")
        model.compile(optimizers.SGD(0.1, momentum=0.9), "mse")
    model.train_on_batch(np.ones((2, 2), "float32"), np.ones((2, 1), "float32"))
    return model


def damaged(content: bytes, tries: int, seed: int) -> Iterator[bytes]:
    """`content` cut short, with bits flipped, blocks zeroed, blocks copied over others, or numbers blown up."""
    random = np.random.default_rng(seed)
    size = len(content)
    for index in range(tries):
        kind, at = index % 5, int(random.integers(size))
        data = bytearray(content)
        if kind == 0:
            del data[at:]
        elif kind == 1:
            for place in random.integers(size, size=int(random.integers(1, 9))):
                data[place] ^= 1 << int(random.integers(8))
        elif kind == 2:
            end = min(at + int(random.integers(1, 65)), size)
            data[at:end] = bytes(end - at)
        elif kind == 3:
            source, length = int(random.integers(size)), int(random.integers(1, 33))
            data[at : at + length] = data[source : source + length]
        else:
            data[at : at + 4] = random.choice([b"\xff\xff\xff\x7f", b"\xff\xff\xff\xff", b"\x00\x00\x00\x80", b"99999999"])
        yield bytes(data)


def survives(load: Callable[[bytes], Any], content: bytes, seed: int, tries: int = TRIES) -> None:
    """Every damaged form loads, or is an error of the file."""
    refused = 0
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for number, data in enumerate(damaged(content, tries, seed)):
        start = time.monotonic()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                load(data)
        except FileError:
            refused += 1
        except Exception as error:
            raise AssertionError(f"seed {seed}, try {number}: {type(error).__name__}: {error}") from error
        assert time.monotonic() - start < SLOWEST, f"seed {seed}, try {number}"
    assert refused > tries // 10
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 300 << 10  # kB


@pytest.mark.parametrize("version", ["2.3", "2.15", "3"])
def test_h5(tmp_path: Path, version: str):
    net(version).save(tmp_path / "m.h5")
    survives(lambda data: load_model(io.BytesIO(data)), (tmp_path / "m.h5").read_bytes(), seed=1)


@pytest.mark.parametrize("version", ["2.15", "3"])
def test_keras(version: str):
    stream = io.BytesIO()
    net(version).save(stream)
    survives(load_model, stream.getvalue(), seed=2, tries=TRIES // 2)


@pytest.mark.parametrize("version", ["2.15", "3"])
@pytest.mark.parametrize("member", ["metadata.json", "config.json", "model.weights.h5"])
def test_members_of_keras(version: str, member: str):
    store: dict[str, bytes] = {}
    net(version).save(store)
    survives(lambda data: load_model({**store, member: data}), store[member], seed=3, tries=TRIES // 2)


@pytest.mark.parametrize("version", ["2.15", "3"])
def test_weights(version: str):
    """Loading that fails leaves the model as it was."""
    stream, model = io.BytesIO(), net(version)
    model.save_weights(stream)
    other = net(version)
    before = [w.copy() for w in other.get_weights()]

    def load(data: bytes) -> None:
        try:
            other.load_weights(io.BytesIO(data))
        except KcompatError as error:
            for a, b in zip(before, other.get_weights(), strict=True):
                np.testing.assert_array_equal(a, b)
            raise FileError(str(error)) from error
        other.set_weights(before)

    survives(load, stream.getvalue(), seed=4)
