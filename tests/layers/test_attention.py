import math

import pytest
import torch

from kcompat import layers as L
from kcompat import registry
from kcompat.errors import ArgumentError, ArgumentTypeError, ShapeError
from kcompat.files import objects
from kcompat.generations import keras_version_scope
from kcompat.models import Model
from kcompat.tensor import attend as attention

Q, V = torch.ones(2, 3, 4), torch.ones(2, 5, 4)


def heads(**more):
    return L.MultiHeadAttention(**{"num_heads": 2, "key_dim": 3, **more})


@pytest.mark.parametrize(
    ("make", "error", "match"),
    [
        (lambda: heads(num_heads=0), ArgumentError, "MultiHeadAttention: `num_heads` must be an integer not below 1, received 0"),
        (lambda: heads(num_heads=2.5), ArgumentTypeError, "MultiHeadAttention: `num_heads` must be an integer not below 1, received 2.5"),
        (lambda: heads(key_dim=-1), ArgumentError, "`key_dim` must be an integer not below 1, received -1"),
        (lambda: heads(value_dim=0), ArgumentError, "`value_dim` must be an integer not below 1, received 0"),
        (lambda: heads(dropout=1.5), ArgumentError, "`dropout` must be a number from 0 to 1, received 1.5"),
        (lambda: heads(output_shape="a"), ArgumentError, "`output_shape` must be one or several integers not below 1, received 'a'"),
        (lambda: heads(output_shape=(3, 0)), ArgumentError, "`output_shape` must be one or several integers not below 1"),
        (lambda: heads(attention_axes=1.5), ArgumentError, "`attention_axes` must be one or several integers, received 1.5"),
        (lambda: heads(sliding_window=0), ArgumentError, "`sliding_window` must be an integer not below 1, received 0"),
        (lambda: heads(flash_attention=True, dropout=0.1), ArgumentError, "`dropout` must be 0 with `flash_attention`, received 0.1"),
        (lambda: heads(seed="a"), ArgumentError, "MultiHeadAttention: `seed` must be an integer"),
        (
            lambda: L.GroupQueryAttention(3, 4, 3),
            ArgumentError,
            "`num_query_heads` must be a multiple of `num_key_value_heads`, received 4 and 3",
        ),
        (lambda: L.GroupQueryAttention(3, 4, 0), ArgumentError, "`num_key_value_heads` must be an integer not below 1, received 0"),
        (lambda: L.GroupQueryAttention(0, 4, 2), ArgumentError, "`head_dim` must be an integer not below 1, received 0"),
        (lambda: L.Attention(score_mode="cosine"), ArgumentError, "Attention: `score_mode` must be 'dot' or 'concat', received 'cosine'"),
        (lambda: L.Attention(dropout=-1), ArgumentError, "Attention: `dropout` must be a number from 0 to 1, received -1"),
        (lambda: L.AdditiveAttention(seed="a"), ArgumentError, "AdditiveAttention: `seed` must be an integer"),
    ],
)
def test_bad_arguments(make, error, match):
    with pytest.raises(error, match=match):
        make()


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda: heads(name="m")(Q[0], V[0]), ShapeError, "'m'.*`query` must have the shape .batch, steps, ..., size."),
        (lambda: heads()(Q, V[0]), ShapeError, "`key` must have .* rank of `query`"),
        (lambda: heads()(Q, V, V[:, :4]), ShapeError, "the same steps; received shapes .2, 3, 4., .2, 5, 4. and .2, 4, 4."),
        (lambda: heads()(Q, V[:1]), ShapeError, "the same batch"),
        (lambda: heads()(Q), ArgumentTypeError, "a call takes `query` and `value`, received one argument"),
        (
            lambda: heads()(Q, V, mask=None),
            ArgumentTypeError,
            "`query_mask`, `value_mask`, `key_mask` and `attention_mask`, received `mask`",
        ),
        (lambda: heads()(Q, V, None, None, False, None, False, 1, 2, 3), ArgumentTypeError, "at most 7 positional arguments, received 10"),
        (
            lambda: heads()(Q, V, attention_mask=torch.ones(2, 3, 4)),
            ShapeError,
            "`attention_mask`.* must broadcast against the scores .2, 2, 3, 5.",
        ),
        (
            lambda: heads()(Q, V, attention_mask=torch.ones(2, 5)),
            ShapeError,
            "must broadcast against the scores .2, 2, 3, 5., received shape .2, 5.",
        ),
        (lambda: heads()(Q, V, value_mask=torch.ones(2, 3)), ShapeError, "`value_mask` must have the shape .2, 5., received .2, 3."),
        (
            lambda: heads()(Q, V, value_mask=torch.ones(2, 5), attention_mask=torch.ones(2, 3, 4)),
            ShapeError,
            "`attention_mask` must go with the other masks' shape .2, 1, 5., received shape .2, 3, 4.",
        ),
        (
            lambda: heads(attention_axes=4)(Q, V),
            ArgumentError,
            "`attention_axes` must be different axes of a query with 3 axes, received .4,.",
        ),
        (lambda: heads(attention_axes=(1, 1))(Q, V), ArgumentError, "`attention_axes` must be different axes"),
        (lambda: heads(attention_axes=2)(torch.ones(2, 3, 2, 4), torch.ones(2, 4, 2, 4)), ShapeError, "beside the `attention_axes` .2,."),
        (lambda: heads(flash_attention=True)(Q, V, return_attention_scores=True), ArgumentError, "`return_attention_scores` must be False"),
        (lambda: L.GroupQueryAttention(3, 4, 2)(Q[:, None], V[:, None]), ShapeError, "`query` must have the shape .batch, steps, size."),
        (lambda: L.Attention(name="a")([Q]), ArgumentError, "'a'.* a list .query, value. or .query, value, key.*received"),
        (lambda: L.Attention()(Q), ArgumentError, "must be called on a list .query, value."),
        (lambda: L.Attention()([Q, V, V, V]), ArgumentError, "must be called on a list .query, value."),
        (lambda: L.Attention()([Q, V[0]]), ShapeError, "must have the same rank"),
        (lambda: L.Attention()([Q, V[..., :3]]), ShapeError, "query and key must have the same last size"),
        (lambda: L.AdditiveAttention()([Q, V, V[:, :4]]), ShapeError, "value and key must have the same steps"),
        (
            lambda: L.AdditiveAttention()([Q, V[..., :2], V]),
            ShapeError,
            "with `use_scale`, queries and values must have one known last size",
        ),
        (lambda: L.Attention()([Q, V], mask=[None]), ArgumentError, "`mask` must be a list .query mask, value mask., received 1 of them"),
        (
            lambda: L.Attention()([Q, V], mask=torch.ones(2, 3)),
            ArgumentError,
            "`mask` must be a list .query mask, value mask., received Tensor",
        ),
        (
            lambda: L.Attention()([Q, V], mask=[None, torch.ones(2, 3)]),
            ShapeError,
            "the value's entry of `mask` .* .2, 5., received .2, 3.",
        ),
        (
            lambda: L.Attention()([Q, V], mask=[torch.ones(2, 5), None]),
            ShapeError,
            "the query's entry of `mask` .* .2, 3., received .2, 5.",
        ),
    ],
)
def test_bad_calls(call, error, match):
    with pytest.raises(error, match=match):
        call()


def test_attention_by_hand():
    query, value = torch.tensor([[[1.0, 0.0]]]), torch.tensor([[[1.0, 0.0], [0.0, 1.0]]])
    weight = math.e / (math.e + 1)
    found, scores = L.Attention()([query, value], return_attention_scores=True)
    torch.testing.assert_close(scores, torch.tensor([[[weight, 1 - weight]]]))
    torch.testing.assert_close(found, torch.tensor([[[weight, 1 - weight]]]))
    torch.testing.assert_close(L.Attention()([query, value]), found)


def _filled(layer, *inputs):
    layer(*inputs)
    with torch.no_grad():
        for index, weight in enumerate(layer.weights):
            weight.copy_(torch.linspace(-1, 1, weight.numel()).reshape(weight.shape) * (index + 1) / 4)
    return layer


@pytest.mark.parametrize(("version", "row"), [("2.15", "uniform"), ("3", "zeros")])
def test_rows_with_nothing_to_look_at(version, row):
    """As real tf_keras and Keras 3 gave: weights 0.2 each, or 0 each; without scores asked for, the result is that of 0.2 in both."""
    with keras_version_scope(version):
        layer = _filled(heads(), Q, V)
        torch.manual_seed(0)
        x, mask = torch.randn(2, 5, 4), torch.ones(2, 3, 5)
        mask[0, 1] = 0
        _, scores = layer(Q, x, attention_mask=mask, return_attention_scores=True)
        torch.testing.assert_close(scores[0, :, 1], torch.full((2, 5), 0.2 if row == "uniform" else 0.0))
        values = layer.value_dense(x)[0].mean(0)
        torch.testing.assert_close(layer(Q, x, attention_mask=mask)[0, 1], layer.output_dense(values[None, None])[0, 0])


@pytest.mark.parametrize("closed", ["sample", "row"])
def test_the_fused_kernel_has_the_gradients_of_added_masks(closed):
    """A row of -1e9 everywhere is uniform, and its gradient is that of an ordinary softmax."""
    torch.manual_seed(0)
    tensors = [torch.randn(2, 2, 3, 4), torch.randn(2, 2, 5, 4), torch.randn(2, 2, 5, 4)]
    mask = torch.rand(2, 1, 1 if closed == "sample" else 3, 5) > 0.4
    mask[0, :, 0] = False
    weights = torch.randn(2, 2, 3, 4)

    def run(function):
        q, k, v = (t.clone().requires_grad_() for t in tensors)
        found = function(q, k, v)
        return found, *torch.autograd.grad((found * weights).sum(), (q, k, v))

    def by_hand(q, k, v):
        return torch.softmax(q @ k.transpose(-1, -2) * 0.5 + (~mask) * -1e9, -1) @ v

    for ours, theirs in zip(run(lambda q, k, v: attention.attend(q, k, v, mask, "add", 0.5)), run(by_hand), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)


def test_masks_ride():
    x = L.Embedding(9, 4, mask_zero=True)(torch.tensor([[1, 2, 0], [3, 0, 0]]))
    layer = heads()
    out, scores = layer(x, x, return_attention_scores=True)
    assert out._keras_mask.tolist() == [[True, True, False], [True, False, False]]
    assert scores[1, 0, 0].tolist() == [1.0, 0.0, 0.0]
    assert L.Attention()([x, x])._keras_mask.tolist() == [[True, True, False], [True, False, False]]
    symbolic = L.Embedding(9, 4, mask_zero=True)(L.Input((3,)))
    assert heads()(symbolic, symbolic)._keras_mask.shape == (None, 3)


def test_keras3_takes_the_masks_of_the_inputs_away():
    with keras_version_scope("3"):
        x = L.Embedding(9, 4, mask_zero=True)(torch.tensor([[1, 2, 0]]))
        out = heads()(x, x)
    assert out._keras_mask is not None and x._keras_mask is None


def test_fourth_positional_argument():
    mask = torch.tensor([[[True, False, False, False, False]] * 3] * 2)
    layer = heads()
    torch.testing.assert_close(layer(Q, V, V, mask), layer(Q, V, attention_mask=mask))
    with keras_version_scope("3"):
        layer = heads()
    held = torch.tensor([[True, False, True]] * 2)
    torch.testing.assert_close(layer(Q, V, V, held, None, None, mask), layer(Q, V, query_mask=held, attention_mask=mask))


@pytest.mark.parametrize("version", ["2.15", "3"])
def test_config_round_trip_and_build(version):
    with keras_version_scope(version):
        layer = heads(value_dim=5, output_shape=7, attention_axes=1, use_bias=False, kernel_regularizer="l2", name="m")
        layer(torch.ones(2, 3, 4), torch.ones(2, 5, 6))
        twin = registry.deserialize("layer", registry.serialize("layer", layer))
        assert twin.get_config() == layer.get_config()
        if not twin.built:
            twin.build_from_config(layer.get_build_config())
        assert [tuple(w.shape) for w in twin.weights] == [(4, 2, 3), (6, 2, 3), (6, 2, 5), (2, 5, 7)]
        assert layer.get_config()["output_shape"] == ((7,) if version == "3" else 7)
        assert ("query_shape" in layer.get_config()) == (version == "2.15")


@pytest.mark.parametrize("version", ["2.15", "3"])
def test_mixed_precision(version):
    with keras_version_scope(version):
        layer = heads(dtype="mixed_float16")
        mask = torch.ones(2, 3, 5)
        mask[:, 1] = 0
        out, scores = layer(Q, V, attention_mask=mask, return_attention_scores=True)
        assert {out.dtype, scores.dtype, layer(Q, V, attention_mask=mask).dtype} == {torch.float16}
        assert {w.dtype for w in layer.weights} == {torch.float32}
        assert layer(Q, V, attention_mask=mask).isfinite().all()


def test_seeded_dropout_repeats():
    runs = [L.Attention(dropout=0.5, seed=3)([Q, V], training=True) for _ in range(2)]
    torch.testing.assert_close(*runs)
    assert not torch.equal(runs[0], L.Attention(dropout=0.5, seed=4)([Q, V], training=True))


def test_group_attention_is_numbered_in_files_by_the_name_of_the_class():
    """As Keras 3.15 wrote: `layers/grouped_query_attention/_key_dense`, the class in the config being GroupQueryAttention."""
    with keras_version_scope("3"):
        layer = L.GroupQueryAttention(3, 4, 2)
        layer(Q, V)
        x = start = L.Input((5, 4))
        model = Model(start, layer(x, x))
    assert registry.serialize("layer", layer)["class_name"] == "GroupQueryAttention"
    assert "layers/grouped_query_attention/_key_dense" in [path for path, _ in objects.walk(model, "3")]
