"""HDF5Matrix; what is expected was recorded with Keras 2.2.4."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from kcompat.errors import FileError
from kcompat.files.hdf5_matrix import HDF5Matrix
from kcompat.layers import Dense, Input
from kcompat.models import Sequential

ROWS = np.arange(40, dtype="float32").reshape(10, 4)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    with h5py.File(tmp_path / "data.h5", "w") as file:
        file["x"], file["y"], file["one"] = ROWS, np.arange(10), 1.0
        file["out"] = h5py.ExternalLink("other.h5", "/x")
    return tmp_path / "data.h5"


def test_rows(path: Path) -> None:
    whole, part = HDF5Matrix(path, "x"), HDF5Matrix(str(path), "x", start=2, end=8, normalizer=lambda a: a / 10)
    assert (len(whole), whole.shape, whole.size) == (10, (10, 4), 40)
    assert (len(part), part.shape, part.size, part.ndim, part.dtype) == (6, (6, 4), 24, 2, np.float32)
    for key, rows in (
        (0, 2), (slice(1, 3), [3, 4]), (-1, 1), (slice(4, None), [6, 7]), ([0, 2], [2, 4]), (np.array([1, 3]), [3, 5]),
        (np.int64(1), 3), (slice(None), range(2, 8)), ((0, 1), [2, 3]),
    ):  # fmt: skip
        np.testing.assert_array_equal(part[key], ROWS[rows] / np.float32(10))
    np.testing.assert_array_equal(np.array(part), ROWS[2:8] / np.float32(10))
    for key in (slice(4, 20), 6, [0, 6], np.array([6])):
        with pytest.raises(IndexError):
            part[key]
    for key in ([2, 0], 1.0, "x"):
        with pytest.raises(TypeError):
            part[key]
    with pytest.raises(ValueError, match="should return >= 0"):
        len(HDF5Matrix(path, "x", end=-2))
    assert len(HDF5Matrix(path, "x", end=99)) == 99


def test_refused(path: Path, tmp_path: Path) -> None:
    for name in ("absent", "out"):
        with pytest.raises(FileError):
            HDF5Matrix(path, name)
    with pytest.raises(ValueError, match="must have rows"):
        HDF5Matrix(path, "one")
    with pytest.raises(FileError):
        HDF5Matrix(tmp_path / "absent.h5", "x")


def test_a_model_takes_it(path: Path) -> None:
    model = Sequential([Input((4,)), Dense(1)])
    model.compile("sgd", "mse")
    x, y = HDF5Matrix(path, "x", 2, 8, lambda a: a / 10), HDF5Matrix(path, "y", 2, 8)
    np.testing.assert_array_equal(model.predict(x, batch_size=4, verbose=0), model.predict(ROWS[2:8] / 10, batch_size=4, verbose=0))
    weights = model.get_weights()
    found = model.fit(x, y, batch_size=2, shuffle=False, verbose=0).history
    model.set_weights(weights)
    assert found == model.fit(ROWS[2:8] / 10, np.arange(2, 8), batch_size=2, shuffle=False, verbose=0).history
    model.fit(x, y, batch_size=2, shuffle="batch", verbose=0)
