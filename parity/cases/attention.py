"""Attention: dot products, concatenation, additive, several heads, grouped heads; masks of all kinds, causal, several axes, scores."""

import copy

from parity.cases.make import NEW, functional, layer, obj, part, x

QUERY, VALUE, KEY = (2, 3, 4), (2, 5, 4), (2, 5, 4)
QUERY_MASK = [[1, 0, 1], [1, 1, 1]]
VALUE_MASK = [[1, 1, 0, 0, 1], [0, 1, 1, 1, 0]]
ALL_MASKED = [[1, 1, 0, 0, 1], [0, 0, 0, 0, 0]]
SCORES = {"return_attention_scores": True}
CAUSAL = {"use_causal_mask": True}
THREE = ["3"]
BOTH = list(NEW)

# -- Attention and AdditiveAttention: lists of tensors ------------------------------------------------------------------------------

KINDS = [
    ("dot", "Attention", {}), ("dot_scale", "Attention", {"use_scale": True}), ("concat", "Attention", {"score_mode": "concat"}),
    ("concat_scale", "Attention", {"score_mode": "concat", "use_scale": True}), ("additive", "AdditiveAttention", {}),
    ("additive_plain", "AdditiveAttention", {"use_scale": False}),
]  # fmt: skip
#: tf_keras tells the query's shape also where values have another size
STATIC = {"per_generation": {"2.15": {"skip": ["static_shape"]}}, "note": "compute_output_shape of tf_keras tells the query's shape"}
LISTS = [
    ("plain", [x(*QUERY), x(*VALUE)], {}, {"float64": True}),
    ("scores", [x(*QUERY), x(*VALUE)], SCORES, {"float64": True}),
    ("key", [x(*QUERY), x(2, 5, 6), x(*KEY)], {}, STATIC),
    ("key_scores", [x(*QUERY), x(2, 5, 6), x(*KEY)], SCORES, STATIC),
    ("query_mask", [x(*QUERY, mask=QUERY_MASK), x(*VALUE)], {}, {}),
    ("value_mask", [x(*QUERY), x(*VALUE, mask=VALUE_MASK)], {}, {}),
    ("both_masks", [x(*QUERY, mask=QUERY_MASK), x(*VALUE, mask=VALUE_MASK)], {}, {"float64": True}),
    ("both_masks_scores", [x(*QUERY, mask=QUERY_MASK), x(*VALUE, mask=VALUE_MASK)], SCORES, {}),
    ("all_masked", [x(*QUERY), x(*VALUE, mask=ALL_MASKED)], {}, {}),
    ("all_masked_scores", [x(*QUERY), x(*VALUE, mask=ALL_MASKED)], SCORES, {}),
    ("causal", [x(*QUERY), x(*VALUE)], CAUSAL, {"float64": True}),
    ("causal_masks", [x(*QUERY, mask=QUERY_MASK), x(*VALUE, mask=VALUE_MASK)], dict(CAUSAL, **SCORES), {}),
    ("long_query", [x(2, 6, 4), x(2, 3, 4)], CAUSAL, {}),
]
WRONG = [
    ("four_inputs", [x(*QUERY), x(*VALUE), x(*VALUE), x(*VALUE)]), ("one_input", [x(*QUERY)]), ("sizes", [x(*QUERY), x(2, 5, 3)]),
    ("steps", [x(*QUERY), x(2, 5, 4), x(2, 6, 4)]),
]  # fmt: skip


def _lists():
    for kind, name, config in KINDS:
        for what, inputs, call, fields in LISTS:
            if kind == "additive" and what.startswith("key"):  # the scale of tf_keras has the size of the values
                fields = {"errors": ["2.15"]}
            yield layer(f"attention/{kind}_{what}", name, config, inputs, call=call, generations=BOTH, **fields)
    for kind, name in (("dot", "Attention"), ("additive", "AdditiveAttention")):
        for what, inputs in WRONG:
            yield layer(f"attention/{kind}_wrong_{what}", name, {}, inputs, generations=BOTH, errors=BOTH, listed=True)
        config = {"dropout": 0.5}
        yield layer(f"attention/{kind}_dropout_idle", name, config, [x(*QUERY), x(*VALUE)], generations=BOTH)
        yield layer(
            f"attention/{kind}_dropout", name, config, [x(40, 30, 4), x(40, 50, 4)], generations=BOTH, random=True, call={"training": True}
        )
        yield layer(f"attention/{kind}_seed", name, {"dropout": 0.2, "seed": 3}, [x(*QUERY), x(*VALUE)], generations=THREE)
        yield layer(
            f"attention/{kind}_named",
            name,
            {"name": "told", "trainable": False, "use_scale": True},
            [x(*QUERY), x(*VALUE)],
            generations=BOTH,
        )
        yield layer(f"attention/{kind}_four_axes", name, {}, [x(2, 2, 3, 4), x(2, 2, 5, 4)], call=SCORES, generations=BOTH)
    yield layer("attention/wrong_score_mode", "Attention", {"score_mode": "cosine"}, [x(*QUERY), x(*VALUE)], generations=BOTH, errors=BOTH)


# -- heads: query, value, key one by one ---------------------------------------------------------------------------------------------

HEADS = {"num_heads": 2, "key_dim": 3}
GROUPS = {"head_dim": 3, "num_query_heads": 4, "num_key_value_heads": 2}
FULL = [[[1, 1, 0, 0, 1], [0, 1, 1, 1, 0], [1, 1, 1, 1, 1]], [[0, 1, 0, 1, 0], [1, 0, 0, 0, 0], [0, 0, 1, 1, 1]]]
EMPTY_ROW = [[[1, 1, 0, 0, 1], [0, 0, 0, 0, 0], [1, 1, 1, 1, 1]], [[0, 1, 0, 1, 0], [1, 0, 0, 0, 0], [0, 0, 0, 0, 0]]]
ONE_ROW = [[[1, 1, 0, 0, 1]], [[0, 1, 1, 1, 0]]]
BY_HEAD = [[FULL[0], EMPTY_ROW[1]], [FULL[1], FULL[0]]]
#: tf_keras refuses to tell a shape where query and value have other sizes
SILENT = {
    "per_generation": {"2.15": {"skip": ["static_shape"]}},
    "note": "compute_output_shape of tf_keras wants equal sizes of query and value",
}
SILENT_TOO = {"skip": ["static_shape"], "note": "compute_output_shape of Keras 3 wants equal sizes of query and value"}


def _both(name, inputs, call, config=None, **fields):
    """The same case for several heads and for groups of them."""
    config = config or {}
    more = dict(fields)
    generations = more.pop("generations", BOTH)
    yield layer(
        "attention/heads_" + name,
        "MultiHeadAttention",
        dict(HEADS, **config),
        inputs,
        call=call,
        spread=True,
        generations=generations,
        **more,
    )
    if fields.get("note") == SILENT["note"]:
        more = {k: v for k, v in more.items() if k not in SILENT}
        more.update(SILENT_TOO)
    yield layer(
        "attention/groups_" + name, "GroupQueryAttention", dict(GROUPS, **config), inputs, call=call, spread=True, generations=THREE, **more
    )


def _heads():
    pair = [x(*QUERY), x(*VALUE)]
    for scores in (False, True):
        end, call = ("_scores", SCORES) if scores else ("", {})
        yield from _both("plain" + end, pair, call, float64=True)
        yield from _both("cross" + end, [x(*QUERY), x(2, 5, 6)], call, **SILENT)
        yield from _both("key" + end, [x(*QUERY), x(2, 5, 6), x(2, 5, 7)], call, **SILENT)
        yield from _both("query_mask" + end, [x(*QUERY, mask=QUERY_MASK), x(*VALUE)], call)
        yield from _both("value_mask" + end, [x(*QUERY), x(*VALUE, mask=VALUE_MASK)], call, float64=True)
        yield from _both("key_mask" + end, [x(*QUERY), x(*VALUE), x(*KEY, mask=VALUE_MASK)], call)
        yield from _both(
            "all_masks" + end, [x(*QUERY, mask=QUERY_MASK), x(*VALUE, mask=VALUE_MASK), x(*KEY, mask=[[1, 1, 1, 0, 1]] * 2)], call
        )
        yield from _both("all_masked" + end, [x(*QUERY), x(*VALUE, mask=ALL_MASKED)], call)
        yield from _both("attention_mask" + end, pair, dict(call, attention_mask=FULL), float64=True)
        yield from _both("empty_rows" + end, pair, dict(call, attention_mask=EMPTY_ROW), float64=True)
        yield from _both("one_row" + end, pair, dict(call, attention_mask=ONE_ROW))
        yield layer(
            "attention/heads_by_head" + end,
            "MultiHeadAttention",
            HEADS,
            pair,
            call=dict(call, attention_mask=BY_HEAD),
            spread=True,
            generations=BOTH,
        )
        yield from _both("causal" + end, pair, dict(call, **CAUSAL), float64=True)
        yield from _both("causal_long_query" + end, [x(2, 6, 4), x(2, 3, 4)], dict(call, **CAUSAL))
        yield from _both(
            "causal_masks" + end, [x(*QUERY, mask=QUERY_MASK), x(*VALUE, mask=VALUE_MASK)], dict(call, attention_mask=FULL, **CAUSAL)
        )
        yield from _both("unbiased" + end, pair, call, {"use_bias": False})
        yield from _both("dropout_idle" + end, pair, call, {"dropout": 0.4})
        yield from _both("dropout_idle_empty_rows" + end, pair, dict(call, attention_mask=EMPTY_ROW), {"dropout": 0.4})
        yield from _both("window" + end, pair, call, {"sliding_window": 2}, generations=THREE)
        yield from _both("window_causal" + end, pair, dict(call, **CAUSAL), {"sliding_window": 2}, generations=THREE)
        yield from _both("gate" + end, pair, call, {"use_gate": True}, generations=THREE)
        yield from _both("explicit_query_mask" + end, pair, dict(call, query_mask=QUERY_MASK), generations=THREE)
        yield from _both("explicit_value_mask" + end, pair, dict(call, value_mask=VALUE_MASK), generations=THREE)
        yield from _both("explicit_key_mask" + end, pair, dict(call, key_mask=VALUE_MASK), generations=THREE)
    for name, config in SETTINGS:
        yield from _both(name, pair, {}, config)
    yield from _both("seed", pair, {}, {"seed": 3, "dropout": 0.2}, generations=THREE)
    yield from _both("trained", [x(40, 30, 4), x(40, 50, 4)], {"training": True}, {"dropout": 0.5}, random=True)
    yield from _both("flash_off", pair, {}, {"flash_attention": False}, generations=THREE)


SETTINGS = [
    ("regularized", {"kernel_regularizer": obj("L2", l2=0.1), "bias_regularizer": obj("L1L2", l1=0.1, l2=0.2)}),
    ("activity", {"activity_regularizer": obj("L2", l2=0.1)}),
    ("constrained", {"kernel_constraint": "max_norm", "bias_constraint": "non_neg"}),
    ("named", {"name": "told"}), ("frozen", {"trainable": False}),
    ("initializers", {"kernel_initializer": obj("Constant", value=0.25), "bias_initializer": "ones"}),
]  # fmt: skip

AXES = [
    ("default", (2, 3, 2, 4), {}), ("first", (2, 3, 2, 4), {"attention_axes": [1]}), ("integer", (2, 3, 2, 4), {"attention_axes": 1}),
    ("second", (2, 3, 2, 4), {"attention_axes": [2]}), ("two", (2, 3, 2, 4), {"attention_axes": [1, 2]}),
    ("turned", (2, 3, 2, 4), {"attention_axes": [2, 1]}), ("negative", (2, 3, 2, 4), {"attention_axes": [-2]}),
    ("batch", (2, 3, 2, 4), {"attention_axes": [0]}), ("five", (2, 2, 3, 2, 4), {"attention_axes": [1, 3]}),
    ("five_all", (2, 2, 3, 2, 4), {}),
]  # fmt: skip


def _multi_head():
    for name, shape, config in AXES:
        for end, call in (("", {}), ("_scores", SCORES)):
            yield layer(
                "attention/axes_" + name + end,
                "MultiHeadAttention",
                dict(HEADS, **config),
                [x(*shape), x(*shape)],
                call=call,
                spread=True,
                generations=BOTH,
            )
    rows = [[[1, 0, 1], [0, 0, 0], [1, 1, 1]], [[1, 1, 1], [0, 1, 1], [0, 0, 1]]]
    for end, call in (("", {}), ("_scores", SCORES)):
        yield layer(
            "attention/axes_masked" + end,
            "MultiHeadAttention",
            dict(HEADS, attention_axes=[1]),
            [x(2, 3, 2, 4), x(2, 3, 2, 4)],
            call=dict(call, attention_mask=rows),
            spread=True,
            generations=BOTH,
        )
        yield layer(
            "attention/axes_causal" + end,
            "MultiHeadAttention",
            dict(HEADS, attention_axes=[1]),
            [x(2, 3, 2, 4), x(2, 3, 2, 4)],
            call=dict(call, **CAUSAL),
            spread=True,
            generations=BOTH,
        )
    whole = [[[[1, 0], [1, 1]], [[0, 1], [1, 1]]], [[[1, 1], [0, 0]], [[1, 1], [0, 1]]]]
    yield layer(
        "attention/axes_two_masked",
        "MultiHeadAttention",
        dict(HEADS),
        [x(2, 2, 2, 4), x(2, 2, 2, 4)],
        call={"attention_mask": [whole, whole]},
        spread=True,
        generations=BOTH,
    )
    for name, config in SIZES:
        for end, call in (("", {}), ("_scores", SCORES)):
            yield layer(
                "attention/heads_" + name + end,
                "MultiHeadAttention",
                dict(HEADS, **config),
                [x(*QUERY), x(*VALUE)],
                call=call,
                spread=True,
                generations=BOTH,
            )
    for name, config, generations in WRONG_HEADS:
        yield layer(
            "attention/heads_wrong_" + name,
            "MultiHeadAttention",
            dict(HEADS, **config),
            [x(*QUERY), x(*VALUE)],
            spread=True,
            generations=generations,
            errors=generations,
        )
    for name, inputs, call in WRONG_CALLS:
        yield layer(
            "attention/heads_wrong_" + name,
            "MultiHeadAttention",
            dict(HEADS),
            inputs,
            call=call,
            spread=True,
            generations=BOTH,
            errors=BOTH,
        )
    for name, config in (
        ("groups", {"num_key_value_heads": 3}),
        ("groups_none", {"num_key_value_heads": 0}),
        ("groups_dropout", {"dropout": 2}),
    ):
        yield layer(
            "attention/groups_wrong_" + name,
            "GroupQueryAttention",
            dict(GROUPS, **config),
            [x(*QUERY), x(*VALUE)],
            spread=True,
            generations=THREE,
            errors=THREE,
        )
    for name, config in (("one_group", {"num_key_value_heads": 1}), ("as_many", {"num_key_value_heads": 4})):
        yield layer(
            "attention/groups_" + name,
            "GroupQueryAttention",
            dict(GROUPS, **config),
            [x(*QUERY), x(*VALUE)],
            call=SCORES,
            spread=True,
            generations=THREE,
        )


SIZES = [
    ("value_dim", {"value_dim": 5}), ("one_head", {"num_heads": 1}), ("output", {"output_shape": 7}),
    ("output_list", {"output_shape": [7]}),
    ("output_two", {"output_shape": [2, 7]}), ("value_dim_output", {"value_dim": 5, "output_shape": 2, "use_bias": False}),
]  # fmt: skip
WRONG_HEADS = [
    ("no_heads", {"num_heads": 0}, THREE), ("no_size", {"key_dim": 0}, BOTH), ("negative_size", {"key_dim": -1}, BOTH),
    ("value_size", {"value_dim": 0}, THREE), ("fraction", {"num_heads": 2.5}, ["2.15"]), ("dropout", {"dropout": 1.5}, BOTH),
    ("output", {"output_shape": "a"}, THREE), ("axes", {"attention_axes": "a"}, BOTH), ("axes_far", {"attention_axes": [5]}, BOTH),
    ("window", {"sliding_window": 0}, THREE), ("flash_dropout", {"flash_attention": True, "dropout": 0.1}, THREE),
]  # fmt: skip
WRONG_CALLS = [
    ("rank_two", [x(3, 4), x(5, 4)], {}), ("one", [x(*QUERY)], {}), ("steps", [x(*QUERY), x(2, 5, 4), x(2, 6, 4)], {}),
    ("mask_size", [x(*QUERY), x(*VALUE)], {"attention_mask": [[[1, 0, 1, 1]] * 3] * 2}),
    ("mask_rank", [x(*QUERY), x(*VALUE)], {"attention_mask": [[1, 1, 1, 1, 0]] * 2}),
]  # fmt: skip

# -- in models ------------------------------------------------------------------------------------------------------------------------

EMBED = part("Embedding", input_dim=9, output_dim=4, mask_zero=True)


def _ids(*rows):
    return {"values": [list(r) for r in rows], "dtype": "int32"}


def _models():
    ids = _ids([3, 1, 0, 0], [2, 5, 7, 0])
    heads = part("MultiHeadAttention", num_heads=2, key_dim=3)
    for name, call in (("", {}), ("_causal", CAUSAL), ("_scores", SCORES)):
        outs = ["y", "s"] if name == "_scores" else "y"
        yield functional(
            "attention/model_self" + name,
            {"a": {"shape": [4], "dtype": "int32"}},
            {"e": EMBED, "m": heads},
            [["h", "e", "a"], [outs, "m", "h", dict(call, value={"tensor": "h"})]],
            outs,
            [ids],
            generations=BOTH,
        )
    yield functional(
        "attention/model_cross",
        {"a": {"shape": [4], "dtype": "int32"}, "b": {"shape": [5, 6]}},
        {"e": EMBED, "m": heads},
        [["h", "e", "a"], ["y", "m", "b", {"value": {"tensor": "h"}}]],
        "y",
        [ids, x(2, 5, 6)],
        generations=BOTH,
    )
    for kind, layer_part in (("dot", part("Attention", use_scale=True)), ("additive", part("AdditiveAttention"))):
        yield functional(
            "attention/model_" + kind,
            {"a": {"shape": [4], "dtype": "int32"}, "b": {"shape": [5, 4]}},
            {"e": EMBED, "m": layer_part},
            [["h", "e", "a"], ["y", "m", ["b", "h"]]],
            "y",
            [ids, x(2, 5, 4)],
            generations=BOTH,
        )
        yield functional(
            "attention/model_pooled_" + kind,
            {"a": {"shape": [4], "dtype": "int32"}},
            {"e": EMBED, "m": layer_part, "p": part("GlobalAveragePooling1D")},
            [["h", "e", "a"], ["z", "m", ["h", "h"]], ["y", "p", "z"]],
            "y",
            [ids],
            generations=BOTH,
            per_generation={"3": {"skip": ["config", "layers", "rebuild"]}},
            note="Keras 3 writes how it computes the mask of the pooling into the config, as layers of its own",
        )
    yield functional(
        "attention/model_block",
        {"a": {"shape": [4], "dtype": "int32"}},
        {
            "e": EMBED,
            "m": heads,
            "add": part("Add"),
            "n": part("LayerNormalization"),
            "d": part("Dense", units=6, activation="relu"),
            "d2": part("Dense", units=4),
            "add2": part("Add"),
            "n2": part("LayerNormalization"),
        },
        [
            ["h", "e", "a"],
            ["z", "m", "h", {"value": {"tensor": "h"}}],
            ["s", "add", ["h", "z"]],
            ["t", "n", "s"],
            ["u", "d", "t"],
            ["v", "d2", "u"],
            ["w", "add2", ["t", "v"]],
            ["y", "n2", "w"],
        ],
        "y",
        [ids],
        generations=BOTH,
        bar=1e-4,
        train={"loss": "mse", "rate": 0.05, "steps": 3},
    )
    yield functional(
        "attention/model_groups",
        {"a": {"shape": [4], "dtype": "int32"}},
        {"e": EMBED, "m": part("GroupQueryAttention", **GROUPS)},
        [["h", "e", "a"], ["y", "m", "h", {"value": {"tensor": "h"}}]],
        "y",
        [ids],
        generations=THREE,
    )


def _without_zeros(case):
    """Queries gain the same from a bias on all keys, so that its gradient is 0 but for rounding: nothing to compare."""
    name = "gradient/weight/4" if case["kind"] == "model" else "gradient/weight/3"
    case = copy.deepcopy(case)
    case["skip"] = [*case.get("skip", ()), name]
    for told in case.get("per_generation", {}).values():
        if "skip" in told:
            told["skip"] = [*told["skip"], name]
    return case


def _has_key_bias(case):
    if case["kind"] == "model":
        return "dot" not in case["id"] and "additive" not in case["id"]
    return case.get("spread", False) and case["config"].get("use_bias", True)


CASES = [_without_zeros(c) if _has_key_bias(c) else c for c in (*_lists(), *_heads(), *_multi_head(), *_models())]
