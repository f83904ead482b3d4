"""Out of Keras: a model as plain PyTorch source, as a `torch.export` program, as ONNX, or its weights as safetensors."""

from __future__ import annotations

import importlib.util
import logging
import os
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch.utils._pytree import tree_leaves

from kcompat.atomic import replacing
from kcompat.errors import ArgumentError, ArgumentTypeError, FileError, MissingExtraError, NotBuiltError
from kcompat.files.torch_source import torch_source
from kcompat.models.examples import Examples, examples_of, traced, twin_of
from kcompat.tensor.loop import whole_kernels
from kcompat.tree import flatten, pack

#: how far the numbers of an exported module may lie from the model's, relative to the largest one where that is above 1
BAR = 1e-5
_SUFFIXES = {".py": "torch", ".pt2": "torch_export", ".onnx": "onnx", ".safetensors": "safetensors"}
_ELSEWHERE = ("tf_saved_model", "litert", "openvino")


def export_model(
    model: Any,
    filepath: str | os.PathLike[str],
    format: str | None = None,
    verbose: bool | None = None,
    input_signature: Any = None,
    opset_version: int | None = None,
) -> None:
    """Write `model` in a form that needs no kcompat.

    `format`: 'torch' (a .py file with a plain module and a .safetensors file beside it; its outputs are compared with the model's before
    anything is written; what a layer draws comes from torch's generator, without its `seed`), 'torch_export' (.pt2), 'onnx', 'safetensors'
    (the weights alone, under the names of `state_dict`); None takes it from the suffix.
    `input_signature`: a structure of example tensors, whose first axis is left open, or of `InputSpec`s or symbolic tensors, whose sizes of
    None are; needed for a model without a graph, as sizes that a model's `Input` leaves open stay open. `verbose` prints where the
    file is, `opset_version` is ONNX' version.
    """
    path = Path(filepath)
    kind = "torch_export" if format == "torch" and path.suffix == ".pt2" else format or _SUFFIXES.get(path.suffix)
    if kind in _ELSEWHERE:
        raise ArgumentError(f"`format` {kind!r} of `export` needs another library's runtime and is not written; there are {_listed()}.")
    if kind not in _WRITERS:
        raise ArgumentError(f"`format` of `export` must be one of {_listed()}, received {format!r} for '{path}'.")
    if opset_version is not None and kind != "onnx":
        raise ArgumentTypeError(f"`opset_version` of `export` is for ONNX, '{path}' is written as {kind!r}; received {opset_version!r}.")
    if not model.built:
        raise NotBuiltError(f"Model '{model.name}' has no weights yet, so it cannot be exported. Call it on data first.")
    options = {"opset_version": opset_version} if kind == "onnx" else {}
    _WRITERS[kind](model, path, input_signature, **options)
    if verbose:
        print(f"Saved model '{model.name}' at '{path}' ({kind}).")


def _listed() -> str:
    return ", ".join(map(repr, _WRITERS))


def _write_torch(model: Any, path: Path, signature: Any) -> None:
    if path.suffix != ".py":
        raise ArgumentError(f"The source of a module is written to a file that ends in '.py', received '{path}'.")
    save_file = _safetensors()
    examples = examples_of(model, signature)
    with whole_kernels():
        programs = {mode: traced(model, examples, training=mode == "train", seeded=False) for mode in ("infer", "train")}
    draws = any(_draws(module) for module in programs["train"].graph_module.modules())
    outputs = _outputs(model, examples.first, False)
    source = torch_source(model.name, programs, examples.names, pack(outputs, list(range(len(flatten(outputs))))))
    del programs
    weights = {name: tensor.cpu().contiguous().clone() for name, tensor in source.tensors.items()}
    with tempfile.TemporaryDirectory() as folder:
        trial = Path(folder) / "exported.py"
        trial.write_text(source.text, encoding="utf-8")
        save_file(weights, str(trial.with_suffix(".safetensors")))
        for example in examples:
            _compare(model, _imported(trial).load(), example, training=False)
        _compare(model, _imported(trial).load(), examples.first, training=True, values=not draws)
    with replacing(path) as temporary, replacing(path.with_suffix(".safetensors")) as beside:
        Path(temporary).write_text(source.text, encoding="utf-8")
        save_file(weights, beside)


def _draws(module: Any) -> bool:
    """Whether a traced program draws random numbers."""
    tags = (getattr(node.target, "tags", ()) for node in module.graph.nodes if node.op == "call_function")
    drawing = {"dropout", "feature_dropout", "scaled_dot_product_attention"}
    return any(torch.Tag.nondeterministic_seeded in found for found in tags) or any(
        str(node.target).split(".")[1:2] and str(node.target).split(".")[1] in drawing for node in module.graph.nodes
    )


def _write_program(model: Any, path: Path, signature: Any) -> None:
    program = traced(model, examples_of(model, signature), training=False, fixed=signature is not None)
    with replacing(path) as temporary, open(temporary, "wb") as file:
        torch.export.save(program, file)


def _write_onnx(model: Any, path: Path, signature: Any, opset_version: int | None) -> None:
    for package in ("onnx", "onnxscript"):
        if importlib.util.find_spec(package) is None:
            raise MissingExtraError(f"ONNX needs the package `{package}`: pip install 'kcompat[onnx]'.")
    examples = examples_of(model, signature)
    program = traced(model, examples, training=False, fixed=signature is not None, frozen=True)
    names = list(model.output_names) or None
    with _quiet():
        try:
            made = torch.onnx.export(
                program, input_names=examples.names, output_names=names, opset_version=opset_version, dynamo=True, verbose=False
            )
        except Exception as error:
            raise FileError(f"Model '{model.name}' cannot be written as ONNX: {error}") from error
    with replacing(path) as temporary:
        made.save(temporary)  # type: ignore[union-attr]


def _write_weights(model: Any, path: Path, signature: Any) -> None:
    if signature is not None:
        raise ArgumentTypeError(f"`input_signature` is not used where only weights are written; received {signature!r}.")
    save_file = _safetensors()
    weights = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in model.state_dict().items()}
    with replacing(path) as temporary:
        save_file(weights, temporary)


_WRITERS: dict[str, Callable[..., None]] = {
    "torch": _write_torch, "torch_export": _write_program, "onnx": _write_onnx, "safetensors": _write_weights,
}  # fmt: skip


def _safetensors() -> Callable[..., None]:
    try:
        from safetensors.torch import save_file
    except ImportError as error:
        raise MissingExtraError("Weights are written as safetensors: pip install 'kcompat[export]'.") from error
    return save_file


@contextmanager
def _quiet() -> Iterator[None]:
    """Without what the exporter tells its developers."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


# -- checking ------------------------------------------------------------------------------------------------------------------


def _imported(path: Path) -> Any:
    """The module that has just been written, by its path."""
    spec = importlib.util.spec_from_file_location(f"_kcompat_export_{path.stem}", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    before, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        spec.loader.exec_module(module)
    except SyntaxError as error:
        raise FileError(f"The source that was made is not Python: {error}") from error
    finally:
        sys.dont_write_bytecode = before
    return module


def _outputs(model: Any, example: Any, training: bool) -> Any:
    """What the model gives; the model itself stays as it is."""
    with torch.no_grad(), torch.random.fork_rng(devices=[]):
        return twin_of(model).train(training)(example)


def _compare(model: Any, plain: Any, example: Any, training: bool, values: bool = True) -> None:
    """Refuse a module whose outputs are not the model's."""
    wanted = flatten(_outputs(model, example, training))
    with torch.no_grad(), torch.random.fork_rng(devices=[]):
        try:
            found = flatten(plain.train(training)(*tree_leaves(example)))
        except Exception as error:
            raise FileError(f"The source of model '{model.name}' does not run: {type(error).__name__}: {error}") from error
    for a, b in zip(found, wanted, strict=True):
        scale = max(1.0, float(b.abs().max())) if b.numel() else 1.0
        differs = values and b.numel() and not torch.allclose(a.double(), b.double(), rtol=0, atol=BAR * scale, equal_nan=True)
        if a.shape != b.shape or differs:
            raise FileError(f"The source of model '{model.name}' does not give the model's outputs; it is not written.")


__all__ = ["BAR", "Examples", "export_model"]
