"""MLP 784-128-10 with accuracy, batch 32, one epoch of `fit` from arrays, against a hand-written loop.

idiomatic: DataLoader, Adam(), `.item()` each step. tuned: index_select batches, fused Adam, loss and hits read once an epoch.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset

from kcompat import layers
from kcompat.models import Sequential
from kcompat.training import TrainingMethods
from parity.speed import Case

SAMPLES, BATCH = 8000, 32
STEPS = SAMPLES // BATCH


def data() -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(0)
    return draw.random((SAMPLES, 784), dtype=np.float32), draw.integers(0, 10, SAMPLES)


def net() -> torch.nn.Sequential:
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(784, 128), torch.nn.ReLU(), torch.nn.Linear(128, 10))


class PlainModule(TrainingMethods, torch.nn.Module):
    """A plain module that is trained by `fit`; its probabilities know their logits, as Keras' softmax layer's do."""

    losses = ()

    def __init__(self) -> None:
        super().__init__()
        self.net = net()

    @property
    def trainable_weights(self) -> list[torch.Tensor]:
        return list(self.parameters())

    def forward(self, x: torch.Tensor, training: bool | None = None) -> torch.Tensor:
        logits = self.net(x)
        y = torch.softmax(logits, -1)
        y._keras_logits = logits  # type: ignore[attr-defined]
        return y


def sequential() -> Sequential:
    return Sequential([layers.Dense(128, activation="relu", input_shape=(784,)), layers.Dense(10, activation="softmax")])


def idiomatic(x: np.ndarray, y: np.ndarray):
    model, loader = net(), DataLoader(TensorDataset(torch.from_numpy(x), torch.from_numpy(y)), batch_size=BATCH, shuffle=True)
    optimizer, loss_function = torch.optim.Adam(model.parameters()), torch.nn.CrossEntropyLoss()

    def epoch() -> tuple[float, float]:
        model.train()
        total, hits = 0.0, 0
        for xb, yb in loader:
            optimizer.zero_grad()
            logits = model(xb)
            loss = loss_function(logits, yb)
            loss.backward()
            optimizer.step()
            total += loss.item() * len(xb)
            hits += (logits.argmax(1) == yb).sum().item()
        return total / SAMPLES, hits / SAMPLES

    return epoch


def tuned(x: np.ndarray, y: np.ndarray):
    model, xs, ys = net(), torch.from_numpy(x), torch.from_numpy(y)
    optimizer = torch.optim.Adam(model.parameters(), fused=True)

    def epoch() -> tuple[float, float]:
        model.train()
        losses, hits = [], []
        for index in torch.randperm(SAMPLES).split(BATCH):
            xb, yb = xs.index_select(0, index), ys.index_select(0, index)
            logits = model(xb)
            loss = F.cross_entropy(logits, yb)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            losses.append(loss.detach())
            hits.append((logits.detach().argmax(1) == yb).sum())
        return torch.stack(losses).mean().item(), torch.stack(hits).sum().item() / SAMPLES

    return epoch


def by_fit(model, x: np.ndarray, y: np.ndarray):
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])

    def epoch() -> tuple[float, float]:
        logs = model.fit(x, y, batch_size=BATCH, verbose=0).history
        return logs["loss"][0], logs["accuracy"][0]

    return epoch


def cases() -> list[Case]:
    x, y = data()
    hand = {"idiomatic": idiomatic(x, y), "tuned": tuned(x, y)}
    bounds = {"idiomatic": 1.0, "tuned": 1.05}
    ours = {"mlp_fit_sequential": sequential(), "mlp_fit_plain_module": PlainModule()}
    return [Case(name, {"kcompat": by_fit(model, x, y), **hand}, bounds, STEPS) for name, model in ours.items()]
