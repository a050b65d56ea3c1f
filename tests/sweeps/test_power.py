"""The notes say how many runs would decide, where that number is within reach."""

import re

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
