"""How masks go through merges and chains of layers, and which layers refuse them in old Keras."""

from parity.cases.make import OLD, functional, layer, part, sequential, x

A = [[1, 1, 0], [1, 0, 0]]
B = [[1, 0, 0], [1, 1, 1]]
PAIRS = [("both", (A, B)), ("first", (A, None)), ("second", (None, B)), ("none", (None, None))]
MERGES = ["Add", "Multiply", "Average", "Maximum", "Minimum", "Concatenate"]


def _merge(name, config, masks, suffix, **fields):
    inputs = [x(2, 3, 4, **({"mask": mask} if mask else {})) for mask in masks]
    return layer("masks/" + suffix, name, config, inputs, **fields)


def _chain(name, layers, **fields):
    """Masking in front, then layers; steps 1 of row 0 and 0, 2 of row 1 are masked."""
    rows = [[[1, 2], [0, 0], [3, -1]], [[0, 0], [2, 1], [0, 0]]]
    first = {"class": "Masking", "config": {"input_shape": [3, 2]}}
    return sequential("masks/chain_" + name, [first, *layers], {"values": rows}, skip=["config"], **fields)


def _new(spec):
    """Keras 3 takes an Input where the others take `input_shape`."""
    return [{"class": "InputLayer", "config": {"shape": [3, 2]}}, {"class": "Masking", "config": {}}, *spec["sequential"][1:]]


MERGED = [
    _merge(name, {}, masks, name.lower() + "_" + kind) for name in MERGES for kind, masks in PAIRS
    if (name, kind) != ("Concatenate", "none")
] + [
    _merge("Subtract", {}, (A, B), "subtract_both"),
    _merge("Concatenate", {"axis": 1}, (A, B), "concatenate_steps_both"),
    _merge("Concatenate", {"axis": 1}, (A, None), "concatenate_steps_first", errors=["2.2", "2.3", "2.15"]),
    _merge("Dot", {"axes": 2}, (A, B), "dot_both"),
    _merge("Add", {}, (A, B, None), "add_three"),
    _merge("Add", {}, (A, B, [[0, 0, 1], [1, 1, 1]]), "add_three_masked"),
]  # fmt: skip

REFUSED = [
    layer("masks/refused_" + name.lower(), name, config, x(2, 3, 4, mask=A), errors=list(OLD))
    for name, config in (("Flatten", {}), ("Reshape", {"target_shape": [4, 3]}), ("Permute", {"dims": [2, 1]}))
]

CHAINS = [
    _chain("dense", [part("Dense", units=3)]),
    _chain("dense_activation", [part("Dense", units=3), part("Activation", activation="tanh")]),
    _chain("dropout", [part("Dropout", rate=0.5), part("Dense", units=3)]),
    _chain("batch_normalization", [part("BatchNormalization"), part("Dense", units=3)]),
    _chain("long", [part("Dense", units=4), part("BatchNormalization"), part("Activation", activation="relu"),
           part("Dropout", rate=0.3), part("ActivityRegularization", l2=0.1), part("Dense", units=2)]),
    _chain("masking_twice", [part("Masking", mask_value=3.0), part("Dense", units=2)]),
    _chain("lambda", [part("Lambda", function={"body": "double"}), part("Dense", units=2)]),
    _chain("flatten", [part("Dense", units=4), part("Flatten")], errors=list(OLD)),
    _chain("reshape", [part("Reshape", target_shape=[2, 3])], errors=list(OLD)),
    _chain("spatial_dropout", [part("SpatialDropout1D", rate=0.5)]),
]  # fmt: skip
for _case in CHAINS:
    if _case["id"] == "masks/chain_lambda":
        _case["skip"] = ["config", "rebuild"]
    _case["per_generation"] = {"3": {"model": {"sequential": _new(_case["model"])}}}


def _branches(name, merge, config, **fields):
    """Two Masking layers with different values joined by a merge."""
    rows = [[[1, 2], [0, 0], [3, 3]], [[0, 0], [3, 3], [0, 0]]]
    return functional(
        "masks/branches_" + name, {"a": [3, 2], "b": [3, 2]},
        {"m": part("Masking", mask_value=0.0), "n": part("Masking", mask_value=3.0), "d": part("Dense", units=2),
         "join": part(merge, **config)},
        [["p", "m", "a"], ["q", "n", "b"], ["r", "d", "q"], ["y", "join", ["p", "r"]]], "y",
        [{"values": rows}, {"values": rows}], skip=["config"], **fields)  # fmt: skip


BRANCHES = [
    _branches("add", "Add", {}),
    _branches("multiply", "Multiply", {}),
    _branches("concatenate", "Concatenate", {}),
    _branches("concatenate_steps", "Concatenate", {"axis": 1}),
]

CASES = MERGED + REFUSED + CHAINS + BRANCHES
