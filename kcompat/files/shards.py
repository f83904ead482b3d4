"""Weights over several files: `x.weights.json` says which object lies in which of `x_00000.weights.h5`, `x_00001.weights.h5`, ..."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import Any

import h5py

from kcompat.atomic import replacing
from kcompat.errors import ArgumentError, FileError, UnsafeFileError
from kcompat.files import json_text, state
from kcompat.files.hdf5 import H5Group, open_file
from kcompat.files.legacy_writer import as_json
from kcompat.files.source import opened, path_of

_GIGABYTE = 1024**3


@contextlib.contextmanager
def open_shards(source: Any) -> Iterator[list[H5Group]]:
    """The files that a `.weights.json` names; they lie in its folder."""
    path = path_of(source)
    with opened(path) as view:
        try:
            text = str(view, "utf-8")
        except UnicodeDecodeError as error:
            raise FileError(f"'{path}' is no UTF-8 text: {error}") from error
    places = json_text.parse_dict(text, f"'{path}'").get("weight_map")
    if not isinstance(places, dict):
        raise FileError(f"'{path}' has no `weight_map` that says which file holds what.")
    names: dict[str, None] = {}
    for value in places.values():
        for name in value if isinstance(value, list) else [value]:
            if not isinstance(name, str) or os.path.basename(name) != name or name in ("", ".", "..") or "\0" in name or "\\" in name:
                raise UnsafeFileError(f"'{path}' names the file {name!r}; the parts of a model lie beside it.")
            names[name] = None
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(open_file(os.path.join(os.path.dirname(path), name))) for name in sorted(names)]


def save(model: Any, filepath: Any, max_shard_size: float) -> None:
    """Write the weights to files of at most `max_shard_size` GB (one array never lies in two), the index last."""
    path = path_of(filepath)
    if not path.endswith((".weights.json", ".weights.h5")):
        raise ArgumentError(f"With `max_shard_size` the name must end in '.weights.json', received '{path}'.")
    if isinstance(max_shard_size, bool) or not isinstance(max_shard_size, (int, float)) or not max_shard_size > 0:
        raise ArgumentError(f"`max_shard_size` must be a positive number of GB, received {max_shard_size!r}.")
    base = path.removesuffix(".json").removesuffix(".h5").removesuffix(".weights")
    with contextlib.ExitStack() as stack:
        files: list[h5py.File] = []
        sizes: list[int] = []

        def name(index: int) -> str:
            return f"{base}_{index:05d}.weights.h5"

        def place(nbytes: int) -> h5py.Group:
            if not files or (sizes[-1] and sizes[-1] + nbytes > max_shard_size * _GIGABYTE):
                temporary = stack.enter_context(replacing(name(len(files))))
                files.append(stack.enter_context(h5py.File(temporary, "w")))
                sizes.append(0)
            sizes[-1] += nbytes
            return files[-1]

        paths = state.save(model, place, model._keras_version, with_optimizer=True)
        held = {
            f"/{path}/vars" if path else "/vars": [
                os.path.basename(name(i)) for i, file in enumerate(files) if (f"{path}/vars" if path else "vars") in file
            ]
            for path in paths
        }
        index = {"metadata": {"total_size": sum(sizes)}, "weight_map": held}
        with replacing(f"{base}.weights.json") as temporary, open(temporary, "w", encoding="utf-8") as file:
            file.write(as_json(index, "The index"))
