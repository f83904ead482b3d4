"""python -m parity.files [--generation 2.15] [--format keras] [--model dense]: read the corpus of model files that real Keras wrote.

For each file: it loads, it predicts what Keras predicted, its training goes on as Keras' did, and what we write of it loads again with the
same numbers. `--back` writes every model for the real Keras of its generation and lets that one load, predict and train it
(its environment is made by `parity.environments`). The exit code is 1 when one falls short that `known_failures.txt` does not name, or
when one passes that it names.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
import warnings
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from kcompat.models import Model, load_model
from parity import file_models, store
from parity.environments import recording_python

HERE = Path(__file__).parent
CORPUS = HERE / "corpus"
BAR = 1e-5
#: in graphs of the old Keras a step may read variables before or after their update; the recorder orders all optimizers but this one
UNCERTAIN = {("2.2", "optimizer_nadam"), ("2.3", "optimizer_nadam")}
TRAINING_BAR = 2e-5
#: the formats each generation is written in for its real Keras
BACK = {"2.15": ("h5", "keras"), "3": ("keras",)}


def main(arguments: list[str] | None = None) -> int:
    """Replay what the arguments select; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m parity.files", description=__doc__.split("\n")[0])
    parser.add_argument("--generation", action="append", choices=sorted(p.name for p in CORPUS.iterdir()))
    parser.add_argument("--format", action="append")
    parser.add_argument("--model", action="append")
    parser.add_argument("--back", action="store_true", help="let the real Keras read what we write")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    known = known_failures(HERE / "known_failures.txt")
    bad = passed = expected = 0
    for generation, kind, name, problem in back(options) if options.back else replayed(options):
        case = f"files/{'back/' if options.back else ''}{name}.{kind}"
        waits = (generation, case) in known
        if problem is None and not waits:
            passed += 1
        elif problem is not None and waits:
            expected += 1
        else:
            bad += 1
            print(f"{generation:>5} {case}: {problem or 'passes, although known_failures.txt names it'}")
    print(f"{passed} files pass, {expected} fail as known, {bad} otherwise")
    return int(bool(bad))


def known_failures(path: Path) -> set[tuple[str, str]]:
    """(generation, case) of each line of the list."""
    lines = [line.split(None, 2) for line in path.read_text().splitlines() if line.strip() and not line.startswith("#")]
    return {(fields[0], fields[1]) for fields in lines}


def selected(options: argparse.Namespace) -> Iterator[tuple[str, str, str]]:
    """(generation, format, model) of the files in the corpus."""
    for generation in options.generation or sorted(p.name for p in CORPUS.iterdir()):
        for packed in sorted((CORPUS / generation).glob("*.zip")):
            kind = packed.name.removesuffix(".zip")
            if options.format and kind not in options.format:
                continue
            with zipfile.ZipFile(packed) as archive:
                names = {model_of(member) for member in archive.namelist()}
            for name in file_models.MODELS:
                if name in names and (not options.model or name in options.model):
                    yield generation, kind, name


def model_of(member: str) -> str:
    """The model that a packed file belongs to: 'dense' for 'dense.h5', 'dense_00001.weights.h5', 'dense/saved_model.pb'."""
    return re.sub(r"_\d{5}$", "", member.split("/")[0].split(".")[0])


def values(generation: str, name: str) -> dict[str, Any]:
    """What Keras gave for a model."""
    return store.read(CORPUS / generation / "values.npz")[0][name]


def unpacked(generation: str, kind: str, name: str, folder: str) -> Path:
    """One file of the corpus on disk, with all that belongs to it."""
    with zipfile.ZipFile(CORPUS / generation / f"{kind}.zip") as archive:
        for member in archive.namelist():
            if model_of(member) == name:
                archive.extract(member, folder)
    return Path(folder) / f"{name}.{kind}"


# -- reading ----------------------------------------------------------------------------------------------------------------


def replayed(options: argparse.Namespace) -> Iterator[tuple[str, str, str, str | None]]:
    """(generation, format, model, what went wrong or None)."""
    for generation, kind, name in selected(options):
        with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                problem = replay(generation, kind, name, folder)
            except Exception as error:
                problem = f"{type(error).__name__}: {error}"
        yield generation, kind, name, problem


def replay(generation: str, kind: str, name: str, folder: str) -> str | None:
    """Load one file, predict, write and load again, train; what went wrong, or None."""
    told, given = file_models.MODELS[name], values(generation, name)
    path = unpacked(generation, kind, name, folder)
    if "weights" in kind:
        whole = "keras" if "keras" in file_models.FORMATS[generation] else "h5"
        model = load_model(unpacked(generation, whole, name, folder))
        for weight in model.weights:
            weight.detach().data.zero_()
        model.load_weights(path)
    else:
        custom = {layer: (lambda t: t * 2.0) for layer in told.get("lambdas", ())}
        model = load_model(path, custom_objects=custom)
    problem = off("prediction", predict(model, given), arrays(given, "output"), told.get("bar", BAR))
    if problem is not None or told.get("once"):  # what no Keras 2 has is not written
        return problem
    again = round_trip(model, kind, folder, told)
    reset(again)
    problem = off("prediction of the file written back", predict(again, given), arrays(given, "output"), told.get("bar", BAR))
    if problem is None and told["compile"]:
        problem = resumed("training", model, generation, name, given)
        if problem is None and (generation, kind) != ("3", "h5"):
            problem = resumed("training of the file written back", again, generation, name, given)
    return problem


def round_trip(model: Model, kind: str, folder: str, told: dict[str, Any]) -> Any:
    """The model written in the format and loaded again."""
    suffix = kind if kind in ("h5", "keras") else "h5"
    path = Path(folder) / f"again.{suffix}"
    reset(model)
    model.save(path)
    return load_model(path, custom_objects={layer: (lambda t: t * 2.0) for layer in told.get("lambdas", ())})


def reset(model: Model) -> None:
    """Forget the states of stateful layers."""
    for layer in model.layers:
        if getattr(layer, "stateful", False):
            layer.reset_states()


def arrays(given: dict[str, Any], prefix: str) -> list[np.ndarray]:
    """`prefix/0`, `prefix/1`, ... of a record."""
    return [given[key] for key in sorted(given) if key.startswith(f"{prefix}/")]


def single(found: list[np.ndarray]) -> Any:
    return found[0] if len(found) == 1 else found


def listed(value: Any) -> list[np.ndarray]:
    return [np.asarray(v) for v in (value if isinstance(value, (list, tuple)) else [value])]


def predict(model: Any, given: dict[str, Any]) -> list[np.ndarray]:
    """What the model gives for the recorded inputs."""
    reset(model)
    return listed(model.predict_on_batch(single(arrays(given, "input"))))


def off(what: str, found: list[np.ndarray], wanted: list[np.ndarray], bar: float) -> str | None:
    """By how much arrays differ where they do by more than `bar` (relative to the largest value, where that is above 1)."""
    if [a.shape for a in found] != [a.shape for a in wanted]:
        return f"{what}: shapes {[a.shape for a in found]} instead of {[a.shape for a in wanted]}"
    worst = max(
        float(np.max(np.abs(a.astype("f8") - b) / max(1.0, float(np.max(np.abs(b)))), initial=0.0))
        for a, b in zip(found, wanted, strict=True)
    )
    return None if worst <= bar else f"{what}: off by {worst:.2g}"


def resumed(what: str, model: Any, generation: str, name: str, given: dict[str, Any]) -> str | None:
    """Three more steps of training, compared with Keras'."""
    x, y = single(arrays(given, "input")), single(arrays(given, "target"))
    found = [float(np.ravel(model.train_on_batch(x, y))[0]) for _ in given["losses"]]
    if (generation, name) in UNCERTAIN:
        return None
    problem = off(f"{what}: losses", [np.array(found)], [given["losses"]], BAR)
    if problem is None:
        problem = off(f"{what}: prediction after it", predict(model, given), arrays(given, "after"), TRAINING_BAR)
    return problem


# -- the way back -------------------------------------------------------------------------------------------------------------


def back(options: argparse.Namespace) -> Iterator[tuple[str, str, str, str | None]]:
    """Write each model of the corpus for its own Keras, and let that one say what it finds."""
    for generation, kinds in BACK.items():
        if options.generation and generation not in options.generation:
            continue
        with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield from _written(options, generation, kinds, folder)


def _written(
    options: argparse.Namespace, generation: str, kinds: tuple[str, ...], folder: str
) -> Iterator[tuple[str, str, str, str | None]]:
    told, waiting = [], {}
    chosen = argparse.Namespace(generation=[generation], format=["keras"], model=options.model)
    for _, _, name in selected(chosen):
        if file_models.MODELS[name].get("lambdas"):
            continue
        try:
            with tempfile.TemporaryDirectory() as scratch:
                model = load_model(unpacked(generation, "keras", name, scratch))
            for kind in kinds:
                if not options.format or kind in options.format:
                    model.save(Path(folder) / f"{name}.{kind}")
                    told.append(f"{name}.{kind}")
        except Exception as error:
            waiting[name, "keras"] = f"{type(error).__name__}: {error}"
    for (name, kind), problem in waiting.items():
        yield generation, kind, name, problem
    command = [recording_python(generation), "-W", "ignore", str(HERE / "check_files.py"), "--generation", generation, folder, *told]
    answer = subprocess.run(command, check=False, capture_output=True, text=True)
    lines = dict(line[5:].split("\t", 1) for line in answer.stdout.splitlines() if line.startswith("FILE\t"))
    for file in told:
        name, kind = file.split(".", 1)
        found = lines.get(file, f"no answer: {answer.stderr[-400:]}")
        yield generation, kind, name, None if found == "ok" else found


if __name__ == "__main__":
    sys.exit(main())
