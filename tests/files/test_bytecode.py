# ruff: noqa: F821, UP030, UP031, UP032, SIM115, B009, C416, E501 - the attacks are written as an attacker would
"""Stored functions of every Python, against the numbers of real Keras; and attacks, which end in an error in bounded time."""

from __future__ import annotations

import base64
import contextlib
import copy
import gzip
import json
import marshal
import pickle
import random
import time
from pathlib import Path
from types import CodeType

import numpy as np
import pytest
import torch

from kcompat.errors import FileError, KcompatError, UnknownNameError, UnsafeFileError
from kcompat.files.lambdas import function_for, stored_lambda
from kcompat.models import load_model

DATA = Path(__file__).parent / "data" / "lambdas"
RECORDED = json.loads(gzip.decompress((DATA / "code.json.gz").read_bytes()))  # by `record_lambdas.py`
PYTHONS = ("2.7", "3.6", "3.7", "3.8", "3.9", "3.10", "3.11", "3.12", "3.13")
NAMES = sorted(RECORDED["numbers"])
TWO = ("list_input", "list_input_distance", "list_input_sum", "sampled")
INPUTS = [
    [[0.5, -1.0, 2.0, 0.25], [-0.75, 1.5, 0.1, -2.0], [1.25, 0.3, -0.4, 0.8]],
    [[1.0, 0.5, -0.5, 2.0], [0.2, -0.3, 0.7, 1.1], [-1.0, 0.9, 0.6, -0.2]],
]


def given(name):
    inputs = [torch.tensor(values) for values in INPUTS[: 2 if name in TWO else 1]]
    return inputs if len(inputs) > 1 else inputs[0]


@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize("name", NAMES)
def test_functions_give_the_numbers_of_keras(python, name):
    function = function_for("f", RECORDED["code"][python][name], {}, False)
    expected = torch.tensor(RECORDED["numbers"][name])
    torch.testing.assert_close(function(given(name)), expected, rtol=2e-6, atol=2e-6)


def test_the_corpus_is_wide():
    assert len(NAMES) >= 80 and set(PYTHONS) == set(RECORDED["code"])


def test_code_of_keras_1_as_text():
    code, defaults, closure = RECORDED["code"]["2.7"]["arithmetic"]
    text = base64.b64decode(code).decode("raw_unicode_escape")  # as Keras did before 2.0.9
    x = given("arithmetic")
    torch.testing.assert_close(function_for("f", [text, defaults, closure], {}, False)(x), (x + 1.5) * 2.0 - x / 4.0)


@pytest.mark.parametrize("name", ["arithmetic", "comprehension", "loop", "counter", "standardized", "conditional"])
def test_functions_compile_copy_and_pickle(name):
    torch._dynamo.reset()
    function = function_for("f", RECORDED["code"]["3.8"][name], {}, False)
    x = given(name)
    expected = function(x)
    torch.testing.assert_close(torch.compile(lambda t: function(t), fullgraph=True, backend="eager")(x), expected)
    for other in (copy.deepcopy(function), pickle.loads(pickle.dumps(function))):
        torch.testing.assert_close(other(x), expected)


def test_a_function_is_written_back_as_it_was_stored():
    stored = RECORDED["code"]["3.6"]["captured"]
    assert list(stored_lambda("f", function_for("f", stored, {}, False))) == stored


@pytest.mark.parametrize("file", sorted(DATA.glob("*.h5")) + sorted(DATA.glob("*.keras")), ids=lambda path: path.name)
@pytest.mark.filterwarnings("ignore:The file has no training configuration")
def test_models_with_code(file, tmp_path):
    """Written by real Keras 2.2.4, 2.3.1 (Python 3.7), TF 2.3, 2.8 (3.7), tf_keras 2.21 and Keras 3 (3.11), with their predictions."""
    with np.load(file.with_suffix(".npz")) as kept:
        inputs, expected = [kept["a"], kept["b"]], kept["y"]
    with pytest.raises(UnsafeFileError):
        load_model(file)
    model = load_model(file, safe_mode=False)
    np.testing.assert_allclose(model.predict(inputs, verbose=0), expected, rtol=1e-5, atol=1e-6)
    again = tmp_path / f"again{file.suffix}"
    model.save(again)
    np.testing.assert_allclose(load_model(again, safe_mode=False).predict(inputs, verbose=0), expected, rtol=1e-5, atol=1e-6)


# -- attacks -----------------------------------------------------------------------------------------------------------


def stored(function):
    return [base64.b64encode(marshal.dumps(function if isinstance(function, CodeType) else function.__code__)).decode(), None, None]


def forever(x):
    while True:
        x = x + 1


def recursive(x):
    def again(y):
        return again(y)

    return again(x)


def imports(x):
    import os

    return os.system("true")


def from_import(x):
    from os import system

    return system("true")


def shared_tree(x):
    a = []
    for _ in range(60):
        a = [a, a]
    b = []
    for _ in range(60):
        b = [b, b]
    return a == b


def late_tree(x):
    lists = [[] for _ in range(60)]
    for i in range(59, 0, -1):
        lists[i].append(lists[i - 1])
        lists[i].append(lists[i - 1])
    return lists[59] == lists[59][:]


def cyclic(x):
    a = []
    a.append(a)
    b = []
    b.append(b)
    return a == b


def doubling_list(x):
    a = [1]
    for _ in range(100):
        a.extend(a)
    return len(a)


def doubling_text(x):
    a = "abc"
    for _ in range(100):
        a = a + a
    return len(a)


def doubling_number(x):
    a = 3
    for _ in range(100):
        a = a * a
    return x * a


def growing_tensor(x):
    for _ in range(100):
        x = K.concatenate([x, x], axis=0)
    return x


def outer_tensor(x):
    y = K.zeros((10000, 1, 1)) + 1
    return y * K.reshape(y, (1, 10000, 1)) * K.reshape(y, (1, 1, 10000))


def catches(x):
    try:
        return x.__class__
    except Exception as error:
        return error


def changes(x):
    x[0] = 5.0
    return x


def a_class(x):
    class Inner:
        pass

    return Inner()


ATTACKS = [
    forever, recursive, imports, from_import, shared_tree, late_tree, cyclic, doubling_list, doubling_text, doubling_number,
    growing_tensor, outer_tensor, catches, changes, a_class,
    lambda x: x.__class__, lambda x: (lambda: 0).__globals__, lambda x: (lambda: 0).__code__, lambda x: x.__class__.__bases__,
    lambda x: ().__class__.__mro__[1].__subclasses__(), lambda x: "{0.__class__}".format(x), lambda x: f"{x.__class__}",
    lambda x: open("/etc/passwd").read(), lambda x: eval("1"), lambda x: exec("1"), lambda x: __import__("os").system("true"),
    lambda x: getattr(x, "__class__"), lambda x: globals(), lambda x: vars(x), lambda x: type(x), lambda x: __builtins__,
    lambda x: compile("1", "a", "eval"), lambda x: breakpoint(), lambda x: input(), lambda x: setattr(K, "sum", None),
    lambda x: K.sum.__globals__, lambda x: K._find("sum").__closure__, lambda x: K.__class__, lambda x: tf.__dict__, lambda x: tf._path,
    lambda x: K.sum.__code__, lambda x: K.set_floatx("float64"), lambda x: np.load("/etc/passwd"), lambda x: np.fromfile("/etc/passwd"),
    lambda x: np.save("/tmp/x", 1), lambda x: np.lib, lambda x: np.ctypeslib, lambda x: np.zeros(3).tofile("/tmp/x"),
    lambda x: np.zeros(3).ctypes, lambda x: np.zeros(3).dump("/tmp/x"), lambda x: np.zeros(3).data, lambda x: torch.load("/etc/passwd"),
    lambda x: torch.save(x, "/tmp/x"), lambda x: torch.ops, lambda x: torch.hub, lambda x: torch.utils, lambda x: torch.jit,
    lambda x: torch.nn.Module(), lambda x: torch.os, lambda x: tf.io.read_file("/etc/passwd"), lambda x: tf.io.gfile,
    lambda x: tf.py_function(lambda: 0, [], None), lambda x: tf.keras.utils.get_file("a", "b"), lambda x: keras.models.load_model("a"),
    lambda x: keras.utils, lambda x: math.sys, lambda x: x.register_hook(print), lambda x: x.numpy().tofile("/tmp/x"),
    lambda x: x.data_ptr(), lambda x: x.storage(), lambda x: x.backward(), lambda x: x.resize_(10**9), lambda x: x.zero_(),
    lambda x: x.grad_fn, lambda x: x.data, lambda x: sum(range(10**12)), lambda x: list(range(10**9)), lambda x: [0] * 10**9,
    lambda x: (0,) * 10**10, lambda x: "a" * 10**10, lambda x: 10**10**10, lambda x: (lambda n: n << 10**10)(1), lambda x: "%1000000000d" % 1,
    lambda x: "%*d" % (10**9, 1), lambda x: f"{1:1000000000d}", lambda x: [i for i in range(10**9)],
    lambda x: np.zeros((10**6, 10**6)), lambda x: np.arange(10**12), lambda x: np.ones(10**5).repeat(10**9), lambda x: np.eye(10**7),
    lambda x: np.tile(np.ones(1000), 10**9), lambda x: np.full((10**5, 10**5, 10**5), 1.0), lambda x: np.linspace(0, 1, 10**11),
    lambda x: K.zeros((10**6, 10**6)), lambda x: K.ones((10**5, 10**5, 10**5)), lambda x: tf.zeros([10**6, 10**6]),
    lambda x: K.arange(10**13), lambda x: K.tile(x, [10**6, 10**6]), lambda x: K.repeat_elements(x, 10**11, axis=1),
    lambda x: tf.fill([10**6, 10**6], 1.0), lambda x: tf.eye(10**7), lambda x: tf.one_hot([1, 2], 10**12), lambda x: K.eye(10**7),
    lambda x: tf.pad(x, [[10**6, 0], [10**6, 0]]), lambda x: K.random_normal((10**6, 10**6)), lambda x: torch.zeros(10**6, 10**6),
    lambda x: torch.full((10**12,), 1.0), lambda x: x.repeat(10**6, 10**6), lambda x: tf.broadcast_to(x[:1, :1], [10**6, 10**6]) + 1.0,
    lambda x: K.resize_images(K.reshape(x, (1, 3, 4, 1)), 10**5, 10**5, "channels_last"), lambda x: tf.range(10**13),
    lambda x: tf.zeros(tf.constant([10**6, 10**6])), lambda x: tf.linspace(0.0, 1.0, 10**12), lambda x: (yield x), lambda x: undefined_name,
    lambda x: {x: 1}, lambda x: print.__self__, lambda x: sorted.function, lambda x: range.__class__, lambda x: len.__call__.__globals__,
    lambda x: str.__mro__, lambda x: int.from_bytes(b"a", "big"), lambda x: max([1, 2], key=open), lambda x: map(eval, ["1"]),
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(ATTACKS)))
def test_attacks_are_refused_in_bounded_time(number):
    attack = stored(ATTACKS[number])
    started = time.perf_counter()
    with pytest.raises((FileError, UnknownNameError)):
        function_for("f", attack, {}, False)(torch.ones(3, 4))
    assert time.perf_counter() - started < 5


def test_refusals_name_the_layer_and_the_way_out():
    with pytest.raises(
        FileError, match=r"Lambda 'f': the stored function has the instruction IMPORT_NAME.*custom_objects=\{'f': function\}"
    ):
        function_for("f", stored(imports), {}, False)(torch.ones(1))
    with pytest.raises(FileError, match=r"uses `open`.*custom_objects"):
        function_for("f", stored(lambda x: open("a")), {}, False)(torch.ones(1))
    with pytest.raises(FileError, match="uses the attribute `__class__` of a Tensor"):
        function_for("f", stored(lambda x: x.__class__), {}, False)(torch.ones(1))
    with pytest.raises(UnknownNameError, match=r"tf\.io"):
        function_for("f", stored(lambda x: tf.io.read_file("a")), {}, False)(torch.ones(1))


def test_modules_of_the_user_are_facades_too():
    import os

    assert function_for("f", stored(lambda x: np.sqrt(x)), {"np": np}, False)(4.0) == 2.0
    for module, code in (({"np": np}, lambda x: np.load("a")), ({"os": os}, lambda x: os.system("true"))):
        with pytest.raises(KcompatError):
            function_for("f", stored(code), module, False)(1.0)


def test_nothing_is_parsed_without_permission(monkeypatch):
    from kcompat.files.bytecode import marshalled

    monkeypatch.setattr(marshalled, "read_code", lambda *args: pytest.fail("parsed"))
    for safe in (True, None):
        with pytest.raises(UnsafeFileError):
            function_for("f", stored(lambda x: x), {}, safe)


def test_damaged_code_is_an_error_in_bounded_time():
    """Truncations and flipped bits of code of every Python: an error, or numbers, never anything else."""
    chance = random.Random(0)
    started = time.perf_counter()
    for _ in range(2000):
        code = bytearray(base64.b64decode(RECORDED["code"][chance.choice(PYTHONS)][chance.choice(NAMES)][0]))
        for _ in range(chance.randrange(1, 4)):
            code[chance.randrange(len(code))] ^= 1 << chance.randrange(8)
        if chance.random() < 0.2:
            del code[chance.randrange(len(code)) :]
        with contextlib.suppress(KcompatError):
            function_for("f", [base64.b64encode(bytes(code)).decode(), None, None], {}, False)(torch.ones(3, 4))
    assert time.perf_counter() - started < 60


def as_of(codes, constants=()):
    """A function of one argument `x` with these instructions, in the layout of Python 3.11 on, whose own are put in by hand."""
    place = bytes([151, 0, *[9, 0] * (len(codes) // 2 - 2), 83, 0])
    code = (lambda x: x).__code__.replace(co_code=place, co_consts=(None, *constants))
    return [base64.b64encode(marshal.dumps(code).replace(place, bytes(codes))).decode(), None, None]


def test_python_3_14_by_hand():
    """Its numbers are from published lists, as no such Python was at hand: RESUME, x, 2, `*`, 1, `+`, RETURN; x, 1, subscript."""
    cache = [0, 0] * 5
    twice = as_of([128, 0, 86, 0, 94, 2, 44, 5, *cache, 94, 1, 44, 0, *cache, 35, 0])
    assert function_for("f", twice, {}, False)(torch.tensor([3.0])).tolist() == [7.0]
    second = as_of([128, 0, 86, 0, 94, 1, 44, 26, *cache, 35, 0])
    assert function_for("f", second, {}, False)(torch.tensor([3.0, 4.0])).tolist() == 4.0


@pytest.mark.filterwarnings("ignore:The file has no training configuration")
def test_a_backend_function_in_a_functional_model():
    """tf_keras 2.21 stored `2 * K.batch_flatten(x)` as the symbol `keras.backend.batch_flatten`."""
    model = load_model(DATA.parent / "tf_keras_backend_symbol.h5")
    x = np.arange(12, dtype="float32").reshape(2, 2, 3)
    np.testing.assert_array_equal(model.predict(x, verbose=0), 2 * x.reshape(2, 6))
