"""Notes on what a table does not show by itself: splits, runs that were pooled, groups without a comparison."""

from collections.abc import Iterator, Sequence

from dropout_cli.statistics.rules import FIRST
from dropout_cli.sweeps import baselines
from dropout_cli.sweeps.comparison import Evidence
from dropout_cli.sweeps.records import Group


def of_splits(evidence: Evidence, several: bool) -> Iterator[str]:
    """Yield notes on whether intervals cover other splits; `several`: whether some group has more than one run."""
    ratios = sorted({ratio for group in evidence.groups if (ratio := evidence.correction(group)) > 0})
    splits = {one.split_seed for group in evidence.groups for one in group.records}
    if ratios and several:
        term = f"{ratios[0]:.3g}" if len(ratios) == 1 else "test / train examples"
        own = "" if len(ratios) == 1 else f", {ratios[0]:.3g} to {ratios[-1]:.3g}, of each group its own"
        yield (
            "Splits vary, and runs on splits of the same examples are not independent: intervals use Nadeau and "
            f"Bengio's correction, sd * sqrt(1/n + {term}){own}. The p-values do not know of it."
        )
        plain = [group for group in evidence.groups if len(group.records) > 1 and not evidence.correction(group)]
        if plain:
            yield f"All runs of {_named(plain)} share one split: no correction there, and other splits are left out."
    elif len(splits) == 1:
        speaking = "intervals speak of new seeds on this split, and leave out" if several else "it is not known"
        yield (
            f"All runs share one split of the data: {speaking} what another split would change (sweep "
            "dataset.split_seed to see it)."
        )
    elif several:
        yield "Each group has runs on one split: intervals speak of new seeds, and leave out what other splits change."


def of_pooled(evidence: Evidence) -> Iterator[str]:
    """Yield a note where runs of a group differ in more than seeds: in which keys, and which runs are averaged."""
    if evidence.pooled is None:
        return
    over = f"pooled over {', '.join(evidence.pooled)}" if evidence.pooled else "they repeat the same config"
    if evidence.averages:
        yield (
            f"Runs that share setting, seed and split are averaged: {over}. n counts runs; intervals and tests rest on "
            "the averages."
        )
    else:
        yield f"Runs of one setting differ in more than their seeds: {over}. Intervals and tests take them as alike."


def of_uncompared(evidence: Evidence) -> Iterator[str]:
    """Yield notes on the groups that are not compared, and why."""
    left = evidence.uncompared
    if not left or evidence.rules == FIRST:
        return
    values = [group.values for group in evidence.groups]
    wanted = baselines.default_baseline(values) if evidence.baseline is None else evidence.baseline
    found = baselines.baselines(values, evidence.keys, evidence.baseline, evidence.rules)
    alone = [group for group, other in zip(evidence.groups, found, strict=True) if other is None and group in left]
    judged = any(evidence.groups[place].scores(evidence.metric) for place in set(found) if place is not None)
    lacking = [g for g in left if g not in alone and not (judged and g.scores(evidence.metric))]
    apart = [group for group in left if group not in alone and group not in lacking]
    if alone:
        yield (
            f"Not compared: {_named(alone)}. No single group with {baselines.told(wanted)} has the same other keys; "
            "give more keys with --baseline."
        )
    if lacking:
        yield f"Not compared: {_named(lacking)}. Its runs, or those of the baseline, have no {evidence.metric}."
    if apart:
        yield f"Not compared: {_named(apart)}. No run shares seed and split with one of the baseline."


def _named(groups: Sequence[Group]) -> str:
    names = [group.label for group in groups[:6]]
    return "; ".join([*names, *([f"{len(groups) - 6} more"] if len(groups) > 6 else [])])
