"""Every layer, and models of them, do what PyTorch users do to a module."""

from __future__ import annotations

import copy
import io
import pickle
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from table import BASES, ROWS, Row, listed, registered
from torch.func import functional_call, grad, vmap
from torch.nn.parallel import DistributedDataParallel
from torch.nn.utils import parametrizations, prune

from kcompat.core import Input, Layer, Variable, make_weights_contiguous
from kcompat.models import Functional, Model, Sequential
from kcompat.tree import flatten


@pytest.fixture(scope="module")
def process_group(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A group of one process, as `torchrun` would make."""
    store = torch.distributed.FileStore(str(tmp_path_factory.mktemp("group") / "store"), 1)
    torch.distributed.init_process_group("gloo", store=store, rank=0, world_size=1)
    yield
    torch.distributed.destroy_process_group()


LAYERS = [pytest.param(name, id=name) for name in ROWS]


def _built(name: str) -> tuple[Any, Any]:
    torch.manual_seed(1)
    row = ROWS[name]
    layer = row.make()
    inputs = row.inputs()
    layer(inputs)
    return layer, inputs


def _graph(row: Row) -> Any:
    torch.manual_seed(1)
    inputs = [Input(shape[1:]) for shape in row.shapes]
    outputs = row.make()(inputs[0] if len(inputs) == 1 else inputs)
    return Model(inputs[0] if len(inputs) == 1 else inputs, outputs)


def _stack(row: Row) -> Any:
    torch.manual_seed(1)
    return Sequential([Input(row.shapes[0][1:]), row.make()])


def _same(a: Any, b: Any, **bars: float) -> None:
    for x, y in zip(flatten(a), flatten(b), strict=True):
        torch.testing.assert_close(x, y, **{"rtol": 1e-5, "atol": 1e-6, **bars})


def test_every_registered_layer_is_listed() -> None:
    assert registered() - listed() - BASES == set()


@pytest.mark.parametrize("name", LAYERS)
class TestLayer:
    def test_state_dict_fits_a_twin(self, name: str) -> None:
        layer, inputs = _built(name)
        twin, _ = _built(name)
        with torch.no_grad():
            for p in twin.parameters():
                p.add_(1.0)
        state = layer.state_dict()
        assert not any(isinstance(v, Variable) for k, v in state.items() if "module." not in k)
        buffer = io.BytesIO()
        torch.save(state, buffer)
        buffer.seek(0)
        twin.load_state_dict(torch.load(buffer, weights_only=True))
        _same(twin(inputs), layer(inputs))

    def test_deepcopy_and_pickle(self, name: str) -> None:
        layer, inputs = _built(name)
        for twin in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
            _same(twin(inputs), layer(inputs))
            assert [type(p) for p in twin.weights] == [type(p) for p in layer.weights]
            assert [w.name for w in twin.weights if isinstance(w, Variable)] == [w.name for w in layer.weights if isinstance(w, Variable)]
            assert not {p.data_ptr() for p in twin.parameters()} & {p.data_ptr() for p in layer.parameters()}

    def test_dtypes_and_meta(self, name: str) -> None:
        for dtype in (torch.float64, torch.bfloat16, torch.float16):
            layer, inputs = _built(name)
            layer.to(dtype)
            outputs = layer([x.to(dtype) for x in inputs] if isinstance(inputs, list) else inputs.to(dtype))
            assert {t.dtype for t in flatten(outputs)} == {dtype}
        layer, inputs = _built(name)
        layer.to("meta")
        assert all(p.device.type == "meta" for p in layer.parameters())
        assert all(isinstance(w, Variable) for _, w in layer._own())
        outputs = layer([x.to("meta") for x in inputs] if isinstance(inputs, list) else inputs.to("meta"))
        assert all(t.device.type == "meta" for t in flatten(outputs))

    def test_train_and_eval_are_obeyed(self, name: str) -> None:
        layer, _ = _built(name)
        assert not layer.training
        parent = torch.nn.Sequential(layer)
        assert layer.training
        parent.eval()
        assert not any(m.training for m in layer.modules())

    def test_trainable_is_requires_grad(self, name: str) -> None:
        layer, _ = _built(name)
        own = layer.trainable_weights
        layer.requires_grad_(False)
        assert layer.trainable_weights == []
        layer.trainable = True
        assert [id(w) for w in layer.trainable_weights] == [id(w) for w in own]
        layer.trainable = False
        assert not any(p.requires_grad for p in layer.parameters())

    def test_hooks(self, name: str) -> None:
        layer, inputs = _built(name)
        seen = []
        layer.register_forward_pre_hook(lambda module, args: seen.append("pre"))
        layer.register_forward_hook(lambda module, args, output: seen.append("post"))
        layer(inputs)
        assert seen == ["pre", "post"]

    def test_functional_call_and_vmap(self, name: str) -> None:
        layer, inputs = _built(name)
        state = {**{k: v.detach() for k, v in layer.named_parameters()}, **dict(layer.named_buffers())}
        _same(functional_call(layer, state, (inputs,)), layer(inputs))

        def loss(parameters: Any, *sample: torch.Tensor) -> torch.Tensor:
            batch = [s.unsqueeze(0) for s in sample]
            out = functional_call(layer, {**state, **parameters}, (batch[0] if len(batch) == 1 else batch,))
            return sum(t.square().sum() for t in flatten(out))

        samples = inputs if isinstance(inputs, list) else [inputs]
        parameters = {k: v.detach() for k, v in layer.named_parameters()}
        if not parameters:
            parameters = {}
        each = vmap(loss, in_dims=(None, *(0 for _ in samples)))(parameters, *samples)
        assert each.shape == (3,)
        if parameters:
            per_sample = vmap(grad(loss), in_dims=(None, *(0 for _ in samples)))(parameters, *samples)
            total = grad(lambda p: sum(loss(p, *(s[i] for s in samples)) for i in range(3)))(parameters)
            for key, value in total.items():
                torch.testing.assert_close(per_sample[key].sum(0), value, rtol=1e-4, atol=1e-5)

    @pytest.mark.parametrize("training", [False, True])
    def test_compile_fullgraph(self, name: str, training: bool) -> None:
        layer, inputs = _built(name)
        layer.train(training)
        torch._dynamo.reset()
        compiled = torch.compile(layer, fullgraph=True, backend="aot_eager")
        outputs = compiled(inputs)
        if layer.trainable_weights:
            sum(t.float().sum() for t in flatten(outputs)).backward()
            assert all(w.grad is not None for w in layer.trainable_weights)
        if not training:
            _same(outputs, layer(inputs))

    def test_export_with_dynamic_batch(self, name: str) -> None:
        layer, inputs = _built(name)
        batch = torch.export.Dim("batch", min=2, max=64)
        shapes = [{0: batch} for _ in inputs] if isinstance(inputs, list) else {0: batch}
        program = torch.export.export(layer, (inputs,), dynamic_shapes=(shapes,))
        other = ROWS[name].inputs(seed=2, batch=7)
        _same(program.module()(other), layer(other))

    def test_distributed_data_parallel(self, name: str, process_group: None) -> None:
        layer, inputs = _built(name)
        if not layer.trainable_weights:
            pytest.skip("torch refuses a module without weights")
        twin = DistributedDataParallel(copy.deepcopy(layer))
        for module in (layer, twin):
            module.train()
            torch.manual_seed(3)
            sum(t.square().sum() for t in flatten(module(inputs))).backward()
        for a, b in zip(layer.trainable_weights, twin.module.trainable_weights, strict=True):
            torch.testing.assert_close(a.grad, b.grad)

    def test_parametrizations_and_prune(self, name: str) -> None:
        layer, inputs = _built(name)
        own = [key for key, w in layer.named_parameters(recurse=False) if w.ndim > 1]
        if not own:
            assert not layer._parameters or all(p is None or p.ndim < 2 for p in layer._parameters.values())
            return
        before = layer(inputs)
        parametrizations.weight_norm(layer, own[0])
        _same(layer(inputs), before, rtol=1e-4, atol=1e-5)
        layer, inputs = _built(name)
        before = layer(inputs)
        _same(make_weights_contiguous(layer)(inputs), before)
        prune.l1_unstructured(layer, own[0], amount=0.5)
        assert (getattr(layer, own[0]) == 0).float().mean() == pytest.approx(0.5, abs=0.2)
        layer(inputs)
        layer, inputs = _built(name)
        torch.nn.init.constant_(getattr(layer, own[0]), 0.25)
        assert float(getattr(layer, own[0]).numpy().min()) == 0.25

    def test_in_a_functional_model(self, name: str) -> None:
        row = ROWS[name]
        model = _graph(row)
        assert isinstance(model, Functional)
        inputs = row.inputs()
        outputs = model(inputs)
        shapes = [tuple(t.shape) for t in flatten(outputs)]
        assert [s.shape[1:] for s in model.outputs] == [s[1:] for s in shapes]
        for twin in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
            _same(twin(inputs), outputs)
        other = _graph(row)
        other.load_state_dict(model.state_dict())
        _same(other(inputs), outputs)
        torch._dynamo.reset()
        _same(torch.compile(model, fullgraph=True, backend="aot_eager")(inputs), outputs)
        batch = torch.export.Dim("batch", min=2, max=64)
        dims = [{0: batch} for _ in inputs] if isinstance(inputs, list) else {0: batch}
        program = torch.export.export(model, (inputs,), dynamic_shapes=(dims,))
        more = row.inputs(seed=3, batch=5)
        _same(program.module()(more), model(more))
        traced = torch.fx.GraphModule(model, _Leaves().trace(model))
        _same(traced(inputs), outputs)

    def test_in_a_sequential(self, name: str) -> None:
        row = ROWS[name]
        if len(row.shapes) > 1:
            pytest.skip("a Sequential feeds one tensor")
        model = _stack(row)
        inputs = row.inputs()
        outputs = model(inputs)
        _same(copy.deepcopy(model)(inputs), outputs)
        _same(pickle.loads(pickle.dumps(model))(inputs), outputs)
        other = _stack(row)
        other.load_state_dict(model.state_dict())
        _same(other(inputs), outputs)
        torch._dynamo.reset()
        _same(torch.compile(model, fullgraph=True, backend="aot_eager")(inputs), outputs)


class _Leaves(torch.fx.Tracer):
    def is_leaf_module(self, m: torch.nn.Module, module_qualified_name: str) -> bool:
        return isinstance(m, Layer)
