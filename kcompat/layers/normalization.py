"""Normalization by the statistics of batches."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from kcompat import registry
from kcompat.core.layer import Layer
from kcompat.core.spec import InputSpec
from kcompat.errors import ArgumentError, ArgumentTypeError, ShapeError
from kcompat.generations import behaviour, positional
from kcompat.layers.arguments import config_of, take
from kcompat.layers.windows import title
from kcompat.tensor.normalize import (
    batch_norm,
    batch_norm_by_batch,
    batch_norm_moving,
    corrected,
    moments,
    move,
    move_debiased,
    standardize,
    standardize_vectors,
)  # fmt: skip


def checked_axes(where: str, axis: Any) -> tuple[int, ...]:
    """One axis or several, as a tuple of integers."""
    axes = tuple(axis) if isinstance(axis, (list, tuple)) else (axis,)
    if not axes or any(isinstance(a, bool) or not hasattr(a, "__index__") for a in axes):
        raise ArgumentTypeError(f"{where}: `axis` must be an integer or a list of integers, received {axis!r}.")
    return tuple(int(a) for a in axes)


def axes_of(layer: Layer, axes: tuple[int, ...], input_shape: Any) -> tuple[int, ...]:
    """`axes` counted from 0, in ascending order; their sizes in an input of this shape must be known."""
    rank = len(input_shape)
    if any(not -rank <= a < rank for a in axes):
        raise ShapeError(
            f"{title(layer)}: `axis` must name axes of the input, received {list(axes)} for an input of shape {tuple(input_shape)}."
        )
    found = sorted({a % rank for a in axes})
    if len(found) != len(axes):
        raise ArgumentError(f"{title(layer)}: `axis` must not name an axis twice, received {list(axes)}.")
    if any(input_shape[a] is None for a in found):
        raise ShapeError(f"{title(layer)}: the sizes of `axis` {found} must be known, received an input of shape {tuple(input_shape)}.")
    return tuple(found)


def _checked_clipping(where: str, clipping: Any) -> dict[str, float]:
    """`renorm_clipping` as a dict, if it has known keys and its bounds are in order."""
    found = dict(clipping or {})
    if set(found) - {"rmin", "rmax", "dmax"}:
        raise ArgumentError(f"{where}: `renorm_clipping` may have the keys 'rmin', 'rmax' and 'dmax', received {clipping!r}.")
    if found.get("rmin", 0) > found.get("rmax", float("inf")) or found.get("dmax", 0) < 0:
        raise ArgumentError(f"{where}: `renorm_clipping` must have rmin <= rmax and dmax >= 0, received {clipping!r}.")
    return found


class BatchNormalization(Layer):
    """`(x - mean) / sqrt(variance + epsilon) * gamma + beta`, each index of `axis` by itself; same shape.

    In training the statistics are the batch's (with a mask: of the kept steps), and the moving ones follow them by `momentum`; otherwise
    they are the moving ones. How the moving variance follows depends on the Keras generation, and is fixed at construction.
    `renorm` corrects training towards the moving statistics within `renorm_clipping` (a dict of `rmin`, `rmax`, `dmax`). `synchronized`
    takes the statistics over all processes of torch.distributed. Source: https://keras.io/api/layers/normalization_layers/batch_normalization/
    """

    supports_masking = True
    _passes_down = False
    _casts_weights = False
    _casts_integers = True
    _config = (
        "axis", "momentum", "epsilon", "center", "scale", "beta_initializer", "gamma_initializer", "moving_mean_initializer",
        "moving_variance_initializer", "beta_regularizer", "gamma_regularizer", "beta_constraint", "gamma_constraint",
    )  # fmt: skip

    @positional("batch_norm_arguments")
    def __init__(self, axis: Any = -1, momentum: float = 0.99, epsilon: float = 0.001, center: bool = True, scale: bool = True,
                 beta_initializer: Any = "zeros", gamma_initializer: Any = "ones", moving_mean_initializer: Any = "zeros",
                 moving_variance_initializer: Any = "ones", beta_regularizer: Any = None, gamma_regularizer: Any = None,
                 beta_constraint: Any = None, gamma_constraint: Any = None, renorm: bool = False, renorm_clipping: Any = None,
                 renorm_momentum: float = 0.99, synchronized: bool = False, fused: bool | None = None, virtual_batch_size: Any = None,
                 adjustment: Any = None, **kwargs: Any):  # fmt: skip
        where = type(self).__name__
        axes = checked_axes(where, axis)
        if len(axes) > 1 and not behaviour("batch_norm_axis_list"):
            raise ArgumentTypeError(f"{where}: `axis` must be one integer in this Keras generation, received {axis!r}.")
        for name, value in (("virtual_batch_size", virtual_batch_size), ("adjustment", adjustment)):
            if value is not None:
                raise ArgumentError(f"{where}: `{name}` is not supported, use None; received {value!r}.")
        if fused and (renorm or synchronized or len(axes) > 1):
            raise ArgumentError(f"{where}: `fused=True` goes with one axis, without `renorm` and `synchronized`.")
        if renorm:
            renorm_clipping = _checked_clipping(where, renorm_clipping)
        super().__init__(**kwargs)
        take(
            self, axis=list(axis) if isinstance(axis, (list, tuple)) else axes[0], momentum=momentum, epsilon=epsilon, center=bool(center),
            scale=bool(scale), beta_initializer=beta_initializer, gamma_initializer=gamma_initializer,
            moving_mean_initializer=moving_mean_initializer, moving_variance_initializer=moving_variance_initializer,
            beta_regularizer=beta_regularizer, gamma_regularizer=gamma_regularizer, beta_constraint=beta_constraint,
            gamma_constraint=gamma_constraint, renorm=bool(renorm), renorm_clipping=renorm_clipping,
            renorm_momentum=renorm_momentum, synchronized=bool(synchronized), fused=fused,
        )  # fmt: skip

    # -- weights -----------------------------------------------------------------------------------------------------------

    def build(self, input_shape: Any) -> None:
        """Make `gamma`, `beta`, `moving_mean`, `moving_variance`, and what `renorm` and zero-debiasing keep."""
        axes = axes_of(self, checked_axes(title(self), self.axis), input_shape)
        rank = len(input_shape)
        images = len(axes) == 1 and rank in behaviour("batch_norm_images", self._keras_version) and axes[0] in (1, rank - 1)
        if self.fused and not images:
            raise ShapeError(
                f"{title(self)}: `fused=True` needs 4 or 5 axes and `axis` 1 or the last, received shape {tuple(input_shape)}."
            )
        sizes = [input_shape[a] for a in axes]
        shape = tuple(sizes) if len(axes) == 1 else tuple(n if a in axes else 1 for a, n in enumerate(input_shape))
        self.gamma = self._weight("gamma", shape) if self.scale else None
        self.beta = self._weight("beta", shape) if self.center else None
        self.moving_mean = self._statistic("moving_mean", shape, self.moving_mean_initializer)
        self.moving_variance = self._statistic("moving_variance", shape, self.moving_variance_initializer)
        if self.renorm:
            for name, start in (("moving_stddev", "moving_variance"), ("renorm_mean", "moving_mean"), ("renorm_stddev", "moving_variance")):
                made = self._statistic(name, shape, getattr(self, f"{start}_initializer"))
                if name != "renorm_mean":
                    made.data.sqrt_()
                setattr(self, name, made)
        if behaviour("batch_norm_debias", self._keras_version):
            for name in ("moving_mean", "moving_variance"):
                self.register_buffer(f"_biased_{name}", torch.zeros_like(getattr(self, name).data), persistent=False)
            self.register_buffer("_steps", torch.zeros((), device=self.moving_mean.device), persistent=False)
        self._fix_laws(axes, rank, images)
        self.input_spec = InputSpec(ndim=rank, axes=dict(zip(axes, sizes, strict=True)))
        super().build(input_shape)

    def _fix_laws(self, axes: tuple[int, ...], rank: int, images: bool) -> None:
        """What depends on the generation and the input's rank, settled once."""
        version = self._keras_version
        wide = self.moving_mean.dtype is torch.float64  # TensorFlow's kernel for images has none
        fused = images and self.fused is not False and not self.renorm and not self.synchronized and not wide
        kind = "" if not fused else "_last_axis_images" if axes[0] == rank - 1 else "_other_images"
        corrections = behaviour(f"batch_norm_correction{kind}", version)
        masks = behaviour("batch_norm_mask", version)
        self.__dict__.update(
            _axes=axes,
            _reduced=tuple(a for a in range(rank) if a not in axes),
            _corrections=tuple(1 + self.epsilon if c == "eps" else c for c in corrections),
            _takes_mask=masks == "always" or (masks == "not_images" and not fused),
            _frozen_infers=behaviour("batch_norm_frozen", version) == "moving",
            _debiases=behaviour("batch_norm_debias", version),
            _by_moments=self.renorm or self.synchronized or len(axes) > 1,
        )

    def _weight(self, name: str, shape: tuple[int, ...]) -> Any:
        return self.add_weight(
            name,
            shape,
            dtype=self._weight_dtype(),
            initializer=getattr(self, f"{name}_initializer"),
            regularizer=getattr(self, f"{name}_regularizer"),
            constraint=getattr(self, f"{name}_constraint"),
        )

    def _statistic(self, name: str, shape: tuple[int, ...], initializer: Any) -> Any:
        return self.add_weight(name, shape, dtype=self._weight_dtype(), initializer=initializer, trainable=False)

    def _weight_dtype(self) -> str:
        half = self.variable_dtype in ("float16", "bfloat16") and not behaviour("batch_norm_half_weights", self._keras_version)
        return "float32" if half else self.variable_dtype

    # -- calling -----------------------------------------------------------------------------------------------------------

    _makes_new = True
    #: what Keras 1 called `mode`: 1 takes the statistics of each vector of the last axis, 2 always those of the batch
    _keras1_mode = 0

    def call(self, inputs: Tensor, training: bool | None = None, mask: Any = None) -> Tensor:
        """The normalized input."""
        if self._keras1_mode == 1:
            return standardize_vectors(inputs, self.gamma, self.beta, self.epsilon)
        if self._keras1_mode == 2:
            return batch_norm_by_batch(inputs, self.gamma, self.beta, axis=self._axes[0], epsilon=self.epsilon)[0]
        training = self._in_training(training)
        frozen = training and not self.trainable
        if not training or (frozen and self._frozen_infers) or inputs.numel() == 0:
            return self._by_moving_statistics(inputs)
        mask = mask if self._takes_mask else None
        if mask is not None or self._by_moments:
            return self._by_batch_moments(inputs, mask, not frozen)
        axis = self._axes[0]
        count = inputs.numel() // inputs.shape[axis]
        if self._corrections == (1,) and count > 1 and not frozen and not self._debiases:
            return batch_norm_moving(
                inputs,
                self.moving_mean,
                self.moving_variance,
                self.gamma,
                self.beta,
                axis=axis,
                epsilon=self.epsilon,
                momentum=self.momentum,
            )
        outputs, mean, variance = batch_norm_by_batch(inputs, self.gamma, self.beta, axis=axis, epsilon=self.epsilon)
        if not frozen:
            self._follow(mean, corrected(variance, count, self._corrections))
        return outputs

    def _by_moving_statistics(self, inputs: Tensor) -> Tensor:
        if len(self._axes) == 1:
            mean, variance, gamma, beta = self._held()
            return batch_norm(inputs, mean, variance, gamma, beta, axis=self._axes[0], epsilon=self.epsilon)
        wide = inputs.to(self.moving_mean.dtype)
        return standardize(wide, self.moving_mean, self.moving_variance, self.gamma, self.beta, self.epsilon).to(inputs.dtype)

    def _held(self) -> tuple[Tensor, Tensor, Tensor | None, Tensor | None]:
        """`moving_mean`, `moving_variance`, `gamma`, `beta`, without the cost of asking for attributes where they are plain."""
        buffers, own = self._buffers, self._parameters
        mean, variance, gamma, beta = buffers.get("moving_mean"), buffers.get("moving_variance"), own.get("gamma"), own.get("beta")
        if mean is not None and variance is not None and gamma is not None and beta is not None:
            return mean, variance, gamma, beta
        return self.moving_mean, self.moving_variance, self.gamma, self.beta

    def _by_batch_moments(self, inputs: Tensor, mask: Any, moves: bool) -> Tensor:
        """The ways that no fused kernel knows: masks, several processes, several axes, renorm."""
        if mask is not None and mask.ndim != inputs.ndim - 1:
            raise ShapeError(
                f"{title(self)}: `mask` must have one axis less than the input, received {tuple(mask.shape)} for {tuple(inputs.shape)}."
            )
        wide = inputs.to(self.moving_mean.dtype)
        mean, variance = moments(wide, self._reduced, mask, self.synchronized)
        shape = mean.shape
        gamma = None if self.gamma is None else self.gamma.view(shape)
        beta = None if self.beta is None else self.beta.view(shape)
        if self.renorm:
            outputs = self._renormalized(wide, mean, variance, gamma, beta, moves)
        else:
            outputs = standardize(wide, mean, variance, gamma, beta, self.epsilon)
            if moves:
                self._follow(mean, corrected(variance, inputs.numel() // mean.numel(), self._corrections))
        return outputs.to(inputs.dtype)

    def _renormalized(self, x: Tensor, mean: Tensor, variance: Tensor, gamma: Tensor | None, beta: Tensor | None, moves: bool) -> Tensor:
        """Batch renormalization (https://arxiv.org/abs/1702.03275): r and d lead towards `renorm_mean` and `renorm_stddev`."""
        stddev = (variance + self.epsilon).sqrt()
        clip = self.renorm_clipping
        with torch.no_grad():
            known = self.renorm_stddev.view(mean.shape).clamp(min=self.epsilon**0.5)
            r = stddev / known
            d = (mean - self.renorm_mean.view(mean.shape)) / known
            r = r.clamp(clip.get("rmin"), clip.get("rmax")) if {"rmin", "rmax"} & set(clip) else r
            d = d.clamp(-clip["dmax"], clip["dmax"]) if "dmax" in clip else d
            if moves:
                move(self.renorm_mean, mean, self.renorm_momentum)
                move(self.renorm_stddev, stddev, self.renorm_momentum)
                move(self.moving_mean, mean, self.momentum)
                move(self.moving_stddev, stddev, self.momentum)
                self.moving_variance.copy_((self.moving_stddev.square() - self.epsilon).relu())
        y = (x - mean) / stddev * r + d
        y = y if gamma is None else y * gamma
        return y if beta is None else y + beta

    def _follow(self, mean: Tensor, variance: Tensor) -> None:
        """The moving statistics one step on."""
        if not self._debiases:
            move(self.moving_mean, mean, self.momentum)
            move(self.moving_variance, variance, self.momentum)
            return
        self._steps.add_(1)
        move_debiased(self.moving_mean, self._biased_moving_mean, mean, self.momentum, self._steps)
        move_debiased(self.moving_variance, self._biased_moving_variance, variance, self.momentum, self._steps)

    # -- shapes and configs --------------------------------------------------------------------------------------------------

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The input's shape."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """The arguments as plain data."""
        config = {**super().get_config(), **config_of(self, *self._config)}
        if self._keras1_mode:
            config["mode"] = self._keras1_mode
        if self.built and behaviour("config_norm_axis", self._keras_version) == "list_when_built":
            config["axis"] = list(self._axes)
        if self.renorm or behaviour("config_batch_norm_renorm", self._keras_version) == "always":
            config.update(config_of(self, "renorm", "renorm_clipping", "renorm_momentum"))
        if behaviour("config_batch_norm_renorm", self._keras_version) == "always":
            config["synchronized"] = self.synchronized
        return config


class SyncBatchNormalization(BatchNormalization):
    """`BatchNormalization(synchronized=True)`, as tf.keras called it before."""

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **{"synchronized": True, **kwargs})


NAMES = {"BatchNormalization": BatchNormalization, "SyncBatchNormalization": SyncBatchNormalization}
registry.register("layer", NAMES)
