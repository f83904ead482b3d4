# ruff: noqa: B905 - runs under Python 3.7 too, which knows no strict=
"""Recording with tf_keras ("2.15") and Keras 3 on TensorFlow: eager calls under a gradient tape."""

import json
import platform

import numpy as np
import tensorflow as tf

from parity import draw, operations, training
from parity import record_common as common
from parity.summary import summary


class Recorder:
    """Runs cases on one of the two; `observe` gives a record."""

    def __init__(self, generation):
        if generation == "3":
            import keras
        else:
            import tf_keras as keras
        self.keras = keras
        self.versions = {
            "keras": keras.__version__, "package": keras.__name__, "backend": f"tensorflow {tf.__version__}",
            "numpy": np.__version__, "python": platform.python_version(),
        }  # fmt: skip

    def observe(self, case, floatx):
        """What a case gives under a floatx."""
        self.keras.backend.clear_session()
        self.keras.backend.set_floatx(floatx)
        try:
            kind = getattr(self, "_" + case["kind"], self._object)
            record = kind(case, floatx)
            if self.keras.__name__ == "tf_keras":
                record["facts"]["config"] = common.as_tf_keras_215(record["facts"]["config"])
            return record
        finally:
            self.keras.backend.set_floatx("float32")

    def _layer(self, case, floatx):
        layer = common.make_layer(self.keras, case)
        return self._called(layer, case, floatx)

    def _model(self, case, floatx):
        model = common.make_model(self.keras, case["model"])
        record = self._called(model, case, floatx)
        if "train" in case:
            record.update(self._trained(model, case, floatx))
        return record

    def _called(self, layer, case, floatx):
        arguments = {k: tf.constant(np.array(v, bool)) if common.is_mask(k, v) else v for k, v in case["call"].items()}
        listed = len(case["inputs"]) != 1 or case.get("listed", False)

        first = self._tensors(case, floatx, 0)
        run = layer
        if case.get("xla"):
            layer.build(first[0].shape)  # variables are not made in compiled code
            run = tf.function(layer, jit_compile=True)
        spread = case.get("spread", False)
        if spread:
            run = lambda ins, **given: layer(*ins, **given)  # noqa: E731
        run(first if listed else first[0], **{k: v for k, v in arguments.items() if k != "training"})
        values = draw.weights(case, [common.short(w.name) for w in layer.weights], [w.shape for w in layer.weights], floatx)
        if values is not None:
            layer.set_weights(values)
        for step in range(case["steps"]):
            ins = self._tensors(case, floatx, step)
            wanted = case.get("gradient", True)
            watched = [t for t in ins if t.dtype.is_floating and wanted]
            with tf.GradientTape(watch_accessed_variables=wanted) as tape:  # compiled loops run without gradients only
                tape.watch(watched)
                out = run(ins if listed else ins[0], **arguments)
                outs = common.flat(out)
                total = self._total(case, outs, floatx)
        record = {"facts": common.facts(layer, case)}
        record["facts"]["structure"] = common.structure(out)
        record["facts"]["static_shape"] = common.static_shape(layer, first, listed, spread)
        for index, value in enumerate(outs):
            mask = getattr(value, "_keras_mask", None)
            record[f"mask/{index}"] = None if mask is None else np.asarray(mask)
        for index, loss in enumerate(layer.losses):
            record[f"loss/{index}"] = np.asarray(loss)
        for index, weight in enumerate(layer.non_trainable_weights):
            record[f"state/{index}"] = np.asarray(weight)
        if case.get("random"):
            record.update({f"summary/{i}": summary(np.asarray(value)) for i, value in enumerate(outs)})
            return record
        record.update({f"output/{i}": np.asarray(value) for i, value in enumerate(outs)})
        if total is not None and case.get("gradient", True):
            trained = [getattr(w, "value", w) if self.keras.__name__ == "keras" else w for w in layer.trainable_weights]
            found = tape.gradient(total, watched + trained)
            record.update(gradients(found, len(watched)))
        return record

    def _total(self, case, outs, floatx):
        parts = [
            tf.reduce_sum(value * tf.cast(draw.cotangent(case, i, value.shape, floatx), value.dtype))
            for i, value in enumerate(outs) if value.dtype.is_floating
        ]  # fmt: skip
        return tf.add_n(parts) if parts else None

    def _trained(self, model, case, floatx):
        told = case["train"]
        room = self.keras.optimizers
        optimizer = training.make_optimizer(room, room.schedules.deserialize, told)
        # tf_keras' Nadam counts its product once for every weight when compiled
        eager = {"run_eagerly": True} if told.get("optimizer") == "Nadam" and self.keras.__name__ == "tf_keras" else {}
        model.compile(optimizer=optimizer, **training.compile_arguments(told), **eager)
        values = draw.weights(case, [common.short(w.name) for w in model.weights], [w.shape for w in model.weights], floatx)
        model.set_weights(values)
        return training.train(model, case, floatx, lambda ins: [out.shape for out in common.flat(model(ins if len(ins) > 1 else ins[0]))])

    def _object(self, case, floatx):
        made = common.make_object(self.keras, case)
        record = {"facts": {"config": common.serialized(self.keras, case, made)}}
        if not case["inputs"]:
            return record
        arguments = case["config"] if case["kind"] == "activation" else {}
        ins = [tf.constant(a) for a in draw.inputs(case, floatx)]
        with tf.GradientTape() as tape:
            tape.watch(ins)
            out = tf.convert_to_tensor(made(ins[0], **arguments))
            total = self._total(case, [out], floatx)
        record["output/0"] = np.asarray(out)  # a scalar is an array too
        if case["kind"] != "constraint" and case.get("gradient", True):
            record.update(gradients(tape.gradient(total, ins), 1))
        return record

    def _loss(self, case, floatx):
        made = common.make_object(self.keras, case)
        record = {"facts": {"config": common.serialized(self.keras, case, made)}}
        tensors = self._tensors(case, floatx, 0)
        with tf.GradientTape() as tape:
            tape.watch(tensors[1])
            out = tf.convert_to_tensor(common.judged(made, case, tensors))
            total = self._total(case, [out], floatx)
        record["output/0"] = np.asarray(out)
        if case.get("gradient", True):
            record.update(gradients([tape.gradient(total, tensors[1])], 1))
        return record

    def _metric(self, case, floatx):
        made = common.make_object(self.keras, case)
        record = {"facts": {"config": common.serialized(self.keras, case, made)}}
        for step in range(case["steps"]):
            out = common.judged(made, case, self._tensors(case, floatx, step))
        record["output/0"] = np.asarray(out)
        return record

    def _tensors(self, case, floatx, step):
        tensors = [tf.constant(a) for a in draw.inputs(case, floatx, step)]
        for tensor, mask in zip(tensors, draw.masks(case)):
            if mask is not None:
                tensor._keras_mask = tf.constant(mask)
        return tensors

    def _optimizer(self, case, floatx):
        made = common.make_object(self.keras, case)
        record = {"facts": {"config": common.serialized(self.keras, case, made)}}
        weights = [tf.Variable(np.array(w, floatx)) for w in case["start"]]
        if self.keras.__name__ == "keras":
            weights = [self.keras.Variable(np.array(w, floatx)) for w in case["start"]]
        paths = [[] for _ in weights]
        for row in case["gradients"]:
            made.apply_gradients([(None if g is None else tf.constant(np.array(g, floatx)), w) for g, w in zip(row, weights)])
            for path, weight in zip(paths, weights):
                path.append(np.array(weight))
        record.update({f"output/{i}": np.array(path) for i, path in enumerate(paths)})
        variables = made.variables() if callable(made.variables) else made.variables
        record.update({f"state/{i}": np.asarray(v) for i, v in enumerate(variables)})
        return record

    def _schedule(self, case, floatx):
        made = common.make_object(self.keras, case)
        rates = [np.asarray(made(step)) for step in draw.inputs(case, floatx)[0]]
        return {"facts": {"config": common.serialized(self.keras, case, made)}, "output/0": np.array(rates, floatx)}

    def _operation(self, case, floatx):
        arrays = draw.inputs(case, floatx)
        model = operations.recorded_model(self.keras, tf, case, arrays)
        ins = [tf.constant(a) for a in arrays]
        watched = [t for t in ins if t.dtype.is_floating]
        with tf.GradientTape() as tape:
            tape.watch(watched)
            outs = common.flat(model(ins if len(ins) > 1 else ins[0]))
            total = self._total(case, outs, floatx)
        record = {"facts": {"config": json.loads(model.to_json())["config"]}}  # as files have it
        record.update({f"output/{i}": np.asarray(value) for i, value in enumerate(outs)})
        if total is not None and watched and case.get("gradient", True):
            record.update(gradients(tape.gradient(total, watched), len(watched)))
        return record

    def _initializer(self, case, floatx):
        made = common.make_object(self.keras, case)
        record = {"facts": {"config": common.serialized(self.keras, case, made)}}
        if "shape" not in case:
            return record
        out = np.asarray(made(tuple(case["shape"])))
        record.update({"summary/0": summary(out)} if case.get("random") else {"output/0": out})
        return record


def gradients(found, inputs):
    """Gradients as entries of a record, first those of the inputs; None where nothing depends."""
    record = {}
    for index, gradient in enumerate(found):
        name = f"gradient/input/{index}" if index < inputs else f"gradient/weight/{index - inputs}"
        record[name] = None if gradient is None else np.asarray(tf.convert_to_tensor(gradient))
    return record
