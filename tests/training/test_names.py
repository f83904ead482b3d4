"""Every loss, metric, optimizer, schedule and callback of three generations, with its parameters and their defaults.

`data/names.json` lists what real Keras 2.2.4, tf_keras 2.21 and Keras 3.15 have (read off their signatures).
"""

import json
import pathlib

import pytest

import kcompat
from kcompat import config

LISTED = json.loads((pathlib.Path(__file__).parent / "data" / "names.json").read_text())
#: what stands for TensorFlow's or JAX's own machinery, and is not there
ABSENT = {
    "callbacks.OrbaxCheckpoint", "callbacks.SidecarEvaluatorModelExport", "callbacks.experimental.UpdateEmbeddingCallback",
    "metrics.experimental.PyMetric",
}  # fmt: skip
#: base classes, whose subclasses give the arguments by name, and what is made of other optimizers or by `fit`
NOT_MADE = {
    "optimizers.Optimizer", "optimizers.experimental.Optimizer", "optimizers.legacy.Optimizer", "optimizers.TFOptimizer",
    "optimizers.schedules.LearningRateSchedule", "callbacks.experimental.BackupAndRestore", "callbacks.CallbackList",
    "optimizers.MultiOptimizer", "optimizers.OptimizerMap", "optimizers.LossScaleOptimizer",
}  # fmt: skip
REQUIRED = {
    "fn": lambda y_true, y_pred: y_true - y_pred, "target_class_ids": [0], "schedule": abs, "inner_optimizer": "sgd", "optimizers": ["sgd"],
    "normalizer": [1.0, 1.0], "boundaries": [1], "values": [0.1, 0.2], "precision": 0.5, "recall": 0.5, "sensitivity": 0.5,
    "specificity": 0.5, "num_classes": 2, "class_id": 0, "reduction": "sum", "filepath": "x.keras", "filename": "x", "log_dir": "x",
    "backup_dir": "x", "name": "n",
}  # fmt: skip
#: whose default says the same as Keras' in other words; jit_compile: True means False without a GPU in Keras too
SAME = {"count_mode": "samples", "log_dir": "./logs", "jit_compile": True, "min_lr": 0}


def found(name):
    thing = kcompat
    for part in name.split("."):
        thing = getattr(thing, part, None)
    return thing


def described(thing):
    """The config without its name, or the plain attributes of a callback."""
    if hasattr(thing, "get_config"):
        settings = thing.get_config()
        return {k: v for k, v in settings.items() if k not in ("name", *SAME)}
    return {k: v for k, v in vars(thing).items() if isinstance(v, (int, float, str, type(None))) and k not in ("_start", *SAME)}


CLASSES = [(g, n) for g, names in LISTED.items() for n, (kind, _) in names.items() if kind == "class" and n not in ABSENT | NOT_MADE]


@pytest.mark.parametrize("generation", LISTED)
def test_every_name_is_there(generation):
    config.set_keras_version(generation)
    assert {name for name in LISTED[generation] if found(name) is None} <= ABSENT


@pytest.mark.filterwarnings("ignore")  # of arguments without effect
@pytest.mark.parametrize(("generation", "name"), CLASSES)
def test_defaults_by_name_and_by_position(generation, name):
    config.set_keras_version(generation)
    rows = LISTED[generation][name][1]
    needed = {row[0]: REQUIRED.get(row[0], 1) for row in rows if len(row) == 1}
    optional = {row[0]: row[1] for row in rows if len(row) == 2}
    plain = described(found(name)(**needed))
    assert described(found(name)(**needed, **optional)) == plain
    assert described(found(name)(*(row[1] if len(row) == 2 else needed[row[0]] for row in rows))) == plain
