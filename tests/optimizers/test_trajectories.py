"""Five steps from given gradients, as real Keras printed them (the weights start at 1; shown after steps 1, 2, 5)."""

import numpy as np
import pytest
import torch

from kcompat import optimizers
from kcompat.generations import keras_version_scope

GRADIENTS = [[1, -2, 0.5], [0.5, 0.1, -1], [-0.3, 2, 0.2], [0, -0.7, 1.5], [2, 0.3, -0.4]]
ALL = ("2.2.4", "2.3.1", "legacy", "2.15", "3")
OLD = ("2.2.4", "2.3.1", "legacy")

ROWS = [
    (ALL, "SGD", {}, "0.990000 1.020000 0.995000", "0.985000 1.019000 1.005000", "0.968000 1.003000 0.992000"),
    (ALL, "SGD", {"lr": 0.1}, "0.900000 1.200000 0.950000", "0.850000 1.190000 1.050000", "0.680000 1.030000 0.920000"),
    (ALL, "SGD", {"lr": 0.1, "momentum": 0.9}, "0.900000 1.200000 0.950000", "0.760000 1.370000 1.005000", "0.299840 1.345630 0.839945"),
    (ALL, "SGD", {"lr": 0.1, "momentum": 0.9, "nesterov": True},
     "0.810000 1.380000 0.905000", "0.634000 1.523000 1.054500", "0.049856 1.341067 0.775950"),
    (OLD, "SGD", {"lr": 0.1, "decay": 0.1}, "0.900000 1.200000 0.950000", "0.854545 1.190909 1.040909", "0.736688 1.056660 0.937429"),
    (("3",), "SGD", {"lr": 0.1, "decay": 0.1}, "0.900000 1.200000 0.950000", "0.850000 1.190000 1.050000", "0.680000 1.030000 0.920000"),
    (ALL, "SGD", {"lr": 0.1, "clipnorm": 1.0}, "0.956356 1.087287 0.978178", "0.911813 1.078378 1.067265", "0.829561 1.007701 0.986208"),
    (ALL, "SGD", {"lr": 0.1, "clipvalue": 0.5}, "0.950000 1.050000 0.950000", "0.900000 1.040000 1.000000", "0.880000 1.010000 0.970000"),
    (ALL, "Adam", {}, "0.999000 1.001000 0.999000", "0.998068 1.001632 0.999366", "0.996447 1.001572 0.998949"),
    (ALL, "Adam", {"lr": 0.1}, "0.900000 1.100000 0.900001", "0.806783 1.163204 0.936611", "0.644731 1.157171 0.894886"),
    (ALL, "Adam", {"lr": 0.1, "epsilon": 0.1}, "0.975975 1.038742 0.986347", "0.951633 1.063240 0.995909", "0.898118 1.060424 0.978440"),
    (ALL, "Adam", {"lr": 0.1, "amsgrad": True}, "0.900000 1.100000 0.900001", "0.806783 1.163204 0.936611", "0.644753 1.157171 0.894886"),
    (OLD, "Adam", {"lr": 0.1, "decay": 0.1}, "0.900000 1.100000 0.900001", "0.815257 1.157458 0.933283", "0.690808 1.152189 0.903360"),
    (("3",), "Adam", {"lr": 0.1, "decay": 0.1}, "0.900001 1.099999 0.900001", "0.806784 1.163203 0.936611", "0.644734 1.157170 0.894887"),
]  # fmt: skip
CASES = [(version, *row[1:]) for row in ROWS for version in row[0]]


def make(version, name, arguments):
    if version == "legacy":
        return getattr(optimizers.legacy, name)(**arguments)
    if version == "3" and "lr" in arguments:  # which Keras 3 refuses
        arguments = {"learning_rate" if key == "lr" else key: value for key, value in arguments.items()}
    with keras_version_scope(version):
        return getattr(optimizers, name)(**arguments)


@pytest.mark.filterwarnings("ignore:.*decay.*:UserWarning")
@pytest.mark.parametrize(("version", "name", "arguments", "one", "two", "five"), CASES)
@pytest.mark.parametrize("way", ["step", "apply_gradients"])
def test_five_steps(version, name, arguments, one, two, five, way):
    optimizer = make(version, name, arguments)
    weight = torch.nn.Parameter(torch.ones(3))
    seen = []
    for gradient in GRADIENTS:
        if way == "step":
            weight.grad = torch.tensor(gradient)
            optimizer.build([weight])
            optimizer.step()
        else:
            optimizer.apply_gradients([(torch.tensor(gradient), weight)])
        seen.append(weight.detach().clone().numpy())
    for got, expected in zip((seen[0], seen[1], seen[4]), (one, two, five), strict=True):
        # Keras takes 1 - beta ** t in float32, which moves Adam by up to 3e-6 here (its own rows differ by as much)
        np.testing.assert_allclose(got, np.array(expected.split(), float), atol=4e-6)


def run(optimizer, gradients, start=1.0):
    weight = torch.nn.Parameter(torch.tensor(start))
    optimizer.build([weight])
    seen = []
    for gradient in gradients:
        weight.grad = torch.tensor(float(gradient))
        optimizer.step()
        seen.append(weight.item())
    return seen


@pytest.mark.parametrize(
    ("version", "name", "arguments", "expected"),
    [
        ("2.15", "SGD", {"momentum": 0.9}, [0.9, 0.76, 0.434]),
        ("3", "SGD", {"momentum": 0.9, "nesterov": True}, [0.81, 0.634, 0.1406]),
        ("2.15", "SGD", {"weight_decay": 0.5}, [0.85, 0.7575, 0.519625]),
        ("2.15", "Adam", {"epsilon": 0.1}, [0.975975, 0.951633, 0.913443]),
        ("2.15", "Adam", {"epsilon": 0.1, "adaptive_epsilon": True}, [0.909091, 0.826343, 0.741822]),
        ("2.15", "SGD", {"use_ema": True, "ema_momentum": 0.5, "ema_overwrite_frequency": 2}, [0.9, 0.9, 0.7]),
        ("3", "SGD", {"use_ema": True, "ema_momentum": 0.5, "ema_overwrite_frequency": 2}, [0.9, 0.875, 0.675]),
        ("3", "SGD", {"gradient_accumulation_steps": 2}, [1.0, 0.925, 0.925]),
    ],
)
def test_laws_of_one_weight(version, name, arguments, expected):
    with keras_version_scope(version):
        np.testing.assert_allclose(run(getattr(optimizers, name)(0.1, **arguments), [1, 0.5, 2]), expected, atol=2e-6)


@pytest.mark.parametrize(
    ("version", "kernel", "bias"),
    [
        *[(version, [0.588348, 0.784465], 0.196116) for version in ("2.2.4", "2.3.1")],
        *[(version, [0.6, 0.8], 1.0) for version in ("2.15", "3")],
    ],
)  # fmt: skip
def test_clipnorm_over_all_or_each(version, kernel, bias):
    with keras_version_scope(version):
        optimizer = optimizers.SGD(1.0, clipnorm=1.0)
    weights = [torch.nn.Parameter(torch.zeros(2)), torch.nn.Parameter(torch.zeros(1))]
    optimizer.apply_gradients(zip([torch.tensor([3.0, 4.0]), torch.tensor([1.0])], weights, strict=True))
    np.testing.assert_allclose(-weights[0].detach(), kernel, atol=1e-6)
    np.testing.assert_allclose(-weights[1].detach(), [bias], atol=1e-6)


@pytest.mark.parametrize(("version", "expected"), [("2.15", 0.5), ("legacy", 0.9)])
def test_two_clips_together(version, expected):
    optimizer = make(version, "SGD", {"lr": 1.0, "clipnorm": 0.5, "clipvalue": 0.1})
    assert run(optimizer, [5.0]) == pytest.approx([expected])


def test_global_clipnorm():
    optimizer = optimizers.SGD(1.0, global_clipnorm=1.0)
    weights = [torch.nn.Parameter(torch.zeros(1)), torch.nn.Parameter(torch.zeros(1))]
    optimizer.apply_gradients(zip([torch.tensor([3.0]), torch.tensor([4.0])], weights, strict=True))
    np.testing.assert_allclose([-w.item() for w in weights], [0.6, 0.8], rtol=1e-6)


def test_schedule_is_read_before_the_step():
    optimizer = optimizers.SGD(optimizers.schedules.ExponentialDecay(0.1, 1, 0.5))
    assert run(optimizer, [1, 1, 1]) == pytest.approx([0.9, 0.85, 0.825])


def test_float64_keeps_its_digits():
    optimizer = optimizers.Adam(0.1, epsilon=0.1)
    weight = torch.nn.Parameter(torch.ones(1, dtype=torch.float64))
    optimizer.apply_gradients([(torch.ones(1, dtype=torch.float64), weight)])
    assert weight.item() == pytest.approx(0.9759748530514852, rel=1e-14)  # printed by tf_keras and by Keras 3


def test_kernel_and_foreach_agree(monkeypatch):
    from kcompat.optimizers import rules

    def five():
        weight = torch.nn.Parameter(torch.ones(3, dtype=torch.float64))
        optimizer = optimizers.Adam(0.1, epsilon=0.1, amsgrad=True)
        for gradient in GRADIENTS:
            optimizer.apply_gradients([(torch.tensor(gradient), weight)])
        return weight.detach().numpy()

    fused = five()
    monkeypatch.setattr(rules, "_FUSED", ())
    np.testing.assert_allclose(five(), fused, rtol=1e-12)
