"""Calls and configs in the words of Keras 1: recorded Keras 1.2.2 (`record_keras1_arguments.py`), and what Keras 2.2.4 does with them."""

from __future__ import annotations

import inspect
import json
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch

from kcompat import layers as L
from kcompat import registry
from kcompat.config import keras_version_scope
from kcompat.errors import ArgumentError, ArgumentTypeError, ShapeError, UnknownArgumentError
from kcompat.layers.keras1_words import TABLE

DATA = json.loads((Path(__file__).parent / "data" / "keras1_arguments.json").read_text())
ROWS = [pytest.param(row, id=f"{index}-{row['class']}") for index, row in enumerate(DATA["rows"])]
#: Theano turns the windows of convolutions round
_TURNED = {
    "Convolution1D": (0, 1),
    "Convolution2D": (0, 1),
    "AtrousConvolution1D": (0, 1),
    "AtrousConvolution2D": (0, 1),
    "Convolution3D": (0, 1, 2),
}
#: the order in which recurrent layers list their gates
_GATES = {"LSTM": "icfo", "ConvLSTM2D": "icfo", "GRU": "zrh"}


def _array(listed):
    return np.array(listed[0], np.float32).reshape(listed[1])


def _weights(row):
    found = [_array(w) for w in row["weights"]]
    if row["class"] == "ConvLSTM2D":
        first = row["config"]["dim_ordering"] == "th"
        found = [(np.flip(w, (2, 3)).transpose(2, 3, 1, 0) if first else np.flip(w, (0, 1))) if w.ndim == 4 else w for w in found]
    if row["class"] in _GATES and len(found) > 3:  # a (W, U, b) for each gate
        gates = [_GATES[row["class"]].index(g) for g in ("ifco" if len(found) == 12 else "zrh")]
        found = [np.concatenate([found[3 * g + k] for g in gates], -1) for k in range(3)]
    if row["class"] in _TURNED:
        found[0] = np.flip(found[0], _TURNED[row["class"]])
        if row["class"].endswith("1D"):
            found[0] = found[0][:, 0]  # (length, 1, channels, filters)
        elif row["config"]["dim_ordering"] == "th":
            found[0] = np.flip(_array(row["weights"][0]), (2, 3)).transpose(2, 3, 1, 0)
    return found


@pytest.mark.parametrize("row", ROWS)
@pytest.mark.parametrize("way", ["call", "config"])
def test_keras1_calls_and_configs_mean_what_they_meant(row, way):
    with keras_version_scope("1.2.2"), warnings.catch_warnings():
        warnings.simplefilter("error")  # Keras 1 knows no other words
        if way == "call":
            args = [tuple(a) if isinstance(a, list) else a for a in row["args"]]
            layer = registry.lookup("layer", row["class"])(*args, **row["kwargs"])
        else:
            layer = registry.deserialize("layer", {"class_name": row["class"], "config": _with_sides(row)})
        x = torch.from_numpy(_array(row["x"]))
        layer(x)
        layer.set_weights([w.copy() for w in _weights(row)])
        y = layer(x)
    torch.testing.assert_close(y, torch.from_numpy(_array(row["y"])), rtol=1e-5, atol=1e-5)


def _with_sides(row):
    """The config, with what Keras 1 forgot to write into it."""
    forgotten = {"UpSampling2D": "size dim_ordering", "Cropping2D": "cropping dim_ordering", "MaxPooling2D": "", "PReLU": "init"}
    extra = dict(zip(forgotten.get(row["class"], "").split(), row["args"], strict=False))
    return {**row["config"], **extra}


def test_configs_of_rules_are_read():
    with keras_version_scope("1.2.2"):
        made = [registry.deserialize("layer", {"class_name": row["class"], "config": row["config"]}) for row in DATA["rules"]]
    first, second, third = made
    kernel = torch.tensor([[3.0, 0.0], [4.0, -1.0]])
    # l1l2: 0.01 * sum |w| + 0.01 * sum w^2; maxnorm: columns of length 2 at most
    assert first.kernel_regularizer(kernel).item() == pytest.approx(0.01 * 8 + 0.01 * 26)
    torch.testing.assert_close(first.kernel_constraint(kernel), torch.tensor([[1.2, 0.0], [1.6, -1.0]]), rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(first.bias_constraint(torch.tensor([-1.0, 2.0])), torch.tensor([0.0, 2.0]))
    assert second.activity_regularizer(kernel).item() == pytest.approx(0.26)
    torch.testing.assert_close(second.kernel_constraint(kernel), torch.tensor([[0.6, 0.0], [0.8, -1.0]]), rtol=1e-5, atol=1e-5)
    assert third.W_regularizer(kernel).item() == pytest.approx(0.26)


@pytest.mark.parametrize(
    ("make", "expected", "words"),
    [
        (lambda: L.Convolution2D(4, 3, 2), {"filters": 4, "kernel_size": (3, 2), "strides": (1, 1)}, "Keras 2 writes Conv2D"),
        (lambda: L.Conv2D(4, 3, nb_col=2, border_mode="same"), {"kernel_size": (3, 2), "padding": "same"}, "nb_row, nb_col, border_mode"),
        (lambda: L.Conv2D(nb_filter=4, nb_row=3, nb_col=2), {"filters": 4, "kernel_size": (3, 2)}, "nb_filter"),
        (lambda: L.Conv3D(4, 3, 2, kernel_dim3=1), {"kernel_size": (3, 2, 1)}, "kernel_dim3"),
        (lambda: L.Conv2D(4, 3, 3, subsample=(2, 2), dim_ordering="th"), {"strides": (2, 2), "data_format": "channels_first"}, "subsample"),
        (lambda: L.Deconvolution2D(4, 3, 3, (None, 9, 9, 4)), {"kernel_size": (3, 3), "output_padding": None}, "output_shape"),
        (
            lambda: L.AtrousConvolution2D(4, 3, 3, atrous_rate=(2, 2)),
            {"dilation_rate": (2, 2), "name": "conv2d_1"},
            "since Keras 2|atrous_rate",
        ),
        (lambda: L.Dense(output_dim=3, bias=False), {"units": 3, "use_bias": False}, "output_dim, bias"),
        (lambda: L.ZeroPadding2D({"top_pad": 1}), {"padding": ((1, 0), (0, 0))}, "padding"),
        (lambda: L.Dropout(p=0.25), {"rate": 0.25}, "Dropout: p"),
        (lambda: L.Conv1D(4, 3, input_dim=2), {"batch_input_shape": (None, None, 2)}, "input_dim"),
        (lambda: L.UpSampling1D(length=3), {"size": 3}, "length"),
        (
            lambda: L.LSTM(output_dim=3, inner_init="ones", forget_bias_init="one", dropout_U=0.1, consume_less="gpu"),
            {"units": 3, "unit_forget_bias": True, "recurrent_dropout": 0.1, "implementation": 2},
            "forget_bias_init, output_dim, inner_init, dropout_U, consume_less",
        ),
        (lambda: L.LSTM(3, forget_bias_init="zero"), {"unit_forget_bias": True}, "no effect"),
        (lambda: L.GRU(3, input_dim=2, input_length=4), {"batch_input_shape": (None, 4, 2)}, "input_dim"),
        (lambda: L.SimpleRNN(3, dropout_W=0.5, U_regularizer="l2"), {"dropout": 0.5}, "dropout_W, U_regularizer|U_regularizer"),
        (
            lambda: L.ConvLSTM2D(4, 3, 2, border_mode="same", inner_activation="sigmoid", subsample=(2, 2)),
            {"filters": 4, "kernel_size": (3, 2), "padding": "same", "recurrent_activation": "sigmoid", "strides": (2, 2)},
            "nb_row, nb_col, border_mode",
        ),
    ],
)
def test_keras2_takes_old_words_with_a_warning(make, expected, words):
    from kcompat.core.naming import reset_names

    reset_names()
    with keras_version_scope("2.2.4"), pytest.warns(UserWarning, match=words) as seen:
        config = make().get_config()
    assert {key: config[key] for key in expected} == expected
    assert all(Path(w.filename).name == Path(__file__).name for w in seen)


def test_keras2_words_warn_of_nothing():
    with keras_version_scope("2.2.4"), warnings.catch_warnings():
        warnings.simplefilter("error")
        for made in (
            L.Conv2D(4, 3),
            L.Conv2D(4, (3, 2), strides=2),
            L.Dense(3, activation="relu"),
            L.MaxPooling1D(2, 1, "same"),
            L.Dropout(0.5),
        ):
            assert made.get_config()["name"]


@pytest.mark.parametrize(
    ("version", "make", "error", "words"),
    [
        ("2.2.4", lambda: L.Conv2D(4, 3, 3, padding="same"), ArgumentError, "give `kernel_size` or `strides` by name"),
        ("2.2.4", lambda: L.Conv2D(4, (3, 3), (2, 2)), ArgumentTypeError, "2 positional arguments"),
        ("2.2.4", lambda: L.Conv2D(4, 3, 3, 3), ArgumentTypeError, "2 positional arguments"),
        ("2.2.4", lambda: L.Dense(4, "relu"), ArgumentTypeError, "1 positional argument"),
        ("2.2.4", lambda: L.Dense(units=4, output_dim=4), ArgumentTypeError, "`units` or `output_dim`"),
        ("2.2.4", lambda: L.BatchNormalization(mode=1), ArgumentTypeError, "`mode` must be 0"),
        ("2.2.4", lambda: L.BatchNormalization(-1), ArgumentTypeError, "0 positional arguments"),
        ("2.2.4", lambda: L.Conv2D(4, 3, dim_ordering="x"), ArgumentError, "`data_format`"),
        ("1.2.2", lambda: L.Convolution2D(4, 3), ArgumentTypeError, "`nb_col` must be given"),
        ("1.2.2", lambda: L.Dense(4, output_dim=3), ArgumentTypeError, "`output_dim` twice"),
        ("1.2.2", lambda: L.Dropout(0.5, None, 1, 2), ArgumentTypeError, "3 positional arguments"),
        ("1.2.2", lambda: L.Deconvolution2D(2, 3, 3, (None, 11, 7, 2))(torch.ones(1, 5, 5, 2)), ShapeError, "`output_shape`"),
        ("2.15", lambda: L.Conv2D(nb_filter=4, nb_row=3, nb_col=3), UnknownArgumentError, "called `filters` now.*1.2.2"),
        ("2.15", lambda: L.Dense(4, init="zero"), UnknownArgumentError, "`kernel_initializer`"),
        ("3", lambda: L.MaxPooling2D(border_mode="same"), UnknownArgumentError, "`padding`"),
    ],
)
def test_refused(version, make, error, words):
    with keras_version_scope(version), warnings.catch_warnings(), pytest.raises(error, match=words):
        warnings.simplefilter("ignore")
        make()


def test_later_generations_read_positions_as_keras_does():
    with keras_version_scope("2.15"):
        assert L.Convolution2D(4, 3, 2).strides == (2, 2)


@pytest.mark.parametrize("name", TABLE)
def test_every_present_name_is_an_argument(name):
    cls = registry.find("layer", TABLE_CLASSES.get(name, name))
    assert cls is not None
    cell = registry.find("layer", f"{name}Cell") or cls  # a recurrent layer hands its arguments on
    known = {p for base in (*cls.__mro__, *cell.__mro__) for p in inspect.signature(base.__init__).parameters}
    assert set(TABLE[name].names.values()) <= known


TABLE_CLASSES = {"AtrousConvolution1D": "Conv1D", "AtrousConvolution2D": "Conv2D"}


def test_subclasses_understand_too():
    class Mine(L.Dense):
        pass

    with keras_version_scope("2.2.4"), pytest.warns(UserWarning, match="output_dim"):
        assert Mine(output_dim=3).units == 3
