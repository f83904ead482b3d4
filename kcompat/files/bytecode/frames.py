"""One call of a stored function: its stack of values, the slots of its variables, its place among the instructions."""

from __future__ import annotations

from typing import Any

from kcompat.files.bytecode import reach


class Missing:
    """What stands on the stack or in a slot where nothing is."""


NULL = Missing()


class Cell:
    """A variable that an inner function shares with the function around it."""

    def __init__(self, value: Any = NULL):
        self.value = value


class Frame:
    """One call: the stack of values, the slots of variables, the place in the instructions."""

    def __init__(self, function: Any, slots: list[Any]):
        self.function, self.program, self.slots = function, function.program, slots
        self.stack: list[Any] = []
        self.place = 0
        self.result: Any = NULL
        self.yielded: list[Any] = []
        self.loops: list[tuple[int, int]] = []  # before 3.8: where a loop ends, how high the stack was

    def pop(self) -> Any:
        """The value on top."""
        if not self.stack:
            raise self.program.error("takes from an empty stack: its bytecode is damaged")
        return self.stack.pop()

    def several(self, count: int) -> list[Any]:
        """The topmost values, in the order in which they came."""
        if not 0 <= count <= len(self.stack):
            raise self.program.error("takes from an empty stack: its bytecode is damaged")
        taken = self.stack[len(self.stack) - count :]
        del self.stack[len(self.stack) - count :]
        return taken

    def peek(self, depth: int) -> Any:
        """The value so far below the top."""
        if not 1 <= depth <= len(self.stack):
            raise self.program.error("looks below its stack: its bytecode is damaged")
        return self.stack[-depth]

    def push(self, value: Any) -> None:
        """A value on top."""
        self.stack.append(value)

    def call(self, function: Any, args: Any, kwargs: dict[str, Any]) -> None:
        """The result of a function on top."""
        if isinstance(function, type(self.function)):
            self.push(function.run(tuple(args), kwargs))
        else:
            self.push(reach.call(function, tuple(args), kwargs, self.program.budget))
