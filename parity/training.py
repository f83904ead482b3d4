"""The training of a case, done alike by real Keras (2.2 to 3) and by kcompat: only what has the same name in all of them is called."""

import numpy as np

from parity import draw


def compile_arguments(told):
    """The arguments of `compile` besides the optimizer."""
    return {name: told[name] for name in ("loss", "loss_weights", "metrics", "weighted_metrics", "sample_weight_mode") if name in told}


def make_optimizer(rooms, deserialize, told):
    """The optimizer of a case's `train`, from a class looked up in `rooms`; `deserialize` makes a schedule."""
    made = rooms
    for name in told.get("optimizer", "SGD").split("."):
        made = made[name] if isinstance(made, dict) else getattr(made, name)
    rate = told.get("rate")
    rate = deserialize(rate) if isinstance(rate, dict) else rate
    return made(*(() if rate is None else (rate,)), **told.get("config", {}))


def train(model, case, floatx, shapes_of):
    """What the training of a compiled model gives: losses or logs, and weights; `shapes_of(arrays)` are those of the outputs."""
    told = case["train"]
    record = {}
    if "epochs" in told:
        ins = draw.inputs(case, floatx)
        goals, weights = draw.taught(case, shapes_of(ins), floatx, 0)
        logs = model.fit(
            _one(ins), goals, batch_size=told["batch_size"], epochs=told["epochs"], shuffle=False, verbose=0, **weights,
            **told.get("fit", {})
        ).history  # fmt: skip
        record.update({"log/" + name: np.array(values, floatx) for name, values in logs.items()})
    else:
        rows = []
        for step in range(told.get("steps", 1)):
            ins = draw.inputs(case, floatx, step)
            goals, weights = draw.taught(case, shapes_of(ins), floatx, step)
            rows.append(np.ravel(model.train_on_batch(_one(ins), goals, **weights)))
            if step + 1 in told.get("watch", ()):
                record.update({f"trained_at/{step + 1}/{i}": np.array(v) for i, v in enumerate(model.get_weights())})
        record["train_loss"] = np.array([float(row[0]) for row in rows], floatx)
        if "metrics" in told or "weighted_metrics" in told:
            record["train_logs"] = np.array(rows, floatx)
    record.update({f"trained/{i}": np.asarray(value) for i, value in enumerate(model.get_weights())})
    return record


def _one(arrays):
    return arrays if len(arrays) > 1 else arrays[0]
