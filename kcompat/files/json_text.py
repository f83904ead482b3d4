"""JSON from a file: bounded in depth before it is parsed, so that a hostile text is an error and not a crash."""

from __future__ import annotations

import json
import re
from typing import Any

from kcompat.errors import FileError

#: nested models take about four levels each; Python's own parser gives up near a thousand
MAX_DEPTH = 256

_TOKENS = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"?|[\[{]|[\]}]', re.DOTALL)


def parse(text: str, what: str) -> Any:
    """The value of a JSON text; `what` names it in errors."""
    depth = 0
    for token in _TOKENS.finditer(text):
        mark = token.group()
        depth += (mark in "[{") - (mark in "]}")
        if depth > MAX_DEPTH:
            raise FileError(f"{what} is nested more than {MAX_DEPTH} levels deep; no Keras model is.")
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise FileError(f"{what} is no valid JSON: {error}") from error


def parse_dict(text: str, what: str) -> dict[str, Any]:
    """A JSON text that must be an object."""
    value = parse(text, what)
    if not isinstance(value, dict):
        raise FileError(f"{what} must be a JSON object, it is a {type(value).__name__}.")
    return value
