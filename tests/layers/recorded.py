"""Replays the cases of `windows_cases` against what `record_windows.py` recorded under real Keras."""

import json
from pathlib import Path

import torch
from windows_cases import CASES, CONFIGS, GENERATIONS, fingerprint, values, weight_values

from kcompat import registry
from kcompat.generations import keras_version_scope
from kcompat.layers import convolution, layer_normalization, normalization, padding, pooling, separable  # noqa: F401

RECORDED = json.loads((Path(__file__).parent / "data" / "windows.json").read_text())


def key(case):
    return json.dumps([case["layer"], case["shape"], case["training"], case["arguments"]], sort_keys=True)


def cases(*words):
    """(generation, case) of the layers whose names hold one of the words, where real Keras could run them."""
    wanted = [c for c in CASES if any(w in c["layer"] for w in words)]
    return [(g, c) for g in GENERATIONS for c in wanted if g in c["only"] and key(c) in RECORDED[g]["rows"]]


def name(pair):
    generation, case = pair
    return f"{generation}-{case['layer']}-{case['shape']}-{case['arguments']}-{case['training']}".replace(" ", "")


def close(found, expected, tolerance):
    found, expected = fingerprint(found), expected
    assert found[0] == expected[0]
    size = max(expected[3], 1e-3)
    worst = max(abs(a - b) for a, b in zip(found[1:], expected[1:], strict=True)) / size
    assert worst <= tolerance, f"{found} against {expected}: {worst:.2e}"


def replay(generation, case, layout=None):
    """Output, gradients and updated state of a layer, compared with the recorded ones."""
    expected_y, expected_gradients, expected_state = RECORDED[generation]["rows"][key(case)]
    with keras_version_scope(generation):
        arguments = {
            k: tuple(map(tuple, v)) if k in ("padding", "cropping") and isinstance(v, (list, tuple)) and not isinstance(v[0], int) else v
            for k, v in case["arguments"].items()
        }
        layer = registry.lookup("layer", case["layer"])(**arguments)
    x = torch.from_numpy(values(case["shape"], 1))
    x = x.requires_grad_(True) if layout is None else layout(x).requires_grad_(True)
    flag = {} if case["training"] is None else {"training": case["training"]}
    layer(x.detach(), **flag)
    layer.set_weights([weight_values(case["layer"], w.shape, i) for i, w in enumerate(layer.get_weights())])
    if generation == "2.2.4" and case["layer"] == "BatchNormalization":  # recorded from a fresh layer: its counters are at zero
        for buffer in (getattr(layer, n) for n in ("_steps", "_biased_moving_mean", "_biased_moving_variance")):
            buffer.zero_()
    y = layer(x, **flag)
    assert tuple(y.shape) == tuple(layer.compute_output_shape(tuple(case["shape"])))
    loss = (y * torch.from_numpy(values(tuple(y.shape), 2))).sum()
    gradients = torch.autograd.grad(loss, [x, *layer.trainable_weights])
    close(y.detach().numpy(), expected_y, 1e-5)
    for gradient, expected in zip(gradients, expected_gradients, strict=True):
        close(gradient.numpy(), expected, 1e-4)
    for weight, expected in zip(layer.get_weights() if expected_state else [], expected_state, strict=True):
        close(weight, expected, 1e-5)
    return y


def config_differences(generation, layer, arguments):
    """Key by key, what our config says and what Keras' says, where they differ."""
    with keras_version_scope(generation):
        config = registry.lookup("layer", layer)(**arguments).get_config()
    found = {k: plain(v) for k, v in config.items() if k not in ("name", "dtype")}
    expected = RECORDED[generation]["configs"][layer]
    return {
        k: (found.get(k, "absent"), expected.get(k, "absent"))
        for k in {*found, *expected}
        if found.get(k, "absent") != expected.get(k, "absent")
    }


def plain(value):
    if isinstance(value, dict):
        return value.get("class_name")
    return [plain(v) for v in value] if isinstance(value, (list, tuple)) else value


CONFIG_PAIRS = [(g, layer, a) for g in GENERATIONS for layer, a in CONFIGS if layer in RECORDED[g]["configs"]]
