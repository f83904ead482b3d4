"""The one comparison: where an observation falls short of an expectation, and by how much."""

from __future__ import annotations

import builtins
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np


class Bars(NamedTuple):
    """How far values may be from the expected, as a share of the largest expected value of the array."""

    forward: float
    gradient: float


#: kinds of error that Keras does not raise on purpose: there, any error that says what is wrong will do
_ACCIDENTS = ("IndexError", "NameError", "UnboundLocalError", "AssertionError", "ZeroDivisionError")
#: by the dtype that computed
BARS = {"float32": Bars(1e-5, 1e-4), "float64": Bars(1e-10, 1e-10)}


class Difference(NamedTuple):
    """One way in which two observations differ: what was looked at, what was expected there, what came."""

    what: str
    expected: str
    got: str

    def __str__(self) -> str:
        return f"{self.what}: expected {self.expected}, got {self.got}"


@dataclass
class Verdict:
    """All differences, and the worst relative errors among the values that could be compared."""

    differences: list[Difference] = field(default_factory=list)
    forward: float = 0.0
    gradient: float = 0.0

    def __bool__(self) -> bool:
        return not self.differences

    def note(self, what: str, expected: Any, got: Any) -> None:
        """Add a difference."""
        self.differences.append(Difference(what, _text(expected), _text(got)))


def compare(expected: Mapping[str, Any], got: Mapping[str, Any], bars: Bars = BARS["float32"], skip: Iterable[str] = ()) -> Verdict:
    """Whether `got` is what `expected` says: values within the bars, everything else equal.

    Both map keys of `observe` to arrays, None, dicts of facts, or under "error" the names of an exception's classes. Keys
    (or fields of `facts`, or dotted places inside: "config.seed") in `skip` are passed over. Something that only one of the two has
    is a difference.
    """
    verdict = Verdict()
    if "error" in expected or "error" in got:
        _compare_errors(expected, got, verdict)
        return verdict
    for key in sorted({*expected, *got}):
        if key.split("/")[0] in skip or key in skip or key.startswith("loss/"):
            continue
        if key == "facts":
            _compare_facts(expected.get(key, {}), got.get(key, {}), skip, verdict)
        elif key.startswith("summary/"):
            _compare_summaries(key, expected.get(key), got.get(key), verdict)
        elif key.startswith("gradient/"):
            error = _compare_gradients(key, expected, got, bars.gradient, verdict)
            verdict.gradient = max(verdict.gradient, error)
        else:
            error = _compare_arrays(key, expected.get(key), got.get(key), bars.forward, verdict)
            verdict.forward = max(verdict.forward, error)
    if "loss" not in skip:
        error = _compare_arrays("losses", _losses(expected), _losses(got), bars.forward, verdict)
        verdict.forward = max(verdict.forward, error)
    places = tuple(place for place in skip if "." in place)
    verdict.differences = [d for d in verdict.differences if not (places and d.what.startswith(places))]
    return verdict


def _losses(record: Mapping[str, Any]) -> np.ndarray:
    """The scalar losses by size: old Keras keeps them in a set, so that their order says nothing."""
    return np.sort([float(value) for key, value in record.items() if key.startswith("loss/")])


def relative_error(expected: np.ndarray, got: np.ndarray) -> float:
    """The largest absolute difference over the largest finite expected value (over 1 where that is 0); inf where nan or inf differ."""
    finite = np.isfinite(expected)
    same_elsewhere = np.array_equal(expected[~finite], got[~finite], equal_nan=True)
    if not same_elsewhere or not np.isfinite(got[finite]).all():
        return math.inf
    if not finite.any():
        return 0.0
    distance = np.abs(expected[finite].astype("float64") - got[finite].astype("float64")).max()
    return float(distance / (np.abs(expected[finite]).max() or 1.0))


def _compare_arrays(key: str, expected: Any, got: Any, bar: float, verdict: Verdict) -> float:
    if expected is None or got is None:
        if expected is not got:
            verdict.note(key, expected, got)
        return 0.0
    expected, got = np.asarray(expected), np.asarray(got)
    if expected.shape != got.shape:
        verdict.note(f"{key} shape", expected.shape, got.shape)
        return 0.0
    if expected.dtype != got.dtype:
        verdict.note(f"{key} dtype", expected.dtype, got.dtype)
        return 0.0
    if expected.dtype.kind != "f":
        if not np.array_equal(expected, got):
            verdict.note(key, expected, got)
        return 0.0
    error = relative_error(expected, got)
    if not error <= bar:
        place = _worst_place(expected, got)
        verdict.note(f"{key}{list(place)}, error {error:.1e} above {bar:.0e}", expected[place], got[place])
    return error


def _compare_gradients(key: str, expected: Mapping[str, Any], got: Mapping[str, Any], bar: float, verdict: Verdict) -> float:
    if key not in expected or key not in got:
        if expected.get(key, got.get(key)) is not None:  # old Keras feeds indices as floats, and says that they have no gradient
            verdict.note(key, *("there" if key in record else "absent" for record in (expected, got)))
        return 0.0
    left, right = expected[key], got[key]
    # No dependence and a gradient of zeros are the same fact; frameworks differ in which they say.
    if left is None or right is None:
        held = right if left is None else left
        if held is not None and np.any(np.asarray(held) != 0):
            verdict.note(key, left, right)
        return 0.0
    return _compare_arrays(key, left, right, bar, verdict)


def _compare_errors(expected: Mapping[str, Any], got: Mapping[str, Any], verdict: Verdict) -> None:
    if "error" not in got:
        verdict.note("call", f"{expected['error'][0]} ({expected.get('message', '')})", "no error")
    elif "error" not in expected:
        verdict.note("call", "no error", f"{got['error'][0]}: {got.get('message', '')}")
    else:
        kind = next((name for name in expected["error"] if _is_builtin_error(name)), "Exception")
        if kind not in got["error"] and kind not in _ACCIDENTS:
            verdict.note("error", f"a kind of {kind}", f"{got['error'][0]}: {got.get('message', '')}")
        elif "KcompatError" not in got["error"]:
            verdict.note("error", "one raised on purpose (KcompatError)", f"{got['error'][0]}: {got.get('message', '')}")


def _is_builtin_error(name: str) -> bool:
    found = getattr(builtins, name, None)
    return isinstance(found, type) and issubclass(found, Exception)


def _compare_facts(expected: Mapping[str, Any], got: Mapping[str, Any], skip: Iterable[str], verdict: Verdict) -> None:
    for name in sorted({*expected, *got} - set(skip)):
        if name not in expected or name not in got:
            verdict.note(name, *(record.get(name, "absent") for record in (expected, got)))
        elif name == "static_shape" and expected[name] is None:
            continue  # Keras could not say
        elif name == "config":
            _compare_data(name, expected[name], got[name], verdict)
        elif expected[name] != got[name]:
            verdict.note(name, expected[name], got[name])


def _compare_data(what: str, expected: Any, got: Any, verdict: Verdict) -> None:
    """Nested plain data; floats to 1e-6, because old Keras reads them back from float32."""
    if isinstance(expected, dict) and isinstance(got, dict):
        for key in sorted({*expected, *got}):
            if key not in got:
                verdict.note(f"{what}.{key}", expected[key], "no such key")
            elif key not in expected:
                verdict.note(f"{what}.{key}", "no such key", got[key])
            else:
                _compare_data(f"{what}.{key}", expected[key], got[key], verdict)
    elif isinstance(expected, list) and isinstance(got, list) and len(expected) == len(got):
        for index, pair in enumerate(zip(expected, got, strict=True)):
            _compare_data(f"{what}[{index}]", *pair, verdict)
    elif not _equal(expected, got):
        verdict.note(what, expected, got)


def _equal(expected: Any, got: Any) -> bool:
    if "<code>" in (expected, got) and expected is not None and got is not None:
        return True
    if isinstance(expected, bool) or isinstance(got, bool):
        return expected is got
    if isinstance(expected, (int, float)) and isinstance(got, (int, float)):
        return math.isclose(expected, got, rel_tol=1e-6)
    return type(expected) is type(got) and expected == got


def _compare_summaries(key: str, expected: Any, got: Any, verdict: Verdict) -> None:
    """Random values: shape, dtype, constant axes and the set of values equal; moments within five standard errors."""
    if expected is None or got is None:
        verdict.note(key, expected, got)
        return
    for name in ("shape", "dtype", "constant_axes", "values"):
        _compare_data(f"{key}.{name}", expected[name], got[name], verdict)
    spread = max(expected["std"], 1e-12)
    allowed = 5 * math.sqrt(2 / min(expected["count"], got["count"]))
    for name in ("mean", "std"):
        if not abs(expected[name] - got[name]) <= allowed * spread:
            verdict.note(f"{key}.{name}", f"{expected[name]:.5g} ± {allowed * spread:.2g}", got[name])
    if not abs(expected["zeros"] - got["zeros"]) <= allowed * 0.5:
        verdict.note(f"{key}.zeros", expected["zeros"], got["zeros"])
    for name in ("low", "high"):
        if not abs(expected[name] - got[name]) <= 2.0 * spread:
            verdict.note(f"{key}.{name}", expected[name], got[name])


def _worst_place(expected: np.ndarray, got: np.ndarray) -> tuple[int, ...]:
    with np.errstate(invalid="ignore"):
        distance = np.abs(expected - got)
    distance = np.where(np.isfinite(expected) & np.isfinite(got), distance, np.where(expected == got, 0, np.inf))
    return tuple(int(i) for i in np.unravel_index(int(distance.argmax()), expected.shape))


def _text(value: Any) -> str:
    text = repr(value.tolist()) if isinstance(value, np.ndarray) else str(value)
    return text if len(text) <= 160 else text[:157] + "..."
