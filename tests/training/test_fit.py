"""`fit` and kin on real models; numbers printed by Keras 2.2.4, 2.3.1, tf_keras 2.21 ("2.15"), Keras 3.15.1 on the same data."""

import numpy as np
import pytest
import torch

from kcompat import callbacks, config, layers, metrics, models, optimizers
from kcompat.errors import ArgumentError, ArgumentTypeError, NotCompiledError, ShapeError, UnknownNameError

MAE = "mean_absolute_error"
GENERATIONS = ("2.2.4", "2.3.1", "2.15", "3")
X = np.arange(10.0)[:, None] / 10
SIX = np.arange(6.0, dtype="float32")[:, None]
WEIGHTS = np.array([0, 1, 2, 0, 1, 3.0], "float32")


def one(loss="mse", **arguments):
    model = models.Sequential([layers.Dense(1, use_bias=False, kernel_initializer="ones", input_shape=(1,))])
    model.compile("sgd", loss=loss, **arguments)
    return model


def two(loss, **arguments):
    inputs = layers.Input((1,))
    outputs = [layers.Dense(1, name=name, kernel_initializer="ones")(inputs) for name in "ab"]
    model = models.Model(inputs, outputs)
    model.compile("sgd", loss=loss, **arguments)
    return model


def approx(numbers):
    return pytest.approx(numbers, rel=2e-5)


@pytest.mark.parametrize("version", GENERATIONS)
def test_epoch_numbers_and_validation_split(version):
    config.set_keras_version(version)
    history = one().fit(X, X * 2, verbose=0, validation_split=0.25, shuffle=False, batch_size=100).history
    assert {k: v[0] for k, v in history.items()} == approx({"loss": 0.13, "val_loss": 0.6433084607})


@pytest.mark.parametrize(
    ("version", "keys"),
    [
        ("2.2.4", ["val_loss", f"val_{MAE}", f"val_weighted_{MAE}", "loss", MAE, f"weighted_{MAE}"]),
        ("2.3.1", ["val_loss", "val_mae", "val_mae_1", "loss", "mae", "mae_1"]),
        ("2.15", ["loss", "mae", "weighted_mae", "val_loss", "val_mae", "val_weighted_mae"]),
        ("3", ["loss", "mae", "val_loss", "val_mae", "val_weighted_mae", "weighted_mae"]),
    ],
)  # fmt: skip
def test_names_and_order_of_logs(version, keys):
    config.set_keras_version(version)
    model = one(metrics=["mae"], weighted_metrics=["mae"])
    assert list(model.fit(SIX, SIX, verbose=0, epochs=2, validation_data=(SIX, SIX)).history) == keys


@pytest.mark.parametrize(
    ("version", "names"),
    [("2.2.4", ["loss", "acc"]), ("2.3.1", ["loss", "accuracy"]), ("2.15", ["loss", "accuracy"]), ("3", ["loss", "compile_metrics"])],
)
def test_metrics_names(version, names):
    config.set_keras_version(version)
    model = one(metrics=["accuracy"])
    model.evaluate(SIX, SIX, verbose=0)
    assert model.metrics_names == names


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ("2.2.4", [226.666667, 6.666667, 226.666667, 13.333333]),
        ("2.3.1", [225.333333, 6.666667, 193.142853, 10.857142]),
        ("2.15", [225.333328, 6.666667, 193.142853, 10.857142]),
        ("3", [225.333328, 6.666667, 193.142853, 6.666667, 10.857142]),  # looked up by name: both are called mae; weighted_mae is left
    ],
)
def test_sample_weights_in_loss_and_weighted_metrics(version, expected):
    config.set_keras_version(version)
    model = one(metrics=["mae"], weighted_metrics=["mse", "mae"])
    assert model.evaluate(SIX, SIX**2, verbose=0, batch_size=4, sample_weight=WEIGHTS) == approx(expected)


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ("2.2.4", [1.1688108, 0.2768309, 0.8919800, 0.4446759, 1.1168217, 0.1]),
        ("2.3.1", [1.1688108, 0.3459613, 1.0227417, 0.4446759, 1.1168216, 0.1]),
        ("2.15", [1.1688108, 0.2768308, 0.8919800, 0.4446759, 1.1168216, 0.1]),
        ("3", [1.1688108, 0.3459613, 1.0227417, 0.4446759, 1.1168216, 0.1]),
    ],
)
def test_two_outputs(version, expected):
    config.set_keras_version(version)
    model = two(["mse", "mae"], metrics={"a": "mae", "b": ["mse", "acc"]})
    history = model.fit(X, [X * 2, X * 3], verbose=0, batch_size=4, shuffle=False).history
    full = version == "2.2.4"
    keys = [
        "loss",
        "a_loss",
        "b_loss",
        f"a_{'mean_absolute_error' if full else 'mae'}",
        f"b_{'mean_squared_error' if full else 'mse'}",
        "b_acc",
    ]
    assert set(history) == set(keys)
    assert [history[k][0] for k in keys] == approx(expected)


@pytest.mark.parametrize("version", GENERATIONS)
def test_loss_weights_and_dicts(version):
    config.set_keras_version(version)
    listed = two(["mse", "mae"], loss_weights=[1.0, 0.5]).fit(X, [X * 2, X * 3], verbose=0, batch_size=4, shuffle=False)
    assert listed.history["loss"] == approx([0.72482592])
    named = two({"a": "mse", "b": "mae"}, loss_weights={"a": 2.0}).fit(X, {"b": X * 3, "a": X * 2}, verbose=0, batch_size=4, shuffle=False)
    assert named.history["loss"] == approx([1.42976645])


@pytest.mark.parametrize(("version", "accuracy"), [("2.2.4", 0.8333333), ("2.3.1", 0.8333333), ("2.15", 0.0), ("3", 0.0)])
def test_which_accuracy_is_meant(version, accuracy):
    config.set_keras_version(version)
    inputs = layers.Input((3,))
    model = models.Model(inputs, layers.Activation("linear")(inputs))
    model.compile("sgd", "binary_crossentropy", metrics=["accuracy"])
    x, y = np.array([[0.6, 0.9, 0.1], [0.2, 0.7, 0.8]], "float32"), np.array([[1.0, 1, 0], [0, 1, 0]])
    assert model.evaluate(x, y, verbose=0) == approx([0.48513365, accuracy])


MASKED_X = np.array([[1.0, 2, 0, 0], [3, 0, 0, 0], [1, 1, 1, 1]])[..., None]
MASKED_Y = np.array([[0.2, 1.4, 5, 5], [0.3, 5, 5, 5], [1.0, 0.7, -0.4, 0.1]])[..., None]
TEMPORAL = np.array([[1.0, 1, 1, 1], [2, 1, 1, 1], [0, 0, 1, 1]])


@pytest.mark.parametrize(
    ("version", "whole", "kernel", "halves", "by_sample", "by_step"),
    [
        ("2.2.4", [0.42142859, 0.55714291], 0.39428568, [0.48055554, 0.58888887], 0.59357142, 0.70285726),
        ("2.3.1", [0.24583332, 0.55714285], 0.43833333, [0.24583333, 0.55714285], 0.23083331, 0.34166667),
        ("2.15", [0.42142859, 0.55714285], 0.39428571, [0.48055553, 0.55714285], 0.39571428, 0.58571434),
        ("3", [0.42142859, 0.55714285], 0.39428571, [0.48055553, 0.55714285], None, 0.58571434),
    ],
)
def test_masks_in_loss_metrics_and_gradients(version, whole, kernel, halves, by_sample, by_step):
    config.set_keras_version(version)

    def made(**arguments):
        model = models.Sequential([layers.Masking(0.0, input_shape=(4, 1)), layers.Dense(1, use_bias=False)])
        model.set_weights([np.array([[0.5]])])
        model.compile(optimizers.SGD(0.1), "mse", metrics=["mae"], **arguments)
        return model

    assert made().evaluate(MASKED_X, MASKED_Y, verbose=0) == approx(whole)
    assert made().evaluate(MASKED_X, MASKED_Y, verbose=0, batch_size=2) == approx(halves)
    trained = made()
    trained.train_on_batch(MASKED_X, MASKED_Y)
    assert trained.get_weights()[0].item() == approx(kernel)
    if by_sample is None:
        with pytest.raises(ShapeError, match="`sample_weight`"):
            made().evaluate(MASKED_X, MASKED_Y, verbose=0, sample_weight=np.array([1.0, 0, 2]))
    else:
        assert made().evaluate(MASKED_X, MASKED_Y, verbose=0, sample_weight=np.array([1.0, 0, 2]))[0] == approx(by_sample)
    temporal = {"sample_weight_mode": "temporal"} if version[:3] in ("2.2", "2.3") else {}
    assert made(**temporal).evaluate(MASKED_X, MASKED_Y, verbose=0, sample_weight=TEMPORAL)[0] == approx(by_step)
    if temporal:
        with pytest.raises(ArgumentError, match="temporal"):
            made().evaluate(MASKED_X, MASKED_Y, verbose=0, sample_weight=TEMPORAL)


@pytest.mark.parametrize("version", GENERATIONS)
def test_on_batch_gives_the_values_of_that_batch(version):
    config.set_keras_version(version)
    model = one(metrics=["mae"])
    assert model.train_on_batch(SIX, SIX**2) == approx([97.33333, 6.666667])
    assert model.train_on_batch(SIX * 0, SIX * 0) == [0.0, 0.0]
    assert model.predict_on_batch(SIX).shape == (6, 1)


@pytest.mark.parametrize(
    ("version", "losses"), [("2.2.4", [0.0166667, 0.1249167]), ("2.15", [0.0166667, 0.0599667]), ("3", [0.0166667, 0.0599667])]
)
def test_batch_logs_are_own_or_running(version, losses):
    config.set_keras_version(version)
    seen = []
    hook = callbacks.LambdaCallback(on_batch_end=lambda batch, logs: seen.append(logs))
    one(metrics=["mae"]).fit(X[:5], X[:5] * 2, verbose=0, batch_size=3, shuffle=False, callbacks=[hook])
    assert [logs["loss"] for logs in seen] == pytest.approx(losses, rel=1e-4)
    assert ("size" in seen[0]) == (version == "2.2.4")


@pytest.mark.parametrize(("version", "expected"), [("2.2.4", 16.5), ("2.3.1", 30.0), ("2.15", 30.0), ("3", None)])
def test_class_and_sample_weights_together(version, expected):
    config.set_keras_version(version)
    arguments = {"sample_weight": WEIGHTS, "class_weight": {0: 1.0, 1: 3.0}, "verbose": 0}
    if expected is None:
        with pytest.raises(ArgumentError, match="cannot be given together"):
            one().fit(SIX, (SIX > 2) * 1.0, **arguments)
    else:
        assert one().fit(SIX, (SIX > 2) * 1.0, **arguments).history["loss"] == approx([expected])


@pytest.mark.parametrize(("version", "law"), [("2.2.4", "error"), ("2.15", "error"), ("3", 1.647918463)])
def test_class_weight_with_gaps(version, law):
    config.set_keras_version(version)
    model = models.Sequential([layers.Dense(3, activation="softmax", kernel_initializer="ones", input_shape=(2,))])
    model.compile("sgd", "sparse_categorical_crossentropy")
    run = lambda table: model.fit(np.ones((4, 2)), np.array([0, 1, 2, 0]), class_weight=table, verbose=0).history["loss"]  # noqa: E731
    if law == "error":
        with pytest.raises(ArgumentError, match="class_weight"):
            run({0: 1.0, 2: 3.0})
    else:
        assert run({0: 1.0, 2: 3.0}) == approx([law])


def test_regularization_is_part_of_the_reported_loss():
    from kcompat import regularizers

    model = models.Sequential(
        [layers.Dense(1, use_bias=False, kernel_initializer="ones", kernel_regularizer=regularizers.l2(0.5), input_shape=(1,))]
    )
    model.compile("sgd", "mse")
    assert model.fit(SIX, SIX**2, verbose=0, batch_size=4, shuffle=False).history["loss"] == approx([93.003334])
    assert model.evaluate(SIX, SIX**2, verbose=0) == approx(35.344246)


def test_initial_epoch_and_validation_freq():
    history = one().fit(SIX, SIX**2, verbose=0, epochs=4, validation_data=(SIX, SIX**2), validation_freq=2)
    assert history.history["loss"] == approx([97.33333588, 68.16574860, 48.71257401, 35.73839951])
    assert history.history["val_loss"] == approx([48.71257401, 27.08533669])
    assert one().fit(SIX, SIX, verbose=0, epochs=3, initial_epoch=1).epoch == [1, 2]


def test_freezing_after_compile_waits_for_the_next_compile_before_keras_3():
    for version, trained in (("2.15", True), ("3", False)):
        config.set_keras_version(version)
        model = models.Sequential([layers.Dense(1, input_shape=(1,)), layers.Dense(1)])
        model.compile(optimizers.SGD(0.1), "mse")
        before = model.layers[0].get_weights()[0].copy()
        model.layers[0].trainable = False
        model.train_on_batch(SIX, SIX + 1)
        assert (not np.allclose(before, model.layers[0].get_weights()[0])) == trained
        assert model.layers[0].trainable is False


def test_a_torch_optimizer_and_loss_module_are_used_as_they_are():
    model = models.Sequential([layers.Dense(1, input_shape=(1,), kernel_constraint="non_neg", kernel_initializer="ones")])
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    model.compile(optimizer, torch.nn.MSELoss())
    assert model.fit(SIX, -SIX, verbose=0, batch_size=6).history["loss"] == approx([36.6666667])
    assert model.optimizer is optimizer
    assert model.get_weights()[0].tolist() == [[0.0]]


def test_own_train_step():
    class Own(models.Model):
        def __init__(self):
            super().__init__()
            self.dense = layers.Dense(1, use_bias=False, kernel_initializer="ones")
            self.tracker = metrics.Mean(name="mine")

        def call(self, inputs):
            return self.dense(inputs)

        @property
        def metrics(self):
            return [self.tracker]

        def train_step(self, data):
            x, y = data
            loss = self.compute_loss(y=y, y_pred=self(x, training=True))
            self.zero_grad()
            loss.backward()
            weights = list(self.trainable_weights)
            self.optimizer.apply_gradients(zip([w.grad for w in weights], weights, strict=True))
            self.tracker.update_state(loss)
            return {"mine": self.tracker.result()}

    model = Own()
    model.compile(optimizers.SGD(0.01), "mse")
    model.fit(SIX, SIX**2, verbose=0, epochs=1)
    history = model.fit(SIX, SIX**2, verbose=0, epochs=2).history
    assert list(history) == ["mine"]
    assert history["mine"] == approx([68.1657486, 48.712574])


def test_own_loss_and_metrics_methods():
    class Own(models.Sequential):
        def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None):
            return super().compute_loss(x, y, y_pred, sample_weight) * 2

        def compute_metrics(self, x, y, y_pred, sample_weight):
            return {**super().compute_metrics(x, y, y_pred, sample_weight), "seven": torch.tensor(7.0)}

    model = Own([layers.Dense(1, use_bias=False, kernel_initializer="ones", input_shape=(1,))])
    model.compile("sgd", "mse")
    history = model.fit(SIX, SIX**2, verbose=0).history
    assert history == {"loss": approx([194.6666667]), "seven": [7.0]}


def test_stop_training_and_early_stopping():
    stop = callbacks.EarlyStopping(monitor="loss", patience=1)
    model = one()
    model.compile(optimizers.SGD(0.0), "mse")
    assert len(model.fit(SIX, SIX, verbose=0, epochs=10, callbacks=[stop]).epoch) == 2


# -- bad input -------------------------------------------------------------------------------------------------------------------


def test_bad_input_is_refused_and_changes_nothing():
    model = one(metrics=["mae"])
    before = model.get_weights()[0].copy()
    with pytest.raises(ShapeError, match="`x`: 6; `y`: 5"):
        model.fit(SIX, SIX[:5], verbose=0)
    with pytest.raises(ArgumentError, match="non-empty"):
        model.fit(SIX[:0], SIX[:0], verbose=0)
    with pytest.raises(ArgumentError, match="`batch_size`"):
        model.fit(SIX, SIX, batch_size=0)
    with pytest.raises(ArgumentError, match="no target"):
        model.fit(SIX, verbose=0)
    with pytest.raises(ShapeError, match="predictions' shape"):
        model.fit(SIX, np.ones((6, 3, 2)), verbose=0)
    with pytest.raises(ArgumentError, match="`validation_split`"):
        model.fit(SIX, SIX, validation_split=1.5, verbose=0)
    with pytest.raises(ArgumentError, match="gave no batch|non-empty"):
        model.fit(iter([]), verbose=0)
    assert np.array_equal(before, model.get_weights()[0])
    assert model.optimizer.iterations == 0


def test_wrong_classes_are_found_before_the_first_step():
    model = models.Sequential([layers.Dense(3, activation="softmax", input_shape=(1,))])
    model.compile("sgd", "sparse_categorical_crossentropy")
    before = [w.copy() for w in model.get_weights()]
    y = np.array([0, 1, 2, 0, 1, 7])
    with pytest.raises(ArgumentError, match=r"must lie in \[0, 3\).*from 0 to 7"):
        model.fit(SIX, y, batch_size=1, shuffle=False, verbose=0)
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))


def test_compile_refuses_what_it_does_not_know():
    model = models.Sequential([layers.Dense(1, input_shape=(1,))])
    with pytest.raises(NotCompiledError, match="must compile"):
        model.fit(SIX, SIX)
    for arguments, near in (
        ({"optimizer": "sgdd"}, "sgd"),
        ({"loss": "mean_squared_eror"}, "mean_squared_error"),
        ({"metrics": ["accurracy"]}, "accuracy"),
    ):
        with pytest.raises(UnknownNameError, match=near):
            model.compile(**{"optimizer": "sgd", "loss": "mse", **arguments})
    with pytest.raises(ArgumentError, match="names the output 'c'"):
        two({"c": "mse"})
    with pytest.raises(ArgumentError, match="pss_evaluation_shards"):
        model.compile("sgd", "mse", pss_evaluation_shards=2)
    with pytest.raises(ArgumentTypeError, match="Did you mean 'metrics'"):
        model.compile("sgd", "mse", metric=["mae"])
    with pytest.raises(NotCompiledError):
        model.evaluate(SIX, SIX)


def test_an_exception_of_a_generator_reaches_the_caller():
    def broken():
        yield SIX, SIX
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        one().fit(broken(), verbose=0)


# -- no waiting --------------------------------------------------------------------------------------------------------------------


def test_nothing_is_read_from_the_device_within_an_epoch(monkeypatch):
    from torch.utils._python_dispatch import TorchDispatchMode

    reads = []

    class Watch(TorchDispatchMode):
        def __torch_dispatch__(self, function, types, args=(), kwargs=None):
            if "_local_scalar_dense" in str(function):
                reads.append(str(function))
            return function(*args, **(kwargs or {}))

    model = models.Sequential([layers.Dense(4, activation="relu", input_shape=(1,)), layers.Dense(3, activation="softmax")])
    model.compile(optimizers.Adam(clipnorm=1.0), "sparse_categorical_crossentropy", metrics=["accuracy"], weighted_metrics=["accuracy"])
    data = np.random.rand(64, 1), np.random.randint(0, 3, 64)
    counts = []
    for batch in (32, 2):
        reads.clear()
        with Watch():
            model.fit(*data, batch_size=batch, verbose=0, sample_weight=np.ones(64))
        counts.append(len(reads))
    assert counts[0] == counts[1]


@pytest.mark.parametrize("frozen", [True, False])
def test_a_model_without_trainable_weights_has_a_loss_all_the_same(frozen):
    """As in tf_keras 2.21 and Keras 3.15, where `fit` gives the loss and changes nothing."""
    x = layers.Input((3,))
    made = layers.Dense(3, kernel_initializer="ones", trainable=False) if frozen else layers.Lambda(lambda t: t * 2)
    model = models.Model(x, made(x))
    model.compile("sgd", "mse")
    history = model.fit(np.ones((4, 3), "float32"), np.ones((4, 3), "float32"), verbose=0).history
    assert history["loss"] == pytest.approx([4.0 if frozen else 1.0])


def test_a_loss_that_depends_on_no_weight_is_refused():
    class Detached(models.Model):
        def __init__(self):
            super().__init__()
            self.dense = layers.Dense(1)

        def call(self, x):
            return self.dense(x).detach()

    model = Detached()
    model.compile("sgd", "mse")
    with pytest.raises(ArgumentError, match="depends on no trainable weight"):
        model.fit(np.ones((4, 3), "float32"), np.ones((4, 1), "float32"), verbose=0)
