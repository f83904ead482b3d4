"""The progress bar: Keras' look in each generation, redrawn in place on a terminal, one line an epoch elsewhere."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

from kcompat.callbacks.base import Callback
from kcompat.errors import ArgumentError
from kcompat.generations import behaviour


def seconds(value: float) -> str:
    """A duration for one unit, as in "12ms": s from 1 s on (also 0), ms from 1 ms on, else us."""
    if value >= 1 or value == 0:
        return f"{value:.0f}s"
    return f"{value * 1e3:.0f}ms" if value >= 1e-3 else f"{value * 1e6:.0f}us"


def remaining(value: float) -> str:
    """A time to go, as in "1:02:03", "2:03" or "3s"."""
    hours, minutes, rest = int(value // 3600), int(value % 3600 // 60), int(value % 60)
    if value > 3600:
        return f"{hours}:{minutes:02d}:{rest:02d}"
    return f"{minutes}:{rest:02d}" if value > 60 else f"{int(value)}s"


def number(value: Any) -> str:
    """A value as Keras prints it: four decimals, or scientific below 1e-3."""
    try:
        value = float(value)
    except (TypeError, ValueError):
        return str(value)
    return f"{value:.4f}" if abs(value) > 1e-3 else f"{value:.4e}"


class Progbar:
    """A bar over `target` steps (None: unknown). `update(current, values)` redraws it, at most every `interval` seconds.

    `values` are pairs of name and value; those not in `stateful_metrics` are averaged over the updates.
    """

    def __init__(
        self,
        target: int | None,
        width: int | None = None,
        verbose: int = 1,
        interval: float = 0.05,
        stateful_metrics: Any = None,
        unit_name: str = "step",
        stateless_metrics: Any = None,
    ):
        self.target = target
        self.style = behaviour("progress")
        self.width = width if width is not None else (20 if self.style == "colour" else 30)
        self.verbose = verbose
        self.interval = interval
        self.stateful_metrics = set(stateful_metrics or ())
        self.stateless_metrics = None if stateless_metrics is None else set(stateless_metrics)
        self.unit_name = unit_name
        self._dynamic = sys.stdout.isatty() or "ipykernel" in sys.modules
        self._start = time.perf_counter()
        self._drawn_at = -float("inf")
        self._length = 0
        self._seen = 0
        self._after_first: float | None = None
        self._values: dict[str, tuple[float, int]] = {}

    def due(self, current: int) -> bool:
        """Whether an update now would show anything."""
        last = self.target is not None and current >= self.target
        now = time.perf_counter()
        if self._after_first is None:
            self._after_first = now
        if self.verbose == 1:
            return last or now - self._drawn_at >= self.interval
        return self.verbose == 2 and last

    def add(self, n: int, values: Any = None) -> None:
        """`n` steps more."""
        self.update(self._seen + n, values)

    def update(self, current: int, values: Any = None, finalize: bool | None = None) -> None:
        """Show that `current` steps are done."""
        now = time.perf_counter()
        self._take(current, values or ())
        if self._after_first is None and current >= 1:
            self._after_first = now
        final = (self.target is not None and current >= self.target) if finalize is None else finalize
        if self.verbose == 1 and (final or now - self._drawn_at >= self.interval):
            if self._dynamic or final:
                self._draw(current, now, final)
            self._drawn_at = now
        elif self.verbose == 2 and final:
            sys.stdout.write(self._line(current, now) + "\n")
            sys.stdout.flush()

    def _take(self, current: int, values: Any) -> None:
        for name, value in values:
            averaged = name not in self.stateful_metrics if self.stateless_metrics is None else name in self.stateless_metrics
            if not averaged:
                self._values[name] = (value, 1)
                continue
            total, count = self._values.get(name, (0.0, 0))
            steps = max(current - self._seen, 1)
            self._values[name] = (total + value * steps, count + steps)
        self._seen = current

    def _shown(self) -> str:
        return "".join(f" - {name}: {number(total / max(count, 1))}" for name, (total, count) in self._values.items())

    def _per_step(self, current: int, now: float) -> float:
        if self._after_first is not None and current > 1 and self.style != "samples":
            return (now - self._after_first) / (current - 1)
        return (now - self._start) / max(current, 1)

    def _line(self, current: int, now: float) -> str:
        took, each = now - self._start, f"{seconds(self._per_step(current, now))}/{self.unit_name}"
        if self.style == "samples":
            return f" - {took:.0f}s{self._shown()}"
        head = f"{current}/{self.target} - {took:.0f}s"
        if self.style == "colour":
            return f"{head} - {each}{self._shown()}"
        return f"{head}{self._shown()} - {seconds(took)}/epoch - {each}"

    def _draw(self, current: int, now: float, final: bool) -> None:
        text = self._colour_bar(current, now, final) if self.style == "colour" else self._plain_bar(current, now, final)
        length = len(text)
        if self._dynamic:
            room = max(shutil.get_terminal_size().columns - 1, 20)
            sys.stdout.write("\b" * min(self._length, room) + "\r" + text + " " * max(min(self._length, room) - length, 0))
        else:
            sys.stdout.write(text)
        sys.stdout.write("\n" if final else "")
        sys.stdout.flush()
        self._length = 0 if final else length

    def _count(self, current: int) -> str:
        return f"{current:{len(str(self.target))}d}/{self.target}" if self.target is not None else f"{current:7d}/Unknown"

    def _plain_bar(self, current: int, now: float, final: bool) -> str:
        bar = ""
        if self.target is not None:
            done = int(self.width * current / self.target) if self.target else self.width
            arrow = "=" if current >= self.target else ">"
            bar = f" [{('=' * (done - 1) + arrow) if done > 0 else ''}{'.' * (self.width - done)}]"
        each = self._per_step(current, now)
        if self.target is not None and not final and current < self.target:
            tail = f" - ETA: {remaining(each * (self.target - current))}"
        else:
            tail = f" - {now - self._start:.0f}s {seconds(each)}/{self.unit_name}"
        return f"{self._count(current)}{bar}{tail}{self._shown()}"

    def _colour_bar(self, current: int, now: float, final: bool) -> str:
        bar = ""
        if self.target is not None:
            done = int(self.width * min(current / max(self.target, 1), 1.0))
            bar = f" \x1b[32m{'━' * done}\x1b[0m\x1b[37m{'━' * (self.width - done)}\x1b[0m"
        each = self._per_step(current, now)
        going = self.target is not None and not final and current < self.target
        left = each * ((self.target or current) - current)
        clock = f"\x1b[1m{remaining(left)}\x1b[0m" if going else f"\x1b[1m{now - self._start:.0f}s\x1b[0m"
        return f"\x1b[1m{self._count(current)}\x1b[0m{bar} {clock} {seconds(each)}/{self.unit_name}{self._shown()}"


class ProgbarLogger(Callback):
    """Shows progress and running metrics. `count_mode` "steps" or "samples" says what is counted (Keras 1 and 2.3: samples)."""

    lazy_logs = True

    def __init__(self, count_mode: str | None = None, stateful_metrics: Any = None):
        super().__init__()
        if count_mode not in (None, "samples", "steps"):
            raise ArgumentError(f"ProgbarLogger: `count_mode` must be 'samples' or 'steps', received {count_mode!r}.")
        self.count_mode = count_mode
        self.stateful_metrics = stateful_metrics
        self.verbose = 1
        self.bar: Progbar | None = None
        self._training = False

    def set_params(self, params: dict[str, Any]) -> None:
        """Take verbosity and sizes."""
        super().set_params(params)
        self.verbose = params.get("verbose", 1)

    def _start(self) -> None:
        samples = self.params.get("samples")
        by_samples = samples is not None and (self.count_mode or "samples") == "samples" and behaviour("progress") == "samples"
        self._by_samples = by_samples
        self._done = 0
        target = samples if by_samples else self.params.get("steps")
        self.bar = Progbar(target, verbose=self.verbose, stateful_metrics=self.stateful_metrics)

    def on_train_begin(self, logs: Any = None) -> None:
        """Say on how much is trained (Keras 1 to 2.3)."""
        self._training = True
        if self.verbose and self.params.get("samples") is not None and behaviour("progress") == "samples":
            validated = len(self.validation_data[0]) if self.validation_data else 0
            print(f"Train on {self.params['samples']} samples" + (f", validate on {validated} samples" if validated else ""))

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Start a bar under the epoch's number."""
        epochs = self.params.get("epochs", 1)
        if self.verbose and (epochs > 1 or behaviour("progress") == "samples"):
            print(f"Epoch {epoch + 1}/{epochs}")
        self._start()

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Move on."""
        self._move(batch, logs)

    def on_test_begin(self, logs: Any = None) -> None:
        """Start a bar, unless this is the validation of a training."""
        if not self._training:
            self._start()

    def on_test_batch_end(self, batch: int, logs: Any = None) -> None:
        """Move on."""
        if not self._training:
            self._move(batch, None if behaviour("progress") == "samples" else logs)

    def on_predict_begin(self, logs: Any = None) -> None:
        """Start a bar."""
        self._start()

    def on_predict_batch_end(self, batch: int, logs: Any = None) -> None:
        """Move on."""
        self._move(batch, None)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Finish the bar with the epoch's numbers, validation among them."""
        self._finish(logs)

    def on_test_end(self, logs: Any = None) -> None:
        """Finish the bar."""
        if not self._training:
            self._finish(None if behaviour("progress") == "samples" else logs)

    def on_predict_end(self, logs: Any = None) -> None:
        """Finish the bar."""
        self._finish(None)

    def on_train_end(self, logs: Any = None) -> None:
        """Training is over: an evaluation has a bar of its own again."""
        self._training = False

    def _move(self, batch: int, logs: Any) -> None:
        bar = self.bar
        if bar is None or not self.verbose:
            return
        size = self.params.get("batch_size") or 0
        self._done = min(self._done + size, bar.target or 0) if self._by_samples else batch + 1
        # the last update of an epoch waits for its validation
        if bar.target is not None and self._done >= bar.target:
            return
        if bar.due(self._done):
            bar.update(self._done, _pairs(logs), finalize=False)
            bar.stateful_metrics.update(bar._values)

    def _finish(self, logs: Any) -> None:
        if self.bar is None or not self.verbose or (self.verbose == 2 and logs is None and self.bar.style == "samples"):
            return
        pairs = _pairs(logs)
        self.bar.stateful_metrics.update(name for name, _ in pairs)
        if self.bar.target is None:
            self.bar.target = self._done
        self.bar.update(self.bar.target if self._by_samples else max(self._done, 1), pairs, finalize=True)
        self.bar = None


def _pairs(logs: Mapping[str, Any] | Callable[[], Mapping[str, Any]] | None) -> list[tuple[str, Any]]:
    made = logs() if callable(logs) else logs or {}
    pairs = [(name, value) for name, value in made.items() if name not in ("batch", "size", "outputs")]
    return sorted(pairs, key=lambda pair: pair[0].startswith("val_"))
