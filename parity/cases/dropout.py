"""Dropout and SpatialDropout: the identity in inference; in training the scale, the share of zeros and the shape of the noise."""

from parity.cases.make import NEW, OLD, TF, layer, ones, x

RATES = [("dropout_fifth", 0.2), ("dropout_half", 0.5), ("dropout_eighty", 0.8)]

#: Keras 2 leaves `data_format` out of the config, so that its own layer made from it differs
LOST = {"per_generation": {g: {"skip": ["rebuild"]} for g in (*OLD, *TF)}}

CASES = (
    [layer("dropout/" + name + "_inference", "Dropout", {"rate": rate}, x(3, 5)) for name, rate in RATES]
    + [
        layer("dropout/" + name + "_training", "Dropout", {"rate": rate}, ones(50, 40), random=True, call={"training": True})
        for name, rate in RATES
    ]
    + [
        layer("dropout/zero_rate", "Dropout", {"rate": 0.0}, x(3, 5), call={"training": True}),
        layer("dropout/seed", "Dropout", {"rate": 0.4, "seed": 7}, ones(50, 40), random=True, call={"training": True}),
        layer("dropout/noise_rows", "Dropout", {"rate": 0.4, "noise_shape": [200, 1]}, ones(200, 4), random=True, call={"training": True}),
        layer("dropout/noise_steps", "Dropout", {"rate": 0.5, "noise_shape": [None, 1, 40]}, ones(20, 3, 40), random=True,
              call={"training": True}, generations=["2.2", "2.3", "2.15"]),
        layer("dropout/noise_columns", "Dropout", {"rate": 0.5, "noise_shape": [1, 400]}, ones(3, 400), random=True,
              call={"training": True}),
        layer("dropout/masked", "Dropout", {"rate": 0.4}, x(2, 3, 5, mask=[[1, 0, 1], [0, 1, 1]])),
        layer("dropout/rate_one", "Dropout", {"rate": 1.0}, ones(5, 4), call={"training": True}, errors=["2.15"]),
        layer("dropout/rate_above", "Dropout", {"rate": 1.5}, ones(5, 4), call={"training": True}, errors=["2.15", "3"]),
        layer("dropout/rate_below", "Dropout", {"rate": -0.5}, ones(5, 4), call={"training": True}, errors=["2.15", "3"]),
        layer("dropout/spatial1d", "SpatialDropout1D", {"rate": 0.4}, ones(30, 3, 20), random=True, call={"training": True}),
        layer("dropout/spatial1d_inference", "SpatialDropout1D", {"rate": 0.4}, x(2, 3, 5)),
        layer("dropout/spatial1d_masked", "SpatialDropout1D", {"rate": 0.4}, x(2, 3, 5, mask=[[1, 0, 1], [0, 1, 1]])),
        layer("dropout/spatial1d_rank4", "SpatialDropout1D", {"rate": 0.4}, x(2, 3, 5, 4), errors=[*OLD, *NEW]),
        layer("dropout/spatial2d", "SpatialDropout2D", {"rate": 0.4}, ones(30, 3, 2, 20), random=True, call={"training": True}),
        layer("dropout/spatial2d_first", "SpatialDropout2D", {"rate": 0.4, "data_format": "channels_first"}, ones(30, 20, 3, 2),
              random=True, call={"training": True}, **LOST),
        layer("dropout/spatial2d_inference", "SpatialDropout2D", {"rate": 0.4}, x(2, 3, 5, 4)),
        layer("dropout/spatial3d", "SpatialDropout3D", {"rate": 0.3}, ones(30, 3, 2, 2, 20), random=True, call={"training": True}),
        layer("dropout/spatial3d_first", "SpatialDropout3D", {"rate": 0.3, "data_format": "channels_first"}, ones(30, 20, 2, 3, 2),
              random=True, call={"training": True}, **LOST),
        layer("dropout/spatial3d_inference", "SpatialDropout3D", {"rate": 0.3}, x(2, 3, 5, 4, 2)),
    ]
)  # fmt: skip
