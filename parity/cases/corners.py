"""Where image and signal layers meet unknown sizes, masks, several precisions and whole numbers."""

from parity.cases.make import ALL, NEW, OLD, TF, functional, layer, part, window, x

UNKNOWN = [
    ("conv1d", "Conv1D", window(3, 2, "same", filters=2), 1, {}),
    ("conv1d_causal", "Conv1D", window(3, 1, "causal", filters=2, dilation_rate=2), 1, {}),
    ("conv2d", "Conv2D", window(3, 2, "same", filters=2), 2, {}), ("conv2d_valid", "Conv2D", window([3, 2], [2, 3], filters=2), 2, {}),
    ("conv2d_dilated", "Conv2D", window(3, 1, "same", filters=2, dilation_rate=2), 2, {}),
    ("conv3d", "Conv3D", window(2, 2, "same", filters=2), 3, {}),
    ("separable", "SeparableConv2D", window(3, 2, "same", filters=2), 2, {}),
    ("depthwise", "DepthwiseConv2D", window(3, 2, "same", depth_multiplier=2), 2, {}),
    ("transposed_same", "Conv2DTranspose", window(3, 2, "same", filters=2), 2, {}),
    ("transposed_valid", "Conv2DTranspose", window(3, 2, filters=2), 2, {}),
    ("transposed_padded", "Conv2DTranspose", window(3, 2, "same", filters=2, output_padding=1), 2, {}),
    ("transposed1d", "Conv1DTranspose", window(3, 2, "same", filters=2), 1, {"generations": list(NEW)}),
    ("transposed3d", "Conv3DTranspose", window(2, 2, "same", filters=2), 3, {}),
    ("max1d", "MaxPooling1D", {"pool_size": 3, "strides": 2, "padding": "same"}, 1, {}),
    ("max2d", "MaxPooling2D", {"pool_size": 3, "strides": 2, "padding": "same"}, 2, {}),
    ("average2d", "AveragePooling2D", {"pool_size": 3, "strides": 2, "padding": "same"}, 2, {}),
    ("average3d", "AveragePooling3D", {"pool_size": 2, "padding": "same"}, 3, {}),
    ("global_max", "GlobalMaxPooling2D", {}, 2, {}), ("global_average", "GlobalAveragePooling3D", {}, 3, {}),
    ("zero_padding", "ZeroPadding2D", {"padding": [[1, 2], [0, 3]]}, 2, {}),
    ("cropping", "Cropping2D", {"cropping": [[1, 2], [0, 3]]}, 2, {}),
    ("upsampling1d", "UpSampling1D", {"size": 3}, 1, {}), ("upsampling2d", "UpSampling2D", {"size": [2, 3]}, 2, {}),
    ("upsampling_bilinear", "UpSampling2D", {"size": 2, "interpolation": "bilinear"}, 2, {}),
    ("upsampling3d", "UpSampling3D", {"size": 2}, 3, {}),
    ("normalization", "BatchNormalization", {}, 2, {}), ("layer_normalization", "LayerNormalization", {}, 2, {"generations": list(NEW)}),
    ("group_normalization", "GroupNormalization", {"groups": 3}, 2, {"generations": list(NEW)}),
    ("resizing", "Resizing", {"height": 4, "width": 9}, 2, {"generations": list(NEW)}),
    ("center_crop", "CenterCrop", {"height": 2, "width": 3}, 2, {"generations": list(NEW)}),
    ("center_crop_enlarging", "CenterCrop", {"height": 8, "width": 9}, 2, {"generations": list(NEW)}),
    ("prelu", "PReLU", {"shared_axes": [1, 2]}, 2, {}), ("softmax", "Softmax", {"axis": 1}, 2, {}),
    ("dropout", "SpatialDropout2D", {"rate": 0.5}, 2, {}),
    ("adaptive", "AdaptiveAveragePooling2D", {"output_size": 2}, 2, {"generations": ["3"]}),
]  # fmt: skip
SIZES = [6, 7, 5]

#: layers of one axis of steps, with a mask on their input
MASKED = [
    ("cropping1d", "Cropping1D", {}), ("zero_padding1d", "ZeroPadding1D", {}), ("upsampling1d", "UpSampling1D", {}),
    ("conv1d", "Conv1D", window(3, 1, "same", filters=2)), ("conv1d_strided", "Conv1D", window(3, 2, "same", filters=2)),
    ("conv1d_valid", "Conv1D", window(2, filters=2)), ("separable1d", "SeparableConv1D", window(3, 1, "same", filters=2)),
    ("max_pooling1d", "MaxPooling1D", {}), ("average_pooling1d", "AveragePooling1D", {"pool_size": 2}),
    ("global_max1d", "GlobalMaxPooling1D", {}),
    ("locally_connected1d", "LocallyConnected1D", {"filters": 2, "kernel_size": 2}),
    ("leaky_relu", "LeakyReLU", {}), ("prelu", "PReLU", {}), ("elu", "ELU", {}), ("thresholded_relu", "ThresholdedReLU", {}),
    ("relu", "ReLU", {}), ("softmax", "Softmax", {}), ("softmax_steps", "Softmax", {"axis": 1}),
    ("gaussian_noise", "GaussianNoise", {"stddev": 0.3}), ("gaussian_dropout", "GaussianDropout", {"rate": 0.3}),
    ("alpha_dropout", "AlphaDropout", {"rate": 0.3}), ("spatial_dropout1d", "SpatialDropout1D", {"rate": 0.3}),
    ("layer_normalization", "LayerNormalization", {}), ("unit_normalization", "UnitNormalization", {}),
    ("rms_normalization", "RMSNormalization", {}), ("einsum_dense", "EinsumDense", {"equation": "abc,cd->abd", "output_shape": [None, 2]}),
    ("rescaling", "Rescaling", {"scale": 2.0}), ("identity", "Identity", {}),
    ("conv1d_transpose", "Conv1DTranspose", window(3, 1, "same", filters=2)), ("depthwise1d", "DepthwiseConv1D", window(3, 1, "same")),
]  # fmt: skip
MASK = [[1, 1, 0, 1, 0], [0, 1, 1, 0, 0]]
ABSENT = {
    "2.2": "LayerNormalization UnitNormalization RMSNormalization EinsumDense Rescaling Identity Conv1DTranspose DepthwiseConv1D",
    "2.15": "RMSNormalization", "3": "LocallyConnected1D ThresholdedReLU",
}  # fmt: skip
ABSENT["2.3"] = ABSENT["2.2"]
#: what old Keras lets no mask through
BARRED = "Cropping1D ZeroPadding1D UpSampling1D Conv1D SeparableConv1D MaxPooling1D AveragePooling1D GlobalMaxPooling1D LocallyConnected1D"

#: layers that only move numbers, or whose weights or outputs are float32 for all that: the bars are too narrow for what halves round
HALF = [
    ("max_pooling", "MaxPooling2D", {}, x(2, 4, 4, 2)), ("resizing", "Resizing", {"height": 3, "width": 5}, x(1, 4, 4, 2)),
    ("upsampling", "UpSampling2D", {"interpolation": "bilinear"}, x(1, 4, 4, 2)), ("rescaling", "Rescaling", {"scale": 0.5}, x(2, 3)),
    ("prelu", "PReLU", {}, x(2, 3)), ("embedding", "Embedding", {"input_dim": 5, "output_dim": 3}, x(2, 3, low=0, high=5, dtype="int32")),
    ("batch_normalization", "BatchNormalization", {}, x(4, 3)),
]  # fmt: skip

WHOLE = [
    ("max_pooling2d", "MaxPooling2D", {}), ("zero_padding2d", "ZeroPadding2D", {}),
    ("cropping2d", "Cropping2D", {}), ("upsampling2d", "UpSampling2D", {}), ("relu", "ReLU", {}), ("leaky_relu", "LeakyReLU", {}),
    ("batch_normalization", "BatchNormalization", {}), ("layer_normalization", "LayerNormalization", {}),
]  # fmt: skip


def _cases():
    for name, kind, config, rank, fields in UNKNOWN:
        yield functional(
            "corners/unknown_" + name, {"a": [*[None] * rank, 3]}, {"m": part(kind, **config)}, [["y", "m", "a"]], "y",
            [x(2, *SIZES[:rank], 3)], **fields,
        )  # fmt: skip
    for name, kind, config in MASKED:
        held = [g for g in ALL if kind not in ABSENT[g].split()]
        errors = list(NEW) if kind == "Softmax" else list(OLD) if kind in BARRED.split() else []
        yield layer(
            "corners/masked_" + name,
            kind,
            config,
            x(2, 5, 3, mask=MASK),
            generations=held,
            errors=[g for g in errors if g in held],
            skip=["static_shape"] if kind == "EinsumDense" else [],
        )
    for name, kind, config, array in HALF:
        for policy in ("mixed_float16", "float16"):
            held = ["3"] if name == "upsampling" else list(NEW)  # tf_keras gives float32 here; a torch layer keeps to its dtype
            yield layer("corners/" + policy + "_" + name, kind, dict(config, dtype=policy), array, generations=held, gradient=False)
    for name, kind, config in WHOLE:
        held = list(TF if kind == "LayerNormalization" else NEW)  # Keras 3 gives whole numbers back there
        yield layer("corners/whole_" + name, kind, config, x(2, 5, 4, 3, low=-4, high=5, dtype="int32"), generations=held)


CASES = list(_cases())
