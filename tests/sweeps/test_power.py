"""The notes say how many runs would decide, where that number is within reach."""

import math
import re
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from dropout_cli.statistics.t_test import Estimate, estimate_new_examples
from dropout_cli.sweeps import power
from dropout_cli.sweeps.comparison import Comparison
from dropout_cli.sweeps.notes import comparison_notes
from dropout_cli.sweeps.settings import ComparisonSettings
from dropout_cli.sweeps.sweep_comparison import compare_runs
from tests.sweeps.test_comparison import record

NOISE = (0.02, -0.02, 0.01, -0.01, 0.0)


def undecided(*shifts: float) -> list[str]:
    """Return the notes on power of a baseline and settings with these mean differences, on five splits."""
    records = [
        record(seed, 0.8 + (rate > 0) * (shift + NOISE[(seed + rate) % 5]), split=seed, dropout_rate=rate)
        for rate, shift in enumerate((0.0, *shifts))
        for seed in range(5)
    ]
    notes = comparison_notes(compare_runs(records, ["dropout.rate"], ComparisonSettings()))
    return [note for note in notes if "are needed" in note]


def test_numbers_of_runs_within_reach_come_first_and_the_others_share_a_line() -> None:
    """An exact number is at most four times the number of splits; differences near 0 need more than 100."""
    first, second, last = undecided(0.0002, 0.013, 0.015, -0.0003)
    assert first.startswith("rate 3: to detect a true difference of 0.015") and second.startswith("rate 2: ")
    for line in (first, second):
        (needed,) = re.findall(r"probability, (\d+) to", line)
        assert int(needed) <= 20
    assert (
        last
        == "rate 1; rate 4: to detect the observed differences with 80 % probability, more than 100 splits are needed."
    )


def test_an_unreachable_number_of_runs_is_rounded_down_to_a_bound() -> None:
    """Between four times the splits and 100, the bound is four times the splits."""
    (line,) = undecided(0.006)
    assert line == "rate 1: to detect the observed difference with 80 % probability, more than 20 splits are needed."


def comparison(margin: float | None = None) -> Comparison:
    """Return an undecided comparison of five splits."""
    records = [
        record(seed, 0.8 + rate * (0.004 + NOISE[seed]), split=seed, dropout_rate=rate)
        for rate in (0, 1)
        for seed in range(5)
    ]
    (found,) = compare_runs(records, ["dropout.rate"], ComparisonSettings(margin=margin)).main
    return found


@pytest.mark.parametrize(("size", "least", "most", "more"), [(0.01, 9, 18, "4 to 13"), (0.005, 28, 63, "23 to 58")])
def test_the_range_is_from_the_observed_sd_to_its_upper_bound(size: float, least: int, most: int, more: str) -> None:
    """With a standard deviation of .00894427 of 5 splits: the numbers of a worked example."""
    one = replace(comparison(), estimate=Estimate(0.001, 0.00894427 / math.sqrt(5), 4, 0.00894427, 5))
    text = power.runs_to_decide(one, size, 36)
    assert f"{least} to {most} splits in total are needed, {more} more than these 5." in text


def test_below_five_units_only_the_upper_bound_is_given() -> None:
    """Three units estimate the standard deviation too badly."""
    one = replace(comparison(), estimate=Estimate(0.001, 0.00894427 / math.sqrt(3), 2, 0.00894427, 3))
    text = power.runs_to_decide(one, 0.01, 36)
    bound = 0.00894427 * math.sqrt(2 / stats.chi2.ppf(0.2, 2))
    (most,) = (int(found) for found in re.findall(r"at most (\d+) splits", text))
    assert f", {most - 3} more than these 3." in text
    shifts = [0.01 / bound * math.sqrt(n) for n in (most - 1, most)]
    before, at = (
        stats.nct.sf(stats.t.isf(0.025, n - 1), n - 1, shift) for n, shift in zip((most - 1, most), shifts, strict=True)
    )
    assert before < 0.8 <= at


def test_new_examples_set_a_limit_that_more_seeds_do_not_lower() -> None:
    """One of ten of 42 examples judged differently: .137, whatever the number of seeds."""
    differences = np.zeros((5, 42))
    differences[:, :2], differences[:, 2:4] = 1, -1  # the same four of 42 in every run
    new = estimate_new_examples(differences)
    one = replace(comparison(), new_data_estimate=new, test_part_is_fixed=True)
    expected = (stats.norm.isf(0.025) + stats.norm.ppf(0.8)) * math.sqrt(4 / 41 / 42)
    assert power.smallest_for_new_data(one) == pytest.approx(expected, rel=1e-6)
    assert "cannot be detected with 42 examples" in power.runs_to_decide(one, 0.01, 42)
    assert "cannot be detected" not in power.runs_to_decide(one, 0.2, 42)
