"""Cases on kcompat: what a case's data builds here, and what it gives, in the form the recorder wrote."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import torch

from kcompat import activations, config, constraints, initializers, layers, losses, metrics, models, optimizers, registry, regularizers
from kcompat.compare import array, facts, observe, observe_function, plain
from kcompat.core.naming import reset_names
from kcompat.tree import flatten
from parity import bodies, draw, operations, training
from parity.record_common import OF_VALUES, is_mask, with_tensors
from parity.summary import summary

#: what each generation is called in `keras_version_scope`
VERSIONS = {"2.2": "2.2.4", "2.3": "2.3.1", "2.15": "2.15", "3": "3"}
_ROOMS = {"activation": activations, "regularizer": regularizers, "constraint": constraints, "initializer": initializers}


def replay(case: dict[str, Any], generation: str, floatx: str, made_from: Any = None) -> dict[str, Any]:
    """The observation of a resolved case, or {"error": [names of the exception's classes], "message"}.

    With `made_from`, a config as real Keras wrote it, the object is made from that instead of from the case's arguments.
    """
    before = config.floatx()
    config.set_floatx(floatx)
    torch.manual_seed(0)
    reset_names()
    try:
        with config.keras_version_scope(VERSIONS[generation]), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what is accepted without effect is a case, too
            return _KINDS.get(case["kind"], _function)(case, floatx, made_from)
    except Exception as error:
        return {"error": [cls.__name__ for cls in type(error).__mro__], "message": str(error)[:200]}
    finally:
        config.set_floatx(before)


def _layer(case: dict[str, Any], floatx: str, made_from: Any) -> dict[str, Any]:
    if made_from is not None:
        layer = registry.deserialize("layer", {"class_name": case["class"], "config": made_from})
        if "trainable" in case:
            layer.trainable = case["trainable"]
    else:
        layer = _make_layer(case)
    return _called(layer, case, floatx)


def _model(case: dict[str, Any], floatx: str, made_from: Any) -> dict[str, Any]:
    if made_from is not None:
        kind = "Sequential" if "sequential" in case["model"] else "Functional"
        return _called(models.model_from_config({"class_name": kind, "config": made_from}), case, floatx)
    model = _make_model(case["model"])
    record = _called(model, case, floatx)
    if "train" in case:
        record.update(_trained(model, case, floatx))
    return record


def _called(layer: Any, case: dict[str, Any], floatx: str) -> dict[str, Any]:
    arguments = {k: torch.tensor(v, dtype=torch.bool) if is_mask(k, v) else v for k, v in case["call"].items()}
    listed = len(case["inputs"]) != 1 or case.get("listed", False)
    first = _tensors(case, floatx, 0)
    spread = case.get("spread", False)
    with torch.no_grad():
        early = {k: v for k, v in arguments.items() if k != "training"}
        layer(*first, **early) if spread else layer(first if listed else first[0], **early)
    _set_weights(layer, case, floatx)
    silent = case.get("random") or not case.get("gradient", True)
    record: dict[str, Any] = {}
    for step in range(case["steps"]):
        tensors = _tensors(case, floatx, step)
        cotangent = None if silent else lambda index, shape: draw.cotangent(case, index, shape, floatx)
        record = observe(layer, tensors if listed else tensors[0], arguments, cotangent, spread)
    record["facts"].update(facts(layer))
    shapes = [(None, *t.shape[1:]) for t in first]
    static = layer.compute_output_shape(*shapes) if spread else layer.compute_output_shape(shapes if listed else shapes[0])
    record["facts"]["static_shape"] = plain(static)
    return _summarized(record) if case.get("random") else record


def _set_weights(layer: Any, case: dict[str, Any], floatx: str) -> None:
    stored = stored_weights(layer)
    values = draw.weights(case, [w.name.split("/")[-1].split(":")[0] for w in stored], [tuple(w.shape) for w in stored], floatx)
    if values is not None:
        layer.set_weights(values)


def stored_weights(layer: Any) -> list[Any]:
    """The weights in the order of `get_weights()`, which for models of old Keras is not that of `weights`."""
    return [w for inner in layer.layers for w in inner.weights] if hasattr(layer, "layers") else list(layer.weights)


def _tensors(case: dict[str, Any], floatx: str, step: int) -> list[torch.Tensor]:
    tensors = [torch.from_numpy(a) for a in draw.inputs(case, floatx, step)]
    for tensor, mask in zip(tensors, draw.masks(case), strict=True):
        if mask is not None:
            tensor._keras_mask = torch.from_numpy(mask)  # type: ignore[attr-defined]
    return tensors


def _trained(model: Any, case: dict[str, Any], floatx: str) -> dict[str, Any]:
    told = case["train"]
    optimizer = training.make_optimizer(optimizers, optimizers.schedules.deserialize, told)
    model.compile(optimizer=optimizer, **training.compile_arguments(told))
    _set_weights(model, case, floatx)
    return training.train(
        model, case, floatx, lambda ins: [np.shape(out) for out in flatten(model.predict_on_batch(ins if len(ins) > 1 else ins[0]))]
    )


def _function(case: dict[str, Any], floatx: str, made_from: Any) -> dict[str, Any]:
    made = _made_object(case, made_from)
    record: dict[str, Any] = {"facts": {}}
    if case["inputs"]:
        arguments = case["config"] if case["kind"] == "activation" else {}
        silent = case["kind"] == "constraint" or not case.get("gradient", True)
        cotangent = None if silent else lambda index, shape: draw.cotangent(case, index, shape, floatx)
        record = observe_function(lambda x: made(x, **arguments), _tensors(case, floatx, 0)[0], cotangent)
    record["facts"] = {"config": plain(_ROOMS[case["kind"]].serialize(made))}  # type: ignore[attr-defined]
    return record


def _loss(case: dict[str, Any], floatx: str, made_from: Any) -> dict[str, Any]:
    made = _made_judge(case, made_from)
    targets, predictions, *weights = _tensors(case, floatx, 0)
    cotangent = (lambda index, shape: draw.cotangent(case, index, shape, floatx)) if case.get("gradient", True) else None
    record = observe_function(lambda y: _judged(made, case, [targets, y, *weights]), predictions, cotangent)
    record["facts"] = {"config": plain(made.get_config()) if hasattr(made, "get_config") else None}
    return record


def _metric(case: dict[str, Any], floatx: str, made_from: Any) -> dict[str, Any]:
    made = _made_judge(case, made_from)
    out: Any = None
    for step in range(case["steps"]):
        out = _judged(made, case, _tensors(case, floatx, step))
    told = {"config": plain(made.get_config()) if hasattr(made, "get_config") else None}
    return {"facts": told, "output/0": array(out)}


def _made_judge(case: dict[str, Any], made_from: Any) -> Any:
    room: Any = {"loss": losses, "metric": metrics}[case["kind"]]
    if made_from is not None:
        told = case.get("class") or case["identifier"]
        return room.deserialize({"class_name": told["class_name"] if isinstance(told, dict) else told, "config": made_from})
    if "identifier" in case:
        return room.get(case["identifier"])
    made = getattr(room, case["class"])
    return made(**case["config"]) if isinstance(made, type) else made


def _judged(made: Any, case: dict[str, Any], tensors: list[torch.Tensor]) -> Any:
    if case.get("class") in OF_VALUES:
        return made(tensors[0], **({"sample_weight": tensors[1]} if len(tensors) > 1 else {}))
    if len(tensors) > 2:
        return made(tensors[0], tensors[1], sample_weight=tensors[2])
    return made(tensors[0], tensors[1], **({} if hasattr(made, "get_config") else case["config"]))


def _optimizer(case: dict[str, Any], floatx: str, made_from: Any) -> dict[str, Any]:
    room: Any = optimizers.legacy if case["class"].startswith("legacy.") else optimizers
    cls = getattr(room, case["class"].split(".")[-1])
    made = cls(**case["config"]) if made_from is None else cls.from_config(made_from)
    told = plain(made.get_config())
    weights = [torch.nn.Parameter(torch.tensor(w, dtype=getattr(torch, floatx))) for w in case["start"]]
    paths: list[list[np.ndarray]] = [[] for _ in weights]
    for row in case["gradients"]:
        made.apply_gradients([(None if g is None else torch.tensor(g, dtype=w.dtype), w) for g, w in zip(row, weights, strict=True)])
        for path, weight in zip(paths, weights, strict=True):
            path.append(array(weight).copy())
    record: dict[str, Any] = {f"output/{i}": np.array(path) for i, path in enumerate(paths)}
    record.update({f"state/{i}": np.asarray(value) for i, value in enumerate(made.get_weights())})
    return {**record, "facts": {"config": told}}


def _schedule(case: dict[str, Any], floatx: str, made_from: Any) -> dict[str, Any]:
    cls = getattr(optimizers.schedules, case["class"])
    made = cls(**case["config"]) if made_from is None else cls.from_config(made_from)
    rates = [float(made(torch.tensor(step))) for step in draw.inputs(case, floatx)[0]]
    return {"facts": {"config": plain(made.get_config())}, "output/0": np.array(rates, floatx)}


def _initializer(case: dict[str, Any], floatx: str, made_from: Any) -> dict[str, Any]:
    made = _made_object(case, made_from)
    record: dict[str, Any] = {"facts": {"config": plain(initializers.serialize(made))}}
    if "shape" in case:
        record["output/0"] = made(tuple(case["shape"])).detach().numpy()
    return _summarized(record) if case.get("random") else record


def _summarized(record: dict[str, Any]) -> dict[str, Any]:
    return {("summary" + k[6:] if k.startswith("output/") else k): summary(v) if k.startswith("output/") else v for k, v in record.items()}


def _made_object(case: dict[str, Any], made_from: Any) -> Any:
    room: Any = _ROOMS[case["kind"]]
    if made_from is not None:
        return room.deserialize(made_from)
    if "identifier" in case:
        return room.get(case["identifier"])
    made = getattr(room, case["class"])
    return made if case["kind"] == "activation" else made(**bodies.fill(case["config"]))


def _operation(case: dict[str, Any], floatx: str, made_from: Any) -> dict[str, Any]:
    tensors = [torch.from_numpy(a) for a in draw.inputs(case, floatx, 0)]
    if made_from is not None:
        model = models.model_from_config({"class_name": "Functional", "config": made_from})
    else:
        symbols = [layers.Input(batch_shape=tuple(t.shape), dtype=t.dtype) for t in tensors]
        model = models.Model(symbols, _applied(case, symbols))
    cotangent = (lambda index, shape: draw.cotangent(case, index, shape, floatx)) if case.get("gradient", True) else None
    record = observe(model, tensors if len(tensors) > 1 else tensors[0], None, cotangent)
    record = {k: v for k, v in record.items() if not k.startswith("mask/")}
    record["facts"] = {"config": plain(model.get_config()) if made_from is not None else None}
    return record


def _applied(case: dict[str, Any], symbols: list[Any]) -> Any:
    name, config = case["class"], dict(case["config"])
    first = symbols if case.get("listed") else symbols[0]
    if case["id"].rsplit("_k3", 1)[0] != case["id"]:
        layer = registry.lookup("layer", "Operation")(name, config)
        return layer(first) if case.get("listed") else layer(*symbols)
    if name == "__operators__.getitem":
        return registry.lookup("layer", "SlicingOpLambda")(name)(first, slice_spec=list(operations.index_of(config["index"])))
    further = {key: symbols[place] for key, place in case["call"].items()}
    return registry.lookup("layer", "TFOpLambda")(name)(first, **further, **config)


def _make_layer(spec: dict[str, Any]) -> Any:
    if "model" in spec:
        return _make_model(spec["model"])
    config = bodies.fill(spec.get("config", {}))
    inner = {key: _make_layer(value) for key, value in config.items() if isinstance(value, dict) and "class" in value}
    made = registry.lookup("layer", spec["class"])(**{**config, **inner})
    if "trainable" in spec:
        made.trainable = spec["trainable"]
    return made


def _make_model(spec: dict[str, Any]) -> Any:
    if "sequential" in spec:
        model = models.Sequential()
        for part in spec["sequential"]:
            model.add(_make_layer(part))
        return model
    tensors = {name: layers.Input(**told) for name, told in spec["inputs"].items()}
    inputs = list(tensors.values())
    made = {name: _make_layer(told) for name, told in spec["layers"].items()}
    for row in spec["calls"]:
        name, layer, source = row[:3]
        given = [tensors[s] for s in source] if isinstance(source, list) else tensors[source]
        call = row[3] if len(row) > 3 else {}
        call = with_tensors(call, tensors)
        result = made[layer](given, **call)
        tensors.update(zip(name, result, strict=True) if isinstance(name, list) else {name: result})
    outputs = spec["outputs"]
    outputs = [tensors[o] for o in outputs] if isinstance(outputs, list) else tensors[outputs]
    return models.Model(inputs if len(inputs) > 1 else inputs[0], outputs)


_KINDS = {
    "layer": _layer, "model": _model, "initializer": _initializer, "loss": _loss, "metric": _metric, "optimizer": _optimizer,
    "operation": _operation,
    "schedule": _schedule,
}  # fmt: skip
