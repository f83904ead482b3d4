"""Convolutional LSTMs: numbers by hand, states, cells, refusals. Parity with Keras: `parity/cases/conv_lstm.py`."""

from __future__ import annotations

import copy
import json
import pickle
from typing import Any

import numpy as np
import pytest
import torch

from kcompat import layers as L
from kcompat.config import keras_version_scope
from kcompat.core import Input, Layer
from kcompat.errors import ArgumentError, ArgumentTypeError, KcompatError, ShapeError
from kcompat.models import Model

IMAGES = torch.linspace(-1, 1, 2 * 3 * 5 * 4 * 2).view(2, 3, 5, 4, 2)


def _layer(**options: Any) -> Any:
    layer = L.ConvLSTM2D(3, 2, **options)
    layer.build(tuple(IMAGES.shape))
    layer.set_weights([np.random.default_rng(i).uniform(-1, 1, w.shape) for i, w in enumerate(layer.get_weights())])
    return layer


class TestNumbers:
    def test_windows_of_one_cell_are_an_lstm_in_every_cell(self) -> None:
        images, lstm = L.ConvLSTM2D(3, 1, recurrent_activation="sigmoid", return_sequences=True), L.LSTM(3, return_sequences=True)
        rows = IMAGES.permute(0, 2, 3, 1, 4).reshape(-1, 3, 2)
        images(IMAGES), lstm(rows)
        images.set_weights([w.reshape(1, 1, *w.shape) if w.ndim == 2 else w for w in lstm.get_weights()])
        torch.testing.assert_close(images(IMAGES), lstm(rows).view(2, 5, 4, 3, 3).permute(0, 3, 1, 2, 4))

    def test_two_steps_by_hand(self) -> None:
        """Linear, one filter: c1 = i1 * x = 2 * 2, h1 = o1 * c1 = 2 * 4; then gates are x + h of the cell and its right neighbour (0)."""
        layer = L.ConvLSTM1D(1, 2, padding="same", activation="linear", recurrent_activation="linear", use_bias=False)
        layer.build((1, 2, 1, 1))
        kernel = np.zeros((2, 1, 4))
        kernel[0] = 1
        recurrent = np.zeros((2, 1, 4))
        recurrent[:, :, [0, 2, 3]] = 1
        layer.set_weights([kernel, recurrent])
        # step 1: i = f = c~ = o = 2: c = 4, h = 8; step 2, x = 1: i = c~ = o = 9, f = 1: c = 4 + 81, h = 9 * 85
        assert layer(torch.tensor([2.0, 1.0]).view(1, 2, 1, 1)).item() == 765

    def test_channels_first_is_the_same_on_other_axes(self) -> None:
        last = _layer(return_sequences=True)
        first = _layer_first(last)
        torch.testing.assert_close(first(IMAGES.permute(0, 1, 4, 2, 3)).permute(0, 1, 3, 4, 2), last(IMAGES))

    @pytest.mark.parametrize("mask", ["101", "011", "110", "000", "010"])
    @pytest.mark.parametrize("backwards", [False, True])
    def test_masked_steps_are_as_if_they_were_not_there(self, mask: str, backwards: bool) -> None:
        layer = _layer(return_state=True, go_backwards=backwards)
        kept = [i for i, c in enumerate(mask) if c == "1"]
        found = layer(IMAGES, mask=torch.tensor([[c == "1" for c in mask]] * 2))
        if kept:
            wanted = layer(IMAGES[:, kept])
            for a, b in zip(found, wanted, strict=True):
                torch.testing.assert_close(a, b)
        else:
            assert all(not t.any() for t in found)

    def test_sequences_repeat_the_step_before(self) -> None:
        layer = _layer(return_sequences=True)
        found, plain = layer(IMAGES, mask=torch.tensor([[False, True, False]] * 2)), layer(IMAGES[:, 1:2])
        assert not found[:, 0].any()
        torch.testing.assert_close(found[:, 1], plain[:, 0])
        torch.testing.assert_close(found[:, 2], plain[:, 0])

    def test_gradients(self) -> None:
        layer = _layer(return_sequences=True).double()
        mask = torch.tensor([[True, False, True], [False, True, False]])
        x = IMAGES[:, :, :3, :3].double().requires_grad_()
        assert torch.autograd.gradcheck(lambda x: layer(x, mask=mask), x, fast_mode=True)


def _layer_first(last: Any) -> Any:
    first = L.ConvLSTM2D(3, 2, data_format="channels_first", return_sequences=True)
    first.build((2, 3, 2, 5, 4))
    first.set_weights(last.get_weights())
    return first


class TestStates:
    @pytest.mark.parametrize("version", ["2.2.4", "2.3.1", "2.15", "3"])
    def test_stateful(self, version: str) -> None:
        """Two batches are one sequence of twice the length."""
        with keras_version_scope(version):
            layer, whole = _layer(stateful=True), _layer()
        whole.set_weights(layer.get_weights())
        layer(IMAGES)
        torch.testing.assert_close(layer(IMAGES), whole(torch.cat([IMAGES, IMAGES], 1)))
        layer.reset_states()
        torch.testing.assert_close(layer(IMAGES), whole(IMAGES))
        for twin in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
            torch.testing.assert_close(twin(IMAGES), whole(torch.cat([IMAGES, IMAGES], 1)))

    def test_lengths_may_differ_from_call_to_call(self) -> None:
        layer = _layer()
        assert layer(IMAGES[:, :, :4]).shape == (2, 3, 3, 3)
        assert layer(IMAGES[:, :, :, :3]).shape == (2, 4, 2, 3)
        assert layer.compute_output_shape((None, None, None, 4, 2)) == (None, None, 3, 3)

    @pytest.mark.parametrize("version", ["2.2.4", "2.3.1", "2.15", "3"])
    def test_states_of_a_graph(self, version: str) -> None:
        with keras_version_scope(version):
            a, h, c = Input((3, 5, 4, 2)), Input((4, 3, 3)), Input((4, 3, 3))
            model = Model([a, h, c], L.ConvLSTM2D(3, 2)(a, initial_state=[h, c]))
            twin = Model.from_config(json.loads(json.dumps(model.get_config())))
        twin.set_weights(model.get_weights())
        x = [IMAGES, torch.rand(2, 4, 3, 3), torch.rand(2, 4, 3, 3)]
        torch.testing.assert_close(twin(x), model(x))
        assert not torch.equal(model(x), model([x[0], x[1] * 0, x[2] * 0]))

    def test_a_cell_step_by_step(self) -> None:
        layer = _layer(return_sequences=True)
        states = layer.cell.get_initial_state(IMAGES[:, 0])
        for t in range(3):
            output, states = layer.cell(IMAGES[:, t], states)
            torch.testing.assert_close(output, layer(IMAGES)[:, t])
        assert [tuple(s.shape) for s in layer.cell.get_initial_state(batch_size=4)] == [(4, 4, 3, 3)] * 2


class _Sum(Layer):
    """A convolutional cell of the user's own: adds up the images' corners."""

    kernel_size, strides, padding, dilation_rate, data_format = (1, 1), (2, 2), "valid", (1, 1), "channels_last"
    state_size = filters = 2

    def call(self, inputs: Any, states: Any) -> Any:
        total = states[0] + inputs[:, ::2, ::2]
        return total, [total]


class TestConvRNN2D:
    def test_a_cell_of_the_users(self) -> None:
        layer = L.ConvRNN2D(_Sum(), return_sequences=True, return_state=True)
        output, state = layer(IMAGES)
        torch.testing.assert_close(output, IMAGES[:, :, ::2, ::2].cumsum(1))
        torch.testing.assert_close(state, output[:, -1])
        assert layer.compute_output_shape(IMAGES.shape) == [(2, 3, 3, 2, 2), (2, 3, 2, 2)]

    def test_our_cell_is_the_layer(self) -> None:
        layer, around = _layer(), L.ConvRNN2D(L.ConvLSTM2DCell(3, 2))
        around(IMAGES)
        around.set_weights(layer.get_weights())
        torch.testing.assert_close(around(IMAGES), layer(IMAGES))
        twin = L.ConvRNN2D.from_config(around.get_config())
        twin(IMAGES)
        twin.set_weights(layer.get_weights())
        torch.testing.assert_close(twin(IMAGES), layer(IMAGES))


@pytest.mark.parametrize(
    ("version", "name"), [("2.2.4", "conv_lst_m2d_1"), ("2.3.1", "conv_lst_m2d_1"), ("2.15", "conv_lstm2d"), ("3", "conv_lstm2d")]
)
def test_automatic_names(version: str, name: str) -> None:
    from kcompat.core.naming import reset_names

    reset_names()
    with keras_version_scope(version):
        assert L.ConvLSTM2D(3, 2).name == name


@pytest.mark.parametrize(
    ("version", "order"),
    [
        ("2.2.4", (4, 3, 2, "same", "channels_first", 1, "relu", "sigmoid")),
        ("2.15", (4, 3, 2, "same", "channels_first", 1, "relu", "sigmoid")),
        ("3", (4, 3, 2, "same", "channels_first", 1, "relu", "sigmoid")),
    ],
)
def test_positional_arguments(version: str, order: Any) -> None:
    with keras_version_scope(version):
        if version == "2.2.4":  # more positions may be Keras 1's
            with pytest.raises(ArgumentTypeError, match="ConvLSTM2D takes 2 positional"):
                L.ConvLSTM2D(*order)
            return
        config = L.ConvLSTM2D(*order).get_config()
    told = ("filters", "kernel_size", "strides", "padding", "data_format", "dilation_rate", "activation", "recurrent_activation")
    assert [config[k] for k in told] == [4, (3, 3), (2, 2), "same", "channels_first", (1, 1), "relu", "sigmoid"]


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda: _layer()(IMAGES[:, 0]), ShapeError, r"ndim=5.*\(2, 5, 4, 2\)"),
        (lambda: L.ConvLSTM2D(3, 2, name="r")(IMAGES[:, 0]), ShapeError, r"ConvLSTM2D 'r'.*ndim=5, found ndim=4"),
        (lambda: L.ConvLSTM2D(3, 6, name="r")(IMAGES), ShapeError, r"ConvLSTM2D.*'r'.*does not fit.*padding='same'|'conv_lstm_cell'.*fit"),
        (lambda: L.ConvLSTM2D(0, 2), ArgumentError, "`filters`.*received 0"),
        (lambda: L.ConvLSTM2D(3, (2, 2, 2)), ArgumentError, r"`kernel_size`.*\(2, 2, 2\)"),
        (lambda: L.ConvLSTM2D(3, 2, padding="full"), ArgumentError, "`padding`.*'full'"),
        (lambda: L.ConvLSTM2D(3, 2, strides=2, dilation_rate=2), ArgumentError, "`strides` and `dilation_rate`"),
        (lambda: L.ConvLSTM2D(3, 2, unroll=True), ArgumentTypeError, "`unroll` must be False"),
        (lambda: L.ConvLSTM2D(3, 2, time_major=True), ArgumentError, "`time_major` must be False"),
        (lambda: L.ConvRNN2D([L.ConvLSTM2DCell(3, 2)]), ArgumentTypeError, "`cell` must be one cell"),
        (lambda: L.ConvRNN2D(L.LSTMCell(3)), ArgumentTypeError, "`cell`.*kernel_size"),
        (lambda: _layer(name="r")(IMAGES, mask=torch.ones(2, 4).bool()), ShapeError, r"'r'.*`mask`.*\(2, 3\).*\(2, 4\)"),
        (lambda: _layer(name="r")(IMAGES, initial_state=[torch.rand(2, 4, 3, 3)]), ArgumentError, "'r'.*2 tensors.*received 1"),
        (lambda: _layer(name="r")(IMAGES, initial_state=[torch.rand(2, 5, 4, 3)] * 2), ShapeError, r"'r'.*\(2, 4, 3, 3\).*\(2, 5, 4, 3\)"),
        (lambda: L.ConvLSTM2D(3, 2, stateful=True, name="r")(Input((3, 5, 4, 2))), ArgumentError, "'r' is stateful.*batch_shape"),
        (lambda: L.ConvLSTM2D(3, 2, stateful=True, name="r")(Input((3, None, 4, 2), batch_size=2)), ArgumentError, "'r' is stateful.*None"),
        (lambda: _layer(stateful=True, name="r")(IMAGES[:1]), ShapeError, "'r' is stateful.*batches of 2.*1"),
        (lambda: _layer(stateful=True, name="r").reset_states([torch.rand(2, 3)] * 2), ShapeError, r"'r'.*`states`.*\(2, 4, 3, 3\)"),
        (lambda: L.ConvLSTM2DCell(3, 2).get_initial_state(batch_size=2), ArgumentError, "`inputs`, or `batch_size`"),
    ],
)  # fmt: skip
def test_refusals(call: Any, error: type[KcompatError], match: str) -> None:
    with pytest.raises(error, match=match):
        call()
