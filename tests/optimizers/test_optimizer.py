import copy
import inspect
import pickle

import numpy as np
import pytest
import torch

from kcompat import optimizers
from kcompat.config import set_floatx
from kcompat.core.variable import Variable, WeightInfo
from kcompat.errors import ArgumentError, ArgumentTypeError, UnknownArgumentError, UnknownNameError
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


@pytest.mark.parametrize("kind", [TypeError, ValueError, UnknownArgumentError])  # Keras 2 raises the first, Keras 3 the second
def test_unknown_argument(kind):
    with pytest.raises(kind, match="no argument `foo`"):
        optimizers.SGD(foo=1)


# -- legacy: what tf_keras 2.21 prints -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("made", "name", "config"),
    [
        (lambda: optimizers.legacy.SGD(), "SGD", {"name": "SGD", "learning_rate": 0.01, "decay": 0.0, "momentum": 0.0, "nesterov": False}),
        (lambda: optimizers.legacy.SGD(0.1, 0.9, True, "n"), "SGD",
         {"name": "n", "learning_rate": 0.1, "decay": 0.0, "momentum": 0.9, "nesterov": True}),
        (lambda: optimizers.legacy.SGD(clipvalue=0.5, decay=0.1, lr=0.3), "SGD",
         {"name": "SGD", "clipvalue": 0.5, "learning_rate": 0.3, "decay": 0.1, "momentum": 0.0, "nesterov": False}),
        (lambda: optimizers.legacy.Adam(0.1, 0.9, 0.99, 1e-3, True, "n"), "Adam",
         {"name": "n", "learning_rate": 0.1, "decay": 0.0, "beta_1": 0.9, "beta_2": 0.99, "epsilon": 0.001, "amsgrad": True}),
        (lambda: optimizers.legacy.Adam(clipnorm=1.0), "Adam",
         {"name": "Adam", "clipnorm": 1.0, "learning_rate": 0.001, "decay": 0.0, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7,
          "amsgrad": False}),
    ],
)  # fmt: skip
def test_legacy_configs_and_how_they_are_written(made, name, config):
    optimizer = made()
    own = optimizer.get_config()
    assert {**own, "learning_rate": pytest.approx(own["learning_rate"], rel=1e-6)} == config
    written = optimizers.serialize(optimizer)
    assert written == {"module": "keras.optimizers.legacy", "class_name": name, "config": own, "registered_name": None}
    assert optimizers.serialize(optimizer, use_legacy_format=True) == {"class_name": name, "config": own}
    for form in (written, {"class_name": name, "config": own}, {"class_name": name.lower(), "config": own}):
        again = optimizers.deserialize(form)
        assert type(again) is type(optimizer)
        assert again.get_config() == own


def test_which_family_a_config_means():
    told = {"learning_rate": 0.1}
    for form in ({"class_name": "Custom>Adam", "config": told}, {"class_name": "adam", "config": {}}, "adam",
                 {"class_name": "Adam", "config": {**told, "is_legacy_optimizer": False}}):  # fmt: skip
        assert type(optimizers.get(form)) is optimizers.Adam
    with keras_version_scope("3"):
        assert type(optimizers.get({"class_name": "Adam", "config": told})) is optimizers.Adam


def test_legacy_constructors():
    assert list(inspect.signature(optimizers.legacy.SGD).parameters)[:4] == ["learning_rate", "momentum", "nesterov", "name"]
    optimizer = optimizers.legacy.Adam(linear().parameters(), 0.1)
    assert optimizer.learning_rate == pytest.approx(0.1)
    for later in ("weight_decay", "use_ema", "jit_compile", "is_legacy_optimizer", "no_such"):
        with pytest.raises(UnknownArgumentError, match=f"`{later}`"):
            optimizers.legacy.SGD(**{later: 1})
    for name in ("decay", "clipnorm", "clipvalue"):
        with pytest.raises(ArgumentError, match=f"`{name}` must be at least 0"):
            optimizers.legacy.SGD(**{name: -1.0})


def test_legacy_weights_are_saved_slot_by_slot():
    optimizer = optimizers.legacy.Adam(amsgrad=True)
    optimizer.build(linear().parameters())
    assert [w.shape for w in optimizer.get_weights()] == [(), (3, 2), (3,), (3, 2), (3,), (3, 2), (3,)]


@pytest.mark.parametrize(("version", "placeholders"), [("2.1.5", 0), ("2.2.4", 2), ("2.3.1", 2), ("2.10", 0), ("2.15", 0), ("3", 0)])
def test_placeholders_of_amsgrad(version, placeholders):
    with keras_version_scope(version):
        optimizer = optimizers.Adam()
        optimizer.build(linear().parameters())
        weights = optimizer.get_weights()
        assert [w.shape for w in weights].count((1,)) == placeholders
        optimizer.set_weights([w + 1 for w in weights])
        again = optimizer.get_weights()
        kept = len(again) - placeholders
        for old, new in zip(weights[:kept], again[:kept], strict=True):
            np.testing.assert_allclose(old + 1, new)
        assert all(not w.any() for w in again[kept:])


@pytest.mark.parametrize(("version", "floatx", "square"), [
    ("2.2.4", "float32", 1 - float(np.float32(0.999))), ("2.2.4", "float64", 1 - 0.999), ("2.10", "float64", 1 - float(np.float32(0.999))),
    ("2.15", "float32", 1 - 0.999), ("3", "float32", 1 - 0.999),
])  # fmt: skip
def test_betas_are_held_in_variables_of_old_keras(version, floatx, square):
    set_floatx(floatx)
    with keras_version_scope(version):
        optimizer = optimizers.Adam()
    weight = torch.nn.Parameter(torch.zeros(1, dtype=torch.float64))
    optimizer.apply_gradients([(torch.ones(1), weight)])
    assert optimizer.state[weight]["v"].item() == pytest.approx(square, rel=1e-12)


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


def test_gradients_under_their_old_names():
    weight, other = (torch.nn.Parameter(torch.tensor([3.0, 4.0])) for _ in range(2))
    with keras_version_scope("2.2.4"):
        optimizer = optimizers.SGD(lr=1.0, clipnorm=1.0)
    (found,) = optimizer.get_gradients(weight.square().sum() / 2, [weight])
    np.testing.assert_allclose(found, [0.6, 0.8], rtol=1e-6)
    pairs = optimizer.aggregate_gradients(optimizer.compute_gradients(lambda: weight.sum(), [weight, other]))
    assert pairs[0][0].tolist() == [1.0, 1.0]
    assert pairs[1][0] is None
    optimizer.minimize(weight.sum(), [weight, other])
    np.testing.assert_allclose(weight.detach(), [3 - 0.5**0.5, 4 - 0.5**0.5], rtol=1e-6)
    with pytest.raises(ArgumentError, match="`loss` does not depend on each"):
        optimizer.get_gradients(weight.sum(), [weight, other])
    with pytest.raises(ArgumentError, match="`loss` must be one number"):
        optimizer.minimize(weight * 2, [weight])
    with pytest.raises(NotImplementedError, match="no graph to update"):
        optimizer.get_updates(weight.sum(), [weight])
    np.testing.assert_allclose(optimizers.clip_norm(torch.tensor([3.0, 4.0]), 1.0, torch.tensor(5.0)), [0.6, 0.8], rtol=1e-6)
    np.testing.assert_allclose(optimizers.clip_norm(torch.tensor([3.0, 4.0]), 6.0, torch.tensor(5.0)), [3.0, 4.0])


def test_averages_come_before_constraints():
    """As in tf_keras 2.21 and Keras 3.15 (`trajectories/averages_constrained`): the average is of what the step made."""
    info = WeightInfo("w", "w", "w", True, None, lambda w: w.clamp(min=0.0), None)
    weight = Variable(torch.tensor([1.0]), info=info)
    optimizer = optimizers.SGD(1.0, use_ema=True, ema_momentum=0.5)
    optimizer.apply_gradients([(torch.tensor([3.0]), weight)])
    assert weight.item() == 0.0
    assert optimizer._model_variables_moving_average[0].item() == pytest.approx(0.5 * 1.0 + 0.5 * -2.0)


def test_a_compiled_step_gives_the_same():
    one, two = linear(), linear()
    plain, other = optimizers.Adam(one.parameters(), 0.1), optimizers.Adam(two.parameters(), 0.1)
    compiled = torch.compile(other.step, backend="eager")
    for _ in range(3):
        plain.step()
        compiled()
    for a, b in zip(one.parameters(), two.parameters(), strict=True):
        torch.testing.assert_close(a, b)
