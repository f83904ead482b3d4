"""Layers that give images another size, or their values another range."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from kcompat import config as settings
from kcompat import registry
from kcompat.core.layer import Layer
from kcompat.core.spec import InputSpec
from kcompat.errors import ArgumentError, ArgumentTypeError, ShapeError, UnknownMethodError
from kcompat.generations import NOT_GIVEN, behaviour, given
from kcompat.layers.arguments import config_of, number
from kcompat.layers.windows import data_format_name, output_shape, sizes, title
from kcompat.tensor.boxes import FORMATS, from_corners, moved, to_corners
from kcompat.tensor.pad import crop, repeat, zero_pad
from kcompat.tensor.resize import aspect_padding, aspect_window, enlarge, resize, rounded


class _UpSampling(Layer):
    """Each cell repeated `size` times along each spatial axis. Source: https://keras.io/api/layers/reshaping_layers/up_sampling2d/"""

    rank: int
    _passes_down = False

    def __init__(self, size: Any = 2, data_format: Any = None, **kwargs: Any):
        times = sizes(type(self).__name__, "size", size, self.rank)
        data_format = data_format_name(type(self).__name__, data_format)
        super().__init__(**kwargs)
        self.__dict__.update(_times=times, size=times[0] if self.rank == 1 else times, data_format=data_format)
        self.input_spec = InputSpec(ndim=self.rank + 2)

    def call(self, inputs: Tensor) -> Tensor:
        """The input with its cells repeated."""
        return repeat(inputs, self._times, self.data_format)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """(batch, *new lengths, channels)."""
        return output_shape(self, input_shape, self.rank, self.data_format, lambda i, n: None if n is None else n * self._times[i])

    def get_config(self) -> dict[str, Any]:
        """The arguments as plain data."""
        return {**super().get_config(), **config_of(self, "size", *(["data_format"] if self.rank > 1 else []))}


class UpSampling1D(_UpSampling):
    """Each step repeated `size` times."""

    rank = 1

    def __init__(self, size: Any = 2, **kwargs: Any):
        super().__init__(size, "channels_last", **kwargs)


class UpSampling2D(_UpSampling):
    """Images with `size` times as many rows and columns, each pixel repeated or, by `interpolation`, made of those around it."""

    rank = 2

    def __init__(self, size: Any = 2, data_format: Any = None, interpolation: str = "nearest", **kwargs: Any):
        interpolation = _method("UpSampling2D", interpolation, "upsampling_methods")
        super().__init__(size, data_format, **kwargs)
        self.__dict__.update(
            interpolation=interpolation, _half_pixels=behaviour("half_pixel_centres"), _rounds=behaviour("resizing_integers") == "rounded"
        )

    def call(self, inputs: Tensor) -> Tensor:
        """The larger images; of integers floats, but where pixels are repeated and in Keras 3, which rounds."""
        if not self._keeps_dtype(inputs.dtype):
            inputs = inputs.float()
        images = enlarge(inputs, self._times, self.interpolation, half_pixels=self._half_pixels, data_format=self.data_format)
        return rounded(images, inputs.dtype) if self._rounds else images

    def _keeps_dtype(self, dtype: torch.dtype) -> bool:
        return self._rounds or self.interpolation == "nearest" or dtype.is_floating_point

    def _output_dtype(self, input_dtype: torch.dtype) -> torch.dtype:
        return super()._output_dtype(input_dtype) if self._keeps_dtype(input_dtype) else torch.float32

    def get_config(self) -> dict[str, Any]:
        """The arguments as plain data."""
        return {**super().get_config(), "interpolation": self.interpolation}


class UpSampling3D(_UpSampling):
    """Each cell of a volume repeated."""

    rank = 3


def _method(where: str, value: Any, row: str) -> str:
    """An interpolation's name in lower case, if the generation has it."""
    known = behaviour(row)
    lowered = value.lower() if isinstance(value, str) else value
    if lowered not in known:
        raise UnknownMethodError(f"{where}: `interpolation` must be one of {', '.join(map(repr, known))}, received {value!r}.")
    return lowered


class _Image(Layer):
    """A layer that gives images (rows, columns, channels), or a batch of them, `height` rows and `width` columns."""

    _passes_down = False

    def __init__(self, height: int, width: int, data_format: Any, bounding_box_format: Any = None, **kwargs: Any):
        where = type(self).__name__
        if bounding_box_format is not None and (not behaviour("labelled_images") or bounding_box_format not in FORMATS):
            known = f"one of {', '.join(map(repr, FORMATS))}" if behaviour("labelled_images") else "left out before Keras 3"
            raise ArgumentError(f"{where}: `bounding_box_format` must be {known}, received {bounding_box_format!r}.")
        (height,), (width,) = sizes(where, "height", height, 1), sizes(where, "width", width, 1)
        data_format = data_format_name(where, given(data_format, "resizing_data_format"))
        super().__init__(**kwargs)
        self.__dict__.update(height=height, width=width, data_format=data_format, bounding_box_format=bounding_box_format)
        self.input_spec = None if behaviour("labelled_images") else InputSpec(min_ndim=3, max_ndim=4)

    def call(self, inputs: Any) -> Any:
        """The images; in Keras 3 also a dict of `images` with their `labels`, `segmentation_masks` and `bounding_boxes`."""
        if not isinstance(inputs, dict):
            if not 3 <= inputs.ndim <= 4:
                raise ShapeError(f"{title(self)} expects an image (3 axes) or a batch of them (4 axes), received {tuple(inputs.shape)}.")
            return self._images(inputs)
        if not behaviour("labelled_images", self._keras_version) or "images" not in inputs:
            raise ArgumentTypeError(f"{title(self)} takes images, in Keras 3 also a dict with `images`; received the keys {list(inputs)}.")
        made = {**inputs, "images": self._images(inputs["images"])}
        if inputs.get("segmentation_masks") is not None:
            made["segmentation_masks"] = self._masks(inputs["segmentation_masks"])
        if inputs.get("bounding_boxes") is not None:
            made["bounding_boxes"] = self._boxes(inputs["bounding_boxes"], *self._lengths(inputs["images"].shape))
        return made

    def _boxes(self, boxes: Any, rows: int, columns: int) -> dict[str, Any]:
        """The boxes in the new images; what lies outside is cut off, and a box of which nothing is left gets the label -1."""
        if not isinstance(boxes, dict) or not {"boxes", "labels"} <= set(boxes):
            raise ArgumentTypeError(f"{title(self)}: `bounding_boxes` must be a dict with the keys 'boxes' and 'labels'.")
        form = self.bounding_box_format
        if form is None:
            raise ArgumentError(f"{title(self)} was given bounding boxes but no `bounding_box_format`; it is one of {', '.join(FORMATS)}.")
        scale, shift = self._box_move(rows, columns)
        corners, seen = moved(to_corners(boxes["boxes"], form, rows, columns), scale, shift, self.height, self.width)
        labels = torch.where(seen, boxes["labels"], torch.full_like(boxes["labels"], -1))
        return {**boxes, "boxes": from_corners(corners, form, self.height, self.width), "labels": labels}

    def _lengths(self, shape: Any) -> tuple[int, int]:
        return (shape[-3], shape[-2]) if self.data_format == "channels_last" else (shape[-2], shape[-1])

    def _window(self, inputs: Tensor, window: tuple[tuple[int, int], tuple[int, int]]) -> Tensor:
        (top, rows), (left, columns) = window
        high, wide = self._lengths(inputs.shape)
        edges = ((top, high - top - rows), (left, wide - left - columns))
        return self._batched(lambda images: crop(images, edges, self.data_format), inputs)

    def _batched(self, function: Any, inputs: Tensor) -> Tensor:
        return function(inputs) if inputs.ndim == 4 else function(inputs.unsqueeze(0)).squeeze(0)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The input's shape with `height` rows and `width` columns."""
        if len(input_shape) not in (3, 4):
            raise ShapeError(f"{title(self)} expects an image (3 axes) or a batch of images (4 axes), received shape {tuple(input_shape)}.")
        shape = list(input_shape)
        first = -3 if self.data_format == "channels_last" else -2
        shape[first : first + 2 or None] = [self.height, self.width]
        return tuple(shape)

    def get_config(self) -> dict[str, Any]:
        """The arguments as plain data."""
        full = behaviour("config_resizing", self._keras_version) == "full"
        names = [name for name, usual in self._added.items() if full or getattr(self, name) != usual]
        form = [] if self.bounding_box_format is None else ["bounding_box_format"]
        return {**super().get_config(), **config_of(self, "height", "width", *self._common, *names, *form)}

    #: arguments of every generation, and those that Keras 3 added, with what earlier ones did
    _common: tuple[str, ...] = ()
    _added: dict[str, Any] = {"data_format": "channels_last"}


class Resizing(_Image):
    """Images at the size `height`, `width`.

    `crop_to_aspect_ratio` cuts the larger axis first so that nothing is squeezed, `pad_to_aspect_ratio` puts `fill_value` around the
    smaller one; `antialias` weighs more pixels where images shrink. Integers become floats; in Keras 3 they are rounded, and stay integers.
    Source: https://keras.io/api/layers/preprocessing_layers/image_preprocessing/resizing/
    """

    _training_in_config = True

    _common = ("interpolation", "crop_to_aspect_ratio")
    _added = {"pad_to_aspect_ratio": False, "fill_mode": "constant", "fill_value": 0.0, "antialias": False, **_Image._added}

    def __init__(self, height: int, width: int, interpolation: str = "bilinear", crop_to_aspect_ratio: bool = False,
                 pad_to_aspect_ratio: bool = False, fill_mode: str = "constant", fill_value: float = 0.0, antialias: bool = False,
                 data_format: Any = NOT_GIVEN, **kwargs: Any):  # fmt: skip
        interpolation = _method("Resizing", interpolation, "resizing_methods")
        if crop_to_aspect_ratio and pad_to_aspect_ratio:
            raise ArgumentError(
                "Resizing: only one of `crop_to_aspect_ratio` and `pad_to_aspect_ratio` can be True, received True for both; set one to "
                "False."
            )
        if fill_mode != "constant":
            raise ArgumentError(f"Resizing: `fill_mode` must be 'constant', received {fill_mode!r}.")
        fill_value = number("Resizing", "fill_value", fill_value)
        super().__init__(height, width, data_format, **kwargs)
        self.__dict__.update(
            interpolation=interpolation, crop_to_aspect_ratio=bool(crop_to_aspect_ratio), pad_to_aspect_ratio=bool(pad_to_aspect_ratio),
            fill_mode=fill_mode, fill_value=fill_value, antialias=bool(antialias), _rounds=behaviour("resizing_integers") == "rounded",
        )  # fmt: skip

    def _images(self, inputs: Tensor) -> Tensor:
        return self._resized(inputs, self.interpolation)

    def _masks(self, masks: Tensor) -> Tensor:
        return self._resized(masks, "nearest")

    def _box_move(self, rows: int, columns: int) -> tuple[tuple[float, float], tuple[float, float]]:
        """Factors and distances for rows and columns; where proportions are kept, distances are whole pixels, as in Keras."""
        high, wide = self.height / rows, self.width / columns
        if not self.crop_to_aspect_ratio and not self.pad_to_aspect_ratio:
            return (high, wide), (0.0, 0.0)
        scale = max(high, wide) if self.crop_to_aspect_ratio else min(high, wide)
        return (scale, scale), (float(int((self.height - rows * scale) / 2)), float(int((self.width - columns * scale) / 2)))

    def _resized(self, inputs: Tensor, interpolation: str) -> Tensor:
        size, images = (self.height, self.width), inputs
        if self.crop_to_aspect_ratio:
            images = self._window(images, aspect_window(self._lengths(images.shape), size))
        if self.pad_to_aspect_ratio:
            images = self._padded(images, size)
        images = resize(images, size, interpolation, antialias=self.antialias, data_format=self.data_format)
        return rounded(images, self._output_dtype(inputs.dtype))

    def _padded(self, images: Tensor, size: tuple[int, int]) -> Tensor:
        rows, columns = aspect_padding(self._lengths(images.shape), size)
        edges = ((rows, rows), (columns, columns))
        return self._batched(lambda batch: zero_pad(batch, edges, self.data_format, self.fill_value), images)

    def _output_dtype(self, input_dtype: torch.dtype) -> torch.dtype:
        return input_dtype if self._rounds and not input_dtype.is_floating_point else self._compute_dtype


class CenterCrop(_Image):
    """The `height` rows and `width` columns in the middle of images; too small ones are cut to the same proportions and enlarged.

    Source: https://keras.io/api/layers/preprocessing_layers/image_preprocessing/center_crop/
    """

    _training_in_config = True

    def __init__(self, height: int, width: int, data_format: Any = NOT_GIVEN, **kwargs: Any):
        super().__init__(height, width, data_format, **kwargs)

    def _images(self, inputs: Tensor) -> Tensor:
        inputs = inputs.to(self._compute_dtype)
        size = (self.height, self.width)
        rows, columns = self._lengths(inputs.shape)
        if rows >= self.height and columns >= self.width:
            return self._window(inputs, (((rows - self.height) // 2, self.height), ((columns - self.width) // 2, self.width)))
        return resize(self._window(inputs, aspect_window((rows, columns), size)), size, data_format=self.data_format)

    _masks = _images

    def _box_move(self, rows: int, columns: int) -> tuple[tuple[float, float], tuple[float, float]]:
        if rows >= self.height and columns >= self.width:
            return (1.0, 1.0), (-float((rows - self.height) // 2), -float((columns - self.width) // 2))
        (top, kept), (left, wide) = aspect_window((rows, columns), (self.height, self.width))
        scale = (self.height / kept, self.width / wide)
        return scale, (-top * scale[0], -left * scale[1])

    def _output_dtype(self, input_dtype: torch.dtype) -> torch.dtype:
        return self._compute_dtype


class Rescaling(Layer):
    """`inputs * scale + offset` in the layer's dtype, integers too; `scale` and `offset` are numbers, or lists with one for each channel.

    Source: https://keras.io/api/layers/preprocessing_layers/image_preprocessing/rescaling/
    """

    _passes_down = False
    _casts_integers = True

    def __init__(self, scale: Any, offset: Any = 0.0, **kwargs: Any):
        scale, offset = _numbers("scale", scale), _numbers("offset", offset)
        super().__init__(**kwargs)
        self.__dict__.update(scale=scale, offset=offset)
        self.supports_masking = behaviour("rescaling_masks")
        plain = isinstance(scale, (int, float)) and isinstance(offset, (int, float))
        if not plain:
            factor, shift = np.asarray(scale), np.asarray(offset)
            if factor.ndim and behaviour("rescaling_channels_first") and settings.image_data_format() == "channels_first":
                factor = factor.reshape(factor.shape + (1,) * (3 - factor.ndim))
            self.register_buffer("_factor", torch.tensor(factor, dtype=torch.float64), persistent=False)
            self.register_buffer("_shift", torch.tensor(shift, dtype=torch.float64), persistent=False)
        self.__dict__["_plain"] = plain

    def call(self, inputs: Tensor) -> Tensor:
        """The values in their new range."""
        if self._plain:
            return inputs * self.scale + self.offset
        return inputs * self._factor.to(inputs.dtype) + self._shift.to(inputs.dtype)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The input's shape."""
        return input_shape

    def _output_dtype(self, input_dtype: torch.dtype) -> torch.dtype:
        return self._compute_dtype

    def get_config(self) -> dict[str, Any]:
        """The arguments as plain data."""
        tagged = behaviour("config_arrays", self._keras_version) == "tagged"
        return {**super().get_config(), "scale": _written(self.scale, tagged), "offset": _written(self.offset, tagged)}


def _numbers(argument: str, value: Any) -> Any:
    """A number, a list of numbers or an array of them; also as Keras 3 writes an array into a config."""
    if isinstance(value, dict) and value.get("class_name") == "__numpy__":
        value = np.asarray(value["config"]["value"], dtype=value["config"]["dtype"])
    if isinstance(value, (list, tuple, np.ndarray)):
        array = np.asarray(value)
        if array.dtype.kind in "iuf":
            return value if isinstance(value, np.ndarray) else list(value)
    elif isinstance(value, (int, float, np.generic)) and not isinstance(value, bool):
        return value.item() if isinstance(value, np.generic) else value
    raise ArgumentError(f"Rescaling: `{argument}` must be a number or a list of numbers, received {value!r}.")


def _written(value: Any, tagged: bool) -> Any:
    if not isinstance(value, np.ndarray):
        return value
    return {"class_name": "__numpy__", "config": {"value": value.tolist(), "dtype": value.dtype.name}} if tagged else value.tolist()


NAMES = {c.__name__: c for c in (UpSampling1D, UpSampling2D, UpSampling3D, Resizing, CenterCrop, Rescaling)}
registry.register("layer", NAMES)
