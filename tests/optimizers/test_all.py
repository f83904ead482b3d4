"""What must hold for every optimizer."""

import copy
import pickle

import numpy as np
import pytest
import torch

from kcompat import optimizers
from kcompat.errors import ArgumentError, UnknownArgumentError
from kcompat.generations import keras_version_scope

ALL = [
    "SGD", "RMSprop", "Adagrad", "Adadelta", "Adam", "AdamW", "Adamax", "Nadam", "Ftrl", "Lion", "Adafactor", "Lamb", "Muon",
    "ScheduleFreeAdamW",
]  # fmt: skip
MORE = {"SGD": {"momentum": 0.9, "nesterov": True}, "RMSprop": {"momentum": 0.5, "centered": True}, "Adam": {"amsgrad": True}}
LEGACY = [name for name in optimizers.legacy.__all__ if name != "Optimizer"]
VERSIONS = ("2.15", "3")
OLD = ("SGD", "RMSprop", "Adagrad", "Adadelta", "Adam", "Adamax", "Nadam")


def small_model():
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Tanh(), torch.nn.Linear(4, 2))


def train(model, optimizer, steps=3, seed=1):
    generator = torch.Generator().manual_seed(seed)
    for _ in range(steps):
        optimizer.zero_grad()
        model(torch.randn(5, 3, generator=generator)).square().mean().backward()
        optimizer.step()
    return [p.detach().clone() for p in model.parameters()]


def make(name, parameters=None, rate=0.05, **more):
    first = () if parameters is None else (parameters,)
    return getattr(optimizers, name)(*first, learning_rate=rate, **MORE.get(name, {}), **more)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", ALL)
def test_plain_torch_loop_and_every_way_to_carry_on(name, version):
    with keras_version_scope(version):
        model = small_model()
        optimizer = make(name, model.parameters())
        assert isinstance(optimizer, torch.optim.Optimizer)
        before = [p.detach().clone() for p in model.parameters()]
        train(model, optimizer)
        assert all(not torch.equal(a, b) for a, b in zip(before, model.parameters(), strict=True))

        twin, same = copy.deepcopy((model, optimizer))
        third, loaded = pickle.loads(pickle.dumps((model, optimizer)))
        fourth = small_model()
        fourth.load_state_dict(model.state_dict())
        restored = make(name, fourth.parameters(), rate=0.5)
        restored.load_state_dict(copy.deepcopy(optimizer.state_dict()))
        fifth = small_model()
        fifth.load_state_dict(model.state_dict())
        keras = make(name, fifth.parameters())
        keras.set_weights(optimizer.get_weights())
        expected = train(model, optimizer, seed=2)
        for other, its in ((twin, same), (third, loaded), (fourth, restored)):
            for a, b in zip(expected, train(other, its, seed=2), strict=True):
                assert torch.equal(a, b)
        for a, b in zip(expected, train(fifth, keras, seed=2), strict=True):
            torch.testing.assert_close(a, b, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("name", OLD)
@pytest.mark.parametrize("version", ["2.2.4", "2.3.1", "2.10"])
def test_state_of_old_generations_carries_on(name, version):
    with keras_version_scope(version):
        model = small_model()
        optimizer = getattr(optimizers, name)(model.parameters(), lr=0.05)
        train(model, optimizer)
        twin = small_model()
        twin.load_state_dict(model.state_dict())
        again = getattr(optimizers, name)(twin.parameters(), lr=0.05)
        again.set_weights(optimizer.get_weights())
        if version == "2.2.4" and name in ("RMSprop", "Adagrad", "Adadelta"):
            assert len(optimizer.get_weights()) == 4 * len(optimizer.slots[:1] if name != "Adadelta" else optimizer.slots)
        for a, b in zip(train(model, optimizer, seed=2), train(twin, again, seed=2), strict=True):
            torch.testing.assert_close(a, b, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("version", ["2.2.4", "2.3.1", "2.10", *VERSIONS])
@pytest.mark.parametrize("name", ALL)
def test_configs_make_the_same_again(name, version):
    with keras_version_scope(version):
        if version not in VERSIONS and name not in OLD:
            pytest.skip("not in that generation")
        rate = {"lr": 0.3} if version == "2.2.4" else {"learning_rate": 0.3}
        optimizer = getattr(optimizers, name)(**rate)
        written = optimizers.serialize(optimizer)
        again = optimizers.deserialize(written)
        if version != "2.15":  # where a config without a mark means the legacy family
            assert type(again) is type(optimizer)
            assert {**again.get_config(), "name": ""} == {**optimizer.get_config(), "name": ""}
        assert type(optimizers.get(name.lower())) is type(optimizer)


@pytest.mark.parametrize("name", LEGACY)
def test_legacy_carries_on_and_is_described(name):
    model = small_model()
    optimizer = getattr(optimizers.legacy, name)(model.parameters(), 0.05)
    train(model, optimizer)
    twin = small_model()
    twin.load_state_dict(model.state_dict())
    again = optimizers.deserialize(optimizers.serialize(optimizer))
    assert type(again) is type(optimizer)
    again.build(list(twin.parameters()))
    again.set_weights(optimizer.get_weights())
    for a, b in zip(train(model, optimizer, seed=2), train(twin, again, seed=2), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-6, atol=1e-6)
    copied = pickle.loads(pickle.dumps(optimizer))
    assert type(copied) is type(optimizer)


@pytest.mark.parametrize("name", ALL)
def test_sparse_gradients_count_as_dense_ones(name):
    dense, sparse = (torch.nn.Parameter(torch.linspace(-1, 1, 8).reshape(4, 2)) for _ in range(2))
    places = torch.tensor([[0, 2, 2]])
    gradient = torch.sparse_coo_tensor(places, torch.tensor([[1.0, 2.0], [0.5, -1.0], [0.25, 3.0]]), (4, 2), check_invariants=True)
    for weight, given in ((dense, gradient.to_dense()), (sparse, gradient)):
        with keras_version_scope("3"):
            optimizer = make(name)
        optimizer.apply_gradients([(given, weight)])
    torch.testing.assert_close(dense, sparse)


@pytest.mark.parametrize("name", ALL)
def test_bfloat16_and_float64_weights_together(name):
    weights = [torch.nn.Parameter(torch.ones(2, 2, dtype=dtype)) for dtype in (torch.float32, torch.float64, torch.bfloat16)]
    with keras_version_scope("3"):
        optimizer = make(name, weights, rate=0.1)
    for _ in range(2):
        for weight in weights:
            weight.grad = torch.tensor([[1.0, -2.0], [0.5, 3.0]]).to(weight.dtype)
        optimizer.step()
    torch.testing.assert_close(weights[0].double(), weights[1].detach(), rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(weights[0].detach(), weights[2].float(), rtol=5e-2, atol=5e-2)


def test_groups_have_rates_and_decays_of_their_own():
    kernel, bias = torch.nn.Parameter(torch.ones(2)), torch.nn.Parameter(torch.ones(2))
    optimizer = optimizers.SGD([{"params": [kernel], "lr": 0.5}, {"params": [bias], "weight_decay": 0.0}], lr=0.1, weight_decay=0.5)
    kernel.grad, bias.grad = torch.ones(2), torch.ones(2)
    optimizer.step()
    np.testing.assert_allclose(kernel.detach(), 1 - 0.5 * 0.5 - 0.5, rtol=1e-6)
    np.testing.assert_allclose(bias.detach(), 0.9, rtol=1e-6)
    with pytest.raises(UnknownArgumentError, match="no setting `momentum` of its own"):
        optimizers.SGD([{"params": [kernel], "momentum": 0.5}])
    with pytest.raises(ArgumentError, match="`params` holds no parameters"):
        optimizers.Adam([])


@pytest.mark.parametrize("name", ALL)
def test_grad_scaler_leaves_out_a_step_that_is_not_finite(name):
    model = small_model()
    with keras_version_scope("3"):
        optimizer = make(name, model.parameters())
    scaler = torch.amp.GradScaler("cpu", init_scale=8.0)
    before = [p.detach().clone() for p in model.parameters()]
    for value in (float("inf"), 1.0):
        optimizer.zero_grad()
        scaler.scale((model(torch.ones(2, 3)) * value).sum()).backward()
        scaler.step(optimizer)
        scaler.update()
        moved = [not torch.equal(a, b) for a, b in zip(before, model.parameters(), strict=True)]
        assert all(moved) if value == 1.0 else not any(moved)


@pytest.mark.parametrize("version", VERSIONS)
def test_no_number_is_read_on_the_host_in_a_step(version):
    from torch.utils._python_dispatch import TorchDispatchMode

    class Watch(TorchDispatchMode):
        read = 0

        def __torch_dispatch__(self, function, types, args=(), kwargs=None):
            Watch.read += "_local_scalar_dense" in str(function)
            return function(*args, **(kwargs or {}))

    for name in ALL:
        model = small_model()
        with keras_version_scope(version):
            clip = {"clipnorm": 1.0}
            schedule = optimizers.schedules.CosineDecay(0.1, 100, warmup_target=0.2, warmup_steps=3)
            optimizer = make(name, model.parameters(), rate=schedule, use_ema=True, **clip)
        model(torch.ones(2, 3)).sum().backward()
        with Watch():
            optimizer.step()
        assert Watch.read == 0, name
