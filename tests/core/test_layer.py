"""The contract of a layer: building, weights, calls, masks, training flag, losses, errors, configs."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from torch import nn

from kcompat import config
from kcompat.core import Input, InputSpec, Layer, Variable
from kcompat.layers import Add, BatchNormalization, Concatenate, Dense, Dropout, Flatten, Identity, Lambda, Masking
from kcompat.models import Model, Sequential


class Scale(Layer):
    def __init__(self, factor=2.0, **kwargs):
        self.factor = factor
        super().__init__(**kwargs)

    def build(self, input_shape):
        self.scale = self.add_weight(name="weight", shape=(input_shape[-1],), initializer="ones")
        super().build(input_shape)

    def call(self, inputs):
        return inputs * self.scale * self.factor


class Block(Layer):
    """Layers in a list, made before `super().__init__()` is called."""

    def __init__(self, units=3, **kwargs):
        self.inner = Dense(units)
        super().__init__(**kwargs)
        self.blocks = []
        for _ in range(2):
            self.blocks.append(Dense(units))
        self.named = {"last": Dropout(0.5)}

    def call(self, inputs, training=None):
        inputs = self.inner(inputs)
        for block in self.blocks:
            inputs = block(inputs)
        return self.named["last"](inputs, training=training)


# -- weights --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "make",
    [
        lambda layer: layer.add_weight("k", (2, 3), None, "ones", None, True, None),
        lambda layer: layer.add_weight((2, 3), "ones", None, True, name="k"),
        lambda layer: layer.add_weight(shape=(2, 3), initializer="ones", name="k"),
    ],
)
def test_add_weight_in_both_orders(make) -> None:
    layer = Layer(name="l")
    weight = make(layer)
    assert isinstance(weight, Variable)
    assert isinstance(weight, nn.Parameter)
    assert weight.numpy().tolist() == [[1, 1, 1]] * 2
    assert (weight.name, weight.path) == ("l/k:0", "l/k")
    assert dict(layer.named_parameters()).keys() == {"k"}


def test_variable_methods() -> None:
    weight = Layer().add_weight("k", (2,), initializer="zeros")
    assert weight.assign([1, 2]) is weight
    weight.assign_add([1, 1]).assign_sub(torch.tensor([0.5, 0.0]))
    assert weight.numpy().tolist() == [1.5, 3.0]
    with pytest.raises(ValueError, match=r"of shape \(2,\) cannot be assigned a `value` of shape \(3,\)"):
        weight.assign([1, 2, 3])
    assert weight.numpy().tolist() == [1.5, 3.0]
    assert np.asarray(weight).tolist() == [1.5, 3.0]


def test_memory_order_changes_strides_only() -> None:
    layer = Layer()
    weight = layer.add_weight("k", (2, 3, 4, 5), initializer="glorot_uniform", memory_order=(3, 0, 1, 2))
    assert tuple(weight.shape) == (2, 3, 4, 5)
    assert weight.permute(3, 0, 1, 2).is_contiguous()
    for twin in (copy.deepcopy(layer), layer.half()):
        assert twin.k.permute(3, 0, 1, 2).is_contiguous()


def test_attribute_name_is_the_key() -> None:
    layer = Scale()
    layer(torch.ones(1, 3))
    assert list(layer.state_dict()) == ["scale"]
    assert layer.scale.name == "scale/weight:0"
    assert list(dict(copy.deepcopy(layer).named_parameters())) == ["scale"]


def test_sublayers_in_lists_and_dicts() -> None:
    block = Block(units=4)
    x = torch.randn(2, 4)
    block(x)
    keys = [f"{m}.{w}" for m in ("inner", "blocks.0", "blocks.1") for w in ("kernel", "bias")]
    assert list(block.state_dict()) == keys
    twin = copy.deepcopy(block)
    torch.testing.assert_close(twin(x), block(x))
    twin.blocks.append(Dense(2))
    assert tuple(twin(x).shape) == (2, 2)
    assert "blocks.2.kernel" in twin.state_dict()
    assert (block(x, training=True) == 0).any()
    torch._dynamo.reset()
    torch.testing.assert_close(torch.compile(block, fullgraph=True, backend="aot_eager")(x), block(x))
    block.blocks.pop()
    assert "blocks.1.kernel" not in block.state_dict()
    block.blocks = None
    assert "blocks.0.kernel" not in block.state_dict()


def test_set_weights_is_all_or_nothing() -> None:
    layer = Dense(3, name="d")
    layer.build((None, 2))
    before = layer.get_weights()
    with pytest.raises(ValueError, match=r"`set_weights` of layer 'd'.*list of 2 arrays of shapes \[\(2, 3\), \(3,\)\], received 1 arrays"):
        layer.set_weights([before[0]])
    with pytest.raises(ValueError, match=r"'d/bias' has the shape \(3,\), received an array of shape \(4,\)"):
        layer.set_weights([before[0] + 1, np.zeros(4)])
    for a, b in zip(before, layer.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    layer.set_weights([before[0] + 1, before[1]])
    np.testing.assert_array_equal(layer.get_weights()[0], before[0] + 1)


def test_a_failed_build_leaves_nothing() -> None:
    class Bad(Layer):
        def build(self, input_shape):
            self.k = self.add_weight("k", (1,))
            raise ValueError("no")

    layer = Bad()
    with pytest.raises(ValueError, match="no"):
        layer(torch.ones(1, 1))
    assert not layer.built
    assert layer.weights == []


def test_count_params_needs_a_built_layer() -> None:
    with pytest.raises(ValueError, match="`count_params` of layer 'd'"):
        Dense(2, name="d").count_params()


# -- training flag --------------------------------------------------------------------------------------------------------


def test_training_flag() -> None:
    x = torch.ones(64, 8)
    drop = Dropout(0.5)

    def dropped(outputs: torch.Tensor) -> bool:
        return bool((outputs == 0).any())

    assert not dropped(drop(x))
    assert dropped(drop(x, training=True))
    drop.train()
    assert dropped(drop(x))
    assert not dropped(drop(x, training=False))
    model = Sequential([Input((8,)), Dropout(0.5)])
    assert not dropped(model(x))
    assert dropped(model(x, training=True)), "a flag given to a call holds for everything under that call"
    assert not dropped(model(x))
    graph_input = Input((8,))
    always = Model(graph_input, Dropout(0.5)(graph_input, training=True))
    assert dropped(always(x, training=False)), "a flag given to a symbolic call stays with that call"


def test_mode_follows_the_parent() -> None:
    inner = Dense(2)
    assert not inner.training
    assert nn.Sequential(inner)[0].training
    torch_inside = nn.Dropout(0.5)

    class Net(Model):
        def __init__(self):
            super().__init__()
            self.drop = torch_inside

        def call(self, x):
            return self.drop(x)

    net = Net()
    assert not torch_inside.training
    parent = nn.ModuleDict({"net": net})
    assert torch_inside.training
    parent.eval()
    assert not torch_inside.training


def test_requires_grad_is_trainable() -> None:
    model = Sequential([Input((3,)), Dense(2), BatchNormalization()])
    assert len(model.trainable_weights) == 4
    model.layers[0].requires_grad_(False)
    assert not model.layers[0].trainable
    assert len(model.trainable_weights) == 2
    model.trainable = True
    assert all(p.requires_grad for p in model.parameters())
    model.layers[1].trainable = False
    assert not model.layers[1].gamma.requires_grad


# -- masks ------------------------------------------------------------------------------------------------------------------


def _masked() -> torch.Tensor:
    x = torch.ones(2, 3, 4)
    x[0, 1:] = 0
    return Masking()(x)


def test_masks_ride_on_tensors() -> None:
    x = _masked()
    assert x._keras_mask.tolist() == [[True, False, False], [True, True, True]]
    assert Dense(2)(x)._keras_mask is x._keras_mask
    assert getattr(Flatten()(x), "_keras_mask", None) is None
    assert getattr(Lambda(lambda t: t)(x), "_keras_mask", None) is None
    assert x._keras_mask is not None, "a layer that returns its input without the mask leaves the input alone"


@pytest.mark.parametrize(("version", "raises"), [("2.2", True), ("2.3", True), ("2.15", False), ("3", False)])
def test_a_mask_where_none_is_supported(version: str, raises: bool) -> None:
    config.set_keras_version(version)
    x = _masked()
    symbolic = Masking()(Input((3, 4)))
    if raises:
        for t in (x, symbolic):
            with pytest.raises(TypeError, match=r"Layer 'flat' \(Flatten\) does not support masking"):
                Flatten(name="flat")(t)
    else:
        assert getattr(Flatten()(x), "_keras_mask", None) is None
        assert Flatten()(symbolic)._keras_mask is None


@pytest.mark.parametrize(("version", "joined"), [("2.2", [[1, 0, 0]]), ("2.15", [[1, 0, 0]]), ("3", [[1, 1, 1]])])
def test_masks_through_merges(version: str, joined: list[list[int]]) -> None:
    config.set_keras_version(version)
    a, b = torch.zeros(1, 3, 2), torch.zeros(1, 3, 2)
    a[0, :2], b[0, 0], b[0, 2] = 1, 1, 1
    assert Add()([Masking()(a), Masking()(b)])._keras_mask.int().tolist() == joined
    assert Concatenate()([Masking()(a), Masking()(b)])._keras_mask.int().tolist() == joined


def test_masks_through_models() -> None:
    i = Input((3, 4))
    outputs = Identity()(Dense(2)(Masking()(i)))
    inner = Model(i, Dense(2)(Masking()(i)))
    x = torch.ones(2, 3, 4)
    x[0, 1:] = 0
    assert inner(x)._keras_mask.tolist() == [[True, False, False], [True, True, True]]
    outer_input = Input((3, 4))
    outer = Model(outer_input, Dense(3)(inner(outer_input)))
    assert outer(x)._keras_mask.tolist() == inner(x)._keras_mask.tolist()
    assert outer.output._keras_mask.shape == (None, 3)
    assert outputs._keras_mask is None, "tf.keras' Identity drops masks"


# -- losses -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("version", "expected"), [("2.2", 2.4), ("2.15", 0.6), ("3", 0.6)])
def test_activity_regularization_is_scaled_by_the_generation(version: str, expected: float) -> None:
    config.set_keras_version(version)
    layer = Dense(6, kernel_initializer="ones", activity_regularizer="l1")
    layer.activity_regularizer.l1 = 0.1
    layer(torch.ones(4, 1))
    assert [round(float(loss.detach()), 6) for loss in layer.losses] == [expected]
    layer(torch.ones(4, 1))
    assert len(layer.losses) == 1, "the losses are those of the last call"


def test_add_loss_and_metric() -> None:
    class Noted(Layer):
        def call(self, inputs):
            self.add_loss(inputs.sum())
            self.add_metric(inputs.mean(), name="mean_input")
            return inputs

    model = Sequential([Input((2,)), Noted(), Noted()])
    model(torch.ones(3, 2))
    assert [float(loss) for loss in model.losses] == [6.0, 6.0]
    assert [m.name for m in model.metrics] == ["mean_input", "mean_input"]
    i = Input((2,))
    graph = Model(i, Dense(1)(i))
    graph.add_loss(torch.sum(i) * 2)
    graph.add_metric(torch.mean(i), name="mean")
    assert tuple(graph(torch.ones(3, 2)).shape) == (3, 1)
    assert [float(loss) for loss in graph.losses] == [12.0]
    assert [float(m.result()) for m in graph.metrics] == [1.0]
    with pytest.raises(TypeError, match="`add_loss` of layer 'l'"):
        Layer(name="l").add_loss("mse")


# -- inputs -----------------------------------------------------------------------------------------------------------------


def test_arrays_numbers_and_dtypes() -> None:
    layer = Dense(2)
    assert layer(np.ones((3, 4))).dtype is torch.float32
    assert layer([[1, 2, 3, 4]]).dtype is torch.float32
    assert layer(torch.ones(3, 4, dtype=torch.float64)).dtype is torch.float32
    assert Dense(2, dtype="float64")(np.ones((3, 4))).dtype is torch.float64
    mixed = Dense(2, dtype="mixed_bfloat16")
    assert mixed(torch.ones(3, 4)).dtype is torch.bfloat16
    assert mixed.kernel.dtype is torch.float32
    assert (mixed.dtype, mixed.compute_dtype) == ("float32", "bfloat16")
    mixed(torch.ones(3, 4)).sum().backward()
    assert mixed.kernel.grad.dtype is torch.float32
    torch._dynamo.reset()
    assert torch.compile(mixed, fullgraph=True, backend="aot_eager")(torch.ones(3, 4)).dtype is torch.bfloat16
    config.set_floatx("float64")
    assert Dense(2)(np.ones((3, 4))).dtype is torch.float64
    with pytest.raises(TypeError, match="dtype <U1 cannot become a tensor"):
        layer(np.array([["a"]]))


@pytest.mark.parametrize("bad", [None, "abc", object()])
def test_what_is_no_tensor_is_refused(bad) -> None:
    layer = Dense(2, name="d")
    for _ in range(2):
        with pytest.raises(TypeError, match=rf"'d' \(Dense\) must be .* received {type(bad).__name__}"):
            layer(bad)
        layer.build((None, 3))
    with pytest.raises(TypeError, match="must be called with `inputs`"):
        layer()


def test_weights_live_where_the_first_input_does() -> None:
    layer = Dense(2)
    assert layer(torch.ones(1, 3, device="meta")).device.type == "meta"
    assert layer.kernel.device.type == "meta"
    with torch.device("meta"):
        model = Sequential([Input((4,)), Dense(3)])
    assert model.layers[0].kernel.is_meta
    assert isinstance(model.to_empty(device="cpu").layers[0].kernel, Variable)


def test_a_parameter_put_in_place_of_a_weight() -> None:
    layer = Dense(2, name="d")
    layer.build((None, 3))
    own = nn.Parameter(torch.zeros(3, 2))
    layer.kernel = own
    assert layer.kernel is own
    assert layer.kernel.path == "d/kernel"
    state = {k: torch.ones_like(v) for k, v in layer.state_dict().items()}
    layer.load_state_dict(state, assign=True)
    assert isinstance(layer.kernel, Variable)
    assert float(layer.kernel.detach().sum()) == 6
    with pytest.raises(TypeError, match="cannot assign"):
        layer.kernel = torch.ones(3, 2)


def test_first_call_may_be_a_compiled_one() -> None:
    model = Sequential([Input((4,)), Dense(3), BatchNormalization(), Dropout(0.5)]).train()
    torch._dynamo.reset()
    before = model.layers[1].moving_mean.numpy().copy()
    torch.compile(model, fullgraph=True, backend="aot_eager")(torch.randn(8, 4)).sum().backward()
    assert abs(model.layers[1].moving_mean.numpy() - before).max() > 0


def test_autocast_is_left_to_torch() -> None:
    model = Sequential([Input((4,)), Dense(3), Dense(2)])
    with torch.autocast("cpu", torch.bfloat16):
        assert model(torch.ones(2, 4)).dtype is torch.bfloat16


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda d: d(torch.ones(3)), r"layer 'd' \(Dense\).*expected min_ndim=2, found ndim=1"),
        (lambda d: d(torch.ones(2, 5)), r"expected axis -1 to have value 4. Full shape received: \(2, 5\)"),
        (lambda d: d(Input((5,))), r"expected axis -1 to have value 4. Full shape received: \(None, 5\)"),
    ],
)
def test_wrong_shapes(call, message: str) -> None:
    layer = Dense(2, name="d")
    layer.build((None, 4))
    with pytest.raises(ValueError, match=message):
        call(layer)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: Dense(-1), ValueError, r"Dense: `units` must be an integer not below 1, received -1"),
        (lambda: Dense("a"), TypeError, r"Dense: `units` must be an integer"),
        (lambda: Dense(2, activation="rellu"), ValueError, r"Unknown activation: 'rellu'. Did you mean 'relu'"),
        (lambda: Dense(2, kernel_initializer="glorot"), ValueError, r"Unknown initializer: 'glorot'. Did you mean 'glorot_"),
        (lambda: Dense(2, foo=1), TypeError, r"Dense 'dense': unknown keyword argument `foo`; a layer takes `units`"),
        (lambda: Dense(2, foo=1), ValueError, r"unknown keyword argument `foo`"),
        (lambda: Dense(2, name=3), TypeError, r"`name` of a Dense must be a string, received 3"),
        (lambda: Dense(2, dtype="float31"), ValueError, r"float31"),
        (lambda: Layer().add_weight("k", (None, 2)), ValueError, r"the weight `k` cannot have the shape \(None, 2\)"),
        (lambda: Input(), ValueError, r"An Input needs `shape`"),
        (lambda: Input("a"), ValueError, r"`shape` of an Input must be a tuple of sizes"),
        (lambda: InputSpec(ndim=2, axes={3: 1}), ValueError, r"axis beyond 1"),
    ],
)
def test_wrong_arguments(make, error: type, message: str) -> None:
    with pytest.raises(error, match=message):
        make()


# -- names and configs --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("version", "names", "weight"),
    [
        ("2.2", ["dense_1", "dense_2", "input_1", "model_1"], "dense_1/kernel:0"),
        ("2.15", ["dense", "dense_1", "input_1", "model"], "dense/kernel:0"),
        ("3", ["dense", "dense_1", "input_layer", "functional"], "kernel"),
    ],
)
def test_automatic_names(version: str, names: list[str], weight: str) -> None:
    config.set_keras_version(version)
    first, second = Dense(2), Dense(2)
    i = Input((3,))
    model = Model(i, second(first(i)))
    assert [first.name, second.name, model.layers[0].name, model.name] == names
    assert first.kernel.name == weight


def test_config_of_a_layer_without_get_config() -> None:
    twin = Scale.from_config(Scale(factor=3.0, name="s").get_config())
    assert (twin.factor, twin.name) == (3.0, "s")
    with pytest.raises(ValueError, match=r"'s' \(Scale\) cannot be written as a config: its argument `factor` is no plain data"):
        Scale(factor=torch.ones(1), name="s").get_config()


def test_shapes_found_by_running() -> None:
    class Halves(Layer):
        def call(self, x):
            b, t, f = x.shape
            return x.view(b, t, 2, f // 2).transpose(1, 2), x.mean((1, 2))

    i = Input((None, 6))
    halves, mean = Halves()(i)
    assert halves.shape == (None, 2, None, 3)
    assert mean.shape == (None,)
    assert Halves().compute_output_shape((5, 7, 6)) == ((5, 2, 7, 3), (5,))


def test_names_of_weights_below() -> None:
    class Outer(Layer):
        def __init__(self):
            super().__init__(name="outer")
            self.block = Dense(2, name="inner")

        def call(self, x):
            return self.block(x)

    for make in (lambda layer: layer(torch.ones(1, 3)), lambda layer: layer(Input((3,)))):
        layer = Outer()
        make(layer)
        assert [w.name for w in layer.weights] == ["outer/inner/kernel:0", "outer/inner/bias:0"]


def test_the_flag_that_call_gets() -> None:
    seen = []

    class Noted(Layer):
        def call(self, inputs, training=None):
            seen.append(training)
            return inputs

    class On(Noted):
        def call(self, inputs, training=True):
            return super().call(inputs, training)

    layer, x = Noted(), torch.ones(1)
    layer(x)
    layer.train()
    layer(x)
    layer(x, training=False)
    assert seen == [False, True, False]
    seen.clear()
    on = On()
    on(x)
    Sequential([on])(x, training=False)
    assert (seen[0], seen[-1]) == (True, False)
