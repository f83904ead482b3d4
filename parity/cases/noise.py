"""GaussianNoise, GaussianDropout, AlphaDropout: the identity in inference; in training mean, spread and the shape of the noise."""

from parity.cases.make import ALL, NEW, OLD, TF, layer, ones, x

TRAIN = {"training": True}
STEPS = [[1, 0, 1], [0, 1, 1]]
F = "noise/"
KINDS = [("gaussian_noise", "GaussianNoise", "stddev"), ("gaussian_dropout", "GaussianDropout", "rate"),
         ("alpha_dropout", "AlphaDropout", "rate")]  # fmt: skip
#: the config says nothing of it, so that Keras' own layer made from it differs
LOST = {"per_generation": {g: {"skip": ["rebuild"]} for g in (*OLD, *TF)}}


def _drawn(name, kind, config, *shape, **fields):
    return layer(F + name, kind, config, ones(*shape), random=True, call=TRAIN, **fields)


CASES = (
    [layer(F + name + "_inference", kind, {key: 0.4}, x(3, 5), float64=True) for name, kind, key in KINDS]
    + [layer(F + name + "_masked", kind, {key: 0.4}, x(2, 3, 5, mask=STEPS)) for name, kind, key in KINDS]
    + [layer(F + name + "_zero", kind, {key: 0.0}, x(3, 5), call=TRAIN) for name, kind, key in KINDS]
    + [layer(F + name + "_negative", kind, {key: -0.5}, x(3, 5), errors=["3"]) for name, kind, key in KINDS]
    + [layer(F + name + "_above_one", kind, {key: 1.5}, x(3, 5), errors=["3"]) for name, kind, key in KINDS]
    + [_drawn(f"{name}_{int(100 * amount)}", kind, {key: amount}, 60, 50) for name, kind, key in KINDS for amount in (0.1, 0.5, 0.9)]
    + [_drawn(name + "_rank4", kind, {key: 0.3}, 10, 6, 5, 8) for name, kind, key in KINDS]
    + [_drawn(name + "_seed", kind, {key: 0.3, "seed": 7}, 60, 50, generations=list(NEW)) for name, kind, key in KINDS]
    + [layer(F + "gaussian_dropout_rate_one", "GaussianDropout", {"rate": 1.0}, x(3, 5), call=TRAIN, generations=[*OLD, *TF]),
       layer(F + "alpha_dropout_rate_one", "AlphaDropout", {"rate": 1.0}, x(3, 5), call=TRAIN, generations=[*OLD, *TF])]
    + [
        _drawn("alpha_dropout_old_seed", "AlphaDropout", {"rate": 0.3, "seed": 7}, 60, 50, generations=list(OLD)),
        _drawn("alpha_dropout_rows", "AlphaDropout", {"rate": 0.4, "noise_shape": [300, 1]}, 300, 4, **LOST),
        _drawn("alpha_dropout_columns", "AlphaDropout", {"rate": 0.4, "noise_shape": [1, 300]}, 3, 300, **LOST),
        _drawn("alpha_dropout_lower_rank", "AlphaDropout", {"rate": 0.4, "noise_shape": [300]}, 3, 300, **LOST),
        _drawn("alpha_dropout_bad_noise_shape", "AlphaDropout", {"rate": 0.4, "noise_shape": [3]}, 2, 5, errors=list(ALL)),
        layer(F + "gaussian_noise_named", "GaussianNoise", {"stddev": 0.2, "name": "told", "trainable": False}, x(3, 5)),
        layer(F + "gaussian_noise_unknown", "GaussianNoise", {"stddev": 0.2, "no_such": 1}, x(3, 5), errors=list(ALL)),
    ]
)  # fmt: skip
