"""The text of the module around its statements."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import torch

from kcompat.files.torch_source.weights import Weights

_WIDTH = 120


def module_text(title: str, weights: Weights, inputs: list[str], bodies: dict[str, list[str]]) -> str:
    """The whole file; `bodies` are the statements of `forward` by mode, one entry where inference and training are the same."""
    return "\n".join(_lines(title, weights, inputs, bodies)) + "\n"


def _lines(title: str, weights: Weights, inputs: list[str], bodies: dict[str, list[str]]) -> Iterator[str]:
    yield '"""A plain PyTorch module. Its weights are in the .safetensors file beside it: `model = load()`."""\n'
    if any("math." in line for body in bodies.values() for line in body):
        yield "import math"
    yield "from pathlib import Path\n"
    yield "import torch\nfrom torch import nn"
    yield "from torch.nn import functional as F\n\n" if any("F." in line for body in bodies.values() for line in body) else "\n"
    yield f"class {title}(nn.Module):"
    yield f'    """forward({", ".join(inputs)}); begins in inference mode, `.train()` for training."""\n'
    yield "    def __init__(self):\n        super().__init__()"
    for holder in _holders(weights):
        yield f"        self.{holder} = nn.Module()"
    for name, tensor in weights.tensors.items():
        yield from _wrapped(_declared(name, tensor, name in weights.trainable), 8)
    if _holds_images_last(weights, bodies):
        yield "        self.to(memory_format=torch.channels_last)  # as the images come, which is faster"
    yield "        self.eval()\n"
    arguments = ", ".join(["self", *inputs])
    if len(bodies) == 1:
        yield from _method("forward", arguments, next(iter(bodies.values())))
    else:
        call = ", ".join(inputs)
        yield from _method("forward", arguments, [f"return self._train({call}) if self.training else self._infer({call})"])
        for mode, body in bodies.items():
            yield from _method(f"_{mode}", arguments, body)
    yield f"""
def load(path=None):
    \"\"\"The module with its weights, from `path` or the .safetensors file beside this one.\"\"\"
    from safetensors.torch import load_file

    model = {title}()
    model.load_state_dict(load_file(path or Path(__file__).with_suffix(".safetensors")))
    return model


if __name__ == "__main__":
    for name, tensor in load().state_dict().items():
        print(f"{{name:60}} {{tuple(tensor.shape)}}")"""


def _declared(name: str, tensor: torch.Tensor, trained: bool) -> str:
    dtype = "" if tensor.dtype is torch.float32 else f", dtype={tensor.dtype}"
    shape = ", ".join(map(str, tensor.shape)) if tensor.ndim else "()"
    made = f"torch.empty({shape}{dtype})"
    owner, _, last = name.rpartition(".")
    if trained:
        return f"self.{name} = nn.Parameter({made})"
    return f'self{"." if owner else ""}{owner}.register_buffer("{last}", {made})'


def _holds_images_last(weights: Weights, bodies: dict[str, list[str]]) -> bool:
    """Whether kernels of images meet images that have their channels last in memory."""
    text = "\n".join(line for body in bodies.values() for line in body)
    return "F.conv2d(" in text and ".permute([0, 3, 1, 2])" in text and all(tensor.ndim < 5 for tensor in weights.tensors.values())


def _method(name: str, arguments: str, body: list[str]) -> Iterator[str]:
    yield from _wrapped(f"def {name}({arguments}):", 4)
    for line in body:
        yield from _wrapped(line, 8)
    yield ""


def _holders(weights: Weights) -> list[str]:
    """Every module on the way to a weight, outer ones first."""
    found: dict[str, None] = {}
    for name in weights.tensors:
        parts = name.split(".")[:-1]
        for end in range(1, len(parts) + 1):
            found[".".join(parts[:end])] = None
    return list(found)


def packed(structure: Any, flat: list[str]) -> str:
    """The structure of the outputs as an expression; its leaves are numbers of `flat`."""
    if isinstance(structure, dict):
        return "{" + ", ".join(f"{key!r}: {packed(value, flat)}" for key, value in structure.items()) + "}"
    if isinstance(structure, (list, tuple)):
        inner = ", ".join(packed(value, flat) for value in structure)
        return f"[{inner}]" if isinstance(structure, list) else f"({inner}{',' if len(structure) == 1 else ''})"
    return flat[structure]


# -- lines that are too long -------------------------------------------------------------------------------------------------------


def _wrapped(statement: str, indent: int) -> list[str]:
    """The statement in lines of at most 120 characters: what stands in its outermost brackets goes to lines of its own."""
    indent += len(statement) - len(statement.lstrip())
    statement = statement.lstrip()
    pad = " " * indent
    if len(pad) + len(statement) <= _WIDTH or statement.startswith("#"):
        return [pad + statement]
    split = _outermost(statement)
    if split is None:
        return [pad + statement]
    head, items, tail = split
    inner = ", ".join(items)
    if indent + 4 + len(inner) <= _WIDTH:
        return [pad + head, f"{pad}    {inner}", pad + tail]
    lines = [line for item in items for line in _wrapped(f"{item},", indent + 4)]
    return [pad + head, *lines, pad + tail]


def _outermost(statement: str) -> tuple[str, list[str], str] | None:
    """('f(', ['a', 'b'], ')') of 'f(a, b)': the last brackets that are not inside others."""
    depth, quote, start = 0, "", -1
    spans: list[tuple[int, int, list[int]]] = []
    commas: list[int] = []
    for place, char in enumerate(statement):
        if quote:
            quote = "" if char == quote else quote
        elif char in "\"'":
            quote = char
        elif char in "([{":
            if depth == 0:
                start, commas = place, []
            depth += 1
        elif char in ")]}":
            depth -= 1
            if depth == 0:
                spans.append((start, place, commas))
        elif char == "," and depth == 1:
            commas.append(place)
    spans = [span for span in spans if span[1] - span[0] > 1]
    if not spans:
        return None
    start, stop, commas = max(spans, key=lambda span: span[1] - span[0])
    edges = [start, *commas, stop]
    items = [statement[a + 1 : b].strip() for a, b in pairwise(edges)]
    return statement[: start + 1], [item for item in items if item], statement[stop:]


def check(text: str) -> None:
    """That the text is Python; a SyntaxError otherwise."""
    ast.parse(text)
