"""Intersection over union of classes, from a confusion matrix."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from kcompat.errors import ArgumentError, ShapeError
from kcompat.generations import behaviour
from kcompat.losses.convert import as_tensor
from kcompat.metrics.base import Metric
from kcompat.tensor import score as rules


class _Overlap(Metric):
    """A confusion matrix of `num_classes` classes, (true, predicted)."""

    def __init__(
        self, num_classes: int, name: str | None, dtype: Any, ignore_class: int | None, sparse_y_true: bool, sparse_y_pred: bool, axis: int
    ):
        what = type(self).__name__
        if not isinstance(num_classes, int) or isinstance(num_classes, bool) or num_classes < 1:
            raise ArgumentError(f"{what}: `num_classes` must be an integer of at least 1, received {num_classes!r}.")
        if ignore_class is not None and not hasattr(ignore_class, "__index__"):
            raise ArgumentError(f"{what}: `ignore_class` must be a class index or None, received {ignore_class!r}.")
        super().__init__(name=name, dtype=dtype or behaviour("metric_iou_dtype"))
        self.num_classes, self.ignore_class, self.axis = num_classes, ignore_class, axis
        self.sparse_y_true, self.sparse_y_pred = sparse_y_true, sparse_y_pred
        self.total_cm = self.add_weight(name="total_confusion_matrix", shape=(num_classes, num_classes), initializer="zeros")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Take in a batch of class indices, or of scores by class where they are not `sparse`."""
        with torch.no_grad():
            output = as_tensor(y_pred)
            target = as_tensor(y_true, output.device)
            self.to(output.device)
            output = output if self.sparse_y_pred else output.argmax(self.axis)
            target = target if self.sparse_y_true else target.argmax(self.axis)
            weight = None if sample_weight is None else as_tensor(sample_weight, output.device)
            self._add(target, output, weight)

    def _add(self, target: Tensor, output: Tensor, weight: Tensor | None) -> None:
        if target.numel() != output.numel() or (weight is not None and weight.numel() not in (1, output.numel())):
            got = [tuple(t.shape) for t in (target, output, weight) if t is not None]
            raise ShapeError(f"{self.name}: `y_true`, `y_pred` and `sample_weight` must hold one entry each for a pixel, received {got}.")
        target, output = target.reshape(-1).to(torch.int64), output.reshape(-1).to(torch.int64)
        if weight is not None:
            weight = weight.reshape(-1).expand_as(output).to(self._dtype)
        if self.ignore_class is not None:
            kept = target != self.ignore_class
            target, output = torch.where(kept, target, 0), torch.where(kept, output, 0)
            weight = kept.to(self._dtype) if weight is None else weight * kept
        try:
            rules.add_pairs(self.total_cm.data, target, output, weight)
        except (IndexError, RuntimeError) as error:
            raise self._no_class(target, output) from error

    def _no_class(self, target: Tensor, output: Tensor) -> ArgumentError:
        both = torch.cat([target, output])
        return ArgumentError(
            f"{self.name}: class indices must lie in [0, {self.num_classes}), as `num_classes` says; received indices from "
            f"{int(both.min())} to {int(both.max())}."
        )

    def _result(self, classes: list[int] | None) -> Tensor:
        matrix = self.total_cm.data
        matrix = matrix if matrix.is_floating_point() else matrix.to(torch.get_default_dtype())
        return rules.intersection_over_union(matrix, None if classes is None else torch.as_tensor(classes, device=matrix.device))

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments that the generation knows."""
        told = {
            **super().get_config(), "num_classes": self.num_classes, "ignore_class": self.ignore_class, "axis": self.axis,
            "sparse_y_true": self.sparse_y_true, "sparse_y_pred": self.sparse_y_pred,
        }  # fmt: skip
        absent = behaviour("config_metric_without").get(type(self).__name__, {})
        return {key: value for key, value in told.items() if key not in absent or value != absent[key]}


def _ids(what: str, ids: Any, classes: int) -> list[int]:
    listed = list(ids) if isinstance(ids, (list, tuple)) else []
    if not listed or any(not isinstance(i, int) or not 0 <= i < classes for i in listed):
        raise ArgumentError(f"{what}: `target_class_ids` must be a list of class indices in [0, {classes}), received {ids!r}.")
    return listed


class IoU(_Overlap):
    """Intersection over union of classes, the mean over `target_class_ids`."""

    def __init__(
        self,
        num_classes: int,
        target_class_ids: Any,
        name: str | None = None,
        dtype: Any = None,
        ignore_class: int | None = None,
        sparse_y_true: bool = True,
        sparse_y_pred: bool = True,
        axis: int = -1,
    ):
        super().__init__(num_classes, name, dtype, ignore_class, sparse_y_true, sparse_y_pred, axis)
        self.target_class_ids = _ids(type(self).__name__, target_class_ids, num_classes)

    def result(self) -> Tensor:
        """The mean over the wanted classes that occur."""
        return self._result(self.target_class_ids)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {**super().get_config(), "target_class_ids": self.target_class_ids}


class BinaryIoU(IoU):
    """Intersection over union of the classes 0 and 1, which predictions from `threshold` on are."""

    def __init__(self, target_class_ids: Any = (0, 1), threshold: float = 0.5, name: str | None = None, dtype: Any = None):
        if not isinstance(threshold, (int, float)) or not 0 <= threshold <= 1:
            raise ArgumentError(f"BinaryIoU: `threshold` must be a number from 0 to 1, received {threshold!r}.")
        super().__init__(2, target_class_ids, name, dtype)
        self.threshold = threshold

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Take in a batch."""
        super().update_state(y_true, as_tensor(y_pred) >= self.threshold, sample_weight)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        own = ("name", "dtype", "target_class_ids")
        return {**{key: value for key, value in super().get_config().items() if key in own}, "threshold": self.threshold}


class MeanIoU(_Overlap):
    """Intersection over union, the mean over all classes that occur."""

    def __init__(
        self,
        num_classes: int,
        name: str | None = None,
        dtype: Any = None,
        ignore_class: int | None = None,
        sparse_y_true: bool = True,
        sparse_y_pred: bool = True,
        axis: int = -1,
    ):
        super().__init__(num_classes, name, dtype, ignore_class, sparse_y_true, sparse_y_pred, axis)

    def result(self) -> Tensor:
        """The mean over the classes that occur."""
        return self._result(None)


class _OneHot(_Overlap):
    """Targets are always one-hot, so that no argument says it."""

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {key: value for key, value in super().get_config().items() if key != "sparse_y_true"}


class OneHotIoU(_OneHot, IoU):
    """`IoU` of one-hot targets, and of scores by class (or class indices: `sparse_y_pred`)."""

    def __init__(
        self,
        num_classes: int,
        target_class_ids: Any,
        name: str | None = None,
        dtype: Any = None,
        ignore_class: int | None = None,
        sparse_y_pred: bool = False,
        axis: int = -1,
    ):
        super().__init__(num_classes, target_class_ids, name, dtype, ignore_class, False, sparse_y_pred, axis)


class OneHotMeanIoU(_OneHot, MeanIoU):
    """`MeanIoU` of one-hot targets, and of scores by class (or class indices: `sparse_y_pred`)."""

    def __init__(
        self,
        num_classes: int,
        name: str | None = None,
        dtype: Any = None,
        ignore_class: int | None = None,
        sparse_y_pred: bool = False,
        axis: int = -1,
    ):
        super().__init__(num_classes, name, dtype, ignore_class, False, sparse_y_pred, axis)


CLASSES: tuple[type[Metric], ...] = (IoU, BinaryIoU, MeanIoU, OneHotIoU, OneHotMeanIoU)
