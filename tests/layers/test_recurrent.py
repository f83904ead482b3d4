"""Recurrent layers: numbers worked out by hand (or printed by Keras), states, cells of the user's own, wrappers, refusals."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from kcompat import layers as L
from kcompat.config import keras_version_scope
from kcompat.core import Input, Layer
from kcompat.errors import ArgumentError, ArgumentTypeError, KcompatError, MaskError, NotBuiltError, ShapeError
from kcompat.models import Model
from kcompat.tensor.gates import cudnn_from_plain, plain_from_cudnn

X = torch.tensor([1.0, 2, 4, 8]).view(1, 4, 1)


def _mask(text: str) -> Tensor:
    return torch.tensor([[c == "1" for c in text]])


def _simple(recurrent: float = 0.5, **options: Any) -> Any:
    """h' = x + recurrent * h."""
    layer = L.SimpleRNN(1, "linear", **options)
    layer.build((1, 4, 1))
    layer.set_weights([np.array([[1.0]]), np.array([[recurrent]]), np.array([0.0])])
    return layer


def _row(tensor: Tensor) -> list[float]:
    return tensor.detach().flatten().tolist()


class TestNumbers:
    def test_masks(self) -> None:
        output, state = _simple(return_sequences=True, return_state=True)(X, mask=_mask("1011"))
        assert (_row(output), _row(state)) == ([1, 1, 4.5, 10.25], [10.25])
        output, state = _simple(return_sequences=True, return_state=True)(X, mask=_mask("0011"), initial_state=torch.tensor([[10.0]]))
        assert (_row(output), _row(state)) == ([0, 0, 9, 12.5], [12.5])
        last, state = _simple(return_state=True)(X, mask=_mask("0000"), initial_state=torch.tensor([[10.0]]))
        assert (_row(last), _row(state)) == ([0], [10])

    def test_zero_output(self) -> None:
        assert _row(_simple(return_sequences=True, zero_output_for_mask=True)(X, mask=_mask("1100"))) == [1, 2.5, 0, 0]
        last, state = _simple(return_state=True, zero_output_for_mask=True)(X, mask=_mask("1100"))
        assert (_row(last), _row(state)) == ([0], [2.5])

    def test_backwards(self) -> None:
        assert _row(_simple(return_sequences=True, go_backwards=True)(X)) == [8, 8, 6, 4]
        assert _row(_simple(return_sequences=True, go_backwards=True)(X, mask=_mask("1100"))) == [0, 0, 2, 2]

    def test_gru(self) -> None:
        """One step from h = 1 with x = 2, linear gates (semantics of `reset_after`)."""
        for after, bias, wanted in ((True, [[0.01, 0.02, 0.03], [0.04, 0.05, 0.06]], 1.09457), (False, [0.01, 0.02, 0.03], 1.07098)):
            layer = L.GRU(1, activation="linear", recurrent_activation="linear", reset_after=after)
            layer.build((1, 1, 1))
            layer.set_weights([np.array([[0.1, 0.2, 0.3]]), np.array([[0.4, 0.5, 0.6]]), np.array(bias)])
            found = layer(torch.full((1, 1, 1), 2.0), initial_state=torch.ones(1, 1))
            assert found.item() == pytest.approx(wanted, abs=2e-6)

    def test_lstm_bias_starts_with_ones_for_the_forget_gate(self) -> None:
        layer = L.LSTM(2)
        layer.build((1, 1, 3))
        assert layer.get_weights()[2].tolist() == [0, 0, 1, 1, 0, 0, 0, 0]

    def test_bidirectional(self) -> None:
        x = torch.tensor([1.0, 2, 4]).view(1, 3, 1)

        def both(mode: Any, **options: Any) -> Any:
            layer = L.Bidirectional(L.SimpleRNN(1, "linear", **options), merge_mode=mode)
            layer.build((1, 3, 1))
            one, zero = np.array([[1.0]]), np.array([0.0])
            layer.set_weights([one, np.array([[0.5]]), zero, one, np.array([[0.25]]), zero])
            return layer(x)

        assert _row(both("concat", return_sequences=True)) == [1, 1.75, 2.5, 3, 5.25, 4]
        assert _row(both("concat")) == [5.25, 1.75]
        assert _row(both("ave")) == [3.5]
        assert _row(both("sum")) == [7]
        assert _row(both("mul")) == [5.25 * 1.75]
        assert [_row(t) for t in both(None)] == [[5.25], [1.75]]
        assert [_row(t) for t in both("concat", return_state=True)] == [[5.25, 1.75], [5.25], [1.75]]

    @pytest.mark.parametrize(
        ("version", "wanted"), [("2.2.4", [1, 2, 1, 0, 4.5, 4]), ("2.15", [1, 2, 0, 0, 4.5, 4]), ("3", [1, 2, 0, 0, 4.5, 4])]
    )
    def test_masked_steps_of_bidirectional(self, version: str, wanted: list[float]) -> None:
        """x = 1, 2, 4 with the middle masked: forward 1, (1), 4.5; backward from 4: 4, (4), 2... as h' = x + h / 4."""
        with keras_version_scope(version):
            layer = L.Bidirectional(L.SimpleRNN(1, activation="linear", return_sequences=True))
        layer.build((1, 3, 1))
        one, zero = np.array([[1.0]]), np.array([0.0])
        layer.set_weights([one, np.array([[0.5]]), zero, one, np.array([[0.25]]), zero])
        found = _row(layer(torch.tensor([1.0, 2, 4]).view(1, 3, 1), mask=_mask("101")))
        backward_repeats = 4 if version == "2.2.4" else 0
        assert found == [wanted[0], 1 + 4 / 4, wanted[2], backward_repeats, wanted[4], 4]


class TestStates:
    def test_stateful(self) -> None:
        layer = _simple(stateful=True)
        assert layer(X).item() == 10.625
        assert layer(X).item() == pytest.approx(11.289063, abs=1e-6)
        layer.reset_states()
        assert layer(X).item() == 10.625
        layer.reset_states([np.array([[16.0]])])
        assert layer(X).item() == 11.625
        assert "state_0" not in layer.state_dict() and len(layer.weights) == 3

    def test_stateful_copies(self) -> None:
        layer = _simple(stateful=True)
        layer(X)
        for twin in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
            assert twin(X).item() == pytest.approx(11.289063, abs=1e-6)

    def test_stateful_trains_batch_after_batch(self) -> None:
        layer = L.LSTM(3, stateful=True)
        for _ in range(2):
            layer(torch.rand(2, 4, 3)).sum().backward()
        assert all(p.grad is not None for p in layer.parameters())

    def test_states_are_the_start_of_another_layer(self) -> None:
        x = torch.rand(2, 6, 3)
        whole, first = L.LSTM(4, return_state=True), L.LSTM(4, return_state=True)
        whole(x), first(x)
        first.set_weights(whole.get_weights())
        _, h, c = first(x[:, :3])
        for a, b in zip(first(x[:, 3:], initial_state=[h, c]), whole(x), strict=True):
            torch.testing.assert_close(a, b)
        torch.testing.assert_close(first([x[:, 3:], h, c])[0], whole(x)[0])

    def test_symbolic_states(self) -> None:
        for version in ("2.2.4", "2.15", "3"):
            with keras_version_scope(version):
                a, h = Input((4, 3)), Input((5,))
                layer = L.SimpleRNN(5)
                model = Model([a, h], layer(a, initial_state=h))
                x, start = torch.rand(2, 4, 3), torch.rand(2, 5)
                torch.testing.assert_close(model([x, start]), layer(x, initial_state=start))
                torch.testing.assert_close(pickle.loads(pickle.dumps(model))([x, start]), model([x, start]))


class _Counter(Layer):
    """A cell with nested states: a vector that grows by the input, and a count."""

    def __init__(self, units: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.units = units
        self.state_size = [units, 1]
        self.output_size = units

    def build(self, input_shape: Any) -> None:
        size = input_shape[0][-1] if isinstance(input_shape, list) else input_shape[-1]  # a list with the constants' shapes
        self.kernel = self.add_weight(name="kernel", shape=(size, self.units), initializer="ones")
        super().build(input_shape)

    def call(self, inputs: Tensor, states: Any, constants: Any = None) -> Any:
        total = states[0] + inputs @ self.kernel
        output = total if constants is None else total * constants[0]
        return output, [total, states[1] + 1]


class TestCells:
    def test_a_cell_of_the_users(self) -> None:
        layer = L.RNN(_Counter(2), return_sequences=True, return_state=True)
        output, total, count = layer(X, mask=_mask("1011"))
        assert _row(output) == [1, 1, 1, 1, 5, 5, 13, 13]
        assert (_row(total), _row(count)) == ([13, 13], [3])
        assert layer.compute_output_shape((None, 4, 1)) == [(None, 4, 2), (None, 2), (None, 1)]

    def test_constants(self) -> None:
        layer = L.RNN(_Counter(1))
        assert layer(X, constants=[torch.tensor([[3.0]])]).item() == 45

    def test_start_of_the_cells_own(self) -> None:
        class Ones(_Counter):
            def get_initial_state(self, inputs: Any = None, batch_size: Any = None, dtype: Any = None) -> Any:
                return [torch.ones(batch_size, self.units), torch.zeros(batch_size, 1)]

        assert L.RNN(Ones(1))(X).item() == 16

    def test_a_changed_cell_is_called_step_by_step(self) -> None:
        class Doubled(L.SimpleRNNCell):
            def call(self, inputs: Tensor, states: Any, training: bool | None = None) -> Any:
                output, new = super().call(inputs, states, training)
                return output * 2, new

        plain = L.RNN(L.SimpleRNNCell(1, "linear"))
        changed = L.RNN(Doubled(1, "linear"))
        plain(X), changed(X)
        changed.set_weights(plain.get_weights())
        torch.testing.assert_close(changed(X), plain(X) * 2)

    @pytest.mark.parametrize("kind", ["SimpleRNN", "LSTM", "GRU"])
    def test_steps_and_whole_sequences_agree(self, kind: str) -> None:
        layer = getattr(L, kind)(3, return_sequences=True)
        x = torch.rand(2, 4, 5)
        wanted = layer(x)
        states: Any = layer.cell.get_initial_state(batch_size=2)
        for t in range(4):
            output, states = layer.cell(x[:, t], states)
            torch.testing.assert_close(output, wanted[:, t])

    def test_stacked_cells_are_stacked_layers(self) -> None:
        cells = [L.LSTMCell(4), L.GRUCell(3)]
        for backwards in (False, True):
            stacked = L.RNN(cells, return_sequences=True, go_backwards=backwards)
            layers = [L.LSTM(4, return_sequences=True, go_backwards=backwards), L.GRU(3, return_sequences=True)]
            x, mask = torch.rand(2, 5, 3), torch.tensor([[1, 0, 1, 1, 0], [0, 0, 1, 0, 1]]).bool()
            found = stacked(x, mask=mask)
            layers[1](layers[0](x))
            for layer, cell in zip(layers, cells, strict=True):
                layer.set_weights(cell.get_weights())
            torch.testing.assert_close(found, layers[1](layers[0](x, mask=mask), mask=mask.flip(1) if backwards else mask))


class TestDropout:
    @pytest.mark.parametrize("kind", ["SimpleRNN", "LSTM", "GRU"])
    def test_only_in_training_and_the_same_at_every_step(self, kind: str) -> None:
        layer = getattr(L, kind)(3, dropout=0.5, recurrent_dropout=0.5)
        x = torch.rand(2, 4, 5)
        torch.testing.assert_close(layer(x), layer(x))
        assert not torch.equal(layer(x, training=True), layer(x, training=True))

    def test_one_mask_for_the_sequence(self) -> None:
        """With ones everywhere and no recurrence a dropped input is missing at every step."""
        layer = L.SimpleRNN(1, "linear", dropout=0.5, return_sequences=True)
        layer.build((1, 4, 1))
        layer.set_weights([np.ones((1, 1)), np.zeros((1, 1)), np.zeros(1)])
        seen = {tuple(_row(layer(torch.ones(1, 4, 1), training=True))) for _ in range(20)}
        assert seen == {(0.0,) * 4, (2.0,) * 4}

    @pytest.mark.parametrize(("implementation", "alike"), [(1, False), (2, True)])
    def test_gates_have_masks_of_their_own(self, implementation: int, alike: bool) -> None:
        """c = i * c~ of one step is 0 or 4 where both gates share a mask; else an entry may be dropped in o alone."""
        layer = L.LSTM(400, "linear", "linear", dropout=0.5, implementation=implementation, return_state=True, unit_forget_bias=False)
        layer.build((1, 1, 400))
        layer.set_weights([np.tile(np.eye(400), (1, 4)), np.zeros((400, 1600)), np.zeros(1600)])
        _, h, c = layer(torch.ones(1, 1, 400), training=True)
        assert bool(((c != 0) == (h != 0)).all()) is alike

    def test_a_seed_repeats(self) -> None:
        x = torch.rand(2, 4, 5)
        layers = [L.GRU(3, dropout=0.5, seed=7) for _ in range(2)]
        for layer in layers:
            layer.build((2, 4, 5))
        layers[1].set_weights(layers[0].get_weights())
        torch.testing.assert_close(layers[0](x, training=True), layers[1](x, training=True))


class TestWrappers:
    def test_time_distributed_masks(self) -> None:
        layer = L.TimeDistributed(L.Dense(2))
        x = torch.rand(2, 3, 4)
        x._keras_mask = torch.tensor([[1, 1, 0], [1, 0, 0]]).bool()  # type: ignore[attr-defined]
        assert torch.equal(layer(x)._keras_mask, x._keras_mask)  # type: ignore[attr-defined]

    def test_time_distributed_over_a_model(self) -> None:
        inner = Model(a := Input((4,)), L.Dense(2)(a))
        x = torch.rand(2, 3, 4)
        torch.testing.assert_close(L.TimeDistributed(inner)(x)[:, 1], inner(x[:, 1]))

    def test_mask_from_embedding_to_the_last_layer(self) -> None:
        tokens = torch.tensor([[1, 2, 0, 0], [3, 0, 0, 0]])
        embedding, lstm = L.Embedding(5, 3, mask_zero=True), L.LSTM(2)
        torch.testing.assert_close(lstm(embedding(tokens))[1], lstm(embedding(tokens[1:, :1]))[0])

    def test_cudnn_weights_both_ways(self) -> None:
        for cudnn, plain, gates in ((L.CuDNNLSTM, L.LSTM, 4), (L.CuDNNGRU, L.GRU, 3)):
            x, a, b = torch.rand(2, 4, 3), cudnn(5), plain(5)
            a(x), b(x)
            weights = [torch.rand(w.shape) for w in b.weights]
            b.set_weights(weights)
            turned = cudnn_from_plain(*weights, gates)
            a.set_weights(list(turned))
            torch.testing.assert_close(a(x), b(x))
            kernel, recurrent, bias = plain_from_cudnn(*turned, gates)
            assert torch.equal(kernel, weights[0]) and torch.equal(recurrent, weights[1]) and bias is not None
            torch.testing.assert_close(bias.sum(0) if gates == 4 else bias, weights[2])

    def test_cudnn_layout_by_hand(self) -> None:
        """One gate, n = 2, u = 3: rows of CuDNN's kernel read one after the other are the transposed kernel."""
        kernel = torch.tensor([[0.0, 1, 2], [3, 4, 5]])
        assert plain_from_cudnn(kernel, torch.eye(3), None, 1)[0].tolist() == [[0, 2, 4], [1, 3, 5]]


class TestRefusals:
    @pytest.mark.parametrize(
        ("call", "error", "words"),
        [
            (lambda: _lstm(mask=torch.ones(2, 5).bool()), ShapeError, ("r", "`mask`", "(2, 4)", "(2, 5)")),
            (lambda: _lstm(mask=torch.ones(2, 4)), MaskError, ("r", "`mask`", "float32", "bool")),
            (lambda: _lstm(initial_state=[torch.rand(2, 3)]), ArgumentError, ("r", "`initial_state`", "2", "1")),
            (lambda: _gru(initial_state=torch.rand(2, 4)), ShapeError, ("r", "`initial_state`", "(2, 3)", "(2, 4)")),
            (lambda: L.LSTM(3, stateful=True, name="r")(Input((4, 3))), ArgumentError, ("r", "stateful", "batch_input_shape")),
            (lambda: _other_batch(), ShapeError, ("r", "stateful", "2", "3")),
            (lambda: L.LSTM(3, stateful=True, name="r").reset_states(), NotBuiltError, ("r", "`reset_states`")),
            (lambda: L.LSTM(0), ArgumentError, ("LSTM", "`units`", "0")),
            (lambda: L.LSTM(3, implementation=3), ArgumentError, ("`implementation`", "3")),
            (lambda: L.LSTM(3)(torch.rand(2, 4)), ShapeError, ("ndim=3", "(2, 4)")),
            (lambda: L.RNN(L.Dense(3)), ArgumentTypeError, ("`cell`", "state_size")),
            (lambda: L.Bidirectional(L.Dense(3)), ArgumentTypeError, ("`layer`", "recurrent")),
            (lambda: L.Bidirectional(L.LSTM(3), "max"), ArgumentError, ("`merge_mode`", "max")),
            (lambda: L.Bidirectional(L.LSTM(3), backward_layer=L.LSTM(3)), ArgumentError, ("`backward_layer`", "go_backwards") ),
            (lambda: L.Embedding(5, 2, name="e")(torch.tensor([[7]])), ArgumentError, ("e", "`inputs`", "7", "4")),
            (lambda: L.Embedding(5, 2, sparse=True), ArgumentError, ("`sparse`",)),
            (lambda: L.CuDNNLSTM(3, name="r")(torch.rand(2, 4, 3), mask=torch.ones(2, 4).bool()), ArgumentError, ("r", "`mask`")),
        ],
    )  # fmt: skip
    def test_messages(self, call: Any, error: type[KcompatError], words: tuple[str, ...]) -> None:
        with pytest.raises(error) as caught:
            call()
        for word in words:
            assert word in str(caught.value).replace("`layer` and `backward_layer`", "`backward_layer`")


def _lstm(**call: Any) -> None:
    L.LSTM(3, name="r")(torch.rand(2, 4, 3), **call)


def _gru(**call: Any) -> None:
    L.GRU(3, name="r")(torch.rand(2, 4, 3), **call)


def _other_batch() -> None:
    layer = L.LSTM(3, stateful=True, name="r")
    layer(torch.rand(2, 4, 3))
    layer(torch.rand(3, 4, 3))
