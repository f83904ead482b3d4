"""A transformer encoder block with a padding mask, one training step, against a block by hand on `scaled_dot_product_attention`."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from kcompat.layers import Dense, LayerNormalization, MultiHeadAttention
from parity.speed import Case

BATCH, STEPS, SIZE, HEADS, INNER = 16, 128, 128, 4, 512
STEPS_PER_ROUND = 3


class Ours(nn.Module):
    """kcompat's layers in a torch module."""

    def __init__(self) -> None:
        super().__init__()
        self.attention = MultiHeadAttention(HEADS, SIZE // HEADS)
        self.first, self.second = LayerNormalization(epsilon=1e-5), LayerNormalization(epsilon=1e-5)
        self.wide, self.narrow = Dense(INNER, activation="relu"), Dense(SIZE)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        x = self.first(x + self.attention(x, x, attention_mask=mask[:, None]))
        return self.second(x + self.narrow(self.wide(x)))


class ByHand(nn.Module):
    """What good PyTorch looks like: one projection for queries, keys and values, the fused kernel, views."""

    def __init__(self) -> None:
        super().__init__()
        self.project, self.out = nn.Linear(SIZE, 3 * SIZE), nn.Linear(SIZE, SIZE)
        self.first, self.second = nn.LayerNorm(SIZE), nn.LayerNorm(SIZE)
        self.wide, self.narrow = nn.Linear(SIZE, INNER), nn.Linear(INNER, SIZE)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        batch, steps, size = x.shape
        q, k, v = self.project(x).view(batch, steps, 3, HEADS, -1).permute(2, 0, 3, 1, 4).unbind(0)
        found = F.scaled_dot_product_attention(q, k, v, attn_mask=mask[:, None, None])
        x = self.first(x + self.out(found.transpose(1, 2).reshape(batch, steps, size)))
        return self.second(x + self.narrow(F.relu(self.wide(x))))


def training(model: nn.Module, x: Tensor, mask: Tensor, goal: Tensor) -> Callable[[], None]:
    model(x, mask)
    optimizer = torch.optim.Adam(model.parameters(), fused=True)

    def run() -> None:
        for _ in range(STEPS_PER_ROUND):
            optimizer.zero_grad(set_to_none=True)
            F.mse_loss(model(x, mask), goal).backward()
            optimizer.step()

    return run


def sides() -> dict[str, Callable[[], None]]:
    torch.manual_seed(0)
    x, goal = torch.randn(BATCH, STEPS, SIZE), torch.randn(BATCH, STEPS, SIZE)
    lengths = torch.randint(STEPS // 2, STEPS + 1, (BATCH, 1))
    mask = torch.arange(STEPS) < lengths
    return {"kcompat": training(Ours().train(), x, mask, goal), "torch": training(ByHand().train(), x, mask, goal)}


def cases() -> list[Case]:
    return [Case("transformer_block", sides, {"torch": 1.05}, STEPS_PER_ROUND)]
