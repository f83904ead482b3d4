"""Functional, Sequential and subclassed models: wiring, structures, shared layers, nesting, configs, copies."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
import torch
from torch import nn

from kcompat import config
from kcompat.core import Layer
from kcompat.layers import Add, BatchNormalization, Concatenate, Dense, Dropout, Flatten, Input, Lambda, Masking, Reshape
from kcompat.models import Functional, Model, Sequential, clone_model, model_from_config, model_from_json
from kcompat.tree import flatten


def _same(a, b) -> None:
    for x, y in zip(flatten(a), flatten(b), strict=True):
        torch.testing.assert_close(x, y)


# -- structures -----------------------------------------------------------------------------------------------------------


def test_inputs_and_outputs_in_any_structure() -> None:
    a, b = Input((3,), name="a"), Input((4,), name="b")
    joined = Concatenate()([a, b])
    one, two = Dense(2, name="one")(joined), Dense(5, name="two")(joined)
    x, y = torch.randn(6, 3), torch.randn(6, 4)
    listed = Model([a, b], [one, two])
    first, second = listed([x, y])
    _same(listed({"a": x, "b": y}), [first, second])
    _same(listed((x, y)), [first, second])
    keyed = Model({"b": b, "a": a}, {"second": two, "first": one})
    out = keyed({"a": x, "b": y, "unused": y})
    assert list(out) == ["second", "first"]
    _same([out["first"], out["second"]], [first, second])
    nested = Model([a, [b]], (one, {"deep": [two]}))
    result = nested([x, [y]])
    assert isinstance(result, tuple)
    _same([result[0], result[1]["deep"][0]], [first, second])
    assert keyed.output_names == ["one", "two"]
    assert listed.input_names == ["a", "b"]
    with pytest.raises(ValueError, match=r"takes 2 inputs \['a', 'b'\], received 1"):
        listed(x)
    with pytest.raises(ValueError, match=r"the dict it was given lacks \['b'\]"):
        listed({"a": x})


def test_legacy_keywords_and_wrong_graphs() -> None:
    i = Input((3,))
    o = Dense(2)(i)
    assert isinstance(Model(input=i, output=o), Functional)
    assert Model(i, o, name="m").name == "m"
    with pytest.raises(ValueError, match="Graph disconnected"):
        Model(Input((3,)), o)
    with pytest.raises(TypeError, match="`inputs` must be symbolic tensors"):
        Model(torch.ones(2), o)
    with pytest.raises(ValueError, match="needs both `inputs` and `outputs`"):
        Model(inputs=i)
    with pytest.raises(ValueError, match="must be there once"):
        Model([i, i], o)


def test_an_input_is_an_output() -> None:
    i = Input((3,))
    model = Model(i, [i, Dense(2)(i)])
    x = torch.randn(2, 3)
    _same(model(x)[0], x)


def test_inputs_take_the_rank_and_kind_of_the_model() -> None:
    i = Input((1,))
    model = Model(i, Dense(2)(i))
    assert tuple(model(torch.ones(5)).shape) == (5, 2)
    assert model(np.ones((5, 1), "int64")).dtype is torch.float32


# -- shared layers, nodes ----------------------------------------------------------------------------------------------------


def test_shared_layers_have_several_nodes() -> None:
    dense = Dense(4, name="shared")
    a, b = Input((3,), name="a"), Input((3,), name="b")
    first, second = dense(a), dense(b)
    assert dense.get_output_at(0) is first
    assert dense.get_output_at(1) is second
    assert dense.get_input_at(1) is b
    assert dense.output_shape == (None, 4)
    assert dense.get_input_shape_at(0) == (None, 3)
    assert dense.get_output_shape_at(1) == (None, 4)
    assert dense.get_input_mask_at(0) is None
    assert dense.get_output_mask_at(0) is None
    with pytest.raises(AttributeError, match="output"):  # of Keras' kind, so that `hasattr` and `except AttributeError` work
        dense.output  # noqa: B018
    with pytest.raises(ValueError, match="`node_index` 2 names no input"):
        dense.get_input_at(2)
    model = Model([a, b], Add()([first, second]))
    assert len(model.weights) == 2
    x, y = torch.randn(2, 3), torch.randn(2, 3)
    _same(model([x, y]), dense(x) + dense(y))
    sub = Model(a, dense.get_output_at(0))
    _same(sub(x), dense(x))
    assert not hasattr(Dense(2), "output")
    with pytest.raises(ValueError, match="has never been called on a symbolic tensor"):
        Dense(2).get_output_at(0)


def test_masks_of_nodes() -> None:
    i = Input((5, 3))
    masked = Masking()(i)
    dense = Dense(2)
    dense(masked)
    assert dense.get_input_mask_at(0).shape == (None, 5)
    assert dense.output_mask.shape == (None, 5)
    assert dense.input_mask.dtype is torch.bool


def test_torch_functions_and_operators_become_nodes() -> None:
    i = Input((4, 3))
    h = torch.relu(i) * 2 - 1 / (1 + torch.exp(-i))
    h = torch.nn.functional.pad(h[:, 1:], (0, 1))
    h = torch.cat([h, h.mean(-1, keepdim=True), torch.ones(1, 3, 1).expand(1, 3, 1) + h[..., :1] * 0], -1)
    model = Model(i, h.reshape(h.shape[0], -1))
    x = torch.randn(5, 4, 3)
    t = torch.relu(x) * 2 - torch.sigmoid(x)
    t = nn.functional.pad(t[:, 1:], (0, 1))
    t = torch.cat([t, t.mean(-1, keepdim=True), torch.ones(5, 3, 1)], -1).reshape(5, -1)
    torch.testing.assert_close(model(x), t)
    assert model.output_shape == (None, 18)
    _same(copy.deepcopy(model)(x), t)
    assert not list(model.state_dict()), "constants of the graph are no state"
    assert model.to(torch.float64)._buffers["constant_0"].dtype is torch.float64
    with pytest.raises(ValueError, match="A parameter of shape"):
        nn.Linear(3, 2)(i)
    with pytest.raises(TypeError, match="has no value to branch on"):
        bool(i.sum() > 0)


# -- nesting -----------------------------------------------------------------------------------------------------------------


def _inner() -> Model:
    i = Input((3,))
    return Model(i, BatchNormalization()(Dense(4)(i)), name="inner")


@pytest.mark.parametrize("version", ["2.2", "2.15", "3"])
def test_nested_models_round_trip(version: str) -> None:
    config.set_keras_version(version)
    inner = _inner()
    a, b = Input((3,)), Input((3,))
    outer = Model([a, b], Dense(2, name="out")(Add()([inner(a), inner(b)])))
    x, y = torch.randn(5, 3), torch.randn(5, 3)
    expected = outer([x, y])
    twin = model_from_json(outer.to_json())
    twin.set_weights(outer.get_weights())
    _same(twin([x, y]), expected)
    assert twin.get_layer("inner").get_layer(index=1).units == 4
    other = clone_model(outer)
    other.load_state_dict(outer.state_dict())
    _same(other([x, y]), expected)


@pytest.mark.parametrize(("version", "order"), [("2.2", "gbkc"), ("2.15", "kcgb"), ("3", "kcgb")])
def test_order_of_weights(version: str, order: str) -> None:
    config.set_keras_version(version)
    i = Input((3,))
    model = Model(i, Dense(2, use_bias=False)(BatchNormalization()(i)))
    names = ["gamma", "beta", "kernel", "mean", "var"] if version == "2.2" else ["gamma", "beta", "mean", "var", "kernel"]
    short = [w.path.split("/")[-1].replace("moving_", "").replace("variance", "var") for w in model.weights]
    assert short == names
    by_layer = [tuple(a.shape) for a in model.get_weights()]
    assert by_layer == [(3,), (3,), (3,), (3,), (3, 2)], "get_weights goes layer by layer in every generation"
    values = [np.full(shape, n, "float32") for n, shape in enumerate(by_layer)]
    model.set_weights(values)
    for got, want in zip(model.get_weights(), values, strict=True):
        np.testing.assert_array_equal(got, want)


def test_feature_extractor_of_a_copy() -> None:
    i = Input((3,))
    model = Model(i, Dense(2, name="top")(Dense(5, activation="relu", name="features")(i)))
    x = torch.randn(4, 3)
    for twin in (model, copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        features = Model(twin.input, twin.get_layer("features").output)
        _same(features(x), model.get_layer("features")(x))
    assert copy.deepcopy(model).get_layer("features").kernel.name == "features/kernel:0"


def test_deep_models_can_be_copied() -> None:
    model = Sequential([Input((4,)), *(Dense(4) for _ in range(300))])
    x = torch.randn(2, 4)
    _same(pickle.loads(pickle.dumps(model))(x), model(x))
    _same(copy.deepcopy(model)(x), model(x))


# -- Sequential ----------------------------------------------------------------------------------------------------------------


def test_deferred_building() -> None:
    model = Sequential([Dense(3), Dropout(0.5), Dense(2)])
    assert not model.built
    assert model.weights == []
    with pytest.raises(ValueError, match="has no weights yet"):
        model.count_params()
    x = torch.randn(6, 4)
    assert tuple(model(x).shape) == (6, 2)
    assert model.built
    assert tuple(model(torch.randn(3, 4)).shape) == (3, 2)
    built = Sequential([Dense(3)])
    built.build((None, 4))
    assert built.output_shape == (None, 3)


def test_add_and_pop() -> None:
    model = Sequential()
    model.add(Input((4,)))
    model.add(Dense(3, name="a"))
    model.add(Dense(2, name="b"))
    assert model.output_shape == (None, 2)
    assert model.pop().name == "b"
    assert model.output_shape == (None, 3)
    assert list(model.state_dict()) == ["a.kernel", "a.bias"]
    with pytest.raises(ValueError, match="already has a layer called 'a'"):
        model.add(Dense(2, name="a"))
    with pytest.raises(TypeError, match="takes layers, received 3"):
        model.add(3)
    with pytest.raises(ValueError, match="`target_shape`"):
        model.add(Reshape((7,)))
    assert [layer.name for layer in model.layers] == ["a"]
    assert model.output_shape == (None, 3)
    with pytest.raises(TypeError, match="no layers to pop"):
        Sequential().pop()


@pytest.mark.parametrize(
    "first",
    [
        lambda: [Dense(3, input_shape=(4,))],
        lambda: [Dense(3, input_dim=4)],
        lambda: [Dense(3, batch_input_shape=(None, 4))],
        lambda: [Input((4,)), Dense(3)],
        lambda: [Sequential([Dense(3, input_shape=(4,))])],
    ],
)
def test_ways_to_tell_the_input(first) -> None:
    model = Sequential([*first(), Dense(2)])
    assert (model.input_shape, model.output_shape) == ((None, 4), (None, 2))
    twin = Sequential.from_config(model.get_config())
    assert twin.output_shape == (None, 2)


def test_torch_modules_in_a_sequential() -> None:
    model = Sequential([Input((4,)), nn.Linear(4, 3), nn.ReLU(), Dense(2)])
    assert model.output_shape == (None, 2)
    assert len(model.trainable_weights) == 4
    x = torch.randn(2, 4)
    model(x).sum().backward()
    assert all(p.grad is not None for p in model.parameters())


# -- subclasses ------------------------------------------------------------------------------------------------------------------


class Net(Model):
    def __init__(self, units=3, **kwargs):
        super().__init__(**kwargs)
        self.first = Dense(units, activation="relu")
        self.drop = Dropout(0.5)
        self.last = Dense(2)

    def call(self, inputs, training=None):
        return self.last(self.drop(self.first(inputs), training=training))


def test_subclassed_model() -> None:
    net = Net()
    x = torch.randn(8, 4)
    assert tuple(net(x).shape) == (8, 2)
    assert [layer.name for layer in net.layers] == ["dense", "dropout", "dense_1"]
    assert list(net.state_dict()) == ["first.kernel", "first.bias", "last.kernel", "last.bias"]
    twin = Net()
    twin(x)
    twin.load_state_dict(net.state_dict())
    _same(twin(x), net(x))
    i = Input((4,))
    assert Model(i, net(i)).output_shape == (None, 2)
    assert model_from_config({"class_name": "Net", "config": net.get_config()}, {"Net": Net}).first.units == 3
    with pytest.raises(ValueError, match="needs a `call"):
        Model()(x)


def test_build_of_a_subclass_makes_the_weights() -> None:
    net = Net()
    net.build((None, 4))
    assert [tuple(w.shape) for w in net.weights] == [(4, 3), (3,), (3, 2), (2,)]
    assert net.count_params() == 23
    assert tuple(net(torch.ones(5, 4)).shape) == (5, 2)


def test_sparse_inputs() -> None:
    i = Input((4,), sparse=True)
    model = Model(i, Dense(3)(i))
    x = torch.tensor([[0.0, 1, 0, 2], [0, 0, 0, 3]])
    _same(model(x.to_sparse()), model(x))


def test_subclass_with_a_graph() -> None:
    class Own(Model):
        def __init__(self):
            i = Input((3,))
            super().__init__(inputs=i, outputs=Dense(2)(i), name="own")

        def describe(self) -> str:
            return f"{self.name} has {len(self.layers)} layers"

    own = Own()
    assert own.describe() == "own has 2 layers"
    assert tuple(own(torch.ones(4, 3)).shape) == (4, 2)
    _same(copy.deepcopy(own)(torch.ones(1, 3)), own(torch.ones(1, 3)))


# -- torch -------------------------------------------------------------------------------------------------------------------------


def test_state_dict_keys_do_not_depend_on_the_instance() -> None:
    def make() -> Model:
        i = Input((3,))
        return Model(i, Dense(2)(BatchNormalization()(Dense(4, name="named")(i))))

    first, second = make(), make()
    keys = ["named.kernel", "named.bias", "batch_normalization.gamma", "batch_normalization.beta"]
    assert list(first.state_dict()) == list(second.state_dict())
    assert list(first.state_dict())[:4] == keys
    assert [n for n, _ in first.named_buffers()] == ["batch_normalization.moving_mean", "batch_normalization.moving_variance"]
    second.load_state_dict(first.state_dict())


def test_a_replaced_module_is_used() -> None:
    model = Sequential([Input((3,)), Dense(2, name="a"), Dense(2, name="b")])

    class Doubled(nn.Module):
        def __init__(self, inner):
            super().__init__()
            self.inner = inner

        def forward(self, x):
            return 2 * self.inner(x)

    x = torch.randn(2, 3)
    before = model(x)
    model.b = Doubled(model.b)
    _same(model(x), 2 * before)


def test_hooks_on_inner_layers_run() -> None:
    i = Input((3,))
    model = Model(i, Dense(2)(Dense(4, name="mid")(i)))
    seen = []
    model.get_layer("mid").register_forward_hook(lambda m, a, out: seen.append(tuple(out.shape)))
    model(torch.ones(5, 3))
    assert seen == [(5, 4)]


def test_torch_optimizer_and_plain_parent() -> None:
    class Plain(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = Sequential([Input((3,)), Dense(4, activation="relu")])
            self.head = nn.Linear(4, 1)

        def forward(self, x):
            return self.head(self.body(x))

    torch.manual_seed(0)
    plain = Plain()
    optimizer = torch.optim.Adam(plain.parameters(), lr=0.05)
    x = torch.randn(32, 3)
    y = x.sum(1, keepdim=True)
    losses = []
    for _ in range(60):
        loss = nn.functional.mse_loss(plain(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.2 * losses[0]


def test_summary() -> None:
    lines: list[str] = []
    model = Sequential([Input((4,)), Dense(3, name="wide"), BatchNormalization(name="bn"), Flatten(name="flat")], name="net")
    model.summary(print_fn=lines.append)
    text = "\n".join(lines)
    assert 'Model: "net"' in text
    for part in ("wide (Dense)", "(None, 3)", "15", "Total params: 27", "Trainable params: 21", "Non-trainable params: 6"):
        assert part in text
    with pytest.raises(ValueError, match="is not built yet"):
        Net().summary()


def test_clone_with_functions_and_lambdas() -> None:
    i = Input((3,))
    model = Model(i, Lambda(lambda t: t + 1)(torch.relu(Dense(2, name="d")(i))))
    clone = clone_model(model)
    clone.set_weights(model.get_weights())
    x = torch.randn(2, 3)
    _same(clone(x), model(x))
    frozen = clone_model(model, clone_function=lambda layer: type(layer).from_config({**layer.get_config(), "trainable": False}))
    assert frozen.trainable_weights == []

    class Odd(Layer):
        def __init__(self, thing):
            super().__init__()
            self.thing = thing

    with pytest.raises(ValueError, match="Write a `get_config` method"):
        clone_model(Sequential([Input((1,)), Odd(object())]))


def test_a_layer_may_have_a_name_that_torch_uses_itself():
    model = Sequential([Input((3,)), Dense(2, name="training"), Dense(2, name="forward"), Dense(1, name="_modules")])
    assert [layer.name for layer in model.layers] == ["training", "forward", "_modules"]
    assert model.train().training and not model.eval().training
    assert model(torch.ones(2, 3)).shape == (2, 1)
