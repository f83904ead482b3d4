"""What a traced program does for nothing is taken out of it before it is written."""

from __future__ import annotations

from typing import Any

#: checks of the tracer
_IDLE = frozenset(("_assert_tensor_metadata", "_assert_scalar", "_assert_async", "sym_constrain_range", "sym_constrain_range_for_size"))
#: these give the tensor itself where its shape is theirs already
_SHAPED = frozenset(f"aten.{name}" for name in ("flatten.using_ints", "view.default", "reshape.default", "expand.default", "unflatten.int"))
#: these compute every number by itself, wherever it stands
_BY_NUMBER = frozenset((
    "relu", "relu6", "elu", "selu", "gelu", "silu", "sigmoid", "tanh", "leaky_relu", "hardtanh", "hardswish", "hardsigmoid", "softplus",
    "clamp", "clamp_min", "clamp_max", "exp", "log", "abs", "neg", "sqrt", "rsqrt", "square", "dropout", "mish",
    "add", "sub", "mul", "div", "maximum", "minimum",
))  # fmt: skip
_PERMUTE = "aten.permute.default"


def settle(program: Any) -> None:
    """Drop what computes nothing: axes turned and turned back, conversions to the type a tensor has, what nobody uses."""
    root = program.graph_module.graph
    for module in program.graph_module.modules():
        graph = module.graph
        for node in list(graph.nodes):
            _sink(graph, node)
            same = _unchanged(node, graph is root)
            if same is not None:
                node.replace_all_uses_with(same)
        graph.eliminate_dead_code(lambda node: node.op in ("placeholder", "output") or changes_something(node))


def changes_something(node: Any) -> bool:
    """Whether a node does more than to give a value."""
    if plain_name(node) in _IDLE:
        return False
    return _mutates(node) or type(node.target).__module__.startswith("torch._higher_order_ops")


def plain_name(node: Any) -> str:
    """'aten.add.Tensor' -> 'add'."""
    return str(node.target).removeprefix("aten.").split(".")[0]


def _mutates(node: Any) -> bool:
    schema = getattr(node.target, "_schema", None)
    return schema is not None and schema.is_mutable


def _is_changed(node: Any) -> bool:
    return any(_mutates(user) for user in node.users)


def _is_permute(node: Any) -> bool:
    return str(getattr(node, "target", "")) == _PERMUTE


def _unchanged(node: Any, is_root: bool) -> Any:
    """The node whose value this one only repeats, or None."""
    if node.op != "call_function" or not node.args:
        return None
    target, source = str(node.target), node.args[0]
    if _is_permute(node) and _is_permute(source) and [source.args[1][axis] for axis in node.args[1]] == list(range(len(node.args[1]))):
        return source.args[0]
    if target in ("aten.alias.default", "aten.lift_fresh_copy.default"):
        return source
    if target == "aten.clone.default" and not is_root and all(user.op == "output" for user in node.users):
        return source  # of a loop, which gives each tensor once
    before: Any = getattr(source, "meta", {}).get("val")
    after: Any = node.meta.get("val")
    if not hasattr(before, "shape") or not hasattr(after, "shape") or _is_changed(source) or _is_changed(node):
        return None
    if target in ("aten.to.dtype", "aten.to.dtype_layout") and before.dtype == after.dtype and not node.kwargs.get("copy"):
        return source
    return source if target in _SHAPED and str(before.shape) == str(after.shape) else None


def _sink(graph: Any, node: Any) -> None:
    """Turn axes behind an operation instead of before it, where they may meet a turn back: relu(x.permute(p)) = relu(x).permute(p)."""
    name = plain_name(node) if node.op == "call_function" else ""
    if (name not in _BY_NUMBER and name != "cat") or not str(node.target).startswith("aten.") or _is_changed(node):
        return
    turned = node.all_input_nodes
    if not turned or not all(_is_permute(n) and n.args[1] == turned[0].args[1] for n in turned) or any(map(_is_changed, turned)):
        return
    order = list(turned[0].args[1])
    args = list(node.args)
    if name == "cat":
        axis = args[1] if len(args) > 1 else 0
        args = [args[0], order[axis]]
    new_args = _replaced(args, {n: n.args[0] for n in turned})
    with graph.inserting_before(node):
        inner = graph.call_function(node.target, tuple(new_args), dict(node.kwargs))
        outer = graph.call_function(turned[0].target, (inner, order))
    inverse = [order.index(axis) for axis in range(len(order))]
    inner.meta = {**node.meta, "val": node.meta["val"].permute(inverse)}
    outer.meta = dict(node.meta)
    node.replace_all_uses_with(outer)
    for user in list(outer.users):
        same = _unchanged(user, True) if _is_permute(user) else None
        if same is not None:
            user.replace_all_uses_with(same)


def _replaced(value: Any, by: dict[Any, Any]) -> Any:
    if isinstance(value, (list, tuple)):
        return type(value)(_replaced(item, by) for item in value)
    return by.get(value, value) if hasattr(value, "op") else value
