"""The headline of a sweep's report: which settings are better, worse or equal."""

import math
from collections.abc import Iterator, Sequence

from dropout_cli.core.text import counted
from dropout_cli.plots.words import metric_words
from dropout_cli.sweeps import yardsticks
from dropout_cli.sweeps.answer import best_setting_sentences
from dropout_cli.sweeps.comparison import BETTER, NOT_DECIDED, WORSE, Comparison
from dropout_cli.sweeps.findings import best_mean
from dropout_cli.sweeps.layouts import find_layout
from dropout_cli.sweeps.records import RunGroup, setting_label
from dropout_cli.sweeps.sweep_comparison import SweepComparison
from dropout_cli.sweeps.until_sure.words import look_words
from dropout_cli.sweeps.wording import (
    confirmed_for_new_data,
    format_interval,
    format_short,
    group_name,
    interval_text,
    new_data_kind,
)

MAX_NAMED = 3
"""The most settings of one verdict that are named."""


def sweep_headline(evidence: SweepComparison, failed: int = 0, missing: int = 0) -> str:
    """Return the headline: a sentence or two for each verdict, then what limits it.

    Args:
        evidence: The comparison of the complete runs.
        failed: Number of runs that failed.
        missing: Number of planned runs that are not complete and did not fail.
    """
    sentences = [*yardsticks.dummy_warnings(evidence.records, evidence.metric)]
    sentences += yardsticks.linear_warnings(evidence.records, evidence.metric)
    # With a single comparison, the sentences of the verdict follow anyway.
    best = [*best_setting_sentences(evidence, numbers=False)]
    sentences += [*(best if len(evidence.main) > 1 else best[:1]), *_findings(evidence)]
    return " ".join([*sentences, *_further_metrics(evidence), *_limits(evidence, failed, missing)])


def sample_size(evidence: SweepComparison, group: RunGroup) -> str:
    """Return the number of independent runs of a setting in words, such as `5 seeds` or `5 splits`."""
    layout = find_layout(group.by_replicate(evidence.metric), group.folds)
    return _units(layout.kind, len(layout.units), layout.folds, evidence.mean(group, evidence.metric).n)


def _units(kind: str, units: int, folds: int, runs: int) -> str:
    if kind == "seeds":
        return counted(units, "seed")
    if kind in ("splits", "nested", "crossed"):
        return counted(units, "division" if folds else "split")
    return counted(runs, "run")


def _findings(evidence: SweepComparison) -> Iterator[str]:
    groups = [group for group in evidence.groups if evidence.mean(group, evidence.metric).n]
    if not groups:
        yield f"No run has {evidence.metric}."
    elif not evidence.main:
        yield from _without_comparison(evidence, groups)
    else:
        yield from _verdicts(evidence)


def _without_comparison(evidence: SweepComparison, groups: Sequence[RunGroup]) -> Iterator[str]:
    """Yield the mean of the only setting, or the best mean if no setting has a baseline."""
    metric = evidence.metric
    if len(evidence.groups) == 1:
        sentence = f"{metric_words(metric)} is {_mean(evidence, groups[0])}."
        yield sentence[0].upper() + sentence[1:]
        yield "The sweep has one setting, so there is nothing to compare it with."
        return
    if evidence.chosen is None:
        yield f"{best_mean(evidence, metric)} ({sample_size(evidence, groups[0])})."
    yield "No setting was compared with a baseline, so it is not known whether the best mean is due to chance."


def _mean(evidence: SweepComparison, group: RunGroup) -> str:
    mean = evidence.mean(group, evidence.metric)
    interval = "" if math.isnan(mean.interval.low) else f"95 % interval {format_interval(mean.interval)}, "
    return f"{format_short(mean.mean)}{' on average' * (mean.n > 1)} ({interval}{sample_size(evidence, group)})"


def _verdicts(evidence: SweepComparison) -> Iterator[str]:
    compared = evidence.main
    bases = {comparison.baseline for comparison in compared}
    base = group_name(evidence.groups[next(iter(bases))]) if len(bases) == 1 else "its own baseline"
    by_verdict: dict[str, list[Comparison]] = {}
    for comparison in sorted(compared, key=_rank):
        by_verdict.setdefault(comparison.verdict, []).append(comparison)
    verdicts = list(by_verdict)
    if BETTER not in verdicts and NOT_DECIDED in verdicts:
        yield _nothing_better(evidence, compared, base, worse=WORSE in verdicts)
    decided = [comparison for comparison in compared if comparison.verdict != NOT_DECIDED]
    named_base = False
    for verdict, members in by_verdict.items():
        if verdict == NOT_DECIDED:
            continue
        label = f"{verdict.capitalize()} than {base}" if verdict in (BETTER, WORSE) else _equal(verdict, base)
        if named_base and verdict == WORSE:
            label = "Worse"
        if verdict in (BETTER, WORSE) and len(members) == len(compared) > 1:
            count = "Both" if len(members) == 2 else f"All {len(members)}"
            label = f"{count} settings are {verdict} than {base}"
        yield f"{label}: {_named(evidence, members, full=not named_base)}."
        named_base = True
    known = [comparison for comparison in decided if confirmed_for_new_data(comparison) is not None]
    if known:
        yield _scope(known)
    if NOT_DECIDED in by_verdict:
        yield from _undecided(evidence, by_verdict[NOT_DECIDED], is_only=not decided)


def _further_metrics(evidence: SweepComparison) -> Iterator[str]:
    """Yield a sentence for each further metric: which settings are better, worse or not decided."""
    for metric in evidence.metrics[1:]:
        by_verdict: dict[str, list[Comparison]] = {}
        for comparison in sorted(evidence.comparisons_by(metric), key=_rank):
            by_verdict.setdefault(comparison.verdict, []).append(comparison)
        if by_verdict:
            verdicts = [f"{verdict} ({_names(evidence, members)})" for verdict, members in by_verdict.items()]
            yield f"By {metric_words(metric)}: {', '.join(verdicts)}."


def _nothing_better(evidence: SweepComparison, compared: Sequence[Comparison], base: str, *, worse: bool) -> str:
    """Return the sentence for a sweep without a better setting, without claiming equality."""
    metric = metric_words(evidence.metric)
    if len(compared) == 1:
        name = group_name(evidence.groups[compared[0].group])
        return f"It is not decided whether {name} is better or worse than {base} by {metric}."
    decided = any(comparison.verdict != NOT_DECIDED for comparison in compared)
    if worse or decided:
        return f"No setting is shown to be better than {base} by {metric}."
    return f"No setting is shown to be better or worse than {base} by {metric}."


def _undecided(evidence: SweepComparison, members: Sequence[Comparison], *, is_only: bool) -> Iterator[str]:
    refused = [comparison for comparison in members if comparison.refused]
    identical = [comparison for comparison in members if comparison.identical and not comparison.refused]
    open_ones = [comparison for comparison in members if comparison not in refused and comparison not in identical]
    single = is_only and len(members) == 1
    if open_ones and single:
        numbers = _numbers(evidence, open_ones[0], label="difference")
        yield f"The interval of the difference includes 0 ({numbers})."
    elif open_ones:
        yield f"Not decided (interval includes 0): {_named(evidence, open_ones, full=is_only)}."
    if identical:
        same = f"every pair of runs has the same {metric_words(evidence.metric)}"
        yield f"{same.capitalize()}." if single else f"Not decided, because {same}: {_names(evidence, identical)}."
    for reason in dict.fromkeys(comparison.refused for comparison in refused):
        group = [comparison for comparison in refused if comparison.refused == reason]
        if single:
            yield f"There is no verdict, because {reason}."
        else:
            yield f"No verdict for {_names(evidence, group)}, because {reason}."


def _equal(verdict: str, base: str) -> str:
    margin = verdict.removeprefix("equal within ")
    return f"Equal to {base} within {margin}, the margin that was set"


def _rank(comparison: Comparison) -> tuple[int, float]:
    """Return the sort key: better, worse, equal, not decided; the largest difference first."""
    order = {BETTER: 0, WORSE: 1, NOT_DECIDED: 3}
    return order.get(comparison.verdict, 2), -abs(comparison.estimate.mean)


def _named(evidence: SweepComparison, members: Sequence[Comparison], *, full: bool) -> str:
    """Return the first settings with their numbers, and how many more there are.

    Args:
        evidence: The comparison of all runs.
        members: Comparisons with one verdict.
        full: True to name the metric and the number of seeds or splits, too.
    """
    texts = []
    for place, comparison in enumerate(members[:MAX_NAMED]):
        if place:
            difference = format_short(comparison.estimate.mean, "+")
            numbers = f"{difference}, {format_interval(comparison.interval, '+')}"
            numbers = ", ".join(filter(None, (numbers, look_words(comparison))))
        else:
            numbers = _numbers(evidence, comparison, label=metric_words(evidence.metric) if full else "")
        texts.append(f"{_member(evidence, comparison)} ({numbers})")
    more = [f"{len(members) - MAX_NAMED} more"] if len(members) > MAX_NAMED else []
    return "; ".join([*texts, *more])


def _names(evidence: SweepComparison, members: Sequence[Comparison]) -> str:
    texts = [_member(evidence, comparison) for comparison in members[:MAX_NAMED]]
    more = [f"{len(members) - MAX_NAMED} more"] if len(members) > MAX_NAMED else []
    return "; ".join([*texts, *more])


def _member(evidence: SweepComparison, comparison: Comparison) -> str:
    return group_name(evidence.groups[comparison.group])


def _numbers(evidence: SweepComparison, comparison: Comparison, *, label: str) -> str:
    """Return a difference with its interval, and after a label also the number of seeds or splits."""
    layout = comparison.layout
    n = f", {_units(layout.kind, len(layout.units), layout.folds, comparison.n)}"
    n = n if label and not look_words(comparison) else ""
    difference = f"{label} {format_short(comparison.estimate.mean, '+')}".strip()
    return f"{difference}, {interval_text(comparison)}{n}"


def _scope(decided: Sequence[Comparison]) -> str:
    """Return whether the verdicts also hold for new data; the terminal says it of each verdict."""
    kind, shown = new_data_kind(decided[0]), [comparison.shown_for_new_data for comparison in decided]
    if len(decided) == 1:
        return f"This also holds for {kind}." if shown[0] else f"This is not confirmed for {kind}."
    if all(shown):
        return f"This also holds for {kind}."
    if any(shown):
        return f"{sum(shown)} of these {len(shown)} results also {'holds' if sum(shown) == 1 else 'hold'} for {kind}."
    return f"None of these results is confirmed for {kind}."


def _limits(evidence: SweepComparison, failed: int, missing: int) -> Iterator[str]:
    """Yield what is not in the comparison: settings without a baseline, failed and missing runs."""
    if evidence.main and evidence.uncompared:
        names = [group_name(group) for group in evidence.uncompared[:MAX_NAMED]]
        more = len(evidence.uncompared) - MAX_NAMED
        yield f"Not compared: {'; '.join([*names, *([f'{more} more'] if more > 0 else [])])}."
    done = len(evidence.records)
    if failed:
        total = done + failed + missing
        yield f"{failed:,} of {counted(total, 'run')} failed."
        empty = [setting_label(one.values) for one in evidence.lacking if one.failed == one.planned]
        if empty:
            rest = f"; {len(empty) - MAX_NAMED} more" * (len(empty) > MAX_NAMED)
            yield f"Without a complete run: {'; '.join(empty[:MAX_NAMED])}{rest}."
        if any(one.complete and one.failed for one in evidence.lacking):
            yield "If a setting makes runs fail, its other runs look better than the setting is."
    if missing:
        yield f"{counted(missing, 'run')} {'is' if missing == 1 else 'are'} not trained yet."
