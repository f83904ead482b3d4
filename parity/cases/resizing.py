"""UpSampling1D to 3D, Resizing, CenterCrop, Rescaling: methods, formats, sizes that do not divide, integers, bad arguments.

TensorFlow computes all methods but 'nearest' in float32, whatever floatx is: only 'nearest' has cases in float64.
"""

from parity.cases.make import ALL, NEW, OLD, TF, layer, sequential, x

FIRST = {"data_format": "channels_first"}
KERAS3 = ["3"]
_NO_AREA_GRADIENT = "TensorFlow has no gradient of its area kernel"


def _up(rank, name, config, shape, **fields):
    return layer(f"resizing/up_sampling{rank}d_{name}", f"UpSampling{rank}D", config, x(*shape), **fields)


def _image(kind, name, config, shape=(2, 6, 5, 3), low=-1, high=1, dtype="floatx", **fields):
    prefix = {"Resizing": "resizing", "CenterCrop": "center_crop", "Rescaling": "rescaling"}[kind]
    fields.setdefault("generations", list(NEW))
    return layer(f"resizing/{prefix}_{name}", kind, config, x(*shape, low=low, high=high, dtype=dtype), **fields)


def _area(method):
    return {"gradient": False, "note": _NO_AREA_GRADIENT} if method == "area" else {}


COMMON = ("bicubic", "area", "lanczos3", "lanczos5")
ONLY_TF = ("gaussian", "mitchellcubic")
SIZES = {"larger": (9, 11), "smaller": (4, 3), "mixed": (13, 2), "tiny": (1, 1), "doubled": (12, 10)}

CASES = [
    _up(1, "plain", {}, (2, 4, 3), float64=True),
    _up(1, "three", {"size": 3}, (2, 4, 3)),
    _up(1, "one_step", {"size": 4}, (2, 1, 3)),
    _up(1, "zero", {"size": 0}, (2, 4, 3), generations=list(NEW), errors=list(NEW)),
    _up(1, "rank4", {}, (2, 4, 3, 2), errors=list(ALL)),
    _up(2, "plain", {}, (2, 4, 3, 2), float64=True),
    _up(2, "oblong", {"size": [2, 3]}, (2, 4, 3, 2)),
    _up(2, "seven", {"size": [7, 1]}, (1, 5, 2, 2)),
    _up(2, "forty_nine", {"size": [49, 1]}, (1, 3, 1, 1)),
    _up(2, "channels_first", dict(FIRST), (2, 3, 4, 2)),
    _up(2, "bilinear", {"interpolation": "bilinear"}, (2, 4, 3, 2)),
    _up(2, "bilinear_upper", {"interpolation": "BILINEAR"}, (2, 4, 3, 2), generations=list(NEW)),
    _up(2, "bilinear_oblong", {"interpolation": "bilinear", "size": [3, 2]}, (2, 4, 3, 2)),
    _up(2, "bilinear_first", dict(FIRST, interpolation="bilinear", size=[2, 5]), (2, 3, 4, 2)),
    _up(2, "bilinear_one_pixel", {"interpolation": "bilinear", "size": 3}, (2, 1, 1, 2)),
    _up(2, "bilinear_unchanged", {"interpolation": "bilinear", "size": 1}, (2, 4, 3, 2)),
    _up(2, "rank3", {}, (2, 4, 3), errors=list(ALL)),
    _up(2, "triple", {"size": [2, 2, 2]}, (2, 4, 3, 2), errors=list(ALL)),
    _up(2, "bad_method", {"interpolation": "cubical"}, (2, 4, 3, 2), errors=list(ALL)),
    _up(2, "bicubic_before_tf", {"interpolation": "bicubic"}, (2, 4, 3, 2), generations=list(OLD), errors=list(OLD)),
    _up(2, "gaussian_in_keras3", {"interpolation": "gaussian"}, (2, 4, 3, 2), generations=KERAS3, errors=KERAS3),
    _up(2, "bad_format", {"data_format": "sideways"}, (2, 4, 3, 2), errors=list(ALL)),
    _up(2, "zero", {"size": 0}, (2, 4, 3, 2), generations=list(NEW), errors=list(NEW)),
    layer("resizing/up_sampling2d_integers", "UpSampling2D", {}, x(2, 4, 3, 2, low=0, high=9, dtype="int32"), generations=list(NEW)),
    layer("resizing/up_sampling2d_integers_bilinear", "UpSampling2D", {"interpolation": "bilinear"},
          x(2, 4, 3, 2, low=0, high=200, dtype="int32"), generations=list(NEW)),
    layer("resizing/up_sampling2d_masked", "UpSampling2D", {}, x(2, 4, 3, 2, mask=[[1, 0, 1, 1], [1, 1, 1, 0]]), errors=list(OLD)),
    layer("resizing/up_sampling1d_masked", "UpSampling1D", {}, x(2, 4, 3, mask=[[1, 0, 1, 1], [1, 1, 1, 0]]), errors=list(OLD)),
    *[
        _up(2, method + "_" + name, {"interpolation": method, "size": list(size)}, (2, 4, 3, 2), generations=list(NEW), **_area(method))
        for method in COMMON for name, size in (("doubled", (2, 2)), ("oblong", (3, 5)))
    ],
    *[
        _up(2, method + "_first", dict(FIRST, interpolation=method), (2, 2, 4, 3), generations=list(NEW))
        for method in ("bicubic", "lanczos3")
    ],
    *[_up(2, method, {"interpolation": method, "size": [2, 3]}, (2, 4, 3, 2), generations=list(TF)) for method in ONLY_TF],
    _up(3, "plain", {}, (2, 3, 2, 4, 2), float64=True),
    _up(3, "oblong", {"size": [1, 3, 2]}, (2, 3, 2, 4, 2)),
    _up(3, "channels_first", dict(FIRST, size=[2, 1, 3]), (2, 2, 3, 2, 4)),
    sequential("resizing/stack", [
        {"class": "Conv2D", "config": {"filters": 3, "kernel_size": 2, "input_shape": [5, 6, 2]}},
        {"class": "UpSampling2D", "config": {"interpolation": "bilinear"}}, {"class": "UpSampling2D", "config": {"size": [1, 2]}},
    ], x(2, 5, 6, 2), train={"loss": "mse", "rate": 0.1}, per_generation={"3": {"model": {"sequential": [
        {"class": "Conv2D", "config": {"filters": 3, "kernel_size": 2}},
        {"class": "UpSampling2D", "config": {"interpolation": "bilinear"}}, {"class": "UpSampling2D", "config": {"size": [1, 2]}},
    ]}, "skip": ["static_shape"]}}, generations=list(OLD) + list(TF)),

    *[_image("Resizing", "bilinear_" + name, {"height": size[0], "width": size[1]}) for name, size in SIZES.items()],
    *[
        _image("Resizing", "nearest_" + name, {"height": size[0], "width": size[1], "interpolation": "nearest"})
        for name, size in SIZES.items()
    ],
    *[
        _image("Resizing", method + "_" + name, {"height": SIZES[name][0], "width": SIZES[name][1], "interpolation": method},
               **_area(method))
        for method in COMMON for name in ("larger", "smaller", "mixed")
    ],
    *[
        _image("Resizing", method + "_" + name, {"height": SIZES[name][0], "width": SIZES[name][1], "interpolation": method},
               generations=list(TF))
        for method in ONLY_TF for name in ("larger", "smaller", "mixed")
    ],
    *[
        _image("Resizing", "antialias_" + method, {"height": 4, "width": 2, "interpolation": method, "antialias": True}, (2, 9, 7, 3),
               generations=KERAS3, **_area(method))
        for method in ("nearest", "bilinear", *COMMON)
    ],
    _image("Resizing", "antialias_larger", {"height": 11, "width": 3, "antialias": True}, generations=KERAS3),
    _image("Resizing", "nearest_double", {"height": 4, "width": 9, "interpolation": "nearest"}, float64=True),
    _image("Resizing", "same_size", {"height": 6, "width": 5}),
    *[
        _image("Resizing", f"crop_{high}_{wide}", {"height": high, "width": wide, "crop_to_aspect_ratio": True})
        for high, wide in ((3, 3), (4, 9), (9, 2), (7, 5), (1, 1))
    ],
    _image("Resizing", "crop_nearest", {"height": 4, "width": 9, "crop_to_aspect_ratio": True, "interpolation": "nearest"}),
    _image("Resizing", "crop_bicubic", {"height": 3, "width": 8, "crop_to_aspect_ratio": True, "interpolation": "bicubic"}),
    *[
        _image("Resizing", f"pad_{high}_{wide}", {"height": high, "width": wide, "pad_to_aspect_ratio": True, "fill_value": 0.5},
               generations=KERAS3)
        for high, wide in ((3, 3), (4, 9), (9, 2), (7, 5))
    ],
    _image("Resizing", "pad_zero", {"height": 4, "width": 9, "pad_to_aspect_ratio": True, "interpolation": "nearest"}, generations=KERAS3),
    _image("Resizing", "pad_first", dict(FIRST, height=3, width=8, pad_to_aspect_ratio=True, fill_value=-2.0), (2, 3, 6, 5),
           generations=KERAS3),
    _image("Resizing", "crop_first", dict(FIRST, height=3, width=8, crop_to_aspect_ratio=True), (2, 3, 6, 5), generations=KERAS3),
    _image("Resizing", "first_bicubic", dict(FIRST, height=3, width=8, interpolation="bicubic"), (2, 3, 6, 5), generations=KERAS3),
    _image("Resizing", "one_image", {"height": 4, "width": 7}, (6, 5, 3), skip=["static_shape"],
           note="the first axis is no batch: its size is known"),
    _image("Resizing", "one_image_cropped", {"height": 4, "width": 7, "crop_to_aspect_ratio": True}, (6, 5, 3), skip=["static_shape"]),
    _image("Resizing", "one_image_lanczos", {"height": 4, "width": 7, "interpolation": "lanczos3"}, (6, 5, 3), skip=["static_shape"]),
    _image("Resizing", "integers", {"height": 3, "width": 5}, low=0, high=255, dtype="int32"),
    _image("Resizing", "bytes", {"height": 4, "width": 3}, low=0, high=255, dtype="uint8"),
    _image("Resizing", "bytes_bicubic", {"height": 9, "width": 8, "interpolation": "bicubic"}, low=0, high=255, dtype="uint8"),
    _image("Resizing", "bytes_nearest", {"height": 9, "width": 8, "interpolation": "nearest"}, low=0, high=255, dtype="uint8"),
    _image("Resizing", "rank5", {"height": 4, "width": 3}, (1, 2, 6, 5, 3), errors=list(NEW)),
    _image("Resizing", "rank2", {"height": 4, "width": 3}, (6, 5), errors=list(NEW)),
    _image("Resizing", "zero_height", {"height": 0, "width": 3}, errors=list(NEW)),
    _image("Resizing", "broken_width", {"height": 2, "width": 3.5}, errors=list(NEW)),
    _image("Resizing", "bad_method", {"height": 2, "width": 3, "interpolation": "cubic"}, errors=list(NEW)),
    _image("Resizing", "bad_fill_mode", {"height": 2, "width": 3, "pad_to_aspect_ratio": True, "fill_mode": "reflect"}, generations=KERAS3,
           errors=KERAS3),
    _image("Resizing", "crop_and_pad", {"height": 2, "width": 3, "pad_to_aspect_ratio": True, "crop_to_aspect_ratio": True},
           generations=KERAS3, errors=KERAS3),

    *[_image("CenterCrop", f"{high}_{wide}", {"height": high, "width": wide}) for high, wide in ((2, 2), (3, 4), (6, 5), (1, 5), (5, 2))],
    *[_image("CenterCrop", f"enlarging_{high}_{wide}", {"height": high, "width": wide}) for high, wide in ((8, 2), (7, 9), (3, 6))],
    _image("CenterCrop", "double", {"height": 3, "width": 3}, float64=True),
    _image("CenterCrop", "first", dict(FIRST, height=3, width=2), (2, 3, 6, 5), generations=KERAS3),
    _image("CenterCrop", "first_enlarging", dict(FIRST, height=8, width=2), (2, 3, 6, 5), generations=KERAS3),
    _image("CenterCrop", "one_image", {"height": 3, "width": 2}, (6, 5, 3), skip=["static_shape"]),
    _image("CenterCrop", "one_image_enlarging", {"height": 3, "width": 9}, (6, 5, 3), skip=["static_shape"]),
    _image("CenterCrop", "integers", {"height": 3, "width": 2}, low=0, high=255, dtype="int32"),
    _image("CenterCrop", "bytes_enlarging", {"height": 9, "width": 2}, low=0, high=255, dtype="uint8"),
    _image("CenterCrop", "rank2", {"height": 4, "width": 3}, (6, 5), errors=list(NEW)),

    _image("Rescaling", "plain", {"scale": 2.5}, float64=True),
    _image("Rescaling", "offset", {"scale": 0.5, "offset": -1}),
    _image("Rescaling", "vector", {"scale": 3, "offset": 0.25}, (4, 5)),
    _image("Rescaling", "channels", {"scale": [1.0, 2.0, 0.5], "offset": [0.1, 0.2, -0.5]}),
    _image("Rescaling", "channels_offset", {"scale": 2, "offset": [0.1, 0.2, -0.5]}),
    _image("Rescaling", "integers", {"scale": 0.1, "offset": 2}, low=0, high=255, dtype="int32"),
    _image("Rescaling", "bytes", {"scale": 1 / 127.5, "offset": -1}, low=0, high=255, dtype="uint8"),
    _image("Rescaling", "none", {"scale": None}, errors=list(NEW)),
    _image("Rescaling", "text", {"scale": "a"}, errors=list(NEW)),
    layer("resizing/rescaling_masked", "Rescaling", {"scale": 2.0}, x(2, 3, 4, mask=[[1, 0, 1], [1, 1, 0]]), generations=list(NEW)),
]  # fmt: skip
