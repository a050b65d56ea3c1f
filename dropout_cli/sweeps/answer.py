"""The first sentences of a sweep's answer: about the setting that validation chose, not the best of many test numbers.

Of many settings, the one that looks best on the test part looks better than it is. The setting that validation chose
was chosen without the test part, so that its test numbers are honest.
"""

import math
from collections.abc import Iterator

from dropout_cli.core.text import counted
from dropout_cli.sweeps import yardsticks
from dropout_cli.sweeps.comparison import BETTER, NOT_DECIDED, WORSE, Comparison
from dropout_cli.sweeps.in_words import called, named, new_kind, sentence, short, span, speaks_of
from dropout_cli.sweeps.layouts import arrange
from dropout_cli.sweeps.records import RunGroup
from dropout_cli.sweeps.sweep_comparison import SweepComparison


def answer(evidence: SweepComparison) -> str:
    """Return the answer in a few sentences; first of all, which settings do not beat the dummy."""
    return " ".join([*yardsticks.beaten(evidence.records, evidence.metric), *_sentences(evidence)])


def _sentences(evidence: SweepComparison) -> Iterator[str]:
    if not evidence.groups:
        return
    if len(evidence.groups) == 1:
        yield _of_one(evidence, evidence.groups[0])
        return
    chosen = evidence.chosen
    if chosen is not None:
        group, one = evidence.groups[chosen.best], evidence.of(chosen.best)
        baseline = any(other.baseline == chosen.best for other in evidence.main)
        yield f"Validation chose {called(group)}{', the baseline' * baseline}: its {_mean(evidence, group)}."
        if one is not None:
            yield sentence(evidence, one, "It")
    if not evidence.main:
        yield "No setting is compared with a baseline."
    for metric in evidence.metrics:
        yield from _verdicts(evidence, metric)


def _of_one(evidence: SweepComparison, group: RunGroup) -> str:
    found = evidence.mean(group, evidence.metric)
    if not found.n:
        return f"No run has {evidence.metric}."
    runs = f"over {counted(found.n, 'run')}" if found.n > 1 else "in one run"
    text = f"{evidence.metric} is {short(found.mean)} {'on average ' * (found.n > 1)}{runs}"
    if not math.isnan(found.interval.low):
        layout = arrange(group.by_replicate(evidence.metric), group.folds)
        covers = speaks_of(layout, group, fixed=group.shares_test_part(layout.replicates))
        new = f"; for new data {span(found.new_data)}" if not math.isnan(found.new_data.low) else ""
        return f"{text} (95 % interval {span(found.interval)}, which covers {covers}{new})."
    if not math.isnan(found.new_data.low):
        return f"{text} (95 % interval {span(found.new_data)} for new examples, this network)."
    return f"{text}."


def _mean(evidence: SweepComparison, group: RunGroup) -> str:
    found = evidence.mean(group, evidence.metric)
    interval = f" (95 % interval {span(found.interval)})" if not math.isnan(found.interval.low) else ""
    return f"{'mean ' * (found.n > 1)}{evidence.metric} is {short(found.mean)}{interval}"


def _verdicts(evidence: SweepComparison, metric: str) -> Iterator[str]:
    """Say which settings are better, worse or not decided by a metric, and whether that is shown for new data."""
    compared, main = evidence.by(metric), metric == evidence.metric
    by = "" if main else f"By {metric}: "
    if len(compared) == 1:
        (one,) = compared
        if not main or evidence.chosen is None or evidence.of(evidence.chosen.best) is None:
            yield by + sentence(evidence, one, called(evidence.groups[one.group]))
        return
    settings: dict[str, list[RunGroup]] = {}
    for one in sorted(compared, key=_order):
        settings.setdefault(_verdict_heading(one), []).append(evidence.groups[one.group])
    if main and settings:
        bases = {one.baseline for one in compared}
        base = called(evidence.groups[bases.pop()]) if len(bases) == 1 else "each has its own"
        yield f"{len(compared)} settings were compared with the baseline ({base})."
    lists = [f"{text}: {named(groups, MOST_NAMED)}." for text, groups in settings.items()]
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
    return f"{one.verdict.capitalize()}, {'also' if one.shown_for_new_data else 'but not shown'} for {new_kind(one)}"
