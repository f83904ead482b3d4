"""Initializers: values of those without chance, statistics of the others, configs and names by generation."""

from parity.cases.make import ALL, NEW, OLD, obj

MATRIX = [300, 200]


def fixed(name, made, config, shape, generations=ALL, **more):
    """Values are compared."""
    told = {"id": "initializers/" + name, "kind": "initializer", "class": made, "config": config, "shape": shape}
    return dict(told, generations=list(generations), **more)


def drawn(name, made, config=None, shape=MATRIX, generations=ALL, **more):
    """Statistics are compared."""
    return fixed(name, made, config or {}, shape, generations, random=True, **more)


def named(name, identifier, generations=ALL, **more):
    """What `initializers.get` gives."""
    told = {"id": "initializers/" + name, "kind": "initializer", "identifier": identifier, "shape": MATRIX, "random": True}
    return dict(told, generations=list(generations), **more)


_SCALED = ("glorot_uniform", "glorot_normal", "he_uniform", "he_normal", "lecun_uniform", "lecun_normal")
_CLASSES = ("GlorotUniform", "GlorotNormal", "HeUniform", "HeNormal", "LecunUniform", "LecunNormal")
_RANDOM = ("RandomNormal", "RandomUniform", "TruncatedNormal", "VarianceScaling", "Orthogonal")
_DISTRIBUTIONS = ("truncated_normal", "untruncated_normal", "uniform")
_SHAPES = {"vector": [40000], "kernel1d": [5, 60, 40], "kernel2d": [3, 5, 60, 40], "kernel3d": [2, 3, 5, 60, 40],
           "rank6": [2, 2, 3, 5, 10, 20]}  # fmt: skip
_NAMES = ("zeros", "ones", "normal", "uniform", "zero", "one", "random_normal", "random_uniform", "truncated_normal", "orthogonal",
          "RandomNormal", "VarianceScaling", *_SCALED)  # fmt: skip

CASES = [
    fixed("Zeros", "Zeros", {}, [2, 3]),
    fixed("Ones", "Ones", {}, [2, 3]),
    fixed("Ones_scalar", "Ones", {}, []),
    fixed("Constant", "Constant", {"value": 2.5}, [2, 3]),
    fixed("Constant_default", "Constant", {}, [2, 3]),
    fixed("Constant_full", "Constant", {"value": [1, 2, 3, 4]}, [2, 2], errors=["3"]),
    fixed("Constant_row", "Constant", {"value": [1, 2]}, [3, 2], errors=["2.3", "2.15"], note="2.2 repeats the last value"),
    fixed("Constant_nested", "Constant", {"value": [[1, 2], [3, 4]]}, [2, 2]),
    fixed("Identity", "Identity", {}, [3, 3]),
    fixed("Identity_gain", "Identity", {"gain": 2.0}, [3, 3], skip=["config", "rebuild"], note="Keras 3 forgets the gain in its config"),
    fixed("Identity_wide", "Identity", {}, [2, 4], note="2.2 repeats the square"),
    fixed("Identity_tall", "Identity", {}, [6, 2]),
    fixed("Identity_odd", "Identity", {}, [4, 3], errors=["2.2"]),
    fixed("Identity_rank3", "Identity", {}, [2, 3, 4], errors=list(ALL)),
    *(fixed(f"STFT_{i}", "STFT", config, [16, 1, 9], ["3"]) for i, config in enumerate((
        {}, {"side": "imag"}, {"window": None}, {"scaling": "spectrum"}, {"scaling": None}, {"periodic": True}, {"window": "hamming"},
        {"window": "blackman", "side": "imag"}, {"window": "nuttall"}, {"window": "bartlett"}, {"window": "cosine"},
        {"window": "hann", "periodic": True, "scaling": "spectrum"}))),
    fixed("STFT_short", "STFT", {"side": "imag"}, [5, 1, 3], ["3"]),
    fixed("STFT_side", "STFT", {"side": "x"}, [4, 1, 4], ["3"], errors=["3"]),
    fixed("STFT_scaling", "STFT", {"scaling": "x"}, [4, 1, 4], ["3"], errors=["3"]),
    *(drawn(name, name) for name in _RANDOM),
    drawn("RandomNormal_given", "RandomNormal", {"mean": 1.0, "stddev": 0.5, "seed": 3}),
    drawn("RandomUniform_given", "RandomUniform", {"minval": 0.0, "maxval": 2.0, "seed": 3}),
    drawn("TruncatedNormal_given", "TruncatedNormal", {"mean": 1.0, "stddev": 0.5, "seed": 3}),
    drawn("Orthogonal_given", "Orthogonal", {"gain": 2.0, "seed": 3}, [3, 3, 20, 40]),
    drawn("Orthogonal_wide", "Orthogonal", {"seed": 3}, [50, 300]),
    drawn("Orthogonal_vector", "Orthogonal", {}, [4], NEW, errors=list(NEW)),
    *(drawn(f"VarianceScaling_{mode}_{d}", "VarianceScaling", {"scale": 2.0, "mode": mode, "distribution": d, "seed": 1}, generations=NEW)
      for mode in ("fan_in", "fan_out", "fan_avg") for d in _DISTRIBUTIONS),
    *(drawn(f"VarianceScaling_{mode}_{d}_old", "VarianceScaling", {"scale": 2.0, "mode": mode, "distribution": d, "seed": 1},
            generations=OLD) for mode in ("fan_in", "fan_out", "fan_avg") for d in ("normal", "uniform")),
    drawn("VarianceScaling_normal", "VarianceScaling", {"distribution": "normal"}),
    *(drawn(f"VarianceScaling_{name}", "VarianceScaling", {"mode": "fan_in", "scale": 3.0}, shape) for name, shape in _SHAPES.items()),
    *(drawn(f"VarianceScaling_{name}_out", "VarianceScaling", {"mode": "fan_out", "scale": 3.0}, shape) for name, shape in _SHAPES.items()),
    drawn("VarianceScaling_scale", "VarianceScaling", {"scale": 0}, errors=list(ALL)),
    drawn("VarianceScaling_mode", "VarianceScaling", {"mode": "x"}, errors=list(ALL)),
    drawn("VarianceScaling_distribution", "VarianceScaling", {"distribution": "x"}, errors=list(ALL)),
    drawn("VarianceScaling_axes", "VarianceScaling", {"input_axes": [0, 2], "output_axes": [1]}, [8, 30, 200], ["3"]),
    drawn("GlorotNormal_axes", "GlorotNormal", {"input_axes": [0, 2], "output_axes": [1]}, [8, 30, 200], ["3"]),
    *(drawn(name, name, {"seed": 5}, generations=NEW) for name in _CLASSES),
    *(drawn(f"{name}_kernel", name, {"seed": 5}, [3, 3, 30, 60]) for name in _SCALED),
    *(named("get_" + name, name) for name in _NAMES),
    named("get_GlorotUniform", "GlorotUniform", NEW),
    named("get_variance_scaling", "variance_scaling", NEW),
    dict(named("get_identity", "identity"), shape=[4, 4]),
    named("get_old_glorot", obj("VarianceScaling", scale=1.0, mode="fan_avg", distribution="uniform", seed=None)),
    named("get_old_he", obj("VarianceScaling", scale=2.0, mode="fan_in", distribution="normal", seed=None)),
    named("get_he_config", obj("HeNormal", seed=None), NEW),
    named("get_unknown", "no_such", errors=list(ALL)),
]  # fmt: skip
