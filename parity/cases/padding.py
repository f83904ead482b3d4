"""ZeroPadding and Cropping of one to three axes: numbers, pairs, formats, nothing left, bad arguments."""

from parity.cases.make import ALL, FIRST, NEW, OLD, first, layer, x

SHAPES = {1: (2, 5, 3), 2: (2, 5, 4, 2), 3: (1, 4, 3, 5, 2)}
#: rank -> name -> what `padding` or `cropping` is
EDGES = {
    1: {"one": 1, "two": 2, "pair": [1, 2], "before": [2, 0], "behind": [0, 1], "none": 0},
    2: {"one": 1, "each": [1, 0], "pairs": [[1, 0], [2, 1]], "none": 0, "mixed": [[0, 2], [1, 1]]},
    3: {"one": 1, "each": [1, 0, 2], "pairs": [[1, 0], [0, 1], [0, 3]], "none": 0},
}
BAD = {"too_many": [1, 1, 1, 1], "words": "wide", "nothing": None}


def edge(kind, rank, name, config, inputs, **fields):
    """A case of a kind ("ZeroPadding", "Cropping") and rank; `config` or the value of its one argument."""
    word = "padding" if kind == "ZeroPadding" else "cropping"
    config = config if isinstance(config, dict) else {word: config}
    stem = "zero_padding" if kind == "ZeroPadding" else "cropping"
    return layer(f"padding/{stem}{rank}d_{name}", f"{kind}{rank}D", config, inputs, **fields)


def general(kind, rank):
    """The cases that every kind and rank has."""
    shape = SHAPES[rank]
    word = "padding" if kind == "ZeroPadding" else "cropping"
    named = EDGES[rank]
    found = [edge(kind, rank, name, value, x(*shape), float64=name == "one") for name, value in named.items()]
    found += [
        edge(kind, rank, "default", {}, x(*shape)),
        edge(kind, rank, "empty_batch", 1, x(0, *shape[1:])),
        edge(kind, rank, "one_channel", 1, x(*((*shape[:-1], 1)))),
        edge(kind, rank, "rank_too_low", 1, x(*shape[:-1]), errors=list(ALL)),
    ]
    if rank > 1:
        found += [
            edge(kind, rank, "channels_first", dict(FIRST, **{word: 1}), x(*first(shape))),
            edge(kind, rank, "channels_first_pairs", dict(FIRST, **{word: EDGES[rank]["pairs"]}), x(*first(shape))),
            edge(kind, rank, "bad_format", {"data_format": "sideways"}, x(*shape), errors=list(ALL)),
        ]
    found += [edge(kind, rank, name, value, x(*shape), errors=list(ALL)) for name, value in BAD.items()]
    refusing = ["3"] if kind == "Cropping" and rank > 1 else list(NEW)  # the others compute something
    found.append(edge(kind, rank, "negative", -1, x(*shape), errors=refusing, generations=refusing))
    return found


CASES = (
    [case for kind in ("ZeroPadding", "Cropping") for rank in (1, 2, 3) for case in general(kind, rank)]
    + [
        edge("ZeroPadding", 1, "channels_first", dict(FIRST, padding=[1, 2]), x(2, 3, 5), generations=["3"]),
        edge("ZeroPadding", 1, "integers", 1, x(2, 3, 2, low=0, high=9, dtype="int32"), generations=list(NEW)),
        edge("ZeroPadding", 2, "integers", 1, x(2, 3, 2, 2, low=0, high=9, dtype="int32"), generations=list(NEW)),
        edge("ZeroPadding", 2, "size_one", 3, x(1, 1, 1, 2)),
        edge("Cropping", 1, "all_but_one", 2, x(2, 5, 3)),
        edge("Cropping", 2, "integers", 1, x(2, 4, 3, 2, low=0, high=9, dtype="int32"), generations=list(NEW)),
        edge("Cropping", 2, "too_much", 3, x(2, 5, 4, 2), generations=list(NEW), errors=list(NEW)),
        edge("ZeroPadding", 1, "masked", 1, x(2, 3, 2, mask=[[1, 0, 1], [1, 1, 0]]), errors=list(OLD)),
        edge("Cropping", 1, "masked", 1, x(2, 3, 2, mask=[[1, 0, 1], [1, 1, 0]]), errors=list(OLD)),
    ]
)  # fmt: skip
