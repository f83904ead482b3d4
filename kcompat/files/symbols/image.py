"""TensorFlow's functions of images (rows, columns, channels, with or without a batch), `tf.image`."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from kcompat.errors import ArgumentError
from kcompat.files.symbols.common import Function, as_dtype, integers, size, tensor
from kcompat.tensor import resize as sizes

_METHODS: dict[Any, str] = {0: "bilinear", 1: "nearest", 2: "bicubic", 3: "area"}


def resize(
    images: Any, size: Any, method: Any = "bilinear", preserve_aspect_ratio: bool = False, antialias: bool = False, name: str | None = None
) -> Any:
    """Images at another size, by TensorFlow 2's methods; floats come out of all but 'nearest'."""
    x = tensor(images)
    target = _target(x, integers(size), preserve_aspect_ratio)
    word = _METHODS.get(method, str(method).lower())
    y = sizes.resize(x, target, word, antialias=antialias)
    return y if word == "nearest" or y.dtype is torch.float32 else y.float()


def _target(x: Tensor, wanted: list[int], keep: bool) -> tuple[int, int]:
    high, wide = wanted
    if not keep:
        return high, wide
    scale = min(high / x.shape[-3], wide / x.shape[-2])
    return round(scale * x.shape[-3]), round(scale * x.shape[-2])


def _old(method: str) -> Function:
    def call(
        images: Any, size: Any, align_corners: bool = False, name: str | None = None, half_pixel_centers: bool = False,
        method: Any = method, preserve_aspect_ratio: bool = False,
    ) -> Any:  # fmt: skip
        """TensorFlow 1: cell i lies at i * length / new length."""
        x = tensor(images)
        word = _METHODS.get(method, str(method))
        target = _target(x, integers(size), preserve_aspect_ratio)
        if align_corners:
            if word != "bilinear":
                raise ArgumentError(f"`align_corners=True` is supported for 'bilinear' only, the model asks for '{word}'.")
            batch = x.reshape(-1, *x.shape[-3:]).permute(0, 3, 1, 2).float()
            y = F.interpolate(batch, target, mode="bilinear", align_corners=True)
            return y.permute(0, 2, 3, 1).reshape(*x.shape[:-3], *target, x.shape[-1])
        half = half_pixel_centers if word in ("bilinear", "nearest") else True
        if word == "bicubic" and not half_pixel_centers:
            raise ArgumentError("TensorFlow 1's bicubic resizing without `half_pixel_centers` is not supported.")
        return sizes.resize(x, target, word, half_pixels=half)

    return call


def _flipped(axis: int) -> Function:
    def call(image: Any, name: str | None = None) -> Any:
        return tensor(image).flip(axis)

    return call


def transpose(image: Any, name: str | None = None) -> Any:
    """Rows and columns exchanged."""
    return tensor(image).transpose(-3, -2)


def rot90(image: Any, k: Any = 1, name: str | None = None) -> Any:
    """Turned against the clock by quarters."""
    return torch.rot90(tensor(image), size(k), (-3, -2))


def _crop(x: Tensor, top: int, left: int, high: int, wide: int) -> Tensor:
    return x.narrow(-3, top, high).narrow(-2, left, wide)


def crop_to_bounding_box(image: Any, offset_height: Any, offset_width: Any, target_height: Any, target_width: Any, name: Any = None) -> Any:
    """A window of an image."""
    return _crop(tensor(image), *(size(v) for v in (offset_height, offset_width, target_height, target_width)))


def pad_to_bounding_box(image: Any, offset_height: Any, offset_width: Any, target_height: Any, target_width: Any, name: Any = None) -> Any:
    """An image in a larger one of zeros."""
    x = tensor(image)
    top, left, high, wide = (size(v) for v in (offset_height, offset_width, target_height, target_width))
    return F.pad(x, (0, 0, left, wide - left - x.shape[-2], top, high - top - x.shape[-3]))


def central_crop(image: Any, central_fraction: float) -> Any:
    """The middle part of an image."""
    x = tensor(image)
    rows, columns = x.shape[-3], x.shape[-2]
    top, left = int((rows - rows * central_fraction) / 2), int((columns - columns * central_fraction) / 2)
    return _crop(x, top, left, rows - 2 * top, columns - 2 * left)


def resize_with_crop_or_pad(image: Any, target_height: Any, target_width: Any) -> Any:
    """Cut or filled with zeros around the middle."""
    x = tensor(image)
    for axis, wanted in ((-3, size(target_height)), (-2, size(target_width))):
        length = x.shape[axis]
        if length > wanted:
            x = x.narrow(axis, (length - wanted) // 2, wanted)
        elif length < wanted:
            before = (wanted - length) // 2
            pair = (before, wanted - length - before)
            x = F.pad(x, (0, 0, *pair) if axis == -2 else (0, 0, 0, 0, *pair))
    return x


def adjust_brightness(image: Any, delta: Any) -> Any:
    """`delta` added (to integer images scaled to their range)."""
    return _in_floats(image, lambda x: x + delta)


def adjust_contrast(images: Any, contrast_factor: Any) -> Any:
    """Distances from the mean of each channel multiplied."""

    def work(x: Tensor) -> Tensor:
        mean = x.mean((-3, -2), keepdim=True)
        return (x - mean) * contrast_factor + mean

    return _in_floats(images, work)


def adjust_gamma(image: Any, gamma: Any = 1, gain: Any = 1) -> Any:
    """`gain * x ** gamma`."""
    return _in_floats(image, lambda x: gain * x**gamma)


def adjust_saturation(image: Any, saturation_factor: Any, name: str | None = None) -> Any:
    """The saturation multiplied, between 0 and 1."""

    def work(x: Tensor) -> Tensor:
        hue, saturation, value = rgb_to_hsv(x).unbind(-1)
        return hsv_to_rgb(torch.stack([hue, (saturation * saturation_factor).clamp(0, 1), value], -1))

    return _in_floats(image, work)


def adjust_hue(image: Any, delta: Any, name: str | None = None) -> Any:
    """The hue moved round the circle."""

    def work(x: Tensor) -> Tensor:
        hue, saturation, value = rgb_to_hsv(x).unbind(-1)
        return hsv_to_rgb(torch.stack([torch.remainder(hue + delta, 1), saturation, value], -1))

    return _in_floats(image, work)


def _in_floats(image: Any, work: Any) -> Tensor:
    x = tensor(image)
    return work(x) if x.is_floating_point() else convert_image_dtype(work(convert_image_dtype(x, torch.float32)), x.dtype, saturate=True)


def convert_image_dtype(image: Any, dtype: Any, saturate: bool = False, name: str | None = None) -> Any:
    """Between floats from 0 to 1 and integers up to their largest."""
    x, target = tensor(image), as_dtype(dtype)
    if x.dtype is target:
        return x
    if x.is_floating_point():
        if target.is_floating_point:
            return x.to(target)
        info = torch.iinfo(target)
        scaled = x * (info.max + 0.5)
        return (scaled.clamp(info.min, info.max) if saturate else scaled).to(target)
    if target.is_floating_point:
        return x.to(target) * (1.0 / torch.iinfo(x.dtype).max)
    raise ArgumentError(f"`convert_image_dtype` from {x.dtype} to {target} is not supported.")


def rgb_to_grayscale(images: Any, name: str | None = None) -> Any:
    """The weighted sum of the three colours."""
    x = tensor(images)
    y = x if x.is_floating_point() else convert_image_dtype(x, torch.float32)
    y = (y * torch.tensor([0.2989, 0.587, 0.114], dtype=y.dtype, device=y.device)).sum(-1, keepdim=True)
    return convert_image_dtype(y, x.dtype)


def grayscale_to_rgb(images: Any, name: str | None = None) -> Any:
    """The one channel three times."""
    x = tensor(images)
    return x.expand(*x.shape[:-1], 3)


def rgb_to_hsv(images: Any, name: str | None = None) -> Any:
    """Hue, saturation and value."""
    red, green, blue = tensor(images).unbind(-1)
    value = torch.maximum(torch.maximum(red, green), blue)
    spread = value - torch.minimum(torch.minimum(red, green), blue)
    one = torch.ones_like(value)
    saturation = torch.where(value > 0, spread / torch.where(value > 0, value, one), torch.zeros_like(value))
    step = 1 / (6 * torch.where(spread > 0, spread, one))
    hue = torch.where(
        red == value, step * (green - blue), torch.where(green == value, step * (blue - red) + 2 / 6, step * (red - green) + 4 / 6)
    )
    hue = torch.where(spread > 0, hue, torch.zeros_like(hue))
    return torch.stack([torch.where(hue < 0, hue + 1, hue), saturation, value], -1)


def hsv_to_rgb(images: Any, name: str | None = None) -> Any:
    """Colours from hue, saturation and value."""
    hue, saturation, value = tensor(images).unbind(-1)
    turns = hue * 6
    red = ((turns - 3).abs() - 1).clamp(0, 1)
    green = (2 - (turns - 2).abs()).clamp(0, 1)
    blue = (2 - (turns - 4).abs()).clamp(0, 1)
    return torch.stack([(1 - saturation + saturation * c) * value for c in (red, green, blue)], -1)


_YIQ = [[0.299, 0.59590059, 0.2115], [0.587, -0.27455667, -0.52273617], [0.114, -0.32134392, 0.31119955]]
_YUV = [[0.299, -0.14714119, 0.61497538], [0.587, -0.28886916, -0.51496512], [0.114, 0.43601035, -0.10001026]]
_FROM_YIQ = [[1.0, 1.0, 1.0], [0.95598634, -0.27201283, -1.10674021], [0.6208248, -0.64720424, 1.70423049]]
_FROM_YUV = [[1.0, 1.0, 1.0], [0.0, -0.394642334, 2.03206185], [1.13988303, -0.58062185, 0.0]]


def _mixed(matrix: list[list[float]]) -> Function:
    def call(images: Any) -> Any:
        x = tensor(images)
        return torch.tensordot(x, torch.tensor(matrix, dtype=x.dtype, device=x.device), 1)

    return call


def per_image_standardization(image: Any) -> Any:
    """Mean 0 and standard deviation 1 for each image; the deviation is at least 1 / sqrt(number of elements)."""
    x = tensor(image)
    x = x if x.is_floating_point() else x.float()
    count = x.shape[-1] * x.shape[-2] * x.shape[-3]
    mean = x.mean((-3, -2, -1), keepdim=True)
    deviation = torch.sqrt(((x - mean) ** 2).mean((-3, -2, -1), keepdim=True))
    return (x - mean) / torch.maximum(deviation, torch.tensor(count, dtype=x.dtype, device=x.device).rsqrt())


def image_gradients(image: Any) -> Any:
    """Differences to the next row and to the next column, 0 at the end."""
    x = tensor(image)
    rows, columns = x[:, 1:] - x[:, :-1], x[:, :, 1:] - x[:, :, :-1]
    return [F.pad(rows, (0, 0, 0, 0, 0, 1)), F.pad(columns, (0, 0, 0, 1))]


def sobel_edges(image: Any) -> Any:
    """Sobel's filters of rows and columns, along a new last axis."""
    x = tensor(image)
    first = torch.tensor([[-1.0, -2, -1], [0, 0, 0], [1, 2, 1]], dtype=x.dtype, device=x.device)
    batch, channels = x.movedim(-1, 1), x.shape[-1]
    padded = F.pad(batch, (1, 1, 1, 1), mode="reflect")
    parts = [F.conv2d(padded, k.expand(channels, 1, 3, 3), groups=channels).movedim(1, -1) for k in (first, first.T)]
    return torch.stack(parts, -1)


def total_variation(images: Any, name: str | None = None) -> Any:
    """The sum of absolute differences of neighbours, for each image."""
    x = tensor(images)
    rows, columns = (x.narrow(a, 1, x.shape[a] - 1) - x.narrow(a, 0, x.shape[a] - 1) for a in (-3, -2))
    return rows.abs().sum((-3, -2, -1)) + columns.abs().sum((-3, -2, -1))


def psnr(a: Any, b: Any, max_val: Any, name: str | None = None) -> Any:
    """The ratio of peak and noise in decibel."""
    x, y = (convert_image_dtype(tensor(v), torch.float32) for v in (a, b))
    top = 1.0 if not tensor(a).is_floating_point() else max_val
    error = ((x - y) ** 2).mean((-3, -2, -1))
    return 20 * torch.log10(torch.as_tensor(float(top))) - 10 * torch.log10(error)


TABLE: dict[str, Function] = {
    "image.resize": resize, "compat.v1.image.resize": _old("bilinear"), "compat.v1.image.resize_bilinear": _old("bilinear"),
    "compat.v1.image.resize_nearest_neighbor": _old("nearest"), "compat.v1.image.resize_area": _old("area"),
    "compat.v1.image.resize_bicubic": _old("bicubic"), "compat.v1.image.resize_images": _old("bilinear"),
    "image.flip_left_right": _flipped(-2), "image.flip_up_down": _flipped(-3), "image.transpose": transpose, "image.rot90": rot90,
    "image.crop_to_bounding_box": crop_to_bounding_box, "image.pad_to_bounding_box": pad_to_bounding_box,
    "image.central_crop": central_crop,
    "image.resize_with_crop_or_pad": resize_with_crop_or_pad, "image.adjust_brightness": adjust_brightness,
    "image.adjust_contrast": adjust_contrast, "image.adjust_gamma": adjust_gamma, "image.adjust_saturation": adjust_saturation,
    "image.adjust_hue": adjust_hue, "image.convert_image_dtype": convert_image_dtype, "image.rgb_to_grayscale": rgb_to_grayscale,
    "image.grayscale_to_rgb": grayscale_to_rgb, "image.rgb_to_hsv": rgb_to_hsv, "image.hsv_to_rgb": hsv_to_rgb,
    "image.rgb_to_yiq": _mixed(_YIQ), "image.rgb_to_yuv": _mixed(_YUV), "image.yiq_to_rgb": _mixed(_FROM_YIQ),
    "image.yuv_to_rgb": _mixed(_FROM_YUV), "image.per_image_standardization": per_image_standardization,
    "image.image_gradients": image_gradients, "image.sobel_edges": sobel_edges, "image.total_variation": total_variation,
    "image.psnr": psnr,
}  # fmt: skip
