"""A model that real Keras trained goes on living on torch: load, check, fine-tune, put into a torch module, save again.

No TensorFlow and no Keras are needed. `record_digits_model.py` made the files in `data/`, once, with real tf_keras:
a small CNN for scikit-learn's digits, and what Keras itself predicts for the test images.

    python examples/port_a_keras_model.py
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from kcompat.models import Sequential, load_model

DATA = Path(__file__).parent / "data"
#: the largest difference to Keras' own predictions that counts as the same model
BAR = 1e-5
console = Console(highlight=False)


def main() -> int:
    """Run all steps; the exit code is 1 when a step does not hold what it promises."""
    torch.manual_seed(0)
    data = Digits(DATA / "digits.npz")
    show_digits(data)

    step(1, "Load what Keras saved", "load_model('digits_cnn.h5')")
    model = load_model(DATA / "digits_cnn.h5")
    model.summary()
    predictions = model.predict(data.test_x, verbose=0)
    difference = float(np.abs(predictions - data.keras_predictions).max())
    say("test accuracy", f"{accuracy(predictions, data.test_y):.2%}   (Keras: {data.keras_accuracy:.2%})")
    say("largest difference to Keras' own predictions", f"{difference:.1e}")
    if not verdict(difference <= BAR, f"the same model: at most {BAR:.0e} away", f"more than {BAR:.0e} away from Keras"):
        return 1

    step(2, "Go on training, as in Keras", "model.fit(x, y)")
    model.fit(data.train_x, data.train_y, batch_size=32, epochs=3, validation_data=(data.test_x, data.test_y))
    say("test accuracy", f"{accuracy(model.predict(data.test_x, verbose=0), data.test_y):.2%}")

    step(3, "The same object inside a plain torch.nn.Module", "torch.optim, a loop by hand")
    net = Classifier(model)
    train_by_hand(net, data)
    with torch.no_grad():
        logits = net.eval()(data.test_tensor)
    say("test accuracy", f"{accuracy(logits.numpy(), data.test_y):.2%}")

    step(4, "Save, load again, compare", "model.save('digits_cnn.h5')")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "digits_cnn.h5"
        model.save(path)
        again = load_model(path)
        say("file", f"{path.stat().st_size / 1000:.0f} kB, as tf.keras writes it")
    same = float(np.abs(again.predict(data.test_x, verbose=0) - model.predict(data.test_x, verbose=0)).max())
    say("largest difference after the round trip", f"{same:.1e}")
    return 0 if verdict(same == 0.0, "every number came back", "the file does not give the same model") else 1


class Digits:
    """The images (8x8, grey), their labels, and Keras' results for the test images."""

    def __init__(self, path: Path):
        with np.load(path, allow_pickle=False) as file:
            self.train_x, self.test_x = (file[f"{part}_images"][..., None].astype("float32") / 16 for part in ("train", "test"))
            self.train_y, self.test_y = (file[f"{part}_labels"].astype("int64") for part in ("train", "test"))
            self.keras_predictions, self.keras_accuracy = file["keras_predictions"], float(file["keras_accuracy"])
            self.versions = str(file["versions"])
        self.test_tensor = torch.from_numpy(self.test_x)


class Classifier(torch.nn.Module):
    """A plain torch module around the Keras model: noisy inputs in training, logits out."""

    def __init__(self, model: Sequential):
        super().__init__()
        self.digits = model

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Logits of shape (batch, 10) for images of shape (batch, 8, 8, 1)."""
        if self.training:
            images = images + 0.05 * torch.randn_like(images)
        return torch.log(self.digits(images) + 1e-7)


def train_by_hand(net: Classifier, data: Digits, epochs: int = 3) -> None:
    """Some epochs of torch as it is written everywhere."""
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
    pairs = torch.utils.data.TensorDataset(torch.from_numpy(data.train_x), torch.from_numpy(data.train_y))
    batches = torch.utils.data.DataLoader(pairs, batch_size=32, shuffle=True)
    for epoch in range(epochs):
        net.train()
        total = 0.0
        for images, labels in batches:
            optimizer.zero_grad()
            loss = torch.nn.functional.cross_entropy(net(images), labels)
            loss.backward()
            optimizer.step()
            total += float(loss.detach()) * len(images)
        say(f"epoch {epoch + 1}/{epochs}, loss", f"{total / len(pairs):.4f}")


def accuracy(scores: np.ndarray, labels: np.ndarray) -> float:
    """The share of rows whose largest score is the label's."""
    return float((scores.argmax(axis=-1) == labels).mean())


# -- what is printed -----------------------------------------------------------------------------------------------------


def show_digits(data: Digits, count: int = 4) -> None:
    """Some test images, and below each what Keras predicted."""
    console.rule("[bold]A Keras model on torch")
    console.print(f"[dim]recorded with {data.versions}\nrunning on torch {torch.__version__}, without TensorFlow or Keras[/]\n")
    table = Table.grid(padding=(0, 2))
    table.add_row(*(picture(image[..., 0]) for image in data.test_x[:count]))
    table.add_row(*(f"Keras: [green]{row.argmax()}[/] [dim]{row.max():.0%}[/]" for row in data.keras_predictions[:count]))
    console.print(table)


def picture(image: np.ndarray) -> str:
    """An image with values from 0 to 1 as text, two characters to a pixel."""
    return "\n".join("".join(" ░▒▓█"[round(float(value) * 4)] * 2 for value in row) for row in image)


def step(number: int, title: str, code: str) -> None:
    """The headline of a step."""
    console.print()
    console.rule(f"[bold]{number}. {title}[/]  [cyan]{code}", align="left")


def say(what: str, value: Any) -> None:
    """One result."""
    console.print(f"  {what:<46} [bold]{value}")


def verdict(holds: bool, good: str, bad: str) -> bool:
    """Print which it is, and return it."""
    console.print(f"  [bold green]✓[/] {good}" if holds else f"  [bold red]✗ {bad}")
    return holds


if __name__ == "__main__":
    sys.exit(main())
