"""The exceptions of kcompat, each also of the kind that Keras raises in the same place.

    KcompatError
    ├── ArgumentError      (ValueError)                 a value that cannot be used
    ├── ArgumentTypeError  (TypeError)                  a value of a kind that cannot be used
    ├── UnknownArgumentError (TypeError, ValueError)     a keyword that nothing takes
    ├── UnknownMethodError   (ValueError, NotImplementedError) a way of computing that nobody has written
    ├── UnknownNameError   (ValueError, TypeError)             a name nobody registered
    ├── ShapeError         (ValueError)                 a tensor of the wrong rank or size
    ├── MaskError          (TypeError)                  a mask where none can be handled
    ├── NotBuiltError      (ValueError, AttributeError) something is asked for before it exists
    ├── NotStatefulError   (ValueError, AttributeError) states are asked of a layer that keeps none
    ├── NotCompiledError   (RuntimeError, ValueError)   training before `compile`
    ├── FileError          (ValueError, OSError)        a model file that cannot be read
    ├── UnsafeFileError    (FileError)                  ... unless the caller allows it to run code
    ├── UnknownInFileError (FileError, UnknownNameError) ... that names what nobody registered
    └── MissingExtraError  (ImportError)                an optional package is needed

A message says what is wrong, where (layer name), the argument in backticks, what was received, and what would be right.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class KcompatError(Exception):
    """Base of every exception that kcompat raises on purpose."""


class ArgumentError(KcompatError, ValueError):
    """An argument has a value that cannot be used."""


class ArgumentTypeError(KcompatError, TypeError):
    """An argument has a type that cannot be used, or is not an argument at all."""


class UnknownArgumentError(KcompatError, TypeError, ValueError):
    """A keyword that nothing takes (TypeError in Keras 1 and 2, ValueError in Keras 3)."""


class UnknownNameError(ArgumentError, TypeError):
    """A name is in none of the tables it may come from."""


class UnknownMethodError(ArgumentError, NotImplementedError):
    """A way of computing (an interpolation) that does not exist (NotImplementedError in tf.keras, ValueError elsewhere)."""


class ShapeError(ArgumentError):
    """A tensor or array has the wrong rank or size."""


class MaskError(KcompatError, TypeError):
    """A mask reached a layer that cannot handle one."""


class NotBuiltError(KcompatError, ValueError, AttributeError):
    """Weights, inputs or outputs are asked for before they exist."""


class NotStatefulError(ArgumentError, AttributeError):
    """States are asked of a layer that keeps none from batch to batch."""


class NotCompiledError(KcompatError, RuntimeError, ValueError):
    """Training or evaluation of a model without loss and optimizer."""


class FileError(KcompatError, ValueError, OSError):
    """A model file is damaged, of an unknown kind, or holds what cannot be rebuilt."""


class UnsafeFileError(FileError):
    """A file needs code of its own to run; `safe_mode=False` allows it."""


class UnknownInFileError(FileError, UnknownNameError):
    """A file names a class or function that nobody registered; `custom_objects` can give it."""


class MissingExtraError(KcompatError, ImportError):
    """An optional package is not installed."""


def nearest(name: str, known: Iterable[str]) -> str:
    """A sentence naming the known names closest to `name`, or the first few of them."""
    known = sorted({str(k) for k in known})
    close = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    if close:
        return "Did you mean " + " or ".join(f"'{c}'" for c in close) + "?"
    head = ", ".join(known[:12])
    return f"Known names: {head}{', ...' if len(known) > 12 else ''}." if known else ""


def missing_extra(package: str, extra: str, what: str) -> MissingExtraError:
    """The error for `what` needing `package`, which the optional dependency group `extra` installs."""
    return MissingExtraError(f"{what} needs the package `{package}`: pip install 'kcompat[{extra}]'.")
