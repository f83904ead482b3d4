"""`jit_compile=True`: what `torch.compile` makes of a step, where that is the faster way to do it.

A compiled step is no promise: on a processor the code made for max pooling is several times slower than torch's own kernel, and a small
step spends more on entering compiled code than it saves. So the first steps are done both ways in turns, as XLA's autotuning does.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import torch

#: how often each way is tried; the first try of the compiled one compiles
TRIES = 8


class Faster:
    """The faster of two functions that do the same: called in turns until each had its tries, then the one with the shorter best time.

    Both do real work, so that nothing is done twice. Processor time counts: the compiler's workers keep the cores busy for a while.
    """

    def __init__(self, compiled: Callable[..., Any], eager: Callable[..., Any]):
        self._ways = (compiled, eager)
        self._best = [float("inf"), float("inf")]
        self._tried = 0
        self.chosen: Callable[..., Any] | None = None

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Do it the one way or the other."""
        if self.chosen is not None:
            return self.chosen(*args, **kwargs)
        way = self._tried % 2
        start = time.process_time()
        made = self._ways[way](*args, **kwargs)
        self._best[way] = min(self._best[way], time.process_time() - start)
        self._tried += 1
        if self._tried == 2 * TRIES:
            self.chosen = self._ways[0 if self._best[0] < self._best[1] else 1]
            self._ways = (self.chosen, self.chosen)
        return made


def settled(device: torch.device) -> bool:
    """Whether compiled code is taken without a comparison.

    Accelerators work while the host goes on: times are not seen without waiting. Under `torch.use_deterministic_algorithms` runs must
    repeat to the last bit, and the two ways differ in rounding.
    """
    return device.type != "cpu" or torch.are_deterministic_algorithms_enabled()
