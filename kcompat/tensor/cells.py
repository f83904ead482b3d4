"""One step of each recurrent cell, with Keras' order of gates: LSTM i, f, c, o; GRU z, r, h.

`z` (b, gates * u) is the step's input times the kernel plus the bias; for a whole sequence it is one product. `h` and `c` (b, u) are the
states, `recurrent` (u, gates * u). `drop` is None, a tensor (b, u) that the state is multiplied with for all gates, or one for each
gate. Facts: `parity/cases/recurrent.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

Activation = Callable[[Tensor], Tensor]
#: no dropout of the state, one mask for all gates, or one for each gate
Drop = Tensor | Sequence[Tensor] | None


def recurrent_product(h: Tensor, recurrent: Tensor, drop: Drop = None) -> Tensor:
    """`h @ recurrent`, the state dropped as `drop` says."""
    if drop is None:
        return h @ recurrent
    if isinstance(drop, Tensor):
        return (h * drop) @ recurrent
    return torch.cat([(h * d) @ part for d, part in zip(drop, recurrent.chunk(len(drop), 1), strict=True)], 1)


def simple_rnn(z: Tensor, h: Tensor, recurrent: Tensor, activation: Activation, drop: Drop = None) -> Tensor:
    """`activation(z + h @ recurrent)`."""
    return activation(z + recurrent_product(h, recurrent, drop))


def lstm(
    z: Tensor, h: Tensor, c: Tensor, recurrent: Tensor, activation: Activation, gate: Activation, drop: Drop = None
) -> tuple[Tensor, Tensor]:
    """The new (h, c): `c = f * c + i * activation(c~)`, `h = o * activation(c)`."""
    return lstm_states(z + recurrent_product(h, recurrent, drop), c, activation, gate)


def lstm_states(gates: Tensor, c: Tensor, activation: Activation, gate: Activation, axis: int = 1) -> tuple[Tensor, Tensor]:
    """The new (h, c) from what goes into the gates, one beside the other along `axis`."""
    i, f, candidate, o = gates.chunk(4, axis)
    c = gate(f) * c + gate(i) * activation(candidate)
    return gate(o) * activation(c), c


def gru_reset_after(
    z: Tensor, h: Tensor, recurrent: Tensor, recurrent_bias: Tensor | None, activation: Activation, gate: Activation, drop: Drop = None
) -> Tensor:
    """The reset gate is applied behind the recurrent product; `recurrent_bias` (3 u,) or None."""
    h, drop = _dropped(h, drop)
    product = recurrent_product(h, recurrent, drop)
    product = product if recurrent_bias is None else product + recurrent_bias
    z_update, z_reset, z_new = z.chunk(3, 1)
    update, reset, new = product.chunk(3, 1)
    share = gate(z_update + update)
    return share * h + (1 - share) * activation(z_new + gate(z_reset + reset) * new)


def gru_reset_before(z: Tensor, h: Tensor, recurrent: Tensor, activation: Activation, gate: Activation, drop: Drop = None) -> Tensor:
    """The reset gate is applied to the state before the recurrent product."""
    h, drop = _dropped(h, drop)
    masks = (None, None) if drop is None else (drop[:2], drop[2])
    units = h.shape[1]
    share, reset = gate(z[:, : 2 * units] + recurrent_product(h, recurrent[:, : 2 * units], masks[0])).chunk(2, 1)
    kept = h if masks[1] is None else h * masks[1]
    return share * h + (1 - share) * activation(z[:, 2 * units :] + (reset * kept) @ recurrent[:, 2 * units :])


def _dropped(h: Tensor, drop: Drop) -> tuple[Tensor, Sequence[Tensor] | None]:
    """Keras' GRU with one mask for all gates goes on with the dropped state, also where it blends it with the new one."""
    return (h * drop, None) if isinstance(drop, Tensor) else (h, drop)
