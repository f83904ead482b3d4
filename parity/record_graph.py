# ruff: noqa: B905 - runs under Python 3.7 too, which knows no strict=
"""Recording with multi-backend Keras 2.2.4 and 2.3.1 on TensorFlow 1.15: one graph per case, run with a learning phase."""

import platform

import keras
import numpy as np
import tensorflow as tf
from keras import backend as K

from parity import draw, training
from parity import record_common as common
from parity.summary import summary

tf.compat.v1.logging.set_verbosity(tf.compat.v1.logging.ERROR)


class MaskSource(keras.layers.Layer):
    """Hands on its first input with its second as the mask."""

    supports_masking = True

    def call(self, inputs):
        """The first input."""
        return tf.identity(inputs[0])

    def compute_mask(self, inputs, mask=None):
        """The second input."""
        return K.cast(inputs[1], "bool")

    def compute_output_shape(self, input_shape):
        """As the first."""
        return input_shape[0]


class Ordered:
    """An optimizer whose updates wait for the loss and every gradient, and whose step is counted after all of them.

    Old Keras leaves that open: a kernel may be replaced before the gradient of the layer in front has read it, the counter
    before the update has read it, and numbers change from run to run.
    """

    def get_updates(self, loss, params):
        """The updates, the counter's last."""
        add, K.update_add = K.update_add, lambda variable, increment: None
        try:
            updates = super().get_updates(loss, params)
        finally:
            K.update_add = add
        done = [update for update in updates[1:] if not isinstance(update, tuple)]
        with tf.control_dependencies(done):  # Nadam's product is read by the updates of all weights
            done += [K.update(*update) for update in updates if isinstance(update, tuple)]
        with tf.control_dependencies(done):
            return [add(self.iterations, 1), *done]

    def get_gradients(self, loss, params):
        """The gradients, each given out when all are there."""
        found = super().get_gradients(loss, params)
        with tf.control_dependencies([loss, *found]):
            return [tf.identity(gradient) for gradient in found]


ORDERED = {
    name: type("Ordered" + name, (Ordered, getattr(keras.optimizers, name)), {})
    for name in ("SGD", "RMSprop", "Adagrad", "Adadelta", "Adam", "Adamax", "Nadam")
}


class Recorder:
    """Runs cases on the Keras installed here; `observe` gives a record."""

    def __init__(self, generation):
        self.versions = {
            "keras": keras.__version__, "package": "keras", "backend": f"tensorflow {tf.__version__}",
            "numpy": np.__version__, "python": platform.python_version(),
        }  # fmt: skip

    def observe(self, case, floatx):
        """What a case gives under a floatx."""
        K.clear_session()
        # Formulas as they are written: TensorFlow's rewriting of graphs shows where 1 - p + epsilon is near 0.
        options = tf.compat.v1.ConfigProto(intra_op_parallelism_threads=1, inter_op_parallelism_threads=1)
        options.graph_options.rewrite_options.disable_meta_optimizer = True
        K.set_session(tf.compat.v1.Session(config=options))
        K.set_floatx(floatx)
        try:
            return getattr(self, "_" + case["kind"], self._object)(case, floatx)
        finally:
            K.set_floatx("float32")

    def _layer(self, case, floatx):
        layer = common.make_layer(keras, case)
        arrays = draw.inputs(case, floatx)
        feeds = {}
        plain = [keras.layers.Input(shape=a.shape[1:], dtype=str(a.dtype)) for a in arrays]
        ins = []
        for tensor, mask in zip(plain, draw.masks(case)):
            if mask is not None:
                source = keras.layers.Input(shape=mask.shape[1:], dtype="float32")
                feeds[source] = mask.astype("float32")
                tensor = MaskSource()([tensor, source])
            ins.append(tensor)
        listed = len(ins) != 1 or case.get("listed", False)
        out = layer(ins if listed else ins[0], **{k: v for k, v in case["call"].items() if k != "training"})
        masks = common.flat(layer.get_output_mask_at(0))
        record = self._ran(layer, case, floatx, plain, feeds, out, masks)
        record["facts"]["static_shape"] = common.static_shape(layer, arrays, listed)
        return record

    def _model(self, case, floatx):
        model = common.make_model(keras, case["model"])
        arrays = draw.inputs(case, floatx)
        if not model.built or not model.inputs:
            model.build((None, *arrays[0].shape[1:]))
        masks = common.flat(model.compute_mask(model.inputs, [None] * len(model.inputs)))
        out = model.outputs if len(model.outputs) > 1 else model.outputs[0]
        record = self._ran(model, case, floatx, model.inputs, {}, out, masks)
        record["facts"]["static_shape"] = common.static_shape(model, arrays, len(arrays) > 1)
        if "train" in case:
            record.update(self._trained(model, case, floatx))
        return record

    def _ran(self, layer, case, floatx, ins, feeds, out, masks):
        outs = common.flat(out)
        floats = [i for i, value in enumerate(outs) if "float" in K.dtype(value)]
        fetches = {f"output/{i}": value for i, value in enumerate(outs)}
        fetches.update({f"mask/{i}": mask for i, mask in enumerate(masks) if mask is not None})
        fetches.update({f"loss/{i}": tf.convert_to_tensor(loss) for i, loss in enumerate(layer.losses)})
        updates = list(layer.updates) if case["call"].get("training") else []
        names = [common.short(w.name) for w in self._stored(layer)]
        values = draw.weights(case, names, [K.int_shape(w) for w in self._stored(layer)], floatx)
        session = K.get_session()
        if values is not None:
            layer.set_weights(values)
        feeds = dict(feeds)
        feeds[K.learning_phase()] = int(bool(case["call"].get("training")))
        for step in range(case["steps"]):
            feeds.update(zip(ins, draw.inputs(case, floatx, step)))
            if step == case["steps"] - 1 and floats and case.get("gradient", True) and not case.get("random"):
                known = session.run([outs[i] for i in floats], feeds)
                total = sum(K.sum(outs[i] * draw.cotangent(case, i, v.shape, floatx).astype(v.dtype)) for i, v in zip(floats, known))
                watched = [t for t in ins if "float" in K.dtype(t)]
                fetches.update(self._gradients(total, watched, layer.trainable_weights))
            found, _ = session.run([{k: v for k, v in fetches.items() if v is not None}, updates], feeds)
        record = {"facts": common.facts(layer, case)}
        record["facts"]["structure"] = common.structure(out)
        record.update({f"mask/{i}": None for i in range(len(outs))})
        record.update(dict.fromkeys(fetches))
        record.update({key: np.asarray(value) for key, value in found.items()})
        # A set in old Keras: by size, so that two recordings are the same.
        losses = sorted((key for key in record if key.startswith("loss/")), key=lambda key: float(record[key]))
        record.update(dict(zip(sorted(losses), [record[key] for key in losses])))
        record.update({f"state/{i}": K.get_value(w) for i, w in enumerate(layer.non_trainable_weights)})
        if case.get("random"):
            record.update({f"summary/{i}": summary(record.pop(f"output/{i}")) for i in range(len(outs))})
        return record

    def _stored(self, layer):
        """Variables in the order of `get_weights()`, which for models of old Keras is not that of `weights`."""
        inner = getattr(layer, "layers", None)
        return layer.weights if inner is None else [w for part in inner for w in part.weights]

    def _gradients(self, total, watched, trained):
        found = K.gradients(total, watched + trained)
        found = [None if g is None else tf.convert_to_tensor(g) for g in found]  # an Embedding's is a list of rows
        count = len(watched)
        return {f"gradient/input/{i}" if i < count else f"gradient/weight/{i - count}": g for i, g in enumerate(found)}

    def _trained(self, model, case, floatx):
        told = case["train"]
        model.compile(optimizer=training.make_optimizer(ORDERED, None, told), **training.compile_arguments(told))
        stored = self._stored(model)
        names = [common.short(w.name) for w in stored]
        model.set_weights(draw.weights(case, names, [K.int_shape(w) for w in stored], floatx))
        return training.train(model, case, floatx, lambda ins: [np.shape(out) for out in common.flat(model.predict_on_batch(ins))])

    def _object(self, case, floatx):
        made = common.make_object(keras, case)
        record = {"facts": {"config": common.serialized(keras, case, made)}}
        if not case["inputs"]:
            return record
        arguments = case["config"] if case["kind"] == "activation" else {}
        arrays = draw.inputs(case, floatx)
        entry = K.placeholder(shape=arrays[0].shape, dtype=str(arrays[0].dtype))
        out = made(entry, **arguments)
        out = tf.convert_to_tensor(out)
        session = K.get_session()
        value = session.run(out, {entry: arrays[0]})
        record["output/0"] = np.asarray(value)
        if case["kind"] != "constraint" and case.get("gradient", True):
            total = K.sum(out * draw.cotangent(case, 0, value.shape, floatx))
            gradient = K.gradients(total, [entry])[0]
            record["gradient/input/0"] = None if gradient is None else session.run(gradient, {entry: arrays[0]})
        return record

    def _loss(self, case, floatx):
        made = common.make_object(keras, case)
        entries, out = self._judged(made, case, floatx)
        feeds = dict(zip(entries, draw.inputs(case, floatx)))
        value = np.asarray(K.get_session().run(out, feeds))
        record = {"facts": {"config": common.serialized(keras, case, made)}, "output/0": value}
        if case.get("gradient", True):
            total = K.sum(out * draw.cotangent(case, 0, value.shape, floatx))
            gradient = K.gradients(total, [entries[1]])[0]
            record["gradient/input/0"] = None if gradient is None else K.get_session().run(gradient, feeds)
        return record

    def _metric(self, case, floatx):
        made = common.make_object(keras, case)
        entries, out = self._judged(made, case, floatx)
        session = K.get_session()
        for step in range(case["steps"]):
            value = session.run(out, dict(zip(entries, draw.inputs(case, floatx, step))))
        return {"facts": {"config": common.serialized(keras, case, made)}, "output/0": np.asarray(value)}

    def _judged(self, made, case, floatx):
        entries = [K.placeholder(shape=a.shape, dtype=str(a.dtype)) for a in draw.inputs(case, floatx)]
        return entries, tf.convert_to_tensor(common.judged(made, case, entries))

    def _optimizer(self, case, floatx):
        made = common.make_object(keras, case)
        weights = [K.variable(np.array(w, floatx)) for w in case["start"]]
        entries = [K.placeholder(shape=np.shape(w)) for w in case["start"]]
        loss = sum(K.sum(w * e) for w, e in zip(weights, entries))
        updates = made.get_updates(loss, weights)
        products = [K.update(*u) for u in updates if isinstance(u, tuple)]
        updates = [u for u in updates if not isinstance(u, tuple)]
        session = K.get_session()
        paths = [[] for _ in weights]
        for row in case["gradients"]:
            # Old Keras leaves open whether an update sees the step counter before or after its increment: here always before.
            feeds = {e: np.array(g, floatx) for e, g in zip(entries, row)}
            session.run([u for u in updates if not self._counts(made, u)], feeds)
            session.run(products, feeds)
            session.run([u for u in updates if self._counts(made, u)], feeds)
            for path, weight in zip(paths, weights):
                path.append(K.get_value(weight))
        record = {"facts": {"config": common.serialized(keras, case, made)}}
        record.update({f"output/{i}": np.array(path) for i, path in enumerate(paths)})
        record.update({f"state/{i}": np.asarray(v) for i, v in enumerate(made.get_weights())})
        return record

    def _counts(self, made, update):
        return "int" in str(getattr(update, "dtype", "")) and update is made.updates[0]

    def _initializer(self, case, floatx):
        made = common.make_object(keras, case)
        record = {"facts": {"config": common.serialized(keras, case, made)}}
        if "shape" not in case:
            return record
        out = np.asarray(K.eval(tf.convert_to_tensor(made(tuple(case["shape"])))))
        out = out.astype(floatx)  # some give numpy's float64, which a weight casts
        record.update({"summary/0": summary(out)} if case.get("random") else {"output/0": out})
        return record
