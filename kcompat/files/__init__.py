"""Bytes on disk to (config, ordered arrays) and back; knows no model class, only what models, layers and weights can do.

A file is data. What it names is looked up in `kcompat.registry`; nothing is imported, evaluated or unpickled, and code inside a file
runs only through `lambdas`, with `safe_mode=False`. A file is checked before anything is built, a model is changed only after
everything could be read, and a file being written takes its name only when it is complete.

`formats` finds out what a file is and chooses what to write: every way in and out goes through it. `archive` is the `.keras` file, with
`members` (zip, folder, mapping) below it; `state` its weights by object, also `.weights.h5`, with `objects` (where each object stands)
and `shards`. `legacy` and `legacy_writer` are the whole-model `.h5` file, `weights` matches its arrays with weights; `savedmodel/` are
TensorFlow's files. `source` gives bytes, `hdf5` reads HDF5 safely (`heap` before it), `json_text` parses, `upgrade` is the table of
what old configs mean today, `lambdas` the gate to code, `building` builds and compiles, `sharing` finds shared layers, `compiled` is
what `compile` was given, `dialect` writes for another release, `report` says what would not load.
Models come in as a function that builds one from a config, so that this room needs nothing of `models`.
"""

from kcompat.files.hdf5 import open_file
from kcompat.files.legacy import Facts, load_model, load_weights, read_facts, save_model, save_weights
from kcompat.files.report import layer_entries, layer_name, problems

__all__ = [
    "Facts", "layer_entries", "layer_name", "load_model", "load_weights", "open_file", "problems", "read_facts", "save_model",
    "save_weights",
]  # fmt: skip
