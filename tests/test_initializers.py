"""Laws of each generation as found by running real Keras 2.2.4, 2.3.1, tf_keras 2.21 and Keras 3.15."""

import copy
import math
import pickle

import numpy as np
import pytest
import torch

from kcompat import config, initializers, registry
from kcompat.errors import ArgumentError, ShapeError, UnknownNameError
from kcompat.generations import keras_version_scope
from kcompat.initializers.scaled import fans
from kcompat.random import SeedGenerator

RANDOM = [
    initializers.RandomNormal, initializers.RandomUniform, initializers.TruncatedNormal, initializers.VarianceScaling,
    initializers.Orthogonal, initializers.GlorotUniform, initializers.HeNormal,
]  # fmt: skip
GENERATIONS = ("2.2.4", "2.3.1", "2.15", "3")


@pytest.mark.parametrize(
    ("made", "std", "largest"),
    [
        (initializers.RandomNormal(seed=1), 0.05, 0.3), (initializers.RandomUniform(seed=1), 0.1 / math.sqrt(12), 0.05),
        (initializers.TruncatedNormal(seed=1), 0.05 * 0.87962566, 0.1),
        (initializers.HeNormal(seed=1), math.sqrt(2 / 300), 2 * math.sqrt(2 / 300) / 0.87962566),
        (initializers.HeUniform(seed=1), math.sqrt(2 / 300), math.sqrt(6 / 300)),
        (initializers.GlorotNormal(seed=1), math.sqrt(2 / 500), 2 * math.sqrt(2 / 500) / 0.87962566),
        (initializers.GlorotUniform(seed=1), math.sqrt(2 / 500), math.sqrt(6 / 500)),
        (initializers.LecunNormal(seed=1), math.sqrt(1 / 300), 2 * math.sqrt(1 / 300) / 0.87962566),
        (initializers.LecunUniform(seed=1), math.sqrt(1 / 300), math.sqrt(3 / 300)),
        (initializers.VarianceScaling(3.0, "fan_out", "untruncated_normal", seed=1), math.sqrt(3 / 200), 1.0),
    ],
)  # fmt: skip
def test_spread(made, std, largest):
    drawn = made((300, 200))
    assert drawn.std().item() == pytest.approx(std, rel=0.02)
    assert drawn.mean().abs().item() < 5 * std / math.sqrt(60000)
    assert drawn.abs().max().item() <= largest * (1 + 1e-6)


@pytest.mark.parametrize(
    ("shape", "expected", "old"),
    [
        ((), (1, 1), (1, 1)), ((5,), (5, 5), (math.sqrt(5),) * 2), ((3, 4), (3, 4), (3, 4)), ((2, 3, 4), (6, 8), (6, 8)),
        ((7, 8, 9, 2, 3), (1008, 1512), (1008, 1512)), ((2, 3, 4, 5, 6, 7), (720, 840), (70.9929573971954,) * 2),
    ],
)  # fmt: skip
def test_fans(shape, expected, old):
    assert fans(shape) == expected
    assert fans(shape, odd_ranks="root") == pytest.approx(old)


def test_fans_of_named_axes():
    assert fans((2, 3, 4), (0, 1), (2,)) == (6, 4)
    assert fans((2, 3, 4), (0,), (0, 1)) == (2, 6)
    assert fans((2, 3, 4), None, (2,)) == fans((2, 3, 4), (0,), None) == (6, 8)
    assert fans((2, 3, 4), 0, 2) == (2, 4)


@pytest.mark.parametrize("shape", [(40, 30), (30, 40), (3, 3, 5, 20)])
def test_orthogonal(shape):
    matrix = initializers.Orthogonal(gain=2.0, seed=3)(shape).reshape(-1, shape[-1])
    square = matrix.T @ matrix if matrix.shape[0] >= matrix.shape[1] else matrix @ matrix.T
    assert torch.allclose(square, 4 * torch.eye(len(square)), atol=1e-5)


@pytest.mark.parametrize("cls", RANDOM)
def test_seeds(cls):
    assert torch.equal(cls(seed=3)((4, 3)), cls(seed=3)((4, 3)))
    assert not torch.equal(cls(seed=3)((4, 3)), cls(seed=4)((4, 3)))
    assert not torch.equal(cls()((4, 3)), cls()((4, 3)))
    torch.manual_seed(7)
    first = cls()((4, 3))
    torch.manual_seed(7)
    assert torch.equal(cls()((4, 3)), first)


@pytest.mark.parametrize("cls", RANDOM)
@pytest.mark.parametrize(
    ("version", "unseeded", "seeded"), [("2.2.4", False, True), ("2.3.1", False, False), ("2.15", True, True), ("3", True, True)]
)
def test_whether_an_instance_repeats_its_values(cls, version, unseeded, seeded):
    with keras_version_scope(version):
        for made, same in ((cls(), unseeded), (cls(seed=3), seeded)):
            first = made((4, 3))
            assert torch.equal(made((4, 3)), first) is same


def test_keras_23_counts_its_seed_up():
    with keras_version_scope("2.3.1"):
        made, next_one = initializers.RandomNormal(seed=3), initializers.RandomNormal(seed=4)
        made((3,))
        assert made.get_config()["seed"] == 4
        assert torch.equal(made((3,)), next_one((3,)))


def test_old_keras_draws_seeds_from_numpy():
    with keras_version_scope("2.2.4"):
        np.random.seed(5)
        first = initializers.RandomNormal()((3,))
        np.random.seed(5)
        assert torch.equal(initializers.RandomNormal()((3,)), first)


def test_a_seed_generator_gives_other_values_at_each_call():
    made = initializers.RandomNormal(seed=SeedGenerator(3))
    first, second = made((3,)), made((3,))
    assert not torch.equal(first, second)
    again = initializers.deserialize(initializers.serialize(made))
    assert torch.equal(again((3,)), first)


def test_seeds_are_checked():
    for seed in ("x", 1.5, True, [3]):
        with pytest.raises(ArgumentError, match="RandomNormal: `seed`"):
            initializers.RandomNormal(seed=seed)


def test_constant_of_an_array():
    four, row = [1, 2, 3, 4], [1, 2]
    made = {}
    for version in GENERATIONS:
        with keras_version_scope(version):
            made[version] = (initializers.Constant(four), initializers.Constant(row))
    for version in ("2.2.4", "2.3.1", "2.15"):
        assert made[version][0]((2, 2)).tolist() == [[1, 2], [3, 4]]
    assert made["2.2.4"][1]((3, 2)).tolist() == [[1, 2], [2, 2], [2, 2]]
    assert made["3"][1]((3, 2)).tolist() == [[1, 2], [1, 2], [1, 2]]
    for version, index, shape in (("2.3.1", 1, (3, 2)), ("2.15", 1, (3, 2)), ("3", 0, (2, 2))):
        with pytest.raises(TypeError, match=r"`value` of shape"):
            made[version][index](shape)


@pytest.mark.parametrize("value", [np.array([[1.5, 2.5]]), torch.tensor([[1.5, 2.5]]), np.float32(2.0), 3, [[1.5, 2.5]]])
def test_constant_round_trip(value):
    made = initializers.Constant(value)
    again = initializers.deserialize(initializers.serialize(made))
    assert torch.equal(again((1, 2)), made((1, 2)))


def test_constant_is_a_copy():
    value = torch.zeros(2)
    initializers.Constant(value)((2,)).fill_(1.0)
    assert value.tolist() == [0, 0]


def test_identity_of_a_rectangle():
    with keras_version_scope("2.2.4"):
        tiled = initializers.Identity(2.0)
    assert tiled((2, 4)).tolist() == [[2, 0, 2, 0], [0, 2, 0, 2]]
    with pytest.raises(ShapeError, match="multiple"):
        tiled((4, 3))
    assert initializers.Identity(2.0)((2, 4)).tolist() == [[2, 0, 0, 0], [0, 2, 0, 0]]
    assert initializers.Identity()((3, 2)).tolist() == [[1, 0], [0, 1], [0, 0]]
    with pytest.raises(ShapeError, match="matrix"):
        initializers.Identity()((2, 2, 2))


def test_stft():
    cosine = [[0, 0, 0, 0], [0.707107, 0.353553, -0.353553, -0.707107], [0.707107, -0.353553, -0.353553, 0.707107], [0, 0, 0, 0]]
    assert initializers.STFT()((4, 1, 4))[:, 0].flatten().tolist() == pytest.approx(np.ravel(cosine).tolist(), abs=1e-6)
    sine = initializers.STFT("imag")((5, 1, 3))[:, 0]
    assert sine[1].tolist() == pytest.approx([0, -0.408248, 0], abs=1e-6)
    weighted = initializers.STFT(window=[1.0, 2, 3, 4])((4, 1, 4))[:, 0]
    assert weighted[:, 0].tolist() == pytest.approx([0.182574, 0.365148, 0.547722, 0.730297], abs=1e-6)
    harris = initializers.STFT(window="blackmanharris", periodic=True)((4, 1, 4))[:, 0, 0]
    assert harris.tolist() == pytest.approx([0.000057, 0.207862, 0.955818, 0.207862], abs=1e-6)
    assert initializers.STFT(window=("kaiser", 8.0))((8, 1, 5)).isfinite().all()
    for arguments, name in (({"side": "left"}, "side"), ({"scaling": "x"}, "scaling"), ({"window": "nope"}, "window")):
        with pytest.raises(ArgumentError, match=f"`{name}`"):
            initializers.STFT(**arguments)


@pytest.mark.parametrize("name", [n for n in initializers.__all__ if n not in ("Initializer", "get", "serialize", "deserialize")])
@pytest.mark.parametrize("version", GENERATIONS)
def test_round_trip(name, version):
    shape = (4, 1, 3) if "stft" in name.lower() else (4, 4)
    with keras_version_scope(version):
        made = initializers.get(name)
        config = initializers.serialize(made)
        assert type(made) is getattr(initializers, name)
        assert registry.serialize("initializer", made) == config
        for again in (initializers.get(config), copy.deepcopy(made), pickle.loads(pickle.dumps(made)), made.clone()):
            assert initializers.serialize(again) == config
            assert again(shape).shape == shape


def test_configs_by_generation():
    he = initializers.HeNormal(seed=3)
    written_out = {"scale": 2.0, "mode": "fan_in", "distribution": "normal", "seed": 3}
    for version in ("2.2.4", "2.3.1"):
        with keras_version_scope(version):
            assert initializers.serialize(he) == {"class_name": "VarianceScaling", "config": written_out}
    axes = {"input_axes": None, "output_axes": None}
    for version, settings in (("2.15", {"seed": 3}), ("3", {"seed": 3, **axes})):
        with keras_version_scope(version):
            told = {"module": "keras.initializers", "class_name": "HeNormal", "config": settings, "registered_name": None}
            assert initializers.serialize(he) == told
    legacy = {"class_name": "VarianceScaling", "config": {**written_out, "distribution": "truncated_normal"}}
    assert initializers.serialize(initializers.get({"class_name": "VarianceScaling", "config": written_out}), True) == legacy
    tf1 = {"class_name": "GlorotUniform", "config": {"seed": None, "dtype": "float32"}}
    assert initializers.get(tf1).get_config() == {"seed": None}


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64", torch.float64, np.float32])
@pytest.mark.parametrize(
    "name", ["zeros", "ones", "constant", "identity", "orthogonal", "random_normal", "random_uniform", "glorot_uniform"]
)
def test_dtype(name, dtype):
    wanted = dtype if isinstance(dtype, torch.dtype) else getattr(torch, np.dtype(dtype).name if not isinstance(dtype, str) else dtype)
    assert initializers.get(name)((2, 2), dtype=dtype).dtype == wanted


def test_default_dtype_is_floatx():
    config.set_floatx("float64")
    assert initializers.Zeros()((2,)).dtype == initializers.GlorotUniform()((2,)).dtype == torch.float64


def test_integers():
    assert initializers.Ones()((2,), dtype="bool").tolist() == [True, True]
    drawn = initializers.RandomUniform(0, 10, seed=1)((1000,), dtype="int32")
    assert drawn.dtype == torch.int32
    assert sorted(set(drawn.tolist())) == list(range(10))
    for name in ("random_normal", "glorot_uniform", "orthogonal"):
        with pytest.raises(ArgumentError, match="`dtype`"):
            initializers.get(name)((2, 2), dtype="int32")
    with pytest.raises(ArgumentError, match="no integer"):
        initializers.RandomUniform()((2,), dtype="int32")


def test_arguments_are_checked():
    for arguments, name in (({"scale": 0}, "scale"), ({"mode": "x"}, "mode"), ({"distribution": "x"}, "distribution")):
        with pytest.raises(ArgumentError, match=f"`{name}`"):
            initializers.VarianceScaling(**arguments)
    with pytest.raises(ShapeError, match="at least 2"):
        initializers.Orthogonal()((4,))
    with pytest.raises(UnknownNameError, match="'glorot_unifrom'.*'glorot_uniform'"):
        initializers.get("glorot_unifrom")


def test_meta_device():
    config.set_device("meta")
    try:
        for name in ("zeros", "glorot_uniform", "orthogonal", "constant", "identity"):
            assert initializers.get(name)((3, 3)).is_meta
    finally:
        config.set_device(None)


class Ramp(initializers.Initializer):
    def __init__(self, step=1.0):
        self.step = step

    def __call__(self, shape, dtype=None):
        return self.step * torch.arange(math.prod(shape)).reshape(shape)

    def get_config(self):
        return {"step": self.step}


def test_users_own():
    def seven(shape, dtype=None):
        return torch.full(shape, 7.0)

    read = initializers.deserialize(initializers.serialize(Ramp(2.0)), custom_objects={"Ramp": Ramp})
    assert read((2, 2)).tolist() == [[0, 2], [4, 6]]
    assert initializers.get(seven) is seven
    assert initializers.get(None) is None
    assert isinstance(initializers.get(initializers.Zeros), initializers.Zeros)
    with pytest.raises(NotImplementedError):
        initializers.Initializer()((2,))
