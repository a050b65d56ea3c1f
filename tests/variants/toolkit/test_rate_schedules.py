"""The rate in force is a pure function of the step."""

import math

import pytest

from dropout_cli.variants.toolkit.rate_schedules import (
    RATE_SCHEDULES,
    AntiCurriculumRate,
    CurriculumRate,
    EarlyRate,
    LateRate,
    LinearRate,
)

T = 1080


@pytest.mark.parametrize("name", RATE_SCHEDULES.names())
@pytest.mark.parametrize("steps", [1, 2, T])
def test_the_rate_stays_a_rate(name: str, steps: int) -> None:
    """Between 0 and the place's own, at every step, however short training is."""
    schedule = RATE_SCHEDULES[name]()
    assert all(0 <= schedule.rate(0.5, step, steps) <= 0.5 for step in range(steps))


def test_linear_meets_both_ends() -> None:
    """The first step has the start, the last one the end."""
    assert [LinearRate().rate(0.5, step, T) for step in (0, T - 1)] == [0.0, 0.5]
    falling = LinearRate(start=0.4, end=0.1)
    assert [falling.rate(0.5, step, 3) for step in range(3)] == pytest.approx([0.4, 0.25, 0.1])


def test_curriculum_rises_from_no_dropout_to_the_rate() -> None:
    """Rate 0 at t = 0, r to 1e-4 at the end; keep(t) = (1 - q) exp(-gamma t) + q between."""
    schedule = CurriculumRate()
    assert schedule.rate(0.5, 0, T) == 0
    assert schedule.rate(0.5, T - 1, T) == pytest.approx(0.5, abs=1e-4)
    assert 1 - schedule.rate(0.3, 100, T) == pytest.approx(0.3 * math.exp(-1000 / T) + 0.7)


def test_the_papers_gamma_ends_early_on_a_short_run() -> None:
    """Gamma 1e-3 over digits' 1,080 steps ends at rate .33 instead of .5."""
    assert CurriculumRate(gamma=1e-3).rate(0.5, T - 1, T) == pytest.approx(0.33, abs=0.005)


def test_anti_curriculum_falls_from_the_rate_to_no_dropout() -> None:
    """The mirror image."""
    schedule = AntiCurriculumRate()
    assert schedule.rate(0.5, 0, T) == 0.5
    assert schedule.rate(0.5, T - 1, T) < 1e-4
    assert schedule.rate(0.5, 77, T) + CurriculumRate().rate(0.5, 77, T) == pytest.approx(0.5)


def test_early_and_late_change_at_the_cutoff() -> None:
    """c = round(cutoff T); the linear shape is 0 at c - 1 already."""
    constant, linear, late = EarlyRate(cutoff=0.25, shape="constant"), EarlyRate(cutoff=0.25), LateRate(cutoff=0.25)
    cut = T // 4
    assert [constant.rate(0.5, step, T) for step in (0, cut - 1, cut, T - 1)] == [0.5, 0.5, 0, 0]
    assert [linear.rate(0.5, step, T) for step in (0, cut - 1, cut)] == [0.5, 0, 0]
    assert linear.rate(0.5, (cut - 1) // 3, T) == pytest.approx(0.5 * (1 - ((cut - 1) // 3) / (cut - 1)))
    assert [late.rate(0.5, step, T) for step in (0, cut - 1, cut, T - 1)] == [0, 0, 0.5, 0.5]


def test_the_cutoff_is_that_of_the_paper_unless_written() -> None:
    """50 of 300 epochs, for both."""
    assert [LateRate().rate(0.5, epoch, 300) for epoch in (0, 49, 50, 299)] == [0, 0, 0.5, 0.5]
    assert [EarlyRate(shape="constant").rate(0.5, epoch, 300) for epoch in (0, 49, 50, 299)] == [0.5, 0.5, 0, 0]
