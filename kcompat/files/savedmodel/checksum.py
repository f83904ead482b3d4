"""CRC-32C, the checksum of TensorFlow's files, with numpy: many stretches of the bytes at once, joined at the end.

The state of a CRC is linear over GF(2): for bytes A and B it is `shift(state(A), length of B) ^ state(B)`.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

_POLYNOMIAL = 0x82F63B78
_LANES = 8192


def masked_crc32c(data: Any) -> int:
    """The checksum of a buffer as files hold it: rotated right by 15 bits, plus a constant."""
    crc = _state(0xFFFFFFFF, np.frombuffer(data, np.uint8)) ^ 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


@cache
def _tables() -> tuple[list[int], np.ndarray]:
    """What one byte, and what two bytes, make of the lowest bits of a state."""
    values: Any = np.arange(1 << 16, dtype=np.uint32)
    for _ in range(16):
        values = (values >> 1) ^ np.where(values & 1, np.uint32(_POLYNOMIAL), np.uint32(0))
    bytewise: Any = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        bytewise = (bytewise >> 1) ^ np.where(bytewise & 1, np.uint32(_POLYNOMIAL), np.uint32(0))
    return bytewise.tolist(), values.astype(np.uint32)


def _state(state: int, data: np.ndarray) -> int:
    lanes = min(_LANES, len(data) // 256)
    if lanes > 1:
        length = len(data) // lanes // 2 * 2
        split = np.ndarray((lanes, length // 2), np.dtype("<u2"), data[: lanes * length].tobytes() if data.strides != (1,) else data)
        twice = _tables()[1]
        states = np.zeros(lanes, np.uint32)
        for column in range(length // 2):
            states = twice[(states ^ split[:, column]) & 0xFFFF] ^ (states >> np.uint32(16))
        zeros = _shift_tables(length)
        for lane in states.tolist():
            state = zeros[0][state & 255] ^ zeros[1][state >> 8 & 255] ^ zeros[2][state >> 16 & 255] ^ zeros[3][state >> 24] ^ lane
        data = data[lanes * length :]
    table = _tables()[0]
    for byte in data.tolist():
        state = table[(state ^ byte) & 255] ^ (state >> 8)
    return state


@cache
def _shift_tables(count: int) -> tuple[list[int], ...]:
    """What `count` zero bytes make of a state, for each of its four bytes."""
    table = _tables()[0]
    columns = [table[1 << bit & 255] ^ ((1 << bit) >> 8) for bit in range(32)]  # one zero byte
    result = [1 << bit for bit in range(32)]
    while count:
        if count & 1:
            result = [_times(columns, column) for column in result]
        columns = [_times(columns, column) for column in columns]
        count >>= 1
    return tuple([_times(result, byte << 8 * place) for byte in range(256)] for place in range(4))


def _times(matrix: list[int], vector: int) -> int:
    total = 0
    for column in matrix:
        if vector & 1:
            total ^= column
        vector >>= 1
        if not vector:
            break
    return total
