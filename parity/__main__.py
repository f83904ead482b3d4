"""python -m parity [--layer Dense] [--generation 2.15] [--family core] [--case core/dense]: replay and print the table.

The exit code is 1 when a case falls short, has no reference or a stale one, when a reference has no case, or when a known
failure passes.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from rich.console import Console

from kcompat.compare import BARS, Row, Verdict, compare, print_report
from parity import cases as tables
from parity import store
from parity.replay import replay

HERE = Path(__file__).parent
#: not looked at again on an object made from Keras' config
_ONCE = ("gradient", "train_loss", "train_logs", "trained", "trained_at", "log")


def main(arguments: list[str] | None = None) -> int:
    """Run what the arguments select; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m parity", description=__doc__.split("\n")[0])
    parser.add_argument("--layer", action="append", help="class or function name; may be given several times")
    parser.add_argument("--generation", action="append", choices=tables.GENERATIONS)
    parser.add_argument("--family", action="append", choices=tables.families())
    parser.add_argument("--case", action="append", help="id of one case")
    parser.add_argument("--references", type=Path, default=HERE / "references")
    parser.add_argument("--known", type=Path, default=HERE / "known_failures.txt")
    parser.add_argument("--details", type=int, default=60, help="how many failures are printed in full")
    options = parser.parse_args(arguments)
    rows: dict[str, Row] = {}
    known = known_failures(options.known)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # the arrays are tiny: threads would only wait for each other
    try:
        for subject, name, generation, verdict in verdicts(options):
            rows.setdefault(subject, Row(subject)).add(name, generation, verdict, (generation, name) in known)
    finally:
        torch.set_num_threads(threads)
    console = Console(width=None if sys.stdout.isatty() else 160)
    return 0 if print_report([rows[name] for name in sorted(rows)], console, options.details) else 1


def known_failures(path: Path) -> dict[tuple[str, str], str]:
    """(generation, case id) -> cause."""
    found = {}
    for line in path.read_text().splitlines():
        if line.strip() and not line.startswith("#"):
            fields = line.split(None, 2)
            if len(fields) < 3:
                raise ValueError(f"{path}: '{line}' must be: GENERATION CASE-ID CAUSE")
            found[fields[0], fields[1]] = fields[2]
    return found


def verdicts(options: argparse.Namespace) -> Iterator[tuple[str, str, str, Verdict]]:
    """(subject, record name, generation, verdict) of every case selected, and of references that have no case."""
    whole, apart = not options.layer and not options.case, bool(options.layer or options.family)
    for family in options.family or tables.families():
        cases = tables.load(family)
        for generation in options.generation or tables.GENERATIONS:
            path = options.references / generation / f"{family}.npz"
            records, _ = store.read(path) if path.exists() else ({}, None)
            for case in cases:
                if generation not in tables.generations(case) or not _selected(case, options):
                    continue
                for floatx in tables.precisions(case, generation):
                    name = tables.record_name(case, floatx)
                    yield subject(case, apart), name, generation, judge(case, generation, floatx, records.pop(name, None))
            if whole:
                for name in records:
                    orphan = Verdict()
                    orphan.note("reference", "a case of that id", "none: record the family again")
                    yield family, name, generation, orphan


def judge(case: dict[str, Any], generation: str, floatx: str, reference: dict[str, Any] | None) -> Verdict:
    """The verdict on one case: made from its arguments, then from the config that Keras recorded."""
    verdict = Verdict()
    resolved = tables.resolve(case, generation)
    if reference is None or reference.pop("digest", None) != tables.digest(resolved):
        verdict.note("reference", "a recording of this case", "none" if reference is None else "one of an earlier form of the case")
        return verdict
    skip = set(resolved.get("skip", ()))
    bars = BARS[floatx]._replace(forward=resolved["bar"]) if "bar" in resolved and floatx == "float32" else BARS[floatx]
    verdict = compare(reference, replay(resolved, generation, floatx), bars, skip)
    config = reference.get("facts", {}).get("config")
    if "error" not in reference and config is not None and "rebuild" not in skip:
        rebuilt = compare(reference, replay(resolved, generation, floatx, made_from=config), bars, {*skip, *_ONCE})
        seen = {d.what for d in verdict.differences}
        verdict.differences += [d._replace(what=f"made from Keras' config: {d.what}") for d in rebuilt.differences if d.what not in seen]
    return verdict


def subject(case: dict[str, Any], apart: bool = True) -> str:
    """Under which row of the table a case is counted: its class, or, not `apart`, its kind for what is no layer."""
    if case["kind"] == "model":
        return "Sequential" if "sequential" in case["model"] else "Model"
    if case["kind"] == "layer":
        return str(case["class"])
    return str(case.get("class", "by name")) + f" ({case['kind']})" if apart else f"({case['kind']}s)".replace("losss", "losses")


def _selected(case: dict[str, Any], options: argparse.Namespace) -> bool:
    return (not options.layer or bool({subject(case), case.get("class")} & set(options.layer))) and (
        not options.case or case["id"] in options.case
    )


if __name__ == "__main__":
    sys.exit(main())
