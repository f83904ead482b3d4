"""The table of a parity run, printed with rich."""

from __future__ import annotations

from dataclasses import dataclass, field

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from kcompat.compare.difference import Verdict


@dataclass
class Row:
    """All cases of one subject (a layer, a family): how many, and the worst of them."""

    subject: str
    generations: list[str] = field(default_factory=list)
    cases: int = 0
    forward: float = 0.0
    gradient: float = 0.0
    failures: list[str] = field(default_factory=list)
    known: int = 0

    def add(self, name: str, generation: str, verdict: Verdict, known: bool) -> None:
        """Count one case in; `known` says that its failure is listed with a cause."""
        if generation not in self.generations:
            self.generations.append(generation)
        self.cases += 1
        if known and not verdict:
            self.known += 1
            return
        self.forward = max(self.forward, verdict.forward)
        self.gradient = max(self.gradient, verdict.gradient)
        if known:
            self.failures.append(f"{name} ({generation}): passes, but is listed as a known failure: remove its line")
        self.failures += [f"{name} ({generation}) {difference}" for difference in verdict.differences]


def print_report(rows: list[Row], console: Console, details: int = 60) -> bool:
    """Print the table and the first `details` failures; True when nothing falls short."""
    table = Table(title="kcompat against recorded Keras")
    for name in ("layer", "generations", "cases", "forward", "gradient", ""):
        table.add_column(name, justify="right" if name in ("cases", "forward", "gradient") else "left")
    for row in rows:
        table.add_row(row.subject, " ".join(row.generations), str(row.cases), f"{row.forward:.1e}", f"{row.gradient:.1e}", _verdict(row))
    console.print(table)
    failures = [failure for row in rows for failure in row.failures]
    for failure in failures[:details]:
        console.print(f"[red]-[/] {escape(failure)}", soft_wrap=True)
    if len(failures) > details:
        console.print(f"... and {len(failures) - details} more")
    cases, known = sum(row.cases for row in rows), sum(row.known for row in rows)
    console.print(f"{cases} cases, {len(failures)} differences" + (f", {known} known failures" if known else ""))
    return not failures and cases > 0


def _verdict(row: Row) -> str:
    known = f" ({row.known} known)" if row.known else ""
    return (f"[red]falls short: {len(row.failures)}[/]" if row.failures else "[green]holds[/]") + known
