"""Attention: weighted means of values, weighted by how keys answer to queries.

Shapes are (..., queries, size), (..., keys, size) and (..., keys, value size); masks are bool, True where a query may look at a key, and
broadcast against the scores (..., queries, keys). What masked scores become is a `law`:

- "add": -1e9 is added (the lowest number in float16), so that a row with nothing to look at is nearly uniform (Keras 2);
- "fill": they are replaced by a very low number; a row with nothing to look at is uniform, and its scores have no gradient;
- "zero": as "fill", but the weights of a row with nothing to look at are all 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from kcompat.errors import ShapeError

LAWS = ("add", "fill", "zero")


def causal(queries: int, keys: int, device: Any = None) -> Tensor:
    """bool (1, queries, keys): each position sees itself and those before it."""
    return torch.ones(1, queries, keys, dtype=torch.bool, device=device).tril()


def window(queries: int, keys: int, width: int, device: Any = None) -> Tensor:
    """bool (1, queries, keys): each position sees those less than `width` steps away."""
    return torch.ones(1, queries, keys, dtype=torch.bool, device=device).tril(width - 1).triu(1 - width)


def joined(*masks: Tensor | None) -> Tensor | None:
    """What all masks allow, broadcast; None where there is none."""
    found = None
    for mask in masks:
        if mask is not None:
            found = mask if found is None else found & mask
    return found


def attend(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    mask: Tensor | None = None,
    law: str = "fill",
    scale: float = 1.0,
    dropout: float = 0.0,
    is_causal: bool = False,
) -> Tensor:
    """`softmax(scale * query key^T) value` by torch's fused kernels: (..., queries, value size).

    `dropout` is the part of the weights that is dropped (torch's generator); `is_causal` stands for a causal mask where `mask` is None.
    """
    exact = law == "add" and mask is not None and query.dtype is torch.float64  # keeps digits of a score beside the number added to it
    if exact or _transformed():  # the kernel knows no vmap
        if is_causal:
            mask = causal(query.shape[-2], key.shape[-2], query.device)
        return F.dropout(weigh((query * scale) @ key.transpose(-1, -2), mask, law), dropout) @ value
    if mask is None:
        return F.scaled_dot_product_attention(query, key, value, dropout_p=dropout, is_causal=is_causal, scale=scale)
    closed = ~mask.any(-1, keepdim=True)
    bias = (~(mask | closed)).to(query.dtype) * lowest(query.dtype)
    if law == "add" and mask.shape[-2] == 1:  # closed or not for all queries alike
        tiny = 2.0**-10 if query.dtype is torch.float16 else 2.0**-20
        query = _Rescaled.apply(query, torch.where(closed, tiny, 1.0).to(query.dtype), None)
        key = _Rescaled.apply(key, None, torch.where(closed, 1 / tiny, 1.0).to(key.dtype))
        return F.scaled_dot_product_attention(query, key, value, attn_mask=bias, dropout_p=dropout, scale=scale)
    shut = query.masked_fill(closed, 0.0)  # scores 0 and no bias: a uniform row, which the kernel's backward pass knows how to handle
    found = F.scaled_dot_product_attention(shut, key, value, attn_mask=bias, dropout_p=dropout, scale=scale)
    if law == "zero":
        return found.masked_fill(closed, 0.0)
    if law == "add" and torch.is_grad_enabled():
        return found + _straight_through(query.masked_fill(~closed, 0.0), key, value, scale)
    return found


def _transformed() -> bool:
    """Whether torch.func looks on (vmap, grad, jvp)."""
    return not torch.compiler.is_compiling() and torch._C._functorch.peek_interpreter_stack() is not None


class _Rescaled(torch.autograd.Function):
    """`x * factor` whose gradient is multiplied by another factor instead; None: by 1.

    Queries made tiny give uniform rows; what that takes from the gradients of queries and keys is given back, so that they are those of
    scores whose digits only rounding has swallowed.
    """

    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor, factor: Tensor | None, gradient_factor: Tensor | None) -> Tensor:
        return x.view_as(x) if factor is None else x * factor

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Tensor) -> None:
        ctx.save_for_backward(inputs[2])

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Any:  # type: ignore[override]
        (factor,) = ctx.saved_tensors
        return (gradient if factor is None else gradient * factor), None, None


def _straight_through(query: Tensor, key: Tensor, value: Tensor, scale: float) -> Tensor:
    """Zeros, with the gradient that uniform rows give to the scores that rounding has swallowed; queries of other rows must be 0.

    A row of n equal weights changes by `(score - mean score) / n`, so its result by `scores @ (value - mean value) / n`.
    """
    centred = (value - value.mean(-2, keepdim=True)).detach() * (scale / value.shape[-2])
    change = query @ (key.transpose(-1, -2) @ centred)
    return change - change.detach()


def lowest(dtype: torch.dtype) -> float:
    """What stands for minus infinity."""
    return -0.7 * torch.finfo(dtype).max


def weigh(scores: Tensor, mask: Tensor | None = None, law: str = "fill") -> Tensor:
    """The softmax of scores (..., queries, keys) over the keys a mask allows."""
    if mask is None:
        return torch.softmax(scores, -1)
    if law == "add":
        low = torch.finfo(scores.dtype).min if scores.dtype is torch.float16 else -1e9
        return torch.softmax(scores + (~mask).to(scores.dtype) * low, -1)
    weights = torch.softmax(scores.masked_fill(~mask, lowest(scores.dtype)), -1)
    return weights.masked_fill(~mask, 0.0) if law == "zero" else weights


def added_scores(query: Tensor, key: Tensor, scale: Tensor | None = None) -> Tensor:
    """`sum over i of scale_i * tanh(query_i + key_i)`: (..., queries, keys); `scale` of shape (size,) or ()."""
    answers = torch.tanh(query.unsqueeze(-2) + key.unsqueeze(-3))
    return answers.sum(-1) if scale is None else (scale * answers).sum(-1)


def spread(mask: Tensor, batch: Sequence[int], queries: Sequence[int], keys: Sequence[int]) -> Tensor:
    """A mask made to broadcast against scores (*batch, *queries, *keys), its missing axes put before those of the queries.

    ShapeError where it does not fit.
    """
    sizes, full = tuple(mask.shape), (*batch, *queries, *keys)
    last = len(queries) + len(keys)
    if last <= len(sizes) <= len(full):
        cut = len(sizes) - last
        sizes = (*sizes[:cut], *(1,) * (len(full) - len(sizes)), *sizes[cut:])
    elif len(sizes) == last - 1 == 1:
        sizes = (*(1,) * (len(full) - 1), *sizes)
    if len(sizes) != len(full) or any(n not in (1, m) for n, m in zip(sizes, full, strict=True)):
        raise ShapeError(f"must broadcast against the scores {full}, received shape {tuple(mask.shape)}")
    return mask.reshape(sizes)


def flattened(mask: Tensor, queries: Sequence[int], keys: Sequence[int]) -> Tensor:
    """A spread mask (*batch, *queries, *keys) with one axis for all queries and one for all keys."""
    if len(queries) == 1:
        return mask
    batch = mask.shape[: -2 * len(queries)]
    return mask.expand(*batch, *queries, *keys).flatten(-len(keys)).flatten(-1 - len(queries), -2)
