"""States, constants and masks of recurrent layers in graphs and configs, and bad input: what is told about it."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from kcompat import layers as L
from kcompat.config import keras_version_scope
from kcompat.core import Input, Layer
from kcompat.errors import ArgumentError, ArgumentTypeError, KcompatError, MaskError, NotStatefulError, ShapeError
from kcompat.models import Model, Sequential

VERSIONS = ("2.2.4", "2.3.1", "2.15", "3")
X = torch.linspace(-1, 1, 24).view(2, 4, 3)


class _Scaled(Layer):
    """A cell that takes a constant."""

    def __init__(self, units: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.units = self.state_size = self.output_size = units

    def build(self, input_shape: Any) -> None:
        step = input_shape[0] if isinstance(input_shape, list) else input_shape
        self.kernel = self.add_weight(name="kernel", shape=(step[-1], self.units))
        super().build(input_shape)

    def call(self, inputs: Tensor, states: Any, constants: Any = None) -> Any:
        h = (states[0] + inputs @ self.kernel) * (constants[0] if constants else 1)
        return h, [h]

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "units": self.units}


class _Nested(Layer):
    """A cell whose states are a pair in a list, and a matrix."""

    state_size = [[2, 1], torch.Size((2, 3))]
    output_size = 2

    def call(self, inputs: Tensor, states: Any) -> Any:
        (total, count), table = states
        total = total + inputs[:, :2]
        return total, [[total, count + 1], table + inputs[:, :2, None] * inputs[:, None]]


class _Answer(Layer):
    """A cell that answers what it is told to."""

    def __init__(self, state_size: Any, answer: Any):
        super().__init__()
        self.__dict__.update(state_size=state_size, answer=answer)

    def call(self, inputs: Tensor, states: Any) -> Any:
        return self.answer(inputs)


def _lstm() -> Any:
    a, h, c = Input((4, 3)), Input((5,)), Input((5,))
    return Model([a, h, c], L.LSTM(5)(a, initial_state=[h, c]))


def _encoder_decoder() -> Any:
    a, b = Input((4, 3)), Input((2, 3))
    _, h, c = L.LSTM(5, return_state=True)(a)
    return Model([a, b], L.LSTM(5, return_sequences=True)(b, initial_state=[h, c]))


def _both_ways() -> Any:
    a, states = Input((4, 3)), [Input((5,)) for _ in range(4)]
    return Model([a, *states], L.Bidirectional(L.LSTM(5))(a, initial_state=states))


def _stacked() -> Any:
    a, h, c, g = Input((4, 3)), Input((5,)), Input((5,)), Input((2,))
    return Model([a, h, c, g], L.RNN([L.LSTMCell(5), L.GRUCell(2)])(a, initial_state=[h, c, g]))


def _constants() -> Any:
    a, k = Input((4, 3)), Input((5,))
    return Model([a, k], L.RNN(_Scaled(5))(a, constants=[k]))


def _constants_and_states() -> Any:
    a, h, k = Input((4, 3)), Input((5,)), Input((5,))
    return Model([a, h, k], L.RNN(_Scaled(5))(a, initial_state=[h], constants=[k]))


def _constants_both_ways() -> Any:
    a, k = Input((4, 3)), Input((5,))
    return Model([a, k], L.Bidirectional(L.RNN(_Scaled(5)))(a, constants=[k]))


MODELS = {
    "lstm": (_lstm, [(4, 3), (5,), (5,)]), "encoder_decoder": (_encoder_decoder, [(4, 3), (2, 3)]),
    "both_ways": (_both_ways, [(4, 3), *[(5,)] * 4]), "stacked": (_stacked, [(4, 3), (5,), (5,), (2,)]),
    "constants": (_constants, [(4, 3), (5,)]), "constants_and_states": (_constants_and_states, [(4, 3), (5,), (5,)]),
    "constants_both_ways": (_constants_both_ways, [(4, 3), (5,)]),
}  # fmt: skip


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", MODELS)
def test_graphs_with_states_go_through_configs(name: str, version: str) -> None:
    make, shapes = MODELS[name]
    generator = torch.Generator().manual_seed(1)
    x = [torch.rand(2, *shape, generator=generator) for shape in shapes]
    with keras_version_scope(version):
        model = make()
        config = json.loads(json.dumps(model.get_config()))
        twin = Model.from_config(config, custom_objects={"_Scaled": _Scaled})
    twin.set_weights(model.get_weights())
    torch.testing.assert_close(twin(x), model(x))
    assert json.loads(json.dumps(twin.get_config())) == config
    for i in range(1, len(x)):  # every state and constant counts
        assert not torch.equal(model([t * (i != j) for j, t in enumerate(x)]), model(x))


@pytest.mark.parametrize("mask", [None, "1011"])
def test_nested_states(mask: str | None) -> None:
    layer = L.RNN(_Nested(), return_state=True)
    kept = [0, 2, 3] if mask else [0, 1, 2, 3]
    given = None if mask is None else torch.tensor([[c == "1" for c in mask]] * 2)
    output, (total, count), table = layer(X, mask=given)
    torch.testing.assert_close(output, X[:, kept, :2].sum(1))
    torch.testing.assert_close(total, output)
    assert count.tolist() == [[len(kept)]] * 2
    torch.testing.assert_close(table, torch.einsum("bti,btj->bij", X[:, kept, :2], X[:, kept]))
    start = [torch.ones(2, 2), torch.zeros(2, 1), torch.zeros(2, 2, 3)]
    torch.testing.assert_close(layer(X, initial_state=start)[0], X[..., :2].sum(1) + 1)
    with pytest.raises(ShapeError, match=r"`initial_state`.*\(2, 2, 3\).*\(2, 3\)"):
        layer(X, initial_state=[*start[:2], torch.zeros(2, 3)])


@pytest.mark.parametrize("kind", ["SimpleRNN", "LSTM", "GRU"])
@pytest.mark.parametrize("mask", [None, torch.tensor([[1, 1, 0, 1], [0, 1, 1, 0]]).bool()])
def test_time_major_is_a_transposed_input(kind: str, mask: Any) -> None:
    for wrap in (lambda layer: layer, lambda layer: L.Bidirectional(layer)):
        for sequences in (False, True):
            plain = wrap(getattr(L, kind)(5, return_sequences=sequences))
            turned = wrap(getattr(L, kind)(5, return_sequences=sequences, time_major=True))
            wanted = plain(X, mask=mask)
            turned(X.transpose(0, 1))
            turned.set_weights(plain.get_weights())
            found = turned(X.transpose(0, 1), mask=None if mask is None else mask.t())
            torch.testing.assert_close(found.transpose(0, 1) if sequences else found, wanted)
            shape = turned.compute_output_shape((4, None, 3))
            assert shape == ((4, None, wanted.shape[-1]) if sequences else (None, wanted.shape[-1]))


class TestUnroll:
    @pytest.mark.parametrize("make", [lambda: L.SimpleRNN(3, unroll=True), lambda: L.LSTM(3, unroll=True), lambda: L.GRU(3, unroll=True),
                                      lambda: L.RNN(L.LSTMCell(3), unroll=True)])  # fmt: skip
    def test_steps_must_be_known(self, make: Any) -> None:
        """As measured: Keras 2.2.4 refuses one step too, Keras 3 refuses nothing."""
        for version in VERSIONS:
            with keras_version_scope(version):
                if version == "3":
                    assert make()(Input((None, 2))).shape == (None, 3)
                else:
                    with pytest.raises(ArgumentError, match=r"`unroll=True` the number of steps must be known.*\(None, None, 2\)"):
                        make()(Input((None, 2)))
                if version == "2.2.4":
                    with pytest.raises(ArgumentError, match="above 1"):
                        make()(Input((1, 2)))
                else:
                    assert make()(Input((1, 2))).shape == (None, 3)
                assert make()(Input((4, 2))).shape == (None, 3)


class TestReset:
    def test_of_layers_that_keep_nothing(self) -> None:
        for version in VERSIONS:
            with keras_version_scope(version):
                for layer in (L.LSTM(3, name="r"), L.Bidirectional(L.LSTM(3, name="r"))):
                    if version == "3":
                        layer.reset_states()
                        continue
                    with pytest.raises(NotStatefulError, match="r': `reset_states` needs a layer made with `stateful=True`"):
                        layer.reset_states()
                    with pytest.raises(AttributeError):
                        layer.reset_states()

    def test_of_models_reaches_the_stateful_layers_only(self) -> None:
        model = Sequential([Input((4, 3), batch_size=2), L.LSTM(3, return_sequences=True), L.GRU(2, stateful=True), L.Dense(1)])
        first = model(X)
        assert not torch.equal(model(X), first)
        model.reset_states()
        assert torch.equal(model(X), first)


def _layer(kind: str = "LSTM", **options: Any) -> Any:
    return getattr(L, kind)(3, name="r", **options)


def _both(**options: Any) -> Any:
    return L.Bidirectional(L.LSTM(3, **options), name="b")


def _stateful() -> Any:
    layer = _layer(stateful=True)
    layer(X)
    return layer


def _states(count: int, *shape: int) -> list[Tensor]:
    return [torch.rand(*shape) for _ in range(count)]


EVERY = ("SimpleRNN", "LSTM", "GRU")
ROWS: list[tuple[Any, type[KcompatError], str]] = [
    *[(lambda k=k: _layer(k)(X, mask=torch.ones(2, 5).bool()), ShapeError, rf"{k} 'r'.*`mask`.*\(2, 4\).*\(2, 5\)") for k in EVERY],
    *[(lambda k=k: _layer(k)(X, mask=torch.ones(2, 4)), MaskError, f"{k} 'r'.*`mask`.*bool.*float32.*mask.bool") for k in EVERY],
    *[(lambda k=k: _layer(k, stateful=True)(Input((4, 3))), ArgumentError, f"{k} 'r' is stateful.*batch_input_shape") for k in EVERY],
    *[(lambda k=k: _layer(k)(X, initial_state=_states(3, 2, 3)), ArgumentError, f"{k} 'r'.*`initial_state`.*received 3") for k in EVERY],
    *[(lambda k=k: _layer(k)(Input((4, 3)), initial_state=[Input((3,))] * 3), ArgumentError, f"{k} 'r'.*received 3") for k in EVERY],
    (lambda: _layer()(X, mask=torch.ones(4).bool()), ShapeError, r"'r'.*`mask`.*\(4,\)"),
    (lambda: _layer()(X, mask="all"), MaskError, "'r'.*`mask`.*str"),
    (lambda: L.RNN(L.GRUCell(3), name="r")(X, mask=torch.ones(2, 4)), MaskError, "RNN 'r'.*float32"),
    (lambda: _layer()(X, initial_state=_states(2, 2, 4)), ShapeError, r"'r'.*\(2, 3\).*\(2, 4\)"),
    (lambda: _layer()(X, initial_state=_states(2, 3, 3)), ShapeError, r"'r'.*\(2, 3\).*\(3, 3\)"),
    (lambda: _layer()(Input((4, 3)), initial_state=[Input((5,)), Input((5,))]), ShapeError, r"'r'.*\(None, 3\).*\(None, 5\)"),
    (lambda: _layer("GRU")(X, initial_state="zeros"), ArgumentTypeError, "'r'.*`initial_state`.*tensors.*'zeros'"),
    (lambda: _layer()([Input((4, 3)), Input((3,))]), ArgumentError, "'r'.*`initial_state`.*2 tensors.*received 1"),
    (lambda: _stateful()(torch.rand(3, 4, 3)), ShapeError, "'r' is stateful.*batches of 2.*batch of 3.*without `stateful`"),
    (lambda: _stateful().reset_states(_states(2, 3, 3)), ShapeError, r"'r'.*`states`.*\(2, 3\).*\(3, 3\)"),
    (lambda: _stateful().reset_states(_states(1, 2, 3)), ShapeError, r"'r'.*`states`.*\(2, 3\)"),
    (lambda: _stateful().reset_states("zeros"), ArgumentTypeError, "'r'.*`states`.*'zeros'"),
    (lambda: _both()(X, mask=torch.ones(2, 5).bool()), ShapeError, r"LSTM 'forward_.*`mask`.*\(2, 5\)"),
    (lambda: _both()(X, initial_state=_states(3, 2, 3)), ArgumentError, "Bidirectional 'b'.*forward layer's 2.*backward layer's 2.*3"),
    (lambda: _both()(X, initial_state=_states(2, 2, 3)), ArgumentError, "Bidirectional 'b'.*forward layer's 2.*received 2"),
    (lambda: _both()(X, initial_state=_states(4, 2, 5)), ShapeError, r"forward_.*\(2, 3\).*\(2, 5\)"),
    (lambda: _both()(Input((4, 3)), initial_state=[Input((5,))] * 4), ShapeError, r"forward_.*\(None, 3\).*\(None, 5\)"),
    (lambda: _both(stateful=True)(Input((4, 3))), ArgumentError, "forward_.* is stateful.*batch_input_shape"),
    (lambda: L.TimeDistributed(_layer(), name="t")(torch.rand(2, 3, 4, 3), mask=torch.ones(2, 4).bool()), ShapeError, "'t'.*`mask`"),
    (lambda: L.LSTMCell(3, name="c")(X[:, 0], _states(1, 2, 3)), ArgumentError, "'c'.*`states`.*2 tensors, received 1"),
    (lambda: L.LSTMCell(3, name="c")(X[:, 0], _states(2, 2, 4)), ShapeError, r"'c'.*`states`.*\(2, 3\).*\(2, 4\)"),
    (lambda: L.GRUCell(3, name="c")(X, _states(1, 2, 3)), ShapeError, r"'c' takes one step.*\(2, 4, 3\)"),
    *[(lambda k=k: _layer(k)(torch.rand(2, 3, 4, 5)), ShapeError, rf"{k} 'r'.*ndim=3, found ndim=4.*\(2, 3, 4, 5\)") for k in EVERY],
    *[(lambda k=k: _layer(k)(X[:, :0]), ShapeError, rf"{k} 'r' needs at least one step.*\(2, 0, 3\)") for k in EVERY],
    (lambda: _layer()(X, mask=[[1, 1, 1, 0]] * 2), MaskError, "'r'.*received list; try `torch.tensor"),
    (lambda: _layer()(X, constants=X[:, 0]), ArgumentError, "LSTM 'r': `constants`.*LSTMCell has none"),
    (lambda: L.RNN(L.LSTMCell), ArgumentTypeError, r"RNN: `cell` must be made, as in `LSTMCell\(32\)`"),
    (lambda: L.RNN(L.LSTM(3)), ArgumentTypeError, "RNN: `cell` must be a cell.*received a layer"),
    (lambda: L.RNN([]), ArgumentTypeError, r"`cells` must be a list of at least one cell, received \[\]"),
    (lambda: L.StackedRNNCells(L.GRUCell(3)), ArgumentTypeError, "`cells` must be a list"),
    (lambda: L.StackedRNNCells([L.GRUCell(3), L.GRU(3)]), ArgumentTypeError, "`cells` must be a cell.*received a layer"),
    (lambda: L.RNN(_Answer(3, lambda x: x))(X), ArgumentTypeError, "_Answer must return the output and the list of new states.*Tensor"),
    (lambda: L.RNN(_Answer([3, 3], lambda x: (x, [x])))(X), ArgumentError, "_Answer must return 2 new states.*received 1"),
    (lambda: L.RNN(_Answer("3", lambda x: (x, [x])))(X), ArgumentTypeError, "`state_size`.*'3'"),
    (
        lambda: L.Bidirectional(L.LSTM(3), "sum", backward_layer=L.LSTM(4, go_backwards=True), name="b")(X),
        ShapeError,
        r"'b'.*'sum'.*\(2, 3\).*\(2, 4\)",
    ),
    (lambda: L.GRUCell(3, name="c")(X[:, 0], _states(1, 1, 3)), ShapeError, r"'c'.*`states`.*\(2, 3\).*\(1, 3\)"),
]


@pytest.mark.parametrize("version", ["2.2.4", "2.15", "3"])
@pytest.mark.parametrize("row", range(len(ROWS)))
def test_refusals(row: int, version: str) -> None:
    call, error, match = ROWS[row]
    with keras_version_scope(version), pytest.raises(error, match=match):
        call()


def test_nothing_has_changed_when_a_reset_is_refused() -> None:
    layer = _stateful()
    before = [s.clone() for s in layer.states]
    with pytest.raises(ShapeError):
        layer.reset_states([np.ones((2, 3)), np.ones((3, 3))])
    assert all(torch.equal(a, b) for a, b in zip(layer.states, before, strict=True))


@pytest.mark.parametrize(("version", "turned"), [("2.2.4", True), ("2.3.1", True), ("2.15", False)])
def test_states_in_reverse(version: str, turned: bool) -> None:
    """Compared once with Keras 2.2.4, 2.3.1 and tf_keras 2.21: the states turn in old Keras, in tf.keras only the sizes do."""
    with keras_version_scope(version):
        layer = L.RNN(L.StackedRNNCells([L.GRUCell(3), L.SimpleRNNCell(3)], reverse_state_order=True), return_state=True)
        output, first, second = layer(X)
        torch.testing.assert_close(output, first if turned else second)
        if turned:
            cells = L.StackedRNNCells([L.LSTMCell(4), L.GRUCell(3)], reverse_state_order=True)
            assert cells.state_size == [3, 4, 4]
            assert [tuple(s.shape) for s in L.RNN(cells, return_state=True)(X)] == [(2, 3), (2, 3), (2, 4), (2, 4)]
        else:
            with pytest.raises(ArgumentError, match="`reverse_state_order=True` needs cells of one state size"):
                L.StackedRNNCells([L.LSTMCell(4), L.GRUCell(3)], reverse_state_order=True)
