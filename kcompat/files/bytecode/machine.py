"""Runs the neutral instructions of a stored function, one by one: no bytecode is ever handed to Python itself."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from kcompat.errors import FileError, KcompatError
from kcompat.files.bytecode import bounds, methods, reach, steps, steps_containers, steps_control
from kcompat.files.bytecode.decode import Instruction, decode
from kcompat.files.bytecode.frames import NULL, Cell, Frame
from kcompat.files.bytecode.marshalled import Code

_VARIABLE, _KEYWORDS, _GENERATOR = 0x04, 0x08, 0x20
_DEEPEST = 40
_FAILURES = (TypeError, ValueError, IndexError, KeyError, AttributeError, ArithmeticError, MemoryError)

STEPS = {**steps.STEPS, **steps_containers.STEPS, **steps_control.STEPS}


class Program:
    """What all functions of one stored Lambda share: its layer, the names it can see, and what is left of its steps."""

    def __init__(self, layer: str, names: Mapping[str, Any]):
        self.layer, self.names = layer, names
        self.budget = bounds.Budget(layer)
        self.depth = 0
        self.decoded: list[tuple[Code, list[Instruction]]] = []

    def instructions(self, code: Code) -> list[Instruction]:
        """The instructions of a code object, decoded once."""
        for known, instructions in self.decoded:
            if known is code:
                return instructions
        self.decoded.append((code, decode(code, self.layer)))
        return self.decoded[-1][1]

    def error(self, text: str) -> FileError:
        """An error that names the layer and the way out."""
        return bounds.refusal(self.layer, text)


class StoredFunction:
    """A function from a file: its code, defaults and captured values. `stored` is what the file had, which is written back as it is."""

    def __init__(
        self,
        program: Program,
        code: Code,
        defaults: Any = (),
        keyword_defaults: Any = None,
        cells: tuple[Cell, ...] = (),
        stored: Any = None,
    ):
        self.program, self.code, self.stored = program, code, stored
        self.defaults, self.keyword_defaults, self.cells = tuple(defaults or ()), dict(keyword_defaults or {}), cells
        self.instructions = program.instructions(code)
        self.inner = stored is None
        self.__name__ = self.__qualname__ = code.name
        if len(self.defaults) > code.arguments:
            raise program.error(f"has {len(self.defaults)} defaults for {code.arguments} arguments")

    @property
    def __signature__(self) -> inspect.Signature:
        """The parameters, for those who look which a function takes."""
        code, kinds = self.code, inspect.Parameter
        first = code.arguments - len(self.defaults)
        made = [
            kinds(n, kinds.POSITIONAL_OR_KEYWORD, default=kinds.empty if i < first else self.defaults[i - first])
            for i, n in enumerate(code.slots[: code.arguments])
        ]
        place = code.arguments + code.keyword_only
        more = [kinds(n, kinds.KEYWORD_ONLY, default=self.keyword_defaults.get(n, kinds.empty)) for n in code.slots[code.arguments : place]]
        if code.flags & _VARIABLE:
            made.append(kinds(code.slots[place], kinds.VAR_POSITIONAL))
            place += 1
        last = [kinds(code.slots[place], kinds.VAR_KEYWORD)] if code.flags & _KEYWORDS else []
        return inspect.Signature([*made, *more, *last])

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The result; whatever goes wrong in the code is a `FileError` that names the layer."""
        program = self.program
        if self.inner:
            return self.run(args, kwargs)
        program.budget.fill()
        program.depth = 0
        try:
            result = self.run(args, kwargs)
            program.budget.weigh(result)
        except KcompatError:
            raise
        except (*_FAILURES, RuntimeError) as error:
            if isinstance(error, RuntimeError) and type(error) not in (RuntimeError, RecursionError, NotImplementedError):
                raise  # torch's own: memory, tracing
            raise program.error(f"failed: {type(error).__name__}: {error}") from error
        if isinstance(result, (StoredFunction, bounds.Items, reach.Guarded, methods.Facade)):
            raise program.error(f"gives a {type(result).__name__}, no tensor")
        return result

    def run(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """One call of the function."""
        program = self.program
        if program.depth >= _DEEPEST:
            raise program.error("calls itself too deeply")
        program.depth += 1
        frame, instructions = Frame(self, self.bound(args, kwargs)), self.instructions
        while frame.result is NULL:
            program.budget.spend(1)
            name, value = instructions[frame.place]
            frame.place += 1
            STEPS[name](frame, value)
        program.depth -= 1
        return bounds.Items(frame.yielded) if self.code.flags & _GENERATOR else frame.result

    def bound(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Any]:
        """The slots at the start: arguments, locals without values, cells."""
        code = self.code
        slots: list[Any] = [NULL] * len(code.slots)
        count, place = code.arguments, code.arguments + code.keyword_only
        slots[: min(len(args), count)] = args[:count]
        if code.flags & _VARIABLE:
            slots[place] = tuple(args[count:])
            place += 1
        elif len(args) > count:
            raise self.program.error(f"takes {count} arguments, it was given {len(args)}")
        names, more = code.slots[: count + code.keyword_only], {}
        for name, value in kwargs.items():
            if name not in names:
                more[name] = value
            elif slots[names.index(name)] is not NULL:
                raise self.program.error(f"was given its argument `{name}` twice")
            else:
                slots[names.index(name)] = value
        if code.flags & _KEYWORDS:
            slots[place] = more
        elif more:
            raise self.program.error(f"has no argument {sorted(more)}")
        first = count - len(self.defaults)
        for i, name in enumerate(names):
            if slots[i] is NULL:
                slots[i] = self.defaults[i - first] if first <= i < count else self.keyword_defaults.get(name, NULL)
            if slots[i] is NULL:
                raise self.program.error(f"was not given its argument `{name}`")
        return self.with_cells(slots)

    def with_cells(self, slots: list[Any]) -> list[Any]:
        """The slots with the variables that inner functions share."""
        code = self.code
        free = len(code.slots) - len(code.captured)
        slots[free:] = self.cells
        if code.layout != "3.11":  # later ones make their cells themselves
            for i, name in enumerate(code.cells, code.locals):
                slots[i] = Cell(slots[code.slots.index(name)] if name in code.slots[: code.locals] else NULL)
        return slots
