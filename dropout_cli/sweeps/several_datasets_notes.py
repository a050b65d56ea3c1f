"""Sentences about the comparison of settings over several datasets."""

import math
from collections.abc import Iterator

from dropout_cli.statistics.intervals import Interval
from dropout_cli.sweeps.several_datasets import LEVEL, MIN_RUNS, DatasetComparison, datasets_needed
from dropout_cli.sweeps.wording import format_p, format_short

MOST_PAIRS = 6
"""The most pairs of settings whose p-values are in the notes; all are in dataset_pairs.csv."""


def dataset_notes(found: DatasetComparison) -> Iterator[str]:
    """Yield notes on ranks, pairs of settings, and aggregates."""
    datasets, names = len(found.datasets), found.names()
    known = not math.isnan(found.p_permutation)  # Friedman's test needs three settings
    text = f"Friedman's permutation test p = {format_p(found.p_permutation)}; ".replace("= <", "<") if known else ""
    average = ", ".join(f"{name} {rank:.2f}" for name, rank in zip(names, found.ranks.average, strict=True))
    yield (
        f"Ranks of {len(names)} settings over {datasets} datasets: {text}average ranks "
        f"(1 is best): {average}. Average ranks that differ by less than {found.ranks.critical_difference:.3g} are not "
        "significantly different (Nemenyi test, level 0.05)."
    )
    yield _pairs(found, names)
    if not found.aggregates:
        yield "Settings have different numbers of runs on the datasets, so no aggregate of all runs is given."
        return
    yield from _aggregates(found, names)


def _pairs(found: DatasetComparison, names: list[str]) -> str:
    datasets, needed = len(found.datasets), datasets_needed(len(found.pairs))
    if datasets < needed:
        return (
            f"Pairs of settings: Wilcoxon's test over {datasets} datasets with Holm's correction for "
            f"{len(found.pairs)} {'pair' if len(found.pairs) == 1 else 'pairs'} cannot show a difference; it needs at "
            f"least {needed} datasets."
        )
    ordered = sorted(found.pairs, key=lambda pair: pair.p_holm)
    texts = [
        f"{names[one.first]} and {names[one.second]} p = {format_p(one.p_holm)}".replace("= <", "<")
        for one in ordered[:MOST_PAIRS]
    ]
    more = [f"{len(ordered) - MOST_PAIRS} more in dataset_pairs.csv"] if len(ordered) > MOST_PAIRS else []
    shown = sum(one.p_holm < LEVEL for one in ordered)
    verdict = f"{shown} of {len(ordered)} {'is' if shown == 1 else 'are'} significant at level 0.05."
    each = "; ".join([*texts, *more])
    return f"Pairs of settings over the datasets (Wilcoxon's signed-rank test, Holm's correction): {each}. {verdict}"


def _aggregates(found: DatasetComparison, names: list[str]) -> Iterator[str]:
    each = list(zip(names, found.aggregates, strict=True))
    if found.runs < MIN_RUNS:
        about = (
            f" (no intervals: they need at least {MIN_RUNS} runs per setting and dataset, and there are {found.runs})"
        )
    else:
        about = " (95 % bootstrap intervals, runs resampled within each dataset)"
    if not math.isnan(found.aggregates[0].iqm):
        texts = [f"{name} {format_short(one.iqm)}{_ends(one.iqm_interval)}" for name, one in each]
        yield f"Interquartile mean of {found.metric} over all runs and datasets{about}: {'; '.join(texts)}."
    if found.baseline is not None:
        texts = [
            f"{name} {one.improvement:.2f}{_ends(one.improvement_interval, 2)}"
            for name, one in each
            if not math.isnan(one.improvement)
        ]
        base = names[found.baseline]
        yield f"Probability that a run is better than a run of {base} on the same dataset{about}: {'; '.join(texts)}."


def _ends(interval: Interval, digits: int | None = None) -> str:
    """Return the ends of an interval in brackets; empty without one."""
    if math.isnan(interval.low):
        return ""
    low, high = (format_short(end) if digits is None else f"{end:.{digits}f}" for end in interval)
    return f" [{low}, {high}]"
