"""Merge layers: broadcasting, ranks, numbers of inputs, integers, ties, what they refuse, and graphs of unknown sizes."""

from parity.cases.make import ALL, NEW, OLD, functional, layer, part, values, x

A = [[1, 1, 0], [1, 0, 0]]
B = [[1, 0, 0], [1, 1, 1]]
EVERYWHERE = {"errors": list(ALL)}
OLD_ALONE = {"errors": list(OLD)}
NEW_ALONE = {"errors": list(NEW)}
UNFIT = {
    "generations": ["2.2", "2.3", "2.15"],
    "note": "Keras 3 takes masks here for inputs of three axes alone: TensorFlow refuses the shapes",
}
EMPTY = {"generations": ["2.2", "2.3", "2.15"], "note": "Keras 3 adds with TensorFlow's BiasAdd, which refuses an empty batch"}
ENTRYWISE = ["Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum"]

SHAPES = [
    ("two", [x(2, 3, 4), x(2, 3, 4)], {"float64": True}),
    ("rows", [x(2, 3, 4), x(2, 1, 4)], {}),
    ("columns", [x(2, 3, 1), x(2, 3, 4)], {}),
    ("both_ways", [x(2, 3, 1), x(2, 1, 4)], {}),
    ("fewer_axes", [x(2, 3, 4), x(2, 4)], {}),
    ("more_axes", [x(2, 4), x(2, 3, 4)], {}),
    ("four_and_two_axes", [x(2, 2, 3, 4), x(2, 4)], {}),
    ("vectors", [x(3), x(3)], {}),
    ("empty_batch", [x(0, 4), x(0, 4)], {}),
    ("whole", [x(2, 3, low=-5, high=5, dtype="int32"), x(2, 3, low=-5, high=5, dtype="int32")], {}),
    ("ties", [values([[1.0, 2.0, -3.0]]), values([[1.0, -2.0, -3.0]])], {}),
    ("sizes", [x(2, 3), x(2, 4)], EVERYWHERE),
    ("batches", [x(2, 3), x(3, 3)], EVERYWHERE),
    ("batch_of_one", [x(1, 3), x(2, 3)], NEW_ALONE),
    ("masked_rows", [x(2, 3, 4, mask=A), x(2, 1, 4)], {}),
    ("masked_broadcast", [x(2, 3, 1, mask=A), x(2, 3, 4, mask=B)], {}),
    ("masked_images", [x(2, 3, 2, 2, mask=A), x(2, 3, 2, 2, mask=B)], {}),
    ("masked_fewer_axes", [x(2, 3, 4, mask=A), x(2, 4)], {}),
]
THREE = [x(2, 3), x(2, 3), x(2, 1)]


def _entrywise():
    for name in ENTRYWISE:
        start = "merging/" + name.lower() + "_"
        for what, inputs, fields in SHAPES:
            if what == "masked_images" and name in ("Multiply", "Maximum", "Minimum"):
                fields = UNFIT
            if what == "empty_batch" and name in ("Add", "Average"):
                fields = EMPTY
            yield layer(start + what, name, {}, inputs, **fields)
        pairs_only = EVERYWHERE if name == "Subtract" else {}
        yield layer(start + "three", name, {}, THREE, **pairs_only)
        yield layer(start + "five", name, {}, [x(2, 3)] * 5, **pairs_only)
        yield layer(start + "list_of_one", name, {}, x(2, 3), listed=True, **(pairs_only or OLD_ALONE))
        yield layer(start + "no_list", name, {}, x(2, 3), **EVERYWHERE)
        yield functional(
            start + "unknown", {"a": [None, 4], "b": [3, 1], "c": [4]}, {"m": part(name), "n": part(name)},
            [["h", "m", ["a", "b"]], ["y", "n", ["h", "c"]]], "y", [x(2, 3, 4), x(2, 3, 1), x(2, 4)],
        )  # fmt: skip


def _concatenate():
    def case(name, config, inputs, **fields):
        return layer("merging/concatenate_" + name, "Concatenate", config, inputs, **fields)

    yield case("last", {}, [x(2, 3, 4), x(2, 3, 1)], float64=True)
    yield case("steps", {"axis": 1}, [x(2, 3, 4), x(2, 5, 4), x(2, 1, 4)])
    yield case("negative", {"axis": -2}, [x(2, 3, 4), x(2, 5, 4)])
    yield case("batch", {"axis": 0}, [x(2, 3), x(4, 3)])
    yield case("channels", {"axis": 1}, [x(2, 3, 2, 2), x(2, 1, 2, 2)])
    yield case("whole", {}, [x(2, 3, low=0, high=9, dtype="int32"), x(2, 2, low=0, high=9, dtype="int32")])
    yield case("empty_batch", {}, [x(0, 3), x(0, 2)])
    yield case("nothing", {}, [x(2, 3), x(2, 0)])
    yield case("axis_too_large", {"axis": 3}, [x(2, 3, 4), x(2, 3, 4)], **EVERYWHERE)
    yield case("axis_too_small", {"axis": -4}, [x(2, 3, 4), x(2, 3, 4)], **EVERYWHERE)
    yield case("other_size", {}, [x(2, 3, 4), x(2, 2, 4)], **EVERYWHERE)
    yield case("other_rank", {}, [x(2, 3, 4), x(2, 4)], **EVERYWHERE)
    yield case("other_batch", {}, [x(2, 4), x(3, 4)], **EVERYWHERE)
    yield case("list_of_one", {}, x(2, 3), listed=True, **OLD_ALONE)
    yield case("no_list", {}, x(2, 3), **EVERYWHERE)
    yield case("masked_images", {}, [x(2, 3, 2, 2, mask=A), x(2, 3, 2, 1, mask=B)], **UNFIT)
    yield case("masked_images_rows", {"axis": 2}, [x(2, 3, 2, 2, mask=A), x(2, 3, 1, 2, mask=B)], **UNFIT)
    yield case("masked_images_steps", {"axis": 1}, [x(2, 3, 2, 2, mask=A), x(2, 3, 2, 2, mask=B)], **UNFIT)
    yield case("masked_first_of_three", {}, [x(2, 3, 2, mask=A), x(2, 3, 1), x(2, 3, 4)])
    yield case("masked_negative_steps", {"axis": -2}, [x(2, 3, 2, mask=A), x(2, 3, 2, mask=B)])
    yield functional(
        "merging/concatenate_unknown", {"a": [None, 4], "b": [None, 2]}, {"m": part("Concatenate")}, [["y", "m", ["a", "b"]]], "y",
        [x(2, 3, 4), x(2, 3, 2)],
    )  # fmt: skip
    yield functional(
        "merging/concatenate_unknown_steps", {"a": [None, 4], "b": [5, 4]}, {"m": part("Concatenate", axis=1)}, [["y", "m", ["a", "b"]]],
        "y", [x(2, 3, 4), x(2, 5, 4)],
    )  # fmt: skip


DOTS = [
    ("rows", 1, [x(2, 4), x(2, 4)]), ("steps", 1, [x(2, 3, 4), x(2, 3, 5)]), ("last", 2, [x(2, 3, 4), x(2, 5, 4)]),
    ("minus_one", -1, [x(2, 3, 4), x(2, 5, 4)]), ("pair", [2, 1], [x(2, 3, 4), x(2, 4, 5)]),
    ("pair_back", [1, 2], [x(2, 3, 4), x(2, 5, 3)]),
    ("pair_negative", [-1, 1], [x(2, 3, 4), x(2, 4, 5)]), ("matrix_vector", [2, 1], [x(2, 3, 4), x(2, 4)]),
    ("vector_matrix", [1, 2], [x(2, 4), x(2, 3, 4)]), ("four_axes", 3, [x(2, 3, 2, 4), x(2, 3, 2, 4)]),
    ("four_and_three", [3, 1], [x(2, 3, 2, 4), x(2, 4, 5)]), ("four_and_two", [3, 1], [x(2, 3, 2, 4), x(2, 4)]),
    ("four_inside", [2, 2], [x(2, 3, 4, 2), x(2, 3, 4, 2)]), ("one", 1, [x(2, 1), x(2, 1)]), ("empty_batch", 1, [x(0, 4), x(0, 4)]),
    ("batch_axis", 0, [x(2, 2), x(2, 2)]), ("too_large", 3, [x(2, 3, 4), x(2, 3, 4)]), ("sizes", 1, [x(2, 3), x(2, 4)]),
    ("three", 1, [x(2, 3), x(2, 3), x(2, 3)]), ("three_axes", [1, 2, 1], [x(2, 3, 3), x(2, 3, 3)]), ("words", "last", [x(2, 3), x(2, 3)]),
    ("half_word", [1, "a"], [x(2, 3), x(2, 3)]), ("batches", 1, [x(2, 3), x(3, 3)]),
]  # fmt: skip


REFUSED_DOTS = ("too_large", "sizes", "three", "three_axes", "words", "half_word", "batches")
LATER_DOTS = {"generations": ["2.3", "2.15", "3"], "note": "Keras 2.2 fails in the middle of these products"}
DOT_FIELDS = {
    "pair": {"float64": True}, "four_and_three": LATER_DOTS, "four_and_two": LATER_DOTS,
    "batch_axis": {"errors": ["2.3", "2.15", "3"], "generations": ["2.3", "2.15", "3"]},
    **dict.fromkeys(REFUSED_DOTS, EVERYWHERE),
}  # fmt: skip


def _dots():
    for name, axes, inputs in DOTS:
        yield layer("merging/dot_" + name, "Dot", {"axes": axes}, inputs, **DOT_FIELDS.get(name, {}))
        if name in ("rows", "steps", "pair", "matrix_vector", "four_axes"):
            yield layer("merging/dot_normalized_" + name, "Dot", {"axes": axes, "normalize": True}, inputs)
    yield layer("merging/dot_normalized_zeros", "Dot", {"axes": 1, "normalize": True}, [values([[0.0, 0.0]]), x(1, 2)], gradient=False)
    yield layer("merging/dot_no_list", "Dot", {"axes": 1}, x(2, 3), **EVERYWHERE)
    yield layer("merging/dot_masked", "Dot", {"axes": [2, 2]}, [x(2, 3, 4, mask=A), x(2, 3, 4)])
    yield functional(
        "merging/dot_unknown", {"a": [None, 4], "b": [5, 4]}, {"m": part("Dot", axes=-1), "n": part("Dot", axes=[1, 1])},
        [["h", "m", ["a", "b"]], ["y", "n", ["h", "a"]]], "y", [x(2, 3, 4), x(2, 5, 4)],
    )  # fmt: skip


#: keyword arguments that hold tensors: whose layers come first among those of one depth
ORDERS = [("value_first", ["value", "key"]), ("key_first", ["key", "value"])]


def _orders():
    tensors = {"value": {"tensor": "d"}, "key": {"tensor": "e"}}
    for name, order in ORDERS:
        yield functional(
            "merging/order_of_keywords_" + name, {"q": [4, 6], "a": [5, 3], "b": [5, 3]},
            {"one": part("Dense", units=6), "two": part("Dense", units=6), "m": part("MultiHeadAttention", num_heads=2, key_dim=3)},
            [["e", "one", "a"], ["d", "two", "b"], ["y", "m", "q", {k: tensors[k] for k in order}]], "y",
            [x(2, 4, 6), x(2, 5, 3), x(2, 5, 3)], generations=list(NEW), skip=["gradient"],
            note="the gradient of a key's bias is 0 but for rounding",
        )  # fmt: skip


CASES = [*_entrywise(), *_concatenate(), *_dots(), *_orders()]
