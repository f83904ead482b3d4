"""Recurrence under masks: against Keras' rule written out step by step, and torch's transforms."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.func import vmap

from kcompat.tensor import activate
from kcompat.tensor.recurrence import Cell, project, recurrence, steps
from kcompat.tensor.recurrence_rules import RULES
from kcompat.tensor.scan import Options, Weights, run_cell

KINDS = ("simple", "lstm", "gru_after", "gru_before")
GATES = {"simple": 1, "lstm": 4, "gru_after": 3, "gru_before": 3}
#: none, trailing, leading, interior, all masked, alternating
MASKS = torch.tensor([[1, 1, 1, 1, 1], [1, 1, 0, 0, 0], [0, 0, 1, 1, 1], [1, 0, 1, 0, 1], [0, 0, 0, 0, 0], [0, 1, 0, 1, 0]]).bool()
BATCH, STEPS, SIZE, UNITS = 6, 5, 4, 3


def _cell(kind: str, activation: Any = activate.tanh, gate: Any = activate.sigmoid) -> Cell:
    return Cell(kind, activation, None if kind == "simple" else gate)


def _draw(kind: str, dtype: torch.dtype = torch.float64, bias: bool = True) -> tuple[Tensor, Weights, tuple[Tensor, ...]]:
    torch.manual_seed(0)

    def made(*shape: int) -> Tensor:
        return (torch.randn(*shape, dtype=dtype) * 0.7).requires_grad_()

    width = GATES[kind] * UNITS
    second = made(width) if bias and kind == "gru_after" else None
    weights = Weights(made(SIZE, width), made(UNITS, width), made(width) if bias else None, second)
    return made(BATCH, STEPS, SIZE), weights, tuple(made(BATCH, UNITS) for _ in range(2 if kind == "lstm" else 1))


def keras_rule(cell: Cell, weights: Weights, x: Tensor, mask: Tensor, start: tuple[Tensor, ...], options: Options) -> Any:
    """A masked step keeps the states and repeats the output; step functions as in any textbook."""
    states, outputs = start, []
    previous = torch.zeros(BATCH, UNITS, dtype=x.dtype)
    for t in range(STEPS - 1, -1, -1) if options.backwards else range(STEPS):
        z = x[:, t] @ weights.kernel + (0 if weights.bias is None else weights.bias)
        new = _one_step(cell, z, weights, states)
        kept = mask[:, t].unsqueeze(1)
        output = torch.where(kept, new[0], torch.zeros_like(previous) if options.zero_masked else previous)
        states = tuple(torch.where(kept, a, b) for a, b in zip(new, states, strict=True))
        outputs.append(output)
        previous = output
    return (torch.stack(outputs, 1) if options.sequences else previous), states


def _one_step(cell: Cell, z: Tensor, weights: Weights, states: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    h, u, act, gate = states[0], weights.recurrent, cell.activation, cell.gate
    if cell.kind == "simple":
        return (act(z + h @ u),)
    if cell.kind == "lstm":
        i, f, c, o = (z + h @ u).split(UNITS, 1)
        c = gate(f) * states[1] + gate(i) * act(c)
        return gate(o) * act(c), c
    zs, us = z.split(UNITS, 1), u.split(UNITS, 1)
    bias = (0, 0, 0) if weights.recurrent_bias is None else weights.recurrent_bias.split(UNITS)
    update, reset = gate(zs[0] + h @ us[0] + bias[0]), gate(zs[1] + h @ us[1] + bias[1])
    new = act(zs[2] + (reset * (h @ us[2] + bias[2]) if cell.kind == "gru_after" else (reset * h) @ us[2]))
    return (update * h + (1 - update) * new,)


def _both_gradients(found: Any, wanted: Any, inputs: list[Tensor]) -> tuple[Any, Any]:
    a, b = [found[0], *found[1]], [wanted[0], *wanted[1]]
    factors = [torch.randn_like(t) for t in b]
    totals = [sum((t * f).sum() for t, f in zip(side, factors, strict=True)) for side in (a, b)]
    return [torch.autograd.grad(total, inputs) for total in totals], (a, b)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "activations",
    [
        (activate.tanh, activate.sigmoid), (activate.relu, activate.hard_sigmoid_fifth), (activate.tanh, activate.hard_sigmoid_sixth),
        (activate.hard_sigmoid_fifth, activate.sigmoid), (activate.linear, activate.linear), (activate.softsign, activate.sigmoid),
    ],
    ids=["usual", "old", "keras3", "clipped", "linear", "others"],
)  # fmt: skip
def test_any_mask_follows_the_rule(kind: str, activations: tuple[Any, Any]) -> None:
    cell = _cell(kind, *activations)
    for backwards, sequences, zero, bias, masked in itertools.product((False, True), repeat=5):
        x, weights, start = _draw(kind, bias=bias)
        options = Options(backwards, sequences, zero)
        mask = MASKS if masked else torch.ones_like(MASKS)
        found = run_cell(cell, weights, x, mask if masked else None, start, options)
        inputs = [t for t in (x, *weights, *start) if t is not None]
        gradients, (a, b) = _both_gradients(found, keras_rule(cell, weights, x, mask, start, options), inputs)
        for one, other in [*zip(a, b, strict=True), *zip(*gradients, strict=True)]:
            torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-10)


def test_numbers_of_keras() -> None:
    """x = 1, 2, 4, 8 and h' = x + h / 2, as printed by Keras."""
    x = torch.tensor([1.0, 2, 4, 8]).view(1, 4, 1)
    weights, cell = Weights(torch.ones(1, 1), torch.full((1, 1), 0.5)), Cell("simple", activate.linear)

    def run(mask: str, start: float = 0.0, **options: bool) -> tuple[list[float], float]:
        kept = torch.tensor([[c == "1" for c in mask]])
        outputs, states = run_cell(cell, weights, x, kept, (torch.full((1, 1), start),), Options(sequences=True, **options))
        return outputs.flatten().tolist(), states[0].item()

    assert run("1011") == ([1, 1, 4.5, 10.25], 10.25)
    assert run("0011", 10.0) == ([0, 0, 9, 12.5], 12.5)
    assert run("0000", 10.0) == ([0, 0, 0, 0], 10)
    assert run("1100", zero_masked=True) == ([1, 2.5, 0, 0], 2.5)
    assert run("1111", backwards=True)[0] == [8, 8, 6, 4]
    assert run("1100", backwards=True)[0] == [0, 0, 2, 2]
    last, state = run_cell(cell, weights, x, torch.tensor([[True, True, False, False]]), (torch.zeros(1, 1),), Options(zero_masked=True))
    assert (last.item(), state[0].item()) == (0, 2.5)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("gate", [activate.sigmoid, activate.hard_sigmoid_fifth])
def test_gradients_of_gradients(kind: str, gate: Any) -> None:
    x, weights, start = _draw(kind)
    cell = _cell(kind, gate=gate)
    inputs = [t[:2, :3] if t is x else t[:2] if any(t is s for s in start) else t for t in (x, *weights, *start) if t is not None]
    inputs = [t.detach().requires_grad_() for t in inputs]

    def run(x: Tensor, kernel: Tensor, recurrent: Tensor, bias: Tensor, *rest: Tensor) -> Tensor:
        second, states = (rest[0], rest[1:]) if kind == "gru_after" else (None, rest)
        return recurrence(cell, x, kernel, bias, recurrent, second, tuple(states))[0]

    inputs[0] = inputs[0].detach().transpose(0, 1).contiguous().requires_grad_()
    assert torch.autograd.gradgradcheck(run, inputs)


def test_slopes_of_hard_sigmoid_at_its_ends() -> None:
    """Keras' slope is 0.2 at -2.5 and 2.5 too."""
    x = torch.tensor([[[-2.5]], [[2.5]], [[3.0]], [[-3.0]]], dtype=torch.float64, requires_grad=True)
    cell = Cell("simple", activate.hard_sigmoid_fifth)
    outputs = recurrence(cell, x.transpose(0, 1), torch.eye(1, dtype=x.dtype), None, torch.zeros(1, 1, dtype=x.dtype), None,
                         (torch.zeros(4, 1, dtype=x.dtype),))[0]  # fmt: skip
    assert torch.autograd.grad(outputs.sum(), x)[0].flatten().tolist() == [0.2, 0.2, 0.0, 0.0]


@pytest.mark.parametrize(("gate", "slope"), [(activate.hard_sigmoid_fifth, 0.2), (activate.hard_sigmoid_sixth, 0.0)])
def test_slopes_of_gates_at_their_ends(gate: Any, slope: float) -> None:
    """An output gate at the end of its line, c = tanh(1) with an open input gate: the gradient is tanh(c) times the slope."""
    end = 2.5 if slope else 3.0
    x = torch.tensor([[[-end]], [[end]], [[end + 1]]], dtype=torch.float64, requires_grad=True)
    kernel, bias = torch.tensor([[0.0, 0, 0, 1]], dtype=x.dtype), torch.tensor([9.0, 0, 1, 0], dtype=x.dtype)
    start = tuple(torch.zeros(3, 1, dtype=x.dtype) for _ in range(2))
    h = recurrence(Cell("lstm", activate.tanh, gate), x.transpose(0, 1), kernel, bias, kernel * 0, None, start)[0]
    inside = torch.tensor(1.0, dtype=x.dtype).tanh().tanh().item() * slope
    assert torch.autograd.grad(h.sum(), x)[0].flatten().tolist() == pytest.approx([inside, inside, 0.0])


@pytest.mark.parametrize("kind", KINDS)
class TestTransforms:
    def _function(self, kind: str) -> Any:
        x, weights, _ = _draw(kind, torch.float32)

        def run(x: Tensor, mask: Tensor) -> Tensor:
            start = tuple(x.new_zeros(x.shape[0], UNITS) for _ in range(2 if kind == "lstm" else 1))
            return run_cell(_cell(kind), weights, x, mask, start, Options(sequences=True))[0]

        return run, x.detach(), weights

    @pytest.mark.parametrize("gradients", [False, True])
    def test_compile_fullgraph(self, kind: str, gradients: bool) -> None:
        run, x, weights = self._function(kind)
        torch._dynamo.reset()
        with torch.set_grad_enabled(gradients):
            wanted = run(x, MASKS)
            found = torch.compile(run, fullgraph=True, backend="aot_eager")(x, MASKS)
        torch.testing.assert_close(found, wanted, rtol=1e-5, atol=1e-6)
        if gradients:
            a, b = (torch.autograd.grad(y.square().sum(), weights.kernel)[0] for y in (found, wanted))
            torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5)

    def test_vmap(self, kind: str) -> None:
        run, x, _ = self._function(kind)
        torch.testing.assert_close(vmap(lambda a, m: run(a[None], m[None])[0])(x, MASKS), run(x, MASKS), rtol=1e-5, atol=1e-6)

    @pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
    def test_half_types(self, kind: str, dtype: torch.dtype) -> None:
        x, weights, start = _draw(kind, torch.float32)
        half = Weights(*(None if w is None else w.detach().to(dtype) for w in weights))
        found = run_cell(_cell(kind), half, x.detach().to(dtype), MASKS, tuple(s.detach().to(dtype) for s in start), Options())
        wanted = run_cell(_cell(kind), weights, x, MASKS, start, Options())
        for a, b in zip([found[0], *found[1]], [wanted[0], *wanted[1]], strict=True):
            assert a.dtype is dtype
            torch.testing.assert_close(a.float(), b, rtol=0.05, atol=0.03)

    def test_nothing_masked_leaks(self, kind: str) -> None:
        x, weights, start = _draw(kind)
        spoiled = torch.where(MASKS.unsqueeze(-1), x.detach(), torch.nan)
        run = [run_cell(_cell(kind), weights, v, MASKS, start, Options(sequences=True)) for v in (spoiled, x.detach())]
        assert torch.equal(run[0][0], run[1][0])
        gradient = torch.autograd.grad(run[0][0].sum(), weights.kernel)[0]
        assert gradient.isfinite().all()


def test_own_gradients_are_those_of_the_steps() -> None:
    assert set(RULES) == set(KINDS)
    for kind in KINDS:
        x, weights, start = _draw(kind)
        time_major = x.transpose(0, 1)
        own = recurrence(_cell(kind), time_major, weights.kernel, weights.bias, weights.recurrent, weights.recurrent_bias, start)
        z = project(time_major, weights.kernel, weights.bias)
        plain = steps(_cell(kind), z, weights.recurrent, weights.recurrent_bias, start)
        for a, b in zip(own, plain, strict=True):
            torch.testing.assert_close(a, b)
