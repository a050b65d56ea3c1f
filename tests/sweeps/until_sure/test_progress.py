"""A sweep with `--until sure`: the runs that each look needs, and the looks at which settings end."""

import csv
import math

import numpy as np
import pytest

from dropout_cli.core.rng import stream
from dropout_cli.report.headline import sweep_headline
from dropout_cli.statistics.sequential import planned_looks
from dropout_cli.statistics.sequential_decisions import OPEN, decide_differences
from dropout_cli.sweeps import printed_table, tables
from dropout_cli.sweeps.notes import comparison_notes
from tests.sweeps.until_sure.planned_runs import LOOKS, run_id, runs, stored, wavy


def due_seeds(found: frozenset[str], group: int) -> int:
    """Return how many seeds of a group are due."""
    return sum(run_id(group, seed) in found for seed in range(LOOKS[-1]))


def test_the_first_look_needs_its_seeds_of_every_setting() -> None:
    """Six seeds each, whether some runs are complete or none."""
    plan = stored(2)
    for complete in ([], runs({0: wavy(6), 1: wavy(3)})):
        progress = plan.progress(complete)
        assert progress is not None
        assert [due_seeds(progress.due, group) for group in range(3)] == [6, 6, 6]
        assert progress.sentence == "look 1 of 6 (6 seeds): 2 of 2 settings still open"


def test_a_decided_setting_is_not_trained_further() -> None:
    """A clearly worse setting ends at the first look; the baseline goes on with the open one."""
    complete = runs({0: [0.9] * 6, 1: wavy(6, -0.2, 0.001), 2: wavy(6)})
    progress = stored(2).progress(complete)
    assert progress is not None
    assert [due_seeds(progress.due, group) for group in range(3)] == [8, 6, 8]
    assert progress.sentence == "look 2 of 6 (8 seeds): 1 of 2 settings still open"
    assert [(one.look, one.decided) for one in progress.settings] == [(0, True), (0, False)]


def test_a_sweep_ends_at_its_last_look() -> None:
    """An undecided setting has 30 seeds, and no more runs are due."""
    plan, complete = stored(1), runs({0: wavy(30), 1: wavy(30)[::-1]})
    progress = plan.progress(complete)
    assert progress is not None and not progress.open
    assert progress.sentence == "ended at look 6 of 6 (30 seeds): 0 of 1 setting decided"
    assert plan.count_missing(complete) == 0
    assert any("Not decided after 30 seeds, the most" in line for line in comparison_notes(plan.compare(complete)))


def test_the_product_decides_as_the_simulated_function_does() -> None:
    """For random accuracies, each setting ends at the look, and with the verdict, of `decide_differences`."""
    rng = stream(0, "test")
    looks = planned_looks(comparisons=2)
    for _ in range(20):
        values = np.round(0.8 + 0.02 * rng.normal(size=(3, 30)) + np.array([[0], [0.03], [0.015]]), 2)
        complete = runs({rate: row.tolist() for rate, row in enumerate(values)})
        plan = stored(2)
        progress = plan.progress(complete)
        assert progress is not None
        expected = decide_differences(values[1:] - values[0], looks, smallest_sd=0.005)
        assert [one.look for one in progress.settings] == expected.places.tolist()
        assert [one.decided for one in progress.settings] == (expected.codes != OPEN).tolist()
        words = {0: "not decided", 1: "better", -1: "worse"}
        found = plan.compare(complete).comparisons
        assert [one.verdict for one in found] == [words[int(code)] for code in expected.codes]
        assert [one.n for one in found] == [LOOKS[place] for place in expected.places]


def test_a_failed_run_does_not_stop_the_looks() -> None:
    """A look goes on with the other pairs; a run that is only missing holds it back."""
    plan, some = stored(1), runs({0: wavy(6), 1: wavy(6, -0.2)})
    without = [one for one in some if one.path != run_id(1, 3)]
    waiting, going = plan.progress(without), plan.progress(without, {run_id(1, 3)})
    assert waiting is not None and waiting.settings[0].look == -1
    assert going is not None and going.settings[0].look == 0
    (found,) = plan.compare(without, {run_id(1, 3)}).comparisons
    assert found.n == 5 and found.sequential is not None and found.sequential.n == 6
    assert found.estimate.df == 4


def test_before_the_first_look_there_is_no_verdict() -> None:
    """Five large differences decide nothing, and the reason is given."""
    (found,) = stored(1).compare(runs({0: wavy(5), 1: wavy(5, -0.3)})).comparisons
    assert found.refused == "the first look is at 6 seeds" and found.verdict == "not decided"
    assert math.isnan(found.interval.low) and math.isnan(found.p)


def test_runs_after_the_last_look_do_not_count_yet() -> None:
    """Between two looks, the comparison is that of the last one."""
    first = runs({0: wavy(6), 1: wavy(6)[::-1]})
    more = runs({0: wavy(8), 1: [*wavy(6)[::-1], 0.1, 0.2][:7]})
    plan = stored(1)
    before, after = plan.compare(first).comparisons, plan.compare(more).comparisons
    assert before[0].estimate == after[0].estimate and before[0].n == 6


def test_the_interval_has_the_level_of_its_look() -> None:
    """It is mean +- c se with the constant of the look and of all comparisons; there are no p-values."""
    differences = [0.02, 0.03, 0.01, 0.025, 0.03, 0.015, 0.02, 0.01, 0.03, 0.02]
    complete = runs({0: [0.5] * 10, 1: [0.5 + one for one in differences], 2: wavy(10)})
    (found, _) = stored(2).compare(complete).comparisons
    assert found.sequential is not None
    half = planned_looks(comparisons=2)[found.sequential.look - 1].c * found.estimate.se
    assert tuple(found.interval) == pytest.approx((found.estimate.mean - half, found.estimate.mean + half))
    assert math.isnan(found.p) and math.isnan(found.p_bonferroni) and math.isnan(found.p_holm)


def test_equal_within_a_margin_ends_a_setting() -> None:
    """With a margin far above the differences, the first look decides; without it, nothing does."""
    complete = runs({0: wavy(6), 1: wavy(6)})
    with_margin, without = stored(1, margin=0.1), stored(1)
    assert with_margin.compare(complete).comparisons[0].verdict == "equal within 0.1"
    assert without.compare(complete).comparisons[0].verdict == "not decided"
    assert with_margin.count_missing(complete) == 0 and without.count_missing(complete) == 4


def test_tables_notes_and_headline_name_the_look() -> None:
    """The look is in comparisons.csv, in the table, in the notes and in the headline."""
    complete = runs({0: [0.9] * 6, 1: wavy(6, -0.2, 0.001)})
    evidence = stored(1).compare(complete)
    (row,) = csv.DictReader(tables.comparisons_csv(evidence).decode().splitlines())
    assert (row["look"], row["looks"], row["look_n"], row["p"]) == ("1", "6", "6", "")
    assert float(row["level"]) == pytest.approx(0.002, abs=1e-6)
    headers, rows = printed_table.short_table(evidence)
    assert [line[headers.index("look")] for line in rows] == ["", "1 of 6"]
    text = "\n".join(comparison_notes(evidence))
    assert "looks at 6, 8, 10, 14, 20 and 30 seeds" in text and "rate 1: look 1 of 6, 6 seeds" in text
    assert "p-values of differences hold" not in text
    assert "sequential interval -0.2" in sweep_headline(evidence) and "look 1 of 6, 6 seeds" in sweep_headline(evidence)


def test_a_second_metric_does_not_decide() -> None:
    """Only the main metric ends a setting; the other one has the interval of the same look."""
    plan = stored(1, metrics=["test.nll"])
    complete = runs({0: [0.9] * 6, 1: wavy(6, -0.2, 0.001)})
    accuracy, nll = plan.compare(complete).comparisons
    assert accuracy.verdict == "worse" and nll.verdict == "not decided"
    assert accuracy.sequential == nll.sequential
    assert plan.count_missing(complete) == 0
