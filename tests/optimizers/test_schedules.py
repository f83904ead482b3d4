import math

import numpy as np
import pytest
import torch

from kcompat import optimizers
from kcompat.errors import ArgumentError
from kcompat.generations import keras_version_scope
from kcompat.optimizers import schedules

EACH = [
    schedules.ExponentialDecay(0.1, 10, 0.5),
    schedules.InverseTimeDecay(0.1, 10, 0.5, staircase=True),
    schedules.PiecewiseConstantDecay([2, 5], [1.0, 0.5, 0.1]),
    schedules.PolynomialDecay(0.1, 10, cycle=True),
    schedules.CosineDecay(0.1, 10, warmup_target=1.0, warmup_steps=4),
    schedules.CosineDecayRestarts(0.1, 3),
]


@pytest.mark.parametrize("schedule", EACH, ids=lambda s: type(s).__name__)
def test_numbers_arrays_and_tensors_alike(schedule):
    steps = np.arange(20)
    numbers = [schedule(int(step)) for step in steps]
    assert all(type(rate) is float for rate in numbers)
    np.testing.assert_allclose(schedule(steps), numbers, rtol=1e-12)
    rates = schedule(torch.arange(20))
    assert torch.is_tensor(rates)
    np.testing.assert_allclose(rates, numbers, rtol=1e-5, atol=1e-7)
    assert schedule(torch.tensor(3.0, device="meta")).device.type == "meta"  # nothing is read on the host
    np.testing.assert_allclose([float(schedule(np.int64(3)))], [numbers[3]])


@pytest.mark.parametrize("version", ["2.15", "3"])
@pytest.mark.parametrize("schedule", EACH, ids=lambda s: type(s).__name__)
def test_written_and_made_again_inside_an_optimizer(schedule, version):
    with keras_version_scope(version):
        again = schedules.deserialize(schedules.serialize(schedule))
        assert again.get_config() == schedule.get_config()
        optimizer = optimizers.Adam(schedule)
        config = optimizer.get_config()
        assert config["learning_rate"]["class_name"] == type(schedule).__name__
        assert optimizers.Adam.from_config(config).learning_rate == pytest.approx(schedule(0))
        assert optimizers.SGD(config["learning_rate"]).learning_rate == pytest.approx(schedule(0))


def test_names_by_generation():
    with keras_version_scope("3"):
        assert [type(s)(**{k: v for k, v in s.get_config().items() if k != "name"}).name for s in EACH] == [
            "ExponentialDecay", "InverseTimeDecay", "PiecewiseConstant", "PolynomialDecay", "CosineDecay", "SGDRDecay",
        ]  # fmt: skip
    with keras_version_scope("2.15"):
        assert schedules.CosineDecay(0.1, 10).name is None


class Warmup(schedules.LearningRateSchedule):
    """The schedule of the transformer tutorial, with torch's functions."""

    def __init__(self, units=16, steps=4):
        self.units, self.steps = units, steps

    def __call__(self, step):
        assert torch.is_tensor(step)
        assert step.is_floating_point()
        return torch.rsqrt(torch.tensor(float(self.units))) * torch.minimum(torch.rsqrt(step + 1), (step + 1) * self.steps**-1.5)

    def get_config(self):
        return {"units": self.units, "steps": self.steps}


def test_a_schedule_of_the_user():
    optimizer = optimizers.SGD(Warmup())
    weight = torch.nn.Parameter(torch.ones(1))
    expected = 1.0
    for step in range(6):
        rate = 0.25 * min((step + 1) ** -0.5, (step + 1) * 4**-1.5)
        assert optimizer.learning_rate == pytest.approx(rate, rel=1e-6)
        optimizer.apply_gradients([(torch.ones(1), weight)])
        expected -= rate
        assert weight.item() == pytest.approx(expected, rel=1e-5)
    written = optimizers.serialize(optimizer)
    again = optimizers.deserialize(written, custom_objects={"Warmup": Warmup})
    assert again.learning_rate == pytest.approx(0.25 * 4**-1.5)


def test_a_callable_gives_the_rate_anew_each_step():
    rates = iter([0.5, 0.25])
    optimizer = optimizers.SGD(lambda: next(rates))
    weight = torch.nn.Parameter(torch.ones(1))
    for expected in (0.5, 0.25):
        optimizer.apply_gradients([(torch.ones(1), weight)])
        assert weight.item() == pytest.approx(expected)


def test_legacy_gives_the_schedule_itself():
    schedule = schedules.ExponentialDecay(0.1, 1, 0.5)
    optimizer = optimizers.legacy.SGD(schedule)
    assert optimizer.learning_rate is schedule
    optimizer.iterations = 2
    assert optimizer._decayed_lr("float32").numpy() == pytest.approx(0.025)


def test_another_schedule_takes_the_place_of_one():
    optimizer = optimizers.SGD(schedules.ExponentialDecay(0.1, 1, 0.5))
    optimizer.learning_rate = schedules.InverseTimeDecay(0.4, 1, 1.0)
    optimizer.iterations.assign(3)
    assert optimizer.learning_rate == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: schedules.ExponentialDecay(0.1, 0, 0.5), "ExponentialDecay: `decay_steps` must be above 0, received 0"),
        (lambda: schedules.CosineDecay(0.1, -1), "`decay_steps` must be above 0"),
        (lambda: schedules.CosineDecay(0.1, 5, warmup_target=1.0, warmup_steps=-2), "`warmup_steps` must be above 0"),
        (lambda: schedules.CosineDecayRestarts(0.1, 5, t_mul=0.0), "`t_mul` must be above 0"),
        (lambda: schedules.PolynomialDecay("x", 5), "`initial_learning_rate` must be a number, received 'x'"),
        (lambda: schedules.PiecewiseConstantDecay([1], [1.0]), "`values` must hold one more than `boundaries`"),
        (lambda: schedules.PiecewiseConstantDecay([3, 1], [1.0, 2.0, 3.0]), "`boundaries` must not fall"),
    ],
)
def test_bad_arguments(make, message):
    with pytest.raises(ArgumentError, match=message):
        make()


def test_a_base_class_is_no_schedule():
    with pytest.raises(NotImplementedError, match="must define `__call__"):
        schedules.LearningRateSchedule()(1)
    assert math.isclose(schedules.CosineDecay(0.1, 10, alpha=0.2)(50), 0.02)
