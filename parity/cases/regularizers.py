"""Regularizers: values, gradients, defaults and configs by generation."""

from parity.cases.make import ALL, NEW, OLD, TF, obj, values, x

KERAS2 = [*OLD, *TF]
KINKED = values([[1, 2, 0], [3, -4, 0], [-1, 0.5, 2]])


def case(name, made, config=None, inputs=KINKED, generations=ALL, **more):
    """A regularizer made from its arguments."""
    told = {"id": "regularizers/" + name, "kind": "regularizer", "class": made, "config": config or {}, "inputs": [inputs]}
    precise = more.pop("float64", list(KERAS2))  # Keras 3 keeps factors in float32 whatever the floatx
    return dict(told, generations=list(generations), float64=[g for g in precise if g in generations], **more)


def named(name, identifier, generations=ALL, **more):
    """What `regularizers.get` gives."""
    told = {"id": "regularizers/" + name, "kind": "regularizer", "identifier": identifier, "inputs": [KINKED]}
    return dict(told, generations=list(generations), **more)


CASES = [
    case("L1L2", "L1L2", {"l1": 0.1, "l2": 0.3}),
    case("L1L2_default", "L1L2", float64=TF),
    case("L1L2_rank4", "L1L2", {"l1": 0.1, "l2": 0.3}, x(2, 3, 2, 2)),
    case("L1", "L1", {"l1": 0.3}, generations=NEW),
    case("L2", "L2", {"l2": 0.3}, generations=NEW),
    case("L1_default", "L1", generations=NEW),
    case("L2_default", "L2", generations=NEW),
    case("L1_old_argument", "L1", {"l": 0.3}, generations=TF),
    case("L2_none", "L2", {"l2": None}, generations=NEW),
    case("l1", "l1", {"l": 0.3}, per_generation={g: {"config": {"l1": 0.3}} for g in NEW}),
    case("l2", "l2", {"l": 0.3}, per_generation={g: {"config": {"l2": 0.3}} for g in NEW}),
    case("l1_default", "l1"),
    case("l2_default", "l2"),
    case("l1_l2", "l1_l2", {"l1": 0.1, "l2": 0.2}),
    case("l1_l2_default", "l1_l2"),
    case("negative", "L1L2", {"l1": -0.5, "l2": 0.1}, errors=["3"]),
    case("text", "L1L2", {"l1": "x"}, errors=list(ALL)),
    case("infinite", "L1L2", {"l2": float("inf")}, generations=NEW, errors=list(NEW)),
    case("orthogonal_rows", "OrthogonalRegularizer", {"factor": 0.5}, x(4, 3), generations=NEW),
    case("orthogonal_columns", "OrthogonalRegularizer", {"factor": 0.5, "mode": "columns"}, x(4, 3), generations=NEW),
    case("orthogonal_wide", "orthogonal_regularizer", {"mode": "rows"}, x(3, 7), generations=NEW),
    case("orthogonal_zero_row", "OrthogonalRegularizer", {}, values([[0, 0], [3, 4], [1, 1]]), generations=NEW),
    case("orthogonal_one_row", "OrthogonalRegularizer", {}, values([[3, 4]]), generations=NEW, gradient=False),
    case("orthogonal_rank3", "OrthogonalRegularizer", {}, x(2, 2, 2), generations=NEW, errors=list(NEW)),
    case("orthogonal_mode", "OrthogonalRegularizer", {"mode": "x"}, generations=NEW, errors=list(NEW)),
    named("get_l1", "l1"),
    named("get_l2", "l2"),
    named("get_l1_l2", "l1_l2", errors=["3"]),
    named("get_L1L2", "L1L2"),
    named("get_L2", "L2", NEW),
    dict(named("get_orthogonal", "orthogonal_regularizer", NEW), inputs=[x(4, 3)]),
    named("get_old_config", obj("L1L2", l1=0.0, l2=0.01)),
    named("get_new_config", obj("L2", l2=0.01), NEW),
    named("get_unknown", "no_such", [*KERAS2[:2], "3"], errors=[*KERAS2[:2], "3"]),
]  # fmt: skip
