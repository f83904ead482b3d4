import copy
import pickle

import numpy as np
import pytest
import torch

from kcompat import optimizers
from kcompat.core.variable import Variable, WeightInfo
from kcompat.errors import ArgumentError, ArgumentTypeError, UnknownNameError
from kcompat.generations import keras_version_scope


def linear():
    torch.manual_seed(0)
    model = torch.nn.Linear(2, 3)
    model(torch.ones(1, 2)).sum().backward()
    return model


def test_is_a_torch_optimizer_made_as_in_torch():
    model = linear()
    optimizer = optimizers.Adam(model.parameters(), 0.1)
    assert isinstance(optimizer, torch.optim.Optimizer)
    assert optimizer.learning_rate == pytest.approx(0.1)
    groups = optimizers.SGD([{"params": [model.weight], "lr": 0.5}, {"params": [model.bias]}], lr=0.1)
    before = model.weight.detach().clone(), model.bias.detach().clone()
    groups.step()
    np.testing.assert_allclose(before[0] - model.weight.detach(), 0.5 * model.weight.grad, rtol=1e-5)
    np.testing.assert_allclose(before[1] - model.bias.detach(), 0.1 * model.bias.grad, rtol=1e-5)


def test_torch_scheduler_drives_the_rate():
    optimizer = optimizers.SGD(linear().parameters(), 0.1)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 1, gamma=0.1)
    optimizer.step()
    scheduler.step()
    assert optimizer.learning_rate == pytest.approx(0.01)


def test_rate_and_iterations_look_like_variables():
    optimizer = optimizers.SGD(0.1)
    optimizer.learning_rate = 0.2
    assert optimizer.param_groups[0]["lr"] == pytest.approx(0.2)
    optimizer.lr.assign(0.3)
    assert optimizer.learning_rate.numpy() == np.float32(0.3)
    optimizer.iterations.assign(7)
    assert int(optimizer.iterations) == 7
    scheduled = optimizers.SGD(optimizers.schedules.ExponentialDecay(0.1, 1, 0.5))
    with pytest.raises(ArgumentTypeError, match="cannot be set"):
        scheduled.learning_rate = 0.3


def test_state_dict_deepcopy_and_pickle_continue_alike():
    model = linear()
    optimizer = optimizers.Adam(0.1)
    optimizer.build(model.parameters())
    optimizer.step()
    twin, same = copy.deepcopy((model, optimizer))
    third = linear()
    third.load_state_dict(model.state_dict())
    loaded = optimizers.Adam(third.parameters(), 0.5)
    loaded.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    for p, q in zip(model.parameters(), twin.parameters(), strict=True):
        q.grad = p.grad.clone()
    for step in (optimizer, same, loaded):
        step.step()
    for p, q, r in zip(model.parameters(), twin.parameters(), third.parameters(), strict=True):
        assert torch.equal(p, q)
        assert torch.equal(p, r)
    assert pickle.loads(pickle.dumps(optimizer)).iterations == 2


@pytest.mark.parametrize(
    ("version", "shapes"),
    [
        ("2.2.4", [(), (3, 2), (3,), (3, 2), (3,), (3, 2), (3,)]),
        ("2.15", [(), (3, 2), (3, 2), (3,), (3,), (3, 2), (3,)]),
        ("3", [(), (), (3, 2), (3, 2), (3,), (3,), (3, 2), (3,)]),
    ],
)
def test_order_of_saved_weights(version, shapes):
    with keras_version_scope(version):
        optimizer = optimizers.Adam(amsgrad=True)
        optimizer.build(linear().parameters())
        assert [w.shape for w in optimizer.get_weights()] == shapes
        changed = [w + 1 for w in optimizer.get_weights()]
        optimizer.set_weights(changed)
        for old, new in zip(optimizer.get_weights(), changed, strict=True):
            np.testing.assert_allclose(old, new)
        with pytest.raises(ArgumentError, match="must hold"):
            optimizer.set_weights(changed[:-1])


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ("2.2.4", {"lr": 0.5, "momentum": 0.0, "decay": 0.0, "nesterov": False}),
        ("2.3.1", {"learning_rate": 0.5, "momentum": 0.0, "decay": 0.0, "nesterov": False}),
        ("2.10", {"name": "SGD", "learning_rate": 0.5, "decay": 0.0, "momentum": 0.0, "nesterov": False}),
    ],
)
def test_old_configs(version, expected):
    with keras_version_scope(version):
        optimizer = optimizers.SGD(0.5)
        assert optimizer.get_config() == expected
        assert optimizers.deserialize(optimizers.serialize(optimizer)).get_config() == expected


def test_config_keys_of_new_generations():
    shared = {"weight_decay", "clipnorm", "global_clipnorm", "clipvalue", "use_ema", "ema_momentum", "ema_overwrite_frequency"}
    own = {"name", "learning_rate", "momentum", "nesterov"}
    with keras_version_scope("2.15"):
        assert set(optimizers.SGD().get_config()) == shared | own | {"jit_compile", "is_legacy_optimizer"}
    with keras_version_scope("3"):
        assert set(optimizers.SGD().get_config()) == shared | own | {"loss_scale_factor", "gradient_accumulation_steps"}


def test_names_in_any_case_and_near_ones():
    assert isinstance(optimizers.get("ADAM"), optimizers.Adam)
    assert optimizers.get({"class_name": "Adam", "config": {"lr": 0.1, "beta_1": 0.5}}).beta_1 == 0.5
    real = torch.optim.SGD(linear().parameters(), 0.1)
    assert optimizers.get(real) is real
    with pytest.raises(UnknownNameError, match="'adam'"):
        optimizers.get("adamm")


@pytest.mark.parametrize(
    ("version", "arguments", "message"),
    [
        ("2.15", {"decay": 0.1}, "`decay` is no argument"),
        ("2.15", {"foo": 1}, "no argument `foo`"),
        ("2.15", {"learning_rate": "x"}, "`learning_rate` must be"),
        ("2.15", {"momentum": 2.0}, "`momentum` must be"),
        ("2.15", {"ema_momentum": 1.5}, "`ema_momentum` must lie"),
        ("3", {"clipnorm": 1.0, "clipvalue": 1.0}, "only one of"),
        ("3", {"gradient_accumulation_steps": 1}, "at least 2"),
        ("2.10", {"clipnorm": 1.0, "global_clipnorm": 1.0}, "cannot both"),
    ],
)
def test_bad_arguments(version, arguments, message):
    with keras_version_scope(version), pytest.raises((ArgumentError, ArgumentTypeError), match=message):
        optimizers.SGD(**arguments)


def test_positional_arguments_of_generations():
    with keras_version_scope("2.2.4"):
        old = optimizers.SGD(0.1, 0.9, 0.5, True)
        assert (old.options.decay, old.nesterov) == (0.5, True)
    with keras_version_scope("2.15"):
        new = optimizers.SGD(0.1, 0.9, True, 0.5)
        assert (new.nesterov, new.options.weight_decay) == (True, 0.5)


def test_decay_has_no_effect_in_keras_3_and_says_so():
    with keras_version_scope("3"), pytest.warns(UserWarning, match="`decay` has no effect"):
        optimizers.SGD(0.1, decay=0.5)


def test_constraint_after_each_step():
    info = WeightInfo("w", "w", "w", True, None, lambda w: w.clamp(min=0.0), None)
    weight = Variable(torch.tensor([1.0, 1.0]), info=info)
    optimizers.SGD(1.0).apply_gradients([(torch.tensor([3.0, 0.5]), weight)])
    assert weight.tolist() == [0.0, 0.5]


def test_weight_decay_leaves_named_weights_out():
    optimizer = optimizers.SGD(0.1, weight_decay=0.5)
    kernel, bias = torch.nn.Parameter(torch.ones(1)), torch.nn.Parameter(torch.ones(1))
    optimizer.exclude_from_weight_decay(var_list=[bias])
    optimizer.apply_gradients([(torch.zeros(1), kernel), (torch.zeros(1), bias)])
    assert kernel.item() == pytest.approx(0.95)
    assert bias.item() == 1.0


def test_minimize_and_loss_scale():
    weight = torch.nn.Parameter(torch.tensor([1.0]))
    optimizers.SGD(0.1).minimize(lambda: (weight * 2).sum(), [weight])
    assert weight.item() == pytest.approx(0.8)
    with keras_version_scope("3"):
        optimizer = optimizers.SGD(0.1, loss_scale_factor=4.0)
    optimizer.apply_gradients([(torch.tensor([4.0]), weight)])
    assert weight.item() == pytest.approx(0.7)
    assert optimizer.scale_loss(2.0) == 8.0


def test_no_gradients_at_all():
    with pytest.raises(ArgumentError, match="no gradients"):
        optimizers.SGD().apply_gradients([(None, torch.nn.Parameter(torch.ones(1)))])


def test_weights_replaced_by_new_objects_keep_their_slots():
    model = linear()
    optimizer = optimizers.SGD(0.1, momentum=0.9)
    optimizer.build(model.parameters())
    optimizer.step()
    moved = [torch.nn.Parameter(p.detach().double()) for p in model.parameters()]
    optimizer.build(moved)
    slot = optimizer.state[moved[0]]["m"]
    assert slot.dtype is torch.float64
    assert float(slot.abs().sum()) > 0
