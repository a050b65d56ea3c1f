"""What runs say together."""

import numpy as np
import pytest

from dropout_cli.core.errors import UsageError
from dropout_cli.statistics.paired import sign_flip
from dropout_cli.sweeps import power, tables
from dropout_cli.sweeps.baselines import baselines
from dropout_cli.sweeps.comparison import Evidence, weigh
from dropout_cli.sweeps.records import Record
from dropout_cli.sweeps.replicates import Replicate


def record(seed: int, accuracy: float, split: int = 0, **values: object) -> Record:
    """A run as far as evidence looks at it."""
    scores = {"accuracy": accuracy, "error": 1 - accuracy, "nll": 0.1, "brier": 0.1, "ece": 0.1, "macro_f1": accuracy}
    part = scores | {"per_class": [{"support": 100}]}
    named = {key.replace("_", "."): value for key, value in values.items()}
    return Record(f"{seed}", named, Replicate(seed, split), {"train": part, "val": part, "test": part})


def test_groups_are_compared_at_equal_seeds() -> None:
    """Pairs are the seeds that both have; the verdict follows the direction of the metric."""
    records = [record(seed, 0.90 + 0.001 * seed, dropout_rate=0) for seed in range(8)]
    records += [record(seed, 0.92 + 0.0011 * seed, dropout_rate=0.5) for seed in range(2, 10)]
    found = weigh(records, ["dropout.rate"], metric="test.accuracy")
    (one,) = found.comparisons
    assert one.paired.n == 6
    assert one.paired.mean == pytest.approx(0.02 + 0.0001 * 4.5)
    assert (one.paired.test.p, one.verdict) == (2 / 64, "better")
    errors = weigh(records, ["dropout.rate"], metric="test.error")
    assert errors.comparisons[0].verdict == "better"
    assert errors.comparisons[0].paired.won == 6


def test_nothing_shown_is_not_called_equal() -> None:
    """Within a margin where one is given and the interval lies inside it."""
    records = [
        record(seed, 0.9 + 0.001 * (seed % 2 == rate), dropout_rate=rate) for seed in range(6) for rate in (0, 1)
    ]
    plain = weigh(records, ["dropout.rate"], metric="test.accuracy")
    assert plain.comparisons[0].verdict == "no difference shown"
    assert weigh(records, ["dropout.rate"], metric="test.accuracy", margin=0.01).comparisons[0].verdict == "within 0.01"
    assert any("not 'equal'" in note for note in tables.notes(plain))


def against_rate_0(rates: int, seeds: int, tied: int = 0, test: str = "sign_flip") -> Evidence:
    """As many rates as asked for, each worse than rate 0 at every seed but the tied ones."""
    records = [
        record(seed, 0.9 + 0.001 * seed - 0.02 * bool(rate) * (seed >= tied), dropout_rate=rate)
        for rate in range(rates + 1)
        for seed in range(seeds)
    ]
    return weigh(records, ["dropout.rate"], metric="test.accuracy", test=test)


def test_what_p_can_be_at_best_is_corrected_and_said() -> None:
    """Two comparisons of six pairs: .062, which no difference passes, and a seed more is enough; ties take no part."""
    few, enough, tied = against_rate_0(2, 6), against_rate_0(2, 7), against_rate_0(2, 7, tied=1)
    assert {one.verdict for one in few.comparisons} == {"no difference shown"}
    assert {one.smallest for one in few.comparisons} == {one.p_holm for one in few.comparisons} == {4 / 64}
    assert list(power.of_evidence(few)) == ["2 comparisons of 6 pairs cannot fall below p = 0.062; 7 seeds are needed."]
    assert {one.verdict for one in enough.comparisons} == {"worse"}
    assert list(power.of_evidence(enough)) == []
    assert {one.smallest for one in tied.comparisons} == {4 / 64}
    assert "2 comparisons of 6 pairs without a tie" in "".join(tables.notes(tied))
    headers, rows = tables.overview(few)
    assert rows[1][headers.index("smallest p")] == "0.062"


@pytest.mark.parametrize("comparisons", [1, 2, 3, 10, 1000, 4000])
def test_so_many_seeds_are_enough_and_one_less_is_not(comparisons: int) -> None:
    """By Holm's correction of the bounds themselves."""
    needed = power.seeds_needed(comparisons)
    assert needed is not None
    at_best = [
        comparisons * sign_flip(np.linspace(1, 2, pairs)).smallest if pairs > 1 else 1 for pairs in (needed, needed - 1)
    ]
    assert at_best[0] < 0.05 <= at_best[1]
    assert power.seeds_needed(5000) is None


def test_students_test_has_no_smallest_p() -> None:
    """Neither the column nor a word of it."""
    found = against_rate_0(2, 3, test="t")
    assert "smallest p" not in tables.overview(found)[0]
    assert "smallest" not in "".join(tables.notes(found))
    assert tables.as_dict(found)["comparisons"][0]["smallest_p"] is None


def test_notes_speak_of_what_is_there() -> None:
    """Of single runs there are no intervals, and no tests."""
    for rates in (0, 1):
        said = "\n".join(tables.notes(against_rate_0(rates, 1)))
        assert not any(word in said for word in ("t interval", "p (Holm)", "d_z", "Wilson", "intervals speak"))
    assert "no p-values. More seeds" in said


def test_splits_that_vary_are_said_and_corrected() -> None:
    """The correction is in the intervals, and the notes name it."""
    records = [record(seed, 0.9 + 0.01 * seed, split=seed) for seed in range(4)]
    found = weigh(records, [], metric="test.accuracy")
    assert found.correction(found.groups[0]) > 0
    assert any("Nadeau" in note for note in tables.notes(found))
    assert any("one split" in note for note in tables.notes(weigh(records[:1], [], metric="test.accuracy")))


def test_settings_on_several_datasets_are_ranked() -> None:
    """And none of them is the best on validation: that would compare data, not settings."""
    records = [
        record(seed, 0.8 + 0.01 * place + 0.001 * seed, dataset_name=data, dropout_rate=rate)
        for data in ("a", "b", "c")
        for place, rate in enumerate((0.5, 0.2, 0))
        for seed in range(2)
    ]
    found = weigh(records, ["dataset.name", "dropout.rate"], metric="test.accuracy")
    assert found.chosen is None
    assert found.ranks is not None
    assert found.ranks[2].average == [3, 2, 1]
    assert len(found.comparisons) == 6
    assert any("Nemenyi" in note for note in tables.notes(found))


def test_a_baseline_is_found_for_each_group() -> None:
    """It shares the keys that it has; where several would do, more keys are asked for."""
    keys = ("architecture.hidden", "dropout.variant", "dropout.rate")
    groups: list[dict[str, object]] = [
        dict(zip(keys, values, strict=True))
        for values in ((8, "none", None), (8, "inverted", 0.1), (4, "none", None), (4, "inverted", 0.1))
    ]
    assert baselines(groups, keys, None) == [0, 0, 2, 2]
    with pytest.raises(UsageError, match="no group has"):
        baselines(groups, keys, {"dropout.variant": "nine"})
    with pytest.raises(UsageError, match="means 2 groups"):
        baselines([{"a": 1, "b": None}, {"a": 1, "b": 2}], ("a", "b"), {"a": 1})
