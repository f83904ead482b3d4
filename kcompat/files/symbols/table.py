"""THE table of TensorFlow's public symbols, as files name them: the path below `tf` -> a function on torch tensors.

TensorFlow has most functions twice (`tf.abs`, `tf.math.abs`); files name the longer one, and a look-up tries both. A name that is not here
is an error that says so: nothing is ever imported because a file names it.
"""

from __future__ import annotations

from kcompat.errors import UnknownNameError, nearest
from kcompat.files.symbols import arrays, elementwise, image, linalg, nn, reduce
from kcompat.files.symbols.common import Function

TABLE: dict[str, Function] = {
    **elementwise.TABLE, **arrays.TABLE, **reduce.TABLE, **linalg.TABLE, **nn.TABLE, **image.TABLE,
}  # fmt: skip

_HOMES = ("math", "linalg", "nn", "dtypes")


def find(symbol: str) -> Function | None:
    """The function of a symbol, None where there is none."""
    for name in (symbol, symbol.removeprefix("compat.v1."), symbol.removeprefix("compat.v2.")):
        found = TABLE.get(name)
        if found is None and "." not in name:
            found = next((TABLE[f"{home}.{name}"] for home in _HOMES if f"{home}.{name}" in TABLE), None)
        if found is None and "." in name and name.split(".")[0] in _HOMES:
            found = TABLE.get(name.split(".", 1)[1])
        if found is not None:
            return found
    return None


def lookup(symbol: str, layer: str) -> Function:
    """The function of a symbol that a file names in a layer."""
    found = find(symbol) if isinstance(symbol, str) else None
    if found is None:
        raise UnknownNameError(
            f"Layer '{layer}' applies TensorFlow's function `tf.{symbol}`, which is not in the table of known ones. "
            f"{nearest(str(symbol), TABLE)} "
            f"Give it yourself: `custom_objects={{'tf.{symbol}': function}}`."
        )
    return found
