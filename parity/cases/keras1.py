"""MaxoutDense and Highway, which multi-backend Keras 2 still had under their Keras 1 names."""

from parity.cases.make import OLD, layer, obj, x

F = "keras1/"


def _case(name, kind, config, inputs, **fields):
    return layer(F + name, kind, config, inputs, generations=list(OLD), **fields)


CASES = [
    _case("maxout", "MaxoutDense", {"output_dim": 3}, x(4, 5), float64=True),
    _case("maxout_two", "MaxoutDense", {"output_dim": 3, "nb_feature": 2}, x(4, 5)),
    _case("maxout_one", "MaxoutDense", {"output_dim": 3, "nb_feature": 1}, x(4, 5)),
    _case("maxout_no_bias", "MaxoutDense", {"output_dim": 3, "bias": False}, x(4, 5)),
    _case("maxout_input_dim", "MaxoutDense", {"output_dim": 3, "input_dim": 5}, x(4, 5)),
    _case("maxout_regularized", "MaxoutDense", {"output_dim": 3, "W_regularizer": "l2", "b_regularizer": "l1"}, x(4, 5)),
    _case("maxout_activity", "MaxoutDense", {"output_dim": 3, "activity_regularizer": "l2"}, x(4, 5)),
    _case("maxout_constrained", "MaxoutDense", {"output_dim": 3, "W_constraint": "max_norm", "b_constraint": "non_neg"}, x(4, 5)),
    _case("maxout_initial", "MaxoutDense", {"output_dim": 3, "init": obj("Constant", value=0.5)}, x(4, 5), weights="initial",
          skip=["gradient"], note="all features are equal, and each framework shares the gradient of a tie in its own way"),
    _case("maxout_rank3", "MaxoutDense", {"output_dim": 3}, x(2, 4, 5), errors=list(OLD)),
    _case("maxout_frozen", "MaxoutDense", {"output_dim": 3}, x(4, 5), trainable=False),
    _case("highway", "Highway", {}, x(4, 5), float64=True),
    _case("highway_tanh", "Highway", {"activation": "tanh"}, x(4, 5)),
    _case("highway_relu", "Highway", {"activation": "relu"}, x(4, 5)),
    _case("highway_no_bias", "Highway", {"activation": "tanh", "bias": False}, x(4, 5)),
    _case("highway_regularized", "Highway", {"W_regularizer": "l2", "b_regularizer": "l1", "activity_regularizer": "l2"}, x(4, 5)),
    _case("highway_constrained", "Highway", {"W_constraint": "max_norm", "b_constraint": "non_neg"}, x(4, 5)),
    _case("highway_initial", "Highway", {"init": obj("Constant", value=0.1), "activation": "sigmoid"}, x(4, 5), weights="initial"),
    _case("highway_rank3", "Highway", {}, x(2, 4, 5), errors=list(OLD)),
    _case("highway_masked", "Highway", {}, x(2, 3, mask=[[1, 0, 1], [1, 1, 0]]), errors=list(OLD)),
]  # fmt: skip
