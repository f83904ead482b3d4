"""SGD and Adam: five steps from given gradients, in each generation's formula, with the state and the config they leave."""

from parity.cases.make import NEW, OLD

START = [[1, 1, 1]]
STEPS = [[[1, -2, 0.5]], [[0.5, 0.1, -1]], [[-0.3, 2, 0.2]], [[0, -0.7, 1.5]], [[2, 0.3, -0.4]]]
TWO, TWO_STEPS = [[[1], [2]], [3]], [[[[3], [4]], [1]], [[[-0.1], [0.2]], [0.3]]]
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


CASES = [
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
