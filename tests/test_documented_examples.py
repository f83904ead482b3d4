"""The worked examples of Keras' own documentation, with the results it prints."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from kcompat import constraints, initializers, regularizers
from kcompat.layers import Activation, Conv2D, Dense, Dropout, Flatten, Input, Lambda, Layer, MaxPooling2D, Permute, RepeatVector, Reshape
from kcompat.models import Model, Sequential, clone_model, model_from_json


def test_reshape_prints() -> None:
    row = np.array([[1, 2, 3, 4, 5, 6]], "float32")
    assert Reshape((2, -1))(row).tolist() == [[[1, 2, 3], [4, 5, 6]]]
    assert Reshape((3, -1))(row).tolist() == [[[1, 2], [3, 4], [5, 6]]]


def test_reshape_shapes_in_a_sequential() -> None:
    model = Sequential([Reshape((3, 4), input_shape=(12,))])
    assert model.output_shape == (None, 3, 4)
    model.add(Reshape((6, 2)))
    assert model.output_shape == (None, 6, 2)
    model.add(Reshape((-1, 2, 2)))
    assert model.output_shape == (None, 3, 2, 2)


def test_permute_prints() -> None:
    assert Permute((2, 1))(np.array([[[1, 2, 3], [4, 5, 6]]], "float32")).tolist() == [[[1, 4], [2, 5], [3, 6]]]
    model = Sequential([Permute((2, 1), input_shape=(10, 64))])
    assert model.output_shape == (None, 64, 10)


def test_flatten_of_channels_first_convolution() -> None:
    model = Sequential()
    model.add(Conv2D(64, (3, 3), input_shape=(3, 32, 32), padding="same", data_format="channels_first"))
    assert model.output_shape == (None, 64, 32, 32)
    model.add(Flatten())
    assert model.output_shape == (None, 65536)


def test_dense_in_a_sequential() -> None:
    model = Sequential()
    model.add(Dense(32, input_shape=(16,)))
    assert model.output_shape == (None, 32)
    model.add(Dense(32))
    assert model.output_shape == (None, 32)


def test_repeat_vector() -> None:
    model = Sequential()
    model.add(Dense(32, input_dim=32))
    model.add(RepeatVector(3))
    assert model.output_shape == (None, 3, 32)


def test_conv2d_same() -> None:
    assert tuple(Conv2D(2, 3, activation="relu", padding="same")(np.ones((4, 28, 28, 3), "float32")).shape) == (4, 28, 28, 2)
    assert tuple(Conv2D(2, 3, activation="relu")(np.ones((4, 28, 28, 3), "float32")).shape) == (4, 26, 26, 2)
    assert tuple(Conv2D(2, 3, activation="relu", dilation_rate=2)(np.ones((4, 28, 28, 3), "float32")).shape) == (4, 24, 24, 2)


def test_max_pooling_prints() -> None:
    image = np.arange(1.0, 10.0, dtype="float32").reshape(1, 3, 3, 1)
    assert MaxPooling2D(pool_size=(2, 2), strides=(1, 1), padding="valid")(image)[0, :, :, 0].tolist() == [[5, 6], [8, 9]]


def test_dropout_prints() -> None:
    data = np.arange(10).reshape(5, 2).astype("float32")
    outputs = Dropout(0.2)(data, training=True)
    kept = outputs != 0
    torch.testing.assert_close(outputs[kept], (torch.tensor(data) * 1.25)[kept])


def test_activation_prints() -> None:
    assert Activation("relu")([-3.0, -1.0, 0.0, 2.0]).tolist() == [0.0, 0.0, 0.0, 2.0]


def _antirectifier(x):
    x -= torch.mean(x, dim=1, keepdim=True)
    x = torch.nn.functional.normalize(x, dim=1)
    pos = torch.relu(x)
    neg = torch.relu(-x)
    return torch.cat([pos, neg], 1)


def _antirectifier_output_shape(input_shape):
    shape = list(input_shape)
    assert len(shape) == 2
    shape[-1] *= 2
    return tuple(shape)


def test_antirectifier() -> None:
    model = Sequential([Dense(8, activation="relu", input_shape=(4,))])
    model.add(Lambda(_antirectifier, output_shape=_antirectifier_output_shape))
    assert model.output_shape == (None, 16)
    x = torch.randn(5, 4)
    hidden = model.layers[0](x)
    kept = hidden.clone()
    outputs = model(x)
    centred = kept - kept.mean(1, keepdim=True)
    unit = centred / centred.norm(dim=1, keepdim=True)
    torch.testing.assert_close(outputs, torch.cat([unit.clamp(min=0), (-unit).clamp(min=0)], 1))
    outputs.sum().backward()  # `x -= ...` inside a Lambda does not change the activations that the gradient needs
    assert model.layers[0].kernel.grad is not None


def _hadamard_product_sum(tensors):
    out1 = tensors[0] * tensors[1]
    out2 = torch.sum(out1, dim=-1)
    return [out1, out2]


def _hadamard_product_sum_output_shape(input_shapes):
    shape1 = list(input_shapes[0])
    shape2 = list(input_shapes[1])
    assert shape1 == shape2
    return [tuple(shape1), tuple(shape2[:-1])]


@pytest.mark.parametrize("output_shape", [_hadamard_product_sum_output_shape, None])
def test_hadamard(output_shape) -> None:
    a, b = Input((4,)), Input((6,))
    x1, x2 = Dense(32)(a), Dense(32)(b)
    hadamard, total = Lambda(_hadamard_product_sum, output_shape)([x1, x2])
    assert hadamard.shape == (None, 32)
    assert total.shape == (None,)
    model = Model([a, b], [hadamard, total])
    one, two = model([torch.randn(3, 4), torch.randn(3, 6)])
    assert tuple(one.shape) == (3, 32)
    torch.testing.assert_close(two, one.sum(-1))


def test_logistic_regression() -> None:
    x = Input(shape=(32,))
    y = Dense(16, activation="softmax")(x)
    model = Model(x, y)
    assert (model.input_shape, model.output_shape) == ((None, 32), (None, 16))
    assert model.count_params() == 32 * 16 + 16
    outputs = model.predict(np.random.RandomState(0).rand(5, 32), verbose=0)
    np.testing.assert_allclose(outputs.sum(1), 1, rtol=1e-5)


class ConstantsTensor(initializers.Initializer):
    """The custom initializer of Keras' guide."""

    def __init__(self, value=0.1):
        self.value = value

    def __call__(self, shape, dtype=None):
        return torch.full(shape, self.value)

    def get_config(self):
        return {"value": self.value}


class L2Regularizer(regularizers.Regularizer):
    """The custom regularizer of Keras' guide."""

    def __init__(self, l2=0.0):
        self.l2 = l2

    def __call__(self, x):
        return self.l2 * torch.sum(torch.square(x))

    def get_config(self):
        return {"l2": float(self.l2)}


class CenterAround(constraints.Constraint):
    """The custom constraint of Keras' guide."""

    def __init__(self, ref_value):
        self.ref_value = ref_value

    def __call__(self, w):
        return w - torch.mean(w) + self.ref_value

    def get_config(self):
        return {"ref_value": self.ref_value}


def test_objects_of_the_user() -> None:
    own = {"ConstantsTensor": ConstantsTensor, "L2Regularizer": L2Regularizer, "CenterAround": CenterAround}
    layer = Dense(3, kernel_initializer=ConstantsTensor(0.5), kernel_regularizer=L2Regularizer(0.01), kernel_constraint=CenterAround(2.0))
    model = Sequential([Input((4,)), layer])
    assert layer.kernel.numpy().tolist() == [[0.5] * 3] * 4
    assert float(model.losses[0].detach()) == pytest.approx(0.01 * 12 * 0.25)
    text = model.to_json()
    twin = model_from_json(text, custom_objects=own)
    assert twin.layers[0].kernel_initializer.value == 0.5
    assert twin.layers[0].kernel_regularizer.l2 == 0.01
    assert twin.layers[0].kernel_constraint.ref_value == 2.0
    with pytest.raises(ValueError, match=r"Unknown initializer: 'ConstantsTensor'.*custom_objects"):
        model_from_json(text)
    model.compile("sgd", "mse")
    model.train_on_batch(np.ones((2, 4)), np.zeros((2, 3)))
    assert float(layer.kernel.numpy().mean()) == pytest.approx(2.0, abs=1e-6)


class MyLayer(Layer):
    """The custom layer of Keras' guide."""

    def __init__(self, output_dim, **kwargs):
        self.output_dim = output_dim
        super().__init__(**kwargs)

    def build(self, input_shape):
        self.kernel = self.add_weight(name="kernel", shape=(input_shape[1], self.output_dim), initializer="uniform", trainable=True)
        super().build(input_shape)

    def call(self, x):
        return torch.matmul(x, self.kernel)

    def compute_output_shape(self, input_shape):
        return (input_shape[0], self.output_dim)


class ComputeSum(Layer):
    """The layer with a weight that is not trained, of Keras' guide."""

    def __init__(self, input_dim):
        super().__init__()
        self.total = self.add_weight(initializer="zeros", shape=(input_dim,), trainable=False)

    def call(self, inputs):
        self.total.assign_add(torch.sum(inputs, dim=0))
        return self.total


def test_layers_of_the_user() -> None:
    model = Sequential([MyLayer(5, input_shape=(4,)), Dense(2)])
    assert model.output_shape == (None, 2)
    assert [w.name for w in model.weights] == ["my_layer/kernel:0", "dense/kernel:0", "dense/bias:0"]
    assert clone_model(model).count_params() == model.count_params()
    summed = ComputeSum(2)
    x = torch.ones((2, 2))
    assert summed(x).numpy().tolist() == [2.0, 2.0]
    assert summed(x).numpy().tolist() == [4.0, 4.0]
    assert len(summed.weights) == len(summed.non_trainable_weights) == 1
    assert summed.trainable_weights == []
    assert [name for name, _ in summed.named_buffers()] == ["total"]
