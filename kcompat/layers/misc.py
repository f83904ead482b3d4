"""Layers that wrap a function, mark steps to skip, or do nothing: Lambda, Masking, Identity."""

from __future__ import annotations

import dis
import inspect
from collections.abc import Callable
from types import FunctionType
from typing import Any

import torch
from torch import Tensor

from kcompat import registry
from kcompat.core.build import shapes_of
from kcompat.core.layer import Layer
from kcompat.core.spec import is_shape
from kcompat.core.symbolic import inferred_spec
from kcompat.errors import ArgumentError, ArgumentTypeError
from kcompat.generations import behaviour
from kcompat.tree import leaves, map_structure


class Lambda(Layer):
    """Any function of tensors as a layer.

    `output_shape` is None (found by running the function on tensors without storage), a shape without the batch, or a function of the
    input shape; `mask` a mask, or a function (inputs, mask) -> mask; `arguments` are keywords for every call. A function that takes
    `mask` or `training` is given them. Source: https://keras.io/api/layers/core_layers/lambda/

        Lambda(lambda x: x ** 2)(x)
    """

    _mask_in_config = True

    def __init__(self, function: Callable[..., Any], output_shape: Any = None, mask: Any = None, arguments: Any = None, **kwargs: Any):
        if not callable(function):
            raise ArgumentTypeError(f"Lambda: `function` must be a function of tensors, received {function!r}.")
        if arguments is not None and not isinstance(arguments, dict):
            raise ArgumentTypeError(f"Lambda: `arguments` must be a dict of keywords, received {arguments!r}.")
        if output_shape is not None and not callable(output_shape) and not isinstance(output_shape, (tuple, list, int)):
            raise ArgumentTypeError(
                f"Lambda: `output_shape` must be None, a shape without the batch, or a function, received {output_shape!r}."
            )
        super().__init__(**kwargs)
        self.supports_masking = mask is not None
        self.__dict__.update(function=function, mask=mask, arguments=dict(arguments or {}))
        self.__dict__["_output_shape"] = output_shape
        self.__dict__["_takes"] = _parameters(function)
        self.__dict__["_assigns_in_place"] = _assigns_in_place(function)

    def call(self, inputs: Any, mask: Any = None, training: bool | None = None) -> Any:
        """The function of the input."""
        keywords = dict(self.arguments)
        if self._assigns_in_place:
            inputs = map_structure(torch.clone, inputs)
        if "mask" in self._takes:
            keywords["mask"] = mask
        if "training" in self._takes and "training" not in keywords:
            keywords["training"] = self._in_training(training)
        return self.function(inputs, **keywords)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """The given mask, or what the given function makes of the input's; else none."""
        return self.mask(inputs, mask) if callable(self.mask) else self.mask

    def compute_output_spec(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        """Shape and dtype of the output."""
        if self._output_shape is None:
            return inferred_spec(self, inputs, args, kwargs)
        dtype = self._output_dtype(next(iter(leaves(inputs))).dtype)
        return map_structure(lambda s: (tuple(s), dtype), self.compute_output_shape(shapes_of(inputs)), is_leaf=is_shape)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The given shape behind the batch size, what the given function says, or what running finds."""
        given = self._output_shape
        if given is None:
            return super().compute_output_shape(input_shape)
        if callable(given):
            shape = given(input_shape)
            if not isinstance(shape, (tuple, list)):
                raise ArgumentError(f"Lambda '{self.name}': `output_shape` must return a tuple, it returned {shape!r} for {input_shape!r}.")
            return tuple(shape) if is_shape(shape) else [tuple(s) for s in shape]
        given = (given,) if isinstance(given, int) else tuple(given)
        batch = input_shape[0] if is_shape(input_shape) else next(iter(leaves(input_shape)))
        return (batch, *given) if is_shape(given) else [(batch, *s) for s in given]

    def get_config(self) -> dict[str, Any]:
        """The arguments; a function stands there as itself, and files write its name or its code."""
        config = {**super().get_config(), "function": self.function}
        form = behaviour("config_lambda", self._keras_version)
        if form == "own":
            if self._output_shape is not None:
                config["output_shape"] = self._output_shape
            if self.mask is not None:
                config["mask"] = self.mask
            return {**config, "arguments": self.arguments}
        shape = self._output_shape
        config.update(
            function_type=_function_type(self.function),
            output_shape=shape,
            output_shape_type=_function_type(shape) if callable(shape) else "raw",
            arguments=self.arguments,
        )
        if self.mask is not None and behaviour("config_lambda_mask", self._keras_version):
            kind = _function_type(self.mask) if callable(self.mask) else "raw"
            config.update(mask=self.mask, mask_type=kind, mask_module=getattr(self.mask, "__module__", None))
        if form == "modules":
            config.update(module=getattr(self.function, "__module__", None), output_shape_module=getattr(shape, "__module__", None))
        return config

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Lambda:
        """A layer from its config; functions are objects or names, code is never run here."""
        config = {k: v for k, v in config.items() if not k.endswith(("_type", "module"))}
        for key in ("function", "output_shape", "mask"):
            if isinstance(config.get(key), str):
                config[key] = registry.lookup("activation", config[key], custom_objects)
        if isinstance(config.get("output_shape"), list):
            config["output_shape"] = tuple(config["output_shape"])
        if not callable(config.get("function")):
            raise ArgumentError(
                f"Lambda '{config.get('name')}': its function is stored as code, which is run only when a file is loaded with "
                "`safe_mode=False`. Or give the function yourself in `custom_objects` under the layer's name."
            )
        return cls(**config)


def _parameters(function: Any) -> frozenset[str]:
    try:
        return frozenset(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        return frozenset()


def _assigns_in_place(function: Any) -> bool:
    """Whether the function has `x -= y` or the like: a new tensor in Keras, but in torch a change of the tensor it was given."""
    try:
        code = dis.get_instructions(function)
    except TypeError:
        return False
    return any(i.opname.startswith("INPLACE_") or (i.opname == "BINARY_OP" and i.argrepr.endswith("=")) for i in code)


def _function_type(function: Any) -> str:
    code = isinstance(function, FunctionType) or getattr(function, "stored", None) is not None
    return "lambda" if code else "function"  # Keras counts every Python function as a lambda


class Masking(Layer):
    """Marks the steps whose entries all equal `mask_value`, to be skipped by the layers behind, and zeros them.

    (batch, steps, features) -> the same, with a mask (batch, steps) that is False where a step is skipped. Source:
    https://keras.io/api/layers/core_layers/masking/
    """

    supports_masking = True

    def __init__(self, mask_value: float = 0.0, **kwargs: Any):
        if isinstance(mask_value, bool) or not isinstance(mask_value, (int, float)):
            raise ArgumentTypeError(f"Masking: `mask_value` must be a number, received {mask_value!r}.")
        super().__init__(**kwargs)
        self.__dict__["mask_value"] = mask_value
        self.built = True

    def call(self, inputs: Tensor) -> Tensor:
        """The input with skipped steps set to zero."""
        return inputs * (inputs != self.mask_value).any(-1, keepdim=True).to(inputs.dtype)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """True for steps with an entry other than `mask_value`."""
        return torch.any(torch.ne(inputs, self.mask_value), -1)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The input's shape."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """The arguments as plain data."""
        return {**super().get_config(), "mask_value": self.mask_value}


class Identity(Layer):
    """The input as it is. Source: https://keras.io/api/layers/core_layers/identity/"""

    _passes_down = False

    def __init__(self, **kwargs: Any):
        super().__init__(**kwargs)
        self.supports_masking = behaviour("identity_masks")
        self.built = True

    def call(self, inputs: Any) -> Any:
        """The input."""
        return inputs

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The input's shape."""
        return input_shape


NAMES = {"Lambda": Lambda, "Masking": Masking, "Identity": Identity}
registry.register("layer", NAMES)
