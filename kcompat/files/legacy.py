"""Whole models and weights in Keras' HDF5 format: `.h5` files of Keras 2 and later, tf.keras and kcompat itself.

A file selects the generation: the model in it is built and compiled as the release that wrote it would have done.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import h5py

from kcompat.atomic import may_write, replacing
from kcompat.core.context import weight_budget
from kcompat.errors import ArgumentError, FileError, NotBuiltError
from kcompat.files import compiled, json_text, legacy_writer, weights
from kcompat.files.building import built, compile_as_stored, errors_of_the_file, version_of
from kcompat.files.hdf5 import H5Group, open_file
from kcompat.files.upgrade import Context
from kcompat.files.weights import StoredWeights
from kcompat.generations import behaviour, keras_version_scope

Path = str | os.PathLike[str]
Build = Callable[[dict[str, Any], Mapping[str, Any] | None], Any]


# -- reading -----------------------------------------------------------------------------------------------------------


@dataclass
class Facts:
    """What a file says about itself; nothing in it has been built."""

    keras_version: str
    backend: str | None
    config: dict[str, Any] | None
    training: dict[str, Any] | None
    weights: StoredWeights
    optimizer: list[Any]


def read_facts(source: H5Group) -> Facts:
    """Everything a Keras HDF5 file holds, as data; arrays are not read yet."""
    config, training = source.text("model_config"), source.text("training_config")
    stored = StoredWeights(source)
    return Facts(
        keras_version=version_of(source.text("keras_version") or stored.keras_version, "the file"),
        backend=stored.backend,
        config=None if config is None else json_text.parse_dict(config, "The attribute `model_config`"),
        training=None if training is None else json_text.parse_dict(training, "The attribute `training_config`"),
        weights=stored,
        optimizer=compiled.optimizer_arrays(source),
    )


def load_model(
    filepath: Path | h5py.Group,
    build: Build,
    custom_objects: Mapping[str, Any] | None = None,
    compile: bool = True,
    safe_mode: bool = True,
) -> Any:
    """The model in a file, with its weights and, where `compile` is true, its loss, metrics, optimizer and optimizer state.

    `build(config, custom_objects)` makes a model from a config. Raises `FileError` for what cannot be read, `UnsafeFileError` for a file
    that wants to run code or to read other files, `UnknownNameError` for classes nobody registered.
    """
    custom = dict(custom_objects or {})
    with open_file(filepath) as root:
        facts = read_facts(root)
        if facts.config is None:
            raise FileError("The file holds weights but no model. Build the model in code, then `model.load_weights(path)`.")
        context = Context(facts.keras_version, custom, safe_mode, facts.weights.writer.theano)
        with keras_version_scope(facts.keras_version):
            with weight_budget(2 * facts.weights.nbytes + 65536):  # float16 files make float32 models; small states are not stored
                model = built(build, facts.config, context)
            if model.built or any(entry.arrays for entry in facts.weights.layers):  # else it was saved before it had weights
                with errors_of_the_file("The weights in the file do not fit the model in it"):
                    weights.load(model, facts.weights)
            if compile:
                _compile(model, facts, context)
    return model


def _compile(model: Any, facts: Facts, context: Context) -> None:
    if facts.training is None:
        warnings.warn("The file has no training configuration: the model is not compiled. Call `compile` before training it.", stacklevel=4)
        return
    compile_as_stored(model, facts.training, context)
    compiled.restore_optimizer(model, [array.copy() for array in facts.weights.slots_for(model, facts.optimizer)])


def load_weights(model: Any, filepath: Path | h5py.Group, by_name: bool = False, skip_mismatch: bool = False, options: Any = None) -> None:
    """Give `model` the weights of a file; when this raises, the model is as it was.

    By default layers that have weights are matched in order; with `by_name` by their names, and then `skip_mismatch` leaves
    weights alone whose shapes differ.
    """
    if options is not None:
        raise ArgumentError(f"`options` of `load_weights` are for TensorFlow checkpoints; an HDF5 file takes none, received {options!r}.")
    if skip_mismatch and not by_name:
        raise ArgumentError("`skip_mismatch=True` of `load_weights` needs `by_name=True`: only names say which layers belong together.")
    with open_file(filepath) as root:
        weights.load(model, StoredWeights(root), by_name, skip_mismatch)


# -- writing -----------------------------------------------------------------------------------------------------------


def save_model(
    model: Any,
    filepath: Path | h5py.Group,
    overwrite: bool = True,
    include_optimizer: bool = True,
    save_format: str | None = None,
    signatures: Any = None,
    options: Any = None,
    save_traces: Any = None,
) -> None:
    """Write architecture, weights, and where `include_optimizer` is true what `compile` was given and the optimizer's state.

    The file is one that the Keras release of the model's generation reads. It appears under its name only when it is complete.
    """
    tensorflow_only = {"signatures": signatures, "options": options, "save_traces": save_traces}
    for name, value in tensorflow_only.items():
        if value is not None:
            raise ArgumentError(f"`{name}` of `save` is for TensorFlow's SavedModel format; an HDF5 file takes none, received {value!r}.")
    _write(filepath, overwrite, save_format, model, lambda file: legacy_writer.write_model(model, file, include_optimizer))


def save_weights(
    model: Any, filepath: Path | h5py.Group, overwrite: bool = True, save_format: str | None = None, options: Any = None
) -> None:
    """Write the weights alone."""
    if options is not None:
        raise ArgumentError(f"`options` of `save_weights` are for TensorFlow checkpoints; an HDF5 file takes none, received {options!r}.")
    _write(filepath, overwrite, save_format, model, lambda file: legacy_writer.write_weights(model, file))


def _write(filepath: Path | h5py.Group, overwrite: bool, save_format: str | None, model: Any, write: Callable[[h5py.Group], None]) -> None:
    if not model.built:
        raise NotBuiltError(f"Model '{model.name}' has no weights yet, so none can be saved. Call it on data, or `build(input_shape)`.")
    if isinstance(filepath, h5py.Group):
        write(filepath)
        return
    _check_format(os.fspath(filepath), save_format, model)
    if may_write(filepath, overwrite):
        with replacing(filepath) as temporary, h5py.File(temporary, "w") as file:
            write(file)


def _check_format(path: str, save_format: str | None, model: Any) -> None:
    """Refuse the formats that are not written: the name ends otherwise than `.h5`, in a generation where that chooses the format."""
    if save_format in ("h5", "hdf5"):
        return
    if save_format is not None:
        raise ArgumentError(f"`save_format` of model '{model.name}' must be 'h5', received {save_format!r}; other formats are not written.")
    by_suffix = behaviour("save_format_by_suffix", model._keras_version)
    if by_suffix and not path.lower().endswith((".h5", ".hdf5", ".hdf")):
        raise ArgumentError(f"Model '{model.name}' is saved as HDF5: end the name '{path}' in '.h5', or pass `save_format='h5'`.")
