"""Bytecode of any Python as one neutral list of instructions, so that the machine that runs it knows of no version."""

from __future__ import annotations

from typing import Any

from kcompat.errors import FileError
from kcompat.files.bytecode.marshalled import Code
from kcompat.files.bytecode.opcodes import COMPARISONS, DIALECTS, OPERATORS, Dialect

#: neutral name, argument; jumps name the index of an instruction
Instruction = tuple[str, Any]
Raw = tuple[int, int, str, int]  # offset, offset of the next, name, argument

_NONE_MADE = ("NOP", "RESUME", "CACHE", "PRECALL", "NOT_TAKEN", "GEN_START", "EXTENDED_ARG", "COPY_FREE_VARS")
_WORDS = {
    "POWER": "**", "MULTIPLY": "*", "MATRIX_MULTIPLY": "@", "MODULO": "%", "ADD": "+", "SUBTRACT": "-", "FLOOR_DIVIDE": "//",
    "TRUE_DIVIDE": "/", "LSHIFT": "<<", "RSHIFT": ">>", "AND": "&", "XOR": "^", "OR": "|", "DIVIDE": "old /",
}  # fmt: skip
#: instructions without an argument of their own, by another name
_SAME: dict[str, Instruction] = {
    "POP_TOP": ("pop", None), "POP_ITER": ("pop", None), "END_FOR": ("pop", None), "ROT_TWO": ("rotate", 2), "ROT_THREE": ("rotate", 3),
    "ROT_FOUR": ("rotate", 4), "DUP_TOP": ("duplicate", 1), "DUP_TOP_TWO": ("duplicate", 2), "PUSH_NULL": ("null", None),
    "UNARY_POSITIVE": ("unary", "+"), "UNARY_NEGATIVE": ("unary", "-"), "UNARY_NOT": ("unary", "not"), "UNARY_INVERT": ("unary", "~"),
    "TO_BOOL": ("unary", "bool"), "BINARY_SUBSCR": ("item", None), "STORE_SUBSCR": ("set item", None), "BINARY_SLICE": ("slice of", 3),
    "SLICE+0": ("slice of", 0), "SLICE+1": ("slice of", 1), "SLICE+2": ("slice of", 2), "SLICE+3": ("slice of", 3),
    "GET_ITER": ("iterate", None), "RETURN_VALUE": ("return", None), "LIST_TO_TUPLE": ("to tuple", None),
    "FORMAT_SIMPLE": ("format", 0), "FORMAT_WITH_SPEC": ("format", 4), "STORE_MAP": ("put", (1, False)),
    "POP_BLOCK": ("end loop", None), "BREAK_LOOP": ("break", None), "YIELD_VALUE": ("yield", None), "RETURN_GENERATOR": ("constant", None),
}  # fmt: skip
#: instructions that keep their argument
_KEPT = {
    "BUILD_TUPLE": "tuple", "BUILD_LIST": "list", "BUILD_SET": "set", "BUILD_MAP": "map", "BUILD_STRING": "text",
    "BUILD_CONST_KEY_MAP": "keyed map", "BUILD_SLICE": "slice", "LIST_APPEND": "append", "SET_ADD": "add", "LIST_EXTEND": "extend",
    "SET_UPDATE": "update set", "DICT_UPDATE": "update map", "DICT_MERGE": "update map", "UNPACK_SEQUENCE": "unpack",
    "UNPACK_EX": "unpack rest", "SWAP": "swap", "COPY": "copy", "ROT_N": "rotate", "DUP_TOPX": "duplicate", "FORMAT_VALUE": "format",
    "CONVERT_VALUE": "convert", "LOAD_FAST": "local", "LOAD_FAST_CHECK": "local", "LOAD_FAST_BORROW": "local", "STORE_FAST": "set local",
    "DELETE_FAST": "delete local", "LOAD_FAST_AND_CLEAR": "take local", "MAKE_CELL": "make cell", "SET_FUNCTION_ATTRIBUTE": "equip",
    "CALL_KW": "call names", "CALL": "call", "CALL_METHOD": "call", "LOAD_SMALL_INT": "constant",
    "BUILD_LIST_UNPACK": "joined list", "BUILD_TUPLE_UNPACK": "joined tuple", "BUILD_TUPLE_UNPACK_WITH_CALL": "joined tuple",
    "BUILD_SET_UNPACK": "joined set", "BUILD_MAP_UNPACK": "joined map", "BUILD_MAP_UNPACK_WITH_CALL": "joined map",
}  # fmt: skip
_COMMON = ("AssertionError", "NotImplementedError", "tuple", "all", "any")


class _Unfit(Exception):
    """The code is not of this dialect."""


def decode(code: Code, layer: str) -> list[Instruction]:
    """The instructions of a function, in the dialect of the Python whose code this is; another's cannot read it to the end."""
    reasons = []
    for dialect in DIALECTS[code.layout]:
        try:
            raw = _raw(code, dialect)
            _check(code, dialect, raw)
            return _neutral(code, dialect, raw, layer)
        except (_Unfit, IndexError, KeyError) as error:  # noqa: PERF203 - the next dialect may fit
            reasons.append(str(error))
    raise FileError(
        f"Lambda '{layer}': the bytecode of its function is damaged or of an unknown Python ({reasons[0]}). "
        f"Give the function yourself: `custom_objects={{'{layer}': function}}`."
    )


def _raw(code: Code, dialect: Dialect) -> list[Raw]:
    data, found, place, prefix, start = code.instructions, [], 0, 0, None
    extended = dialect.extended
    while place < len(data):
        start = place if start is None else start
        number = data[place]
        if dialect.wordcode:
            argument, size = data[place + 1], 2
        elif number >= 90:
            argument, size = data[place + 1] | data[place + 2] << 8, 3
        else:
            argument, size = 0, 1
        argument |= prefix
        place += size
        if number == extended:
            prefix = (argument << (8 if dialect.wordcode else 16)) & 0xFFFFFFFF
            continue
        if number not in dialect.names:
            raise _Unfit(f"no instruction has the number {number}")
        name = dialect.names[number]
        words = 2 * dialect.words.get(name, 0)
        if any(data[place : place + words]) or place + words > len(data):
            raise _Unfit("the words behind an instruction are not empty")
        place += words
        found.append((start, place, name, argument))
        prefix, start = 0, None
    return found


def _check(code: Code, dialect: Dialect, raw: list[Raw]) -> None:
    """What tells the dialects of one layout apart besides their numbers."""
    names = [name for _, _, name, _ in raw]
    if not names or "CACHE" in names or names[-1] not in _ENDS:
        raise _Unfit("it does not end")
    if dialect.python >= (3, 11) and not {"RESUME", "RETURN_GENERATOR"} & set(names[: 16 + len(code.slots)]):
        raise _Unfit("it does not begin as a function does")
    told_by_ends = sum(code.lines[::2]) == len(code.instructions)  # as 3.10 tells lines; 3.8 and 3.9 tell where they begin
    if (3, 8) <= dialect.python <= (3, 10) and told_by_ends != (dialect.python == (3, 10)):
        raise _Unfit("its lines are told otherwise")
    if dialect.python == (3, 9) and any(name in _ONLY_38 for name in names):
        raise _Unfit("it has an instruction of Python 3.8")
    if dialect.python == (3, 7) and code.instructions[-1] != 0:
        raise _Unfit("its instructions have no fixed length")
    if dialect.python == (3, 12) and "CALL_INTRINSIC_2" in names:
        raise _Unfit("it has an instruction of types")


_ENDS = ("RETURN_VALUE", "RETURN_CONST", "RAISE_VARARGS", "RERAISE", "JUMP_BACKWARD", "JUMP_ABSOLUTE", "JUMP_FORWARD")
_ONLY_38 = ("BUILD_LIST_UNPACK", "BUILD_MAP_UNPACK", "BUILD_SET_UNPACK", "BUILD_TUPLE_UNPACK_WITH_CALL", "BUILD_MAP_UNPACK_WITH_CALL")


def _neutral(code: Code, dialect: Dialect, raw: list[Raw], layer: str) -> list[Instruction]:
    made: list[Instruction] = []
    first: dict[int, int] = {}
    jumps: list[tuple[int, int]] = []
    names: tuple[str, ...] | None = None
    for start, end, name, argument in raw:
        first[start] = len(made)
        if name == "KW_NAMES":
            names = code.constants[argument]
            continue
        if name == "CALL" and names is not None:
            made += [("constant", names), ("call names", argument)]
            names = None
            continue
        for op, value in _one(code, dialect, start, end, name, argument):
            if op in _JUMPS:
                jumps.append((len(made), value[-1] if isinstance(value, tuple) else value))
            made.append((op, value))
    for place, target in jumps:
        op, value = made[place]
        if target not in first:
            raise _Unfit("it jumps into the middle of an instruction")
        index = first[target]
        made[place] = (op, (*value[:-1], index) if isinstance(value, tuple) else index)
    return made


_JUMPS = ("jump", "jump if", "jump or pop", "for", "begin loop")


def _one(code: Code, dialect: Dialect, start: int, end: int, name: str, argument: int) -> list[Instruction]:
    """One instruction in neutral ones."""
    version = dialect.python
    if name in _NONE_MADE:
        return []
    if name in _SAME:
        return [_SAME[name]]
    if name in _KEPT:
        return [(_KEPT[name], argument)]
    if name == "SETUP_LOOP":
        return [("begin loop", end + argument)]
    if "JUMP" in name or name in ("FOR_ITER", "CONTINUE_LOOP"):
        return _jump(dialect, end, name, argument)
    if name.startswith(("BINARY_", "INPLACE_")) and name != "BINARY_OP":
        return [("binary", _WORDS[name.split("_", 1)[1]])]
    if name == "BINARY_OP":
        return [("item", None)] if argument == 26 else [("binary", OPERATORS[argument % 13])]
    if name == "COMPARE_OP":
        places = 5 if version >= (3, 13) else 4 if version == (3, 12) else 0
        made: list[Instruction] = [("compare", COMPARISONS[argument >> places])]
        return [*made, ("unary", "bool")] if places == 5 and argument & 16 else made
    if name in ("IS_OP", "CONTAINS_OP"):
        return [("compare", {"IS_OP": ("is", "is not"), "CONTAINS_OP": ("in", "not in")}[name][argument & 1])]
    if name in ("LOAD_CONST", "RETURN_CONST"):
        made = [("constant", code.constants[argument])]
        return made if name == "LOAD_CONST" else [*made, ("return", None)]
    if name in ("LOAD_GLOBAL", "LOAD_NAME"):
        if name == "LOAD_GLOBAL" and version >= (3, 11):
            made = [("global", code.names[argument >> 1])]
            null: list[Instruction] = [("null", None)] if argument & 1 else []
            return [*made, *null] if version >= (3, 13) else [*null, *made]
        return [("global", code.names[argument])]
    if name == "LOAD_ATTR":
        if version >= (3, 12):
            made = [("attribute", code.names[argument >> 1])]
            return [*made, ("null", None)] if argument & 1 else made
        return [("attribute", code.names[argument])]
    if name == "LOAD_METHOD":
        return [("attribute", code.names[argument]), ("null", None)]
    if name == "LOAD_COMMON_CONSTANT":
        return [("global", _COMMON[argument])]
    if name in _DOUBLE:
        first, second = _DOUBLE[name]
        return [(first, argument >> 4), (second, argument & 15)]
    if name in _CELLS:
        return [(_CELLS[name], argument if version >= (3, 11) else code.locals + argument)]
    if name in ("CALL_FUNCTION", "CALL_FUNCTION_KW", "CALL_FUNCTION_EX", "CALL_FUNCTION_VAR", "CALL_FUNCTION_VAR_KW"):
        return _old_call(version, name, argument)
    if name in ("MAKE_FUNCTION", "MAKE_CLOSURE"):
        form = "bare" if version >= (3, 13) else "flags" if version >= (3, 6) else "counts"
        named = (3, 3) <= version < (3, 11)
        return [("function", (form, argument, named, name == "MAKE_CLOSURE"))]
    if name == "MAP_ADD":
        return [("put", (argument, version >= (3, 8)))]
    if name == "CALL_INTRINSIC_1" and argument in (5, 6):
        return [("unary", "+") if argument == 5 else ("to tuple", None)]
    return [("unknown", f"{name} of Python {version[0]}.{version[1]}")]


_DOUBLE = {
    "LOAD_FAST_LOAD_FAST": ("local", "local"), "LOAD_FAST_BORROW_LOAD_FAST_BORROW": ("local", "local"),
    "STORE_FAST_LOAD_FAST": ("set local", "local"), "STORE_FAST_STORE_FAST": ("set local", "set local"),
}  # fmt: skip
_CELLS = {"LOAD_CLOSURE": "cell", "LOAD_DEREF": "captured", "STORE_DEREF": "set captured", "LOAD_CLASSDEREF": "captured"}


def _old_call(version: tuple[int, int], name: str, argument: int) -> list[Instruction]:
    if name == "CALL_FUNCTION_EX":
        form = "always" if version >= (3, 14) else "flag"
        return [("call all", (bool(argument & 1) or form == "always", version >= (3, 11)))]
    if version >= (3, 6):
        return [("call plain names" if name == "CALL_FUNCTION_KW" else "call plain", argument)]
    return [("call pairs", (argument & 255, argument >> 8, "VAR" in name, "KW" in name))]


def _jump(dialect: Dialect, end: int, name: str, argument: int) -> list[Instruction]:
    version = dialect.python
    unit = 2 if version >= (3, 10) else 1
    absolute = version < (3, 11) and name not in ("JUMP_FORWARD", "FOR_ITER")
    target = argument * unit if absolute else end + argument * unit * (-1 if "BACKWARD" in name else 1)
    if name == "FOR_ITER":
        # from 3.12 the target clears up; from 3.13 the iterator is left for what follows there
        return [("for", (version >= (3, 13), target + (2 if version >= (3, 12) else 0)))]
    for word in ("NOT_NONE", "NONE", "TRUE", "FALSE"):
        if name.endswith(f"IF_{word}"):
            return [("jump if", (word, target))]
        if name == f"JUMP_IF_{word}_OR_POP":
            return [("jump or pop", (word == "TRUE", target))]
    if name in ("JUMP_FORWARD", "JUMP_BACKWARD", "JUMP_ABSOLUTE", "JUMP_BACKWARD_NO_INTERRUPT", "CONTINUE_LOOP"):
        return [("jump", target)]
    return [("unknown", f"{name} of Python {version[0]}.{version[1]}")]
