"""Optimizers around others, and those that users write."""

import functools
import pickle

import numpy as np
import pytest
import torch

from kcompat import optimizers
from kcompat.errors import ArgumentError, ArgumentTypeError, UnknownArgumentError, UnknownMethodError
from kcompat.generations import keras_version_scope
from kcompat.layers import Dense, Input
from kcompat.models import Sequential


def weights(*values):
    return [torch.nn.Parameter(torch.full((2,), float(value))) for value in values]


# -- loss scale ------------------------------------------------------------------------------------------------------------------


def test_loss_scale_grows_and_falls():
    with keras_version_scope("3"):
        optimizer = optimizers.LossScaleOptimizer(optimizers.SGD(0.5), initial_scale=8.0, dynamic_growth_steps=2)
    (weight,) = weights(1)
    optimizer.build([weight])
    seen = []
    for gradient in (8.0, float("inf"), 4.0, 4.0, 8.0):
        optimizer.apply_gradients([(torch.full((2,), gradient), weight)])
        seen.append((weight[0].item(), optimizer.dynamic_scale, optimizer.step_counter, int(optimizer.iterations)))
    assert seen == [(0.5, 8.0, 1, 1), (0.5, 4.0, 0, 1), (0.0, 4.0, 1, 2), (-0.5, 8.0, 0, 3), (-1.0, 8.0, 1, 4)]
    assert optimizer.scale_loss(2.0) == 16.0


def test_loss_scale_of_tf_keras_leaves_gradients_to_the_caller():
    optimizer = optimizers.LossScaleOptimizer(optimizers.SGD(0.5), initial_scale=8.0)
    (weight,) = weights(1)
    loss = optimizer.get_scaled_loss(weight.sum())
    grads = optimizer.get_unscaled_gradients(torch.autograd.grad(loss, [weight]))
    optimizer.apply_gradients(zip(grads, [weight], strict=True))
    assert weight.tolist() == [0.5, 0.5]
    fixed = optimizers.LossScaleOptimizer(optimizers.SGD(0.5), dynamic=False, initial_scale=4.0)
    fixed.apply_gradients([(torch.full((2,), float("nan")), weight)])
    assert (weight.tolist(), fixed.loss_scale) == ([0.5, 0.5], 4.0)


@pytest.mark.parametrize("version", ["2.15", "3"])
def test_loss_scale_is_described_saved_and_trained_with(version):
    with keras_version_scope(version):
        optimizer = optimizers.LossScaleOptimizer(optimizers.Adam(0.01, clipnorm=1.0), initial_scale=1024.0)
        again = optimizers.deserialize(optimizers.serialize(optimizer))
        assert type(again) is optimizers.LossScaleOptimizer
        assert again.inner_optimizer.options.clipnorm == 1.0
        plain, scaled = (Sequential([Input((3,)), Dense(2)]) for _ in range(2))
        scaled.set_weights(plain.get_weights())
        plain.compile(optimizers.Adam(0.01, clipnorm=1.0), "mse")
        scaled.compile(optimizer, "mse")
        x, y = np.ones((4, 3), "float32"), np.zeros((4, 2), "float32")
        for model in (plain, scaled):
            model.fit(x, y, epochs=3, verbose=0)
        for a, b in zip(plain.get_weights(), scaled.get_weights(), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-5)
        assert len(optimizer.get_weights()) == len(optimizer.inner_optimizer.get_weights()) + (4 if version == "3" else 0)
        state, numbers = optimizer.state_dict(), optimizer.get_weights()
        again.build([torch.nn.Parameter(torch.zeros_like(p)) for p in scaled.trainable_weights])
        again.load_state_dict(state)
        again.set_weights(numbers)
        assert int(again.iterations) == 3
        assert pickle.loads(pickle.dumps(again)).loss_scale == 1024.0


def test_loss_scale_refuses():
    inner = optimizers.SGD()
    with pytest.raises(ArgumentTypeError, match="`inner_optimizer` must be"):
        optimizers.LossScaleOptimizer("sgd")
    with pytest.raises(ArgumentError, match="`clipnorm` belongs to the inner optimizer"):
        optimizers.LossScaleOptimizer(inner, clipnorm=1.0)
    with pytest.raises(ArgumentError, match="`dynamic=False` is a fixed scale"):
        optimizers.LossScaleOptimizer(inner, dynamic=False)
    with pytest.raises(ArgumentError, match="`initial_scale` must be a number"):
        optimizers.LossScaleOptimizer(inner, initial_scale=-1.0)


# -- optimizers of torch ----------------------------------------------------------------------------------------------------------


def test_an_optimizer_of_torch_made_when_the_weights_are_known():
    model = Sequential([Input((3,)), Dense(2, kernel_constraint="non_neg")])
    optimizer = optimizers.TFOptimizer(lambda parameters: torch.optim.RAdam(parameters, 0.5))
    model.compile(optimizer, "mse")
    model.fit(np.ones((4, 3), "float32"), -np.ones((4, 2), "float32"), epochs=4, verbose=0)
    assert isinstance(optimizer.optimizer, torch.optim.RAdam)
    assert (model.get_weights()[0] >= 0).all()
    assert optimizer.learning_rate == 0.5
    optimizer.learning_rate = 0.1
    assert optimizer.optimizer.param_groups[0]["lr"] == 0.1
    for refused in (optimizer.get_config, optimizer.get_weights):
        with pytest.raises(UnknownMethodError, match="state_dict"):
            refused()
    with pytest.raises(ArgumentTypeError, match="must be an optimizer of torch.optim or a function"):
        optimizers.TFOptimizer("adam")


def test_an_optimizer_of_torch_steps_as_alone():
    alone, inside = weights(1), weights(1)
    real = torch.optim.Adagrad(alone, 0.1)
    wrapped = optimizers.TFOptimizer(torch.optim.Adagrad(inside, 0.1))
    for _ in range(3):
        alone[0].grad = torch.tensor([1.0, -2.0])
        real.step()
        wrapped.apply_gradients([(torch.tensor([1.0, -2.0]), inside[0])])
    assert torch.equal(alone[0], inside[0])


def test_compile_takes_a_class_of_torch():
    model = Sequential([Input((3,)), Dense(2)])
    model.compile(functools.partial(torch.optim.SGD, lr=0.5), "mse")
    model.fit(np.ones((4, 3), "float32"), np.ones((4, 2), "float32"), epochs=1, verbose=0)
    assert type(model.optimizer.optimizer) is torch.optim.SGD
    assert isinstance(optimizers.get(torch.optim.Adam), optimizers.TFOptimizer)


# -- several ----------------------------------------------------------------------------------------------------------------------


def test_several_optimizers_by_path():
    with keras_version_scope("3"):
        model = Sequential([Input((3,)), Dense(4, name="encoder"), Dense(2, name="decoder")])
        shares = optimizers.OptimizerMap(optimizers.SGD(0.1))
        shares["encoder/.*"] = optimizers.Adam(0.01)
        optimizer = optimizers.MultiOptimizer(shares)
        model.compile(optimizer, "mse")
        before = model.get_weights()
        model.fit(np.ones((4, 3), "float32"), np.ones((4, 2), "float32"), epochs=1, verbose=0)
        adam, sgd = optimizer.optimizers
        assert [len(o._known) for o in (adam, sgd)] == [2, 2]
        np.testing.assert_allclose(np.abs(model.get_weights()[0] - before[0]), 0.01, rtol=1e-3)  # Adam's first step
        assert int(optimizer.iterations) == 1
        assert len(optimizer.get_weights()) == 2 + (2 + 4) + 2
        again = optimizers.deserialize(optimizers.serialize(optimizer))
        assert [type(o).__name__ for o in again.optimizers] == ["Adam", "SGD"]
        with pytest.raises(AttributeError, match="see its `optimizers`"):
            optimizer.learning_rate  # noqa: B018
        with pytest.raises(ArgumentError, match="must be a plain one"):
            shares["other"] = optimizer
        with pytest.raises(ArgumentError, match="not there yet"):
            shares["encoder/.*"] = optimizers.SGD()
        shares["enc.*"] = optimizers.SGD()
        with pytest.raises(ArgumentError, match="several patterns match"):
            shares["encoder/kernel"]


# -- written by users -------------------------------------------------------------------------------------------------------------


class Momentum(optimizers.Optimizer):
    """As Keras 3 documents it."""

    def __init__(self, learning_rate=0.1, **common):
        super().__init__(learning_rate=learning_rate, **common)
        self.builds = 0

    def build(self, variables):
        super().build(variables)
        self.builds += 1
        self.momentums = [self.add_variable_from_reference(variable, "momentum") for variable in variables]

    def update_step(self, gradient, variable, learning_rate):
        momentum = self.momentums[self._get_variable_index(variable)]
        self.assign(momentum, 0.9 * momentum - gradient * learning_rate)
        self.assign_add(variable, momentum)


class TfMomentum(optimizers.Optimizer):
    """As tf.keras documents it."""

    def __init__(self, learning_rate=0.1, name="TfMomentum", **common):
        super().__init__(name, **common)
        self._learning_rate = self._build_learning_rate(learning_rate)

    def build(self, var_list):
        super().build(var_list)
        if getattr(self, "_built", False):
            return
        self._built = True
        self.momentums = [self.add_variable_from_reference(model_variable=var, variable_name="m") for var in var_list]

    def update_step(self, gradient, variable):
        momentum = self.momentums[self._index_dict[self._var_key(variable)]]
        momentum.assign(0.9 * momentum - gradient * self.learning_rate)
        self.assign_add(variable, momentum)


@pytest.mark.parametrize("made", [Momentum, TfMomentum])
def test_an_optimizer_of_the_user(made):
    optimizer, real = made(clipnorm=1.0), optimizers.SGD(0.1, momentum=0.9, clipnorm=1.0)
    own, expected = weights(1, 2), weights(1, 2)
    for _ in range(3):
        for chosen, its in ((optimizer, own), (real, expected)):
            chosen.apply_gradients([(torch.tensor([3.0, -1.0]), its[0]), (torch.tensor([0.5, 0.25]), its[1])])
    for a, b in zip(own, expected, strict=True):
        torch.testing.assert_close(a, b)
    assert len(optimizer.get_weights()) == 3
    again = made()
    again.build(weights(0, 0))
    again.load_state_dict(optimizer.state_dict())
    torch.testing.assert_close(again.momentums[0], optimizer.momentums[0])
    assert int(again.iterations) == 3


def test_an_optimizer_of_the_user_is_built_once_in_fits():
    model = Sequential([Input((3,)), Dense(2)])
    optimizer = Momentum()
    model.compile(optimizer, "mse")
    for _ in range(2):
        model.fit(np.ones((4, 3), "float32"), np.ones((4, 2), "float32"), epochs=1, verbose=0)
    assert optimizer.builds == 1
    assert int(optimizer.iterations) == 2


def test_an_optimizer_without_a_rule():
    with pytest.raises(UnknownMethodError, match="must define `update_step"):
        optimizers.Optimizer(0.1).apply_gradients([(torch.ones(2), weights(1)[0])])


# -- bad input --------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("version", "make", "message"),
    [
        ("2.15", lambda: optimizers.Adam(-0.1), "`learning_rate` must be at least 0, received -0.1"),
        ("2.2.4", lambda: optimizers.Adam(lr=-0.1), "`learning_rate` must be at least 0"),
        ("3", lambda: optimizers.Adam(lr=0.1), "Adam has no argument `lr` in Keras 3. It is called `learning_rate` there"),
        ("3", lambda: optimizers.Adam(learning_rat=0.1), "no argument `learning_rat`. Did you mean 'learning_rate'"),
        ("2.15", lambda: optimizers.Adam(beta1=0.9), "no argument `beta1`. Did you mean 'beta_1'"),
        ("2.15", lambda: optimizers.Adam(betas=(0.9, 0.99)), "no argument `betas`"),
        ("2.15", lambda: optimizers.Adam(beta_1=1.5), "`beta_1` must be a number from 0 to 1, received 1.5"),
        ("2.15", lambda: optimizers.Adam(epsilon=-1.0), "`epsilon` must be a number of at least 0"),
        ("2.15", lambda: optimizers.Adam(clipnorm=-1.0), "`clipnorm` must be a number of at least 0"),
        ("3", lambda: optimizers.Adam(clipnorm=1.0, clipvalue=1.0), "only one of `clipnorm`, `clipvalue`"),
        ("2.15", lambda: optimizers.Adam(use_ema=True, ema_overwrite_frequency=0.5), "`ema_overwrite_frequency` must be an integer"),
        ("3", lambda: optimizers.Adam(loss_scale_factor=0.0), "`loss_scale_factor` must be a number"),
        ("2.2.4", lambda: optimizers.Adadelta(rho=None), "Adadelta: `rho` must be a number, received None"),
        ("2.2.4", lambda: optimizers.RMSprop(centered=True), "RMSprop has no argument `centered` in Keras 2.2.4; its own are: rho epsilon"),
        ("2.3.1", lambda: optimizers.Nadam(decay=0.1), "Nadam has no argument `decay`"),
        ("2.15", lambda: optimizers.Nadam(schedule_decay=0.1), "no argument `schedule_decay`"),
        ("2.15", lambda: optimizers.AdamW(weight_decay=None), "`weight_decay` must be a number, received None"),
        ("2.15", lambda: optimizers.Ftrl(learning_rate_power=1.0), "`learning_rate_power` must be a number of at most 0"),
        ("2.15", lambda: optimizers.Lion(beta_1=0.0), "`beta_1` must be above 0"),
        ("2.15", lambda: optimizers.legacy.Nadam(decay=0.1), "`decay` has no effect on this optimizer"),
        ("2.15", lambda: optimizers.legacy.Adam(1, 2, 3, 4, 5, 6, 7), "takes 6 positional arguments"),
        ("2.15", lambda: optimizers.legacy.Adam(0.1, learning_rate=0.1), "received `learning_rate` twice"),
        ("2.15", lambda: optimizers.SGD(0.1, 0.9, momentum=0.9), "received `momentum` twice"),
    ],
)  # fmt: skip
def test_bad_arguments(version, make, message):
    with keras_version_scope(version), pytest.raises((ArgumentError, ArgumentTypeError, UnknownArgumentError), match=message):
        make()


def test_assigned_rates_are_checked():
    optimizer = optimizers.SGD(0.1)
    with pytest.raises(ArgumentError, match="at least 0"):
        optimizer.learning_rate = -1.0
    assert optimizer.learning_rate == pytest.approx(0.1)
    with pytest.raises(ArgumentTypeError, match="must be a number, a schedule or a callable"):
        optimizer.lr.assign("x")


def test_stateless_apply_leaves_all_as_it_is():
    with keras_version_scope("3"):
        optimizer, twin = optimizers.Nadam(0.1), optimizers.Nadam(0.1)
    own, other = weights(1, 2), weights(1, 2)
    optimizer.build(own)
    grads = [torch.tensor([1.0, 2.0]), torch.tensor([-1.0, 0.5])]
    state, values = [v.clone() for v in optimizer.variables], [w.detach().clone() for w in own]
    for _ in range(2):
        values, state = optimizer.stateless_apply(state, grads, values)
        twin.apply_gradients(zip(grads, other, strict=True))
    assert own[0].tolist() == [1.0, 1.0]
    assert int(optimizer.iterations) == 0
    for a, b in zip(values, other, strict=True):
        torch.testing.assert_close(a, b.detach())
    for a, b in zip(state, twin.variables, strict=True):
        torch.testing.assert_close(a, b)
    with pytest.raises(ArgumentError, match="`grads` must hold 2 tensors, received 1"):
        optimizer.stateless_apply(state, grads[:1], values)


def test_schedule_free_by_hand():
    """z steps, x is the mean of z, the weight lies between: one weight, three steps, gradient 1 (so that g / sqrt(s / c) is 1)."""
    with keras_version_scope("3"):
        optimizer = optimizers.ScheduleFreeAdamW(0.1, beta_1=0.75, epsilon=0.0)
    (weight,) = weights(2)
    z = x = 2.0
    for step in range(1, 4):
        optimizer.apply_gradients([(torch.ones(2), weight)])
        z -= 0.1
        x = (1 - 1 / step) * x + z / step
        assert weight[0].item() == pytest.approx(0.25 * z + 0.75 * x, rel=1e-5)
