"""Callbacks: objects that `fit`, `evaluate` and `predict` call around epochs and batches. They see the model as a duck."""

from kcompat.callbacks.base import Callback
from kcompat.callbacks.container import CallbackList
from kcompat.callbacks.history import EarlyStopping, History, LambdaCallback
from kcompat.callbacks.progress import Progbar, ProgbarLogger

__all__ = ["Callback", "CallbackList", "EarlyStopping", "History", "LambdaCallback", "Progbar", "ProgbarLogger"]
