"""Activation functions of every generation: values, gradients at kinks, names in configs."""

from parity.cases.make import ALL, NEW, OLD, TF, values, x

GRID = [-7, -6, -4, -3, -2.5, -2, -1.5, -1, -0.5, -0.1, 0, 0.1, 0.5, 1, 1.5, 2, 2.5, 3, 4, 6, 7]
FAR = [-100, -30, -20, 0.5, 20, 30]
KERAS2 = [*OLD, *TF]


#: computed with float32 constants in TensorFlow, whatever the dtype
_COARSE = {"gelu": [], "leaky_relu": [], "hard_silu": [], "hard_swish": [], "hard_sigmoid": KERAS2}


def case(name, function, config=None, inputs=None, generations=ALL, **more):
    """An activation on the grid, which has every kink, also in float64."""
    inputs = values([GRID]) if inputs is None else inputs
    told = {"id": "activations/" + name, "kind": "activation", "class": function, "config": config or {}, "inputs": [inputs]}
    return dict(told, generations=list(generations), float64=more.pop("float64", _COARSE.get(function, True)), **more)


def named(name, identifier, generations=ALL, **more):
    """What `activations.get` gives, called and written."""
    told = {"id": "activations/" + name, "kind": "activation", "identifier": identifier, "inputs": [values([GRID])]}
    return dict(told, generations=list(generations), **more)


def relu(name, slope, top, threshold):
    """`alpha` is called `negative_slope` in Keras 3."""
    rest = {"max_value": top, "threshold": threshold}
    renamed = {"3": {"config": dict(rest, negative_slope=slope)}}
    return case("relu_" + name, "relu", dict(rest, alpha=slope), float64=name != "slope", per_generation=renamed)


_EVERYWHERE = ("elu", "exponential", "hard_sigmoid", "linear", "relu", "selu", "sigmoid", "softplus", "softsign", "tanh")
_KERAS3 = ("celu", "hard_shrink", "hard_silu", "hard_swish", "hard_tanh", "leaky_relu", "log_sigmoid", "relu6", "silu", "soft_shrink",
           "sparse_plus", "sparse_sigmoid", "squareplus", "tanh_shrink")  # fmt: skip

CASES = [
    *(case(name, name) for name in _EVERYWHERE),
    *(case(name, name, generations=NEW) for name in ("gelu", "mish", "swish")),
    *(case(name, name, generations=["3"]) for name in _KERAS3),
    *(case("far_" + name, name, inputs=values([FAR])) for name in ("elu", "hard_sigmoid", "selu", "sigmoid", "softplus", "softsign")),
    *(case("far_" + name, name, inputs=values([FAR]), generations=NEW) for name in ("gelu", "mish", "swish")),
    case("elu_alpha", "elu", {"alpha": 2.0}),
    case("celu_alpha", "celu", {"alpha": 2.0}, generations=["3"]),
    case("leaky_relu_slope", "leaky_relu", {"negative_slope": 0.3}, generations=["3"]),
    case("hard_shrink_one", "hard_shrink", {"threshold": 1.0}, generations=["3"]),
    case("soft_shrink_one", "soft_shrink", {"threshold": 1.0}, generations=["3"]),
    case("squareplus_two", "squareplus", {"b": 2}, generations=["3"]),
    case("threshold", "threshold", {"threshold": 0.5, "default_value": 9.0}, generations=["3"]),
    case("gelu_tanh", "gelu", {"approximate": True}, generations=NEW),
    relu("slope", 0.1, None, 0.0),
    relu("max", 0.0, 1.0, 0.0),
    relu("max_six", 0.0, 6.0, 0.0),
    relu("threshold", 0.0, None, 1.0),
    relu("threshold_below", 0.0, None, -1.0),
    relu("threshold_max", 0.0, 2.0, 1.0),
    relu("slope_threshold", 0.2, None, 1.0),
    relu("slope_max_six", 0.1, 6.0, 0.0),
    relu("slope_max", 0.1, 4.0, 0.0),
    relu("slope_max_threshold", 0.1, 1.5, 0.5),
    case("softmax", "softmax", inputs=x(4, 5, low=-4, high=4)),
    case("softmax_first", "softmax", {"axis": 0}, inputs=x(4, 5, low=-4, high=4)),
    case("softmax_middle", "softmax", {"axis": 1}, inputs=x(2, 3, 4, low=-4, high=4)),
    case("softmax_rank4", "softmax", inputs=x(2, 3, 2, 5, low=-4, high=4)),
    case("softmax_two_axes", "softmax", {"axis": [1, 2]}, inputs=x(2, 3, 4, low=-4, high=4), generations=TF),
    case("softmax_vector", "softmax", inputs=x(5), errors=KERAS2),
    case("log_softmax", "log_softmax", inputs=x(4, 5, low=-4, high=4), generations=["3"]),
    case("log_softmax_first", "log_softmax", {"axis": 0}, inputs=x(4, 5, low=-4, high=4), generations=["3"]),
    case("glu", "glu", inputs=x(3, 6, low=-4, high=4), generations=["3"]),
    case("glu_first", "glu", {"axis": 0}, inputs=x(4, 5, low=-4, high=4), generations=["3"]),
    case("sparsemax", "sparsemax", inputs=values([[1, 2, 0.5, 0], [-3, 0, 4, 4], [0, 0, 0, 0], [0.1, 0.3, 0.2, 0.4]]), generations=["3"]),
    case("sparsemax_first", "sparsemax", {"axis": 0}, inputs=x(5, 3), generations=["3"]),
    *(named("get_" + name, name) for name in (*_EVERYWHERE, "softmax")),
    *(named("get_" + name, name, NEW) for name in ("gelu", "mish", "swish", "silu", "leaky_relu", "relu6", "log_softmax")),
    *(named("get_" + name, name, ["3"]) for name in ("hard_swish", "hard_silu", "log_sigmoid", "sparsemax", "squareplus")),
    named("get_none", None),
    named("get_unknown", "no_such", errors=list(ALL)),
]  # fmt: skip
