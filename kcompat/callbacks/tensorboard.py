"""`TensorBoard`: event files of numbers, weights, graph, embeddings and profiles, written by `torch.utils.tensorboard`."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from kcompat.callbacks import tensorboard_parts as parts
from kcompat.callbacks.base import Callback
from kcompat.callbacks.rates import learning_rate
from kcompat.errors import ArgumentError, ArgumentTypeError, missing_extra, nearest
from kcompat.generations import behaviour, positional

_OLD = ("batch_size", "write_grads", "embeddings_layer_names", "embeddings_data")


class TensorBoard(Callback):
    """Writes event files for TensorBoard into `log_dir`.

    From tf.keras 2.4 on into its folders `train` and `validation`, numbers of epochs as `epoch_NAME`, of batches as
    `batch_NAME`; before into `log_dir` itself under the names of the logs. `update_freq` "batch" or a number writes them also
    every so many batches (before 2.4: samples). `histogram_freq` and `embeddings_freq` are in epochs; `write_images` shows weights
    as images; `write_graph` writes the layers' graph; `profile_batch` is a batch or a range of them, counted from 1, to be
    profiled by `torch.profiler`.

    Arguments of Keras 2.0 to 2.3: `write_grads` adds histograms of the gradients of the last batch; `embeddings_data` are inputs whose
    embeddings by the layers `embeddings_layer_names` are shown, computed in batches of `batch_size`.
    Source: https://keras.io/api/callbacks/tensorboard/
    """

    lazy_logs = True

    @positional("tensorboard_arguments")
    def __init__(
        self,
        log_dir: str | os.PathLike[str] = "logs",
        histogram_freq: int = 0,
        write_graph: bool = True,
        write_images: bool = False,
        write_steps_per_second: bool = False,
        update_freq: Any = "epoch",
        profile_batch: Any = 0,
        embeddings_freq: int = 0,
        embeddings_metadata: Any = None,
        **kwargs: Any,
    ):
        super().__init__()
        for name in kwargs:
            if name not in _OLD:
                raise ArgumentTypeError(f"TensorBoard has no argument `{name}`. {nearest(name, _OLD)}")
        if update_freq not in ("epoch", "batch") and (not isinstance(update_freq, int) or update_freq < 1):
            raise ArgumentError(f"TensorBoard: `update_freq` must be 'epoch', 'batch' or a number of batches, received {update_freq!r}.")
        self.log_dir = os.fspath(log_dir)
        self.histogram_freq = histogram_freq
        self.write_graph = write_graph
        self.write_images = write_images
        self.write_steps_per_second = write_steps_per_second
        self.update_freq = 1 if update_freq == "batch" else update_freq
        self.embeddings_freq = embeddings_freq
        self.embeddings_metadata = embeddings_metadata
        self.batch_size = kwargs.get("batch_size", 32)
        self.write_grads = kwargs.get("write_grads", False)
        self.embeddings_layer_names = kwargs.get("embeddings_layer_names")
        self.embeddings_data = kwargs.get("embeddings_data")
        self._start, self._stop = parts.profiled_batches(profile_batch)
        self._in_folders = behaviour("tensorboard_layout") == "folders"
        self._writers: dict[str, Any] = {}
        self._profile: Any = None
        if embeddings_freq and not self._in_folders and self.embeddings_data is None:
            raise ArgumentError("TensorBoard: `embeddings_freq` needs `embeddings_data` in this generation.")

    # -- files ---------------------------------------------------------------------------------------------------------------------

    def _writer(self, part: str = "train") -> Any:
        part = part if self._in_folders else ""
        if part not in self._writers:
            try:
                from torch.utils.tensorboard import SummaryWriter
            except ImportError as error:
                raise missing_extra("tensorboard", "tensorboard", "The callback TensorBoard") from error
            self._writers[part] = SummaryWriter(os.path.join(self.log_dir, part))
        return self._writers[part]

    def _scalars(self, part: str, numbers: Mapping[str, Any], step: int, form: str = "{}") -> None:
        for name, value in numbers.items():
            if name not in ("batch", "size") and np.size(value) == 1:
                self._writer(part).add_scalar(form.format(name) if self._in_folders else name, float(value), step)

    def set_model(self, model: Any) -> None:
        """Take the model and check the names in `embeddings_metadata`."""
        super().set_model(model)
        names = [layer.name for layer in parts.embeddings(model, self.embeddings_layer_names)]
        if self.embeddings_freq and isinstance(self.embeddings_metadata, Mapping):
            for name in self.embeddings_metadata:
                if name not in names:
                    raise ArgumentError(f"TensorBoard: `embeddings_metadata` names the layer '{name}', there are {names}.")

    # -- hooks ---------------------------------------------------------------------------------------------------------------------

    def on_train_begin(self, logs: Any = None) -> None:
        """Write the graph."""
        self._trained = self._tested = self._samples = self._written_at = 0
        if self.write_graph:
            parts.write_graph(self._writer(), self.model)

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Begin to profile."""
        self._trained += 1
        self._batch_began = time.perf_counter()
        if self._profile is None and self._start <= self._trained <= self._stop:
            self._profile = torch.profiler.profile(record_shapes=True)
            self._profile.__enter__()

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Write the batch's numbers; end a profile."""
        if self._profile is not None:
            self._profile.step()
            if self._trained >= self._stop:
                self._end_profile()
        if self.write_steps_per_second:
            took = time.perf_counter() - self._batch_began
            self._writer().add_scalar("batch_steps_per_second", 1.0 / took, self._trained)
        if self.update_freq == "epoch":
            return
        if not self._in_folders:
            made = (logs() if callable(logs) else logs) or {}
            self._samples += made.get("size", 0)
            if self._samples - self._written_at >= self.update_freq:
                self._scalars("train", made, self._samples)
                self._written_at = self._samples
        elif self._trained % self.update_freq == 0:
            self._scalars("train", (logs() if callable(logs) else logs) or {}, self._trained, "batch_{}")

    def on_test_end(self, logs: Any = None) -> None:
        """Write the numbers of an evaluation against the number of updates."""
        if self._in_folders and getattr(self.model.optimizer, "iterations", None) is not None:
            numbers = (logs() if callable(logs) else logs) or {}
            self._scalars("validation", numbers, int(self.model.optimizer.iterations), "evaluation_{}_vs_iterations")

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Take the time."""
        self._epoch_began, self._trained_before = time.perf_counter(), self._trained

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Write the epoch's numbers, histograms, embeddings."""
        logs = dict(logs or {})
        if not self._in_folders:
            self._scalars("train", logs, epoch if self.update_freq == "epoch" else self._samples)
        else:
            after = {name[4:]: value for name, value in logs.items() if name.startswith("val_")}
            own = {name: value for name, value in logs.items() if not name.startswith("val_")}
            if self.model.optimizer is not None:
                own["learning_rate"] = learning_rate(self.model.optimizer)
            if self.write_steps_per_second:
                own["steps_per_second"] = (self._trained - self._trained_before) / (time.perf_counter() - self._epoch_began)
            self._scalars("train", own, epoch, "epoch_{}")
            self._scalars("validation", after, epoch, "epoch_{}")
        if self.histogram_freq and epoch % self.histogram_freq == 0:
            self._write_weights(epoch)
        if self.embeddings_freq and epoch % self.embeddings_freq == 0:
            parts.write_embeddings(self._writer(), self, epoch)
        for writer in self._writers.values():
            writer.flush()

    def on_train_end(self, logs: Any = None) -> None:
        """Close the files."""
        if self._profile is not None:
            self._end_profile()
        for writer in self._writers.values():
            writer.close()
        self._writers = {}

    # -- parts -----------------------------------------------------------------------------------------------------------------------

    def _write_weights(self, epoch: int) -> None:
        writer, suffixes = self._writer(), ("/histogram", "/image") if self._in_folders else ("", "")
        for layer in self.model.layers:
            for weight in layer.weights:
                name = parts.weight_tag(weight)
                writer.add_histogram(name + suffixes[0], weight.detach(), epoch)
                image = parts.as_image(weight.detach()) if self.write_images else None
                if image is not None:
                    writer.add_images(name + suffixes[1], image, epoch, dataformats="NHWC")
                if self.write_grads and isinstance(weight.grad, Tensor):
                    writer.add_histogram(f"{name}_grad", weight.grad, epoch)
        if not self._in_folders:
            if not self.validation_data:
                raise ArgumentError("TensorBoard: `histogram_freq` needs `validation_data` in arrays in this generation.")
            inputs = self.validation_data[: len(self.model.inputs)]
            for name, values in parts.layer_outputs(self.model, self.model.layers, inputs, self.batch_size).items():
                writer.add_histogram(f"{name}_out", values, epoch)

    def _end_profile(self) -> None:
        self._profile.__exit__(None, None, None)
        folder = os.path.join(self.log_dir, "train" if self._in_folders else "", "plugins", "profile")
        os.makedirs(folder, exist_ok=True)
        self._profile.export_chrome_trace(os.path.join(folder, f"batch_{self._trained}.pt.trace.json"))
        self._profile = None
