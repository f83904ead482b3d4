"""`kcompat inspect FILE`: what a file of any of Keras' formats holds and what of it would not load; no code in it runs."""

from __future__ import annotations

import math
import os
import warnings
from argparse import Namespace
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from kcompat import files, layers, models
from kcompat.errors import KcompatError
from kcompat.files import archive, formats, json_text, savedmodel, shards
from kcompat.files.hdf5 import H5Group
from kcompat.files.members import open_members
from kcompat.files.savedmodel.bundle import Bundle
from kcompat.files.savedmodel.load import keras_of
from kcompat.files.savedmodel.metadata import read_metadata

#: imported because their classes are registered by it; `inspect` asks the registry
_ROOMS = (layers, models)
_VALUE, _SLOT = "/.ATTRIBUTES/VARIABLE_VALUE", "/.OPTIMIZER_SLOT/"
Shape = tuple[int, ...]


@dataclass
class Found:
    """What a file says about itself."""

    size: int
    written: str
    keras_version: str
    config: dict[str, Any] | None = None
    training: dict[str, Any] | None = None
    #: (name of a layer or object, shapes of its weights)
    rows: list[tuple[str, list[Shape]]] = field(default_factory=list)
    #: how many arrays the optimizer has
    optimizer: int = 0
    #: the classes of layers that are called as in `rows`
    classes: dict[str, str] = field(default_factory=dict)


def run(options: Namespace, console: Console) -> int:
    """Print what the file holds; 1 where something of it would not load."""
    path = options.file
    with console.status(f"reading {escape(path)}"):
        found = _READERS[formats.format_of(path)](path)
        problems, model = _problems(path, found)
        if model is not None:
            found.rows = [(layer.name, [tuple(w.shape) for w in layer.weights]) for layer in model.layers]
            found.classes = {layer.name: type(layer).__name__ for layer in model.layers}

    def tell(text: str) -> None:
        console.print(text, highlight=False, soft_wrap=True)

    tell(f"[bold]{escape(path)}[/]  {'model' if found.config is not None else 'weights only'}, {_size(found.size)}")
    tell(f"written by     {escape(found.written)}")
    tell(f"compiled with  {escape(_training(found))}")
    console.print(_table(found))
    tell(f"{sum(math.prod(shape) for _, shapes in found.rows for shape in shapes):,} numbers in the weights")
    for problem in problems:
        tell(f"[bold yellow]would not load as it is:[/] {escape(problem)}")
    if not problems:
        tell("[green]Everything in it would load.[/]" if found.config is not None else "Load it with `model.load_weights(path)`.")
    return int(bool(problems))


# -- reading -------------------------------------------------------------------------------------------------------------------


def _hdf5(path: str) -> Found:
    with files.open_file(path) as root:
        if root.texts("layer_names") is None and root.group("model_weights") is None:
            rows, optimizer = _objects([root])
            return Found(root.file_size, "Keras 3, or tf.keras 2.12 and later", "3", rows=rows, optimizer=optimizer)
        facts = files.read_facts(root)
        rows = [(entry.name, [array.shape for array in entry.arrays]) for entry in facts.weights.layers]
        if facts.weights.top_level is not None and facts.weights.top_level.arrays:
            rows.append((facts.weights.top_level.name, [array.shape for array in facts.weights.top_level.arrays]))
        written = f"Keras {facts.keras_version}" + (f" on {facts.backend}" if facts.backend else "")
        classes = {files.layer_name(entry): entry["class_name"] for entry in files.layer_entries(facts.config)}
        return Found(root.file_size, written, facts.keras_version, facts.config, facts.training, rows, len(facts.optimizer), classes)


def _archive(path: str) -> Found:
    with open_members(path) as members:
        version = archive.keras_version(members)
        config = json_text.parse_dict(members.text(archive.CONFIG), f"The member '{archive.CONFIG}'")
        training = config.pop("compile_config", None)
        with files.open_file(members.view(archive.WEIGHTS)) as root:
            rows, optimizer = _objects([root])
    return Found(_bytes_of(path), f"Keras {version}", version, config, training, rows, optimizer)


def _shards(path: str) -> Found:
    with shards.open_shards(path) as roots:
        rows, optimizer = _objects(roots)
        return Found(sum(root.file_size for root in roots), f"Keras 3, in {len(roots)} files", "3", rows=rows, optimizer=optimizer)


def _objects(roots: list[H5Group]) -> tuple[list[tuple[str, list[Shape]]], int]:
    """The objects that have variables, and how many variables the optimizer has."""
    held: dict[str, list[Shape]] = {}
    for root in roots:
        for path, shapes in _below(root, ""):
            held.setdefault(path, []).extend(shapes)
    optimizer = len(held.pop("optimizer", []))
    return list(held.items()), optimizer


def _below(group: H5Group, path: str, depth: int = 0) -> Iterator[tuple[str, list[Shape]]]:
    for key in group.keys():  # noqa: SIM118 - no mapping
        inner = group.group(key) if depth < 64 else None
        if inner is None:
            continue
        if key == "vars":
            if inner.keys():
                yield path, [inner.array(name).shape for name in inner.keys()]  # noqa: SIM118
        else:
            yield from _below(inner, f"{path}/{key}" if path else key, depth + 1)


def _saved_model(path: str) -> Found:
    metadata = read_metadata(path)
    root = metadata.objects[0].config
    config = {"class_name": root.get("class_name"), "config": root.get("config")}
    found = _bundle(os.path.join(path, "variables", "variables"))
    found.written, found.keras_version = f"tf.keras of TensorFlow {metadata.tensorflow}", keras_of(metadata.tensorflow)
    found.config, found.training = config, root.get("training_config")
    return found


def _checkpoint(path: str) -> Found:
    prefix = savedmodel.checkpoint_prefix(path)
    assert prefix is not None
    return _bundle(prefix)


def _bundle(prefix: str) -> Found:
    with Bundle(prefix) as bundle:
        values = {name: tuple(entry.shape) for name, entry in bundle.entries.items() if name.endswith(_VALUE) or "/." not in name}
        values.pop("_CHECKPOINTABLE_OBJECT_GRAPH", None)
        of_optimizer = [name for name in values if _SLOT in name or name.startswith("optimizer/")]
        rows: dict[str, list[Shape]] = {}
        for name, shape in values.items():
            if name not in of_optimizer and not name.startswith(("keras_api/", "save_counter")):
                owner, _, _ = name.removesuffix(_VALUE).rpartition("/")
                rows.setdefault(owner or name.removesuffix(_VALUE), []).append(shape)
        size = bundle.nbytes
    return Found(size, "TensorFlow", "2.15", rows=list(rows.items()), optimizer=len(of_optimizer))


_READERS: dict[str, Callable[[str], Found]] = {
    "hdf5": _hdf5, "archive": _archive, "shards": _shards, "savedmodel": _saved_model, "checkpoint": _checkpoint,
}  # fmt: skip


# -- telling -------------------------------------------------------------------------------------------------------------------


def _table(found: Found) -> Table:
    shown = [(name, found.classes.get(name, ""), shapes) for name, shapes in found.rows]
    with_class = bool(found.classes)
    table = Table("layer" if with_class else "object", *(["class"] if with_class else []), "weights", "numbers")
    table.columns[-1].justify = "right"
    for name, cls, shapes in shown:
        numbers = sum(math.prod(shape) for shape in shapes)
        middle = [escape(cls)] if with_class else []
        table.add_row(escape(name), *middle, "  ".join(map(str, shapes)), f"{numbers:,}" if numbers else "")
    return table


def _problems(path: str, found: Found) -> tuple[list[str], Any]:
    """What in the file would not load, and why; where nothing is known to be wrong, loading it is tried, and the model comes along."""
    if found.config is None:
        return [], None
    known = list(files.problems(found.config, found.keras_version))
    if known:
        return known, None
    try:
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            model = models.load_model(path)
    except KcompatError as error:
        return [str(error)], None
    return [str(warning.message) for warning in warned if found.training is not None], model if not found.classes else None


def _training(found: Found) -> str:
    if found.training is None:
        return f"an optimizer with {found.optimizer} arrays" if found.optimizer else "nothing"
    config = found.training.get("optimizer_config") or found.training.get("optimizer") or {}
    name = config.get("class_name", "?") if isinstance(config, dict) else config
    loss = found.training.get("loss")
    loss = loss.get("class_name", loss) if isinstance(loss, dict) else loss
    state = f", optimizer state of {found.optimizer} arrays" if found.optimizer else ""
    return f"{str(name).removeprefix('Custom>')}, loss {loss}{state}"


def _bytes_of(path: str) -> int:
    if os.path.isdir(path):
        return sum(os.path.getsize(os.path.join(folder, name)) for folder, _, names in os.walk(path) for name in names)
    return os.path.getsize(path)


def _size(nbytes: int) -> str:
    return f"{nbytes / 1e6:,.1f} MB" if nbytes >= 1e6 else f"{nbytes / 1e3:,.1f} kB"
