"""No verdict contradicts its interval in random sweeps."""

import math

import numpy as np
import pytest

from dropout_cli.core.types import Array
from dropout_cli.sweeps.notes import comparison_notes
from dropout_cli.sweeps.records import RunRecord
from dropout_cli.sweeps.settings import ComparisonSettings
from dropout_cli.sweeps.sweep_comparison import SweepComparison, compare_runs
from tests.sweeps.test_comparison import record

DESIGNS = range(300)
MARGINS = (None, 0.0, 0.005, 0.02, 0.2)


def design(number: int) -> SweepComparison:
    """Return up to ten settings and a baseline on a random layout, with ties and missing runs."""
    rng = np.random.default_rng(number)
    replicates = layout(rng)
    effects = np.append(0.0, rng.choice([0.0, 0.01, 0.05, -0.05], size=rng.integers(1, 11)))
    sd = rng.choice([0.0, 0.003, 0.02])
    records: list[RunRecord] = []
    for rate, effect in enumerate(effects):
        for seed, split in replicates:
            if rng.random() < rng.choice([0.0, 0.15]):
                continue
            accuracy = np.round(100 * (0.8 + effect + rng.normal(0, sd))) / 100
            records.append(record(seed, float(np.clip(accuracy, 0, 1)), split=split, dropout_rate=rate))
    records = records if any(one.values["dropout.rate"] == 0 for one in records) else [record(0, 0.8, dropout_rate=0)]
    metric = str(rng.choice(["test.accuracy", "test.error"]))
    return compare_runs(
        records, ["dropout.rate"], ComparisonSettings(metric, margin=MARGINS[rng.integers(len(MARGINS))])
    )


def layout(rng: "np.random.Generator") -> "list[tuple[int, int]]":
    """Return seeds and splits of a random layout, or of an irregular one."""
    n, m = int(rng.integers(1, 9)), int(rng.integers(2, 5))
    kinds: list[list[tuple[int, int]]] = [
        [(seed, 0) for seed in range(n)],
        [(seed, seed) for seed in range(n)],
        [(split + 1000 * seed, split) for split in range(n) for seed in range(m)],
        [(seed, split) for split in range(n) for seed in range(m)],
        [(int(seed), int(split)) for seed, split in {tuple(one) for one in rng.integers(0, 4, (n, 2)).tolist()}],
    ]
    return kinds[rng.integers(len(kinds))]


@pytest.fixture(scope="module")
def designs() -> list[SweepComparison]:
    """Many random designs."""
    return [design(number) for number in DESIGNS]


def test_a_verdict_says_what_its_interval_says(designs: list[SweepComparison]) -> None:
    """The verdict follows from the position of the interval, 0 and the margin."""
    counts = dict.fromkeys(("better", "worse", "equal", "not decided"), 0)
    for evidence in designs:
        for one in evidence.comparisons:
            low, high = one.interval
            counts[one.verdict.partition(" within")[0]] += 1
            if one.refused:
                assert math.isnan(low + high + one.p) and one.verdict == "not decided"
                continue
            better_side = low > 0 if one.larger_is_better else high < 0
            outside = low > 0 or high < 0
            inside = evidence.margin is not None and -evidence.margin < low and high < evidence.margin
            expected = "better" if better_side else "worse" if outside else "not decided"
            assert one.verdict == (f"equal within {evidence.margin:g}" if inside else expected)
            assert low <= one.estimate.mean <= high
    assert min(counts.values()) > 20, counts


def test_p_and_interval_are_two_views_of_one_test(designs: list[SweepComparison]) -> None:
    """The corrected p is below 0.05 exactly if the corrected interval excludes 0."""
    for evidence in designs:
        for one in evidence.comparisons:
            if not one.refused:
                outside = one.interval.low > 0 or one.interval.high < 0
                assert (one.p_bonferroni < 0.05) == outside
                assert one.p <= one.p_holm <= one.p_bonferroni
                if one.identical:
                    assert one.p == 1


def test_what_is_shown_for_new_data_is_shown_for_these(designs: list[SweepComparison]) -> None:
    """The interval for new data contains the first one, so that it never decides more."""
    known = 0
    for evidence in designs:
        for one in evidence.comparisons:
            if not math.isnan(one.new_data.low):
                known += 1
                assert one.new_data.low <= one.interval.low <= one.interval.high <= one.new_data.high
            if one.shown_for_new_data:
                assert one.verdict != "not decided"
    assert known > 100


def test_intervals_of_shares_stay_between_0_and_1_and_have_a_width(designs: list[SweepComparison]) -> None:
    """Both intervals of an accuracy are inside 0 to 1 and have a positive width."""
    widths: list[Array] = []
    for evidence in designs:
        for group in evidence.groups:
            found = evidence.mean(group, evidence.metric)
            for low, high in (found.interval, found.new_data):
                if not math.isnan(low):
                    assert 0 <= low <= found.mean <= high <= 1
                    widths.append(np.array(high - low))
    assert min(widths) > 0


def test_every_design_has_notes_that_end_in_a_full_stop(designs: list[SweepComparison]) -> None:
    """Every note ends with a full stop, and none contains `nan`."""
    for evidence in designs:
        for line in comparison_notes(evidence):
            assert line.endswith(".") and "nan" not in line.split() and "  " not in line, line
