import copy

import pytest
import torch

from kcompat.errors import ArgumentError, ArgumentTypeError, ShapeError
from kcompat.generations import keras_version_scope
from kcompat.layers.layer_normalization import LayerNormalization
from kcompat.layers.normalization import BatchNormalization, SyncBatchNormalization

X = torch.tensor([1.0, 2.0, 3.0, 6.0])


def trained(generation, shape, batches=(1,), before=None, **arguments):
    """[moving mean, moving variance] after each training step on multiples of X."""
    with keras_version_scope(generation):
        layer = BatchNormalization(momentum=0.5, **arguments)
    found = []
    if before:
        layer.build(shape)
        layer.set_weights([w.numpy() if i < 2 else w.numpy() * 0 + before[i - 2] for i, w in enumerate(layer.weights)])
    for times in batches:
        layer(times * X.reshape(shape), training=True)
        found.append([float(w.flatten()[0]) for w in layer.get_weights()[2:4]])
    return found


@pytest.mark.parametrize(
    ("shape", "axis", "laws"),
    [  # after one step from mean 0, variance 1, as real Keras printed it
        ((4, 1), -1, {"2.2.4": (3.0, 4.66822), "2.3.1": (1.5, 2.83411), "2.15": (1.5, 2.25), "3": (1.5, 2.25)}),
        ((2, 2, 1), -1, {"2.2.4": (3.0, 4.66822), "2.3.1": (1.5, 2.83411), "2.15": (1.5, 2.25), "3": (1.5, 2.25)}),
        ((2, 1, 2, 1), -1, {"2.2.4": (3.0, 6.22430), "2.3.1": (1.5, 3.61215), "2.15": (1.5, 2.83333), "3": (1.5, 2.25)}),
        ((2, 1, 2, 1), 1, {"2.2.4": (3.0, 4.66822), "2.3.1": (1.5, 2.83411), "2.15": (1.5, 2.83333), "3": (1.5, 2.25)}),
    ],
)  # fmt: skip
def test_five_laws_of_the_moving_variance(shape, axis, laws):
    for generation, expected in laws.items():
        assert trained(generation, shape, axis=axis)[0] == pytest.approx(expected, abs=1e-5), generation


def test_debiasing_forgets_what_was_before():
    assert [mean for mean, _ in trained("2.2.4", (4, 1), (1, 2, 3))] == pytest.approx([3.0, 5.0, 7.28571], abs=1e-5)
    assert [mean for mean, _ in trained("2.3.1", (4, 1), (1, 2, 3))] == pytest.approx([1.5, 3.75, 6.375], abs=1e-5)
    assert trained("2.2.4", (4, 1), (1, 1), before=(10, 20)) == [pytest.approx((3.0, 4.66822), abs=1e-4)] * 2
    steps = trained("2.3.1", (4, 1), (1, 1, 1), before=(10, 20))
    assert steps == [pytest.approx(e, abs=1e-4) for e in ((6.5, 12.3341), (4.75, 8.50117), (3.875, 6.58469))]


def test_counters_are_no_weights():
    with keras_version_scope("2.2.4"):
        layer = BatchNormalization()
    layer(X.reshape(4, 1), training=True)
    assert len(layer.weights) == 4
    assert set(layer.state_dict()) == {"gamma", "beta", "moving_mean", "moving_variance"}
    assert copy.deepcopy(layer)._steps.item() == 1


def test_known_values():
    layer = BatchNormalization(momentum=0.0)
    layer(torch.arange(16.0).reshape(2, 2, 2, 2), training=True)
    assert layer.moving_variance.tolist() == pytest.approx([24, 24])
    with keras_version_scope("3"):
        layer = BatchNormalization(momentum=0.0)
    layer(torch.arange(16.0).reshape(2, 2, 2, 2), training=True)
    assert layer.moving_variance.tolist() == pytest.approx([21, 21], rel=1e-5)


def test_one_value_has_no_variance():
    for generation in ("2.2.4", "2.3.1", "2.15", "3"):
        with keras_version_scope(generation):
            layer = BatchNormalization(momentum=0.5)
        assert layer(torch.full((1, 1, 1, 2), 7.0), training=True).flatten().tolist() == pytest.approx([0, 0], abs=1e-5)
        assert layer.moving_variance.tolist() == pytest.approx([0.0 if generation == "2.2.4" else 0.5] * 2, abs=1e-6)


def test_an_empty_batch_moves_nothing():
    layer = BatchNormalization()
    assert layer(torch.zeros(0, 3, 3, 2), training=True).shape == (0, 3, 3, 2)
    assert layer.moving_variance.tolist() == [1, 1]


@pytest.mark.parametrize("generation", ["2.2.4", "2.3.1", "2.15", "3"])
@pytest.mark.parametrize("how", ["trainable", "requires_grad_"])
def test_frozen(generation, how):
    with keras_version_scope(generation):
        layer = BatchNormalization()
    layer(X.reshape(4, 1))
    layer.trainable = False if how == "trainable" else layer.trainable
    layer.requires_grad_(False)
    y = layer(X.reshape(4, 1), training=True).flatten()
    batch, moving = (X - 3) / 3.501**0.5, X / 1.001**0.5
    torch.testing.assert_close(y, batch if generation in ("2.2.4", "2.3.1") else moving)
    assert layer.moving_mean.item() == 0
    assert layer.moving_variance.item() == 1


def test_modes():
    layer = BatchNormalization()
    x = X.reshape(4, 1)
    torch.testing.assert_close(layer(x), x / 1.001**0.5)
    assert layer.moving_mean.item() == 0
    layer.train()
    torch.testing.assert_close(layer(x), (x - 3) / 3.501**0.5)
    assert layer.moving_mean.item() == pytest.approx(0.03)
    layer(x, training=False)
    assert layer.moving_mean.item() == pytest.approx(0.03)


def test_mask_keeps_steps_out_of_the_statistics():
    layer = BatchNormalization(epsilon=0.0, momentum=0.0)
    y = layer(torch.tensor([1.0, 3.0, 100.0]).reshape(1, 3, 1), training=True, mask=torch.tensor([[True, True, False]]))
    assert y.flatten().tolist() == pytest.approx([-1, 1, 98])
    assert [layer.moving_mean.item(), layer.moving_variance.item()] == pytest.approx([2, 1])
    x = X.reshape(2, 2, 1).clone()
    x._keras_mask = torch.tensor([[True, True], [True, False]])
    layer = BatchNormalization(momentum=0.5)
    y = layer(x, training=True)
    assert y.flatten().tolist() == pytest.approx([-1.2238274, 0, 1.2238274, 4.8953094])
    assert layer.moving_variance.item() == pytest.approx(0.8333333)
    assert y._keras_mask is x._keras_mask
    with keras_version_scope("2.3.1"):
        layer = BatchNormalization(momentum=0.5)
    layer(x, training=True)
    assert layer.moving_mean.item() == 1.5  # old Keras ignores the mask


def test_images_and_masks():
    x, mask = X.reshape(2, 2, 1, 1), torch.tensor([[True, True], [True, False]])
    layer = BatchNormalization(momentum=0.5)
    layer(x, training=True, mask=mask)
    assert [layer.moving_mean.item(), layer.moving_variance.item()] == pytest.approx([1.5, 2.8333333])
    with keras_version_scope("3"):
        layer = BatchNormalization(momentum=0.5)
    with pytest.raises(ShapeError, match="`mask` must have one axis less"):
        layer(x, training=True, mask=mask)
    layer(x, training=True, mask=mask[..., None])
    assert layer.moving_mean.item() == pytest.approx(1.0)


def test_renorm_over_three_steps():
    layer = BatchNormalization(momentum=0.5, renorm=True, renorm_momentum=0.9, renorm_clipping={"rmin": 0.5, "rmax": 1.5, "dmax": 0.7})
    outputs = [layer(n * X.reshape(4, 1), training=True).flatten().tolist() for n in (1, 2, 3)]
    assert outputs[0] == pytest.approx([-0.90333855, -0.10166931, 0.7, 3.105008], abs=1e-5)
    assert outputs[2] == pytest.approx([-0.9035419, -0.10177088, 0.7, 3.105313], abs=1e-5)
    state = [float(w.item()) for w in layer.get_weights()]
    assert state == pytest.approx([1, 0, 6.375, 16.814102, 4.100622, 1.683, 1.7785774], rel=1e-5)
    assert [w.name.split("/")[-1] for w in layer.weights] == [
        f"{n}:0" for n in ("gamma", "beta", "moving_mean", "moving_variance", "moving_stddev", "renorm_mean", "renorm_stddev")
    ]  # fmt: skip


def test_configs_say_the_axis_as_the_generation_does():
    for generation, expected in {"2.2.4": -1, "2.3.1": -1, "2.15": [3], "3": -1}.items():
        with keras_version_scope(generation):
            layer = BatchNormalization()
            assert layer.get_config()["axis"] == -1
            layer(torch.zeros(1, 2, 2, 3))
            assert layer.get_config()["axis"] == expected
            assert BatchNormalization.from_config(layer.get_config())(torch.zeros(1, 2, 2, 3)).shape == (1, 2, 2, 3)
    renorm = BatchNormalization(renorm=True).get_config()
    assert (renorm["renorm"], renorm["renorm_clipping"], renorm["renorm_momentum"]) == (True, {}, 0.99)


def test_positional_arguments():
    places = (-1, 0.9, 0.01, True, True, "zeros", "ones", "zeros", "ones", None, None, None, None, True)
    assert BatchNormalization(*places).synchronized is True
    with keras_version_scope("3"):
        layer = BatchNormalization(*places)
    assert (layer.renorm, layer.synchronized) == (True, False)
    assert SyncBatchNormalization().synchronized is True


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: BatchNormalization(axis="a"), ArgumentTypeError, "`axis`.*received 'a'"),
        (lambda: BatchNormalization(axis=5)(X.reshape(4, 1)), ShapeError, r"`axis`.*\[5\].*\(4, 1\)"),
        (lambda: BatchNormalization(axis=[1, -1])(X.reshape(4, 1)), ArgumentError, "twice"),
        (lambda: BatchNormalization(renorm=True, renorm_clipping={"foo": 1}), ArgumentError, "`renorm_clipping`.*foo"),
        (lambda: BatchNormalization(renorm=True, renorm_clipping={"rmin": 2, "rmax": 1}), ArgumentError, "rmin <= rmax"),
        (lambda: BatchNormalization(virtual_batch_size=2), ArgumentError, "`virtual_batch_size` is not supported"),
        (lambda: BatchNormalization(adjustment=print), ArgumentError, "`adjustment` is not supported"),
        (lambda: BatchNormalization(fused=True)(X.reshape(2, 2, 1)), ShapeError, "`fused=True` needs 4 or 5 axes"),
        (lambda: BatchNormalization().build((None, 4, None)), ShapeError, r"`axis` \[2\] must be known"),
        (lambda: LayerNormalization(axis=3)(X.reshape(4, 1)), ShapeError, r"`axis`.*\[3\]"),
    ],
)  # fmt: skip
def test_bad_arguments(make, error, words):
    with pytest.raises(error, match=words):
        make()


def test_keras_3_refuses_several_axes():
    with keras_version_scope("3"), pytest.raises(ArgumentTypeError, match="`axis` must be one integer"):
        BatchNormalization(axis=[1, 2])


def test_layer_normalization_values():
    y = LayerNormalization()(torch.tensor([[0.0, 0.02]]))
    assert y.flatten().tolist() == pytest.approx([-0.301511, 0.301511], abs=1e-6)
    layer = LayerNormalization(rms_scaling=True)
    assert layer(torch.stack([X, torch.tensor([0.0, 1.0, -1.0, 2.0])])).flatten().tolist() == pytest.approx(
        [0.5344462, 1.0688924, 1.6033385, 3.206677, 0, 0.8940696, -0.8940696, 1.7881392]
    )
    assert len(layer.weights) == 1
