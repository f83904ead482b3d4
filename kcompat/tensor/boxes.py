"""Bounding boxes: their formats, and what becomes of them when the image around them is cut or scaled.

A box is four numbers on the last axis. Formats name their order ('xyxy': left, top, right, bottom; 'xywh': left, top, width, height;
'center_...': the middle first); 'rel_' counts in widths and heights of the image. Source: https://keras.io/api/utils/bounding_boxes/
"""

from __future__ import annotations

import torch
from torch import Tensor

#: format -> (what its numbers are, where x stands: 0 before y, 1 after)
_KINDS = {"xyxy": ("corners", 0), "yxyx": ("corners", 1), "xywh": ("size", 0), "center_xywh": ("center", 0), "center_yxhw": ("center", 1)}
FORMATS = (*_KINDS, "rel_xyxy", "rel_yxyx", "rel_xywh", "rel_center_xywh")


def to_corners(boxes: Tensor, form: str, height: float, width: float) -> Tensor:
    """Boxes (..., 4) of a format as left, top, right, bottom in pixels of an image of this size."""
    kind, turned = _KINDS[form.removeprefix("rel_")]
    first, second = boxes[..., :2], boxes[..., 2:]
    if turned:
        first, second = first.flip(-1), second.flip(-1)
    if kind == "center":
        first = first - second / 2
    corners = torch.cat([first, second if kind == "corners" else first + second], -1)
    return corners * _extent(corners, height, width) if form.startswith("rel_") else corners


def from_corners(corners: Tensor, form: str, height: float, width: float) -> Tensor:
    """The inverse of `to_corners`."""
    if form.startswith("rel_"):
        corners = corners / _extent(corners, height, width)
    kind, turned = _KINDS[form.removeprefix("rel_")]
    first, second = corners[..., :2], corners[..., 2:]
    if kind != "corners":
        second = second - first
    if kind == "center":
        first = first + second / 2
    return torch.cat([first.flip(-1), second.flip(-1)] if turned else [first, second], -1)


def moved(corners: Tensor, scale: tuple[float, float], shift: tuple[float, float], height: int, width: int) -> tuple[Tensor, Tensor]:
    """Corners times `scale` plus `shift` (each for rows, columns), cut to an image of this size; and which boxes have an area left.

    Boxes of zeros, with which batches are filled up, stay zeros.
    """
    factor = corners.new_tensor([scale[1], scale[0]] * 2)
    added = corners.new_tensor([shift[1], shift[0]] * 2) * corners.any(-1, keepdim=True)
    cut = torch.minimum((corners * factor + added).clamp(min=0), _extent(corners, height, width))
    return cut, ((cut[..., 2:] - cut[..., :2]) > 0).all(-1)


def _extent(corners: Tensor, height: float, width: float) -> Tensor:
    return corners.new_tensor([width, height, width, height])
