"""Merge layers where parity cases cannot look: lower-case functions, what is no number, refusals told in words, graphs and their order."""

from __future__ import annotations

import math

import pytest
import torch

from kcompat import Input, Model, layers
from kcompat.errors import ShapeError
from kcompat.generations import keras_version_scope

A, B = torch.tensor([[1.0, -2.0, 3.0]]), torch.tensor([[4.0, 5.0, -6.0]])


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("add", [[5.0, 3.0, -3.0]]), ("subtract", [[-3.0, -7.0, 9.0]]), ("multiply", [[4.0, -10.0, -18.0]]),
        ("average", [[2.5, 1.5, -1.5]]), ("maximum", [[4.0, 5.0, 3.0]]), ("minimum", [[1.0, -2.0, -6.0]]),
        ("concatenate", [[1.0, -2.0, 3.0, 4.0, 5.0, -6.0]]),
    ],
)  # fmt: skip
def test_a_function_is_its_layer_called_once(name: str, wanted: list[list[float]]):
    function = getattr(layers, name)
    assert function([A, B]).tolist() == wanted
    left, right = Input((3,)), Input((3,))
    model = Model([left, right], function([left, right], name="joined"))
    assert model.layers[-1].name == "joined" and model([A, B]).tolist() == wanted


def test_the_functions_take_the_arguments_of_their_layers():
    assert layers.dot([A, B], axes=1).tolist() == [[4.0 - 10.0 - 18.0]]
    cosine = -24.0 / math.sqrt(14.0 * 77.0)
    assert layers.dot([A, B], axes=1, normalize=True).item() == pytest.approx(cosine, abs=1e-6)
    assert layers.dot([A, B], -1).tolist() == [[-24.0]]
    assert layers.concatenate([A, B], axis=0).tolist() == [*A.tolist(), *B.tolist()]


@pytest.mark.parametrize("name", ["Maximum", "Minimum"])
def test_what_is_no_number_stays_so_whichever_input_holds_it(name: str):
    nan = float("nan")
    joined = getattr(layers, name)()([torch.tensor([[nan, 1.0]]), torch.tensor([[1.0, nan]])])
    assert joined.isnan().all()


def test_the_mean_of_whole_numbers_is_not_cut():
    assert layers.Average()([torch.tensor([[1, 2]]), torch.tensor([[2, 2]])]).tolist() == [[1.5, 2.0]]


def test_sizes_and_batches_that_differ_are_refused_before_anything_is_computed():
    with pytest.raises(ShapeError, match=r"Dot 'd': .*one batch size.*\(2, 3\), \(4, 3\)"):
        layers.Dot(1, name="d")([torch.ones(2, 3), torch.ones(4, 3)])
    with pytest.raises(ShapeError, match=r"Dot 'd': `axes` must be axes behind the batch .* received 0"):
        layers.Dot(0, name="d")([torch.ones(2, 3), torch.ones(2, 3)])
    with pytest.raises(ShapeError, match="Add 'a': the inputs must have one batch size"):
        layers.Add(name="a")([torch.ones(1, 3), torch.ones(4, 3)])


@pytest.mark.parametrize(
    ("version", "order", "wanted"),
    [
        ("2.15", ("value", "key"), ["b", "a", "q"]), ("2.15", ("key", "value"), ["a", "b", "q"]),
        ("3", ("value", "key"), ["a", "b", "q"]), ("3", ("key", "value"), ["a", "b", "q"]),
    ],
)  # fmt: skip
def test_tensors_given_by_keyword_order_the_layers(version: str, order: tuple[str, str], wanted: list[str]):
    """tf_keras walks back along keywords as they were written, Keras 3 in the order of the alphabet (seen by running both)."""
    with keras_version_scope(version):
        q, a, b = Input((4, 6), name="q"), Input((5, 3), name="a"), Input((5, 3), name="b")
        tensors = {"key": layers.Dense(6)(a), "value": layers.Dense(6)(b)}
        heads = layers.MultiHeadAttention(2, 3)
        model = Model([q, a, b], heads(q, **{name: tensors[name] for name in order}))
        assert [layer.name for layer in model.layers[:3]] == wanted
        again = Model.from_config(model.get_config())
        assert [layer.name for layer in again.layers] == [layer.name for layer in model.layers]
