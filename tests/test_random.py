"""The laws of Keras 3's `keras.random`, and of the hash the seeded draws come from."""

import copy
import math
import pickle
import random as python_random

import numpy as np
import pytest
import torch

from kcompat import random
from kcompat.errors import ArgumentError, ShapeError
from kcompat.generations import keras_version_scope
from kcompat.random import SeedGenerator
from kcompat.tensor import random as draws

N = 200_000
DRAWN = {
    "uniform": lambda shape, seed: random.uniform(shape, seed=seed),
    "normal": lambda shape, seed: random.normal(shape, seed=seed),
    "truncated_normal": lambda shape, seed: random.truncated_normal(shape, seed=seed),
    "randint": lambda shape, seed: random.randint(shape, 0, 1000, seed=seed),
    "gamma": lambda shape, seed: random.gamma(shape, 2.0, seed=seed),
    "beta": lambda shape, seed: random.beta(shape, 1.0, 2.0, seed=seed),
    "binomial": lambda shape, seed: random.binomial(shape, 100, 0.5, seed=seed),
    "dropout": lambda shape, seed: random.dropout(torch.ones(shape), 0.5, seed=seed),
    "categorical": lambda shape, seed: random.categorical(torch.zeros(1, 50), math.prod(shape), seed=seed),
    "shuffle": lambda shape, seed: random.shuffle(torch.arange(math.prod(shape)), seed=seed),
}
#: mean and standard deviation
MOMENTS = {
    "uniform": (0.5, math.sqrt(1 / 12)), "normal": (0, 1), "truncated_normal": (0, 0.87962566), "gamma": (2, math.sqrt(2)),
    "beta": (1 / 3, math.sqrt(2 / 36)), "binomial": (50, 5), "dropout": (1, 1), "randint": (499.5, math.sqrt((1000**2 - 1) / 12)),
    "categorical": (24.5, math.sqrt((50**2 - 1) / 12)),
}  # fmt: skip


@pytest.mark.parametrize("name", DRAWN)
def test_seeds(name):
    draw = DRAWN[name]
    assert torch.equal(draw((4, 5), 3), draw((4, 5), 3))
    assert not torch.equal(draw((4, 5), 3), draw((4, 5), 4))
    first, again = SeedGenerator(3), SeedGenerator(3)
    values = [draw((4, 5), first) for _ in range(2)]
    assert not torch.equal(*values)
    assert all(torch.equal(value, draw((4, 5), again)) for value in values)
    torch.manual_seed(1)
    unseeded = [draw((4, 5), None) for _ in range(2)]
    torch.manual_seed(1)
    assert not torch.equal(*unseeded)
    assert torch.equal(draw((4, 5), None), unseeded[0])


@pytest.mark.parametrize("name", MOMENTS)
@pytest.mark.parametrize("seed", [None, 5])
def test_moments(name, seed):
    torch.manual_seed(0)
    mean, std = MOMENTS[name]
    drawn = DRAWN[name]((N,), seed).double()
    assert drawn.mean().item() == pytest.approx(mean, abs=5 * std / math.sqrt(N))
    assert drawn.std().item() == pytest.approx(std, rel=0.015)


def test_hash_is_uniform_and_independent():
    keys = [torch.tensor(k) for k in ((0, 0), (0, 1), (1, 0), (2**40, 0), (-3, 7))]
    drawn = torch.stack([draws.uniform(key, (N,)) for key in keys])
    for row in drawn:
        counts = torch.histc(row, 256, 0, 1)
        assert ((counts - N / 256) ** 2 / (N / 256)).sum().item() < 255 + 5 * math.sqrt(2 * 255)
        for lag in (1, 2, 16, 512):
            assert abs(((row[lag:] - 0.5) * (row[:-lag] - 0.5)).mean().item()) * 12 * math.sqrt(N) < 5
    correlation = torch.corrcoef(drawn) - torch.eye(len(keys))
    assert correlation.abs().max().item() * math.sqrt(N) < 5
    bits = draws.bits(keys[0], (N,))
    for place in range(32):
        assert abs(((bits >> place) & 1).double().mean().item() - 0.5) * 2 * math.sqrt(N) < 5


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_uniform_stays_below_its_end(dtype):
    for seed in (None, 3):
        drawn = random.uniform((N,), dtype=dtype, seed=seed)
        assert str(drawn.dtype) == f"torch.{dtype}"
        assert drawn.min().item() >= 0 and drawn.max().item() < 1
    assert random.truncated_normal((N,), dtype=dtype, seed=3).abs().max().item() <= 2


class Noisy(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.generator = SeedGenerator(5)

    def forward(self, x):
        return random.dropout(x, 0.5, seed=self.generator) + random.normal((4, 6), seed=self.generator)


def test_seeded_draws_are_traced():
    x = torch.ones(4, 6)
    module = Noisy()
    expected = [module(x), module(x)]
    compiled = torch.compile(Noisy(), fullgraph=True, backend="eager")
    exported = torch.export.export(Noisy(), (x,)).module()
    for run in (compiled, exported):
        assert all(torch.allclose(run(x), value) for value in expected)
    state = {"generator.state": torch.tensor([5, 0])}
    assert torch.equal(torch.func.functional_call(Noisy(), state, (x,)), expected[0])
    assert torch.vmap(Noisy())(x.expand(3, 4, 6)).shape == (3, 4, 6)


def test_seed_generator():
    generator = SeedGenerator(7)
    assert [generator.next().tolist() for _ in range(2)] == [[7, 0], [7, 1]]
    assert generator.state.tolist() == [7, 2]
    assert dict(generator.named_buffers()).keys() == {"state"}
    assert generator.get_config() == {"seed": 7, "name": "seed_generator"}
    assert SeedGenerator.from_config({"seed": 3, "name": "mine"}).get_config() == {"seed": 3, "name": "mine"}
    for copied in (copy.deepcopy(generator), pickle.loads(pickle.dumps(generator)), generator.half()):
        assert copied.state.tolist() == [7, 2]
        assert copied.state.dtype == torch.int64
    assert SeedGenerator().get_config()["seed"] is None
    assert SeedGenerator().state[0] != SeedGenerator().state[0]
    for seed in ("x", 1.5, True, 2**64):
        with pytest.raises(ArgumentError, match="`seed`"):
            SeedGenerator(seed)
    with pytest.raises(ArgumentError, match="`ordered=False`"):
        generator.next(ordered=False)


def test_set_random_seed():
    def numbers():
        return python_random.random(), np.random.rand(), torch.rand(()).item(), random.draw_seed()

    random.set_random_seed(3)
    first = numbers()
    random.set_random_seed(3)
    assert numbers() == first
    for seed in (-1, 2**32, 1.5, "x"):
        with pytest.raises(ArgumentError, match="`seed`"):
            random.set_random_seed(seed)


def test_old_generations_draw_seeds_from_numpy():
    with keras_version_scope("2.3.1"):
        np.random.seed(3)
        first = random.draw_seed()
        np.random.seed(3)
        assert random.draw_seed() == first


def test_dropout():
    x = torch.ones(400, 4)
    for seed in (None, 3):
        assert set(random.dropout(x, 0.5, seed=seed).unique().tolist()) == {0.0, 2.0}
        rows = random.dropout(x, 0.5, noise_shape=(None, 1), seed=seed)
        assert (rows == rows[:, :1]).all()
        assert 0 < rows[:, 0].count_nonzero() < 400
    assert random.dropout(x, 0.0) is x
    assert not random.dropout(x, 1.0).any()
    with pytest.raises(ArgumentError, match="`rate`"):
        random.dropout(x, 1.5)


def test_categorical_and_shuffle():
    drawn = random.categorical(torch.tensor([[0.1, 0.9], [0.5, 0.5]]).log(), N, seed=1)
    assert (drawn.shape, drawn.dtype) == ((2, N), torch.int32)
    assert drawn.double().mean(1).tolist() == pytest.approx([0.9, 0.5], abs=0.01)
    with pytest.raises(ShapeError, match="`logits`"):
        random.categorical(torch.zeros(3), 2)
    x = torch.arange(12).reshape(3, 4)
    assert sorted(random.shuffle(x, seed=1)[:, 0].tolist()) == [0, 4, 8]
    columns = random.shuffle(x, axis=1, seed=2)
    assert (columns[1] - columns[0]).tolist() == [4] * 4


def test_arguments_are_checked():
    with pytest.raises(ArgumentError, match="`dtype`"):
        random.uniform((3,), dtype="int32")
    with pytest.raises(ArgumentError, match="`dtype`"):
        random.randint((3,), 0, 5, dtype="float32")
    with pytest.raises(ArgumentError, match="`maxval`"):
        random.randint((3,), 5, 5)
    with pytest.raises(ArgumentError, match="`seed`"):
        random.uniform((3,), seed="x")
