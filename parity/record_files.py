"""Write the corpus of model files with a real Keras: python parity/record_files.py --generation 2.15 [--model dense ...].

Runs inside the environment of that Keras, as `record.py` does. For each generation it writes `corpus/<generation>/<format>.zip`, the files
of all models (packed, as HDF5 is mostly empty), and `values.npz`: inputs, targets and predictions of each model when it was saved, the
losses of three more steps of training, and the predictions after them. With `--model` only these models are written anew.
"""

import argparse
import ctypes
import glob
import os
import sys
import tempfile
import traceback
import zipfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path[0] = ROOT

import numpy as np  # noqa: E402

from parity import file_models, store  # noqa: E402

EXACT = {"1": "1.2.2", "2.2": "2.2.4", "2.3": "2.3.1", "2.15": "2.21", "3": "3.15"}
STEPS = 3
#: Keras on graphs: an optimizer's updates must be made to wait for the loss and all gradients
OLD = ("2.2", "2.3")

#: format -> how a model is saved in it; a folder or several files are packed whole
SAVERS = {
    "h5": lambda model, path: model.save(path),
    "keras": lambda model, path: model.save(path),
    "weights.h5": lambda model, path: model.save_weights(path),
    "weights-legacy.h5": lambda model, path: model.save_weights(path),
    "weights.json": lambda model, path: model.save_weights(path, max_shard_size=2e-7),
    "savedmodel": lambda model, path: model.save(path, save_format="tf", save_traces=False),
    "weights.tf": lambda model, path: model.save_weights(path, save_format="tf"),
}


def main():
    """Record one generation; the exit code is 1 when a model could not be recorded."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--generation", required=True, choices=sorted(EXACT))
    parser.add_argument("--model", action="append")
    parser.add_argument("--out", default=os.path.join(ROOT, "parity", "corpus"))
    options = parser.parse_args()
    keras = load_keras(options.generation)
    folder = os.path.join(options.out, options.generation)
    values, versions = {}, {"keras": keras.__version__, "python": sys.version.split()[0]}
    if options.model and os.path.exists(os.path.join(folder, "values.npz")):
        values = store.read(os.path.join(folder, "values.npz"))[0]
    packed, failed = {}, False
    for name, told in file_models.MODELS.items():
        if options.generation not in told["generations"] or (options.model and name not in options.model):
            continue
        try:
            with tempfile.TemporaryDirectory() as scratch:
                values[name] = record(keras, options.generation, name, told, scratch, packed)
            print(options.generation, name, flush=True)
        except Exception:
            failed = True
            traceback.print_exc()
            print("FAILED", options.generation, name, flush=True)
    if not os.path.isdir(folder):
        os.makedirs(folder)
    for kind, members in packed.items():
        pack(os.path.join(folder, kind + ".zip"), members, bool(options.model))
    store.write(os.path.join(folder, "values.npz"), values, versions)
    return int(failed)


def load_keras(generation):
    """The Keras of a generation, after a look at whether it is the release wanted."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
    os.environ["KERAS_BACKEND"] = "theano" if generation == "1" else "tensorflow"
    os.environ["TF_USE_LEGACY_KERAS"] = "1" if generation == "2.15" else "0"
    os.environ["TF_ENABLE_ONEDNN_OPTS"] = "0"
    os.environ["KERAS_HOME"] = tempfile.mkdtemp()
    if generation == "1":
        prepare_theano()
    if generation == "2.15":
        import tf_keras as keras
    else:
        import keras
        import keras.layers
        import keras.models
    if not keras.__version__.startswith(EXACT[generation]):
        sys.exit(f"generation {generation} is recorded from Keras {EXACT[generation]}, this is {keras.__version__}")
    return keras


def ordered(keras, generation):
    """For old Keras: name -> optimizer class of the same name whose updates wait for the loss and all gradients."""
    if generation not in OLD:
        return {}
    from parity.record_graph import Ordered

    names = ("SGD", "Adam", "RMSprop", "Adagrad", "Adadelta", "Adamax")  # Nadam's updates are no operations that could wait
    return {name: type(name, (Ordered, getattr(keras.optimizers, name)), {}) for name in names}


def prepare_theano():
    """Let Theano compute in one thread, with the BLAS that numpy brings."""
    for library in glob.glob(os.path.join(os.path.dirname(np.__file__), "..", "numpy.libs", "libopenblas*.so")):
        ctypes.CDLL(library, mode=ctypes.RTLD_GLOBAL)
    os.environ.setdefault("THEANO_FLAGS", "optimizer=fast_compile,device=cpu,linker=py")


def record(keras, generation, name, told, scratch, packed):
    """Save one model in every format it has; its values."""
    fresh_session(keras, generation)
    random = np.random.RandomState(sum(map(ord, name)))
    model = told["make"](keras, generation)
    randomize(model, random)
    batch = told.get("batch", 4)
    x = [draw(random, batch, spec) for spec in told["inputs"]]
    made = {f"input/{i}": array for i, array in enumerate(x)}
    first = listed(predict(model, x))
    taught = compiled(keras, generation, model, told["compile"])
    if taught:
        y = [target(random, array, losses_of(told["compile"]["loss"], i)) for i, array in enumerate(first)]
        made.update({f"target/{i}": array for i, array in enumerate(y)})
        for _ in range(2):
            model.train_on_batch(single(x), single(y))
        first = listed(predict(model, x))
    made.update({f"output/{i}": array for i, array in enumerate(first)})
    if "batch" in told:
        model.reset_states() if generation != "3" else [layer.reset_states() for layer in model.layers if hasattr(layer, "reset_states")]
    again = model
    for kind in formats(generation, name):
        path = os.path.join(scratch, f"{name}.{kind}")
        SAVERS[kind](model, path)
        if generation in OLD and kind == "h5" and taught:  # what is not in a file (the counters of 2.2's BatchNormalization) starts anew
            again = keras.models.load_model(path, {key.lower(): cls for key, cls in ordered(keras, generation).items()})
        for member in sorted(os.listdir(scratch)):
            packed.setdefault(kind, []).extend(contents(scratch, member))
            remove(os.path.join(scratch, member))
    if taught:
        losses = [np.ravel(again.train_on_batch(single(x), single(y)))[0] for _ in range(STEPS)]
        made["losses"] = np.array(losses, "float64")
        made.update({f"after/{i}": array for i, array in enumerate(listed(predict(again, x)))})
    return made


def fresh_session(keras, generation):
    """Forget all models; in the graphs of old Keras, let one thread compute what is written and nothing rewritten."""
    if generation == "1":
        return
    keras.backend.clear_session()
    if generation in OLD:
        import tensorflow as tf

        options = tf.compat.v1.ConfigProto(intra_op_parallelism_threads=1, inter_op_parallelism_threads=1)
        options.graph_options.rewrite_options.disable_meta_optimizer = True
        keras.backend.set_session(tf.compat.v1.Session(config=options))


def formats(generation, name):
    """The formats that a model is saved in, those of Keras 3's HDF5 last: saving one takes the optimizer out of the model."""
    special = [kind for kind, models in file_models.WEIGHTS.items() if name in models.get(generation, ())]
    never = file_models.MODELS[name].get("never", ())
    kinds = [kind for kind in [*file_models.FORMATS[generation], *special] if (generation, kind) not in never]
    return sorted(kinds, key=lambda kind: (kind == "h5", kind))


def randomize(model, random):
    """Give every weight a value of its own, moving variances and scales positive ones."""
    if not model.weights:
        return
    stored = model.weights if len(model.weights) == len(model.get_weights()) else None
    values = model.get_weights()
    fresh = []
    for old in values:
        new = random.uniform(-0.6, 0.6, old.shape)
        fresh.append((np.abs(new) + 0.5).astype(old.dtype) if (old >= 0).all() and stored is not None else new.astype(old.dtype))
    model.set_weights(fresh)


def draw(random, batch, spec):
    """An input: floats of a shape, or integers below a bound."""
    if isinstance(spec[0], tuple):
        return random.randint(0, spec[1], (batch,) + spec[0]).astype("int32")
    drawn = random.uniform(-1.0, 1.0, (batch, *spec)).astype("float32")
    if len(spec) == 2:  # some steps that a mask may leave out
        drawn[0, -2:] = 0.0
    return drawn


def target(random, output, loss):
    """Something to train towards, as the loss wants it."""
    if loss == "categorical_crossentropy":
        return np.eye(output.shape[-1], dtype="float32")[random.randint(0, output.shape[-1], output.shape[0])]
    if loss == "binary_crossentropy":
        return random.randint(0, 2, output.shape).astype("float32")
    return random.uniform(0.0, 1.0, output.shape).astype("float32")


def losses_of(loss, index):
    """The loss of one output."""
    return list(loss.values())[index] if isinstance(loss, dict) else loss


def compiled(keras, generation, model, given):
    """Compile the model as its row says; False where it says nothing."""
    if given is None:
        return False
    given = dict(given)
    name, config = given.pop("optimizer")
    if isinstance(given["loss"], dict) and generation == "3":
        given["loss"] = dict(given["loss"])
    config = dict(config)
    config["lr" if generation in ("1", "2.2") else "learning_rate"] = config.pop("rate")
    cls = ordered(keras, generation).get(name) or getattr(keras.optimizers, name)
    model.compile(optimizer=cls(**config), **given)
    return True


def predict(model, x):
    """What the model gives, in one batch."""
    return model.predict_on_batch(single(x))


def listed(value):
    """One output or several as a list of arrays."""
    return [np.asarray(v) for v in (value if isinstance(value, (list, tuple)) else [value])]


def single(values):
    """One array alone, several as a list."""
    return values[0] if len(values) == 1 else values


def contents(folder, member):
    """(name, bytes) of a file, or of every file below a folder."""
    path = os.path.join(folder, member)
    if os.path.isdir(path):
        return [entry for name in sorted(os.listdir(path)) for entry in contents(folder, os.path.join(member, name))]
    with open(path, "rb") as file:
        return [(member, file.read())]


def remove(path):
    """Delete a file or a folder."""
    if os.path.isdir(path):
        import shutil

        shutil.rmtree(path)
    else:
        os.remove(path)


def pack(path, members, update):
    """Write the files of a format into one archive; with `update` the others that it had stay."""
    kept = {}
    if update and os.path.exists(path):
        with zipfile.ZipFile(path) as old:
            kept = {name: old.read(name) for name in old.namelist()}
    kept.update(members)
    with zipfile.ZipFile(path + ".part", "w", zipfile.ZIP_DEFLATED) as new:
        for name in sorted(kept):
            info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            info.compress_type = zipfile.ZIP_DEFLATED
            new.writestr(info, kept[name])
    os.replace(path + ".part", path)


if __name__ == "__main__":
    sys.exit(main())
