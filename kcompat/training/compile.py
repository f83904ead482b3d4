"""`Compiled`: what `compile` makes of a model's optimizer, loss and metrics, and the running numbers of a training."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from kcompat import optimizers
from kcompat.core.context import ambient
from kcompat.errors import ArgumentError, NotCompiledError
from kcompat.generations import behaviour
from kcompat.graph import KerasTensor
from kcompat.losses import SparseCategoricalCrossentropy, TorchLoss, sparse_categorical_crossentropy
from kcompat.metrics import Mean, sparse_categorical_accuracy
from kcompat.training.calls import RepeatedCall
from kcompat.training.data import convert
from kcompat.training.jit import Faster, settled
from kcompat.training.losses import CompiledLoss, align_to_outputs, by_output, conform, output_names
from kcompat.training.metrics import CompiledMetrics
from kcompat.tree import flatten


class Compiled:
    """Optimizer, loss and metrics of a model. Made by `compile`; unknown names are refused here, before anything changes.

    `jit_compile=True` runs the model through `torch.compile`; `run_eagerly` only forbids that. `steps_per_execution` is the number
    of batches between the hooks of callbacks.
    """

    def __init__(
        self,
        optimizer: Any = "rmsprop",
        loss: Any = None,
        metrics: Any = None,
        loss_weights: Any = None,
        weighted_metrics: Any = None,
        run_eagerly: bool | None = None,
        steps_per_execution: int | None = None,
        jit_compile: Any = None,
        auto_scale_loss: bool = True,
        sample_weight_mode: Any = None,
        target_tensors: Any = None,
        pss_evaluation_shards: Any = 0,
        output_names: Sequence[str] | None = None,
    ):
        if pss_evaluation_shards:
            raise ArgumentError(f"compile: `pss_evaluation_shards` is for parameter servers, received {pss_evaluation_shards!r}.")
        if steps_per_execution is not None and (not isinstance(steps_per_execution, int) or steps_per_execution < 1):
            raise ArgumentError(f"`steps_per_execution` must be an integer of at least 1, received {steps_per_execution!r}.")
        if run_eagerly and jit_compile is True:
            raise ArgumentError("`run_eagerly` and `jit_compile` cannot both be True.")
        self.given = {
            "optimizer": optimizer, "loss": loss, "metrics": metrics, "loss_weights": loss_weights,
            "weighted_metrics": weighted_metrics, "run_eagerly": run_eagerly, "steps_per_execution": steps_per_execution,
            "jit_compile": jit_compile, "auto_scale_loss": auto_scale_loss, "sample_weight_mode": sample_weight_mode,
        }  # fmt: skip
        self.output_names = list(output_names) if output_names else None
        self.loss = CompiledLoss(loss, loss_weights, self.output_names)
        self.metrics = CompiledMetrics(metrics, weighted_metrics, self.output_names, self.loss)
        self.optimizer = optimizers.get(optimizer)
        self.loss_tracker = Mean(name="loss")
        self.steps_per_execution = steps_per_execution or 1
        self.jit_compile = jit_compile is True
        self.auto_scale_loss = auto_scale_loss
        self._weight_modes = _weight_modes(sample_weight_mode)
        self._target_tensors = target_tensors
        self.log_order = behaviour("log_order")
        self.names_are_objects = behaviour("metrics_names") == "objects"
        self.own_logs = behaviour("batch_logs") == "own"
        self._fixed = behaviour("trainable_fixed_at_compile")
        self._flags: list[tuple[Tensor, bool]] | None = None
        self._graphs: dict[str, tuple[Any, Any]] = {}
        self.ready = False
        #: whether nothing of the user's runs between two batches
        self.undisturbed = False
        #: what waits for the metrics to be settled: their state in an interrupted training
        self.pending: Callable[[], None] | None = None
        self.last: Tensor | None = None
        #: what a `compute_metrics` of the user gave for the last batch
        self.replaced: dict[str, Any] | None = None

    def scale_losses(self, policy: Any) -> None:
        """Put a `LossScaleOptimizer` around the optimizer of a model in mixed_float16, whose gradients are else too small for float16."""
        made = self.optimizer
        scaled = not isinstance(made, optimizers.Optimizer) or isinstance(made, optimizers.LossScaleOptimizer)
        if self.auto_scale_loss and not scaled and getattr(policy, "name", None) == "mixed_float16":
            self.optimizer = optimizers.LossScaleOptimizer(made)

    # -- weights ---------------------------------------------------------------------------------------------------------------

    def note_trainable(self, model: Any) -> None:
        """Remember which weights are trained: before Keras 3, `trainable` set after `compile` waits for the next `compile`."""
        if self._fixed and self._flags is None and getattr(model, "built", True):
            flags = [(p, p.requires_grad) for p in model.parameters()]
            self._flags = flags or None

    @contextlib.contextmanager
    def trainable_as_compiled(self, model: Any) -> Iterator[None]:
        """Train, inside a `with` block, the weights that were trainable at `compile`."""
        changed = [(p, p.requires_grad, flag) for p, flag in self._flags or () if p.requires_grad != flag]
        try:
            for p, _, flag in changed:
                p.requires_grad_(flag)
            yield
        finally:
            for p, now, _ in changed:
                p.requires_grad_(now)
            self.note_trainable(model)

    # -- the plan ----------------------------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Let the next batch settle the plan anew: weights, shapes or targets may have changed."""
        self.ready = False

    def settle(self, model: Any, y: Any, y_pred: Any, outputs: Sequence[Tensor], training: bool) -> None:
        """Fix what meets what, from the first batch, and give the optimizer its weights."""
        names = getattr(model, "output_names", None) or self.output_names or output_names(y_pred)
        if len(names) != len(outputs):
            names = output_names(y_pred)
        self.loss.settle(names, outputs)
        self.single = len(outputs) == 1
        self._raw = [isinstance(made, TorchLoss) for made in self.loss.losses]
        self.names = list(names)
        if training or self.loss.any:
            self.loss.check(self.targets(y, outputs), outputs)
        self.metrics.settle(names, self.targets(y, outputs), outputs)
        self._raw = [raw or self._only_sparse(index) for index, raw in enumerate(self._raw)]
        self.loss_tracker.to(outputs[0].device)
        if training:
            self._take_weights(model)
        self._lossless = hasattr(model, "_adds_losses") and not model._adds_losses()
        self._repeated = RepeatedCall(model, True) if training and self.undisturbed else None
        self._ranks = [torch.empty((1,) * output.ndim, device="meta") for output in outputs]
        self.ready = True
        if self.pending is not None:
            self.pending()
            self.pending = None

    def call(self, model: Any, x: Any) -> Any:
        """`model(x, training=True)`."""
        return self._repeated(x) if self.ready and self._repeated is not None else model(x, training=True)

    def added_losses(self, model: Any) -> Sequence[Tensor]:
        """`model.losses`: what layers add to the loss."""
        return () if self._lossless and not ambient.losses_noted else model.losses

    def _only_sparse(self, index: int) -> bool:
        """Whether all that looks at the targets of an output takes class indices of shape (n,) as they are."""
        looking = [self.loss.losses[index], *(e.metric for e in (*self.metrics.plain, *self.metrics.weighted) if e.index == index)]
        return all(made is None or getattr(made, "fn", None) in _OF_INDICES for made in looking)

    def _take_weights(self, model: Any) -> None:
        self.own_optimizer = isinstance(self.optimizer, optimizers.Optimizer)
        weights = list(model.trainable_weights)
        if self.own_optimizer:
            self.optimizer.settle(weights)
        self.weights = weights
        options = getattr(self.optimizer, "options", None)
        scales = self.auto_scale_loss and (options is None or options.loss_scale_factor)
        self.scale_loss = getattr(self.optimizer, "scale_loss", None) if scales else None
        constrained = [] if self.own_optimizer else [w for w in weights if getattr(w, "constraint", None) is not None]
        self.constrained = [(w, w.constraint) for w in constrained]
        hooks = ("_optimizer_step_pre_hooks", "_optimizer_step_post_hooks")
        self.direct = self.own_optimizer and not any(getattr(self.optimizer, name, None) for name in hooks)

    def forward(self, model: Any) -> Any:
        """What is called for predictions: the model, compiled if asked for."""
        if not self.jit_compile:
            return model
        return self._made_once("forward", model, lambda: self._faster(torch.compile(model, dynamic=False), model))

    def forward_and_loss(self, model: Any) -> Callable[[Any, Any, Any], tuple[Tensor, Any]]:
        """From inputs, targets and weights (as lists by output): the total loss and the predictions, in training, as one graph."""

        def run(x: Any, targets: list[Any], weights: list[Any]) -> tuple[Tensor, Any]:
            y_pred = model(x, training=True)
            outputs = [y_pred] if isinstance(y_pred, Tensor) else flatten(y_pred)
            return self.loss.total(targets, outputs, weights, model.losses), y_pred

        return self._made_once("loss", model, lambda: torch.compile(run, dynamic=False))

    def faster_step(self, model: Any, jitted: Callable[..., Any], eager: Callable[..., Any]) -> Callable[..., Any]:
        """One of two functions that train on a batch: the compiled one, if that is the faster."""
        return self._made_once("step", model, lambda: self._faster(jitted, eager))

    def _faster(self, jitted: Callable[..., Any], eager: Callable[..., Any]) -> Callable[..., Any]:
        return jitted if settled(self.loss_tracker.total.device) else Faster(jitted, eager)

    def _made_once(self, kind: str, model: Any, make: Callable[[], Any]) -> Any:
        """What is made at first use, for this model. Compiled functions are compiled anew for other shapes, as by XLA."""
        known = self._graphs.get(kind)
        if known is None or known[0] is not model:
            known = self._graphs[kind] = (model, make())
        return known[1]

    def targets(self, y: Any, outputs: Sequence[Tensor]) -> list[Any]:
        """Targets, one for each output, with the outputs' ranks."""
        if y is None and self._target_tensors is not None:
            y = _concrete(self._target_tensors)
        if self.single and isinstance(y, Tensor):
            return [y if self._raw[0] else conform(y, outputs[0])]
        flat = align_to_outputs(y, self.names, self.loss.used, "y")
        return [t if raw else conform(t, o) for t, o, raw in zip(flat, outputs, self._raw, strict=True)]

    def targets_like_before(self, y: Any) -> list[Any]:
        """`targets` for a batch whose outputs are not known yet: they have the ranks of those before."""
        return self.targets(y, self._ranks)

    def weights_of(self, weight: Any) -> list[Any]:
        """Sample weights, one for each output."""
        if weight is None:
            return [None] * len(self.names)
        single = self.single and isinstance(weight, Tensor)
        flat = [weight] if single else align_to_outputs(weight, self.names, self.loss.used, "sample_weight")
        if self._weight_modes is not None:
            for name, temporal, one in zip(self.names, by_output(self._weight_modes, self.names, "sample_weight_mode"), flat, strict=True):
                if one is not None and (one.ndim > 1) != (temporal == "temporal"):
                    wanted = "two axes, as it has" if temporal == "temporal" else "one axis, as it does not have"
                    raise ArgumentError(
                        f"Output '{name}': `sample_weight` must have {wanted} `sample_weight_mode='temporal'` in `compile`."
                    )
        return flat

    def check_classes(self, model: Any, y: Any, sizes: Sequence[int | None]) -> None:
        """Refuse class indices that are none, for arrays of targets and outputs of known sizes."""
        names = getattr(model, "output_names", None) or self.output_names or [f"output_{i + 1}" for i in range(len(sizes))]
        if y is None or len(names) != len(sizes):
            return
        if not self.loss.settled and not self.loss.losses:
            self.loss._names = list(names)
            self.loss._assign()
        for name, made, target, size in zip(names, self.loss.losses, align_to_outputs(y, names, self.loss.used, "y"), sizes, strict=True):
            sparse = isinstance(made, SparseCategoricalCrossentropy) or getattr(made, "fn", None) is sparse_categorical_crossentropy
            if not sparse or not isinstance(target, Tensor) or size is None or not target.numel():
                continue
            ignored = getattr(made, "_options", {}).get("ignore_class")
            kept = target if ignored is None else target[target != ignored]
            low, high = (int(kept.min()), int(kept.max())) if kept.numel() else (0, 0)
            if low < 0 or high >= size:
                wanted = f"class indices in `y` must lie in [0, {size}), as it has {size} classes"
                raise ArgumentError(f"Output '{name}': {wanted}; received indices from {low} to {high}.")

    # -- numbers -----------------------------------------------------------------------------------------------------------------

    def track(self, loss: Tensor, size: int, targets: Sequence[Any], outputs: Sequence[Tensor], weights: Sequence[Any]) -> None:
        """Take a batch into the running loss and metrics, without gradient recording."""
        self.track_loss(loss, size)
        if self.metrics.needs:
            self.metrics.update(targets, outputs, weights)

    def track_loss(self, loss: Tensor, size: int) -> None:
        """Take a batch's loss into the running means, weighted by its size."""
        value = loss.detach()
        value = value if value.ndim == 0 else value.mean()
        self.last = value
        self.loss_tracker.total.add_(value, alpha=size)
        self.loss_tracker.count.add_(size)
        if not self.single:
            self.loss.track(size)

    @property
    def all_metrics(self) -> list[Any]:
        """The metric objects as Keras lists them in `model.metrics`: the running loss, those of outputs, the metrics."""
        trackers = [t for t in self.loss.trackers if t is not None]
        if self.names_are_objects:
            return [self.loss_tracker, *([self.metrics] if any(s is not None for s in self.metrics._specs) else []), *trackers]
        return [self.loss_tracker, *trackers, *self.metrics.metrics]

    def metrics_names(self) -> list[str]:
        """The names of the numbers that `evaluate` returns (Keras 3: of the metric objects)."""
        if self.names_are_objects:
            return [m.name for m in self.all_metrics]
        trackers = [t.name for t in self.loss.trackers if t is not None]
        return list(dict.fromkeys(["loss", *trackers, *(e.key for e in (*self.metrics.plain, *self.metrics.weighted))]))

    def reset(self) -> None:
        """Start the running numbers anew."""
        for metric in (self.loss_tracker, *(t for t in self.loss.trackers if t is not None)):
            metric.reset_state()
        self.metrics.reset_state()
        self.replaced = None

    def results(self, own: bool = False) -> dict[str, Any]:
        """The running numbers as tensors, in the order of the generation; `own`: the loss of the last batch alone."""
        found: dict[str, Any] = {"loss": self.last if own and self.last is not None else self.loss_tracker.result()}
        for tracker, value in zip(self.loss.trackers, self.loss.own, strict=True):
            if tracker is not None:
                found[tracker.name] = value if own and value is not None else tracker.result()
        found.update(self.metrics.results(own))
        return found

    def listed(self, numbers: Mapping[str, Any]) -> Any:
        """Numbers as `evaluate` returns them: one, or a list with the loss first."""
        trackers = [t.name for t in self.loss.trackers if t is not None]
        entries = (*self.metrics.plain, *self.metrics.weighted)
        if self.names_are_objects:  # Keras 3 looks the metrics' own names up, which may repeat, then adds the numbers left over
            known = [k for k in ("loss", *(e.written for e in entries), *trackers) if k in numbers]
            rest = sorted(k for k in numbers if k not in known)
        else:
            known = [k for k in dict.fromkeys(["loss", *trackers, *(e.key for e in entries)]) if k in numbers]
            rest = [k for k in numbers if k not in known]
        flat = [numbers[k] for k in (*known, *rest)]
        return flat[0] if len(flat) == 1 else flat

    def ordered(self, logs: dict[str, Any]) -> dict[str, Any]:
        """Logs in the order in which the generation reports them."""
        return dict(sorted(logs.items())) if self.log_order == "sorted" else logs


def _weight_modes(given: Any) -> Any:
    """`sample_weight_mode` where the generation asks for it, else None; refuses what is no mode."""
    for mode in flatten(given, is_leaf=lambda m: isinstance(m, str)):
        if mode not in (None, "temporal"):
            raise ArgumentError(f"`sample_weight_mode` must be None or 'temporal', received {mode!r}.")
    return (given or "by sample") if behaviour("weights_need_temporal") else None


def _concrete(targets: Any) -> Any:
    """`target_tensors` as data; placeholders hold none."""
    symbolic = [t for t in flatten(targets) if isinstance(t, KerasTensor)]
    if symbolic:
        raise ArgumentError(f"`target_tensors` are placeholders ({symbolic[0]}): give the targets `y`.")
    return convert(targets)


#: losses and metrics whose targets may lack the last axis
_OF_INDICES = (sparse_categorical_crossentropy, sparse_categorical_accuracy)


def compiled_of(model: Any) -> Compiled:
    """What `compile` made, or an error."""
    compiled = getattr(model, "_compiled", None)
    if compiled is None:
        name = f" '{model.name}'" if getattr(model, "name", None) else ""
        raise NotCompiledError(f"You must compile the model{name} before training or testing: `model.compile(optimizer, loss)`.")
    return compiled
