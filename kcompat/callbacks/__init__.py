"""Callbacks: objects that `fit`, `evaluate` and `predict` call around epochs and batches. They see the model as a duck."""

from kcompat.callbacks import experimental
from kcompat.callbacks.backup import BackupAndRestore
from kcompat.callbacks.base import Callback
from kcompat.callbacks.checkpoint import ModelCheckpoint
from kcompat.callbacks.container import CallbackList
from kcompat.callbacks.history import EarlyStopping, History, LambdaCallback
from kcompat.callbacks.monitor import MonitorCallback
from kcompat.callbacks.progress import Progbar, ProgbarLogger
from kcompat.callbacks.rates import LearningRateScheduler, ReduceLROnPlateau
from kcompat.callbacks.reports import BaseLogger, CSVLogger, RemoteMonitor, SwapEMAWeights, TerminateOnNaN
from kcompat.callbacks.tensorboard import TensorBoard

__all__ = [
    "BackupAndRestore", "BaseLogger", "CSVLogger", "Callback", "CallbackList", "EarlyStopping", "History", "LambdaCallback",
    "LearningRateScheduler", "ModelCheckpoint", "MonitorCallback", "Progbar", "ProgbarLogger", "ReduceLROnPlateau", "RemoteMonitor",
    "SwapEMAWeights", "TensorBoard", "TerminateOnNaN", "experimental",
]  # fmt: skip
