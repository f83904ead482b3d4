"""Numbers are printed by real Keras (tf_keras 2.21, Keras 3.15, 2.2.4, 2.3.1) unless a line computes them."""

import copy
import pickle

import pytest
import torch

from kcompat import activations, registry
from kcompat.errors import ArgumentError, ArgumentTypeError, UnknownNameError
from kcompat.generations import keras_version_scope

GENERATIONS = ("2.2.4", "2.3.1", "2.15", "3")
NAMES = [name for name in activations.__all__ if name not in ("get", "serialize", "deserialize", "threshold")]


def value_and_slope(function, *points):
    x = torch.tensor(points, requires_grad=True)
    y = function(x)
    (slope,) = torch.autograd.grad(y.sum(), x)
    return y.tolist(), slope.tolist()


@pytest.mark.parametrize(
    ("name", "x", "expected"),
    [
        ("gelu", 1.0, 0.841345), ("mish", 1.0, 0.865098), ("swish", 1.0, 0.731059), ("softsign", 4.0, 0.8), ("elu", -1.0, -0.632121),
        ("selu", 1.0, 1.050701), ("selu", -1.0, -1.111331), ("softplus", 1.0, 1.313262), ("leaky_relu", -2.0, -0.4),
        ("squareplus", -1.0, 0.618034), ("sparse_plus", 0.5, 0.5625), ("sparse_sigmoid", 0.5, 0.75), ("hard_silu", 1.0, 0.666667),
        ("hard_shrink", 0.5, 0.0), ("soft_shrink", -1.0, -0.5), ("log_sigmoid", -1.0, -1.313262), ("tanh_shrink", 1.0, 0.238406),
        ("celu", -1.0, -0.632121), ("relu6", 7.0, 6.0), ("exponential", 1.0, 2.718282), ("hard_tanh", 2.0, 1.0), ("linear", 3.0, 3.0),
    ],
)  # fmt: skip
def test_value(name, x, expected):
    assert activations.get(name)(torch.tensor([x])).item() == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    ("name", "x", "slope"),
    [
        ("relu", 0.0, 0.0), ("celu", 0.0, 2.0), ("hard_silu", -3.0, 0.0), ("hard_silu", 3.0, 1.0), ("hard_tanh", 1.0, 1.0),
        ("hard_tanh", -1.0, 1.0), ("relu6", 6.0, 0.0), ("sparse_plus", 1.0, 1.0), ("sparse_sigmoid", 1.0, 0.0), ("elu", 0.0, 1.0),
        ("hard_shrink", 0.5, 0.0), ("soft_shrink", 0.5, 0.0),
    ],
)  # fmt: skip
def test_slope_at_a_kink(name, x, slope):
    assert value_and_slope(activations.get(name), x)[1] == [slope]


@pytest.mark.parametrize(
    ("arguments", "points", "values", "slopes"),
    [
        ((0.1, 1.5, 0.5), (-1.0, 0.0, 0.5, 1.0, 4.0), [-0.15, -0.05, 0, 1, 1.5], [0.1, 0.1, 0, 1, 0]),
        ((0.0, 1.0, 0.0), (-1.0, 0.0, 1.0, 2.0), [0, 0, 1, 1], [0, 0, 1, 0]),
        ((0.0, 6.0, 0.0), (6.0, 7.0), [6, 6], [0, 0]),
        ((0.2, None, 1.0), (0.5, 1.0, 2.0), [-0.1, 0, 2], [0.2, 0, 1]),
        ((0.0, None, -1.0), (-2.0, -1.0, -0.5), [0, 0, -0.5], [0, 0, 1]),
        ((0.1, None, 0.0), (-1.0, 0.0), [-0.1, 0], [0.1, 0.1]),
        ((0.0, -1.0, 0.0), (1.0,), [0], [0]),
    ],
)
def test_relu_arguments(arguments, points, values, slopes):
    y, slope = value_and_slope(lambda x: activations.relu(x, *arguments), *points)
    assert y == pytest.approx(values)
    assert slope == pytest.approx(slopes)


def test_relu_alpha_is_the_negative_slope():
    x = torch.tensor([-2.0, 3.0])
    assert torch.equal(activations.relu(x, alpha=0.5), activations.relu(x, negative_slope=0.5))
    with pytest.raises(ArgumentError, match="`alpha`"):
        activations.relu(x, 0.1, alpha=0.2)


def test_hard_sigmoid_by_generation():
    for version, expected in (("2.2.4", (0.0, 0.7, 1.0)), ("2.15", (0.0, 0.7, 1.0)), ("3", (0.083333, 0.666667, 0.916667))):
        with keras_version_scope(version):
            function = activations.get("hard_sigmoid")
            assert activations.hard_sigmoid(torch.tensor([1.0])).item() == pytest.approx(expected[1], abs=1e-6)
        assert function(torch.tensor([-2.5, 1.0, 2.5])).tolist() == pytest.approx(expected, abs=1e-6)
        assert activations.serialize(function) == "hard_sigmoid"
        assert activations.get(function) is function
        assert pickle.loads(pickle.dumps(function)) is function


def test_hard_sigmoid_slope_at_its_ends():
    with keras_version_scope("2.15"):
        assert value_and_slope(activations.get("hard_sigmoid"), -2.5, 2.5)[1] == pytest.approx([0.2, 0.2])
    with keras_version_scope("3"):
        assert value_and_slope(activations.get("hard_sigmoid"), -3.0, 3.0)[1] == [0.0, 0.0]


@pytest.mark.parametrize(("version", "slope"), [("2.2.4", 1.758099), ("2.3.1", 1.758099), ("2.15", 1.050701), ("3", 1.050701)])
def test_selu_slope_at_zero(version, slope):
    with keras_version_scope(version):
        function = activations.get("selu")
    assert value_and_slope(function, 0.0)[1] == pytest.approx([slope], abs=1e-6)
    assert activations.serialize(function) == "selu"


def test_softmax_by_generation():
    x = torch.tensor([[1.0, 2.0], [0.0, 3.0]])
    rows = [0.268941, 0.731059, 0.047426, 0.952574]
    columns = [0.731059, 0.268941, 0.268941, 0.731059]
    for version, expected in (("2.2.4", rows), ("2.3.1", rows), ("2.15", columns), ("3", columns)):
        with keras_version_scope(version):
            assert activations.softmax(x, axis=0).flatten().tolist() == pytest.approx(expected, abs=1e-6)
    for version in ("2.2.4", "2.15"):
        with keras_version_scope(version), pytest.raises(ValueError, match=r"softmax: `x` .* \(2,\)"):
            activations.softmax(x[0])
    with keras_version_scope("3"):
        assert activations.softmax(x[0]).tolist() == pytest.approx(rows[:2], abs=1e-6)


def test_softmax_over_several_axes():
    y = activations.softmax(torch.tensor([[[1.0, 2.0], [0.0, 3.0]]]), axis=(1, 2))
    assert y.flatten().tolist() == pytest.approx([0.087144, 0.236883, 0.032059, 0.643914], abs=1e-6)


def test_sparsemax_is_keras_own():
    x = torch.tensor([[1.0, 2.0, 0.5, 0.0], [-3.0, 0.0, 4.0, 4.0], [0.0, 0.0, 0.0, 0.0]], requires_grad=True)
    y = activations.sparsemax(x)
    (slope,) = torch.autograd.grad(y.sum(), x)
    assert y.tolist() == [[0, 1, 0, 0], [0, 0, 0, 0], [0.25] * 4]
    assert slope.tolist() == [[1, -1, 0, 0], [0, 0, 0, 0], [-3, -2, -1, 0]]


def test_threshold_and_glu():
    assert activations.threshold(torch.tensor([0.4, 0.5, 0.6]), 0.5, 9.0).tolist() == pytest.approx([9, 9, 0.6])
    assert activations.glu(torch.tensor([[1.0, 2.0, 0.5, 0.0]])).flatten().tolist() == pytest.approx([0.622459, 1.0], abs=1e-6)


@pytest.mark.parametrize("name", ["sigmoid", "softmax"])
def test_probabilities_know_their_logits(name):
    x = torch.tensor([[100.0, -3.0]])
    for compiled in (False, True):
        function = activations.get(name)
        y = (torch.compile(function, fullgraph=True, backend="eager") if compiled else function)(x)
        assert torch.equal(y._keras_logits, x)
        assert y._keras_logits_of == name
    assert not hasattr(activations.get("tanh")(x), "_keras_logits")


def test_swish_is_written_as_the_generation_calls_it():
    for version, name in (("2.15", "swish"), ("3", "silu")):
        with keras_version_scope(version):
            assert activations.serialize(activations.get("swish")) == name
            assert activations.serialize(activations.get("silu")) == name
    assert activations.serialize(activations.get("hard_swish")) == "hard_silu"


@pytest.mark.parametrize("version", GENERATIONS)
@pytest.mark.parametrize("name", NAMES)
def test_names_round_trip(name, version):
    with keras_version_scope(version):
        function = activations.get(name)
        assert activations.deserialize(activations.serialize(function)) is function
        assert registry.serialize("activation", function) == activations.serialize(function)
        assert copy.deepcopy(function) is function


def test_get():
    def mine(x):
        return x + 1

    assert activations.get(None) is activations.linear
    assert activations.get(mine) is mine
    assert activations.serialize(mine) == "mine"
    assert activations.deserialize("mine", custom_objects={"mine": mine}) is mine
    assert activations.deserialize(name="tanh") is activations.tanh
    written = {"module": "builtins", "class_name": "function", "config": "relu", "registered_name": "function"}
    assert activations.get(written) is activations.relu
    with pytest.raises(UnknownNameError, match="'rellu'.*'relu'"):
        activations.get("rellu")
    with pytest.raises(ArgumentTypeError):
        activations.get(5)
    with pytest.raises(ArgumentTypeError, match="`config`"):
        activations.deserialize()


@pytest.mark.parametrize("name", NAMES)
def test_traced(name):
    function = activations.get(name)
    x = torch.randn(3, 4, generator=torch.Generator().manual_seed(0))
    public = getattr(activations, name)
    torch.compiler.reset()
    assert torch.equal(torch.compile(public, fullgraph=True, backend="eager")(x), function(x))

    class Wrapped(torch.nn.Module):
        def forward(self, x):
            return function(x)

    exported = torch.export.export(Wrapped(), (x,), dynamic_shapes=({0: torch.export.Dim("batch", min=2)},)).module()
    assert torch.equal(exported(torch.cat([x, x])), function(torch.cat([x, x])))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_dtype_is_kept(name, dtype):
    assert activations.get(name)(torch.ones(2, 2, dtype=dtype)).dtype == dtype


@pytest.mark.parametrize("name", NAMES)
def test_gradient_is_that_of_the_function(name):
    x = torch.linspace(-4.3, 4.1, 12, dtype=torch.float64).reshape(3, 4).requires_grad_()
    assert torch.autograd.gradcheck(activations.get(name), (x,))
