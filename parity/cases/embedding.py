"""Embedding: indices, masks, lengths, what it tells of its input."""

from parity.cases.make import NEW, OLD, layer, obj, part, sequential, values

TOKENS = [[1, 2, 0, 3], [0, 4, 4, 0]]


def _embedding(name, config, inputs=None, **fields):
    config = dict({"input_dim": 5, "output_dim": 3}, **config)
    return layer("embedding/" + name, "Embedding", config, inputs or values(TOKENS, dtype="int32"), **fields)


CASES = [
    _embedding("default", {}, float64=True),
    _embedding("int64", {}, values(TOKENS, dtype="int64")),
    _embedding("floats", {}, values([[1.0, 2.7, 0.0], [3.99, 4.0, 0.5]])),
    _embedding("mask_zero", {"mask_zero": True}),
    _embedding("mask_zero_floats", {"mask_zero": True}, values([[1.0, 0.0, 2.0]])),
    _embedding("one_axis", {}, values([1, 2, 0], dtype="int32")),
    _embedding("three_axes", {"mask_zero": True}, values([[[1, 2], [0, 3]]], dtype="int32")),
    _embedding("regularized", {"embeddings_regularizer": "l2"}),
    _embedding("constrained", {"embeddings_constraint": "unit_norm"}),
    _embedding("ones", {"embeddings_initializer": "ones"}, weights="initial"),
    _embedding("initializer", {"embeddings_initializer": obj("Constant", value=2.0)}, weights="initial"),
    _embedding("input_length", {"input_length": 4}, generations=[*OLD, "2.15"]),
    _embedding("wrong_length", {"input_length": 3}, generations=[*OLD], errors=[*OLD]),
    _embedding("activity", {"activity_regularizer": "l1"}),
    _embedding("above", {}, values([[5]], dtype="int32"), errors=[*OLD, *NEW]),
    _embedding("below", {}, values([[-1]], dtype="int32"), errors=[*OLD, "2.15"]),
    sequential("embedding/in_front_lstm", [part("Embedding", input_dim=5, output_dim=3, mask_zero=True, name="e"),
               part("LSTM", units=2, return_sequences=True, name="l"), part("Dense", units=1, name="d")], values(TOKENS, dtype="int32"),
               skip=["config", "rebuild", "input_shape", "output_shape"], generations=["2.2", "2.3", "2.15"]),
    sequential("embedding/trained", [part("InputLayer", shape=[4], name="i"),
               part("Embedding", input_dim=5, output_dim=3, mask_zero=True, name="e"),
               part("GRU", units=2, name="l"), part("Dense", units=1, name="d")], values(TOKENS, dtype="int32"),
               skip=["config", "rebuild"], generations=["3"], train={"loss": "mse", "rate": 0.1, "steps": 2}),
    sequential("embedding/trained_old", [part("Embedding", input_dim=5, output_dim=3, mask_zero=True, input_length=4, name="e"),
               part("GRU", units=2, name="l"), part("Dense", units=1, name="d")], values(TOKENS, dtype="int32"),
               skip=["config", "rebuild"], generations=[*OLD, "2.15"], train={"loss": "mse", "rate": 0.1, "steps": 2}),
]  # fmt: skip
