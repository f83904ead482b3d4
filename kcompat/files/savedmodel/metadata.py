"""What Keras says about the objects of a SavedModel: JSON for each, in `keras_metadata.pb` or, before TF 2.5, inside `saved_model.pb`.

Only this text and TensorFlow's version are read; the traced functions, which could run anything, are not looked at.
"""

from __future__ import annotations

import mmap
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from kcompat.errors import FileError
from kcompat.files import json_text
from kcompat.files.savedmodel.bundle import read_file, regular_size
from kcompat.files.savedmodel.wire import Value, fields, message, number, text

_MODEL, _METADATA = "saved_model.pb", "keras_metadata.pb"
_MAX_METADATA = 512 << 20


@dataclass
class Described:
    """One object of Keras: what kind it is, and its JSON."""

    identifier: str
    config: dict[str, Any]


@dataclass
class Metadata:
    """TensorFlow's version and the objects of Keras by number."""

    tensorflow: str
    objects: dict[int, Described]


def is_saved_model(path: Any) -> bool:
    """Whether a path is a folder with a SavedModel."""
    return isinstance(path, (str, os.PathLike)) and os.path.isfile(os.path.join(path, _MODEL))


def read_metadata(folder: str) -> Metadata:
    """The metadata of a SavedModel; FileError where it holds none of Keras."""
    path = os.path.join(folder, _METADATA)
    with _mapped(os.path.join(folder, _MODEL)) as data:
        version, graph = _meta_graph(data)
        described = dict(_from_metadata_file(path) if os.path.exists(path) else _from_object_graph(graph))
    if 0 not in described:
        raise FileError(
            f"'{folder}' is a SavedModel without Keras' description of its model, as `tf.saved_model.save` and `model.export` write it. "
            "Only TensorFlow can run it; save it with Keras' `model.save`."
        )
    return Metadata(version, described)


@contextmanager
def _mapped(path: str) -> Iterator[memoryview]:
    """The bytes of a file, mapped: the graphs in it may be large and are skipped."""
    if regular_size(path) == 0:
        raise FileError(f"'{path}' is empty.")
    with open(path, "rb") as file:
        yield memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))


def _meta_graph(data: memoryview) -> tuple[str, memoryview]:
    """TensorFlow's version, and the graph of objects, of the first meta graph."""
    version, objects = "", memoryview(b"")
    first = next((message(v, _MODEL) for n, v in fields(data, _MODEL) if n == 2), None)
    if first is None:
        raise FileError(f"{_MODEL} is damaged: it holds no graph.")
    for n, value in fields(first, _MODEL):
        if n == 1:
            version = next((text(v, _MODEL) for k, v in fields(message(value, _MODEL), _MODEL) if k == 5), "")
        elif n == 7:
            objects = message(value, _MODEL)
    return version, objects


def _from_metadata_file(path: str) -> Iterator[tuple[int, Described]]:
    for n, value in fields(memoryview(read_file(path, _MAX_METADATA)), _METADATA):
        if n == 1:
            node = dict(fields(message(value, _METADATA), _METADATA))
            yield number(node.get(2, 0), _METADATA), _described(node.get(4), node.get(5), _METADATA)


def _from_object_graph(graph: memoryview) -> Iterator[tuple[int, Described]]:
    """TF 2.0 to 2.4: objects of the user's kind carry the same JSON."""
    index = 0
    for n, value in fields(graph, _MODEL):
        if n != 1:
            continue
        for k, inner in fields(message(value, _MODEL), _MODEL):
            if k == 4:
                node = dict(fields(message(inner, _MODEL), _MODEL))
                if 1 in node and text(node[1], _MODEL).startswith("_tf_keras"):
                    yield index, _described(node[1], node.get(3), _MODEL)
        index += 1


def _described(identifier: Value | None, described: Value | None, what: str) -> Described:
    name = "" if identifier is None else text(identifier, what)
    body = "" if described is None else text(described, what)
    parsed = json_text.parse_dict(body, f"What {what} says of a {name}") if body else {}
    return Described(name, plain(parsed))


def plain(value: Any) -> Any:
    """JSON in which tuples and shapes, which have a form of their own here, are lists."""
    if isinstance(value, list):
        return [plain(item) for item in value]
    if not isinstance(value, dict):
        return value
    if value.get("class_name") in ("__tuple__", "TensorShape", "__list__") and "items" in value:
        return plain(value["items"])
    return {key: plain(item) for key, item in value.items()}
