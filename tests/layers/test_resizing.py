"""UpSampling, Resizing, CenterCrop, Rescaling beyond the recorded cases: errors, integers, configs, generations."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from kcompat import layers as L
from kcompat import registry
from kcompat.config import keras_version_scope
from kcompat.errors import ArgumentError, ShapeError, UnknownMethodError

SQUARE = torch.arange(4.0).reshape(1, 2, 2, 1)


@pytest.mark.parametrize(
    ("version", "row"), [("2.2.4", [0, 0.5, 1, 1]), ("2.3.1", [0, 0.5, 1, 1]), ("2.15", [0, 0.25, 0.75, 1]), ("3", [0, 0.25, 0.75, 1])]
)
def test_bilinear_upsampling_by_generation(version, row):
    with keras_version_scope(version):
        layer = L.UpSampling2D(interpolation="bilinear")
    assert layer(SQUARE)[0, 0, :, 0].tolist() == row  # the layer keeps its generation's law


@pytest.mark.parametrize(
    ("version", "make", "error", "words"),
    [
        ("2.2.4", lambda: L.UpSampling2D(interpolation="bicubic"), NotImplementedError, "'nearest', 'bilinear'"),
        ("3", lambda: L.UpSampling2D(interpolation="gaussian"), UnknownMethodError, "`interpolation`"),
        ("2.15", lambda: L.UpSampling2D(0), ArgumentError, "`size`"),
        ("2.15", lambda: L.Resizing(0, 2), ArgumentError, "`height`"),
        ("2.15", lambda: L.Resizing(2, 2.5), ArgumentError, "`width`"),
        ("3", lambda: L.Resizing(2, 2, "cubic"), UnknownMethodError, "`interpolation`"),
        ("3", lambda: L.Resizing(2, 2, crop_to_aspect_ratio=True, pad_to_aspect_ratio=True), ArgumentError, "`pad_to_aspect_ratio`"),
        ("3", lambda: L.Resizing(2, 2, fill_mode="reflect"), ArgumentError, "`fill_mode` must be 'constant'"),
        ("3", lambda: L.Resizing(2, 2, fill_value="grey"), ArgumentError, "`fill_value`"),
        ("3", lambda: L.Resizing(2, 2)(torch.ones(3, 3)), ShapeError, "resizing"),
        ("3", lambda: L.Resizing(2, 2).compute_output_shape((3, 3)), ShapeError, "resizing"),
        ("3", lambda: L.CenterCrop(2, -1), ArgumentError, "`width`"),
        ("3", lambda: L.Rescaling("half"), ArgumentError, "`scale`"),
        ("3", lambda: L.Rescaling(1, offset=None), ArgumentError, "`offset`"),
    ],
)
def test_refused(version, make, error, words):
    with keras_version_scope(version), pytest.raises(error, match=words):
        make()


def test_integers_become_floats_and_in_keras_3_stay():
    image = torch.tensor([[0, 101], [200, 255]], dtype=torch.uint8).reshape(1, 2, 2, 1)
    with keras_version_scope("2.15"):
        assert L.Resizing(1, 1)(image).item() == 139.0
        assert L.UpSampling2D(2, interpolation="bilinear")(image).dtype is torch.float32
    with keras_version_scope("3"):
        made = L.Resizing(2, 1)(image)
        assert (made.dtype, made.ravel().tolist()) == (torch.uint8, [50, 228])  # 50.5 and 227.5, halves to even
        assert L.UpSampling2D(2, interpolation="bilinear")(image).dtype is torch.uint8


def test_center_crop_takes_the_middle():
    image = torch.arange(25.0).reshape(1, 5, 5, 1)
    assert L.CenterCrop(2, 2)(image).ravel().tolist() == [6, 7, 11, 12]


def test_padding_value_fills_the_border():
    with keras_version_scope("3"):
        made = L.Resizing(4, 4, "nearest", pad_to_aspect_ratio=True, fill_value=7)(torch.ones(1, 4, 2, 1))
    assert made[0, :, :, 0].tolist() == [[7, 1, 1, 7]] * 4


def test_rescaling_of_channels_first_images_in_keras_3():
    from kcompat import config

    before = config.image_data_format()
    config.set_image_data_format("channels_first")
    try:
        with keras_version_scope("3"):
            layer = L.Rescaling([1.0, 2.0])
    finally:
        config.set_image_data_format(before)
    assert layer(torch.ones(1, 2, 1, 3)).tolist() == [[[[1, 1, 1]], [[2, 2, 2]]]]


def test_arrays_in_configs():
    with keras_version_scope("3"):
        config = registry.serialize("layer", L.Rescaling(np.array([2.0, 3.0]), [1.0, 0.0]))
        assert config["config"]["scale"] == {"class_name": "__numpy__", "config": {"value": [2.0, 3.0], "dtype": "float64"}}
        twin = registry.deserialize("layer", config)
    assert twin(torch.ones(1, 2)).tolist() == [[3, 3]]
    with keras_version_scope("2.15"):
        assert L.Rescaling(np.array([2.0, 3.0])).get_config()["scale"] == [2.0, 3.0]


def test_resizing_config_keeps_what_later_keras_added():
    with keras_version_scope("2.15"):
        plain, more = L.Resizing(2, 3).get_config(), L.Resizing(2, 3, antialias=True).get_config()
    assert "antialias" not in plain and "data_format" not in plain
    assert more["antialias"] is True


def test_unbatched_images_and_gradients():
    image = torch.rand(5, 4, 3, requires_grad=True)
    for layer in (L.Resizing(3, 7, "area"), L.CenterCrop(2, 2), L.CenterCrop(9, 2)):
        out = layer(image)
        assert tuple(out.shape) == layer.compute_output_shape((5, 4, 3))
        out.sum().backward()
    assert torch.isfinite(image.grad).all()
