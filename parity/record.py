"""Run the case tables on a real Keras and write what it gives: python parity/record.py --generation 2.2 [--family core].

Runs inside the environment of that Keras (`environments.py` makes them): Python 3.7 and up, no torch, no kcompat.
A case that raises where it should not, or does not where it should, is an error here and nothing is written.
"""

import argparse
import os
import sys
import tempfile
import time
import traceback

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path[0] = ROOT

from parity import cases as tables  # noqa: E402
from parity import store  # noqa: E402

EXACT = {"2.2": "2.2.4", "2.3": "2.3.1", "2.15": "2.21", "3": "3.15"}


def main():
    """Record families of one generation; the exit code is 1 when a case did not do what its table says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--generation", required=True, choices=tables.GENERATIONS)
    parser.add_argument("--family", action="append", choices=tables.families())
    parser.add_argument("--case", help="run only this case, print its record, write nothing")
    parser.add_argument("--out", default=os.path.join(ROOT, "parity", "references"))
    options = parser.parse_args()
    recorder = make_recorder(options.generation)
    if options.case:
        return show(recorder, options)
    failed = False
    for family in options.family or tables.families():
        failed |= not record_family(recorder, family, options)
    return int(failed)


def make_recorder(generation):
    """The recorder for the Keras of a generation, after a look at whether it is the release wanted."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
    os.environ["KERAS_BACKEND"] = "tensorflow"
    os.environ["TF_USE_LEGACY_KERAS"] = "1" if generation == "2.15" else "0"  # which Keras tf_keras itself finds as `tf.keras`
    os.environ["TF_ENABLE_ONEDNN_OPTS"] = "0"
    os.environ["KERAS_HOME"] = tempfile.mkdtemp()  # no keras.json of this machine's user
    if generation in ("2.2", "2.3"):
        from parity.record_graph import Recorder
    else:
        from parity.record_eager import Recorder
    recorder = Recorder(generation)
    if not recorder.versions["keras"].startswith(EXACT[generation]):
        sys.exit(f"generation {generation} is recorded from Keras {EXACT[generation]}, this is {recorder.versions['keras']}")
    return recorder


def record_family(recorder, family, options):
    """Write the reference file of one family; False when a case misbehaved (then nothing is written)."""
    records, problems, start = {}, [], time.time()
    for case in tables.load(family):
        if options.generation not in tables.generations(case):
            continue
        resolved = tables.resolve(case, options.generation)
        for floatx in tables.precisions(case, options.generation):
            record = attempt(recorder, resolved, floatx)
            if ("error" in record) != resolved["error"]:
                problems.append((case["id"], floatx, record.get("trace", "raises nothing")))
            record.pop("trace", None)
            record["digest"] = tables.digest(resolved)
            records[tables.record_name(case, floatx)] = record
    for name, floatx, trace in problems:
        print(f"--- {name} ({floatx}, Keras {options.generation})\n{trace}")
    print(f"{family}: {len(records)} records of Keras {options.generation} in {time.time() - start:.0f} s, {len(problems)} problems")
    path = os.path.join(options.out, options.generation, family + ".npz")
    if records and not problems:
        store.write(path, records, recorder.versions)
    elif not records and os.path.exists(path):
        os.remove(path)
    return not problems


def attempt(recorder, resolved, floatx):
    """The record of a case: what was observed, or {"error": [names of the exception's classes]}."""
    try:
        return recorder.observe(resolved, floatx)
    except Exception as error:
        names = [cls.__name__ for cls in type(error).__mro__ if cls not in (object, BaseException)]
        return {"error": names, "message": str(error)[:200], "trace": traceback.format_exc()}


def show(recorder, options):
    """Print the record of one case."""
    case = next(c for c in tables.load(options.case.split("/")[0]) if c["id"] == options.case)
    record = attempt(recorder, tables.resolve(case, options.generation), "float32")
    for key in sorted(record):
        print(key, ":", record[key])
    return 0


if __name__ == "__main__":
    sys.exit(main())
