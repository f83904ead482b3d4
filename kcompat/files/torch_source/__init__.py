"""A model as plain PyTorch source: what `torch.export` traced, written as a readable module that imports only torch.

The trace is taken twice, in inference and in training (dropout, batch statistics); where both differ in what torch's functions switch
themselves by `training=`, or not at all, one `forward` is written.
`names` makes identifiers, `weights` keeps tensors as torch wants them, `graph` drops what is for nothing,
`calls` writes one operation, `body` the statements of a program,
`module` the file around them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from kcompat.files.torch_source.body import Body
from kcompat.files.torch_source.graph import settle
from kcompat.files.torch_source.module import module_text, packed
from kcompat.files.torch_source.names import Taken, class_name
from kcompat.files.torch_source.weights import collect, rearrange

__all__ = ["Source", "torch_source"]


@dataclass
class Source:
    """The text of the module, and the tensors that belong to it by the names it gives them."""

    text: str
    tensors: dict[str, torch.Tensor]
    inputs: list[str]


def torch_source(title: str, programs: dict[str, Any], inputs: list[str], outputs: Any) -> Source:
    """The module of one or two programs of `torch.export` ("infer", "train"), with `inputs` as the names of its arguments.

    `outputs` is the structure of the results, its leaves the numbers of the flat ones. `title` becomes the name of the class.
    """
    taken = Taken()
    names = [taken.take(name) for name in inputs]
    for program in programs.values():
        settle(program)
    weights = collect(list(programs.values()))
    rearrange(list(programs.values()), weights)

    def written(mode: str, how: str = "exact") -> list[str]:
        program = programs[mode]
        given = [node for node in program.graph.nodes if node.op == "placeholder" and node not in weights.kept]
        body = Body(program.graph, dict(zip(given, names, strict=True)), Taken(*names), weights, f"{names[0]}.device", how)
        lines = body.lines()
        return [*lines, f"return {packed(outputs, body.results)}"]

    bodies = {mode: written(mode) for mode in programs}
    if len({tuple(body) for body in bodies.values()}) == 1:
        bodies = {"infer": bodies["infer"]}
    elif written("infer", "bare") == written("train", "bare"):
        bodies = {"both": written("train", "switched")}
    return Source(module_text(class_name(title), weights, names, bodies), weights.tensors, names)
