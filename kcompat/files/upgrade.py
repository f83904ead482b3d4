"""What older configs mean today: ONE table, (class, first release that writes it so) -> a small function.

A row holds for files of that release and later, until the next row of the class. Its function gets a serialized object
`{"class_name", "config", ...}` whose inner objects are done already, and gives what stands in its place.
What a config does not say because a release did not know it yet is no matter of this table: such defaults come from the
generation of the file (`kcompat.generations`), under which the model is built.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from kcompat.errors import FileError, UnsafeFileError
from kcompat.files.lambdas import function_for
from kcompat.generations import latest

Serialized = dict[str, Any]


@dataclass
class Context:
    """What a row may need to know of the load."""

    keras_version: str
    custom_objects: Mapping[str, Any] = field(default_factory=dict)
    safe_mode: bool = True
    #: whether Keras 1 wrote the file with Theano, which does not say so itself
    theano: bool = False


def _sequential_list(item: Serialized, context: Context) -> Serialized:
    """Until 2.1 the config of a Sequential was the bare list of its layers."""
    config = item["config"]
    return {**item, "config": {"layers": config}} if isinstance(config, list) else item


def _one_axis(item: Serialized, context: Context) -> Serialized:
    """tf.keras writes `axis` as a list, also for one axis."""
    axis = item["config"].get("axis")
    if isinstance(axis, list) and len(axis) == 1:
        return {**item, "config": {**item["config"], "axis": axis[0]}}
    return item


def _theano_same(item: Serialized, context: Context) -> Serialized:
    """'same' of Keras 1 on Theano, where its cells lie elsewhere than today's: but for odd windows that move by single steps."""
    config = item["config"]
    if not context.theano or config.get("border_mode") != "same":
        return item
    window = [config[k] for k in ("nb_row", "nb_col", "filter_length", "kernel_dim1", "kernel_dim2", "kernel_dim3") if k in config]
    steps = config.get("subsample", config.get("subsample_length", 1))
    same = "pool_size" not in config and all(n % 2 for n in window) and set(steps if isinstance(steps, list) else [steps]) == {1}
    return item if same else {**item, "config": {**config, "border_mode": "same_theano"}}


def _policy_name(item: Serialized, context: Context) -> Any:
    """A dtype policy is its name."""
    return item["config"].get("name", item)


def _lambda(item: Serialized, context: Context) -> Serialized:
    """Functions of a Lambda are names or code; `lambdas` decides what may become a function."""
    config = dict(item["config"])
    name = config.get("name") or "lambda"
    for key, label in (("function", name), ("output_shape", f"{name}/output_shape"), ("mask", f"{name}/mask")):
        if key == "function" or config.get(f"{key}_type") in ("lambda", "function") or _is_code(config.get(key)):
            config[key] = function_for(label, config.get(key), context.custom_objects, context.safe_mode)
    for key in ("module", "function_type", "output_shape_type", "output_shape_module", "mask_type", "mask_module"):
        config.pop(key, None)
    return {**item, "config": config}


def _merge(item: Serialized, context: Context) -> Serialized:
    """The functions of a Merge of Keras 1 are names or code, as those of a Lambda."""
    config = dict(item["config"])
    name = config.get("name") or "merge"
    for key, label in (("mode", name), ("output_shape", f"{name}/output_shape"), ("output_mask", f"{name}/output_mask")):
        if config.pop(f"{key}_type", "raw") != "raw":
            config[key] = function_for(label, config.get(key), context.custom_objects, context.safe_mode)
    return {**item, "config": config}


def _as_it_is(item: Serialized, context: Context) -> Serialized:
    return item


#: layers of Keras 1 whose windows its Theano backend padded in its own way
_SLID = (
    "Convolution1D", "Convolution2D", "Convolution3D", "AtrousConvolution1D", "AtrousConvolution2D", "Deconvolution2D", "ConvLSTM2D",
    "MaxPooling2D", "AveragePooling2D",
)  # fmt: skip


def _is_code(value: Any) -> bool:
    return isinstance(value, dict) and value.get("class_name") in ("__lambda__", "function")


def _no_paths(item: Serialized, context: Context) -> Serialized:
    """A vocabulary in a file is data; Keras would take a text for the name of a file of the reader's and open it."""
    for key in ("vocabulary", "idf_weights"):
        if isinstance(item["config"].get(key), str):
            raise UnsafeFileError(
                f"{item['class_name']} '{item['config'].get('name')}': `{key}` is a path, {item['config'][key]!r}, which is not opened; "
                "a file holds the words themselves."
            )
    return item


TABLE: dict[tuple[str, str], Callable[[Serialized, Context], Any]] = {
    ("Sequential", "0"): _sequential_list,
    ("BatchNormalization", "2.4"): _one_axis,
    ("LayerNormalization", "2.4"): _one_axis,
    ("Lambda", "0"): _lambda,
    ("Merge", "0"): _merge,
    **{(name, release): row for name in _SLID for release, row in (("0", _theano_same), ("2", _as_it_is))},
    ("StringLookup", "0"): _no_paths,
    ("IntegerLookup", "0"): _no_paths,
    ("TextVectorization", "0"): _no_paths,
    ("Policy", "2.4"): _policy_name,
    ("DTypePolicy", "3"): _policy_name,
}

_ROWS: dict[str, dict[str, Callable[[Serialized, Context], Any]]] = {}
for (_name, _since), _function in TABLE.items():
    _ROWS.setdefault(_name, {})[_since] = _function


def upgraded(config: Any, context: Context) -> Any:
    """A config with every object in it, at any depth, in today's words."""
    if isinstance(config, list):
        return [upgraded(item, context) for item in config]
    if not isinstance(config, dict):
        return config
    item = {key: upgraded(value, context) for key, value in config.items()}
    name = item.get("class_name")
    if not isinstance(name, str) or name not in _ROWS or "config" not in item:
        return item
    if not isinstance(item["config"], (dict, list) if name == "Sequential" else dict):
        raise FileError(f"The `config` of a {name} in the file must be a JSON object, it is {item['config']!r}.")
    row = latest(_ROWS[name], context.keras_version)
    return row(item, context) if row is not None else item
