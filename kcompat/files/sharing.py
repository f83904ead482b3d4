"""Layers that stand in an outer and in an inner model: Keras marks only one of the places, so the other one is found here.

tf.keras and Keras 3 give a layer that stands in several places a `shared_object_id`, but write that of a nested model's own copy only
sometimes; neither can read such a file back (measured with tf_keras 2.21 and Keras 3.15.1). A mark that occurs once belongs to the
layer of the same class, name and config that has none.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

MARK = "shared_object_id"


def mark_twins(config: Any) -> None:
    """Give the unmarked places of shared layers their mark, in place."""
    places = list(_layers(config))
    marked: dict[Any, list[dict[str, Any]]] = {}
    for place in places:
        if isinstance(place.get(MARK), int):
            marked.setdefault(place[MARK], []).append(place)
    lone = [found[0] for found in marked.values() if len(found) == 1]
    if not lone:
        return
    unmarked: dict[str, list[dict[str, Any]]] = {}
    for place in places:
        if MARK not in place:
            unmarked.setdefault(_described(place), []).append(place)
    for place in lone:
        for twin in unmarked.get(_described(place), ()):
            twin[MARK] = place[MARK]


def _layers(config: Any) -> Iterator[dict[str, Any]]:
    """Every layer that stands in a graph, at any depth."""
    inner = config.get("config") if isinstance(config, dict) else None
    held = inner.get("layers") if isinstance(inner, dict) else None
    for place in held if isinstance(held, list) else ():
        if isinstance(place, dict) and isinstance(place.get("class_name"), str):
            yield place
            yield from _layers(place)


def _described(place: dict[str, Any]) -> str:
    """Class and config without marks, as text that can be compared."""
    return json.dumps([place["class_name"], _bare(place.get("config"))], sort_keys=True, default=str)


def _bare(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _bare(item) for key, item in value.items() if key != MARK}
    return [_bare(item) for item in value] if isinstance(value, (list, tuple)) else value
