"""Every optimizer: some steps from given gradients, in each generation's formula, with the state and the config they leave."""

from parity.cases.make import NEW, OLD, TF

START = [[1, 1, 1]]
STEPS = [[[1, -2, 0.5]], [[0.5, 0.1, -1]], [[-0.3, 2, 0.2]], [[0, -0.7, 1.5]], [[2, 0.3, -0.4]]]
TWO, TWO_STEPS = [[[1], [2]], [3]], [[[[3], [4]], [1]], [[[-0.1], [0.2]], [0.3]]]
#: a vector, a matrix and an array of rank 3: for those that look at the shape of a weight
SHAPES = [[0.5, -1, 2], [[0.4, -0.3, 1.1], [0.2, 0.9, -0.8]], [[[0.1], [0.2]], [[-0.5], [1.2]]]]
SHAPES_STEPS = [
    [[0.1, -0.7, 0.2], [[1, 0.5, -0.25], [0.3, -0.6, 0.8]], [[[0.2], [-0.4]], [[0.1], [0.9]]]],
    [[-0.3, 0.5, 1.5], [[-0.2, 0.4, 0.1], [1.2, 0.7, -0.5]], [[[1.1], [0.3]], [[-0.6], [0.2]]]],
    [[0.9, 0.1, -0.8], [[0.6, -1.3, 0.3], [-0.1, 0.2, 0.4]], [[[-0.5], [0.7]], [[0.3], [-0.1]]]],
]
#: a weight that gets no gradient, and one that gets it at some steps only
ABSENT = [[[[3], [4]], [1]], [None, [0.3]], [[[-0.1], [0.2]], None], [[[0.5], [0.7]], [-0.4]]]
ACCEPT_DECAY = ["2.2", "2.3", "3"]


def _plain(*arguments, **config):
    """SGD without momentum: where Keras keeps a slot for it, -lr g of the last step stands there, and no step ever reads it.

    Here the slot stays 0, which saves two passes over all weights a step: the slots alone are not compared.
    """
    case = _case(*arguments, **config)
    slots = [f"state/{index + 1}" for index in range(len(case["start"]))]
    for generation in set(case["generations"]) - {"3"}:
        case.setdefault("per_generation", {}).setdefault(generation, {})["skip"] = slots
    return dict(case, note="the slot of SGD without momentum: -lr g in Keras, 0 here, read by nobody")


def _case(name, made, rate=None, start=START, gradients=STEPS, generations=(*OLD, *NEW), **config):
    """2.2 says `lr` where later releases say `learning_rate`."""
    new = dict(config, learning_rate=rate) if rate else config
    told = {"id": "optimizers/" + name, "kind": "optimizer", "class": made, "config": new, "start": start, "gradients": gradients}
    told["generations"] = list(generations)
    if rate and "2.2" in generations:
        told["per_generation"] = {"2.2": {"config": dict(config, lr=rate)}}
    return told


def _family(name, made, rate, generations=(*OLD, *NEW), **config):
    """Defaults, a rate, an epsilon where it has one, three shapes, and the shared arguments, for one optimizer."""
    new = [g for g in generations if g in NEW]
    made_cases = [
        _case(name + "_default", made, generations=generations),
        _case(name + "_rate", made, rate, generations=generations, **config),
        _case(name + "_shapes", made, rate, SHAPES, SHAPES_STEPS, generations, **config),
        _case(name + "_clipnorm", made, rate, TWO, TWO_STEPS, generations, clipnorm=0.5, **config),
        _case(name + "_clipvalue", made, rate, TWO, TWO_STEPS, generations, clipvalue=0.5, **config),
        _case(name + "_decayed", made, rate, TWO, TWO_STEPS, new, **dict(config, weight_decay=0.3)),
        _case(name + "_averaged", made, rate, TWO, TWO_STEPS * 2, new, use_ema=True, ema_momentum=0.5, ema_overwrite_frequency=3, **config),
        _case(name + "_accumulated", made, rate, TWO, TWO_STEPS * 2, ["3"] if "3" in new else [], gradient_accumulation_steps=2, **config),
        _case(name + "_absent", made, rate, TWO, ABSENT, new, **config),
    ]
    return [case for case in made_cases if case["generations"]]


def _legacy(name, made, **config):
    return _case("legacy_" + name, "legacy." + made, 0.1, SHAPES, SHAPES_STEPS, TF, **config)


def _refused(name, made, generations, **config):
    return dict(_case(name, made, generations=generations, **config), errors=list(generations))


SGD_ADAM = [
    _plain("sgd_default", "SGD"),
    _plain("sgd_rate", "SGD", 0.1),
    _case("sgd_momentum", "SGD", 0.1, momentum=0.9),
    _case("sgd_nesterov", "SGD", 0.1, momentum=0.9, nesterov=True),
    _plain("sgd_decay", "SGD", 0.1, decay=0.1, generations=ACCEPT_DECAY),
    _plain("sgd_clipvalue", "SGD", 0.1, clipvalue=0.5),
    _plain("sgd_clipnorm", "SGD", 1.0, TWO, TWO_STEPS, clipnorm=1.0),
    _plain("sgd_global_clipnorm", "SGD", 1.0, TWO, TWO_STEPS, NEW, global_clipnorm=1.0),
    _plain("sgd_weight_decay", "SGD", 0.1, generations=NEW, weight_decay=0.5),
    _case("sgd_two_weights", "SGD", 0.1, TWO, TWO_STEPS, momentum=0.5),
    _case("adam_default", "Adam"),
    _case("adam_rate", "Adam", 0.1),
    _case("adam_epsilon", "Adam", 0.1, epsilon=0.1),
    _case("adam_betas", "Adam", 0.1, beta_1=0.5, beta_2=0.8),
    _case("adam_amsgrad", "Adam", 0.1, amsgrad=True),
    _case("adam_decay", "Adam", 0.1, decay=0.1, generations=ACCEPT_DECAY),
    _case("adam_two_weights", "Adam", 0.1, TWO, TWO_STEPS),
    _case("adam_clipnorm", "Adam", 0.1, TWO, TWO_STEPS, clipnorm=1.0),
    _case("adam_weight_decay", "Adam", 0.1, generations=NEW, weight_decay=0.5),
    _case("adam_ema", "Adam", 0.1, generations=NEW, use_ema=True, ema_momentum=0.5, ema_overwrite_frequency=2),
    _case("adam_accumulated", "Adam", 0.1, generations=["3"], gradient_accumulation_steps=2),
    _case("legacy_sgd_momentum", "legacy.SGD", 0.1, generations=["2.15"], momentum=0.9),
    _case("legacy_sgd_decay", "legacy.SGD", 0.1, generations=["2.15"], decay=0.1),
    _case("legacy_adam", "legacy.Adam", 0.1, generations=["2.15"], epsilon=0.1),
    _case("legacy_adam_amsgrad", "legacy.Adam", 0.1, generations=["2.15"], amsgrad=True),
    _case("legacy_adam_decay", "legacy.Adam", 0.1, generations=["2.15"], decay=0.1),
    dict(_case("sgd_decay_refused", "SGD", 0.1, generations=["2.15"], decay=0.1), errors=["2.15"]),
    dict(_case("unknown_argument", "SGD", 0.1, no_such=1), errors=[*OLD, *NEW]),
]

FAMILIES = [
    *_family("rmsprop", "RMSprop", 0.1),
    *_family("adagrad", "Adagrad", 0.1),
    *_family("adadelta", "Adadelta", 0.5),
    *_family("adamax", "Adamax", 0.1),
    *_family("nadam", "Nadam", 0.1),
    *_family("adamw", "AdamW", 0.1, NEW),
    *_family("ftrl", "Ftrl", 0.1, NEW),
    *_family("lion", "Lion", 0.1, NEW),
    *_family("adafactor", "Adafactor", 0.1, NEW),
    *_family("lamb", "Lamb", 0.1, ["3"]),
    *_family("muon", "Muon", 0.1, ["3"]),
    *_family("schedule_free", "ScheduleFreeAdamW", 0.1, ["3"])[:3],
]

ARGUMENTS = [
    _case("rmsprop_epsilon", "RMSprop", 0.1, epsilon=0.1),
    _case("rmsprop_rho", "RMSprop", 0.1, rho=0.5),
    _case("rmsprop_decay", "RMSprop", 0.1, decay=0.1, generations=ACCEPT_DECAY),
    _case("rmsprop_momentum", "RMSprop", 0.1, generations=NEW, momentum=0.7, epsilon=0.1),
    _case("rmsprop_centered", "RMSprop", 0.1, generations=NEW, centered=True, epsilon=0.1),
    _case("rmsprop_centered_momentum", "RMSprop", 0.1, TWO, TWO_STEPS, NEW, centered=True, momentum=0.7, epsilon=0.1),
    _case("adagrad_epsilon", "Adagrad", 0.1, epsilon=0.1),
    _case("adagrad_decay", "Adagrad", 0.1, decay=0.1, generations=ACCEPT_DECAY),
    _case("adagrad_start", "Adagrad", 0.1, generations=NEW, initial_accumulator_value=0.7),
    _case("adadelta_epsilon", "Adadelta", 1.0, epsilon=0.01, rho=0.7),
    _case("adadelta_decay", "Adadelta", 1.0, decay=0.1, generations=ACCEPT_DECAY),
    _case("adamax_epsilon", "Adamax", 0.1, epsilon=0.1),
    _case("adamax_betas", "Adamax", 0.1, beta_1=0.5, beta_2=0.8),
    _case("adamax_decay", "Adamax", 0.1, decay=0.1, generations=ACCEPT_DECAY),
    _case("nadam_epsilon", "Nadam", 0.1, epsilon=0.1),
    _case("nadam_betas", "Nadam", 0.1, beta_1=0.5, beta_2=0.8),
    _case("nadam_schedule_decay", "Nadam", 0.1, generations=OLD, schedule_decay=0.5),
    _case("adamw_decay", "AdamW", 0.1, generations=NEW, weight_decay=0.5, amsgrad=True),
    _case("ftrl_l1", "Ftrl", 0.1, generations=NEW, l1_regularization_strength=0.3),
    _case("ftrl_l2", "Ftrl", 0.1, generations=NEW, l2_regularization_strength=0.3),
    _case("ftrl_shrinkage", "Ftrl", 0.1, generations=NEW, l2_shrinkage_regularization_strength=0.3),
    _case("ftrl_beta", "Ftrl", 0.1, generations=NEW, beta=0.5),
    _case("ftrl_power", "Ftrl", 0.1, generations=NEW, learning_rate_power=-0.3, initial_accumulator_value=0.5),
    _case("lion_betas", "Lion", 0.1, generations=NEW, beta_1=0.5, beta_2=0.7),
    _case("adafactor_threshold", "Adafactor", 0.1, SHAPES, SHAPES_STEPS, NEW, clip_threshold=0.3, epsilon_2=0.5),
    _case("adafactor_absolute", "Adafactor", 2.0, SHAPES, SHAPES_STEPS, NEW, relative_step=False, beta_2_decay=-0.5),
    _case("lamb_betas", "Lamb", 0.1, SHAPES, SHAPES_STEPS, ["3"], beta_1=0.5, beta_2=0.8, epsilon=0.1),
    _case("muon_plain", "Muon", 0.1, SHAPES, SHAPES_STEPS, ["3"], nesterov=False, rms_rate=None, ns_steps=3, momentum=0.8),
    _case("muon_ratio", "Muon", 0.1, SHAPES, SHAPES_STEPS, ["3"], adam_lr_ratio=0.5, adam_weight_decay=None, weight_decay=0.2),
    _case("schedule_free_warmup", "ScheduleFreeAdamW", 0.1, generations=["3"], warmup_steps=3, beta_1=0.7),
    _case("two_clips", "SGD", 0.1, SHAPES, SHAPES_STEPS, [*OLD, "2.15"], clipnorm=0.5, clipvalue=0.1, momentum=0.5),
    _case("sgd_absent", "SGD", 0.1, TWO, ABSENT, NEW, momentum=0.6),
    _case("adam_absent", "Adam", 0.1, TWO, ABSENT, NEW),
    _case("adam_scaled", "Adam", 0.1, TWO, TWO_STEPS, ["3"], loss_scale_factor=8.0, clipnorm=1.0),
    _case("adam_accumulated_averaged", "Adam", 0.1, TWO, TWO_STEPS * 3, ["3"], gradient_accumulation_steps=2, use_ema=True,
          ema_momentum=0.5, ema_overwrite_frequency=2, weight_decay=0.1),
]  # fmt: skip

LEGACY = [
    _legacy("rmsprop", "RMSprop", epsilon=0.1),
    _legacy("rmsprop_momentum", "RMSprop", epsilon=0.1, momentum=0.7),
    _legacy("rmsprop_centered", "RMSprop", epsilon=0.1, centered=True),
    _legacy("rmsprop_centered_momentum", "RMSprop", epsilon=0.1, centered=True, momentum=0.7),
    _legacy("rmsprop_decay", "RMSprop", decay=0.3),
    _legacy("adagrad", "Adagrad", epsilon=0.1),
    _legacy("adagrad_decay", "Adagrad", decay=0.3, initial_accumulator_value=0.5),
    _legacy("adadelta", "Adadelta", epsilon=0.01, rho=0.7),
    _legacy("adamax", "Adamax", epsilon=0.1),
    _legacy("adamax_decay", "Adamax", decay=0.3),
    _legacy("nadam", "Nadam", epsilon=0.1),
    _legacy("ftrl", "Ftrl", l1_regularization_strength=0.1, l2_regularization_strength=0.2),
    _legacy("ftrl_beta", "Ftrl", beta=0.3, l2_shrinkage_regularization_strength=0.2),
    _legacy("sgd_clipnorm", "SGD", clipnorm=0.5, momentum=0.5),
    _legacy("sgd_global_clipnorm", "SGD", global_clipnorm=0.5, momentum=0.5, nesterov=True),
    _legacy("adam_two_clips", "Adam", clipnorm=0.5, clipvalue=0.1),
    *[_case("legacy_" + made.lower() + "_default", "legacy." + made, generations=TF)
      for made in ("SGD", "RMSprop", "Adagrad", "Adadelta", "Adam", "Adamax", "Nadam", "Ftrl")],
]  # fmt: skip

REFUSED = [
    _refused("refused_lr", "Adam", ["3"], lr=0.1),
    _refused("refused_weight_decay", "Adam", OLD, weight_decay=0.1),
    _refused("refused_momentum", "RMSprop", OLD, momentum=0.1),
    _refused("refused_start", "Adagrad", OLD, initial_accumulator_value=0.1),
    _refused("refused_nadam_decay", "Nadam", OLD, decay=0.1),
    _refused("refused_schedule_decay", "Nadam", NEW, schedule_decay=0.1),
    _refused("refused_accumulation", "Adam", [*OLD, "2.15"], gradient_accumulation_steps=2),
    _refused("refused_two_clips", "Adam", ["3"], clipnorm=1.0, clipvalue=1.0),
    _refused("refused_norm_clips", "Adam", NEW, clipnorm=1.0, global_clipnorm=1.0),
    _refused("refused_ema_momentum", "Adam", NEW, use_ema=True, ema_momentum=1.5),
    _refused("refused_power", "Ftrl", NEW, learning_rate_power=0.5),
    _refused("refused_sum", "Ftrl", NEW, initial_accumulator_value=-0.5),
    _refused("refused_l1", "Ftrl", NEW, l1_regularization_strength=-0.5),
    _refused("refused_lion", "Lion", NEW, beta_1=0.0),
    _refused("refused_no_decay", "AdamW", NEW, weight_decay=None),
    _refused("refused_legacy_clip", "legacy.Adam", TF, clipnorm=-1.0),
    _refused("refused_legacy_ema", "legacy.Adam", TF, use_ema=True),
]

CASES = SGD_ADAM + FAMILIES + ARGUMENTS + LEGACY + REFUSED
