"""The first sentences of a sweep's answer: about the setting that validation chose, not the best of many test numbers.

Of many settings, the one that looks best on the test part looks better than it is. The setting that validation chose
was chosen without the test part, so that its test numbers are honest.
"""

import math
from collections.abc import Iterator

from dropout_cli.core.text import counted
from dropout_cli.sweeps import yardsticks
from dropout_cli.sweeps.comparison import BETTER, NOT_DECIDED, WORSE, Comparison
from dropout_cli.sweeps.layouts import find_layout
from dropout_cli.sweeps.records import RunGroup
from dropout_cli.sweeps.sweep_comparison import SweepComparison
from dropout_cli.sweeps.wording import (
    comparison_sentence,
    format_interval,
    format_short,
    group_name,
    interval_scope,
    join_names,
    new_data_kind,
)


def write_answer(evidence: SweepComparison) -> str:
    """Return the answer in a few sentences; first of all, which settings do not beat the dummy."""
    return " ".join([*yardsticks.dummy_warnings(evidence.records, evidence.metric), *_sentences(evidence)])


def _sentences(evidence: SweepComparison) -> Iterator[str]:
    if not evidence.groups:
        return
    if len(evidence.groups) == 1:
        yield _of_one(evidence, evidence.groups[0])
        return
    chosen = evidence.chosen
    if chosen is not None:
        group, one = evidence.groups[chosen.best], evidence.comparison_of(chosen.best)
        baseline = any(other.baseline == chosen.best for other in evidence.main)
        yield f"Validation chose {group_name(group)}{', the baseline' * baseline}: its {_mean(evidence, group)}."
        if one is not None:
            yield comparison_sentence(evidence, one, "It")
    if not evidence.main:
        yield "No setting is compared with a baseline."
    for metric in evidence.metrics:
        yield from _verdicts(evidence, metric)


def _of_one(evidence: SweepComparison, group: RunGroup) -> str:
    found = evidence.mean(group, evidence.metric)
    if not found.n:
        return f"No run has {evidence.metric}."
    runs = f"over {counted(found.n, 'run')}" if found.n > 1 else "in one run"
    text = f"{evidence.metric} is {format_short(found.mean)} {'on average ' * (found.n > 1)}{runs}"
    if not math.isnan(found.interval.low):
        layout = find_layout(group.by_replicate(evidence.metric), group.folds)
        covers = interval_scope(layout, group, fixed=group.shares_test_part(layout.replicates))
        new = f"; for new data {format_interval(found.new_data)}" if not math.isnan(found.new_data.low) else ""
        return f"{text} (95 % interval {format_interval(found.interval)}, which covers {covers}{new})."
    if not math.isnan(found.new_data.low):
        return f"{text} (95 % interval {format_interval(found.new_data)} for new examples, this network)."
    return f"{text}."


def _mean(evidence: SweepComparison, group: RunGroup) -> str:
    found = evidence.mean(group, evidence.metric)
    interval = f" (95 % interval {format_interval(found.interval)})" if not math.isnan(found.interval.low) else ""
    return f"{'mean ' * (found.n > 1)}{evidence.metric} is {format_short(found.mean)}{interval}"


def _verdicts(evidence: SweepComparison, metric: str) -> Iterator[str]:
    """Say which settings are better, worse or not decided by a metric, and whether that is shown for new data."""
    compared, main = evidence.comparisons_by(metric), metric == evidence.metric
    by = "" if main else f"By {metric}: "
    if len(compared) == 1:
        (one,) = compared
        if not main or evidence.chosen is None or evidence.comparison_of(evidence.chosen.best) is None:
            yield by + comparison_sentence(evidence, one, group_name(evidence.groups[one.group]))
        return
    settings: dict[str, list[RunGroup]] = {}
    for one in sorted(compared, key=_order):
        settings.setdefault(_verdict_heading(one), []).append(evidence.groups[one.group])
    if main and settings:
        bases = {one.baseline for one in compared}
        base = group_name(evidence.groups[bases.pop()]) if len(bases) == 1 else "each has its own"
        yield f"{len(compared)} settings were compared with the baseline ({base})."
    lists = [f"{text}: {join_names(groups, MOST_NAMED)}." for text, groups in settings.items()]
    yield from [f"{by}{lists[0][0].lower()}{lists[0][1:]}", *lists[1:]] if by and lists else lists


MOST_NAMED = 4
"""Settings of one verdict that are named in the answer."""


def _order(one: Comparison) -> tuple[int, bool]:
    """Better comes before worse, equal and not decided; then what is shown for new data as well."""
    verdicts = (BETTER, WORSE, one.verdict if one.is_equal else "", NOT_DECIDED)
    return verdicts.index(one.verdict), not one.shown_for_new_data


def _verdict_heading(one: Comparison) -> str:
    """Return a verdict as the head of a list of settings."""
    if one.verdict == NOT_DECIDED:
        return "Not decided"
    return (
        f"{one.verdict.capitalize()}, {'also' if one.shown_for_new_data else 'but not shown'} for {new_data_kind(one)}"
    )
