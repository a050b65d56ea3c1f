"""The comparison of a sweep that is not complete: only common pairs choose, and missing runs are named as such."""

import math
import re

import numpy as np

from dropout_cli.sweeps.notes import comparison_notes
from dropout_cli.sweeps.records import RunRecord
from dropout_cli.sweeps.settings import ComparisonSettings
from dropout_cli.sweeps.sweep_comparison import IncompleteSetting, SweepComparison, compare_runs
from tests.sweeps.test_comparison import record

VALUES = {
    0.0: [0.970, 0.971, 0.972, 0.973, 0.974],
    0.2: [0.980, 0.990, 0.991, 0.992, 0.993],
    0.4: [0.985, 0.960, 0.961, 0.962, 0.963],
}
"""Rate -> accuracy by seed: 0.4 is the best one on seed 0 alone, 0.2 on all seeds."""


def some_runs(counts: dict[float, int], planned: int = 5, failed: int = 0) -> SweepComparison:
    """Compare the first runs of each setting of a sweep of five seeds."""
    records: list[RunRecord] = [
        record(seed, VALUES[rate][seed], split=seed, dropout_rate=rate)
        for rate, count in counts.items()
        for seed in range(count)
    ]
    lacking = [
        IncompleteSetting({"dropout.rate": rate}, counts.get(rate, 0), planned, failed)
        for rate in (*VALUES, 0.6)
        if counts.get(rate, 0) < planned
    ]
    return compare_runs(records, ["dropout.rate"], ComparisonSettings(), lacking=lacking)


def test_no_best_setting_is_named_from_fewer_than_three_common_pairs() -> None:
    """The answer says that there are too few runs; with three pairs it names the best setting of these pairs."""
    for common in (1, 2):
        found = some_runs({0.0: 5, 0.2: 5, 0.4: common})
        answer, *notes = comparison_notes(found)
        pairs = "1 pair" if common == 1 else "2 pairs"
        assert found.chosen is None and found.too_few_pairs
        assert f"Too few runs to name a best setting yet: the settings have {pairs} of seed and split in" in answer
        assert "best setting on" not in answer and not any(note.startswith("Choice:") for note in notes)
    assert "The best setting on the validation part is rate 0.2." in next(comparison_notes(some_runs({0.2: 3, 0: 4})))


def test_the_mean_of_the_best_setting_is_over_the_pairs_that_the_sentence_names() -> None:
    """It is neither the mean over all runs of the setting, nor over other pairs; the note on the choice agrees."""
    found = some_runs({0.0: 5, 0.2: 5, 0.4: 3})
    answer, *notes = comparison_notes(found)
    (named,) = re.findall(r"is rate 0\.2\. Its mean test\.accuracy is ([\d.]+) .*, over the 3 pairs of seed", answer)
    (choice,) = re.findall(r"has the best mean val\.accuracy, ([\d.]+), over the 3 pairs", "\n".join(notes))
    assert math.isclose(float(named), np.mean(VALUES[0.2][:3]), abs_tol=5e-5) and choice == named
    assert not math.isclose(float(named), np.mean(VALUES[0.2]), abs_tol=5e-5)


def test_a_complete_sweep_of_two_seeds_names_its_best_setting() -> None:
    """Only while runs are missing can the common pairs be an accident."""
    records = [record(seed, VALUES[rate][seed], split=seed, dropout_rate=rate) for rate in VALUES for seed in (0, 1)]
    found = compare_runs(records, ["dropout.rate"], ComparisonSettings())
    assert found.chosen is not None and not found.too_few_pairs
    assert "The best setting on the validation part is rate 0.2." in next(comparison_notes(found))


def test_runs_that_are_not_trained_yet_are_not_called_failures() -> None:
    """The warning about failures counts failed runs alone; settings without a run are named in the answer."""
    answer, *notes = comparison_notes(some_runs({0.0: 5, 0.2: 3}))
    text = "\n".join(notes)
    assert "rate 0.4; rate 0.6 have no run yet." in answer
    assert "fail" not in text
    assert "Not trained yet: rate 0.2 (2 of 5 runs); rate 0.4 (5 of 5 runs); rate 0.6 (5 of 5 runs)." in text
    text = "\n".join(comparison_notes(some_runs({0.0: 5, 0.2: 5, 0.4: 3}, failed=1)))
    assert "Warning: rate 0.4: 1 of 5 runs failed. If the setting makes runs fail, the remaining runs look" in text
    assert "Not trained yet: rate 0.4 (1 of 5 runs); rate 0.6 (4 of 5 runs)." in text
