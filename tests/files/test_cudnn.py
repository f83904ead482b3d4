"""Weights of CuDNN layers in plain ones and back, from files that real Keras 2.2.4 wrote (`record_cudnn.py`)."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import torch

from kcompat import layers as L
from kcompat.config import keras_version_scope
from kcompat.core import Input
from kcompat.errors import ArgumentError, ShapeError
from kcompat.models import Model, Sequential

DATA = Path(__file__).parent / "data"
FACTS = np.load(DATA / "keras224_cudnn.npz")


def _made(cudnn: bool) -> Any:
    def lstm(units: int, **more: Any) -> Any:
        return L.CuDNNLSTM(units, **more) if cudnn else L.LSTM(units, recurrent_activation="sigmoid", **more)

    def gru(units: int, **more: Any) -> Any:
        return L.CuDNNGRU(units, **more) if cudnn else L.GRU(units, recurrent_activation="sigmoid", reset_after=True, **more)

    with keras_version_scope("2.2.4"):
        inner_in = Input((2, 4), name="inner_in")
        x = lstm(3, return_sequences=True, name="in1")(inner_in)
        inner = Model(inner_in, L.Dense(2, name="in3")(gru(2, name="in2")(x)), name="inner")
        a = Input((2, 4, 3), name="a")
        x = L.TimeDistributed(lstm(3, name="t"), name="each")(a)
        x = L.Bidirectional(gru(2, return_sequences=True, name="b"), name="both")(x)
        return Model(a, inner(x), name="net")


def _told(name: str) -> list[np.ndarray]:
    return [FACTS[f"{name}{i}"] for i in range(sum(key.startswith(name) for key in FACTS))]


@pytest.mark.parametrize("by_name", [False, True])
@pytest.mark.parametrize(("cudnn", "file"), [(False, "cudnn"), (True, "plain")])
def test_weights_are_converted_as_in_keras(cudnn: bool, file: str, by_name: bool) -> None:
    model = _made(cudnn)
    model.load_weights(DATA / f"keras224_{file}.h5", by_name=by_name)
    wanted = _told("cudnn" if cudnn else "plain")
    for weight, value in zip(model.get_weights(), wanted, strict=True):
        np.testing.assert_allclose(weight, value, rtol=1e-6, atol=1e-6)


def test_predictions() -> None:
    x = torch.from_numpy(FACTS["x"])
    for cudnn in (False, True):  # the same file in both
        model = _made(cudnn)
        model.load_weights(DATA / "keras224_cudnn.h5")
        np.testing.assert_allclose(model(x).detach().numpy(), FACTS["prediction"], rtol=1e-5, atol=1e-6)


def test_files_of_the_same_kind_are_taken_as_they_are() -> None:
    for cudnn, file in ((True, "cudnn"), (False, "plain")):
        model, x = _made(cudnn), torch.from_numpy(FACTS["x"])
        model.load_weights(DATA / f"keras224_{file}.h5")
        with h5py.File(DATA / f"keras224_{file}.h5") as stored:
            first = stored["each"][stored["each"].attrs["weight_names"][0]][()]
        np.testing.assert_array_equal(model.get_weights()[0], first)
        assert torch.isfinite(model(x)).all()


def test_own_files_go_both_ways(tmp_path: Path) -> None:
    x = torch.rand(2, 4, 3)
    for kind in ("LSTM", "GRU"):
        cudnn = Sequential([Input((4, 3)), getattr(L, f"CuDNN{kind}")(5)])
        plain = Sequential([Input((4, 3)), getattr(L, kind)(5)])
        cudnn.save_weights(tmp_path / "c.h5")
        plain.load_weights(tmp_path / "c.h5")
        torch.testing.assert_close(plain(x), cudnn(x))
        plain.set_weights([np.random.default_rng(0).uniform(-1, 1, w.shape) for w in plain.get_weights()])
        plain.save_weights(tmp_path / "p.h5")
        cudnn.load_weights(tmp_path / "p.h5")
        torch.testing.assert_close(cudnn(x), plain(x))


def test_a_gru_that_computes_otherwise_is_refused(tmp_path: Path) -> None:
    cudnn = Sequential([Input((4, 3)), L.CuDNNGRU(5, name="g")])
    before = Sequential([Input((4, 3)), L.GRU(5, reset_after=False, name="g")])
    cudnn.save_weights(tmp_path / "c.h5")
    before.save_weights(tmp_path / "b.h5")
    kept = before.get_weights()
    with pytest.raises(ShapeError, match="'g'.*`reset_after=False`.*CuDNNGRU.*`reset_after=True`"):
        before.load_weights(tmp_path / "c.h5")
    assert all(np.array_equal(a, b) for a, b in zip(before.get_weights(), kept, strict=True))
    with pytest.raises(ShapeError, match="'g'.*CuDNN's law.*`reset_after=False`"):
        cudnn.load_weights(tmp_path / "b.h5")


def test_other_sizes_are_refused_as_ever(tmp_path: Path) -> None:
    Sequential([Input((4, 3)), L.CuDNNLSTM(5)]).save_weights(tmp_path / "c.h5")
    with pytest.raises(ArgumentError, match="shape"):
        Sequential([Input((4, 3)), L.LSTM(6)]).load_weights(tmp_path / "c.h5")


def test_a_damaged_bias_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "c.h5"
    shutil.copy(DATA / "keras224_cudnn.h5", path)
    with h5py.File(path, "r+") as stored:
        group = stored["each"]
        name = group.attrs["weight_names"][2]
        del group[name]
        group[name] = np.zeros(5, "float32")
    with pytest.raises(ShapeError, match="each"):
        _made(False).load_weights(path)
