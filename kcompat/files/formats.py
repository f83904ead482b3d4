"""Which format a file has, and which one a model is written in: every way in and out of a model file goes through here.

A file is known by what it holds, not by its name: HDF5 and zip archives by their first bytes, folders by what lies in them. For writing
the name and the generation decide, as in Keras: before tf.keras everything is HDF5; later `.keras` is an archive, `.h5` HDF5,
`.weights.h5` and `.weights.json` weights by object.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping
from typing import Any

import h5py

from kcompat.atomic import may_write, replacing
from kcompat.errors import ArgumentError, FileError, NotBuiltError
from kcompat.files import archive, compiled, legacy, savedmodel, shards, state
from kcompat.files.dialect import in_generation
from kcompat.files.hdf5 import SIGNATURE, H5Group, open_file
from kcompat.files.members import open_members
from kcompat.files.source import opened
from kcompat.generations import behaviour, keras_version_scope

_HDF5 = (".h5", ".hdf5", ".hdf")
Build = Callable[[dict[str, Any], Mapping[str, Any] | None], Any]


def format_of(source: Any) -> str:
    """The format of a file to read: 'hdf5', 'archive', 'shards', 'savedmodel' or 'checkpoint'."""
    if isinstance(source, h5py.Group):
        return "hdf5"
    if isinstance(source, Mapping):
        return "archive"
    if isinstance(source, (str, os.PathLike)):
        path = os.fspath(source)
        if savedmodel.is_saved_model(path):
            return "savedmodel"
        if os.path.isfile(os.path.join(path, archive.CONFIG)):
            return "archive"
        if savedmodel.checkpoint_prefix(path) is not None:
            return "checkpoint"
        if os.path.isdir(path):
            raise FileError(f"The folder '{path}' holds no model: neither a `saved_model.pb` nor a `config.json` lies in it.")
        if path.endswith(".weights.json"):
            return "shards"
    with opened(source) as view:
        head = bytes(view[:8])
    return "archive" if head[:2] == b"PK" else "hdf5" if head == SIGNATURE else _unknown(source, head)


def _unknown(source: Any, head: bytes) -> str:
    return "archive" if str(source).endswith(".keras") else "hdf5"  # whose readers say what is wrong


# -- models ------------------------------------------------------------------------------------------------------------


def load_model(
    source: Any, build: Build, custom_objects: Mapping[str, Any] | None = None, compile: bool = True, safe_mode: bool = True
) -> Any:
    """The model in a file of any format that Keras ever wrote; see `kcompat.models.load_model`."""
    kind = format_of(source)
    if kind == "archive":
        return archive.load_model(source, build, custom_objects, compile, safe_mode)
    if kind == "hdf5":
        return legacy.load_model(source, build, custom_objects, compile, safe_mode)
    if kind == "savedmodel":
        return savedmodel.load_model(source, build, custom_objects, compile, safe_mode)
    raise FileError(f"'{source}' holds weights but no model. Build the model in code, then `model.load_weights(path)`.")


def save_model(
    model: Any,
    filepath: Any,
    overwrite: bool = True,
    include_optimizer: bool = True,
    save_format: str | None = None,
    zipped: bool | None = None,
    keras_version: str | None = None,
    signatures: Any = None,
    options: Any = None,
    save_traces: Any = None,
) -> None:
    """Write a whole model: architecture, weights, and where `include_optimizer` is true what `compile` was given with its state.

    The format comes from the name, from `save_format` ('keras' or 'h5'), or from the target: an open `h5py` group takes HDF5, a binary
    stream or a mapping the members of a `.keras` file. `zipped=False` makes a folder of them. `keras_version` writes for another Keras
    release than the model's own.
    """
    for name, value in {"signatures": signatures, "options": options, "save_traces": save_traces}.items():
        if value not in (None, True) or (value is True and name != "save_traces"):
            raise ArgumentError(f"`{name}` of `save` is for TensorFlow's SavedModel format, which is not written; received {value!r}.")
    _check_built(model)
    with in_generation(model, keras_version):
        if _written_format(model, filepath, save_format, zipped) == "hdf5":
            if zipped is not None and not isinstance(filepath, h5py.Group):
                raise ArgumentError(f"`zipped` of `save` is for `.keras` files, '{filepath}' is HDF5; received {zipped!r}.")
            legacy.save_model(model, filepath, overwrite=overwrite, include_optimizer=include_optimizer, save_format="h5")
        elif not isinstance(filepath, (str, os.PathLike)) or may_write(filepath, overwrite):
            archive.save_model(model, filepath, include_optimizer, zipped is not False)


def _written_format(model: Any, target: Any, save_format: str | None, zipped: bool | None) -> str:
    if save_format not in (None, "keras", "h5", "hdf5"):
        raise ArgumentError(f"`save_format` must be 'keras' or 'h5', received {save_format!r}; TensorFlow's formats are not written.")
    if isinstance(target, h5py.Group):
        return "hdf5"
    if isinstance(target, MutableMapping):
        return "archive"
    if save_format is not None:
        return "archive" if save_format == "keras" else "hdf5"
    if hasattr(target, "write"):
        return "archive" if behaviour("save_format_by_suffix", model._keras_version) else "hdf5"
    path = os.fspath(target).lower()
    if zipped is False:
        return "archive"
    if not behaviour("save_format_by_suffix", model._keras_version) or path.endswith(_HDF5):
        return "hdf5"
    if path.endswith(".keras"):
        return "archive"
    raise ArgumentError(f"Model '{model.name}' is saved as '.keras' or '.h5': end the name '{target}' so, or pass `save_format=`.")


# -- weights -----------------------------------------------------------------------------------------------------------


def load_weights(
    model: Any,
    filepath: Any,
    by_name: bool = False,
    skip_mismatch: bool = False,
    objects_to_skip: Iterable[Any] | None = None,
    options: Any = None,
    reshape: bool = False,
) -> Any:
    """Give `model` the weights of a file of any format; when this raises, the model is as it was.

    By default what stands in the same place belongs together; `by_name` goes by the names of layers (HDF5 of whole layers only),
    `skip_mismatch` leaves alone what does not fit, `objects_to_skip` names layers that keep their values (files by object only).
    """
    if reshape:
        raise ArgumentError(
            "`reshape=True` of `load_weights` (CNTK, Keras 2.2 and 2.3) is not supported: arrays must have the weights' shapes."
        )
    kind = format_of(filepath)
    if kind == "hdf5":
        with open_file(filepath) as root:
            if root.texts("layer_names") is not None or root.group("model_weights") is not None or state.StateFile([root]).is_empty():
                _only(objects_to_skip=objects_to_skip, why="files by object, such as `.weights.h5`")
                legacy.load_weights(model, filepath, by_name, skip_mismatch, options)
            else:
                _load_objects(model, [root], by_name, skip_mismatch, objects_to_skip, options)
    elif kind == "archive":
        with open_members(filepath) as members, open_file(members.view(archive.WEIGHTS)) as root:
            version = archive.keras_version(members)
            _load_objects(model, [root], by_name, skip_mismatch, objects_to_skip, options, version)
    elif kind == "shards":
        with shards.open_shards(filepath) as roots:
            _load_objects(model, roots, by_name, skip_mismatch, objects_to_skip, options)
    else:
        _only(objects_to_skip=objects_to_skip, why="files by object, such as `.weights.h5`")
        prefix = savedmodel.checkpoint_prefix(filepath)
        if prefix is None:
            raise FileError(f"'{filepath}' holds no variables.")
        return savedmodel.load_weights(model, prefix, by_name, skip_mismatch)
    return None


def _only(why: str, **given: Any) -> None:
    for name, value in given.items():
        if value:
            raise ArgumentError(f"`{name}` of `load_weights` is for {why}; received {value!r}.")


def _load_objects(
    model: Any,
    roots: list[H5Group],
    by_name: bool,
    skip_mismatch: bool,
    skip: Iterable[Any] | None,
    options: Any,
    version: str | None = None,
) -> None:
    """Weights from files by object, and the state of the optimizer where model and file have one."""
    _only(by_name=by_name, options=options, why="HDF5 files of whole layers (`.h5`)" if by_name else "TensorFlow checkpoints")
    _check_built(model, "loaded")
    file = state.StateFile(roots)
    skip = list(skip or ())
    version = version or state.walk_that_fits(model, file, skip)
    has_optimizer = getattr(model, "optimizer", None) is not None
    arrays = [array.copy() for array in file.at("optimizer").in_order()] if has_optimizer else []  # before anything changes
    state.load(model, file, version, skip_mismatch, skip)
    with keras_version_scope(version):
        if has_optimizer:
            compiled.restore_optimizer(model, arrays)


def save_weights(
    model: Any,
    filepath: Any,
    overwrite: bool = True,
    save_format: str | None = None,
    options: Any = None,
    max_shard_size: float | None = None,
    keras_version: str | None = None,
) -> None:
    """Write the weights alone: by layer in `.h5` files, by object in `.weights.h5` (tf.keras 2.12 and later, Keras 3).

    `max_shard_size` (in GB) splits them over several files beside a `.weights.json`.
    """
    if options is not None:
        raise ArgumentError(f"`options` of `save_weights` are for TensorFlow checkpoints, which are not written; received {options!r}.")
    if save_format not in (None, "h5", "hdf5", "keras"):
        raise ArgumentError(
            f"`save_format` of `save_weights` must be 'h5', received {save_format!r}; TensorFlow's formats are not written."
        )
    _check_built(model)
    with in_generation(model, keras_version):
        if max_shard_size is not None:
            if may_write(filepath, overwrite):
                shards.save(model, filepath, max_shard_size)
        elif _by_object(model, filepath, save_format):
            _write_objects(model, filepath, overwrite)
        else:
            legacy.save_weights(model, filepath, overwrite=overwrite, save_format=save_format)


def _by_object(model: Any, target: Any, save_format: str | None) -> bool:
    if isinstance(target, h5py.Group) or not behaviour("save_format_by_suffix", model._keras_version):
        return False
    if hasattr(target, "write"):
        return True
    path = os.fspath(target)
    if path.endswith(".weights.h5"):
        return save_format in (None, "keras")
    if behaviour("file_object_names", model._keras_version) and not path.lower().endswith(_HDF5):
        raise ArgumentError(f"Weights of model '{model.name}' are saved to a name that ends in '.weights.h5', received '{path}'.")
    return False


def _write_objects(model: Any, target: Any, overwrite: bool) -> None:
    def write(place: Any) -> None:
        with h5py.File(place, "w") as file:
            state.save(model, lambda nbytes: file, model._keras_version, with_optimizer=True)

    if hasattr(target, "write"):
        write(target)
    elif may_write(target, overwrite):
        with replacing(target) as temporary:
            write(temporary)


def _check_built(model: Any, what: str = "saved") -> None:
    if not model.built:
        raise NotBuiltError(f"Model '{model.name}' has no weights yet, so none can be {what}. Call it on data, or `build(input_shape)`.")


@contextlib.contextmanager
def saved_weights(source: Any) -> Iterator[list[H5Group]]:
    """The HDF5 roots that hold the weights of a file by object."""
    with contextlib.ExitStack() as stack:
        kind = format_of(source)
        if kind == "shards":
            yield stack.enter_context(shards.open_shards(source))
        elif kind == "archive":
            yield [stack.enter_context(open_file(stack.enter_context(open_members(source)).view(archive.WEIGHTS)))]
        else:
            yield [stack.enter_context(open_file(source))]
