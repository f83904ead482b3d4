"""The parity engine: what a layer does, observed as arrays and facts, and the distance between two such observations.

`observe` looks at a kcompat object; an expectation of the same form comes from a recording of real Keras. `compare` is the one place
that decides whether two agree. `report` prints. Nothing here knows where expectations are kept (the repository's own are in
`parity/`) or how its inputs were made.
"""

from kcompat.compare.difference import BARS, Bars, Difference, Verdict, compare
from kcompat.compare.observe import array, facts, observe, observe_function, plain
from kcompat.compare.report import Row, print_report

__all__ = [
    "BARS",
    "Bars",
    "Difference",
    "Row",
    "Verdict",
    "array",
    "compare",
    "facts",
    "observe",
    "observe_function",
    "plain",
    "print_report",
]
