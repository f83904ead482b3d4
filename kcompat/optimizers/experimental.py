"""`optimizers.experimental`: where tf.keras 2.9 to 2.15 has its new optimizers too."""

from kcompat.optimizers.adaptive import Adadelta, Adagrad, Adamax, Ftrl, Nadam, RMSprop
from kcompat.optimizers.base import Optimizer
from kcompat.optimizers.classes import SGD, Adam, AdamW
from kcompat.optimizers.large import Adafactor

__all__ = ["SGD", "Adadelta", "Adafactor", "Adagrad", "Adam", "AdamW", "Adamax", "Ftrl", "Nadam", "Optimizer", "RMSprop"]
