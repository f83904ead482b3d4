"""`kcompat convert IN OUT` and `kcompat export MODEL --to ...`: a model is loaded and written in another form."""

from __future__ import annotations

import os
import warnings
from argparse import Namespace
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape

from kcompat import layers, models
from kcompat.atomic import replacing
from kcompat.errors import ArgumentError, FileError
from kcompat.files.dialect import in_generation
from kcompat.generations import behaviour

#: imported because their classes are registered by it
_ROOMS = (layers, models)
#: what OUT may end in; longer ones first
SUFFIXES = (".weights.json", ".weights.h5", ".keras", ".h5", ".hdf5", ".safetensors", ".json")
#: `--to` -> (format of `Model.export`, suffix)
EXPORTS = {
    "torch": ("torch", ".py"),
    "pt2": ("torch_export", ".pt2"),
    "onnx": ("onnx", ".onnx"),
    "safetensors": ("safetensors", ".safetensors"),
}
#: the first generation whose Keras reads `.keras` archives and `.weights.h5`
_ARCHIVES = "2.15"


def run(options: Namespace, console: Console) -> int:
    """Load IN, write OUT."""
    suffix = next((s for s in SUFFIXES if options.target.endswith(s)), None)
    if suffix is None:
        raise ArgumentError(f"'{options.target}' must end in one of {', '.join(SUFFIXES)}, which says what is written.")
    if options.weights_only and suffix not in (".h5", ".hdf5", ".weights.h5", ".weights.json", ".safetensors"):
        raise ArgumentError(f"--weights-only is for .h5 files; '{options.target}' is {suffix}.")
    if options.to_version and suffix == ".safetensors":
        raise ArgumentError("--to-version is for Keras' formats; .safetensors has none.")
    _check_target(options.target, options.overwrite)
    model = _loaded(options, console)
    version = options.to_version
    if (
        version is None
        and suffix in (".keras", ".weights.h5", ".weights.json")
        and not behaviour("save_format_by_suffix", model._keras_version)
    ):
        version = _ARCHIVES
        _say(console, f"Keras {model._keras_version} has no {suffix} files: it is written for Keras {version}")
    with console.status(f"writing {escape(options.target)}"):
        _write(model, options.target, suffix, version, options.weights_only)
    _done(console, options.target)
    return 0


def _write(model: Any, target: str, suffix: str, version: str | None, weights_only: bool) -> None:
    if suffix == ".safetensors":
        model.export(target, format="safetensors")
    elif suffix == ".json":
        with in_generation(model, version), replacing(target) as temporary:
            Path(temporary).write_text(model.to_json(indent=1), encoding="utf-8")
    elif suffix == ".weights.json":
        model.save_weights(target, max_shard_size=5, keras_version=version)
    elif suffix == ".weights.h5":
        model.save_weights(target, keras_version=version)
    elif weights_only:
        model.save_weights(target, keras_version=version, save_format="h5")
    else:
        model.save(target, keras_version=version, save_format="keras" if suffix == ".keras" else "h5")


def run_export(options: Namespace, console: Console) -> int:
    """Load MODEL, write it for use without kcompat."""
    kind, suffix = EXPORTS[options.to]
    source = options.source.rstrip("/\\")
    target = options.output or os.path.splitext(source)[0] + suffix
    if not target.endswith(suffix):
        raise ArgumentError(f"With --to {options.to} the file to write must end in {suffix}, received '{target}'.")
    beside = [os.path.splitext(target)[0] + ".safetensors"] if options.to == "torch" else []
    for path in (target, *beside):
        _check_target(path, options.overwrite)
    model = _loaded(options, console)
    with console.status(f"writing {escape(target)}"):
        model.export(target, format=kind)
    for path in (target, *beside):
        _done(console, path)
    return 0


def _check_target(target: str, overwrite: bool) -> None:
    if os.path.exists(target) and not overwrite:
        raise FileError(f"'{target}' exists; --overwrite replaces it.")


def _loaded(options: Namespace, console: Console) -> Any:
    with console.status(f"reading {escape(options.source)}"), warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        model = models.load_model(options.source, safe_mode=options.safe_mode)
    for warning in warned:
        if "not compiled" not in str(warning.message):
            _say(console, str(warning.message))
    return model


def _say(console: Console, text: str) -> None:
    console.print(f"[yellow]note:[/] {escape(text)}", highlight=False, soft_wrap=True)


def _done(console: Console, path: str) -> None:
    console.print(f"wrote {escape(path)}, {os.path.getsize(path) / 1e6:,.2f} MB", highlight=False, soft_wrap=True)
