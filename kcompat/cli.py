"""The command line: `kcompat inspect FILE` tells what a model file holds and what of it would not load; no code in it runs."""

from __future__ import annotations

import argparse
import math
import sys
import warnings

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from kcompat import __version__, files, layers, models
from kcompat.errors import KcompatError

#: imported because their classes are registered by it; `inspect` asks the registry
_ROOMS = (layers, models)


def main(arguments: list[str] | None = None) -> int:
    """Run a command; the exit code is 0, or 1 when a file cannot be loaded, or 2 when the command is not understood."""
    parser = argparse.ArgumentParser(prog="kcompat", description="Keras' semantics on PyTorch.")
    parser.add_argument("--version", action="version", version=f"kcompat {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    inspect = commands.add_parser("inspect", help="what a model or weights file holds, and what of it would not load")
    inspect.add_argument("file", metavar="FILE", help="an .h5 file")
    options = parser.parse_args(arguments)
    if options.command is None:
        parser.print_help()
        return 2
    try:
        return _inspect(options.file, Console())
    except KcompatError as error:
        Console(stderr=True).print(f"[bold red]error:[/] {escape(str(error))}", highlight=False, soft_wrap=True)
        return 1
    except BrokenPipeError:  # the reader of a pipe, such as `head`, has gone
        sys.stderr.close()
        return 1


def _inspect(path: str, console: Console) -> int:
    with files.open_file(path) as root:
        facts = files.read_facts(root)
        problems = _problems(path, facts)
        kind = "model" if facts.config is not None else "weights only"
        console.print(f"[bold]{escape(path)}[/]  {kind}, {_size(root.file_size)}", highlight=False, soft_wrap=True)
        written = f"Keras {facts.keras_version}" + (f" on {facts.backend}" if facts.backend else "")
        console.print(f"written by     {escape(written)}", highlight=False, soft_wrap=True)
        console.print(f"compiled with  {escape(_training(facts))}", highlight=False, soft_wrap=True)
        console.print(_table(facts))
        count = sum(math.prod(array.shape) for entry in facts.weights.layers for array in entry.arrays)
        console.print(f"{count:,} numbers in the weights, {_size(facts.weights.nbytes)}", highlight=False, soft_wrap=True)
    for problem in problems:
        console.print(f"[bold yellow]would not load as it is:[/] {escape(problem)}", highlight=False, soft_wrap=True)
    if not problems:
        console.print("[green]Everything in it would load.[/]" if facts.config is not None else "Load it with `model.load_weights(path)`.")
    return int(bool(problems))


def _table(facts: files.Facts) -> Table:
    table = Table("layer", "class", "weights", "numbers")
    table.columns[-1].justify = "right"
    classes = {files.layer_name(entry): entry["class_name"] for entry in files.layer_entries(facts.config)}
    for entry in facts.weights.layers:
        shapes = "  ".join(str(array.shape) for array in entry.arrays)
        numbers = sum(math.prod(array.shape) for array in entry.arrays)
        table.add_row(escape(entry.name), escape(classes.get(entry.name, "")), shapes, f"{numbers:,}" if numbers else "")
    return table


def _problems(path: str, facts: files.Facts) -> list[str]:
    """What in the file would not load, and why; where nothing is known to be wrong, loading it is tried."""
    if facts.config is None:
        return []
    found = list(files.problems(facts.config, facts.keras_version))
    if found:
        return found
    try:
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            models.load_model(path)
    except KcompatError as error:
        return [str(error)]
    return [str(warning.message) for warning in warned if facts.training is not None]


def _training(facts: files.Facts) -> str:
    if facts.training is None:
        return "nothing"
    config = facts.training.get("optimizer_config") or {}
    optimizer = str(config.get("class_name", "?")).removeprefix("Custom>")
    loss = facts.training.get("loss")
    loss = loss.get("class_name", loss) if isinstance(loss, dict) else loss
    return f"{optimizer}, loss {loss}" + (f", optimizer state of {len(facts.optimizer)} arrays" if facts.optimizer else "")


def _size(nbytes: int) -> str:
    return f"{nbytes / 1e6:,.1f} MB" if nbytes >= 1e6 else f"{nbytes / 1e3:,.1f} kB"
