"""The headline of a sweep's report says what the verdicts say, in plain words and with numbers."""

import itertools
import re
import sys
from collections.abc import Sequence
from typing import Any

import pytest

from dropout_cli.report.headline import sweep_headline
from dropout_cli.sweeps.findings import figure_findings
from dropout_cli.sweeps.notes import comparison_notes
from dropout_cli.sweeps.records import RunRecord
from dropout_cli.sweeps.replicates import Replicate
from dropout_cli.sweeps.settings import ComparisonSettings
from dropout_cli.sweeps.sweep_comparison import IncompleteSetting, SweepComparison, compare_runs

NOISE = (0.004, -0.003, 0.002, -0.004, 0.001)
SHIFTS = {"better": 0.05, "worse": -0.05, "undecided": 0.001}


def record(seed: int, value: float, rate: object, name: str = "accuracy", *, variant: str = "inverted") -> RunRecord:
    """A run with 1,000 examples in each part, as far as the comparison reads it."""
    numbers = {"accuracy": value, "error": 1 - value, "nll": 0.1, "brier": 0.1, "ece": 0.1, "macro_f1": value}
    if name == "rmse":
        numbers = {"rmse": value, "mae": value, "r2": 0.5}
    part = numbers | {"per_class": [{"support": 1000}]}
    values: dict[str, Any] = {"dropout.variant": variant, "dropout.rate": rate}
    return RunRecord(str(seed), values, Replicate(seed, 0, 0), {"train": part, "val": part, "test": part})


def settings_of(shifts: Sequence[float], name: str = "accuracy", seeds: int = 5, **asked: Any) -> SweepComparison:
    """No dropout, and a rate for each shift that differs from it by that much and by noise."""
    scale, middle = (10, 50.0) if name == "rmse" else (1, 0.9)
    records = [record(seed, middle + scale * 0.001 * seed, None, name, variant="none") for seed in range(seeds)]
    for place, shift in enumerate(shifts):
        noise = [shift and NOISE[(seed + place) % 5] for seed in range(seeds)]
        records += [
            record(seed, middle + scale * (0.001 * seed + shift + noise[seed]), round(0.1 * (place + 1), 1), name)
            for seed in range(seeds)
        ]
    return compare_runs(records, ["dropout.variant", "dropout.rate"], ComparisonSettings(**asked))


def equal_with_margin() -> SweepComparison:
    """One rate whose interval is inside a margin of 0.05."""
    return settings_of([0.002], margin=0.05)


CASES: dict[str, tuple[SweepComparison, int, int]] = {
    "better": (settings_of([0.05]), 0, 0),
    "worse": (settings_of([-0.05]), 0, 0),
    "all worse": (settings_of([-0.05, -0.06, -0.07]), 0, 0),
    "all better": (settings_of([0.05, 0.06, 0.07, 0.08, 0.09]), 0, 0),
    "not decided": (settings_of([0.001]), 0, 0),
    "none decided": (settings_of([0.001, -0.001]), 0, 0),
    "better and worse": (settings_of([0.05, -0.05]), 0, 0),
    "better and not decided": (settings_of([0.05, 0.001]), 0, 0),
    "worse and not decided": (settings_of([-0.05, 0.001]), 0, 0),
    "better, worse and not decided": (settings_of([0.05, -0.05, 0.001]), 0, 0),
    "equal": (equal_with_margin(), 0, 0),
    "equal and worse": (settings_of([0.002, -0.09], margin=0.05), 0, 0),
    "equal and not decided": (settings_of([0.002, -0.049], margin=0.05), 0, 0),
    "one group": (settings_of([]), 0, 0),
    "one run": (settings_of([], seeds=1), 0, 0),
    "one seed": (settings_of([0.05, -0.05], seeds=1), 0, 0),
    "one seed, one setting": (settings_of([0.05], seeds=1), 0, 0),
    "tie": (settings_of([0.0]), 0, 0),
    "tie and worse": (settings_of([0.0, -0.05]), 0, 0),
    "failed": (settings_of([0.05]), 2, 0),
    "failed and missing": (settings_of([-0.05]), 1, 3),
    "regression, better": (settings_of([-0.05], "rmse"), 0, 0),
    "regression, worse and not decided": (settings_of([0.05, 0.001], "rmse"), 0, 0),
}

HEADLINES = {
    "better": (
        "The best setting on the validation part is inverted, rate 0.1. Its mean test.accuracy is 0.9520. "
        "Better than no dropout: inverted, rate 0.1 (test accuracy +0.0500, 95 % interval +0.0458 to +0.0542, "
        "5 seeds)."
    ),
    "all worse": (
        "The best setting on the validation part is no dropout (the baseline). Its mean test.accuracy is 0.9020. "
        "All 3 settings are worse than no dropout: inverted, rate 0.3 (test accuracy -0.0700, 95 % interval -0.0760 "
        "to -0.0640, 5 seeds); inverted, rate 0.2 (-0.0600, -0.0660 to -0.0540); inverted, rate 0.1 (-0.0500, -0.0560 "
        "to -0.0440)."
    ),
    "not decided": (
        "The best setting on the validation part is inverted, rate 0.1. Its mean test.accuracy is 0.9030. "
        "It is not decided whether inverted, rate 0.1 is better or worse than no dropout by test accuracy. The "
        "interval of the difference includes 0 (difference +0.0010, 95 % interval -0.0032 to +0.0052, 5 seeds)."
    ),
    "tie": (
        "The best setting on the validation part is no dropout (the baseline). Its mean test.accuracy is 0.9020. "
        "It is not decided whether inverted, rate 0.1 is better or worse than no dropout by test accuracy. Every pair "
        "of runs has the same test accuracy."
    ),
    "one run": "Test accuracy is 0.9000 (1 run). The sweep has one setting, so there is nothing to compare it with.",
}


def headline(name: str) -> str:
    """The headline of a case."""
    evidence, failed, missing = CASES[name]
    return sweep_headline(evidence, failed, missing)


@pytest.mark.parametrize("name", CASES)
def test_a_headline_is_plain_and_complete(name: str) -> None:
    """Print each headline: sentences with numbers, no negated claims, no `3 of 3`, no equality without a margin."""
    text = headline(name)
    sys.stdout.write(f"{name}: {text}\n")
    assert text.endswith(".") and ".." not in text and "  " not in text and "nan" not in text
    assert "That is not to say" not in text and not re.search(r"\b(\d+) of \1\b", text)
    assert ("qual to" in text) == ("equal" in name)


@pytest.mark.parametrize("name", CASES)
def test_a_headline_agrees_with_the_verdicts_of_the_table(name: str) -> None:
    """Each verdict of the comparison is in the headline, and no other."""
    evidence, _, _ = CASES[name]
    verdicts = {comparison.verdict.split(" within")[0] for comparison in evidence.main}
    text = headline(name).lower()
    for verdict, words in (
        ("better", "better than no dropout: "),
        ("equal", "equal to no dropout within 0.05, the margin that was set"),
    ):
        assert (verdict in verdicts) == (words in text)
    assert ("worse" in verdicts) == bool(re.search(r"worse( than no dropout)?: ", text))
    open_words = ("not decided", "no verdict", "better or worse than")
    assert ("not decided" in verdicts) == any(words in text for words in open_words)


@pytest.mark.parametrize("name", CASES)
def test_the_numbers_of_a_headline_are_those_of_the_terminal(name: str) -> None:
    """The differences and the scope of a verdict (`new examples`) are the same as in the notes of `compare`."""
    evidence, _, _ = CASES[name]
    text, notes = headline(name), "\n".join(comparison_notes(evidence))
    if len(evidence.main) == 1 and not evidence.main[0].refused:
        assert f"{evidence.main[0].estimate.mean:+.4f}" in text or evidence.main[0].identical
    for comparison in evidence.main:
        confirmed = comparison.verdict != "not decided" and comparison.shown_for_new_data
        assert not confirmed or re.search("also holds? for new examples", text)
    assert ("not confirmed for new examples" in notes) <= ("new examples" in text)


@pytest.mark.parametrize("name", HEADLINES)
def test_headlines_read_so(name: str) -> None:
    """The exact words."""
    assert headline(name) == HEADLINES[name]


def test_all_combinations_of_verdicts_name_every_setting() -> None:
    """Up to three settings, each better, worse or not decided."""
    for count in (1, 2, 3):
        for kinds in itertools.combinations_with_replacement(SHIFTS, count):
            evidence = settings_of([SHIFTS[kind] for kind in kinds])
            text = sweep_headline(evidence)
            sys.stdout.write(f"{', '.join(kinds)}: {text}\n")
            for place in range(count):
                assert f"rate {0.1 * (place + 1):.1f}" in text


def test_failed_runs_and_settings_without_a_run_are_in_the_headline() -> None:
    """With the number of all runs; the bias is named if a setting lost only some of its runs."""
    records = [record(seed, 0.9 + 0.001 * seed, rate) for seed in range(3) for rate in (0, 0.5)]
    lost = [IncompleteSetting({"dropout.rate": 0.9}, 0, 3, 3), IncompleteSetting({"dropout.rate": 0.5}, 3, 4, 1)]
    evidence = compare_runs(records, ["dropout.rate"], ComparisonSettings(), lacking=lost)
    text = sweep_headline(evidence, failed=4)
    sys.stdout.write(f"{text}\n")
    assert "4 of 10 runs failed. Without a complete run: rate 0.9. If a setting makes runs fail" in text


@pytest.mark.parametrize("name", CASES)
def test_headline_notes_and_title_name_one_best_setting(name: str) -> None:
    """All three have the same sentence about the setting that the validation part chooses.

    A title has the metric in words, and accuracies in per cent, as its axis does.
    """
    evidence, _, _ = CASES[name]
    sentence = re.compile(
        r"The best setting on the validation part is (.*?)\. Its (?:mean )?(\S+|test \w+) is ([\d.]+\d)( %)?"
    )
    notes = next(comparison_notes(evidence))
    texts = [headline(name), notes, figure_findings(evidence, {}).get("metric", "")]
    found = [
        [
            (group, metric.replace(" ", ".").lower(), round(float(value) / (100 if percent else 1), 4))
            for group, metric, value, percent in sentence.findall(text)
        ]
        for text in texts
    ]
    assert found[0] == found[1] == found[2] and len(found[0]) == (len(evidence.groups) > 1)
    if len(evidence.main) > 1:  # the verdict, too
        verdicts = [
            re.findall(r"(?:It is (?:better|worse|equal)|Whether it is better or worse) [^(.]*", text) for text in texts
        ]
        assert len({text.partition(" is not decided")[0].strip() for (text,) in map(_or_none, verdicts)}) == 1


def _or_none(found: list[str]) -> list[str]:
    """Return the only verdict, or one empty text."""
    assert len(found) <= 1
    return found or [""]
