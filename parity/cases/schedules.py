"""Learning-rate schedules, read at steps before, at and after each of their turns, and their configs."""

from parity.cases.make import NEW, values

AT = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 15, 16, 23, 30, 100]


def _case(case_name, made, errors=(), **config):
    told = {"id": "schedules/" + case_name, "kind": "schedule", "class": made, "config": config, "generations": list(NEW)}
    return dict(told, inputs=[values(AT, dtype="int32")], errors=list(errors))


def _decays(name, made):
    start = {"initial_learning_rate": 0.8, "decay_steps": 4, "decay_rate": 0.7}
    return [
        _case(name, made, **start),
        _case(name + "_staircase", made, **start, staircase=True),
        _case(name + "_named", made, **start, name="mine"),
    ]


POLYNOMIAL = {"initial_learning_rate": 0.8, "decay_steps": 4, "end_learning_rate": 0.1}
COSINE = {"initial_learning_rate": 0.5, "decay_steps": 8}
RESTARTS = {"initial_learning_rate": 0.5, "first_decay_steps": 3}

CASES = [
    *_decays("exponential", "ExponentialDecay"),
    *_decays("inverse_time", "InverseTimeDecay"),
    _case("piecewise", "PiecewiseConstantDecay", boundaries=[2, 5], values=[1.0, 0.5, 0.1]),
    _case("piecewise_one", "PiecewiseConstantDecay", boundaries=[10], values=[1.0, 0.5], name="mine"),
    _case("piecewise_lengths", "PiecewiseConstantDecay", NEW, boundaries=[10], values=[1.0]),
    _case("polynomial_default", "PolynomialDecay", initial_learning_rate=0.8, decay_steps=4),
    _case("polynomial_power", "PolynomialDecay", **POLYNOMIAL, power=2.0),
    _case("polynomial_root", "PolynomialDecay", **POLYNOMIAL, power=0.5),
    _case("polynomial_cycle", "PolynomialDecay", **POLYNOMIAL, power=1.5, cycle=True),
    _case("polynomial_cycle_line", "PolynomialDecay", **POLYNOMIAL, cycle=True),
    _case("cosine", "CosineDecay", **COSINE),
    _case("cosine_alpha", "CosineDecay", **COSINE, alpha=0.2),
    _case("cosine_warmup", "CosineDecay", **COSINE, warmup_target=2.0, warmup_steps=5, alpha=0.1),
    _case("cosine_target_alone", "CosineDecay", **COSINE, warmup_target=2.0),
    _case("cosine_steps_alone", "CosineDecay", **COSINE, warmup_steps=5),
    _case("cosine_restarts", "CosineDecayRestarts", **RESTARTS),
    _case("cosine_restarts_even", "CosineDecayRestarts", **RESTARTS, t_mul=1.0, m_mul=0.5),
    _case("cosine_restarts_lower", "CosineDecayRestarts", **RESTARTS, t_mul=1.5, m_mul=0.7, alpha=0.1),
]
