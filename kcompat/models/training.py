"""The training methods of a model: each hands over to the training room."""

from __future__ import annotations


class TrainingMixin:
    """`compile`, `fit`, `evaluate`, `predict` and their kin."""
