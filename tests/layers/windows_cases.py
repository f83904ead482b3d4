"""Cases of the layers with windows and of batch normalization, and how a tensor is boiled down to a fingerprint.

Used by `record_windows.py` under real Keras and by the tests: numpy only.
"""

import numpy as np

GENERATIONS = ("2.2.4", "2.3.1", "2.15", "3")


def values(shape, seed):
    """Deterministic numbers between -1 and 1, no two patterns alike."""
    index = np.arange(1, int(np.prod(shape)) + 1, dtype="float64")
    return np.sin(index * (1.37 + 0.11 * seed) + seed).reshape(shape).astype("float32")


def weight_values(layer, shape, number):
    """Values for weight `number` of a layer: positive for vectors and statistics."""
    made = values(shape, 3 + number)
    return np.abs(made) + 0.3 if len(shape) == 1 or "Normalization" in layer else made


def fingerprint(array):
    """Shape, two random-like projections and the norm: an element moved, dropped or changed shows."""
    array = np.asarray(array, dtype="float64")
    index = np.arange(1, array.size + 1, dtype="float64")
    flat = array.ravel()
    numbers = (np.dot(flat, np.cos(index * 1.913)), np.dot(flat, np.sin(index * 0.731 + 0.4)), np.linalg.norm(flat))
    return [list(array.shape), *(float(f"{n:.8g}") for n in numbers)]


def case(layer, shape, training=None, only=GENERATIONS, **arguments):
    return {"layer": layer, "shape": list(shape), "training": training, "only": list(only), "arguments": arguments}


NEW = ("2.15", "3")
I1, I2, I3 = (2, 7, 4), (2, 6, 5, 4), (1, 4, 5, 4, 2)
CASES = [
    *[case("Conv1D", I1, filters=3, kernel_size=k, strides=s, padding=p) for k, s, p in [(3, 1, "valid"), (3, 2, "same"), (2, 1, "same"), (4, 3, "same"), (1, 2, "same"), (2, 3, "valid"), (3, 1, "causal"), (3, 2, "causal")]],
    case("Conv1D", I1, filters=3, kernel_size=3, padding="causal", dilation_rate=2),
    case("Conv1D", I1, filters=3, kernel_size=2, padding="same", dilation_rate=3, use_bias=False),
    case("Conv1D", I1, filters=6, kernel_size=3, groups=2, only=NEW),
    case("Conv1D", (2, 1, 4), filters=3, kernel_size=3, padding="same", strides=2),
    *[case("Conv2D", I2, filters=3, kernel_size=k, strides=s, padding=p) for k, s, p in [(3, 1, "valid"), (3, 1, "same"), (3, 2, "same"), ((2, 4), 1, "same"), ((4, 3), (3, 2), "same"), (1, 2, "valid"), ((1, 2), (2, 3), "valid"), (2, 2, "same")]],
    case("Conv2D", I2, filters=3, kernel_size=(3, 2), padding="same", dilation_rate=(2, 1), activation="tanh"),
    case("Conv2D", I2, filters=3, kernel_size=2, dilation_rate=2),
    case("Conv2D", I2, filters=4, kernel_size=3, padding="same", groups=2, activation="relu", only=NEW),
    case("Conv2D", I2, filters=4, kernel_size=3, padding="same", groups=4, strides=2, only=NEW),
    case("Conv2D", (1, 1, 1, 2), filters=2, kernel_size=3, padding="same"),
    case("Conv2D", (2, 2, 3, 4, 2), filters=2, kernel_size=2, padding="same", only=("2.15",)),
    *[case("Conv3D", I3, filters=3, kernel_size=k, strides=s, padding=p) for k, s, p in [(2, 1, "valid"), (2, 1, "same"), ((3, 2, 1), 2, "same")]],
    *[case("DepthwiseConv2D", I2, kernel_size=k, strides=s, padding=p, depth_multiplier=m) for k, s, p, m in [(3, 1, "valid", 1), (3, 2, "same", 2), ((2, 3), 1, "same", 3)]],
    case("DepthwiseConv2D", I2, kernel_size=2, padding="same", dilation_rate=2, only=NEW),
    case("DepthwiseConv2D", (2, 8, 8, 3), kernel_size=3, padding="same", dilation_rate=2, strides=2, only=("3",)),
    case("DepthwiseConv1D", I1, kernel_size=3, strides=2, padding="same", depth_multiplier=2, only=NEW),
    *[case("SeparableConv1D", I1, filters=3, kernel_size=k, strides=s, padding=p, depth_multiplier=m) for k, s, p, m in [(3, 1, "valid", 1), (2, 2, "same", 2)]],
    case("SeparableConv1D", I1, filters=3, kernel_size=3, padding="causal", only=("2.15",)),
    *[case("SeparableConv2D", I2, filters=3, kernel_size=k, strides=s, padding=p, depth_multiplier=m) for k, s, p, m in [(3, 1, "valid", 1), (2, 2, "same", 2)]],
    case("SeparableConv2D", I2, filters=3, kernel_size=2, padding="same", dilation_rate=2),
    case("SeparableConv2D", (2, 8, 8, 3), filters=2, kernel_size=3, dilation_rate=2, strides=2, only=("3",)),
    case("SeparableConv2D", (2, 8, 8, 3), filters=2, kernel_size=3, dilation_rate=2, strides=2, padding="same", only=("3",)),
    *[case("Conv1DTranspose", I1, filters=3, kernel_size=k, strides=s, padding=p, only=NEW) for k, s, p in [(3, 2, "valid"), (3, 2, "same"), (2, 3, "same"), (5, 3, "same"), (4, 1, "same")]],
    *[case("Conv2DTranspose", I2, filters=3, kernel_size=k, strides=s, padding=p) for k, s, p in [(3, 1, "valid"), (3, 2, "same"), ((2, 5), (3, 2), "same"), (4, 2, "same"), (2, (3, 1), "valid")]],
    *[case("Conv2DTranspose", I2, filters=3, kernel_size=k, strides=2, padding=p, output_padding=o) for k, p, o in [(3, "same", 0), (3, "same", 1), (3, "valid", 1), (4, "same", 0), (4, "valid", 0), (5, "same", (1, 0))]],
    case("Conv2DTranspose", I2, filters=3, kernel_size=3, dilation_rate=2),
    case("Conv2DTranspose", I2, filters=3, kernel_size=3, dilation_rate=2, padding="same"),
    case("Conv3DTranspose", I3, filters=2, kernel_size=(2, 3, 2), strides=(2, 1, 3), padding="same"),
    case("Conv3DTranspose", I3, filters=2, kernel_size=2, dilation_rate=2, only=("3",)),
    *[case(f"{kind}Pooling1D", I1, pool_size=k, strides=s, padding=p) for kind in ("Max", "Average") for k, s, p in [(2, None, "valid"), (3, 2, "same"), (2, 1, "same"), (4, 3, "same"), (3, 1, "same"), (2, 3, "same")]],
    *[case(f"{kind}Pooling2D", I2, pool_size=k, strides=s, padding=p) for kind in ("Max", "Average") for k, s, p in [(2, None, "valid"), (3, 2, "same"), ((2, 3), (1, 2), "same"), ((4, 2), 1, "same"), ((1, 2), (2, 3), "same")]],
    *[case(f"{kind}Pooling3D", I3, pool_size=k, strides=s, padding=p) for kind in ("Max", "Average") for k, s, p in [(2, None, "valid"), (2, 1, "same"), ((3, 2, 1), 2, "same")]],
    *[case(f"Global{kind}Pooling{r}D", shape) for kind in ("Max", "Average") for r, shape in ((1, I1), (2, I2), (3, I3))],
    *[case(f"Global{kind}Pooling2D", I2, keepdims=True, only=NEW) for kind in ("Max", "Average")],
    case("ZeroPadding1D", I1, padding=(1, 2)), case("ZeroPadding2D", I2, padding=((1, 0), (2, 1))), case("ZeroPadding3D", I3, padding=((1, 0), (2, 1), (0, 3))),
    case("Cropping1D", I1, cropping=(1, 2)), case("Cropping2D", I2, cropping=((1, 0), (2, 1))), case("Cropping3D", I3, cropping=((1, 0), (2, 1), (0, 3))),
    case("UpSampling1D", I1, size=3), case("UpSampling2D", I2, size=(2, 3)), case("UpSampling3D", I3, size=(2, 1, 3)),
    *[case("BatchNormalization", shape, t, axis=axis, momentum=0.7, **more) for t in (False, True) for shape, axis in [((5, 3), -1), ((2, 4, 3), -1), ((2, 3, 4), 1), ((2, 3, 4, 2), -1), ((2, 3, 4, 2), 1), ((2, 3, 4, 2), 2), ((2, 3, 2, 2, 2), -1), ((2, 3, 2, 2, 2), 1)] for more in ({},)],
    case("BatchNormalization", (5, 3), True, scale=False), case("BatchNormalization", (2, 3, 2, 3), True, center=False, epsilon=0.1),
    case("BatchNormalization", (2, 3, 2, 3), True, center=False, scale=False),
    case("BatchNormalization", (2, 3, 4, 2), True, axis=[1, 3], only=("2.15",)), case("BatchNormalization", (2, 3, 4, 2), False, axis=[1, 3], only=("2.15",)),
    case("BatchNormalization", (5, 3), True, renorm=True, only=NEW), case("BatchNormalization", (2, 3, 2, 3), True, renorm=True, renorm_momentum=0.8, renorm_clipping={"rmax": 1.1, "rmin": 0.9, "dmax": 0.05}, only=NEW),
    case("BatchNormalization", (2, 3, 2, 3), True, fused=False, only=("2.15",)),
    case("LayerNormalization", (2, 3, 4), only=NEW), case("LayerNormalization", (2, 3, 4), axis=[1, 2], epsilon=0.01, only=NEW), case("LayerNormalization", (2, 3, 4), axis=1, only=NEW),
    case("LayerNormalization", (2, 3, 4), center=False, scale=False, only=NEW),
]  # fmt: skip
