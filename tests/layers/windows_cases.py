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
K1 = [(3, 1, "valid"), (3, 2, "same"), (2, 1, "same"), (4, 3, "same"), (1, 2, "same"), (2, 3, "valid"), (3, 1, "causal"), (3, 2, "causal")]
K2 = [(3, 1, "valid"), (3, 1, "same"), (3, 2, "same"), ((2, 4), 1, "same"), ((4, 3), (3, 2), "same"), (1, 2, "valid"),
      ((1, 2), (2, 3), "valid"), (2, 2, "same")]  # fmt: skip
K3 = [(2, 1, "valid"), (2, 1, "same"), ((3, 2, 1), 2, "same")]
M2 = [(3, 1, "valid", 1), (2, 2, "same", 2), ((2, 3), 1, "same", 3)]
T1 = [(3, 2, "valid"), (3, 2, "same"), (2, 3, "same"), (5, 3, "same"), (4, 1, "same")]
T2 = [(3, 1, "valid"), (3, 2, "same"), ((2, 5), (3, 2), "same"), (4, 2, "same"), (2, (3, 1), "valid")]
O2 = [(3, "same", 0), (3, "same", 1), (3, "valid", 1), (4, "same", 0), (4, "valid", 0), (5, "same", (1, 0))]
P1 = [(2, None, "valid"), (3, 2, "same"), (2, 1, "same"), (4, 3, "same"), (3, 1, "same"), (2, 3, "same")]
P2 = [(2, None, "valid"), (3, 2, "same"), ((2, 3), (1, 2), "same"), ((4, 2), 1, "same"), ((1, 2), (2, 3), "same")]
P3 = [(2, None, "valid"), (2, 1, "same"), ((3, 2, 1), 2, "same")]
BN = [((5, 3), -1), ((2, 4, 3), -1), ((2, 3, 4), 1), ((2, 3, 4, 2), -1), ((2, 3, 4, 2), 1), ((2, 3, 4, 2), 2), ((2, 3, 2, 2, 2), -1),
      ((2, 3, 2, 2, 2), 1)]  # fmt: skip
EDGES = {2: ((1, 0), (2, 1)), 3: ((1, 0), (2, 1), (0, 3))}
CLIPS = {"rmax": 1.1, "rmin": 0.9, "dmax": 0.05}
KINDS = ("Max", "Average")


def windows(layer, shape, table, only=GENERATIONS, **more):
    return [case(layer, shape, only=only, kernel_size=k, strides=s, padding=p, **more) for k, s, p in table]


def multiplied(layer, shape, table, **more):
    return [case(layer, shape, kernel_size=k, strides=s, padding=p, depth_multiplier=m, **more) for k, s, p, m in table]


def pools(layer, shape, table):
    return [case(layer, shape, pool_size=k, strides=s, padding=p) for k, s, p in table]


CASES = [
    *windows("Conv1D", I1, K1, filters=3),
    case("Conv1D", I1, filters=3, kernel_size=3, padding="causal", dilation_rate=2),
    case("Conv1D", I1, filters=3, kernel_size=2, padding="same", dilation_rate=3, use_bias=False),
    case("Conv1D", I1, filters=6, kernel_size=3, groups=2, only=NEW),
    case("Conv1D", (2, 1, 4), filters=3, kernel_size=3, padding="same", strides=2),
    *windows("Conv2D", I2, K2, filters=3),
    case("Conv2D", I2, filters=3, kernel_size=(3, 2), padding="same", dilation_rate=(2, 1), activation="tanh"),
    case("Conv2D", I2, filters=3, kernel_size=2, dilation_rate=2),
    case("Conv2D", I2, filters=4, kernel_size=3, padding="same", groups=2, activation="relu", only=NEW),
    case("Conv2D", I2, filters=4, kernel_size=3, padding="same", groups=4, strides=2, only=NEW),
    case("Conv2D", (1, 1, 1, 2), filters=2, kernel_size=3, padding="same"),
    case("Conv2D", (2, 2, 3, 4, 2), filters=2, kernel_size=2, padding="same", only=("2.15",)),
    *windows("Conv3D", I3, K3, filters=3),
    *multiplied("DepthwiseConv2D", I2, M2),
    case("DepthwiseConv2D", I2, kernel_size=3, strides=2, padding="same", depth_multiplier=2),
    case("DepthwiseConv2D", I2, kernel_size=2, padding="same", dilation_rate=2, only=NEW),
    case("DepthwiseConv2D", (2, 8, 8, 3), kernel_size=3, padding="same", dilation_rate=2, strides=2, only=("3",)),
    case("DepthwiseConv1D", I1, kernel_size=3, strides=2, padding="same", depth_multiplier=2, only=NEW),
    *multiplied("SeparableConv1D", I1, M2[:2], filters=3),
    case("SeparableConv1D", I1, filters=3, kernel_size=3, padding="causal", only=("2.15",)),
    *multiplied("SeparableConv2D", I2, M2[:2], filters=3),
    case("SeparableConv2D", I2, filters=3, kernel_size=2, padding="same", dilation_rate=2),
    case("SeparableConv2D", (2, 8, 8, 3), filters=2, kernel_size=3, dilation_rate=2, strides=2, only=("3",)),
    case("SeparableConv2D", (2, 8, 8, 3), filters=2, kernel_size=3, dilation_rate=2, strides=2, padding="same", only=("3",)),
    *windows("Conv1DTranspose", I1, T1, NEW, filters=3),
    *windows("Conv2DTranspose", I2, T2, filters=3),
    *[case("Conv2DTranspose", I2, filters=3, kernel_size=k, strides=2, padding=p, output_padding=o) for k, p, o in O2],
    case("Conv2DTranspose", I2, filters=3, kernel_size=3, dilation_rate=2),
    case("Conv2DTranspose", I2, filters=3, kernel_size=3, dilation_rate=2, padding="same"),
    case("Conv3DTranspose", I3, filters=2, kernel_size=(2, 3, 2), strides=(2, 1, 3), padding="same"),
    case("Conv3DTranspose", I3, filters=2, kernel_size=2, dilation_rate=2, only=("3",)),
    *[c for r, x, t in ((1, I1, P1), (2, I2, P2), (3, I3, P3)) for kind in KINDS for c in pools(f"{kind}Pooling{r}D", x, t)],
    *[case(f"Global{kind}Pooling{r}D", shape) for kind in KINDS for r, shape in ((1, I1), (2, I2), (3, I3))],
    *[case(f"Global{kind}Pooling2D", I2, keepdims=True, only=NEW) for kind in KINDS],
    case("ZeroPadding1D", I1, padding=(1, 2)),
    case("ZeroPadding2D", I2, padding=EDGES[2]),
    case("ZeroPadding3D", I3, padding=EDGES[3]),
    case("Cropping1D", I1, cropping=(1, 2)),
    case("Cropping2D", I2, cropping=EDGES[2]),
    case("Cropping3D", I3, cropping=EDGES[3]),
    case("UpSampling1D", I1, size=3),
    case("UpSampling2D", I2, size=(2, 3)),
    case("UpSampling3D", I3, size=(2, 1, 3)),
    *[case("BatchNormalization", shape, training, axis=axis, momentum=0.7) for training in (False, True) for shape, axis in BN],
    case("BatchNormalization", (5, 3), True, scale=False),
    case("BatchNormalization", (2, 3, 2, 3), True, center=False, epsilon=0.1),
    case("BatchNormalization", (2, 3, 2, 3), True, center=False, scale=False),
    *[case("BatchNormalization", (2, 3, 4, 2), training, axis=[1, 3], only=("2.15",)) for training in (False, True)],
    case("BatchNormalization", (5, 3), True, renorm=True, only=NEW),
    case("BatchNormalization", (2, 3, 2, 3), True, renorm=True, renorm_momentum=0.8, renorm_clipping=CLIPS, only=NEW),
    case("BatchNormalization", (2, 3, 2, 3), True, fused=False, only=("2.15",)),
    case("LayerNormalization", (2, 3, 4), only=NEW),
    case("LayerNormalization", (2, 3, 4), axis=[1, 2], epsilon=0.01, only=NEW),
    case("LayerNormalization", (2, 3, 4), axis=1, only=NEW),
    case("LayerNormalization", (2, 3, 4), center=False, scale=False, only=NEW),
]

#: layers whose configs are compared, with the arguments they cannot do without
CONFIGS = [
    *[(f"Conv{r}D{kind}", {"filters": 2, "kernel_size": 3}) for r in (1, 2, 3) for kind in ("", "Transpose")],
    *[(f"DepthwiseConv{r}D", {"kernel_size": 3}) for r in (1, 2)],
    *[(f"SeparableConv{r}D", {"filters": 2, "kernel_size": 3}) for r in (1, 2)],
    *[(f"{kind}Pooling{r}D", {"pool_size": 2}) for kind in ("Max", "Average") for r in (1, 2, 3)],
    *[(f"Global{kind}Pooling{r}D", {}) for kind in ("Max", "Average") for r in (1, 2, 3)],
    *[(f"{kind}{r}D", {}) for kind in ("ZeroPadding", "Cropping", "UpSampling") for r in (1, 2, 3)],
    ("BatchNormalization", {}),
    ("LayerNormalization", {}),
]
