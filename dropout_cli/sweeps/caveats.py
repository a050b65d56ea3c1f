"""Notes on the limits of a comparison: missing, identical, pooled and unpaired runs."""

import math
from collections.abc import Iterator

from dropout_cli.core.text import counted
from dropout_cli.sweeps import baselines
from dropout_cli.sweeps.records import setting_label
from dropout_cli.sweeps.sweep_comparison import SweepComparison
from dropout_cli.sweeps.wording import group_name, join_names

MOST_UNTRAINED = 6
"""The most settings of which the notes state how many runs are not trained yet."""


def caveat_notes(evidence: SweepComparison) -> Iterator[str]:
    """Yield a note for each limit, one or two sentences per line."""
    yield from _warnings(evidence)
    yield from _pooling_note(evidence)
    yield from uncompared_notes(evidence)


def _warnings(evidence: SweepComparison) -> Iterator[str]:
    """Yield warnings about the table."""
    for comparison in evidence.main:
        if not math.isnan(comparison.wider):
            group = group_name(evidence.groups[comparison.group])
            base = group_name(evidence.groups[comparison.baseline])
            wide, tight, times = (
                (group, base, comparison.wider) if comparison.wider > 1 else (base, group, 1 / comparison.wider)
            )
            yield (
                f"Warning: the values of {wide} vary {times:.1f} times as much as those of {tight}. If they are also "
                "skewed, the t interval of the difference is too narrow. See results.csv."
            )
    for one in evidence.lacking:
        if one.failed:
            bias = " If the setting makes runs fail, the remaining runs look better than the setting is."
            yield (
                f"Warning: {setting_label(one.values)}: {one.failed:,} of {counted(one.planned, 'run')} failed."
                f"{bias * (one.complete > 0)}"
            )
    untrained = [one for one in evidence.lacking if one.untrained]
    if untrained:
        named = [
            f"{setting_label(one.values)} ({one.untrained:,} of {counted(one.planned, 'run')})"
            for one in untrained[:MOST_UNTRAINED]
        ]
        more = [f"{len(untrained) - MOST_UNTRAINED} more"] if len(untrained) > MOST_UNTRAINED else []
        yield f"Not trained yet: {'; '.join([*named, *more])}."
    identical = [evidence.groups[comparison.group] for comparison in evidence.main if comparison.identical]
    if identical:
        yield f"Identical runs: {join_names(identical)}. Every pair has the same {evidence.metric}."
    incomplete = [evidence.groups[comparison.group] for comparison in evidence.main if comparison.layout.left_out]
    if incomplete:
        yield (
            f"Some comparisons leave out runs of {join_names(incomplete)}, because their seed or split is incomplete."
        )
    if evidence.judged_by:
        yield (
            f"These runs were compared by {', '.join(evidence.judged_by)} before. If a metric is chosen after seeing "
            "another one, differences are less certain than they seem."
        )
    if evidence.looks:
        now = sum(len(group.runs) for group in evidence.groups)
        before = ", ".join(f"{look:,}" for look in evidence.looks)
        when = "then" if len(evidence.looks) == 1 else "at earlier looks"
        fact = f"Runs were added or removed after the results were seen ({before} runs {when}, {now:,} now)."
        if evidence.sequential is not None:
            yield f"{fact} The intervals account for looks at the results."
        else:
            yield (
                f"{fact} Intervals and p-values do not account for that. A difference that appears only after such "
                "changes is less certain than it seems. `dropout compare SWEEP --any-time` has intervals that account "
                "for it."
            )


def _pooling_note(evidence: SweepComparison) -> Iterator[str]:
    """Yield a note if runs of a setting are repeats, or differ in more than the seed."""
    if evidence.pooled is None:
        return
    keys = ", ".join(evidence.pooled)
    if evidence.averages:
        reason = f"although they differ in {keys}" if keys else "because they repeat the same config"
        yield (
            f"Runs with the same setting, seed and split are averaged, {reason}. n counts runs; intervals and tests "
            "use the averages."
        )
    else:
        yield f"Runs of one setting also differ in {keys}. Intervals and tests ignore this difference."


def uncompared_notes(evidence: SweepComparison) -> Iterator[str]:
    """Yield a note for each reason why settings are not compared, with their names."""
    uncompared = evidence.uncompared
    if not uncompared:
        return
    values = [group.values for group in evidence.groups]
    wanted = baselines.default_baseline(values) if evidence.baseline is None else evidence.baseline
    found = baselines.find_baselines(values, evidence.keys, evidence.baseline)
    unmatched = [
        group for group, base in zip(evidence.groups, found, strict=True) if base is None and group in uncompared
    ]
    base_has_metric = any(evidence.groups[base].scores(evidence.metric) for base in set(found) if base is not None)
    without_metric = [
        group
        for group in uncompared
        if group not in unmatched and not (base_has_metric and group.scores(evidence.metric))
    ]
    unpaired = [group for group in uncompared if group not in unmatched and group not in without_metric]
    if unmatched:
        base_text = baselines.baseline_text(wanted)
        yield (
            f"Not compared: {join_names(unmatched)}. No baseline with {base_text} has the same other keys. "
            "Give more keys with --baseline."
        )
    if without_metric:
        yield f"Not compared: {join_names(without_metric)}. Their runs, or the baseline's, have no {evidence.metric}."
    if unpaired:
        yield f"Not compared: {join_names(unpaired)}. None of their runs has the same seed and split as a baseline run."
