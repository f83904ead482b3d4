"""Seeds, and random tensors from them (Keras 3's `keras.random`).

`seed` is None (torch's own generator), an int (the same numbers at every call), or a `SeedGenerator` (other numbers at
every call, the same in every run). Numbers from an int or a `SeedGenerator` do not depend on the device and can be traced; gamma, beta
and binomial with a seed are eager only.
"""

from __future__ import annotations

import os
import random as _python
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from kcompat import config, registry
from kcompat.errors import ArgumentError, ShapeError
from kcompat.generations import behaviour
from kcompat.tensor import random as draws
from kcompat.tensor.dtypes import torch_dtype

__all__ = [
    "SeedGenerator", "beta", "binomial", "categorical", "checked_seed", "cpu_generator", "draw_seed", "dropout", "enable_op_determinism",
    "gamma", "generator_states", "normal", "randint", "set_generator_states", "set_random_seed", "shuffle", "truncated_normal", "uniform",
]  # fmt: skip


def set_random_seed(seed: int) -> None:
    """Seed Python's, numpy's and torch's generators, from which everything unseeded here draws; 0 <= `seed` < 2^32."""
    number = _integer(seed, "set_random_seed: `seed`")
    if not 0 <= number < 2**32:
        raise ArgumentError(f"set_random_seed: `seed` must be between 0 and 2**32 - 1, received {seed!r}.")
    _python.seed(number)
    np.random.seed(number)
    torch.manual_seed(number)


def enable_op_determinism(enabled: bool = True) -> None:
    """Let torch use only kernels that give the same numbers in every run; operations that have none raise.

    On CUDA some need the environment variable CUBLAS_WORKSPACE_CONFIG, which is set if it is not, before the first use of the device.
    """
    if enabled:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(enabled)
    torch.backends.cudnn.benchmark = False


def generator_states() -> dict[str, Any]:
    """Where Python's, numpy's and torch's generators stand, as tensors and plain data."""
    name, keys, position, has_gauss, gauss = np.random.get_state(legacy=True)  # type: ignore[misc]
    version, numbers, next_gauss = _python.getstate()
    return {
        "numpy": [name, torch.from_numpy(np.asarray(keys).astype(np.int64)), int(position), int(has_gauss), float(gauss)],
        "python": [version, torch.tensor(numbers, dtype=torch.int64), next_gauss],
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() and torch.cuda.is_initialized() else [],
    }


def set_generator_states(states: dict[str, Any]) -> None:
    """Put the generators where `generator_states` found them."""
    name, keys, *rest = states["numpy"]
    np.random.set_state((name, keys.numpy().astype(np.uint32), *rest))
    version, numbers, next_gauss = states["python"]
    _python.setstate((version, tuple(numbers.tolist()), next_gauss))
    torch.set_rng_state(states["torch"])
    if states["cuda"]:
        torch.cuda.set_rng_state_all(states["cuda"])


def draw_seed() -> int:
    """A seed for what has none, from the generator that reproduced a run: numpy's in multi-backend Keras 1 and 2, else torch's."""
    if behaviour("unseeded_from") == "numpy":
        return int(np.random.randint(2**31 - 1))
    return int(torch.randint(2**31 - 1, (), device="cpu"))


def _integer(value: Any, what: str) -> int:
    if isinstance(value, (int, np.integer)) and not isinstance(value, bool):
        return int(value)
    raise ArgumentError(f"{what} must be an integer, received {value!r}.")


class SeedGenerator(nn.Module):
    """A seed and a counter: every draw takes the next counter. `seed=None` draws a seed; `name` is kept for the config.

    The state is an int64 buffer (2,), so that it moves, is saved and is traced with the module that owns the generator.
    """

    state: Tensor

    def __init__(self, seed: int | None = None, name: str | None = None) -> None:
        super().__init__()
        self._initial_seed = None if seed is None else _integer(seed, "SeedGenerator: `seed`")
        self.name = name or "seed_generator"
        start = draw_seed() if self._initial_seed is None else self._initial_seed
        if not -(2**63) <= start < 2**63:
            raise ArgumentError(f"SeedGenerator: `seed` must fit into 64 bits, received {seed!r}.")
        self.register_buffer("state", torch.tensor([start, 0], dtype=torch.int64, device=config.device()))

    def next(self, ordered: bool = True) -> Tensor:
        """The key (seed, counter) of the next draw, int64 (2,). Calls here are always in order: `ordered=False` is refused."""
        if not ordered:
            raise ArgumentError("SeedGenerator.next: `ordered=False` is not supported, draws are always ordered.")
        key = self.state.clone()
        self.state.add_(torch.arange(2, device=key.device))
        return key

    def get_config(self) -> dict[str, Any]:
        """Seed and name."""
        return {"seed": self._initial_seed, "name": self.name}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> SeedGenerator:
        """A new generator with the seed of `get_config`."""
        return cls(**config)

    @property
    def _config_module(self) -> str:
        return "keras.random"


Seed = int | SeedGenerator | None


def _key(seed: Seed) -> Tensor | None:
    if seed is None:
        return None
    if isinstance(seed, SeedGenerator):
        return seed.next()
    return torch.tensor([_integer(seed, "`seed`, where it is no SeedGenerator,"), 0], dtype=torch.int64, device=config.device())


def cpu_generator(seed: int | SeedGenerator) -> torch.Generator:
    """torch's generator on the CPU, seeded by an int or by the next key of a SeedGenerator."""
    key = _key(seed)
    assert key is not None
    return torch.Generator("cpu").manual_seed(int(draws.bits(key.cpu(), (1,))))


def _floating(dtype: Any, function: str) -> torch.dtype:
    kind = torch_dtype(dtype or config.floatx())
    if not kind.is_floating_point:
        raise ArgumentError(f"{function}: `dtype` must be a floating-point type, received {dtype!r}.")
    return kind


def uniform(shape: Sequence[int], minval: float = 0.0, maxval: float = 1.0, dtype: Any = None, seed: Seed = None) -> Tensor:
    """Uniform in [minval, maxval)."""
    kind, key = _floating(dtype, "uniform"), _key(seed)
    unit = torch.rand(tuple(shape), dtype=kind, device=config.device()) if key is None else draws.uniform(key, shape, kind)
    return unit * (maxval - minval) + minval


def normal(shape: Sequence[int], mean: float = 0.0, stddev: float = 1.0, dtype: Any = None, seed: Seed = None) -> Tensor:
    """Normal with the given mean and standard deviation."""
    kind, key = _floating(dtype, "normal"), _key(seed)
    unit = torch.randn(tuple(shape), dtype=kind, device=config.device()) if key is None else draws.normal(key, shape, kind)
    return unit * stddev + mean


def truncated_normal(shape: Sequence[int], mean: float = 0.0, stddev: float = 1.0, dtype: Any = None, seed: Seed = None) -> Tensor:
    """Normal without what lies beyond two standard deviations; its own deviation is 0.88 `stddev`."""
    kind, key = _floating(dtype, "truncated_normal"), _key(seed)
    if key is None:
        unit = nn.init.trunc_normal_(torch.empty(tuple(shape), dtype=kind, device=config.device()))
    else:
        unit = draws.truncated_normal(key, shape, kind)
    return unit * stddev + mean


def randint(shape: Sequence[int], minval: int, maxval: int, dtype: Any = "int32", seed: Seed = None) -> Tensor:
    """Uniform integers from [minval, maxval)."""
    kind, key = torch_dtype(dtype), _key(seed)
    if kind.is_floating_point or kind == torch.bool:
        raise ArgumentError(f"randint: `dtype` must be an integer type, received {dtype!r}.")
    if not 0 < maxval - minval <= 2**31:
        raise ArgumentError(f"randint: `maxval` must exceed `minval` by 1 to 2**31, received {minval!r} and {maxval!r}.")
    if key is None:
        return torch.randint(minval, maxval, tuple(shape), dtype=kind, device=config.device())
    return draws.randint(key, shape, minval, maxval).to(kind)


def categorical(logits: Tensor, num_samples: int, dtype: Any = "int32", seed: Seed = None) -> Tensor:
    """Class indices (batch, num_samples) drawn with the probabilities softmax(logits), logits (batch, classes)."""
    if logits.ndim != 2:
        raise ShapeError(f"categorical: `logits` must be of shape (batch, classes), received {tuple(logits.shape)}.")
    batch, classes = logits.shape
    kind = torch.float64 if logits.dtype == torch.float64 else torch.float32
    noise = uniform((batch, num_samples, classes), dtype=kind, seed=seed).to(logits.device)
    gumbel = -torch.log(-torch.log(noise.clamp(min=torch.finfo(kind).tiny)))
    return (logits[:, None].to(kind) + gumbel).argmax(-1).to(torch_dtype(dtype))


def dropout(inputs: Tensor, rate: float, noise_shape: Sequence[int | None] | None = None, seed: Seed = None) -> Tensor:
    """`inputs` with entries zeroed with probability `rate`, the others divided by `1 - rate`.

    `noise_shape` (None: as `inputs`) draws one decision for all entries along its axes of size 1.
    """
    if not 0 <= rate <= 1:
        raise ArgumentError(f"dropout: `rate` must be between 0 and 1, received {rate!r}.")
    if rate == 0:
        return inputs
    if rate == 1:
        return torch.zeros_like(inputs)
    key = _key(seed)
    if key is None and noise_shape is None:
        return nn.functional.dropout(inputs, rate)
    shape = [n if m is None else m for n, m in zip(inputs.shape, noise_shape or inputs.shape, strict=True)]
    kept = torch.rand(shape, device=inputs.device) >= rate if key is None else draws.keep(key.to(inputs.device), shape, rate)
    return inputs * (kept * (1 / (1 - rate))).to(inputs.dtype)


def shuffle(x: Tensor, axis: int = 0, seed: Seed = None) -> Tensor:
    """`x` with its entries along `axis` in random order."""
    key, size = _key(seed), x.shape[axis]
    order = torch.randperm(size, device=x.device) if key is None else draws.bits(key, (size,)).argsort(stable=True).to(x.device)
    return x.index_select(axis, order)


def gamma(shape: Sequence[int], alpha: Any, dtype: Any = None, seed: Seed = None) -> Tensor:
    """Gamma with the shape parameter `alpha` (broadcast to `shape`) and scale 1."""
    kind = _floating(dtype, "gamma")
    parameter = torch.as_tensor(alpha, dtype=kind, device=config.device()).broadcast_to(tuple(shape))
    generator = None if seed is None else cpu_generator(seed)
    if generator is None:
        return torch._standard_gamma(parameter)
    return torch._standard_gamma(parameter.cpu(), generator=generator).to(config.device())


def beta(shape: Sequence[int], alpha: Any, beta: Any, dtype: Any = None, seed: Seed = None) -> Tensor:
    """Beta with the parameters `alpha` and `beta` (broadcast to `shape`)."""
    kind, both = _floating(dtype, "beta"), (2, *shape)
    parameters = [torch.as_tensor(p, dtype=kind, device=config.device()).broadcast_to(tuple(shape)) for p in (alpha, beta)]
    first, second = gamma(both, torch.stack(parameters), kind, seed)
    return first / (first + second)


def binomial(shape: Sequence[int], counts: Any, probabilities: Any, dtype: Any = None, seed: Seed = None) -> Tensor:
    """Successes in `counts` trials of chance `probabilities` (both broadcast to `shape`), as floats."""
    kind, generator = _floating(dtype, "binomial"), None if seed is None else cpu_generator(seed)
    device = config.device() if generator is None else torch.device("cpu")
    trials, chance = (torch.as_tensor(p, dtype=kind, device=device).broadcast_to(tuple(shape)) for p in (counts, probabilities))
    return torch.binomial(trials, chance, generator=generator).to(config.device())


def checked_seed(seed: Any, owner: str) -> Any:
    """`seed` as None, an int or a SeedGenerator (also from its config); ArgumentError otherwise."""
    if isinstance(seed, dict):
        seed = registry.deserialize("seed_generator", seed)
    if seed is None or isinstance(seed, SeedGenerator):
        return seed
    try:
        return _integer(seed, f"{owner}: `seed`")
    except ArgumentError:
        raise ArgumentError(f"{owner}: `seed` must be an integer, a SeedGenerator or None, received {seed!r}.") from None


registry.register("seed_generator", {"SeedGenerator": SeedGenerator})
