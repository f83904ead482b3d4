"""Names that Python can read, each given once."""

from __future__ import annotations

import builtins
import keyword
import re
import unicodedata

import torch

#: names that mean something in the module that is written
_RESERVED = frozenset({"torch", "F", "self", "nn", "Path", "load", "load_file", "model", "print", "float", "slice", "max", "min", "zip"})
_METHODS = ("_infer", "_train")


def identifier(name: str) -> str:
    """A Python name that looks like `name`: dashes, spaces and dots become underscores."""
    normal = unicodedata.normalize("NFKC", name)  # as Python reads names
    made = "".join(c if f"x{c}".isidentifier() else "_" for c in normal)
    made = made if made.isidentifier() else f"x_{made}".rstrip("_") or "x"
    return f"{made}_" if keyword.iskeyword(made) or made in _RESERVED else made


def class_name(title: str) -> str:
    """'small_cnn' -> 'SmallCnn'."""
    return identifier("".join(part[:1].upper() + part[1:] for part in re.split(r"\W|_", title)) or "Model")


class Taken:
    """The names in use in one method or one module."""

    def __init__(self, *names: str):
        self._names = set(names)

    def take(self, wanted: str) -> str:
        """`wanted`, with a number behind it where that is in use."""
        base, number = identifier(wanted), 0
        base = f"{base}_" if hasattr(builtins, base) else base
        name = base
        while name in self._names:
            number += 1
            name = f"{base}_{number}"
        self._names.add(name)
        return name


class Places:
    """The names of weights in the module: one for each target of the program, the same wherever it is asked for."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}

    def of(self, target: str) -> str:
        """'layers.0.conv-1.kernel' -> 'layers.x_0.conv_1.kernel'."""
        if target not in self._known:
            parts = [identifier(part) for part in target.split(".")]
            path = ".".join(f"{part}_" if hasattr(torch.nn.Module(), part) or part in _METHODS else part for part in parts)
            taken = set(self._known.values())
            name, number = path, 0
            while name in taken or any(t.startswith(f"{name}.") or name.startswith(f"{t}.") for t in taken):
                number += 1
                name = f"{path}_{number}"
            self._known[target] = name
        return self._known[target]
