"""Made once, with real Keras: the model file and the predictions that `port_a_keras_model.py` starts from.

Needs `tensorflow-cpu==2.21.0 tf_keras==2.21.0 scikit-learn`; nobody needs it to run the demo:

    python examples/record_digits_model.py

writes `examples/data/digits_cnn.h5` (legacy HDF5, compiled with Adam, optimizer state inside) and
`examples/data/digits.npz` (the images, the labels, and what Keras itself predicts for the test images).
"""

from __future__ import annotations

import os
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np
import tensorflow as tf
import tf_keras as keras
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

DATA = Path(__file__).parent / "data"


def build_model() -> keras.Model:
    """A small CNN for 8x8 grey images."""
    layers = keras.layers
    return keras.Sequential(
        [
            layers.Conv2D(16, 3, padding="same", activation="relu", input_shape=(8, 8, 1), name="conv_1"),
            layers.BatchNormalization(momentum=0.9, name="norm_1"),
            layers.MaxPooling2D(name="pool_1"),
            layers.Conv2D(32, 3, padding="same", activation="relu", name="conv_2"),
            layers.BatchNormalization(momentum=0.9, name="norm_2"),
            layers.MaxPooling2D(name="pool_2"),
            layers.Dropout(0.3, name="drop"),
            layers.Flatten(name="flat"),
            layers.Dense(10, activation="softmax", name="digit"),
        ],
        name="digits_cnn",
    )


def main() -> None:
    """Train, save, predict."""
    keras.utils.set_random_seed(7)
    tf.config.experimental.enable_op_determinism()
    digits = load_digits()
    images = digits.images.astype("uint8")  # 0..16
    train_x, test_x, train_y, test_y = train_test_split(
        images, digits.target.astype("uint8"), test_size=0.25, random_state=7, stratify=digits.target
    )
    model = build_model()
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    scaled = [x[..., None].astype("float32") / 16 for x in (train_x, test_x)]
    model.fit(scaled[0], train_y, batch_size=32, epochs=6, validation_data=(scaled[1], test_y), verbose=2)
    loss, accuracy = model.evaluate(scaled[1], test_y, verbose=0)

    DATA.mkdir(exist_ok=True)
    model.save(DATA / "digits_cnn.h5", save_format="h5")
    np.savez_compressed(
        DATA / "digits.npz",
        train_images=train_x,
        train_labels=train_y,
        test_images=test_x,
        test_labels=test_y,
        keras_predictions=model.predict(scaled[1], verbose=0),
        keras_loss=np.float64(loss),
        keras_accuracy=np.float64(accuracy),
        versions=np.array(f"tf_keras {keras.__version__}, tensorflow {tf.__version__}, numpy {np.__version__}"),
    )
    for file in sorted(DATA.iterdir()):
        print(f"{file}: {file.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
