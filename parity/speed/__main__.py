"""`python -m parity.speed [NAME ...] [--rounds N]`: times the cases and prints the ratios; exit code 1 if a bound is broken.

A NAME stands for all cases whose names begin with it.
"""

from __future__ import annotations

import argparse
import importlib
import os
import pkgutil
import statistics
import sys
import time

import torch

import parity.speed
from parity.speed import Case

#: glibc gives large freed tensors back to the system otherwise, and page faults then cost as much as the work, by what ran before;
#: blocks above 32 MiB it maps anew each time, whatever the threshold, unless mapping is off (a recurrence of 1,024 steps: twice the time)
ALLOCATOR = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": str(8 << 30)}


def all_cases() -> list[Case]:
    """The cases of every module in this folder (its `cases()`)."""
    found: list[Case] = []
    for info in pkgutil.iter_modules(parity.speed.__path__):
        if not info.name.startswith("_"):
            found += importlib.import_module(f"parity.speed.{info.name}").cases()
    return found


def measure(case: Case, rounds: int) -> dict[str, float]:
    """Lower quartile of the processor time of a step, in microseconds, for each side; the sides take turns."""
    sides = case.sides() if callable(case.sides) else case.sides
    times: dict[str, list[float]] = {name: [] for name in sides}
    for run in sides.values():
        run()
    for number in range(rounds):
        order = list(sides.items())
        for name, run in order if number % 2 else reversed(order):
            start = time.process_time()
            run()
            times[name].append((time.process_time() - start) / case.steps * 1e6)
    return {name: statistics.quantiles(values, n=4)[0] for name, values in times.items()}


def main() -> int:
    """Run, print, judge."""
    parser = argparse.ArgumentParser(prog="python -m parity.speed")
    parser.add_argument("names", nargs="*")
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    if not all(name in os.environ for name in ALLOCATOR):  # read when a process starts
        os.execve(sys.executable, [sys.executable, "-m", "parity.speed", *sys.argv[1:]], {**os.environ, **ALLOCATOR})
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    broken = 0
    print(f"{'case':<36}{'against':<12}{'kcompat us':>12}{'other us':>12}{'ratio':>8}{'bound':>8}  verdict")
    for case in all_cases():
        if options.names and not case.name.startswith(tuple(options.names)):
            continue
        found = measure(case, options.rounds)
        ours, *others = found
        for other in others:
            ratio, bound = found[ours] / found[other], case.bounds.get(other)
            held = bound is None or ratio <= bound
            broken += not held
            shown = f"{bound:8.2f}" if bound is not None else " " * 8
            print(f"{case.name:<36}{other:<12}{found[ours]:12.0f}{found[other]:12.0f}{ratio:8.2f}{shown}  {'held' if held else 'BROKEN'}")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
