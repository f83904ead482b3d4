"""Speed cases: the same work by kcompat and by hand-written PyTorch, timed in turns, reported as ratios.

A case is a function that returns a `Case`: what is timed for each side (one call = one round of the work), and the ratio of
kcompat to each other side that must hold. `python -m parity.speed [NAME ...]` runs them on one thread and prints lower quartiles.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass
class Case:
    """One comparison. `sides` maps a name to a function, or makes such a dict when the case is run; the first is ours.

    `bounds` maps other sides to the largest ratio; `steps` is how many steps one call of a side does.
    """

    name: str
    sides: dict[str, Callable[[], object]] | Callable[[], dict[str, Callable[[], object]]]
    bounds: dict[str, float] = field(default_factory=dict)
    steps: int = 1
