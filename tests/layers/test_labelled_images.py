"""Resizing and CenterCrop of dicts. Expected numbers: Keras 3.15.1 on TensorFlow 2.21, for the boxes and image sizes below."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from kcompat.errors import ArgumentError, ArgumentTypeError
from kcompat.generations import keras_version_scope
from kcompat.layers import CenterCrop, Resizing

IMAGES = np.zeros((2, 6, 8, 3), "float32")
BOXES = np.array([[0, 0, 2, 3], [3, 2, 8, 6], [6, 4, 8, 6], [-2, -2, 1, 1], [0, 0, 0, 0]], "float32")
LABELS = np.arange(1, 6)
CASES = [
    (CenterCrop, (4, 4), {}, "xyxy", [[0, 0, 0, 2], [1, 1, 4, 4], [4, 3, 4, 4], [0] * 4, [0] * 4], [-1, 2, -1, -1, -1]),
    (CenterCrop, (4, 4), {}, "xywh", [[0, 0, 0, 2], [1, 1, 3, 3], [4, 3, 0, 1], [0] * 4, [0] * 4], [-1, 2, -1, -1, -1]),
    (CenterCrop, (9, 8), {}, "xyxy", [[0, 0, 1.6, 4.5], [3.2, 3, 8, 9], [8, 6, 8, 9], [0, 0, 0, 1.5], [0] * 4], [1, 2, -1, -1, -1]),
    (Resizing, (3, 4), {}, "xyxy", [[0, 0, 1, 1.5], [1.5, 1, 4, 3], [3, 2, 4, 3], [0, 0, 0.5, 0.5], [0] * 4], [1, 2, 3, 4, -1]),
    (Resizing, (4, 4), {"crop_to_aspect_ratio": True}, "xyxy",
     [[0, 0, 4 / 3, 2], [2, 4 / 3, 4, 4], [4, 8 / 3, 4, 4], [0, 0, 2 / 3, 2 / 3], [0] * 4], [1, 2, -1, 4, -1]),
    (Resizing, (6, 4), {"crop_to_aspect_ratio": True}, "xyxy", [[0, 0, 0, 3], [1, 2, 4, 6], [4, 4, 4, 6], [0, 0, 0, 1], [0] * 4],
     [-1, 2, -1, -1, -1]),
    (Resizing, (6, 4), {"pad_to_aspect_ratio": True}, "xyxy",
     [[0, 1, 1, 2.5], [1.5, 2, 4, 4], [3, 3, 4, 4], [0, 0, 0.5, 1.5], [0] * 4], [1, 2, 3, 4, -1]),
    (Resizing, (3, 4), {}, "center_yxhw",
     [[0.25, 0.375, 0.5, 0.75], [1.5, 1.25, 3, 2.5], [2, 2, 2, 3], [0] * 4, [0] * 4], [1, 2, 3, -1, -1]),
    (Resizing, (3, 4), {}, "rel_center_xywh", [[0.5, 0.5, 1, 1], [0.5, 0.5, 1, 1], [1, 1, 0, 0], [0] * 4, [0] * 4], [1, 2, -1, -1, -1]),
]  # fmt: skip


@pytest.mark.parametrize(("cls", "size", "config", "form", "boxes", "labels"), CASES)
def test_boxes_move_with_their_images(cls, size, config, form, boxes, labels):
    with keras_version_scope("3"):
        layer = cls(*size, bounding_box_format=form, **config)
    given = {"boxes": np.stack([BOXES, BOXES]), "labels": np.stack([LABELS, LABELS])}
    made = layer({"images": IMAGES, "bounding_boxes": given, "labels": np.array([1, 2])})
    assert made["images"].shape == (2, *size, 3)
    assert made["labels"].tolist() == [1, 2]
    for found, classes in zip(made["bounding_boxes"]["boxes"], made["bounding_boxes"]["labels"], strict=True):
        torch.testing.assert_close(found, torch.tensor(boxes, dtype=torch.float32))
        assert classes.tolist() == labels
    with keras_version_scope("3"):
        assert cls.from_config(layer.get_config()).bounding_box_format == form


def test_segmentation_masks_take_the_nearest_class():
    masks = np.random.RandomState(1).randint(0, 5, (2, 5, 4, 1))
    with keras_version_scope("3"):
        layer = Resizing(3, 6, pad_to_aspect_ratio=True, fill_value=9)
    made = layer({"images": np.zeros((2, 5, 4, 3), "float32"), "segmentation_masks": masks})["segmentation_masks"]
    assert made.dtype is torch.int64
    assert made[0, :, :, 0].tolist() == [[9, 9, 4, 0, 9, 9], [9, 9, 4, 1, 9, 9], [9, 9, 2, 4, 9, 9]]


def test_what_is_refused():
    with keras_version_scope("3"):
        with pytest.raises(ArgumentError, match="`bounding_box_format` must be one of 'xyxy'.*received 'coco'"):
            Resizing(2, 2, bounding_box_format="coco")
        with pytest.raises(ArgumentError, match="no `bounding_box_format`"):
            Resizing(2, 2)({"images": IMAGES, "bounding_boxes": {"boxes": BOXES, "labels": LABELS}})
        with pytest.raises(ArgumentTypeError, match="keys 'boxes' and 'labels'"):
            Resizing(2, 2, bounding_box_format="xyxy")({"images": IMAGES, "bounding_boxes": {"boxes": BOXES}})
        with pytest.raises(ArgumentTypeError, match=r"received the keys \['image'\]"):
            Resizing(2, 2)({"image": IMAGES})
    with pytest.raises(ArgumentTypeError, match="in Keras 3 also a dict"):
        Resizing(2, 2)({"images": IMAGES})
