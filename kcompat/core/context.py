"""What an outer call hands down to the calls inside it: the training flag, and the names of the layers being built."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

from kcompat.errors import UnsafeFileError


class _Ambient(threading.local):
    def __init__(self) -> None:
        #: `training=` as given to an outer call; None where nobody gave it, then every module's own mode counts
        self.training: bool | None = None
        #: how many layers' calls are under way
        self.depth = 0
        #: whether any layer has noted a loss yet; until then nobody has to look for old ones
        self.losses_noted = False
        #: how many searches for output shapes are under way
        self.inferring = 0
        #: names of the layers being built, outermost first
        self.scope: tuple[str, ...] = ()
        #: how many bytes of weights may still be made; None is no limit
        self.bytes_left: int | None = None


ambient = _Ambient()


@contextlib.contextmanager
def building(name: str) -> Iterator[None]:
    """Weights made inside carry `name` in their path."""
    before = ambient.scope
    ambient.scope = (*before, name)
    try:
        yield
    finally:
        ambient.scope = before


@contextlib.contextmanager
def weight_budget(nbytes: int) -> Iterator[None]:
    """Inside, layers and metrics can make weights of `nbytes` bytes together; a file may not ask for more than it has values for."""
    before = ambient.bytes_left
    ambient.bytes_left = nbytes
    try:
        yield
    finally:
        ambient.bytes_left = before


def spend_weight(owner: str, name: str | None, nbytes: int) -> None:
    """Count a weight that is about to be made against the budget; `owner` is "Layer 'x'"."""
    if ambient.bytes_left is None:
        return
    ambient.bytes_left -= nbytes
    if ambient.bytes_left < 0:
        raise UnsafeFileError(f"{owner}: the weight `{name}` would take {nbytes} bytes, more than the file has values for.")
