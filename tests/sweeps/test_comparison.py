"""Settings are compared with a baseline: layouts, intervals, verdicts."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from scipy import stats

from dropout_cli.core.errors import UsageError
from dropout_cli.statistics import max_t
from dropout_cli.sweeps import printed_table
from dropout_cli.sweeps.baselines import find_baselines
from dropout_cli.sweeps.notes import comparison_notes
from dropout_cli.sweeps.records import RunRecord
from dropout_cli.sweeps.replicates import Replicate
from dropout_cli.sweeps.settings import ComparisonSettings
from dropout_cli.sweeps.sweep_comparison import SweepComparison, compare_runs


def record(seed: int, accuracy: float, split: int = 0, fold: int = 0, **values: object) -> RunRecord:
    """Return a run with 100 examples in each part."""
    scores = {"accuracy": accuracy, "error": 1 - accuracy, "nll": 0.1, "brier": 0.1, "ece": 0.1, "macro_f1": accuracy}
    part = scores | {"per_class": [{"support": 100}]}
    named = {key.replace("_", "."): value for key, value in values.items()}
    return RunRecord(f"{seed}", named, Replicate(seed, split, fold), {"train": part, "val": part, "test": part})


def two_rates(
    differences: "list[float]", replicates: "list[tuple[int, int]]", looks: Sequence[int] = (), **asked: Any
) -> SweepComparison:
    """Return runs of two rates with a given difference at each replicate."""
    records = [
        record(seed, 0.8 + 0.001 * (3 * place % 7) + difference * rate, split=split, dropout_rate=rate)
        for place, ((seed, split), difference) in enumerate(zip(replicates, differences, strict=True))
        for rate in (0, 1)
    ]
    return compare_runs(records, ["dropout.rate"], ComparisonSettings(**asked), looks=looks)


def said(evidence: SweepComparison) -> str:
    """Return all notes as one text."""
    return "\n".join(comparison_notes(evidence))


def test_groups_are_compared_at_equal_replicates() -> None:
    """Pairs are the seeds of both groups; the verdict follows the metric's direction."""
    records = [record(seed, 0.90 + 0.001 * seed, dropout_rate=0) for seed in range(8)]
    records += [record(seed, 0.92 + 0.0011 * seed, dropout_rate=0.5) for seed in range(2, 10)]
    found = compare_runs(records, ["dropout.rate"], ComparisonSettings())
    (one,) = found.comparisons
    assert (one.n, one.layout.kind) == (6, "seeds")
    assert one.estimate.mean == pytest.approx(0.02 + 0.0001 * 4.5)
    assert one.verdict == "better"
    errors = compare_runs(records, ["dropout.rate"], ComparisonSettings("test.error"))
    assert (errors.comparisons[0].verdict, errors.comparisons[0].won) == ("better", 6)


def test_seeds_of_one_split_are_tested_by_t_with_a_floor_of_half_an_example() -> None:
    """Seeds use SciPy's paired t test with an SD of at least half an example (example 11)."""
    spread = [0.02, 0.03, 0.05, -0.01, 0.04]
    (one,) = two_rates(spread, [(seed, 0) for seed in range(5)]).comparisons
    expected = stats.ttest_1samp(spread, 0)
    assert one.p == one.p_bonferroni == pytest.approx(expected.pvalue)
    assert one.interval == pytest.approx(expected.confidence_interval(0.95))
    (equal,) = two_rates([0.01] * 5, [(seed, 0) for seed in range(5)]).comparisons
    assert (equal.estimate.sd, equal.sd) == (0.005, 0.0)
    assert np.isnan(equal.effect)
    assert equal.p == pytest.approx(0.011056, abs=1e-6)


def test_paired_splits_are_tested_over_splits_and_spoken_of_as_splits() -> None:
    """Splits use Student's t, and the interval of Nadeau and Bengio for new data."""
    spread = [0.02, 0.03, 0.05, -0.01, 0.04]
    found = two_rates(spread, [(seed, seed) for seed in range(5)])
    (one,) = found.comparisons
    assert (one.layout.kind, one.estimate.n) == ("splits", 5)
    assert one.p == pytest.approx(stats.ttest_1samp(spread, 0).pvalue)
    half = stats.t.ppf(0.975, 4) * np.std(spread, ddof=1) * np.sqrt(1 / 5 + 1)
    assert one.new_data == pytest.approx((np.mean(spread) - half, np.mean(spread) + half))
    assert "new random splits of these 300 examples, with new seeds" in said(found)
    same_seed = two_rates(spread, [(7, split) for split in range(5)])
    assert "new random splits of these 300 examples, with seed 7" in said(same_seed)


def test_seeds_nested_in_splits_are_averaged_per_split() -> None:
    """Nested seeds use t over the four means of splits (reference example 4)."""
    rows = [[0.02, 0.03, 0.01], [0.00, 0.01, 0.02], [0.04, 0.03, 0.05], [0.01, 0.00, -0.01]]
    replicates = [(split + 1000 * seed, split) for split in range(4) for seed in range(3)]
    (one,) = two_rates([value for row in rows for value in row], replicates).comparisons
    assert (one.layout.kind, one.n, one.estimate.n) == ("nested", 12, 4)
    assert one.p == pytest.approx(0.132842, abs=1e-6)
    assert one.interval == pytest.approx((-0.009675, 0.044675), abs=1e-6)


def test_crossed_runs_use_two_way_mean_squares() -> None:
    """Crossed runs need 3 x 3; an incomplete split is left out (reference example 5)."""
    rows = [[0.03, 0.00, 0.02], [0.05, 0.01, 0.04], [0.02, -0.01, 0.03], [0.04, 0.02, 0.02]]
    flat = [value for row in rows for value in row]
    replicates = [(seed, split) for split in range(4) for seed in range(3)]
    (one,) = two_rates(flat, replicates).comparisons
    assert one.layout.kind == "crossed"
    assert one.estimate.se == pytest.approx(0.009754, abs=1e-6)
    assert one.interval.high - one.estimate.mean == pytest.approx(0.033767, abs=1e-5)
    (lacking,) = two_rates([*flat, 0.5], [*replicates, (0, 9)]).comparisons
    assert (lacking.layout.left_out, lacking.interval) == (1, one.interval)
    few = two_rates(flat[:6], replicates[:6])
    assert few.comparisons[0].verdict == "not decided"
    assert np.isnan(few.comparisons[0].p)
    assert "2 complete splits x 3 seeds are too few (at least 3 x 3 are needed)" in said(few)


def folded(fold_of: "list[tuple[int, int, float]]") -> SweepComparison:
    """Return two rates on folds of divisions, from (split, fold, difference)."""
    records = [
        record(split, 0.8 + difference * rate, split=split, fold=fold, dropout_rate=rate)
        for split, fold, difference in fold_of
        for rate in (0, 1)
    ]
    for one in records:
        one.summary["config"] = {"dataset": {"folds": 2}}  # type: ignore[index]
    return compare_runs(records, ["dropout.rate"], ComparisonSettings())


def test_the_unit_of_repeated_cross_validation_is_a_repetition() -> None:
    """The unit is the mean over all folds; fewer than three divisions give no verdict."""
    values = [(0, 0, 0.01), (0, 1, 0.03), (1, 0, 0.05), (1, 1, 0.01), (2, 0, 0.02), (2, 1, 0.08)]
    found = folded([*values, (3, 0, 0.9)])
    (one,) = found.comparisons
    expected = stats.ttest_1samp([0.02, 0.03, 0.05], 0)
    assert (one.layout.folds, one.estimate.n, one.layout.left_out) == (2, 3, 1)
    assert one.interval == pytest.approx(expected.confidence_interval(0.95))
    differences = [value for *_, value in values]
    half = stats.t.ppf(0.975, 5) * np.std(differences, ddof=1) * np.sqrt(1 / 6 + 1)
    assert one.new_data[1] == pytest.approx(np.mean(differences) + half)
    assert "into 2 folds" in said(found)
    assert folded(values[:4]).comparisons[0].refused == "2 splits are too few (at least 3 are needed)"
    single = folded([(split, 0, 0.01 * split) for split in range(4)])
    assert (single.comparisons[0].layout.kind, single.comparisons[0].layout.folds) == ("splits", 0)


@pytest.mark.parametrize(
    ("replicates", "reason"),
    [
        ([(0, 0), (1, 0)], "2 seeds are too few"),
        ([(0, 0), (1, 1)], "2 splits are too few"),
        ([(0, 0)], "with one run per setting there is no spread"),
        ([(0, 0), (0, 1), (1, 2), (1, 3)], "some splits share a seed and others do not"),
    ],
)
def test_what_cannot_be_judged_is_refused_with_the_reason(replicates: "list[tuple[int, int]]", reason: str) -> None:
    """Refused comparisons have no interval and no p-value, and are `not decided`."""
    found = two_rates([0.1, 0.2, 0.3, 0.25][: len(replicates)], replicates, margin=10)
    (one,) = found.comparisons
    assert reason in one.refused
    assert one.verdict == "not decided"
    assert np.isnan([*one.interval, *one.new_data, one.p, one.p_bonferroni, one.p_holm]).all()
    assert reason in said(found)


def test_intervals_and_p_values_are_corrected_for_all_comparisons() -> None:
    """Verdicts use Bonferroni's correction; Holm's p-value is not larger (example 7)."""
    differences = ([0.03, 0.02, 0.04, 0.01, 0.03, 0.02], [0.01, -0.01, 0.02, 0.0, 0.01, -0.01])
    records = [record(seed, 0.8, dropout_rate=0) for seed in range(6)]
    records += [
        record(seed, 0.8 + value, dropout_rate=rate)
        for rate, row in enumerate(differences, start=1)
        for seed, value in enumerate(row)
    ]
    one, other = compare_runs(records, ["dropout.rate"], ComparisonSettings()).comparisons
    assert (one.p, other.p) == pytest.approx((0.002085, 0.530092), abs=1e-6)
    assert (one.p_bonferroni, other.p_bonferroni) == pytest.approx((0.00417, 1), abs=1e-5)
    assert one.interval == pytest.approx((0.011455, 0.038545), abs=1e-6)
    assert other.interval == pytest.approx((-0.012307, 0.018974), abs=1e-6)
    assert one.p_holm <= one.p_bonferroni
    both = compare_runs(records, ["dropout.rate"], ComparisonSettings(others=("test.error",)))
    assert {one.family for one in both.comparisons} == {4}
    assert "by 2 metrics" in said(both)
    asked = compare_runs(records, ["dropout.rate"], ComparisonSettings(test="max-t")).comparisons
    expected = max_t.max_t(np.array(differences))
    assert [two.requested.adjusted for two in asked] == pytest.approx(expected.step_down)
    assert asked[0].requested.smallest == 2**-5
    assert asked[0].interval == one.interval


def test_a_margin_decides_first_and_the_words_are_four() -> None:
    """An interval inside the margin means `equal within M`, even if it excludes 0."""
    replicates = [(seed, seed) for seed in range(8)]
    small = [0.005 + 0.001 * (place % 2) for place in range(8)]
    (one,) = two_rates(small, replicates, margin=0.01).comparisons
    assert one.p < 0.05
    assert one.verdict == "equal within 0.01"
    assert two_rates(small, replicates).comparisons[0].verdict == "better"
    wide = [0.02 + 0.001 * (place % 2) for place in range(8)]
    assert two_rates(wide, replicates, margin=0.01).comparisons[0].verdict == "better"
    undecided = two_rates([0.01 * (-1) ** place for place in range(8)], replicates)
    assert undecided.comparisons[0].verdict == "not decided"
    assert "does not mean that the settings are equal" in said(undecided)


def test_identical_runs_have_p_1_and_are_named() -> None:
    """Identical pairs are `not decided`, however much seeds differ."""
    found = two_rates([0.0] * 5, [(seed, seed) for seed in range(5)])
    (one,) = found.comparisons
    assert (one.p, one.identical, one.verdict) == (1.0, True, "not decided")
    assert "Identical runs: rate 1." in said(found)
    assert two_rates([0.0] * 5, [(seed, seed) for seed in range(5)], margin=0.02).comparisons[0].is_equal


def test_better_alone_is_said_where_new_data_agree() -> None:
    """The table and the sentence state whether a verdict is confirmed for new data."""
    replicates = [(seed, seed) for seed in range(10)]
    weak = two_rates([0.02 + 0.02 * (-1) ** place for place in range(10)], replicates)
    assert weak.comparisons[0].verdict == "better"
    assert not weak.comparisons[0].shown_for_new_data
    assert "It is better than rate 0 on splits of these data, but not confirmed for new data" in said(weak)
    headers, rows = printed_table.comparison_table(weak)
    assert dict(zip(headers, rows[1], strict=True))["confirmed for new data"] == "no"
    strong = two_rates([0.1 + 0.01 * (-1) ** place for place in range(10)], replicates)
    assert "It is better than rate 0 on splits of these data and for new data" in said(strong)


def test_an_arm_that_varies_much_more_is_warned_of() -> None:
    """A setting that sometimes collapses gives a warning about its larger spread."""
    records = [record(seed, 0.9, dropout_rate=0) for seed in range(8)]
    records += [record(seed, 0.9 - 0.1 * (seed % 4 == 0), dropout_rate=1) for seed in range(8)]
    assert "Warning: the values of rate 1 vary" in said(compare_runs(records, ["dropout.rate"], ComparisonSettings()))


def test_runs_added_after_a_look_are_said() -> None:
    """The notes give the numbers of runs at the earlier look and now."""
    found = two_rates([0.01] * 5, [(seed, seed) for seed in range(5)], looks=[6])
    assert "added or removed after the results were seen (6 runs then, 10 now)" in said(found)


def test_notes_speak_of_what_is_there() -> None:
    """The notes on single runs mention no intervals and no tests."""
    for rates in (1, 2):
        records = [record(0, 0.9, dropout_rate=rate) for rate in range(rates)]
        told = said(compare_runs(records, ["dropout.rate"], ComparisonSettings()))
        assert not any(word in told for word in ("t test", "Bonferroni", "d_z", "selection bias"))
        assert "Intervals and p-values need more seeds" in told


def test_the_answer_is_about_the_setting_that_validation_chose() -> None:
    """The answer is about the best setting on validation, not on the test part."""
    records = [
        RunRecord(
            f"{seed}{rate}",
            {"dropout.rate": rate},
            Replicate(seed, seed),
            {
                "train": {"accuracy": 1.0, "per_class": [{"support": 100}]},
                "val": {"accuracy": 0.8 + 0.01 * rate + 0.001 * seed, "per_class": [{"support": 100}]},
                "test": {"accuracy": 0.8 - 0.02 * rate + 0.001 * (seed % 3), "per_class": [{"support": 100}]},
            },
        )
        for rate in (0, 1, 2)
        for seed in range(5 + (rate == 1))
    ]
    found = compare_runs(records, ["dropout.rate"], ComparisonSettings())
    assert found.chosen is not None
    assert (found.chosen.best, len(found.chosen.layout.units)) == (2, 5)
    first, *_ = comparison_notes(found)
    assert first.startswith("The best setting on the validation part is rate 2. Its mean test.accuracy is 0.7608")
    assert "It is worse than rate 0" in first
    assert "over the 5 pairs of seed and split that all settings have" in said(found)
    assert "selection bias" in said(found)


def test_settings_on_several_datasets_are_ranked() -> None:
    """Settings on several datasets are ranked, and none is called best on validation."""
    records = [
        record(seed, 0.8 + 0.01 * place + 0.001 * seed, dataset_name=data, dropout_rate=rate)
        for data in ("a", "b", "c")
        for place, rate in enumerate((0.5, 0.2, 0))
        for seed in range(2)
    ]
    found = compare_runs(records, ["dataset.name", "dropout.rate"], ComparisonSettings())
    assert found.chosen is None
    assert found.over_datasets is not None
    assert found.over_datasets.ranks.average == [3, 2, 1]
    assert len(found.comparisons) == 6
    assert "Nemenyi" in said(found)


def test_a_baseline_is_found_for_each_group() -> None:
    """A baseline agrees in the keys that it has; several candidates are an error."""
    keys = ("architecture.hidden", "dropout.variant", "dropout.rate")
    groups: list[dict[str, object]] = [
        dict(zip(keys, values, strict=True))
        for values in ((8, "none", None), (8, "inverted", 0.1), (4, "none", None), (4, "inverted", 0.1))
    ]
    assert find_baselines(groups, keys, None) == [0, 0, 2, 2]
    with pytest.raises(UsageError, match="no setting has"):
        find_baselines(groups, keys, {"dropout.variant": "nine"})
    with pytest.raises(UsageError, match="fits 2 settings"):
        find_baselines([{"a": 1, "b": None}, {"a": 1, "b": 2}], ("a", "b"), {"a": 1})
