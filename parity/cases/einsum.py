"""EinsumDense: all three forms of equations, biases along some axes, unknown sizes, refused equations and shapes, LoRA."""

from parity.cases.make import NEW, TF, functional, layer, obj, part, x

DOUBLE = list(TF)


def _case(name, equation, output_shape, inputs, **fields):
    config = dict({"equation": equation, "output_shape": output_shape}, **fields.pop("config", {}))
    return layer("einsum/" + name, "EinsumDense", config, inputs, generations=fields.pop("generations", list(NEW)), **fields)


#: tf_keras answers `compute_output_shape` with the shape of the first call, batch and all
STATIC = {"per_generation": {"2.15": {"skip": ["static_shape"]}}}
MASK = [[1, 0, 1], [1, 1, 0]]

FORMS = [
    ("dense", "ab,bc->ac", 4, (2, 3), None), ("dense_bias", "ab,bc->ac", 4, (2, 3), "c"), ("dense_list", "ab,bc->ac", [4], (2, 3), "c"),
    ("steps", "abc,cd->abd", [None, 4], (2, 3, 5), None), ("steps_bias", "abc,cd->abd", [None, 4], (2, 3, 5), "d"),
    ("steps_known", "abc,cd->abd", [3, 4], (2, 3, 5), "d"), ("steps_bias_per_step", "abc,cd->abd", [3, 4], (2, 3, 5), "bd"),
    ("bias_of_steps_only", "abc,cd->abd", [3, 4], (2, 3, 5), "b"),
    ("heads", "abc,cde->abde", [None, 2, 4], (2, 3, 5), "de"), ("heads_back", "abde,dec->abc", [None, 5], (2, 3, 2, 4), "c"),
    ("heads_bias_one", "abc,cde->abde", [None, 2, 4], (2, 3, 5), "e"), ("heads_bias_first", "abc,cde->abde", [None, 2, 4], (2, 3, 5), "d"),
    ("letters", "BSD,DNH->BSNH", [None, 2, 4], (2, 3, 5), "NH"), ("contract_two", "abc,bcde->ade", [4, 2], (2, 3, 5), "de"),
    ("bias_order", "abc,bcde->ade", [4, 2], (2, 3, 5), "ed"), ("transposed", "abc,cd->adb", [4, 3], (2, 3, 5), "d"),
    ("per_step_kernel", "abc,bcd->abd", [3, 4], (2, 3, 5), "d"), ("elementwise", "abc,bc->abc", [3, 5], (2, 3, 5), None),
    ("outer", "ab,c->abc", [3, 4], (2, 3), "c"), ("to_scalar", "abc,bc->a", [], (2, 3, 5), None),
    ("left", "...x,xy->...y", 4, (2, 3), "y"), ("left_rank3", "...x,xy->...y", 4, (2, 3, 5), "y"),
    ("left_rank4", "...x,xy->...y", 4, (2, 3, 2, 5), None), ("left_heads", "...x,xyz->...yz", [2, 4], (2, 3, 5), "yz"),
    ("right", "ab...,bc->ac...", 4, (2, 5, 3), None), ("right_bias", "ab...,bc->ac...", 4, (2, 5, 3), "c"),
    ("right_rank4", "ab...,bc->ac...", 4, (2, 5, 3, 2), "c"), ("right_contract_all", "ab...,b->a...", [], (2, 5, 3), None),
]  # fmt: skip
WRONG = [
    ("no_arrow", "abc", 4, (2, 3, 5), None), ("no_output", "ab,bc", 4, (2, 3), None), ("spaces", "ab, bc -> ac", 4, (2, 3), None),
    ("unknown_output", "ab,bc->ad", 4, (2, 3), None), ("size_differs", "abc,cd->abd", [2, 4], (2, 3, 5), None),
    ("bias_not_in_output", "ab,bc->ac", 4, (2, 3), "b"), ("one_sided_dots", "...ab,bc->ac", 4, (2, 3), None),
]  # fmt: skip

CASES = (
    [
        _case(name, equation, out, x(*shape), config={} if axes is None else {"bias_axes": axes}, **STATIC)
        for name, equation, out, shape, axes in FORMS
    ]
    + [
        _case("wrong_" + name, equation, out, x(*shape), config={} if axes is None else {"bias_axes": axes}, errors=list(NEW))
        for name, equation, out, shape, axes in WRONG
    ]
    + [
        _case("float64", "abc,cde->abde", [None, 2, 4], x(2, 3, 5), config={"bias_axes": "de"}, float64=True, **STATIC),
        _case("float64_left", "...x,xy->...y", 4, x(2, 3, 5), config={"bias_axes": "y"}, float64=True, **STATIC),
        _case("activation", "ab,bc->ac", 4, x(2, 3), config={"bias_axes": "c", "activation": "relu"}, **STATIC),
        _case("softmax", "abc,cd->abd", [None, 4], x(2, 3, 5), config={"activation": "softmax"}, **STATIC),
        _case("initial", "ab,bc->ac", 4, x(2, 3), config={"bias_axes": "c", "kernel_initializer": obj("Constant", value=0.5),
              "bias_initializer": "ones"}, weights="initial", **STATIC),
        _case("regularized", "ab,bc->ac", 4, x(2, 3), config={"bias_axes": "c", "kernel_regularizer": "l2",
              "bias_regularizer": obj("L1L2", l1=0.1, l2=0.2)}, float64=DOUBLE, **STATIC),
        _case("activity", "ab,bc->ac", 4, x(2, 3), config={"activity_regularizer": "l2"}, **STATIC),
        _case("constrained", "ab,bc->ac", 4, x(2, 3), config={"bias_axes": "c", "kernel_constraint": "max_norm",
              "bias_constraint": "non_neg"}, **STATIC),
        _case("frozen", "ab,bc->ac", 4, x(2, 3), config={"bias_axes": "c"}, trainable=False, **STATIC),
        _case("named", "ab,bc->ac", 4, x(2, 3), config={"bias_axes": "c", "name": "told"}, **STATIC),
        _case("masked", "abc,cd->abd", [None, 4], x(2, 3, 5, mask=MASK), **STATIC),
        _case("one_row", "abc,cd->abd", [None, 4], x(1, 1, 5), **STATIC),
        _case("lora", "abc,cd->abd", [None, 4], x(2, 3, 5), config={"lora_rank": 2}, generations=["3"]),
        _case("lora_alpha", "abc,cde->abde", [None, 2, 4], x(2, 3, 5), config={"lora_rank": 2, "lora_alpha": 3.0, "bias_axes": "e"},
              generations=["3"]),
        _case("lora_initial", "ab,bc->ac", 4, x(2, 3), config={"lora_rank": 2, "kernel_initializer": "ones"}, weights={"0": [0.5, 1]},
              generations=["3"]),
        functional("einsum/in_a_model", {"a": [3, 5]}, {"e": part("EinsumDense", equation="abc,cd->abd", output_shape=[None, 4])},
                   [["y", "e", "a"]], "y", [x(2, 3, 5)], generations=list(NEW), note="the static size of an axis given as None", **STATIC),
    ]
)  # fmt: skip
