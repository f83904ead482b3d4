"""The command line: what a model file holds, another format of it, and the way out to plain PyTorch; no code in a file runs unasked.

`inspect` shows, `convert` writes; this module reads the arguments and turns errors into messages.
"""

from __future__ import annotations

import argparse
import sys

from rich.console import Console
from rich.markup import escape

from kcompat import __version__
from kcompat.cli import convert, inspect
from kcompat.errors import KcompatError


def main(arguments: list[str] | None = None) -> int:
    """Run a command; the exit code is 0, or 1 when a file cannot be read or written, or 2 when the command is not understood."""
    options = _parser().parse_args(arguments)
    if options.command is None:
        _parser().print_help()
        return 2
    try:
        return options.run(options, Console())
    except (KcompatError, OSError) as error:
        if isinstance(error, BrokenPipeError):  # the reader of a pipe, such as `head`, has gone
            sys.stderr.close()
        else:
            Console(stderr=True).print(f"[bold red]error:[/] {escape(str(error))}", highlight=False, soft_wrap=True)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="kcompat", description="Keras' semantics on PyTorch.")
    parser.add_argument("--version", action="version", version=f"kcompat {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")

    shown = commands.add_parser("inspect", help="what a model or weights file holds, and what of it would not load")
    shown.add_argument("file", metavar="FILE", help="an .h5, .keras, .weights.h5 or .weights.json file, a SavedModel folder, a checkpoint")
    shown.set_defaults(run=inspect.run)

    converted = commands.add_parser("convert", help="write a model in another format, or for another Keras")
    converted.add_argument("source", metavar="IN", help="a model file of any format, or a SavedModel folder")
    converted.add_argument("target", metavar="OUT", help=f"a name that ends in {', '.join(convert.SUFFIXES)}")
    converted.add_argument(
        "--to-version", metavar="VERSION", help="the Keras release to write for, such as 2.15 or 3 (default: the model's own)"
    )
    converted.add_argument("--weights-only", action="store_true", help="write the weights without the model (.h5)")
    converted.set_defaults(run=convert.run)

    exported = commands.add_parser("export", help="write a model for use without kcompat")
    exported.add_argument("source", metavar="MODEL", help="a model file of any format, or a SavedModel folder")
    exported.add_argument(
        "--to", required=True, choices=list(convert.EXPORTS),
        help="torch: a readable module in a .py file with its weights beside it; pt2: a torch.export program; onnx; safetensors: weights",
    )  # fmt: skip
    exported.add_argument("-o", "--output", metavar="OUT", help="the file to write (default: MODEL with another suffix)")
    exported.set_defaults(run=convert.run_export)

    for command in (converted, exported):
        command.add_argument("--overwrite", action="store_true", help="replace the file to write where it exists")
        command.add_argument(
            "--safe-mode", action=argparse.BooleanOptionalAction, default=True,
            help="refuse files with code in them; --no-safe-mode runs it: only for files you trust",
        )  # fmt: skip
    return parser
