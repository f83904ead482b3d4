"""The values of a model in a `.weights.h5` file, or in that part of a `.keras` file: out of it and into it.

Layers may have hooks of their own: `save_own_variables(store)`, `load_own_variables(store)` with a mapping of names to arrays,
`save_assets(folder)`, `load_assets(folder)`. When loading fails, all weights are as they were.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping
from typing import Any

import h5py
import numpy as np
import torch

from kcompat.errors import ArgumentError, FileError, KcompatError, NotBuiltError, ShapeError
from kcompat.files import weights
from kcompat.files.hdf5 import H5Array, H5Group
from kcompat.files.objects import overrides, own_variables, walk
from kcompat.generations import behaviour, keras_version_scope

#: tf.keras 2.12 and 2.13 call the list of a functional model's layers so
_EARLY = "_layer_checkpoint_dependencies"


class Stored(Mapping[str, np.ndarray]):
    """The `vars` of one object in one or more files: a mapping of names to arrays, as `load_own_variables` gets it."""

    def __init__(self, groups: Iterable[H5Group]):
        self.arrays: dict[str, H5Array] = {}
        for group in groups:
            self.arrays.update((key, group.array(key)) for key in group.keys())  # noqa: SIM118 - no mapping

    def __getitem__(self, key: str) -> np.ndarray:
        return np.array(self.arrays[key].read())

    def __iter__(self) -> Iterator[str]:
        return iter(self.arrays)

    def __len__(self) -> int:
        return len(self.arrays)

    def in_order(self) -> list[H5Array]:
        """The arrays '0', '1', ... by number."""
        if set(self.arrays) != {str(i) for i in range(len(self.arrays))}:
            raise FileError(f"The variables of an object must be numbered from 0, the file has {sorted(self.arrays)[:8]}.")
        return [self.arrays[str(i)] for i in range(len(self.arrays))]


class StateFile:
    """The objects of a file, or of several that together hold a model (shards), by path."""

    def __init__(self, roots: Iterable[H5Group]):
        self.roots = list(roots)

    def at(self, path: str) -> Stored:
        """The variables of the object at a path; none where the file has no such object."""
        early = "/".join(_EARLY if part == "layers" else part for part in path.split("/"))
        for place in dict.fromkeys((path, early)):
            groups = [group for root in self.roots if (group := root.group(f"{place}/vars" if place else "vars")) is not None]
            if groups:
                return Stored(groups)
        return Stored(())

    def is_empty(self) -> bool:
        """Whether there is no object at all, so that this is no file of weights."""
        found = ((root, key) for root in self.roots for key in list(root.keys()))
        return not any(key in ("vars", "layers", _EARLY) or root.group(f"{key}/vars") is not None for root, key in found)


# -- reading -----------------------------------------------------------------------------------------------------------


def load(
    model: Any,
    state: StateFile,
    version: str,
    skip_mismatch: bool = False,
    skip: Iterable[Any] = (),
    assets: Callable[[str], Any] | None = None,
) -> None:
    """Give the layers of `model` what a file has for them; nothing has changed when this raises.

    `version` is the Keras release whose walk gave the file its paths. With `skip_mismatch` an object that does not fit is left alone with
    a warning. `assets(path)` gives a folder with the files of an object, or None.
    """
    if not model.built:
        raise NotBuiltError(f"Model '{model.name}' has no weights yet, so none can be loaded. Call it on data, or `build(input_shape)`.")
    pairs: list[weights.Pair] = []
    hooks: list[tuple[Any, Callable[..., Any], Any]] = []
    wanted = given = 0
    for path, layer in walk(model, version, skip):
        stored = state.at(path)
        hook = overrides(layer, "load_own_variables")
        if hook is not None:
            hooks.append((layer, hook, stored))
        else:
            own = own_variables(layer)
            wanted, given = wanted + len(own), given + len(stored)
            pairs += _pairs(layer, own, path, stored, skip_mismatch)
        if assets is not None and (read := getattr(layer, "load_assets", None)) is not None and (folder := assets(path)) is not None:
            hooks.append((layer, read, folder))
    if wanted and not given:
        raise FileError(f"The file holds nothing for the layers of model '{model.name}': it is of another model.")
    with unchanged_on_failure(layer for layer, _, _ in hooks):
        for layer, hook, argument in hooks:
            _run(layer, hook, argument, skip_mismatch)
        weights.put_all(pairs)


def _pairs(layer: Any, own: list[Any], path: str, stored: Stored, skip_mismatch: bool) -> list[weights.Pair]:
    try:
        return _matched(layer, own, path, stored)
    except (FileError, ArgumentError) as error:
        if not skip_mismatch or isinstance(error, FileError):
            raise
        warnings.warn(f"{error} They are not loaded.", stacklevel=5)
        return []


def _matched(layer: Any, own: list[Any], path: str, stored: Stored) -> list[weights.Pair]:
    where = f"Layer '{layer.name}'" + (f" ('{path}' in the file)" if path else "")
    if len(own) != len(stored):
        hint = (
            ""
            if layer.built
            else " The layer is not built: write a `build` method that makes its weights, or call the model on data first."
        )
        raise ArgumentError(
            f"{where} has {len(own)} variables of shapes {[tuple(w.shape) for w in own]}, the file has {len(stored)}.{hint}"
        )
    arrays = stored.in_order()
    for weight, array in zip(own, arrays, strict=True):
        if tuple(weight.shape) != array.shape:
            raise ShapeError(f"{where}: the variable '{weight.path}' has shape {tuple(weight.shape)}, the file's has {array.shape}.")
    return list(zip(own, arrays, strict=True))


def _run(layer: Any, hook: Callable[..., Any], argument: Any, skip_mismatch: bool) -> None:
    """Call a hook of a layer; what it raises is an error of the file, or with `skip_mismatch` a warning."""
    try:
        hook(argument)
    except KcompatError:
        raise
    except Exception as error:
        message = f"Layer '{layer.name}': its `{hook.__name__}` failed on what the file holds: {type(error).__name__}: {error}"
        if not skip_mismatch:
            raise FileError(message) from error
        warnings.warn(message, stacklevel=6)


class unchanged_on_failure:
    """Inside the block hooks may change these layers; when it raises they get their weights back."""

    def __init__(self, layers: Iterable[Any]):
        self.kept = [(weight, weight.detach().clone()) for weight in {id(w): w for layer in layers for w in layer.weights}.values()]

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        if kind is not None:
            with torch.no_grad():
                for weight, value in self.kept:
                    weight.data.copy_(value)


def walk_that_fits(model: Any, file: StateFile, skip: Iterable[Any] = ()) -> str:
    """The release whose walk finds the most variables of the model in a file that does not name its writer.

    Keras 3 leaves the names of objects in the file; else the model's own release goes first.
    """
    named = any((group := root.group(place)) is not None and group.text("name") is not None for root in file.roots for place in ("vars",))
    candidates = dict.fromkeys((["3"] if named else []) + [model._keras_version, "2.15", "3"])

    def found(version: str) -> int:
        return sum(len(file.at(path)) == len(own_variables(layer)) for path, layer in walk(model, version, skip) if own_variables(layer))

    return max(candidates, key=found)


# -- writing -----------------------------------------------------------------------------------------------------------


class _Writing(MutableMapping[str, Any]):
    """What `save_own_variables` gets: arrays put here go to the `vars` of one object."""

    def __init__(self, place: Callable[[int], h5py.Group], path: str, name: str | None):
        self._place, self._path, self._name = place, path, name
        self._groups: dict[str, h5py.Group] = {}

    def __setitem__(self, key: str, value: Any) -> None:
        array = as_array(value)
        group = self._place(array.nbytes)
        vars_group = group.require_group(f"{self._path}/vars" if self._path else "vars")
        if self._name and not self._groups and "name" not in vars_group.attrs:
            vars_group.attrs["name"] = self._name
        made = vars_group.create_dataset(str(key), data=array)
        if _of_bfloat16(value):
            made.attrs["dtype"] = "bfloat16"
        self._groups[str(key)] = vars_group

    def __getitem__(self, key: str) -> Any:
        return self._groups[key][key][()]

    def __delitem__(self, key: str) -> None:
        del self._groups.pop(key)[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._groups)

    def __len__(self) -> int:
        return len(self._groups)

    def open(self) -> None:
        """Make the group, also where nothing is put into it."""
        group = self._place(0).require_group(f"{self._path}/vars" if self._path else "vars")
        if self._name:
            group.attrs["name"] = self._name


def _of_bfloat16(value: Any) -> bool:
    return isinstance(value, torch.Tensor) and value.dtype is torch.bfloat16


def as_array(value: Any) -> np.ndarray:
    """A tensor or array on the host, in row-major order; bfloat16 as two opaque bytes."""
    if not isinstance(value, torch.Tensor):
        return np.asarray(value)
    tensor = value.detach().data.cpu()
    if tensor.dtype is torch.bfloat16:
        return tensor.contiguous().view(torch.int16).numpy().view("V2")
    return np.ascontiguousarray(tensor.numpy()) if tensor.ndim else tensor.numpy()


def save(
    model: Any,
    place: Callable[[int], h5py.Group],
    version: str,
    skip: Iterable[Any] = (),
    with_optimizer: bool = False,
    assets: Callable[[str], str] | None = None,
) -> list[str]:
    """Write the layers of a model in the layout of a release; the paths written.

    `place(nbytes)` gives the file that the next array goes to; `assets(path)` a folder for the files of an object.
    """
    named = version_names(version)
    paths = []
    for path, layer in walk(model, version, skip):
        _check_path(path, layer)
        store = _Writing(place, path, layer.name if named else None)
        store.open()
        hook = overrides(layer, "save_own_variables")
        if hook is not None:
            hook(store)
        else:
            for index, weight in enumerate(own_variables(layer)):
                store[str(index)] = weight
        if assets is not None and (write := getattr(layer, "save_assets", None)) is not None:
            write(assets(path))
        paths.append(path)
    optimizer = model.optimizer if with_optimizer else None
    if optimizer is not None and hasattr(optimizer, "get_weights"):
        store = _Writing(place, "optimizer", optimizer.name if named else None)
        store.open()
        with keras_version_scope(version):
            state = optimizer.get_weights()
        for index, array in enumerate(state):
            store[str(index)] = np.asarray(array, np.int64) if index == 0 else array
        paths.append("optimizer")
    return paths


def version_names(version: str) -> bool:
    """Whether a release writes the names of objects beside their variables."""
    return bool(behaviour("file_object_names", version))


def _check_path(path: str, layer: Any) -> None:
    if any(part in (".", "..") for part in path.split("/")):
        raise ArgumentError(
            f"Layer '{layer.name}' would lie at '{path}' in the file, which is no path: rename the attribute that holds it."
        )
