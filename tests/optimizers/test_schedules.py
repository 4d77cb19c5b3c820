"""Learning-rate schedules against their formulas."""

import math

import pytest
from gatework.optimizers import schedules

STEPS = [0, 1, 4, 9, 10, 11, 25, 40]


@pytest.mark.parametrize(
    ("schedule", "formula"),
    [
        (schedules.ExponentialDecay(0.5, 10, 0.9), lambda s: 0.5 * 0.9 ** (s / 10)),
        (
            schedules.ExponentialDecay(0.5, 10, 0.9, staircase=True),
            lambda s: 0.5 * 0.9 ** (s // 10),
        ),
        (schedules.InverseTimeDecay(0.5, 10, 2.0), lambda s: 0.5 / (1 + 2 * s / 10)),
        (
            schedules.InverseTimeDecay(0.5, 10, 2.0, staircase=True),
            lambda s: 0.5 / (1 + 2 * (s // 10)),
        ),
        (
            schedules.PolynomialDecay(0.5, 10, 0.1, power=2.0),
            lambda s: 0.4 * (1 - min(s, 10) / 10) ** 2 + 0.1,
        ),
        (
            schedules.PolynomialDecay(0.5, 10, 0.1, cycle=True),
            lambda s: 0.4 * (1 - s / (10 * max(1, math.ceil(s / 10)))) + 0.1,
        ),
        (
            schedules.PiecewiseConstantDecay([4, 10], [3.0, 2.0, 1.0]),
            lambda s: 3.0 if s <= 4 else 2.0 if s <= 10 else 1.0,
        ),
        (
            schedules.CosineDecay(0.5, 10, alpha=0.1),
            lambda s: 0.5 * (0.9 * 0.5 * (1 + math.cos(math.pi * min(s, 10) / 10)) + 0.1),
        ),
        (
            schedules.CosineDecay(0.1, 20, warmup_target=0.5, warmup_steps=10),
            lambda s: (
                0.1 + 0.4 * s / 10
                if s < 10
                else 0.5 * 0.5 * (1 + math.cos(math.pi * min(s - 10, 20) / 20))
            ),
        ),
        (
            schedules.CosineDecayRestarts(0.5, 10, t_mul=1.0, m_mul=0.5),
            lambda s: 0.5 * 0.5 ** (s // 10) * 0.5 * (1 + math.cos(math.pi * (s % 10) / 10)),
        ),
    ],
)
def test_schedule(schedule, formula):
    for step in STEPS:
        assert schedule(step) == pytest.approx(formula(step), rel=1e-6, abs=1e-9)
    again = type(schedule).from_config(schedule.get_config())
    assert again.get_config() == schedule.get_config()
    assert again(7) == schedule(7)


def test_restarts_grow():
    schedule = schedules.CosineDecayRestarts(1.0, 10, t_mul=2.0, m_mul=0.5, alpha=0.2)
    assert schedule(0) == pytest.approx(1.0)
    assert schedule(5) == pytest.approx(0.8 * 0.5 + 0.2)
    assert schedule(10.001) == pytest.approx(0.8 * 0.5 + 0.2, abs=1e-3)
    assert schedule(20) == pytest.approx(0.8 * 0.25 + 0.2)


def test_bad_arguments():
    with pytest.raises(ValueError, match="decay_steps must be > 0, not 0"):
        schedules.ExponentialDecay(0.1, 0, 0.9)
    with pytest.raises(ValueError, match="boundaries must be one fewer"):
        schedules.PiecewiseConstantDecay([1, 2], [1.0, 2.0])
    with pytest.raises(NotImplementedError, match="must implement __call__"):
        schedules.LearningRateSchedule()(0)
