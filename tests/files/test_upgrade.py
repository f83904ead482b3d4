"""Old configs in today's words."""

from __future__ import annotations

import pytest

from kcompat.errors import FileError
from kcompat.files.upgrade import TABLE, Context, upgraded


def test_the_bare_list_of_an_old_sequential():
    layers = [{"class_name": "Dense", "config": {"units": 3}}]
    for version in ("2.0.8", "2.1.6"):
        done = upgraded({"class_name": "Sequential", "config": layers}, Context(version))
        assert done == {"class_name": "Sequential", "config": {"layers": layers}}
    new = {"class_name": "Sequential", "config": {"name": "s", "layers": layers}}
    assert upgraded(new, Context("2.2.4")) == new


def test_rows_reach_nested_objects():
    norm = {"class_name": "BatchNormalization", "config": {"axis": [3]}}
    inner = {"class_name": "Functional", "config": {"layers": [{**norm, "name": "n", "inbound_nodes": []}]}}
    outer = {"class_name": "Sequential", "config": {"layers": [inner, {"class_name": "TimeDistributed", "config": {"layer": norm}}]}}
    done = upgraded(outer, Context("2.21.0"))["config"]["layers"]
    assert done[0]["config"]["layers"][0] == {"class_name": "BatchNormalization", "config": {"axis": 3}, "name": "n", "inbound_nodes": []}
    assert done[1]["config"]["layer"]["config"] == {"axis": 3}


def test_a_row_begins_at_its_release():
    norm = {"class_name": "BatchNormalization", "config": {"axis": [3]}}
    assert upgraded(norm, Context("2.3.1"))["config"] == {"axis": [3]}  # no such file exists: it is left alone
    assert upgraded(norm, Context("2.2.4-tf"))["config"] == {"axis": 3}  # how tf.keras calls itself
    assert upgraded({"class_name": "BatchNormalization", "config": {"axis": [1, 2]}}, Context("2.15"))["config"] == {"axis": [1, 2]}


@pytest.mark.parametrize("name", ["Policy", "DTypePolicy"])
def test_a_policy_is_its_name(name: str):
    layer = {"class_name": "Dense", "config": {"dtype": {"module": "keras", "class_name": name, "config": {"name": "mixed_float16"}}}}
    assert upgraded(layer, Context("3.1"))["config"] == {"dtype": "mixed_float16"}


def test_a_config_of_the_wrong_kind_is_a_file_error():
    for name, _ in TABLE:
        with pytest.raises(FileError, match=name):
            upgraded({"class_name": name, "config": 3}, Context("3.15"))


def test_nothing_is_changed_in_place():
    config = {"class_name": "BatchNormalization", "config": {"axis": [3]}}
    upgraded(config, Context("2.15"))
    assert config["config"] == {"axis": [3]}
