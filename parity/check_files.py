# ruff: noqa: B905 - runs under Python 3.7 too
"""Let a real Keras read files that kcompat wrote: python parity/check_files.py --generation 3 FOLDER NAME.keras ...

Runs inside the environment of that Keras. For each file a line `FILE<tab>name<tab>ok`, or what was wrong: the file must load, predict
what the corpus says, and go on training as Keras itself did.
"""

import argparse
import os
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path[0] = ROOT

import numpy as np  # noqa: E402

from parity import store  # noqa: E402
from parity.record_files import listed, load_keras, predict, single  # noqa: E402


def main():
    """Check the files that the arguments name."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--generation", required=True)
    parser.add_argument("folder")
    parser.add_argument("files", nargs="*")
    options = parser.parse_args()
    keras = load_keras(options.generation)
    values = store.read(os.path.join(ROOT, "parity", "corpus", options.generation, "values.npz"))[0]
    for file in options.files:
        try:
            found = check(keras, os.path.join(options.folder, file), values[file.split(".")[0]])
        except Exception as error:
            found = "{}: {}".format(type(error).__name__, " ".join(str(error).split())[:300])
        print(f"FILE\t{file}\t{found}", flush=True)


def check(keras, path, given):
    """'ok', or what Keras finds wrong with a file."""
    keras.backend.clear_session()
    model = keras.models.load_model(path)
    x, y = arrays(given, "input"), arrays(given, "target")
    problem = off("prediction", listed(predict(model, x)), arrays(given, "output"), 2e-2 if "mixed" in path else 1e-5)
    if problem or "losses" not in given:
        return problem or "ok"
    found = [np.ravel(model.train_on_batch(single(x), single(y)))[0] for _ in given["losses"]]
    return (
        off("losses", [np.array(found)], [given["losses"]], 1e-5)
        or off("prediction after training", listed(predict(model, x)), arrays(given, "after"), 2e-5)
        or "ok"
    )


def arrays(given, prefix):
    """`prefix/0`, `prefix/1`, ... of a record."""
    return [given[key] for key in sorted(given) if key.startswith(prefix + "/")]


def off(what, found, wanted, bar):
    """By how much arrays differ where they do by more than `bar`."""
    worst = max(float(np.max(np.abs(a - b) / max(1.0, float(np.max(np.abs(b)))))) for a, b in zip(found, wanted))
    return None if worst <= bar else f"{what}: off by {worst:.2g}"


if __name__ == "__main__":
    sys.exit(main())
