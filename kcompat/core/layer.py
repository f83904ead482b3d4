"""The base class of all layers: Keras' contract on a `torch.nn.Module`."""

from __future__ import annotations

import contextlib
import inspect
from typing import TYPE_CHECKING, Any

import torch
from torch.nn.modules.module import register_module_module_registration_hook
from torch.utils._python_dispatch import _disable_current_modes

from kcompat import config, dtype_policies, regularizers
from kcompat.core.build import CallSpec, shapes_of
from kcompat.core.call import run
from kcompat.core.context import ambient, building
from kcompat.core.history import HistoryMixin
from kcompat.core.losses import LossesMixin
from kcompat.core.masks import is_absent, refuse_mask
from kcompat.core.naming import auto_name
from kcompat.core.serial import ConfigMixin
from kcompat.core.spec import InputSpec, is_shape
from kcompat.core.symbolic import inferred_spec
from kcompat.core.tracking import forget, is_tracked, track
from kcompat.core.variable import Variable, adopt
from kcompat.core.weights import WeightsMixin
from kcompat.errors import ArgumentError, ArgumentTypeError, UnknownArgumentError
from kcompat.generations import NOT_GIVEN, behaviour, keras_version, set_up
from kcompat.graph import KerasTensor
from kcompat.tensor.dtypes import dtype_name, torch_dtype
from kcompat.tree import leaves, map_structure

_Tensor = torch.Tensor
#: Attributes that belong to one object in one process: they are left out of copies and pickles.
_HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
_TRANSIENT = ("_inbound_nodes", "_losses", "_fits")


class Layer(HistoryMixin, WeightsMixin, LossesMixin, ConfigMixin, torch.nn.Module):
    """A Keras layer that is a `torch.nn.Module`.

    Subclasses write `build(input_shape)`, `call(inputs, training=None, mask=None)`, and for files `get_config()`. Source:
    https://keras.io/api/layers/base_layer/

        class Scale(Layer):
            def build(self, input_shape):
                self.scale = self.add_weight(name="scale", shape=(input_shape[-1],), initializer="ones")
                super().build(input_shape)

            def call(self, inputs):
                return inputs * self.scale
    """

    supports_masking = False
    #: False for layers that take integer inputs as they are and cast nothing
    _autocast = True
    #: True for layers that compute with weights, so that integer inputs must become floats
    _casts_integers = False
    #: False for layers that keep float32 weights under a mixed policy (normalizations compute in float32)
    _casts_weights = True
    #: whether Keras 3 writes the shape this layer was built for into files
    _writes_build_shape = True
    #: what Keras 3 writes of a call in a graph, where the call did not say: `training`, and whether there is a `mask` (None: by `call`)
    _training_in_config: bool | None = None
    _mask_in_config: bool | None = None
    #: `call` sets the masks of its outputs itself (models do)
    _makes_own_masks = False
    #: `compute_mask` makes masks of masks only, and gives None where none came in; holds for the class that says so and writes it
    _turns_masks_only = False
    #: the outputs of `call` are new tensors, which nothing but their receiver knows; holds for the class that says so and writes `call`
    _makes_new = False
    #: `call` for an input that nobody else will read, which it may overwrite; where `call` is overridden, it must be too
    _call_in_place: Any = None
    _call_spec: CallSpec
    _overrides_mask = False
    _overrides_build = False

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            """Torch's `Module` says `Tensor | Module`, which no attribute of a layer is for sure."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls._call_spec = CallSpec(cls.call, cls.build)
        if "call" in vars(cls):
            cls._makes_new = vars(cls).get("_makes_new", False)
            cls._call_in_place = vars(cls).get("_call_in_place")
        if "compute_mask" in vars(cls):
            cls._turns_masks_only = vars(cls).get("_turns_masks_only", False)
        cls._overrides_mask = cls.compute_mask is not Layer.compute_mask
        cls._overrides_build = cls.build is not Layer.build

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:  # noqa: D102
        layer = super().__new__(cls)
        layer.__dict__["_init_arguments"] = (args, kwargs)
        return layer

    def __init__(
        self,
        *,
        activity_regularizer: Any = None,
        trainable: bool = True,
        dtype: Any = None,
        autocast: bool = True,
        name: str | None = None,
        **kwargs: Any,
    ):
        if "_modules" not in self.__dict__:
            torch.nn.Module.__init__(self)
        own = self.__dict__
        own["training"] = False  # Keras' rule: a layer starts in inference mode
        own["_keras_version"] = keras_version()
        own.setdefault("_infos", {})
        own.setdefault("_tracked", {})
        own["_inbound_nodes"] = []
        own["_losses"] = []
        own["_metrics"] = []
        own["_trainable"] = bool(trainable)
        own["built"] = False
        own["_fits"] = None
        own["input_spec"] = None
        own["stateful"] = False
        if name is not None and not isinstance(name, str):
            raise ArgumentTypeError(f"`name` of a {type(self).__name__} must be a string, received {name!r}.")
        own["_name"] = name if name is not None else auto_name(type(self).__name__)
        own["activity_regularizer"] = regularizers.get(activity_regularizer)
        own["_makes_mask"] = self._overrides_mask and not self._turns_masks_only
        if not autocast:
            own["_autocast"] = False
        fed = kwargs.pop("input_dtype", None)  # Keras 1's word: of the data, so that it says nothing of weights where it is an integer
        self._set_policy(fed if dtype is None and fed is not None and torch_dtype(fed).is_floating_point else dtype)
        self._take_first_layer_arguments(kwargs)
        unknown = next(iter(kwargs), None)
        if activity_regularizer is not None and not behaviour("every_layer_takes_activity_regularizer") and not _takes_activity(type(self)):
            unknown = "activity_regularizer"
        if unknown is not None:
            raise UnknownArgumentError(
                f"{type(self).__name__} '{self.name}': unknown keyword argument `{unknown}`; a layer takes "
                f"{_parameters(type(self))}, `name`, `trainable`, `dtype`, `input_shape`, `batch_input_shape`."
            )

    def _take_first_layer_arguments(self, kwargs: dict[str, Any]) -> None:
        """`input_shape` and its kin, with which the first layer of a `Sequential` says what it is fed."""
        shape = kwargs.pop("batch_input_shape", None)
        batch = kwargs.pop("batch_size", None)
        inner = kwargs.pop("input_shape", None)
        dim = kwargs.pop("input_dim", None)
        length = kwargs.pop("input_length", None)
        if inner is None and dim is not None:
            inner = (dim,) if length is None else (length, dim)
        if shape is None and inner is not None:
            inner = (inner,) if isinstance(inner, int) else tuple(inner)
            shape = (batch, *inner)
        self.__dict__["_batch_input_shape"] = None if shape is None else tuple(shape)
        self.__dict__["_initial_weights"] = kwargs.pop("weights", None)
        dynamic = kwargs.pop("dynamic", False)
        if dynamic not in (False, None, True):
            raise ArgumentError(f"`dynamic` of layer '{self.name}' must be a bool, received {dynamic!r}.")

    # -- name, dtype, trainability ----------------------------------------------------------------------------------------

    @property
    def name(self) -> str:  # type: ignore[override]
        """The layer's name, unique in a model."""
        return self._name

    @name.setter
    def name(self, value: str) -> None:
        self.__dict__["_name"] = value

    def _set_policy(self, dtype: Any) -> None:
        policy = dtype_policies.get(dtype)
        self.__dict__["dtype_policy"] = policy
        self.__dict__["_compute_dtype"] = torch_dtype(policy.compute_dtype)
        self.__dict__["_is_mixed"] = policy.compute_dtype != policy.variable_dtype

    @property
    def dtype(self) -> str:
        """The dtype of the weights, by name."""
        return self.variable_dtype

    @property
    def variable_dtype(self) -> str:  # type: ignore[override]
        """The dtype of the weights, by name."""
        return self.dtype_policy.variable_dtype

    @property
    def compute_dtype(self) -> str:
        """The dtype that floating inputs are cast to, by name."""
        return dtype_name(self._compute_dtype)

    @property
    def trainable(self) -> bool:
        """Whether training changes the weights; one truth with `requires_grad` of the parameters."""
        if not self._trainable:
            return False
        own = [p for key, p in self._parameters.items() if p is not None and key in self._infos]
        return any(p.requires_grad for p in own if isinstance(p, torch.nn.Parameter)) if own else True

    @trainable.setter
    def trainable(self, value: bool) -> None:
        for module in self.modules():
            if isinstance(module, Layer):
                module.__dict__["_trainable"] = bool(value)
            for parameter in module._parameters.values():
                if parameter is not None and (parameter.is_floating_point() or parameter.is_complex()):
                    parameter.requires_grad_(bool(value))

    # -- building -----------------------------------------------------------------------------------------------------------

    def build(self, input_shape: Any) -> None:
        """Make the weights for inputs of this shape (tuple with None for varying sizes, or a structure of such)."""
        self.__dict__["_build_shape"] = input_shape
        self.__dict__["built"] = True

    def _build_once(self, *shapes: Any, **named: Any) -> None:
        """Run `build`, undone if it fails, and settle what calls need to know."""
        weights, buffers, infos = dict(self._parameters), dict(self._buffers), dict(self._infos)
        try:
            with building(self.name), _disable_current_modes() if ambient.inferring else contextlib.nullcontext():
                self.build(*shapes, **named)
        except Exception:
            for held, before in ((self._parameters, weights), (self._buffers, buffers), (self._infos, infos)):
                held.clear()
                held.update(before)
            self.__dict__["built"] = False
            raise
        self.__dict__.setdefault("_build_shape", shapes[0] if shapes else named)
        self.built = True
        if self._initial_weights is not None:
            self.set_weights(self._initial_weights)
            self.__dict__["_initial_weights"] = None

    def _settle(self) -> None:
        """Find out whether a call with one plain tensor can go straight to `call`, and what is left to test then."""
        spec = self.input_spec
        lean = (
            self.built
            and self.activity_regularizer is None
            and not self._makes_mask
            and not self._is_mixed
            and not self._passes_down
            and (spec is None or (isinstance(spec, InputSpec) and spec.dtype is None))
        )
        self.__dict__["_fits"] = (_anything if spec is None else spec.quick_test()) if lean else None

    @property
    def _goes_straight(self) -> bool:
        """Whether a call with a tensor that fits is `call` and nothing else: no mask, no loss, no hook."""
        usual = type(self).forward is Layer.forward and type(self).__call__ is torch.nn.Module.__call__ and "forward" not in self.__dict__
        return usual and self._fits is not None and not any(getattr(self, hooks) for hooks in _HOOKS)

    #: whether calls of other layers happen inside `call`, so that losses and the training flag must be handed down
    _passes_down = True

    # -- calling ------------------------------------------------------------------------------------------------------------

    def forward(self, inputs: Any = NOT_GIVEN, *args: Any, **kwargs: Any) -> Any:
        """Run the layer, or record the call if an argument is symbolic."""
        fits = self._fits
        if (
            fits is not None
            and type(inputs) is _Tensor
            and inputs.dtype is self._compute_dtype
            and not (args or kwargs)
            and fits(inputs.shape)
            and getattr(inputs, "_keras_mask", None) is None
        ):
            return self.call(inputs)
        if type(inputs) is list and fits is _anything and not (args or kwargs) and self._all_plain(inputs):
            return self.call(inputs)
        if inputs is NOT_GIVEN:
            if self._call_spec.first not in kwargs:
                raise ArgumentTypeError(f"Layer '{self.name}' must be called with `{self._call_spec.first}`, received {list(kwargs)}.")
            inputs = kwargs.pop(self._call_spec.first)
        return run(self, inputs, args, kwargs)

    def _all_plain(self, inputs: list[Any]) -> bool:
        wanted = self._compute_dtype
        return all(type(x) is _Tensor and x.dtype is wanted and getattr(x, "_keras_mask", None) is None for x in inputs)

    def overwrite(self, inputs: Any) -> Any:
        """`self(inputs)` where nobody will read `inputs` again and no hook looks on: it may be overwritten."""
        fits = self._fits
        if (
            fits is not None
            and type(inputs) is _Tensor
            and inputs.dtype is self._compute_dtype
            and fits(inputs.shape)
            and getattr(inputs, "_keras_mask", None) is None
        ):
            return self._call_in_place(inputs)
        return self(inputs)

    def call(self, inputs: Any) -> Any:
        """What the layer computes; subclasses override it."""
        return inputs

    def _in_training(self, training: bool | None = None) -> bool:
        """The training flag that holds: the argument, the one of an outer call, or the module's own mode."""
        if training is not None:
            return bool(training)
        return self.training if ambient.training is None else ambient.training

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """The mask of the output: the input's, if the layer supports masks."""
        if self.supports_masking:
            return mask
        if mask is not None and not is_absent(mask):
            refuse_mask(self)
        return None

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The output's shape for an input of this shape; found by running `call` on tensors without storage."""
        if not self.built:
            self._build_once(input_shape)
        dtype = self._compute_dtype if self._autocast else torch_dtype(config.floatx())
        symbols = map_structure(lambda shape: KerasTensor(shape, dtype), input_shape, is_leaf=is_shape)
        return map_structure(lambda symbol: symbol.shape, inferred_spec(self, symbols, (), {}))

    def compute_output_spec(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        """Shape and dtype of each output for symbolic inputs."""
        if type(self).compute_output_shape is Layer.compute_output_shape:
            return inferred_spec(self, inputs, args, kwargs)
        shape = self.compute_output_shape(shapes_of(inputs))
        dtype = self._output_dtype(next(iter(leaves(inputs))).dtype)
        return map_structure(lambda s: (tuple(s), dtype), shape, is_leaf=is_shape)

    def _output_dtype(self, input_dtype: torch.dtype) -> torch.dtype:
        """The dtype of the output: what moves integers about keeps them; what computes gives the compute dtype."""
        return self._compute_dtype if input_dtype.is_floating_point or self._infos else input_dtype

    def compute_output_signature(self, input_signature: Any) -> Any:
        """The symbolic output for symbolic inputs."""
        specs = self.compute_output_spec(input_signature)
        return map_structure(lambda spec: spec if isinstance(spec, KerasTensor) else KerasTensor(*spec), specs, is_leaf=_is_pair)

    def stateless_call(self, *_: Any, **__: Any) -> Any:
        """Keras 3's functional form; torch's own `torch.func.functional_call(layer, state, args)` does this."""
        raise ArgumentError(f"`stateless_call` of layer '{self.name}': use `torch.func.functional_call(layer, state, args)`.")

    # -- torch ------------------------------------------------------------------------------------------------------------------

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(value, Variable):
            self.__dict__.setdefault("_infos", {})
            if "_modules" not in self.__dict__:
                torch.nn.Module.__init__(self)
            self.__dict__.pop(name, None)
            self._adopt_weight(name, value)
            return
        if isinstance(value, torch.nn.Module) and "_modules" not in self.__dict__:
            torch.nn.Module.__init__(self)  # a subclass that makes layers before it calls `super().__init__()`
        if is_tracked(value) and not hasattr(type(self), name):
            if "_modules" not in self.__dict__:
                torch.nn.Module.__init__(self)
            forget(self, name)
            self.__dict__.setdefault("_tracked", {})[name] = True
            self.__dict__[name] = track(self, name, value)
            return
        forget(self, name)
        info = self.__dict__.get("_infos", {}).get(name)
        if info is not None and type(value) is torch.nn.Parameter:
            adopt(value, info)
        super().__setattr__(name, value)
        if name in ("built", "input_spec", "activity_regularizer", "_makes_mask") and "_makes_mask" in self.__dict__:
            self._settle()

    def __getstate__(self) -> dict[str, Any]:
        return {k: v for k, v in self.__dict__.items() if k not in _TRANSIENT}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        self.__dict__.update(_inbound_nodes=[], _losses=[], _fits=None)
        set_up(self._keras_version)
        self._restore_variables()
        for name in self.__dict__.get("_tracked", ()):
            if is_tracked(self.__dict__.get(name)):
                self.__dict__[name] = track(self, name, self.__dict__[name])
        self._settle()

    def _apply(self, fn: Any, recurse: bool = True) -> Any:
        result = super()._apply(fn, recurse)
        self._restore_variables()
        policy = self.dtype_policy
        probe = fn(torch.empty(0, dtype=torch_dtype(policy.variable_dtype)))
        if isinstance(probe, torch.Tensor) and dtype_name(probe.dtype) != policy.variable_dtype:
            self._set_policy(dtype_name(probe.dtype))
        return result

    def _save_to_state_dict(self, destination: Any, prefix: str, keep_vars: bool) -> None:
        super()._save_to_state_dict(destination, prefix, keep_vars)
        if not keep_vars:
            for key in self._infos:
                held = destination.get(prefix + key)
                if isinstance(held, Variable):
                    destination[prefix + key] = held.data

    def _load_from_state_dict(self, *args: Any, **kwargs: Any) -> None:
        super()._load_from_state_dict(*args, **kwargs)
        self._restore_variables()

    def extra_repr(self) -> str:
        """The name, as torch prints it among the module's facts."""
        return f"name={self.name!r}"


def _anything(shape: Any) -> bool:
    return True


def _takes_activity(cls: type) -> bool:
    return "activity_regularizer" in inspect.signature(cls).parameters or not cls.__module__.startswith("kcompat.")


def _parameters(cls: type) -> str:
    names = [p for p in inspect.signature(cls).parameters if p not in ("self", "args", "kwargs")]
    return ", ".join(f"`{n}`" for n in names)


def _is_pair(value: Any) -> bool:
    return isinstance(value, tuple) and len(value) == 2 and isinstance(value[1], torch.dtype)


def _take_parents_mode(parent: torch.nn.Module, name: str, child: Any) -> None:
    """A module follows the mode of the parent it is put into, if one of the two is a Keras layer."""
    home = type(parent).__module__
    if home.startswith("torch.") and not home.startswith("torch.nn."):
        return  # a tool's wrapper for the time of an export or a compilation, no module of a model
    mode = parent.__dict__.get("training")
    if mode is None or not isinstance(child, torch.nn.Module) or not (isinstance(child, Layer) or isinstance(parent, Layer)):
        return
    if child.training is not mode:
        child.train(mode)


register_module_module_registration_hook(_take_parents_mode)
Layer._call_spec = CallSpec(Layer.call, Layer.build)
