"""Training: the loop, on anything with `model(x, training=...)`, `losses`, `trainable_weights` and an optimizer.

`sources` and `data` turn what users give into batches; `compile` holds optimizer, `losses` and `metrics` under a plan
settled at the first batch; `step` is one batch, `loop` the epochs. No number is read from the device inside an epoch.
"""

from kcompat.training.compile import Compiled
from kcompat.training.methods import ClassPredictions, TrainingMethods
from kcompat.training.sequence import GeneratorEnqueuer, OrderedEnqueuer, PyDataset, Sequence, SequenceEnqueuer

__all__ = [
    "ClassPredictions", "Compiled", "GeneratorEnqueuer", "OrderedEnqueuer", "PyDataset", "Sequence", "SequenceEnqueuer", "TrainingMethods",
]  # fmt: skip
