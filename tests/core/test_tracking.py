"""Layers in lists, tuples and dicts that are attributes of a layer: for torch they stand where `ModuleList` would have them."""

from __future__ import annotations

import copy
import pickle

import pytest
import torch

from kcompat import layers


class Blocks(layers.Layer):
    """Layers in every kind of container, read in every way."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.blocks = []
        for _ in range(2):
            self.blocks.append(layers.Dense(3))
        self.pair = (layers.Dense(3), "relu")
        self.heads = {"b": layers.Dense(3), "a": layers.Dense(3)}
        self.nested = [[layers.Dense(3)], []]
        self.nested[1].append(layers.Dense(3))
        self.pads = [1, 1]

    def call(self, inputs):
        x = inputs
        for block in self.blocks:
            x = block(x)
        for index, block in enumerate(reversed(self.blocks)):
            x = block(x) + index
        x = self.pair[0](x) * len(self.blocks)
        for key, head in self.heads.items():
            x = head(x) * (key in self.heads)
        x = self.heads["a"](x)
        for group in self.nested:
            for block in group + self.blocks[1:]:
                x = block(x)
        return torch.nn.functional.pad(x, list(self.pads))[..., 1:-1]


@pytest.fixture
def blocks():
    torch.manual_seed(3)
    layer = Blocks()
    layer(torch.ones(2, 3))
    return layer


def test_names_are_those_of_module_lists(blocks):
    """`blocks.0.kernel`, as in a `ModuleList`; nested lists are nested."""
    names = [name.removesuffix(".kernel") for name in blocks.state_dict() if name.endswith("kernel")]
    assert sorted(names) == ["blocks.0", "blocks.1", "heads.a", "heads.b", "nested.0.0", "nested.1.0", "pair_0"]
    assert blocks.get_submodule("nested.1.0") is blocks.nested[1][0]


def test_containers_stay_what_they_are(blocks):
    """A list is a list, for users who ask."""
    assert isinstance(blocks.blocks, list) and isinstance(blocks.pair, tuple) and isinstance(blocks.heads, dict)
    assert list(blocks.heads) == ["b", "a"] and blocks.pads == [1, 1] and blocks.pair[1] == "relu"
    assert not any(child is blocks.pads for child in blocks.children())


def test_functional_call(blocks):
    """Weights given by name are those that compute."""
    x, state = torch.randn(2, 3), {name: value * 1.5 for name, value in blocks.state_dict().items()}
    found = torch.func.functional_call(blocks, state, x)
    blocks.load_state_dict(state)
    torch.testing.assert_close(found, blocks(x))


def test_vmap(blocks):
    """An ensemble: one row of weights each."""
    x, state = torch.randn(2, 3), blocks.state_dict()
    rows = {name: torch.stack([value, value * 0.5]) for name, value in state.items()}
    found = torch.vmap(lambda row: torch.func.functional_call(blocks, row, x))(rows)
    blocks.load_state_dict({name: value * 0.5 for name, value in state.items()})
    torch.testing.assert_close(found[1], blocks(x))


@pytest.mark.filterwarnings("ignore:While compiling")  # the strict way tells of the training flag that is handed down
@pytest.mark.parametrize("strict", [False, True])
def test_export(blocks, strict):
    """Both ways of `torch.export`."""
    x = torch.randn(2, 3)
    torch.testing.assert_close(torch.export.export(blocks, (x,), strict=strict).module()(x), blocks(x))


def test_compile(blocks):
    """One graph."""
    x = torch.randn(2, 3)
    torch.testing.assert_close(torch.compile(blocks, fullgraph=True, backend="eager")(x), blocks(x))


@pytest.mark.parametrize("clone", [copy.deepcopy, lambda layer: pickle.loads(pickle.dumps(layer))])
def test_copies(blocks, clone):
    """A copy has weights of its own, and its lists tell the copy."""
    x, made = torch.randn(2, 3), clone(blocks)
    torch.testing.assert_close(made(x), blocks(x))
    assert list(made.state_dict()) == list(blocks.state_dict())
    assert made.blocks[0] is made.get_submodule("blocks.0") is not blocks.blocks[0]
    made.blocks.append(layers.Dense(3))
    made.nested[1].append(layers.Dense(3))
    made(x)
    assert "blocks.2.kernel" in made.state_dict() and "nested.1.1.kernel" in made.state_dict()
    assert "blocks.2.kernel" not in blocks.state_dict()


def test_weights_in_the_order_of_keras(blocks):
    """Lists in order; the layers of a dict sorted by name until Keras 3."""
    names = ["blocks.0", "blocks.1", "pair_0", "heads.a", "heads.b", "nested.0.0", "nested.1.0"]
    wanted = [blocks.get_submodule(name).kernel for name in names]
    assert all(found is kernel for found, kernel in zip(blocks.weights[::2], wanted, strict=True))


def test_changes_are_followed(blocks):
    """Replaced, removed and shared."""
    blocks.blocks[0] = layers.Dense(3)
    del blocks.blocks[1]
    assert [name for name, _ in blocks.named_children()].count("blocks") == 1 and len(blocks.blocks) == 1
    blocks.same = blocks.blocks
    blocks.blocks += [layers.Dense(3)]
    assert blocks.same is blocks.blocks and len(blocks.same) == 2
    made = copy.deepcopy(blocks)
    assert made.same is made.blocks and made.get_submodule("same.1") is made.blocks[1]
    blocks.heads = None
    assert not any(name.startswith("heads") for name, _ in blocks.named_modules())


def test_mode_and_trainable(blocks):
    """`train`, `trainable` and `to` reach what is inside."""
    blocks.train()
    assert blocks.blocks[1].training and blocks.nested[1][0].training
    blocks.blocks.append(layers.Dense(3))
    assert blocks.blocks[2].training
    blocks.eval()
    blocks.trainable = False
    assert not blocks.trainable_weights
    assert blocks.to(torch.float64).pair[0].kernel.dtype is torch.float64


@pytest.mark.parametrize("key", ["type", "items", "training", "a.b", 3])
def test_keys_of_any_kind(key):
    """Keys that mean something to torch, or that no attribute can have."""
    layer = layers.Layer()
    layer.parts = {key: layers.Dense(2)}
    layer.parts[key](torch.ones(1, 2))
    assert layer.parts[key].kernel is layer.weights[0] and len(layer.parts.items()) == 1
    state = dict(layer.state_dict())
    assert layer.get_submodule(next(iter(state)).rsplit(".", 1)[0]) is layer.parts[key]


def test_appending_plain_things_is_cheap():
    """A list of numbers is no more than a list."""
    layer = layers.Layer()
    layer.seen = []
    for step in range(20_000):
        layer.seen.append(step)
    assert len(copy.deepcopy(layer).seen) == 20_000


def test_model_learns_and_parallel(blocks):
    """In a model, and inside DistributedDataParallel."""
    torch.distributed.init_process_group("gloo", store=torch.distributed.HashStore(), rank=0, world_size=1)
    try:
        wrapped = torch.nn.parallel.DistributedDataParallel(blocks.train())
        wrapped(torch.randn(2, 3)).sum().backward()
        assert all(p.grad.isfinite().all() for p in blocks.parameters())
    finally:
        torch.distributed.destroy_process_group()
