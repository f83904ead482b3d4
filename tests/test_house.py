"""The house: a room imports only from rooms further left in this list, nobody imports Keras, and there are no circles."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import kcompat

ROOT = Path(kcompat.__file__).parent

#: left to right; rooms of one group stand side by side and may use each other one way (the circle test holds)
ORDER: list[set[str]] = [
    {"errors"},
    {"generations"},
    {"atomic", "config", "registry", "tree"},
    {"tensor"},
    {"graph"},
    {"activations", "initializers", "regularizers", "constraints", "dtype_policies", "random"},
    {"core"},
    {"layers"},
    {"losses", "metrics", "optimizers", "callbacks"},
    {"training"},
    {"files"},
    {"models"},
    {"saving"},
    {"compare"},
    {"cli", "__main__"},
]
PLACE = {room: index for index, group in enumerate(ORDER) for room in group}
FOREIGN = {"tensorflow", "keras", "tf_keras", "keras_preprocessing", "keras_applications", "theano"}


def room(module: str) -> str:
    """'kcompat.core.layer' -> 'core'; the package itself is ''."""
    return module.split(".")[1] if "." in module else ""


def module_name(path: Path) -> str:
    parts = [ROOT.name, *path.relative_to(ROOT).with_suffix("").parts]
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(source: str, module: str, package: bool) -> set[str]:
    """Every module a source imports, inside functions too; `from a import b` counts as a.b, to be cut down later."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parts = module.split(".")[: len(module.split(".")) - node.level + package]
                base = ".".join([*parts, *([base] if base else [])])
            found |= {f"{base}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in ("__import__", "importlib.import_module", "import_module"):
            found.add(ast.literal_eval(node.args[0]) if isinstance(node.args[0], ast.Constant) else "<computed>")
    return found


MODULES = {module_name(path): path for path in sorted(ROOT.rglob("*.py"))}
IMPORTS = {name: imports(path.read_text(), name, path.name == "__init__.py") for name, path in MODULES.items()}


def known(target: str) -> str | None:
    """The module of ours that an imported name is, or is in."""
    while target:
        if target in MODULES:
            return target
        target = target.rpartition(".")[0]
    return None


def wrong_imports(module: str, targets: set[str]) -> list[str]:
    """What `module` imports from rooms that stand further right than its own."""
    mine = PLACE[room(module)]
    found = {target: room(target) for target in targets if target.split(".")[0] == "kcompat"}
    found = {target: there for target, there in found.items() if there not in ("", "__version__")}
    return [f"{module} imports {target}" for target, there in found.items() if PLACE.get(there, len(ORDER)) > mine]


def circle(edges: dict[str, set[str]]) -> list[str]:
    """Some circle in a graph, or an empty list."""
    state: dict[str, str] = {}
    for start in edges:
        stack = [(start, iter(sorted(edges[start])))] if start not in state else []
        trail = [start] if stack else []
        state.setdefault(start, "open")
        while stack:
            node, rest = stack[-1]
            following = next(rest, None)
            if following is None:
                state[node] = "done"
                stack.pop()
                trail.pop()
            elif state.get(following) == "open":
                return [*trail[trail.index(following) :], following]
            elif following not in state:
                state[following] = "open"
                trail.append(following)
                stack.append((following, iter(sorted(edges.get(following, ())))))
    return []


def test_every_module_stands_in_a_room():
    strangers = {name for name in MODULES if name != "kcompat" and room(name) not in PLACE}
    assert not strangers, f"Put the new room into ORDER: {strangers}"


@pytest.mark.parametrize("module", [name for name in MODULES if name != "kcompat"])
def test_imports_point_to_the_left(module: str):
    assert not wrong_imports(module, IMPORTS[module])


@pytest.mark.parametrize("module", list(MODULES))
def test_nobody_imports_keras(module: str):
    assert not {target for target in IMPORTS[module] if target.split(".")[0] in FOREIGN}


def test_imports_are_written_out():
    # the package itself imports its rooms by name when they are asked for; test_public_names looks at these names
    computed = {name for name, targets in IMPORTS.items() if "<computed>" in targets}
    assert computed <= {"kcompat"}


def test_there_are_no_circles_between_rooms():
    edges: dict[str, set[str]] = {}
    for module, targets in IMPORTS.items():
        ours = {room(found) for found in map(known, targets) if found}
        edges.setdefault(room(module), set()).update(ours - {room(module), ""})
    edges.pop("", None)
    assert circle(edges) == []


def test_there_are_no_circles_between_modules():
    edges = {name: {found for found in map(known, targets) if found and found != name} for name, targets in IMPORTS.items()}
    # a room's `__init__` gathers its modules, which may name the room itself: that is the room, not a circle
    edges = {name: {found for found in targets if not name.startswith(f"{found}.")} for name, targets in edges.items()}
    assert circle(edges) == []


def test_the_tests_above_can_fail():
    assert wrong_imports("kcompat.core.layer", {"kcompat.models.model.Model"})
    assert wrong_imports("kcompat.errors", {"kcompat.nowhere"})
    assert not wrong_imports("kcompat.models.model", {"kcompat.core.layer.Layer", "torch", "kcompat.errors"})
    assert imports("from . import x\nfrom ..core import y\nimport keras.layers", "kcompat.layers.dense", False) == {
        "kcompat.layers.x", "kcompat.core.y", "keras.layers",
    }  # fmt: skip
    assert circle({"a": {"b"}, "b": {"c"}, "c": {"a"}}) == ["a", "b", "c", "a"]
    assert circle({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == []
