"""What reading a model has in common in every format: building it from its config, compiling it; all errors are errors of the file."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from kcompat import registry
from kcompat.core.context import weight_budget
from kcompat.errors import FileError, KcompatError, UnknownInFileError, UnknownNameError
from kcompat.files import compiled
from kcompat.files.objects import overrides
from kcompat.files.report import layer_entries
from kcompat.files.sharing import mark_twins
from kcompat.files.symbols.keras3 import ROOMS
from kcompat.files.upgrade import Context, upgraded

Build = Callable[[dict[str, Any], Mapping[str, Any] | None], Any]
_RELEASE = re.compile(r"\d{1,3}(\.\w+){0,4}([-+]\w+(\.\w+)*)?", re.ASCII)
#: the metrics of a file can make state of so many bytes together
_METRICS = 256 << 20
#: what wrong data can raise in Python code that expects right data
_ACCIDENTS = (TypeError, ValueError, LookupError, AttributeError, ArithmeticError, RuntimeError, MemoryError, AssertionError)


def version_of(value: Any, where: str) -> str:
    """A Keras release as a file names it."""
    if not isinstance(value, str) or not _RELEASE.fullmatch(value):
        raise FileError(f"The Keras version in {where} must be a release such as '2.15.0', it is {value!r}.")
    return value


@contextlib.contextmanager
def errors_of_the_file(what: str, hint: str = "") -> Iterator[None]:
    """What goes wrong inside, goes wrong because of the file: a `FileError` that begins with `what`, with its cause."""
    try:
        yield
    except FileError:
        raise
    except UnknownNameError as error:
        raise UnknownInFileError(f"{error}{hint}") from error
    except KcompatError as error:
        raise FileError(f"{what}: {error}{hint}") from error
    except _ACCIDENTS as error:
        raise FileError(f"{what}: {type(error).__name__}: {error}{hint}") from error


def _unknown_hint(config: dict[str, Any], context: Context) -> str:
    """What to know besides when a model cannot be built: the classes that nobody has, behind which the first error may stand."""
    known = set(context.custom_objects) | set(registry.get_custom_objects())
    names = dict.fromkeys(entry["class_name"] for entry in layer_entries(config) if ".ops." not in f"{entry.get('module')}.")
    unknown = [name for name in names if name not in known and name not in ROOMS and registry.find("layer", name) is None]
    return f" (Layer classes of the file that are not known here: {', '.join(unknown)}.)" if unknown else ""


def built(build: Build, config: dict[str, Any], context: Context) -> Any:
    """The model of a config as a file holds it."""
    with errors_of_the_file("The model in the file cannot be built", _unknown_hint(config, context)), registry.sharing_read():
        config = upgraded(config, context)
        mark_twins(config)
        model = build(config, context.custom_objects)
        shapes = config.get("build_config")
        if isinstance(shapes, dict) and not model.built:
            model.build_from_config(shapes)
        return model


def compile_as_stored(model: Any, training: dict[str, Any], context: Context) -> None:
    """Compile a model with what a file says."""
    own = overrides(model, "compile_from_config")
    hint = " (`compile=False` loads the model without its optimizer, loss and metrics.)"
    with errors_of_the_file("The training configuration in the file cannot be used", hint), weight_budget(_METRICS):
        if own is not None and not type(model).__module__.startswith("kcompat."):
            own(training)
        else:
            model.compile(**compiled.compile_arguments(upgraded(training, context), context))
