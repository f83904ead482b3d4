"""The gate to code in files."""

from __future__ import annotations

import ast
import base64
import marshal
from pathlib import Path

import pytest
import torch

import kcompat
from kcompat.errors import FileError, UnknownNameError, UnsafeFileError
from kcompat.files.lambdas import function_for, with_stored_functions

ROOT = Path(kcompat.__file__).parent


def stored(function, closure=None):
    return [base64.encodebytes(marshal.dumps(function.__code__)).decode(), None, closure]


def test_bytecode_runs_only_when_allowed():
    code = stored(lambda t: t * 2 + 1)
    for safe in (True, None, 0, "no"):  # fail closed: anything but False is safe
        with pytest.raises(UnsafeFileError, match=r"Lambda 'twice'.*custom_objects=\{'twice': function\}.*safe_mode=False"):
            function_for("twice", code, {}, safe)
    assert function_for("twice", code, {}, False)(3) == 7


def test_bytecode_of_keras_3():
    code, _, _ = stored(lambda t, k: t * k)
    config = {"class_name": "__lambda__", "config": {"code": code, "defaults": [5], "closure": None}}
    with pytest.raises(UnsafeFileError):
        function_for("f", config, {}, True)
    assert function_for("f", config, {}, False)(3) == 15


def test_a_function_of_the_user_takes_the_place_of_the_code():
    assert function_for("twice", stored(lambda t: 1 / 0), {"twice": abs}, True) is abs


def test_code_sees_captured_values_numpy_torch_and_custom_objects():
    k = 5.0
    code = stored(lambda t: torch.relu(t) * k + np.pi * shift, closure=[5.0])  # noqa: F821
    made = function_for("f", code, {"shift": 0.0}, False)
    assert made(torch.tensor([-1.0, 2.0])).tolist() == [0.0, 10.0]
    with pytest.raises(FileError, match="1 captured values, the file has 0"):
        function_for("f", [code[0], None, None], {}, False)


@pytest.mark.parametrize("code", ["", "not base64!", base64.b64encode(b"junk").decode(), base64.b64encode(marshal.dumps(3)).decode(), 3])
def test_what_is_no_code_is_a_file_error(code):
    with pytest.raises(FileError, match="Lambda 'f'"):
        function_for("f", [code, None, None], {}, False)


@pytest.mark.parametrize("form", [3, ["a"], {"class_name": "x"}, None])
def test_unknown_forms_are_refused(form):
    with pytest.raises(FileError, match="unknown form"):
        function_for("f", form, {}, False)


def test_a_name_means_an_activation_or_a_function_of_the_user():
    import kcompat.activations as activations

    assert function_for("f", "relu", {}, True) is activations.relu
    assert function_for("f", {"class_name": "function", "config": "mine"}, {"mine": abs}, True) is abs
    for name in ("get_file", "os.system", "Dense", "glorot_uniform"):  # only functions of its kind, never the whole package
        with pytest.raises(UnknownNameError):
            function_for("f", name, {}, True)


def double(t):
    return t * 2


def test_written_are_names_and_for_lambdas_the_code():
    def config(function, **more):
        return {
            "class_name": "Sequential",
            "config": {"layers": [{"class_name": "Lambda", "config": {"name": "l", "function": function, **more}}]},
        }

    def written(function, **more):
        return with_stored_functions(config(function, **more))["config"]["layers"][0]["config"]["function"]

    assert written(double, function_type="function") == "double"
    assert written(double)["config"] == "double"
    k = 3
    code, defaults, closure = written(lambda t, n=2: t * n * k, function_type="lambda")
    assert (defaults, closure) == ([2], [3])
    assert function_for("l", [code, defaults, closure], {}, False)(7) == 42
    assert function_for("l", written(lambda t: t + 1), {}, False)(7) == 8


def test_code_is_unpacked_in_one_place():
    """`marshal` in one function; nothing anywhere that evaluates, unpickles or imports by name."""
    uses = []
    for path in ROOT.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                names = [alias.name for alias in node.names] + ([node.module] if isinstance(node, ast.ImportFrom) and node.module else [])
                uses += [(path.name, name) for name in names if name.split(".")[0] in ("marshal", "pickle", "dill", "cloudpickle", "yaml")]
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("eval", "exec", "__import__"):
                uses.append((path.name, node.func.id))
    assert uses == [("lambdas.py", "marshal")]


def test_code_sees_tensorflow_and_the_backend() -> None:
    """Bytecode that runs with `safe_mode=False` finds `tf` and `K`: functions of the table, and nothing else of TensorFlow."""
    from kcompat.files.lambdas import from_bytecode

    def made(function: object) -> object:
        code = base64.b64encode(marshal.dumps(function.__code__)).decode()  # type: ignore[attr-defined]
        return from_bytecode("f", code, None, None, {}, safe_mode=False)

    x = torch.tensor([[1.0, -2.0], [3.0, 4.0]])
    facades = made(lambda x: K.mean(tf.nn.relu(x), axis=1, keepdims=True) + tf.cast(keras.backend.sum(x), tf.float32))  # type: ignore[name-defined] # noqa: F821
    torch.testing.assert_close(facades(x), torch.tensor([[6.5], [9.5]]))  # type: ignore[operator]
    with pytest.raises(UnknownNameError, match="tf.io"):
        made(lambda x: tf.io.write_file("a", x))(x)  # type: ignore[name-defined, operator] # noqa: F821
