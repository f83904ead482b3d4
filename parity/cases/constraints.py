"""Constraints: values and configs by generation."""

from parity.cases.make import ALL, OLD, TF, obj, values, x

MATRIX = values([[3, 0.1, -1, 0], [4, 0, 0.5, 0]])


def case(name, made, config=None, inputs=MATRIX, generations=ALL, **more):
    """A constraint made from its arguments."""
    told = {"id": "constraints/" + name, "kind": "constraint", "class": made, "config": config or {}, "inputs": [inputs]}
    return dict(told, generations=list(generations), float64=True, **more)


def named(name, identifier, generations=ALL, **more):
    """What `constraints.get` gives."""
    told = {"id": "constraints/" + name, "kind": "constraint", "identifier": identifier, "inputs": [MATRIX]}
    return dict(told, generations=list(generations), **more)


CASES = [
    case("MaxNorm", "MaxNorm"),
    case("MaxNorm_one", "MaxNorm", {"max_value": 1}),
    case("MaxNorm_rows", "MaxNorm", {"max_value": 1, "axis": 1}),
    case("MaxNorm_axes", "MaxNorm", {"max_value": 0.5, "axis": [0, 1, 2]}, x(3, 3, 2, 4)),
    case("MaxNorm_last", "MaxNorm", {"max_value": 0.5, "axis": -1}, x(3, 4)),
    case("NonNeg", "NonNeg"),
    case("UnitNorm", "UnitNorm"),
    case("UnitNorm_rows", "UnitNorm", {"axis": 1}),
    case("UnitNorm_axes", "UnitNorm", {"axis": [0, 1, 2]}, x(3, 3, 2, 4)),
    case("UnitNorm_tiny", "UnitNorm", {}, values([[0, 1e-8], [0, 0]])),
    case("MinMaxNorm", "MinMaxNorm"),
    case("MinMaxNorm_half", "MinMaxNorm", {"min_value": 0.5, "max_value": 1, "rate": 0.5}),
    case("MinMaxNorm_rows", "MinMaxNorm", {"min_value": 2.0, "max_value": 3.0, "axis": 1}, x(4, 3)),
    *(case(f"RadialConstraint_{n}", "RadialConstraint", {}, x(n, n, 2, 3), TF) for n in (2, 3, 4, 5, 6, 7, 8)),
    case("RadialConstraint_rank", "RadialConstraint", {}, x(3, 3), TF, errors=list(TF)),
    case("RadialConstraint_oblong", "RadialConstraint", {}, x(3, 4, 1, 1), TF, errors=list(TF)),
    case("max_norm", "max_norm", {"max_value": 1}),
    case("min_max_norm", "min_max_norm", {"rate": 0.1}),
    *(named("get_" + name, name) for name in ("max_norm", "MaxNorm", "non_neg", "NonNeg", "unit_norm", "UnitNorm", "min_max_norm")),
    *(named("get_" + name, name, [*OLD, *TF]) for name in ("maxnorm", "nonneg", "unitnorm")),
    named("get_config", obj("MinMaxNorm", min_value=0.1, max_value=0.7, rate=0.2, axis=1)),
    named("get_unknown", "no_such", errors=list(ALL)),
]  # fmt: skip
