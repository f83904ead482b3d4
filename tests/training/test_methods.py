"""The methods of a model beside plain `fit`: several outputs, weights, steps of a user, mixed precision. Numbers: hand computation."""

import inspect

import numpy as np
import pytest
import torch

from kcompat import config, dtype_policies, layers, models, optimizers, random
from kcompat.errors import ArgumentError, ArgumentTypeError
from kcompat.training.sources import source

X = np.arange(4.0)[:, None]
ZERO = np.zeros((4, 1))
CLASSES = np.array([[0.0], [1], [1], [0]])


def one(loss="mse", optimizer="sgd", **arguments):
    model = models.Sequential([layers.Dense(1, use_bias=False, kernel_initializer="ones", input_shape=(1,))])
    model.compile(optimizer, loss=loss, **arguments)
    return model


def two(**arguments):
    inputs = layers.Input((1,))
    outputs = [layers.Dense(1, name=name, use_bias=False, kernel_initializer="ones")(inputs) for name in "ab"]
    model = models.Model(inputs, outputs)
    model.compile("sgd", loss="mae", **arguments)
    return model


# -- weights of classes and steps ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("table", [{"a": {0: 1.0, 1: 3.0}, "b": {0: 0.0, 1: 1.0}}, [{0: 1.0, 1: 3.0}, {0: 0.0, 1: 1.0}]])
def test_class_weights_of_each_output(table):
    config.set_keras_version("2.3.1")
    history = two().fit(X, [CLASSES, CLASSES], class_weight=table, verbose=0).history
    # |x - y| is 0, 0, 1, 3
    assert history["a_loss"] == pytest.approx([(0 + 0 + 3 + 3) / 4])
    assert history["b_loss"] == pytest.approx([(0 + 0 + 1 + 0) / 4])
    with pytest.raises(ArgumentError, match="`class_weight` names the output 'c'"):
        two().fit(X, [CLASSES, CLASSES], class_weight={"c": {0: 1.0}}, verbose=0)
    config.set_keras_version("2.15")
    with pytest.raises(ArgumentError, match="only supported for models with one output"):
        two().fit(X, [CLASSES, CLASSES], class_weight=table, verbose=0)


def test_class_weights_of_one_output_by_its_name():
    config.set_keras_version("2.3.1")
    model = one("mae")
    name = model.output_names[0]
    assert model.train_on_batch(X, CLASSES, class_weight={name: {0: 1.0, 1: 3.0}}) == pytest.approx(1.5)


@pytest.mark.parametrize(("version", "val_loss"), [("2.3.1", (1 * 2 + 3) / 2), ("2.15", (1 + 3) / 2)])
def test_class_weights_and_validation_split(version, val_loss):
    """Keras 2.2 and 2.3 weigh the validation's share too."""
    config.set_keras_version(version)
    model = one("mae", optimizers.SGD(0.0))
    history = model.fit(X, CLASSES, class_weight={0: 1.0, 1: 2.0}, validation_split=0.5, shuffle=False, verbose=0).history
    assert history["loss"] == pytest.approx([0.0])
    assert history["val_loss"] == pytest.approx([val_loss])


def test_sample_weight_mode_of_each_output():
    config.set_keras_version("2.2.4")
    inputs = layers.Input((3, 1))
    flat, steps = layers.GlobalAveragePooling1D(name="flat")(inputs), layers.Activation("linear", name="steps")(inputs)
    model = models.Model(inputs, [flat, steps])
    model.compile("sgd", "mae", sample_weight_mode={"steps": "temporal"})
    x = np.ones((2, 3, 1))
    goals, weights = [np.zeros((2, 1)), np.zeros((2, 3, 1))], [np.array([1.0, 3]), np.array([[1.0, 1, 1], [0, 0, 2]])]
    total, first, second = model.evaluate(x, goals, sample_weight=weights, verbose=0)
    assert first == pytest.approx((1 + 3) / 2)
    assert total == pytest.approx(first + second)
    with pytest.raises(ArgumentError, match="Output 'flat': `sample_weight`"):
        model.evaluate(x, goals, sample_weight=[weights[1], weights[1]], verbose=0)
    with pytest.raises(ArgumentError, match="`sample_weight_mode` must be None or 'temporal'"):
        model.compile("sgd", "mae", sample_weight_mode="steps")


def test_target_tensors_stand_for_targets():
    config.set_keras_version("2.2.4")
    model = one("mae", target_tensors=torch.ones(4, 1))
    assert model.evaluate(X, None, batch_size=4, verbose=0) == pytest.approx((1 + 0 + 1 + 2) / 4)
    assert model.evaluate(X, X, verbose=0) == 0.0
    with pytest.raises(ArgumentError, match="give the targets"):
        one("mae", target_tensors=layers.Input((1,))).evaluate(X, None, verbose=0)


# -- steps of a user --------------------------------------------------------------------------------------------------------------


def test_own_functions_for_training():
    seen = []

    class Own(models.Sequential):
        def make_train_function(self, force=False):
            plain = super().make_train_function()

            def function(iterator):
                seen.append("train")
                return {**plain(iterator), "mine": 7.0}

            return function

        def predict_step(self, data):
            seen.append("predict")
            return super().predict_step(data) + 1

    model = Own([layers.Dense(1, use_bias=False, kernel_initializer="ones", input_shape=(1,))])
    model.compile("sgd", "mse")
    history = model.fit(X, X, batch_size=2, verbose=0).history
    assert history == {"loss": [0.0], "mine": [7.0]}
    assert model.predict(X, verbose=0).ravel().tolist() == [1, 2, 3, 4]
    assert seen == ["train", "train", "predict"]


def test_a_step_must_give_numbers_by_name():
    class Own(models.Sequential):
        def train_step(self, data):
            return 3.0

    model = Own([layers.Dense(1, input_shape=(1,))])
    model.compile("sgd", "mse")
    with pytest.raises(ArgumentTypeError, match="must return a dict"):
        model.fit(X, X, verbose=0)


def test_outputs_in_dicts():
    class Both(models.Model):
        def __init__(self):
            super().__init__()
            self.a = layers.Dense(1, use_bias=False, kernel_initializer="ones")

        def call(self, inputs):
            y = self.a(inputs["x"])
            return {"same": y, "twice": y * 2}

    model = Both()
    model.compile("sgd", {"same": "mae", "twice": "mae"})
    found = model.evaluate({"x": X}, {"same": X, "twice": X}, verbose=0, return_dict=True)
    assert found["loss"] == pytest.approx(1.5)
    assert set(model.predict({"x": X}, verbose=0)) == {"same", "twice"}


def test_classes_and_probabilities():
    model = models.Sequential([layers.Dense(3, use_bias=False, input_shape=(2,))])
    model.set_weights([np.array([[1.0, 0, 0], [0, 0, 1]])])
    assert model.predict_classes(np.array([[1.0, 0], [0, 1]])).tolist() == [0, 2]
    assert one().predict_classes(X / 4).tolist() == [[0], [0], [0], [1]]
    assert one().predict_proba(X).tolist() == X.tolist()


def test_arguments_of_compile_are_written_once():
    from kcompat.training import Compiled

    assert list(inspect.signature(models.Model.compile).parameters) == ["self", "optimizer", "settings"]
    assert "weighted_metrics" in inspect.signature(Compiled.__init__).parameters


def test_prediction_before_training_leaves_a_model_that_trains():
    model = models.Sequential([layers.Dense(2), layers.Dense(1)])  # its weights are made by `predict`
    model.predict(X, verbose=0)
    model.compile("sgd", "mse")
    model.fit(X, X, verbose=0)
    recurrent = models.Sequential([layers.SimpleRNN(2, stateful=True, batch_input_shape=(2, 3, 1))])
    recurrent.compile("sgd", "mse")
    recurrent.predict(np.ones((2, 3, 1)), batch_size=2, verbose=0)
    recurrent.fit(np.ones((2, 3, 1)), np.ones((2, 2)), batch_size=2, verbose=0)


@pytest.mark.parametrize(("version", "shown"), [("2.2.4", False), ("2.15", True)])
def test_prediction_is_silent_in_old_generations(version, shown, capsys):
    config.set_keras_version(version)
    one().predict(X)
    assert bool(capsys.readouterr().out) == shown


# -- precision, seeds, devices --------------------------------------------------------------------------------------------------------


@pytest.fixture
def policy():
    yield dtype_policies.set_dtype_policy
    dtype_policies.set_dtype_policy(None)


def test_float16_scales_the_loss_and_leaves_out_steps_that_overflow(policy):
    policy("mixed_float16")
    model = one(optimizer=optimizers.SGD(0.5))
    assert isinstance(model.optimizer, optimizers.LossScaleOptimizer)
    assert model.optimizer.loss_scale == 2.0**15
    before = model.get_weights()[0].copy()
    model.fit(X * 30, ZERO, verbose=0)  # gradients times 2 ** 15 are infinite in float16
    assert model.get_weights()[0].tolist() == before.tolist()
    assert model.optimizer.loss_scale == 2.0**14
    model.fit(X * 1e-4, X * 2e-4, epochs=2, verbose=0)
    assert np.isfinite(model.get_weights()[0]).all()
    assert model.get_weights()[0].dtype == np.float32


def test_scaling_can_be_left_out(policy):
    policy("mixed_float16")
    assert not isinstance(one(auto_scale_loss=False).optimizer, optimizers.LossScaleOptimizer)
    policy("mixed_bfloat16")
    assert not isinstance(one().optimizer, optimizers.LossScaleOptimizer)


def test_a_seed_repeats_a_training():
    def trained():
        random.set_random_seed(3)
        model = models.Sequential([layers.Dense(4, input_shape=(1,)), layers.Dropout(0.5), layers.Dense(1)])
        model.compile("adam", "mse")
        model.fit(X, X, epochs=3, batch_size=2, verbose=0)
        return np.concatenate([w.ravel() for w in model.get_weights()]).tolist()

    assert trained() == trained()


def test_determinism_can_be_switched():
    random.enable_op_determinism()
    try:
        assert torch.are_deterministic_algorithms_enabled()
    finally:
        random.enable_op_determinism(False)
    assert not torch.are_deterministic_algorithms_enabled()


def test_generators_are_put_back():
    import random as python

    states = random.generator_states()
    drawn = python.random(), np.random.rand(), torch.rand(())
    random.set_generator_states(states)
    assert (python.random(), np.random.rand(), torch.rand(())) == drawn


def test_batches_go_to_the_device_of_the_model():
    for data in ((X, X), (iter([(X, X)]), None)):
        batches = source(*data, device=torch.device("meta"))
        assert {part.device.type for batch in batches.epoch(None) for part in batch[:2]} == {"meta"}
    model = one()
    model.to("meta")
    with pytest.raises(RuntimeError):  # there is no number to report
        model.fit(torch.ones(4, 1), torch.ones(4, 1), verbose=0)
