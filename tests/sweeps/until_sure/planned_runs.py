"""Stored plans of sweeps with `--until sure`, and runs with chosen accuracies."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from dropout_cli.sweeps.records import RunRecord
from dropout_cli.sweeps.stored_plan import StoredCell, StoredGroup, StoredPlan
from dropout_cli.sweeps.until_sure.levels import PlannedLooks
from tests.sweeps.test_comparison import record

LOOKS = [6, 8, 10, 14, 20, 30]


def run_id(group: int, seed: int) -> str:
    """Return the id of a planned run."""
    return f"{group:06x}{seed:06x}"


def stored(settings: int, **changed: Any) -> StoredPlan:
    """Return the plan of a baseline (rate 0) and some settings, each with 30 seeds on one split."""
    rates = range(settings + 1)
    plan = StoredPlan(
        format=3,
        metric="test.accuracy",
        baseline=None,
        margin=None,
        keys=["dropout.rate"],
        generations=[],
        groups=[StoredGroup({"dropout.rate": rate}, {}) for rate in rates],
        cells=[StoredCell(run_id(rate, seed), rate, seed, 0, None) for rate in rates for seed in range(LOOKS[-1])],
        until=PlannedLooks(LOOKS, settings),
    )
    return replace(plan, **changed)


def runs(accuracies: Mapping[int, Sequence[float]]) -> list[RunRecord]:
    """Return rate -> the complete runs of the first seeds, with these accuracies on 100 examples."""
    return [
        replace(record(seed, accuracy, dropout_rate=rate), path=run_id(rate, seed))
        for rate, values in accuracies.items()
        for seed, accuracy in enumerate(values)
    ]


def wavy(n: int, shift: float = 0.0, size: float = 0.01) -> list[float]:
    """Return n accuracies around 0.9 + shift whose differences vary by about `size`."""
    return [0.9 + shift + size * ((7 * seed) % 5 - 2) / 2 for seed in range(n)]
