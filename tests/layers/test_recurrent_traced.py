"""The masked path of recurrent layers waits for nothing: no value of a tensor is read on the host, no shape depends on one.

That is what capture in a CUDA graph and `torch.compile(fullgraph=True)` need.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor
from torch._subclasses.fake_tensor import DataDependentOutputException, FakeTensorMode
from torch.func import functional_call
from torch.utils._python_dispatch import TorchDispatchMode

from kcompat import layers as L

BATCH, STEPS, SIZE, UNITS = 6, 3, 4, 2
#: none masked, trailing, leading, interior, all masked, both ends
MASK = torch.tensor([[1, 1, 1], [1, 1, 0], [0, 1, 1], [1, 0, 1], [0, 0, 0], [0, 1, 0]]).bool()

LAYERS: dict[str, Callable[[], Any]] = {
    "simple": lambda: L.SimpleRNN(UNITS, return_sequences=True),
    "lstm": lambda: L.LSTM(UNITS),
    "lstm_states": lambda: L.LSTM(UNITS, return_sequences=True, return_state=True),
    "lstm_backwards": lambda: L.LSTM(UNITS, return_sequences=True, go_backwards=True, zero_output_for_mask=True),
    "lstm_hard": lambda: L.LSTM(UNITS, recurrent_activation="hard_sigmoid", return_sequences=True),
    "gru": lambda: L.GRU(UNITS, return_state=True),
    "gru_before": lambda: L.GRU(UNITS, reset_after=False, return_sequences=True),
    "bidirectional": lambda: L.Bidirectional(L.LSTM(UNITS, return_sequences=True)),
    "stacked": lambda: L.RNN([L.LSTMCell(UNITS), L.GRUCell(UNITS)]),
}
#: what reads a value on the host, or makes a shape of one
READS = {"_local_scalar_dense", "is_nonzero", "equal", "nonzero", "unique", "unique2", "_unique2", "masked_select", "allclose"}


class _Seen(TorchDispatchMode):
    """Collects the names of the functions that run."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.names.add(func.overloadpacket.__name__)
        return func(*args, **(kwargs or {}))


def _total(found: Any) -> Tensor:
    """A number that all outputs reach, each entry with a weight of its own."""
    parts = list(found) if isinstance(found, (list, tuple)) else [found]
    return sum(((p * torch.arange(p.numel(), dtype=p.dtype).view(p.shape).cos()).sum() for p in parts), torch.zeros(()))


def _made(name: str) -> tuple[Any, Tensor]:
    torch.manual_seed(0)
    layer, x = LAYERS[name](), torch.randn(BATCH, STEPS, SIZE)
    layer(x, mask=MASK)
    return layer, x.requires_grad_()


def _gradients(layer: Any, total: Tensor, x: Tensor) -> list[Tensor]:
    return list(torch.autograd.grad(total, [x, *layer.parameters()]))


def test_the_watch_sees() -> None:
    with _Seen() as seen:
        torch.ones(3).sum().item()
        bool(torch.ones(3).bool().any())
        torch.ones(3).nonzero()
    assert seen.names & READS == {"_local_scalar_dense", "nonzero"}
    with pytest.raises(DataDependentOutputException), FakeTensorMode():
        torch.ones(3).sum().item()


@pytest.mark.parametrize("name", LAYERS)
def test_nothing_is_read(name: str) -> None:
    layer, x = _made(name)
    with _Seen() as seen:
        _gradients(layer, _total(layer(x, mask=MASK)), x)
    assert "index_select" in seen.names and not seen.names & READS


@pytest.mark.parametrize("name", LAYERS)
def test_no_shape_depends_on_a_value(name: str) -> None:
    """Fake tensors have shapes only: whatever asks for a value raises."""
    layer, x = _made(name)
    wanted = [g.shape for g in _gradients(layer, _total(layer(x, mask=MASK)), x)]
    mode = FakeTensorMode()
    weights = {key: mode.from_tensor(p) for key, p in layer.named_parameters()}
    inputs = [mode.from_tensor(x), *weights.values()]
    with mode:
        found = _total(functional_call(layer, weights, (inputs[0],), {"mask": mode.from_tensor(MASK)}))
        assert [g.shape for g in torch.autograd.grad(found, inputs)] == wanted


@pytest.mark.parametrize("name", ["simple", "lstm_states", "lstm_hard", "gru", "gru_before", "bidirectional"])
def test_compiled_whole_with_gradients(name: str) -> None:
    layer, x = _made(name)
    torch._dynamo.reset()
    compiled = torch.compile(lambda x, mask: _total(layer(x, mask=mask)), fullgraph=True, backend="aot_eager")
    for mask in (MASK, ~MASK):  # the same graph for both
        wanted, found = _total(layer(x, mask=mask)), compiled(x, mask)
        torch.testing.assert_close(found, wanted)
        for a, b in zip(_gradients(layer, found, x), _gradients(layer, wanted, x), strict=True):
            torch.testing.assert_close(a, b)


@pytest.mark.parametrize("name", ["lstm_states", "gru", "bidirectional"])
def test_exported(name: str) -> None:
    """The exported program takes any mask, as nothing of the one it was made with is in it."""
    layer, x = _made(name)

    class Whole(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = layer

        def forward(self, x: Tensor, mask: Tensor) -> Tensor:
            return _total(self.layer(x, mask=mask))

    with torch.no_grad():
        program = torch.export.export(Whole(), (x.detach(), MASK))
        torch.testing.assert_close(program.module()(x, ~MASK), _total(layer(x, mask=~MASK)))


@pytest.mark.parametrize("kind", [L.SimpleRNN, L.LSTM, L.GRU])
def test_unroll_changes_no_number(kind: Any) -> None:
    x = torch.rand(BATCH, STEPS, SIZE)
    plain, unrolled = kind(UNITS, return_sequences=True), kind(UNITS, return_sequences=True, unroll=True)
    plain(x), unrolled(x)
    unrolled.set_weights(plain.get_weights())
    assert torch.equal(plain(x, mask=MASK), unrolled(x, mask=MASK)) and unrolled.get_config()["unroll"] is True
