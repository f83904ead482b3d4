"""Keras 3's adaptive pooling: sizes that divide and that do not, larger outputs than inputs, formats, bad arguments.

TensorFlow has no kernels that pool volumes of float64.
"""

from parity.cases.make import layer, x

FIRST = {"data_format": "channels_first"}
ONLY = {"generations": ["3"]}
SHAPES = {1: (2, 7, 3), 2: (2, 7, 6, 3), 3: (2, 5, 6, 4, 2)}
FIRST_SHAPES = {1: (2, 3, 7), 2: (2, 3, 7, 6), 3: (2, 2, 5, 6, 4)}
SIZES = {
    1: {"one": 1, "divides_not": 3, "larger": 10, "equal": 7, "tuple": [4]},
    2: {"one": 1, "divides_not": 4, "mixed": [3, 5], "larger": [9, 8], "columns": [7, 1]},
    3: {"one": 1, "divides_not": [3, 4, 3], "mixed": [2, 3, 4], "larger": [6, 7, 5]},
}


def _case(kind, rank, name, size, shape, more=None, **fields):
    config = dict({"output_size": size}, **(more or {}))
    if kind == "Max" and name in ("one", "columns"):
        fields = dict(fields, gradient=False, note="windows as large as the input: TensorFlow's gradient is uninitialized memory")
    case_id = f"adaptive_pooling/{kind.lower()}{rank}d_{name}"
    return layer(case_id, f"Adaptive{kind}Pooling{rank}D", config, x(*shape), **dict(ONLY, **fields))


CASES = [
    *[
        _case(kind, rank, name, size, SHAPES[rank], **({"float64": ["3"]} if name == "divides_not" and rank < 3 else {}))
        for kind in ("Average", "Max") for rank in (1, 2, 3) for name, size in SIZES[rank].items()
    ],
    *[
        _case(kind, rank, "first", 2, FIRST_SHAPES[rank], FIRST) for kind in ("Average", "Max") for rank in (1, 2, 3)
    ],
    _case("Max", 1, "bad_size", [2, 2], (2, 7, 3), errors=["3"]),
    _case("Average", 2, "bad_size", [2, 2, 2], (2, 7, 6, 3), errors=["3"]),
    _case("Average", 3, "bad_size", [2, 2], (2, 5, 6, 4, 2), errors=["3"]),
    _case("Average", 2, "fraction", 2.5, (2, 7, 6, 3), errors=["3"]),
    _case("Average", 1, "zero", 0, (2, 7, 3), errors=["3"]),
    _case("Average", 2, "bad_format", 2, (2, 7, 6, 3), {"data_format": "sideways"}, errors=["3"]),
]  # fmt: skip
