"""What of a model file would not load, found without building anything."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kcompat import registry
from kcompat.errors import KcompatError, nearest
from kcompat.files.upgrade import Context, upgraded

#: where layers stand in the config of another layer
_INSIDE = ("layers", "layer", "forward_layer", "backward_layer", "cell", "cells")


def layer_entries(config: Any) -> Iterator[dict[str, Any]]:
    """Every serialized layer below a model's config, at any depth, outer ones first."""
    inner = config.get("config") if isinstance(config, dict) else config
    held = [inner] if isinstance(inner, list) else [inner[key] for key in _INSIDE if key in inner] if isinstance(inner, dict) else []
    for item in (entry for value in held for entry in (value if isinstance(value, list) else [value])):
        if isinstance(item, dict) and isinstance(item.get("class_name"), str):
            yield item
            yield from layer_entries(item)


def layer_name(entry: dict[str, Any]) -> str:
    """The name of a serialized layer."""
    config = entry.get("config")
    return str(entry.get("name") or (config.get("name") if isinstance(config, dict) else None) or "?")


def problems(config: dict[str, Any], keras_version: str) -> Iterator[str]:
    """A sentence for each layer that nobody knows, and for each one whose config cannot be read."""
    for entry in layer_entries(config):
        name, class_name = layer_name(entry), entry["class_name"]
        if registry.find("layer", class_name) is None:
            close = nearest(class_name, registry.names("layer"))
            yield f"Layer '{name}': there is no class '{class_name}'. {close} A class of your own goes into `custom_objects`."
        elif not list(layer_entries(entry)):
            try:
                upgraded(entry, Context(keras_version))
            except KcompatError as error:
                yield str(error)
