"""The case tables: what is run on real Keras once, and on kcompat at every `python -m parity`.

A case is plain data (JSON types only), so that the recorder can read it under Python 3.7; this package must therefore
stay free of newer syntax and of every import but the standard library. A family is a file here with a list `CASES`;
a case's `id` begins with the family's name: "activations/relu_alpha". Helpers in `make.py` shorten the writing.

Fields, all kinds (only `id`, `kind` and, but for models, `class` must be there):

    id           "family/what_it_shows", unique
    kind         "layer", "activation", "regularizer", "constraint", "initializer", "model", "loss", "metric", "optimizer",
                 "schedule", "operation"
    class        class or function name as users type it in that generation: "Dense", "relu", "L1L2", "l2", "GlorotUniform"
    config       keyword arguments of the class (an activation: of the function beside x). Objects inside are configs
                 {"class_name": "L2", "config": {...}} or names. {"body": "double"} stands for a function of `bodies.py`, and
                 {"class": "Dense", "config": {...}} for a layer, as make.py's `part` writes it
    identifier   instead of `class(**config)`: what is given to `keras.<room>.get`: a name, a config dict, or null
    inputs       list of arrays, drawn or literal, each a dict (make.py: `x(2, 7, 3)`):
                     shape [2, 7, 3]  drawn uniformly; `low`, `high` default -1, 1; integer dtypes draw from low..high-1,
                                      and so does any dtype with "whole": true
                     values           literal nested list instead of `shape`
                     dtype            default "floatx"; "int32", "bool", "float32" ...
                     mask             literal nested list of 0/1 that rides on this input
    call         arguments of the call beside the inputs: {"training": true, "mask": [[1, 0]]}; lists named ...mask are bool arrays
    generations  which of "2.2", "2.3", "2.15", "3" (default: all four)
    errors       generations among these in which the real Keras raises; kcompat must raise the like
    float64      true, or a list of generations: also run there with floatx float64 and a bar of 1e-10
    bar          1e-4: how far float32 values may be off, instead of 1e-5
    random       true: values are random; statistics and constant axes are compared, not values
    gradient     false: no gradients (default true; constraints and initializers have none)
    per_generation  {"2.2": {"config": {...}}}: fields replaced in one generation
    skip         what is not compared, with the reason in `note`: "config", "config.seed", "static_shape", "gradient", ...;
                 "rebuild": the object is not made again from the config that Keras wrote
    note         why, in a sentence, where it is not plain

Further fields, by kind:

    layer        steps: number of calls, each with inputs of its own (moving averages); default 1
                 weights: {"0": [low, high]}: range from which the weight at that place of `get_weights()` is drawn, or
                     {"0": [[literal values]]}, or "initial" for all to stay as made. Default: -1..1, and 0.5..1.5 for
                     names with "gamma", "variance" or "stddev"
                 listed: true: a single input goes in as a list of one
                 spread: true: the inputs are arguments of the call one by one (query, value, key)
                 trainable: false: set on the layer before it is called
                 xla: true: tf_keras and Keras 3 run the call compiled by XLA, because TensorFlow's own CPU kernels do not know
                     the case ('channels_first', groups). No losses are seen then
                 xla: true: tf_keras and Keras 3 run the call compiled by XLA, because TensorFlow's own CPU kernels do not know
                     the case ('channels_first', groups). No losses are seen then
    initializer  shape [3, 4]: what to make (instead of inputs). Random ones set `random`
    model        model: {"sequential": [LAYER, ...]}  or
                     {"inputs": {"a": {"shape": [7, 3]}},  (shape without batch; `batch_size`, `dtype`, `name` if wished)
                      "layers": {"d": LAYER, ...}, "calls": [["h", "d", "a"], ["y", "add", ["h", "b"], {call}]],
                      "outputs": "y" or ["y", "z"]}; a layer named in two calls is shared; {"tensors": ["h"]} as an argument of
                      a call stands for the list of the tensors called so, {"tensor": "h"} for one
                     LAYER: {"class": "Dense", "config": {...}, "trainable": false} or {"model": {...}} for a nested one
                 train: {"loss": "mse", "rate": 0.1, "steps": 1}: steps of train_on_batch, after all else. Further keys:
                     optimizer "SGD", "legacy.Adam" ..., config its keyword arguments, `rate` may be a schedule's config; loss_weights,
                     metrics as `compile` takes them; with epochs and batch_size one `fit` over the first step's arrays instead;
                     targets [ARRAY, ...], sample_weight [ARRAY, ...] one for each output, described as inputs are (targets are
                     drawn like the outputs otherwise), class_weight {"0": 2.0}
    loss         inputs: targets, predictions, perhaps sample weights; a function is called with `config`, a class made with it
    metric       the same; an object is updated `steps` times before its result is read
    optimizer    class may be "legacy.Adam"; start: [[1, 1, 1], ...] the weights; gradients: for each step one array per weight, or null
    operation    class is a function below `tf` ("math.add"), or module and class of a Keras 3 operation ("numpy.Add"), applied in a
                 functional model; call {"y": 1}: which further input is which keyword; listed: all inputs are one list
    schedule     inputs: one list of steps, at each of which the schedule is read

What is observed of each kind is listed in `kcompat/compare/observe.py`.

Example of a table:

    CASES = [
        {"id": "activations/relu", "kind": "activation", "class": "relu", "inputs": [{"shape": [2, 7, 3]}], "float64": True},
        {"id": "regularizers/l2", "kind": "regularizer", "class": "l2", "config": {"l": 0.3}, "inputs": [{"shape": [3, 4]}],
         "generations": ["2.2", "2.3"]},
        {"id": "constraints/max_norm_get", "kind": "constraint", "identifier": "max_norm", "inputs": [{"shape": [5, 4]}]},
        {"id": "initializers/he_normal", "kind": "initializer", "class": "HeNormal", "config": {"seed": 1},
         "shape": [300, 200], "random": True, "generations": ["2.15", "3"]},
    ]
"""

import hashlib
import importlib
import json
import os

GENERATIONS = ("2.2", "2.3", "2.15", "3")
KINDS = ("layer", "activation", "regularizer", "constraint", "initializer", "model", "loss", "metric", "optimizer", "schedule", "operation")
_FIELDS = {
    "id", "kind", "class", "config", "identifier", "inputs", "call", "generations", "errors", "float64", "random", "gradient",
    "per_generation", "skip", "note", "steps", "weights", "listed", "trainable", "xla", "shape", "model", "train", "bar",
    "start", "gradients", "spread",
}  # fmt: skip
_HERE = os.path.dirname(os.path.abspath(__file__))


def families():
    """The names of all families, sorted."""
    return sorted(name[:-3] for name in os.listdir(_HERE) if name.endswith(".py") and name not in ("__init__.py", "make.py"))


def load(family):
    """The cases of one family as (JSON-clean) dicts; a malformed table is a ValueError that names the case."""
    cases = json.loads(json.dumps(importlib.import_module("parity.cases." + family).CASES))
    seen = set()
    for case in cases:
        problem = _problem(case, family, seen)
        if problem:
            raise ValueError(f"parity/cases/{family}.py, case {case.get('id')!r}: {problem}")
        seen.add(case["id"])
    return cases


def _problem(case, family, seen):
    """What is wrong with the form of a case, or None."""
    unknown = set(case) - _FIELDS
    if unknown:
        return f"unknown fields {sorted(unknown)}"
    if not str(case.get("id", "")).startswith(family + "/") or case["id"] in seen:
        return f"`id` must be unique and begin with '{family}/'"
    if case.get("kind") not in KINDS:
        return f"`kind` must be one of {KINDS}"
    if case["kind"] != "model" and ("class" in case) == ("identifier" in case):
        return "give `class` or `identifier`"
    listed = list(case.get("generations", GENERATIONS)) + list(case.get("per_generation", {}))
    if set(listed) - set(GENERATIONS) or set(case.get("errors", ())) - set(case.get("generations", GENERATIONS)):
        return f"generations must be among {GENERATIONS}, errors among the case's generations"
    return None


def generations(case):
    """The generations in which a case runs."""
    return tuple(case.get("generations", GENERATIONS))


def precisions(case, generation):
    """The floatx settings under which a case runs in a generation."""
    wanted = case.get("float64", False)
    return ("float32", "float64") if wanted is True or (wanted and generation in wanted) else ("float32",)


def record_name(case, floatx):
    """Under which name the record of a case is kept."""
    return case["id"] + ("@float64" if floatx == "float64" else "")


def resolve(case, generation):
    """The case as it stands in one generation: overrides applied, everything optional that is general filled in."""
    resolved = {"config": {}, "inputs": [], "call": {}, "steps": 1}
    resolved.update({k: v for k, v in case.items() if k not in ("per_generation", "generations", "errors", "note")})
    resolved.update(case.get("per_generation", {}).get(generation, {}))
    resolved["error"] = generation in case.get("errors", ())
    return resolved


def digest(resolved):
    """A short hash of a resolved case: a reference recorded from another version of the case is stale."""
    told = {k: v for k, v in resolved.items() if k not in ("skip", "float64", "bar")}
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode("ascii")).hexdigest()[:12]
