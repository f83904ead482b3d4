"""TimeDistributed: layers over steps, masks, normalization by generation."""

from parity.cases.make import OLD, layer, part, x

A = [[1, 1, 0], [1, 0, 0]]
TRAIN = {"training": True}


def _each(name, inner, inputs, **fields):
    return layer("time_distributed/" + name, "TimeDistributed", {"layer": inner}, inputs, **fields)


CASES = [
    _each("dense", part("Dense", units=4, name="d"), x(2, 3, 5), float64=True),
    _each("dense_masked", part("Dense", units=4, name="d"), x(2, 3, 5, mask=A)),
    _each("dense_rank4", part("Dense", units=4, name="d"), x(2, 3, 5, 2)),
    _each("dense_regularized", part("Dense", units=4, kernel_regularizer="l2", name="d"), x(2, 3, 5)),
    _each("dense_activity", part("Dense", units=4, activity_regularizer="l1", name="d"), x(2, 3, 5),
          per_generation={g: {"skip": ["loss"]} for g in OLD}, note="old Keras adds the loss to a model, but not to `losses`"),
    _each("conv", part("Conv2D", filters=3, kernel_size=2, name="d"), x(2, 3, 4, 5, 2)),
    _each("flatten", part("Flatten", name="d"), x(2, 3, 4, 5)),
    _each("lstm", part("LSTM", units=4, name="d"), x(2, 3, 4, 5)),
    _each("lstm_sequences", part("LSTM", units=4, return_sequences=True, name="d"), x(2, 3, 4, 5)),
    _each("normalization", part("BatchNormalization", name="d"), x(4, 3, 2)),
    _each("normalization_training", part("BatchNormalization", momentum=0.5, name="d"), x(4, 3, 2), call=TRAIN),
    _each("normalization_three", part("BatchNormalization", momentum=0.5, name="d"), x(4, 3, 2), call=TRAIN, steps=3),
    _each("activation", part("Activation", activation="softmax", name="d"), x(2, 3, 5)),
    _each("pooling", part("MaxPooling1D", pool_size=2, name="d"), x(2, 3, 6, 5)),
    _each("dropout", part("Dropout", rate=0.5, name="d"), x(2, 3, 5)),
    _each("embedding_masked", part("Embedding", input_dim=5, output_dim=2, mask_zero=True, name="d"),
          x(2, 3, 4, low=0, high=5, dtype="int32"),
          generations=["2.15", "3"]),
    _each("masking", part("Masking", mask_value=0.0, name="d"), x(2, 3, 4, 2)),
]  # fmt: skip
