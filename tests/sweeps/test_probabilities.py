"""Probabilities of better, equal and worse agree with the interval and the p-value of the same comparison."""

import json
from dataclasses import replace

import pytest

from dropout_cli.statistics.t_test import Estimate
from dropout_cli.sweeps import printed_table, tables
from dropout_cli.sweeps.comparison import Comparison
from dropout_cli.sweeps.notes import comparison_notes
from dropout_cli.sweeps.probabilities import practical_probabilities
from dropout_cli.sweeps.settings import ComparisonSettings
from dropout_cli.sweeps.sweep_comparison import SweepComparison, compare_runs
from tests.sweeps.test_comparison import record

NOISE = (0.004, -0.003, 0.002, 0.0, -0.001)


def compared(margin: float | None, *, metric: str = "test.accuracy", shift: float = 0.003) -> SweepComparison:
    """Compare a setting with a baseline over five splits."""
    records = [
        record(seed, 0.8 + rate * (shift + NOISE[seed]), split=seed, dropout_rate=rate)
        for rate in (0, 1)
        for seed in range(5)
    ]
    return compare_runs(records, ["dropout.rate"], ComparisonSettings(metric, margin=margin))


def only(evidence: SweepComparison) -> Comparison:
    """Return the only comparison."""
    (one,) = evidence.main
    return one


def test_with_a_margin_of_0_they_are_the_p_value() -> None:
    """P(better) = 1 - p/2, nothing is equal, and all add up to 1."""
    one = only(compared(0.0))
    found = practical_probabilities(one)
    assert found is not None and one.estimate.mean > 0
    assert found.better == pytest.approx(1 - one.p / 2, abs=1e-12)
    assert found.equal == pytest.approx(0, abs=1e-12) and sum(found) == pytest.approx(1, abs=1e-12)


def test_an_error_is_better_when_it_is_smaller() -> None:
    """The probabilities of better and worse change places with the direction of the metric."""
    one = only(compared(0.001))
    error = replace(one, metric="test.error", estimate=replace(one.estimate, mean=-one.estimate.mean))
    assert practical_probabilities(error) == practical_probabilities(one)


def test_a_worked_example_of_the_correlated_t_test() -> None:
    """Mean .02, variance 9.166667e-05, 7 degrees of freedom, margin .01: .008265, .157230, .834504."""
    estimate = Estimate(0.02, 9.166667e-05**0.5, 7, 0.01, 8)
    found = practical_probabilities(replace(only(compared(0.01)), estimate=estimate))
    assert found == pytest.approx((0.008265, 0.157230, 0.834504), abs=1e-6)


def test_there_are_none_without_a_margin_or_a_spread() -> None:
    """Then the columns are empty and the notes do not mention them."""
    assert practical_probabilities(only(compared(None))) is None
    assert not any("Probabilities" in note for note in comparison_notes(compared(None)))
    same = replace(only(compared(0.01)), estimate=Estimate(0.0, 0.0, 4, 0.0, 5))
    assert practical_probabilities(same) is None


def test_table_json_and_notes_have_the_same_probabilities() -> None:
    """The note rounds to a tenth of a per cent."""
    evidence = compared(0.002)
    found = practical_probabilities(only(evidence))
    assert found is not None
    headers, rows = printed_table.comparison_table(evidence)
    row = dict(zip(headers, rows[1], strict=True))
    assert [float(row[name]) for name in printed_table.PROBABILITIES] == pytest.approx(list(found), abs=5e-5)
    (stored,) = json.loads(json.dumps(tables.comparison_dict(evidence)))["comparisons"]
    assert stored["probabilities"] == pytest.approx(found._asdict())
    (note,) = [note for note in comparison_notes(evidence) if note.startswith("Probabilities")]
    assert f"better {100 * found.better:.1f} %, equal {100 * found.equal:.1f} %" in note


def test_hedges_g_is_cohens_d_with_the_correction_for_few_units() -> None:
    """J(4) = .797885 for five units."""
    evidence = compared(None)
    one = only(evidence)
    assert tables.hedges_g_of(one) == pytest.approx(0.797885 * one.effect, rel=1e-5)
