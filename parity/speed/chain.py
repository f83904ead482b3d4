"""A model of 200 Dense(16, relu) called directly, with and without gradients, against `nn.Sequential(Linear, ReLU, ...)`."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from kcompat.layers import Dense, Input
from kcompat.models import Model, Sequential
from parity.speed import Case

LAYERS, UNITS, BATCH, CALLS = 200, 16, 32, 20


def stack() -> Sequential:
    return Sequential([Input((UNITS,)), *(Dense(UNITS, activation="relu") for _ in range(LAYERS))])


def graph() -> Model:
    x = start = Input((UNITS,))
    for _ in range(LAYERS):
        x = Dense(UNITS, activation="relu")(x)
    return Model(start, x)


def plain() -> nn.Sequential:
    return nn.Sequential(*(part for _ in range(LAYERS) for part in (nn.Linear(UNITS, UNITS), nn.ReLU())))


def inference(model: Callable[[torch.Tensor], torch.Tensor], x: torch.Tensor) -> Callable[[], None]:
    def run() -> None:
        with torch.no_grad():
            for _ in range(CALLS):
                model(x)

    return run


def training(model: Callable[[torch.Tensor], torch.Tensor], x: torch.Tensor) -> Callable[[], None]:
    def run() -> None:
        for _ in range(CALLS):
            model(x).sum().backward()

    return run


def building(make: Callable[[], object]) -> Callable[[], None]:
    def run() -> None:
        make()

    return run


def cases() -> list[Case]:
    torch.manual_seed(0)
    x = torch.randn(BATCH, UNITS)
    made = {"chain_sequential": stack, "chain_functional": graph}
    found = []
    for name, make in made.items():
        ours, hand = make(), plain()
        for kind, timed in (("call", inference), ("train", training)):
            found.append(Case(f"{name}_{kind}", {"kcompat": timed(ours, x), "torch": timed(hand, x)}, {"torch": 0.95}, CALLS))
        found.append(Case(f"{name}_build", {"kcompat": building(make), "torch": building(plain)}))
    return found
