"""Write `data/keras224_cudnn.h5`, `keras224_plain.h5` and `keras224_cudnn.npz` with real Keras 2.2.4: `python record_cudnn.py`.

Two models differ in CuDNN and plain layers only; each saves its weights, and loads those of the other. CuDNN layers do not run without a
GPU: their computation is taken out here, only their loaded weights are noted, and of the plain model what it predicts with CuDNN's weights.
"""

import os

import keras
import numpy as np
from keras import backend as K
from keras import layers as L
from keras.models import Model

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "data")


def nothing(layer, inputs, initial_state):
    """An output of the right shape in place of CuDNN's."""
    outputs = K.dot(inputs, K.zeros((K.int_shape(inputs)[-1], layer.units)))
    return outputs if layer.return_sequences else outputs[:, -1], initial_state


L.CuDNNLSTM._process_batch = L.CuDNNGRU._process_batch = nothing


def made(cudnn):
    """TimeDistributed, Bidirectional and a nested model around recurrent layers."""

    def lstm(units, **more):
        return L.CuDNNLSTM(units, **more) if cudnn else L.LSTM(units, recurrent_activation="sigmoid", **more)

    def gru(units, **more):
        return L.CuDNNGRU(units, **more) if cudnn else L.GRU(units, recurrent_activation="sigmoid", reset_after=True, **more)

    inner_in = L.Input((2, 4), name="inner_in")
    x = lstm(3, return_sequences=True, name="in1")(inner_in)
    inner = Model(inner_in, L.Dense(2, name="in3")(gru(2, name="in2")(x)), name="inner")
    a = L.Input((2, 4, 3), name="a")
    x = L.TimeDistributed(lstm(3, name="t"), name="each")(a)
    x = L.Bidirectional(gru(2, return_sequences=True, name="b"), name="both")(x)
    return Model(a, inner(x), name="net")


def randomize(model, seed):
    """Give every weight a value of its own."""
    random = np.random.RandomState(seed)
    model.set_weights([random.uniform(-1, 1, w.shape) for w in model.get_weights()])


cudnn, plain = made(True), made(False)
randomize(cudnn, 1)
randomize(plain, 2)
cudnn.save_weights(os.path.join(HERE, "keras224_cudnn.h5"))
plain.save_weights(os.path.join(HERE, "keras224_plain.h5"))
cudnn.load_weights(os.path.join(HERE, "keras224_plain.h5"))
plain.load_weights(os.path.join(HERE, "keras224_cudnn.h5"))
x = np.random.RandomState(3).uniform(-1, 1, (3, 2, 4, 3)).astype("float32")
stored = {"x": x, "prediction": plain.predict(x)}
for name, model in (("cudnn", cudnn), ("plain", plain)):
    stored.update({f"{name}{i}": w for i, w in enumerate(model.get_weights())})
np.savez(os.path.join(HERE, "keras224_cudnn.npz"), **stored)
print(keras.__version__, len(stored))
