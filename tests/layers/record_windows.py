"""Record `data/windows.json` under real Keras: `python record_windows.py 2.15` (tf_keras), `3`, `2.2.4` or `2.3.1`."""

import json
import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, here)

import numpy as np  # noqa: E402
from windows_cases import CASES, CONFIGS, fingerprint, values, weight_values  # noqa: E402

generation = sys.argv[1]
if generation == "2.15":
    import tensorflow as tf
    import tf_keras as keras
else:
    import keras

    if generation == "3":
        import tensorflow as tf


def fill(layer):
    layer.set_weights([weight_values(type(layer).__name__, w.shape, i) for i, w in enumerate(layer.get_weights())])


def eager(case):
    layer = getattr(keras.layers, case["layer"])(**case["arguments"])
    x = tf.constant(values(case["shape"], 1))
    flag = {} if case["training"] is None else {"training": case["training"]}
    layer(x, **flag)
    fill(layer)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = layer(x, **flag)
        loss = tf.reduce_sum(y * values(y.shape, 2))
    weights = [getattr(w, "value", w) if generation == "3" else w for w in layer.trainable_weights]
    gradients = tape.gradient(loss, [x, *weights])
    return np.array(y), [np.array(g) for g in gradients], layer.get_weights()


def graph(case):
    from keras import backend as K

    K.clear_session()
    x = keras.layers.Input(batch_shape=case["shape"])
    layer = getattr(keras.layers, case["layer"])(**case["arguments"])
    y = layer(x)
    model = keras.models.Model(x, y)
    fill(layer)
    loss = K.sum(y * K.constant(values(K.int_shape(y), 2)))
    found = K.gradients(loss, [x, *layer.trainable_weights])
    updates = model.updates if case["training"] else []
    run = K.function([x, K.learning_phase()], [y, *found], updates=updates)
    results = run([values(case["shape"], 1), int(bool(case["training"]))])
    return results[0], results[1:], layer.get_weights()


path = os.path.join(here, "data", "windows.json")
table = {}
if os.path.exists(path):
    with open(path) as file:
        table = json.load(file)
rows = {}
for case in CASES:
    if generation in case["only"]:
        try:
            y, gradients, state = (graph if generation in ("2.2.4", "2.3.1") else eager)(case)
        except Exception as error:  # a case real Keras cannot run is not recorded, and said aloud
            print("left out:", generation, case["layer"], case["arguments"], str(error).strip().splitlines()[0][:150])
            continue
        rows[json.dumps([case["layer"], case["shape"], case["training"], case["arguments"]], sort_keys=True)] = [
            fingerprint(y), [fingerprint(g) for g in gradients], [fingerprint(w) for w in state] if case["training"] else [],
        ]  # fmt: skip


def plain(value):
    return value.get("class_name") if isinstance(value, dict) else list(value) if isinstance(value, tuple) else value


configs = {}
for name, arguments in CONFIGS:
    if hasattr(keras.layers, name):
        config = getattr(keras.layers, name)(**arguments).get_config()
        configs[name] = {k: plain(v) for k, v in config.items() if k not in ("name", "dtype")}
table[generation] = {"configs": configs, "keras": keras.__version__, "rows": rows}
with open(path, "w") as file:
    text = json.dumps(table, sort_keys=True)
    file.write(text.replace('"[', '\n"[').replace('{"Ave', '\n{"Ave') + "\n")
print(generation, keras.__version__, len(rows), "cases", len(text), "characters")
