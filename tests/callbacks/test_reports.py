"""Callbacks that write elsewhere: CSV files, HTTP servers, event files; and those that look at losses and averages."""

import json
import math
import threading
import urllib.parse
from http.server import BaseHTTPRequestHandler, HTTPServer

import numpy as np
import pytest

from kcompat import callbacks, config, layers, models, optimizers
from kcompat.errors import ArgumentError, ArgumentTypeError

X = np.arange(10.0)[:, None] / 10


def model(optimizer="sgd", **arguments):
    made = models.Sequential([layers.Dense(1, use_bias=False, kernel_initializer="ones", name="d", input_shape=(1,))])
    made.compile(optimizer, "mse", **arguments)
    return made


def fitted(*listed, epochs=2, made=None, **arguments):
    made = made or model()
    return made.fit(X, X, epochs=epochs, verbose=0, callbacks=list(listed), **arguments).history


# -- CSV -------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("version", "head"), [("2.2.4", "epoch;loss"), ("2.15", "epoch;loss;val_loss")])
def test_csv(tmp_path, version, head):
    config.set_keras_version(version)
    path = tmp_path / "log.csv"
    fitted(callbacks.CSVLogger(path, separator=";"))
    lines = path.read_text().splitlines()
    assert lines[0] == head
    assert [line.split(";")[0] for line in lines[1:]] == ["0", "1"]
    assert float(lines[1].split(";")[1]) == 0.0
    assert version == "2.2.4" or lines[1].endswith(";NA")


def test_csv_is_continued(tmp_path):
    path = tmp_path / "log.csv"
    fitted(callbacks.CSVLogger(path), epochs=1)
    fitted(callbacks.CSVLogger(path, append=True), epochs=1)
    assert [line.split(",")[0] for line in path.read_text().splitlines()] == ["epoch", "0", "0"]


# -- HTTP ------------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def server():
    seen = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            seen.append((self.path, dict(self.headers), body))
            self.send_response(500 if self.path == "/broken" else 200)
            self.end_headers()

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as served:
        thread = threading.Thread(target=served.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{served.server_port}", seen
        served.shutdown()
        thread.join()


def test_remote_monitor_as_a_form_and_as_json(server):
    root, seen = server
    fitted(callbacks.RemoteMonitor(root, field="mine", headers={"X-Key": "k"}))
    fitted(callbacks.RemoteMonitor(root, path="/json", send_as_json=True), epochs=1)
    fitted(callbacks.RemoteMonitor(root, path="/broken"), epochs=1)
    paths = [path for path, _, _ in seen]
    assert paths == ["/publish/epoch/end/", "/publish/epoch/end/", "/json", "/broken"]
    form = json.loads(urllib.parse.parse_qs(seen[1][2])["mine"][0])
    assert form == {"epoch": 1, "loss": 0.0}
    assert seen[0][1]["X-Key"] == "k"
    assert json.loads(seen[2][2]) == {"epoch": 0, "loss": 0.0}
    assert seen[2][1]["Content-Type"] == "application/json"


def test_remote_monitor_without_a_server():
    with pytest.warns(UserWarning, match="could not reach http://127.0.0.1:1"):
        fitted(callbacks.RemoteMonitor("http://127.0.0.1:1"), epochs=1)
    with pytest.raises(ArgumentError, match="`root`"):
        callbacks.RemoteMonitor("file:///etc")


# -- losses -----------------------------------------------------------------------------------------------------------------------


def test_terminate_on_nan_names_epoch_and_batch(capsys):
    made = model()
    y = X.copy()
    y[5] = math.nan
    history = made.fit(X, y, batch_size=2, shuffle=False, epochs=3, verbose=0, callbacks=[callbacks.TerminateOnNaN()])
    assert "Epoch 1, batch 2: invalid loss nan" in capsys.readouterr().out
    assert len(history.epoch) == 1
    with pytest.raises(RuntimeError, match="Epoch 1, batch 2"):
        model().fit(X, y, batch_size=2, shuffle=False, verbose=0, callbacks=[callbacks.TerminateOnNaN(raise_error=True)])


def test_base_logger_averages_batches_by_size():
    config.set_keras_version("2.2.4")
    logger = callbacks.BaseLogger(stateful_metrics=["s"])
    logger.set_params({"metrics": ["loss", "s"]})
    logger.on_epoch_begin(0)
    logger.on_batch_end(0, {"size": 3, "loss": 1.0, "s": 1.0})
    logger.on_batch_end(1, {"size": 1, "loss": 5.0, "s": 7.0})
    logs = {}
    logger.on_epoch_end(0, logs)
    assert logs == {"loss": 2.0, "s": 7.0}


def test_averages_are_in_the_weights_while_evaluating():
    config.set_keras_version("3")
    made = model(optimizers.SGD(0.5, use_ema=True, ema_momentum=0.5))
    seen = {}

    def note(name):
        return lambda *_, **__: seen.setdefault(name, made.get_weights()[0].item())

    hooks = {"on_train_batch_end": note("first"), "on_epoch_end": note("epoch"), "on_test_batch_end": note("test")}
    note_all = callbacks.LambdaCallback(**hooks)
    swap = callbacks.SwapEMAWeights(swap_on_epoch=True)
    made.fit(X, X * 0, epochs=1, verbose=0, batch_size=5, shuffle=False, validation_data=(X, X), callbacks=[swap, note_all])
    first = 1 - 0.5 * 2 * np.mean(X[:5] ** 2)
    second = first * (1 - 0.5 * 2 * np.mean(X[5:] ** 2))
    assert seen["first"] == pytest.approx(first)
    assert seen["test"] == seen["epoch"] == pytest.approx((first + second) / 2)  # Keras 3 starts the average at the first step
    assert made.get_weights()[0].item() == seen["test"]
    with pytest.raises(ArgumentTypeError, match="`use_ema=True`"):
        fitted(callbacks.SwapEMAWeights(), validation_data=(X, X))


# -- TensorBoard --------------------------------------------------------------------------------------------------------------------


def events(folder):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    found = EventAccumulator(str(folder), size_guidance={"histograms": 0, "images": 0, "scalars": 0, "tensors": 0})
    found.Reload()
    return found


def scalars(folder, tag):
    return [(event.step, event.value) for event in events(folder).Scalars(tag)]


def test_tensorboard_of_tf_keras(tmp_path):
    made = model()
    board = callbacks.TensorBoard(
        tmp_path, histogram_freq=1, write_images=True, write_steps_per_second=True, update_freq=2, profile_batch=(2, 3)
    )
    history = fitted(board, made=made, epochs=2, batch_size=4, validation_data=(X, X * 2))
    train, after = events(tmp_path / "train"), events(tmp_path / "validation")
    assert scalars(tmp_path / "train", "epoch_loss") == [(i, pytest.approx(v)) for i, v in enumerate(history["loss"])]
    assert scalars(tmp_path / "validation", "epoch_loss") == [(i, pytest.approx(v)) for i, v in enumerate(history["val_loss"])]
    assert scalars(tmp_path / "train", "epoch_learning_rate") == [(0, pytest.approx(0.01)), (1, pytest.approx(0.01))]
    assert [step for step, _ in scalars(tmp_path / "train", "batch_loss")] == [2, 4, 6]
    assert {"batch_steps_per_second", "epoch_steps_per_second"} <= set(train.Tags()["scalars"])
    assert [event.step for event in after.Scalars("evaluation_loss_vs_iterations")] == [3, 6]
    assert train.Tags()["histograms"] == ["d/kernel_0/histogram"]
    assert [event.step for event in train.Histograms("d/kernel_0/histogram")] == [0, 1]
    assert train.Histograms("d/kernel_0/histogram")[0].histogram_value.max == pytest.approx(1.0, abs=0.1)
    assert train.Tags()["images"] == []  # one number is no image
    assert "d" in [node.name for node in train.Graph().node]
    assert json.loads(train.Tensors("keras")[0].tensor_proto.string_val[0])["class_name"] == "Sequential"
    (profile,) = (tmp_path / "train" / "plugins" / "profile").iterdir()
    assert json.loads(profile.read_text())["traceEvents"]


def test_tensorboard_of_keras_2_2(tmp_path):
    config.set_keras_version("2.2.4")
    board = callbacks.TensorBoard(str(tmp_path), histogram_freq=1, write_grads=True, update_freq=8)
    fitted(board, epochs=2, batch_size=4, validation_data=(X, X))
    found = events(tmp_path)
    assert set(found.Tags()["histograms"]) >= {"d/kernel_0", "d/kernel_0_grad", "d_out"}
    assert [step for step, _ in scalars(tmp_path, "val_loss")] == [10, 20]
    assert [step for step, _ in scalars(tmp_path, "loss")] == [8, 10, 18, 20]
    with pytest.raises(ArgumentError, match="`validation_data`"):
        fitted(callbacks.TensorBoard(str(tmp_path), histogram_freq=1))
    with pytest.raises(ArgumentError, match="`embeddings_data`"):
        callbacks.TensorBoard(str(tmp_path), embeddings_freq=1)


@pytest.mark.parametrize("version", ["2.2.4", "2.15"])
def test_tensorboard_shows_embeddings(tmp_path, version):
    config.set_keras_version(version)
    made = models.Sequential([layers.Embedding(4, 3, input_length=2, name="e"), layers.Flatten(), layers.Dense(1)])
    made.compile("sgd", "mse")
    words = np.array([[0, 1], [2, 3], [1, 1], [0, 0]])
    (tmp_path / "words.tsv").write_text("\n".join("abcd"))
    extra = {"embeddings_data": words, "batch_size": 3} if version == "2.2.4" else {}
    board = callbacks.TensorBoard(str(tmp_path), embeddings_freq=1, embeddings_metadata={"e": "words.tsv"}, **extra)
    made.fit(words, np.ones((4, 1)), verbose=0, callbacks=[board])
    top = tmp_path if version == "2.2.4" else tmp_path / "train"
    assert "metadata.tsv" in (top / "projector_config.pbtxt").read_text()
    (table,) = top.rglob("tensors.tsv")
    shown = np.loadtxt(table)
    if version == "2.15":
        np.testing.assert_allclose(shown, made.layers[0].get_weights()[0], rtol=1e-5)
    else:
        np.testing.assert_allclose(shown, made.layers[0].get_weights()[0][words].reshape(4, 6), rtol=1e-5)
    (labels,) = top.rglob("metadata.tsv")
    assert labels.read_text().split() == list("abcd")


def test_tensorboard_refuses(tmp_path):
    for wrong in (-1, (3, 2), "a,b", (1, 2, 3)):
        with pytest.raises(ArgumentError, match="`profile_batch`"):
            callbacks.TensorBoard(tmp_path, profile_batch=wrong)
    with pytest.raises(ArgumentError, match="`update_freq`"):
        callbacks.TensorBoard(tmp_path, update_freq="never")
    with pytest.raises(ArgumentTypeError, match="Did you mean 'write_grads'"):
        callbacks.TensorBoard(tmp_path, write_grad=True)
    with pytest.raises(ArgumentError, match="names the layer 'x'"):
        fitted(callbacks.TensorBoard(tmp_path, embeddings_freq=1, embeddings_metadata={"x": "y"}))


def test_weights_as_images(tmp_path):
    made = models.Sequential([layers.Dense(3, name="d", input_shape=(4,)), layers.Reshape((3, 1)), layers.Conv1D(2, 2, name="c")])
    made.compile("sgd", "mse")
    board = callbacks.TensorBoard(tmp_path, histogram_freq=1, write_images=True)
    made.fit(np.ones((2, 4)), np.ones((2, 2, 2)), verbose=0, callbacks=[board])
    found = events(tmp_path / "train")
    sizes = {tag: (found.Images(tag)[0].height, found.Images(tag)[0].width) for tag in found.Tags()["images"]}
    assert sizes["d/kernel_0/image"] == (3, 4)  # lying, as Keras shows a Dense kernel
