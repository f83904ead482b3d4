"""Names that Keras gives to layers without one, as each generation does."""

from __future__ import annotations

import re
from collections import defaultdict

from kcompat.generations import behaviour

_counters: dict[str, int] = defaultdict(int)


def snake_case(name: str, splits_before_digits: bool = False) -> str:
    """The class name in snake case: 'Conv2D' -> 'conv2d', 'BatchNormalization' -> 'batch_normalization'."""
    name = re.sub(r"\W+", "", name)
    word = "[a-z0-9]+" if splits_before_digits else "[a-z]+"
    spaced = re.sub(f"(.)([A-Z]{word})", r"\1_\2", name)
    spaced = re.sub("([a-z])([A-Z])", r"\1_\2", spaced).lower()
    return f"private{spaced}" if spaced.startswith("_") else spaced


def auto_name(class_name: str) -> str:
    """The next automatic name for a layer of this class."""
    return unique_name(snake_case(class_name, behaviour("auto_name_splits_before_digits")), behaviour("auto_name_first_index"))


def unique_name(prefix: str, first_index: int) -> str:
    """`prefix` with the next number; the number 0 is left out."""
    index = first_index + _counters[prefix]
    _counters[prefix] += 1
    return f"{prefix}_{index}" if index else prefix


def reset_names() -> None:
    """Start counting anew (Keras: `clear_session`, `reset_uids`)."""
    _counters.clear()


def is_auto_name(name: str, class_name: str) -> bool:
    """Whether `name` looks like one that Keras gave: the class name in snake case, perhaps with a number."""
    prefixes = {snake_case(class_name), snake_case(class_name, splits_before_digits=True)}
    if class_name in ("Functional", "Model"):
        prefixes |= {"model", "functional"}
    if class_name == "InputLayer":
        prefixes |= {"input"}
    return re.sub(r"_\d+$", "", name) in prefixes
