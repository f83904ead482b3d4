"""One step of an optimizer over 20 small tensors, the Python around the kernels, against torch.optim's (fused where it has such)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from kcompat import optimizers
from parity.speed import Case

TENSORS, SHAPE, STEPS = 20, (16, 16), 200

#: name -> ours, torch's
PAIRS: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    "adam": (optimizers.Adam, lambda p: torch.optim.Adam(p, fused=True)),
    "adamw": (optimizers.AdamW, lambda p: torch.optim.AdamW(p, fused=True)),
    "sgd": (optimizers.SGD, lambda p: torch.optim.SGD(p, 0.01, fused=True)),
    "sgd_momentum": (
        lambda p: optimizers.SGD(p, 0.01, momentum=0.9),
        lambda p: torch.optim.SGD(p, 0.01, momentum=0.9, fused=True),
    ),
    "rmsprop": (optimizers.RMSprop, lambda p: torch.optim.RMSprop(p, foreach=True)),
    "adagrad": (optimizers.Adagrad, lambda p: torch.optim.Adagrad(p, foreach=True)),
    "adadelta": (optimizers.Adadelta, lambda p: torch.optim.Adadelta(p, foreach=True)),
    "adamax": (optimizers.Adamax, lambda p: torch.optim.Adamax(p, foreach=True)),
    "nadam": (optimizers.Nadam, lambda p: torch.optim.NAdam(p, foreach=True)),
    "schedule": (
        lambda p: optimizers.Adam(p, optimizers.schedules.CosineDecay(0.001, 100000)),
        lambda p: torch.optim.Adam(p, fused=True),
    ),
}


def _steps(make: Callable[[Any], Any]) -> Callable[[], None]:
    weights = [torch.nn.Parameter(torch.randn(SHAPE)) for _ in range(TENSORS)]
    for weight in weights:
        weight.grad = torch.randn(SHAPE)
    optimizer = make(weights)

    def run() -> None:
        for _ in range(STEPS):
            optimizer.step()

    return run


def _sides(pair: tuple[Callable[[Any], Any], Callable[[Any], Any]]) -> Callable[[], dict[str, Callable[[], object]]]:
    return lambda: {"kcompat": _steps(pair[0]), "torch": _steps(pair[1])}


def cases() -> list[Case]:
    return [Case(f"optimizer_{name}", _sides(pair), {"torch": 1.05}, STEPS) for name, pair in PAIRS.items()]
