"""`fit` of a CNN and of a masked LSTM, with several metrics, compiled, from a DataLoader; `predict`: each against the loop by hand.

tuned: index_select batches, fused Adam, no `.item()` inside the epoch. The hand-written LSTM is packed, as PyTorch has it for masks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from kcompat import layers
from kcompat.models import Sequential
from parity.speed import Case
from parity.speed import mlp as mlps

BATCH = 32
LOGITS = F.binary_cross_entropy_with_logits
Side = Callable[[], object]


def by_hand(
    model: nn.Module,
    x: Tensor,
    y: Tensor,
    loss: Any,
    tuned: bool,
    see: Callable[[Tensor, Tensor], None] | None = None,
    whole: Callable[[Tensor, Tensor], Tensor] | None = None,
    batches: Iterable[Any] | None = None,
) -> Side:
    """One epoch by hand: `tuned`, or from a DataLoader with a number read after every step.

    `see` takes outputs and targets, `whole` gives the loss of a batch in one go, `batches` is where they come from.
    """
    optimizer = torch.optim.Adam(model.parameters(), fused=tuned)
    loader = DataLoader(TensorDataset(x, y), batch_size=BATCH, shuffle=True)

    def picked() -> Iterable[Any]:
        return ((x.index_select(0, i), y.index_select(0, i)) for i in torch.randperm(len(x)).split(BATCH))

    def epoch() -> float:
        model.train()
        total = torch.zeros(()) if tuned else 0.0
        for xb, yb in batches or (picked() if tuned else loader):
            optimizer.zero_grad(set_to_none=True)
            out = model(xb) if whole is None else None
            value = loss(out, yb) if whole is None else whole(xb, yb)
            value.backward()
            optimizer.step()
            total += value.detach() if tuned else value.item()
            if see is not None:
                see(out.detach(), yb)
        return float(total)

    return epoch


def by_fit(model: Sequential, x: Any, y: Any, loss: str, **options: Any) -> Side:
    model.compile("adam", loss, **options)
    return lambda: model.fit(x, y, batch_size=BATCH, verbose=0)


# -- models -----------------------------------------------------------------------------------------------------------------------


def convolutional() -> Sequential:
    return Sequential(
        [
            layers.Conv2D(16, 3, activation="relu", padding="same", input_shape=(28, 28, 1)),
            layers.MaxPooling2D(),
            layers.Conv2D(32, 3, activation="relu", padding="same"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(10, activation="softmax"),
        ]
    )


def convolutional_by_hand() -> nn.Module:
    convolutions = [nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
    return nn.Sequential(*convolutions, nn.Flatten(), nn.Linear(32 * 49, 10)).to(memory_format=torch.channels_last)


def recurrent() -> Sequential:
    return Sequential([layers.Embedding(500, 32, mask_zero=True, input_length=40), layers.LSTM(32), layers.Dense(1, activation="sigmoid")])


class RecurrentByHand(nn.Module):
    """Embedding, packed LSTM, the last state."""

    def __init__(self) -> None:
        super().__init__()
        self.table, self.lstm, self.out = nn.Embedding(500, 32), nn.LSTM(32, 32, batch_first=True), nn.Linear(32, 1)

    def forward(self, words: Tensor) -> Tensor:
        lengths = (words != 0).sum(1).cpu()
        packed = nn.utils.rnn.pack_padded_sequence(self.table(words), lengths, batch_first=True, enforce_sorted=False)
        _, (state, _) = self.lstm(packed)
        return self.out(state[-1])[:, 0]


# -- cases ------------------------------------------------------------------------------------------------------------------------


def images() -> dict[str, Side]:
    x, y = digits()
    hand = channels_last(x)
    sides = {
        name: by_hand(convolutional_by_hand(), hand, torch.from_numpy(y), F.cross_entropy, name == "tuned")
        for name in ("idiomatic", "tuned")
    }
    return {"kcompat": by_fit(convolutional(), x, y, "sparse_categorical_crossentropy"), **sides}


def words() -> dict[str, Side]:
    x, y = padded_words()
    tensors = torch.from_numpy(x), torch.from_numpy(y)
    sides = {name: by_hand(RecurrentByHand(), *tensors, LOGITS, name == "tuned") for name in ("idiomatic", "tuned")}
    return {"kcompat": by_fit(recurrent(), x, y, "binary_crossentropy"), **sides}


def many_metrics() -> dict[str, Side]:
    draw = np.random.default_rng(0)
    x, y = draw.random((3200, 100), dtype=np.float32), draw.integers(0, 2, 3200).astype("float32")[:, None]
    model = Sequential([layers.Dense(64, activation="relu", input_shape=(100,)), layers.Dense(1, activation="sigmoid")])
    hand = nn.Sequential(nn.Linear(100, 64), nn.ReLU(), nn.Linear(64, 1))
    counts = torch.zeros(2, 201, dtype=torch.int64)
    hits = torch.zeros(4)

    def see(logits: Tensor, target: Tensor) -> None:
        score = torch.sigmoid(logits)
        said, true = score > 0.5, target > 0.5
        both = (said & true).sum()
        hits.add_(torch.stack([(said == true).sum(), both, said.sum(), true.sum()]))
        place = (score * 200).long().clamp_(0, 200) + true * 201
        counts.view(-1).add_(torch.bincount(place.view(-1), minlength=402))

    tuned = by_hand(hand, torch.from_numpy(x), torch.from_numpy(y), F.binary_cross_entropy_with_logits, True, see)
    from kcompat import metrics

    chosen = ["accuracy", metrics.AUC(), metrics.Precision(), metrics.Recall()]
    return {"kcompat": by_fit(model, x, y, "binary_crossentropy", metrics=chosen), "tuned": tuned}


def predictions() -> dict[str, Side]:
    x, _ = mlps.data()
    model, hand, xs = mlps.sequential(), mlps.net(), torch.from_numpy(x)

    def loop() -> np.ndarray:
        with torch.inference_mode():
            return torch.cat([torch.softmax(hand(batch), -1) for batch in xs.split(BATCH)]).numpy()

    return {"kcompat": lambda: model.predict(x, batch_size=BATCH, verbose=0), "inference_mode": loop}


def loaders() -> dict[str, Side]:
    """`fit` from a DataLoader, against a tuned loop over the same one."""
    x, y = mlps.data()
    loader = DataLoader(TensorDataset(torch.from_numpy(x), torch.from_numpy(y)), batch_size=BATCH, shuffle=True)
    model = mlps.sequential()
    model.compile("adam", "sparse_categorical_crossentropy")
    hand = by_hand(mlps.net(), torch.from_numpy(x), torch.from_numpy(y), F.cross_entropy, True, batches=loader)
    return {"kcompat": lambda: model.fit(loader, verbose=0), "tuned": hand}


def digits() -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(0)
    return draw.random((640, 28, 28, 1), dtype=np.float32), draw.integers(0, 10, 640)


def padded_words() -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(0)
    x = draw.integers(1, 500, (640, 40)) * (np.arange(40) < draw.integers(10, 41, (640, 1)))
    return x, draw.integers(0, 2, 640).astype("float32")


def flat_digits() -> tuple[np.ndarray, np.ndarray]:
    x, y = mlps.data()
    return x[:640], y[:640]


def channels_last(x: np.ndarray) -> Tensor:
    return torch.from_numpy(x).permute(0, 3, 1, 2).contiguous(memory_format=torch.channels_last)


def compiled(
    make: Callable[[], Sequential], data: Callable[[], Any], loss: str, hand: Callable[[], nn.Module], lay: Any, by_hand_loss: Any
) -> Callable[[], dict[str, Side]]:
    """`jit_compile=True` against eager `fit`, and against a loop by hand whose forward and loss are compiled; `hand` takes `lay(x)`."""

    def sides() -> dict[str, Side]:
        x, y = data()
        model = hand()
        whole = torch.compile(lambda xb, yb: by_hand_loss(model(xb), yb), dynamic=False)
        made = {
            "kcompat": by_fit(make(), x, y, loss, jit_compile=True),
            "eager_fit": by_fit(make(), x, y, loss),
            "compiled_by_hand": by_hand(model, lay(x), torch.from_numpy(y), None, True, whole=whole),
        }
        for side in made.values():  # the first steps compile, and find out what is the faster
            side()
        return made

    return sides


def cases() -> list[Case]:
    both = {"idiomatic": 1.0, "tuned": 1.05}
    jit = {"eager_fit": 1.0, "compiled_by_hand": 1.0}  # where eager steps are the faster, both sides do the same: 1 but for noise
    sparse, binary, cross = "sparse_categorical_crossentropy", "binary_crossentropy", F.cross_entropy
    return [
        Case("train_cnn", images, both, 20),
        Case("train_masked_lstm", words, both, 20),
        Case("train_metrics", many_metrics, {"tuned": 1.05}, 100),
        Case("predict_mlp", predictions, {"inference_mode": 1.0}, mlps.STEPS),
        Case("train_from_loader", loaders, {"tuned": 1.05}, mlps.STEPS),
        Case("train_compiled_mlp", compiled(mlps.sequential, flat_digits, sparse, mlps.net, torch.from_numpy, cross), jit, 20),
        Case("train_compiled_cnn", compiled(convolutional, digits, sparse, convolutional_by_hand, channels_last, cross), jit, 20),
        Case("train_compiled_lstm", compiled(recurrent, padded_words, binary, RecurrentByHand, torch.from_numpy, LOGITS), jit, 20),
    ]
