"""Make `data/saved_models.zip`, SavedModels of older TensorFlow: PYTHON record_saved_models.py FOLDER, once with each release.

Run with the Python of TensorFlow 2.0.4, 2.3.4, 2.4.4 and 2.8.4 (all for Python 3.7, protobuf < 3.21, h5py < 3), FOLDER named as the
release; then pack the folders into the archive. Beside each model lie inputs, targets, predictions, and the predictions after one more
step of training.
"""

import os
import sys

import numpy as np
import tensorflow as tf

keras = tf.keras
layers = keras.layers


def models():
    """(name, model) of all."""
    inner = keras.Sequential(
        [layers.Dense(4, input_shape=(3,), name="in1"), layers.BatchNormalization(name="inbn"), layers.Dense(2, name="in2")], name="inner"
    )
    inner.layers[0].trainable = False
    x = layers.Input((3,), name="x")
    yield "nested", keras.Model(x, layers.Dense(1, name="o")(inner(x)))
    x = layers.Input((4,), name="x")
    y = tf.nn.relu(x * 2.0 + 1.0)
    y = tf.concat([y, x], -1)[:, 1:5]
    y = 1.0 / (tf.abs(y) + 1.0)
    y = tf.reduce_mean(y, axis=-1, keepdims=True)
    yield "ops", keras.Model(x, layers.Dense(2, name="d")(y))


class Net(keras.Model):
    """A model that is no graph."""

    def __init__(self):
        super().__init__()
        self.first = layers.Dense(4, activation="relu")
        self.blocks = [layers.Dense(4), layers.Dense(4)]
        self.last = layers.GRU(2)

    def call(self, x):
        """Blocks in the order of the list."""
        x = self.first(x)
        for block in self.blocks:
            x = block(x)
        return self.last(x)


def main():
    """Train each model a little and save it."""
    random = np.random.RandomState(0)
    for name, model in models():
        model.compile(keras.optimizers.Adam(0.01), "mse", metrics=["mae"])
        x = random.rand(8, *model.input_shape[1:]).astype("float32")
        y = random.rand(8, *model.output_shape[1:]).astype("float32")
        model.fit(x, y, epochs=2, verbose=0, shuffle=False, batch_size=4)
        path = os.path.join(sys.argv[1], name)
        model.save(path, save_format="tf")
        before = model.predict(x)
        model.train_on_batch(x, y)
        np.savez(path + ".npz", x=x, y=y, before=before, after=model.predict(x))
    net = Net()
    x = random.rand(2, 3, 5).astype("float32")
    np.savez(os.path.join(sys.argv[1], "net.npz"), x=x, y=net(x).numpy())
    net.save_weights(os.path.join(sys.argv[1], "net"), save_format="tf")


if __name__ == "__main__":
    main()
