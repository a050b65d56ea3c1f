"""Learning-rate schedules at their landmarks: the first step, the end of warm-up, of the hold, and of training."""

import dataclasses
import math
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dropout_cli.nn.optim.lr_schedules import (
    SCHEDULES,
    ConstantSchedule,
    CosineSchedule,
    ExponentialSchedule,
    LearningRateSchedule,
    LinearSchedule,
    StepSchedule,
)
from dropout_cli.nn.optim.optimizers import OPTIMIZERS
from dropout_cli.nn.optim.update import Regularization

PER_EPOCH, EPOCHS = 10, 20
STEPS = PER_EPOCH * EPOCHS
ALL = [cls() for _, cls in SCHEDULES]


def factor(schedule: LearningRateSchedule, step: int) -> float:
    """The factor at that step of 20 epochs of 10."""
    return schedule.factor(step, steps=STEPS, steps_per_epoch=PER_EPOCH)


def test_the_schedules_are_those_of_the_docs() -> None:
    """All five are there, and `cosine` is found by its name."""
    assert SCHEDULES.names() == ["constant", "cosine", "exponential", "linear", "step"]
    assert SCHEDULES["cosine"] is CosineSchedule


@pytest.mark.parametrize("cls", [*(cls for _, cls in SCHEDULES), *(cls for _, cls in OPTIMIZERS), Regularization])
def test_what_says_how_to_train_is_frozen_and_takes_keys_by_name(cls: type) -> None:
    """A run cannot change its rule, schedule or penalties on the way; it can be a key; a new key may stand anywhere."""
    made = cls()
    assert hash(made) == hash(cls()) and made == cls()
    for field in dataclasses.fields(cls):
        assert field.kw_only
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(made, field.name, getattr(made, field.name))
    with pytest.raises(dataclasses.FrozenInstanceError):
        made.anything = 0


@pytest.mark.parametrize("schedule", ALL, ids=lambda one: type(one).__name__)
def test_without_warmup_the_first_step_has_the_full_rate(schedule: LearningRateSchedule) -> None:
    """At step 0 the factor of every schedule is 1."""
    assert factor(schedule, 0) == 1


@pytest.mark.parametrize("name", SCHEDULES.names())
def test_warmup_is_a_linear_ramp_on_top_of_the_schedule(name: str) -> None:
    """Over 2.5 epochs, 25 steps, the factor is (step + 1) / 25 of the schedule's own, and from there on all of it."""
    plain, warm = SCHEDULES[name](), SCHEDULES[name](warmup=2.5)
    for step in range(STEPS):
        assert factor(warm, step) == pytest.approx(min(1, (step + 1) / 25) * factor(plain, step), rel=1e-12)
    assert factor(warm, 0) == 1 / 25
    assert factor(warm, 24) == factor(plain, 24)


def test_constant_stays() -> None:
    """The factor is 1 at every step."""
    assert {factor(ConstantSchedule(), step) for step in range(STEPS)} == {1}


def test_step_drops_at_whole_epochs() -> None:
    """With `every: 5` and `decay: .5`, steps 49 and 50 differ by half, and the last epoch stands at 1/8."""
    schedule = StepSchedule(every=5, decay=0.5)
    factors = {step: factor(schedule, step) for step in (0, 49, 50, 99, 100, 149, 150, 199)}
    assert factors == {0: 1, 49: 1, 50: 1 / 2, 99: 1 / 2, 100: 1 / 4, 149: 1 / 4, 150: 1 / 8, 199: 1 / 8}


def test_exponential_decays_a_little_at_every_step() -> None:
    """Ten steps, an epoch, multiply by `decay`; one step by its tenth root."""
    schedule = ExponentialSchedule(decay=0.9)
    for step in range(STEPS - PER_EPOCH):
        assert factor(schedule, step + PER_EPOCH) == pytest.approx(0.9 * factor(schedule, step), rel=1e-12)
    assert factor(schedule, 1) == pytest.approx(0.9**0.1, rel=1e-12)


@pytest.mark.parametrize(("cls", "quarter"), [(LinearSchedule, 0.75), (CosineSchedule, (1 + math.sqrt(0.5)) / 2)])
def test_falling_schedules_at_their_landmarks(cls: type[LinearSchedule] | type[CosineSchedule], quarter: float) -> None:
    """Full through the hold, half way down in the middle of the fall, `end` at the step that would follow the last."""
    schedule = cls(hold=0.2, end=0.1)
    assert [factor(schedule, step) for step in (0, 39, 40)] == [1, 1, 1]
    assert factor(schedule, 41) < 1
    assert factor(schedule, 40 + 40) == pytest.approx(0.1 + 0.9 * quarter, rel=1e-12)
    assert factor(schedule, 40 + 80) == pytest.approx(0.1 + 0.9 / 2, rel=1e-12)
    assert factor(schedule, STEPS) == pytest.approx(0.1, rel=1e-12)


@settings(deadline=None)
@given(
    name=st.sampled_from(SCHEDULES.names()),
    warmup=st.floats(0, 30),
    steps_per_epoch=st.integers(1, 50),
    epochs=st.integers(1, 30),
)
def test_factors_lie_between_zero_and_one_and_never_rise_after_warmup(
    name: str, warmup: float, steps_per_epoch: int, epochs: int
) -> None:
    """Every factor of a run is above 0 and at most 1; once warm-up is over, none is above the one before."""
    schedule, steps = SCHEDULES[name](warmup=warmup), steps_per_epoch * epochs
    factors = [schedule.factor(step, steps=steps, steps_per_epoch=steps_per_epoch) for step in range(steps)]
    assert all(0 < one <= 1 for one in factors)
    warm = factors[math.ceil(warmup * steps_per_epoch) :]
    assert all(later <= earlier for earlier, later in pairwise(warm))
