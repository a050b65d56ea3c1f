"""How to read the tables of a sweep: what was compared, on what, how sure it is, and what is not covered."""

import math
from collections.abc import Iterator, Sequence

from dropout_cli.core.text import counted
from dropout_cli.metrics import is_count, metric_name, metric_part
from dropout_cli.sweeps import baselines, power, yardsticks
from dropout_cli.sweeps.answer import write_answer
from dropout_cli.sweeps.comparison import ALPHA, NOT_DECIDED, Comparison
from dropout_cli.sweeps.layouts import Layout, find_layout
from dropout_cli.sweeps.records import RunGroup, setting_label
from dropout_cli.sweeps.sweep_comparison import SweepComparison
from dropout_cli.sweeps.wording import format_p, format_short, group_name, interval_scope, join_names, new_data_kind

REQUESTED = {
    "sign-flip": "the exact sign-flip permutation test (above 16 pairs, 99,999 drawn patterns)",
    "wilcoxon": "Wilcoxon's signed-rank test, ties left out",
    "max-t": "the max-T permutation test, which flips the signs of all settings at once (step-down)",
}


def comparison_notes(evidence: SweepComparison) -> Iterator[str]:
    """Yield the answer first, then how it came about, a sentence or two per line."""
    if not evidence.groups:
        return
    yield write_answer(evidence)
    yield from _of_runs(evidence)
    yield from yardsticks.simple_model_messages(evidence.records, evidence.metric)
    yield from _of_intervals(evidence)
    yield from _of_verdicts(evidence)
    yield from _of_one_example(evidence)
    yield from _of_choice(evidence)
    yield from _warnings(evidence)
    yield from _of_pooled(evidence)
    yield from uncompared_notes(evidence)
    yield from _of_ranks(evidence)


def _of_runs(evidence: SweepComparison) -> Iterator[str]:
    """Yield a sentence on how many runs were compared, and on which splits."""
    kinds = {_layout(group, evidence.metric).kind for group in evidence.groups}
    text = {_arrangement(_layout(group, evidence.metric), group) for group in evidence.groups}
    paired = " Settings are compared at the same seed and split." if evidence.main and "single" not in kinds else ""
    if len(text) == 1:
        yield f"Runs: {text.pop()}.{paired}"
    else:
        yield f"Runs: settings differ in how many runs they have, or on which splits.{paired}"


def _layout(group: RunGroup, metric: str) -> Layout:
    return find_layout(group.by_replicate(metric), group.folds)


def _arrangement(layout: Layout, group: RunGroup) -> str:
    """How the runs of one setting are spread over seeds and splits, and on which means the tests rest."""
    n, runs = len(layout.units), sum(len(unit) for unit in layout.units)
    whole = f"{counted(runs * max(layout.folds, 1), 'run')} per setting"
    split = counted(n, "random split")
    if layout.folds:
        split = f"{counted(n, 'random division')} into {counted(layout.folds, 'fold')}"
    if layout.kind == "none":
        return "none has the metric"
    if layout.kind == "single":
        return "one of each setting. There are no intervals and no p-values; more seeds give them"
    if layout.kind == "irregular":
        return f"{whole}, not arranged so that an interval follows ({layout.refused})"
    if layout.kind == "crossed":
        return f"{whole}, on {split}, each with the same {counted(runs // max(n, 1), 'seed')}"
    if layout.kind == "seeds":
        where = f"one division into {counted(layout.folds, 'fold')}" if layout.folds else "one split"
        text, unit = f"{whole}, with {counted(n, 'seed')} on {where}", "seed"
    elif layout.kind == "splits":
        seed = "its own seed" if layout.seed is None else f"seed {layout.seed}"
        text, unit = f"{whole}, on {split}, each with {seed}", "division"
    else:
        text, unit = f"{whole}, on {split}, each with its own seeds", "division" if layout.folds else "split"
    rests = f". Tests and intervals rest on {counted(n, 'mean')}, one per {unit}" if runs > n or layout.folds else ""
    return text + rests


def _of_intervals(evidence: SweepComparison) -> Iterator[str]:
    """Yield notes on the intervals of the main table."""
    known = [one for one in evidence.main if not one.refused]
    if known:
        covers = dict.fromkeys(
            interval_scope(one.layout, evidence.groups[one.group], fixed=one.test_part_is_fixed) for one in known
        )
        family, by = known[0].family, f" by {len(evidence.metrics)} metrics" * (len(evidence.metrics) > 1)
        corrected = f", Bonferroni's correction for {family} comparisons{by}" if family > 1 else ""
        yield f"Intervals and p of differences are for {' or '.join(covers)} (paired t test{corrected})."
        yield from _of_new_data(known)
        return
    group = next((group for group in evidence.groups if evidence.mean(group, evidence.metric).n > 1), None)
    if group is not None:
        layout = _layout(group, evidence.metric)
        if layout.kind != "irregular":
            fixed = layout.splits_vary and group.shares_test_part(layout.replicates)
            yield f"Intervals of means are for {interval_scope(layout, group, fixed=fixed)}."


def _of_new_data(known: Sequence[Comparison]) -> Iterator[str]:
    """Yield notes on the second interval."""
    examples = [one for one in known if new_data_kind(one) == "new examples"]
    data = [one for one in known if new_data_kind(one) == "new data"]
    if data:
        ratios = sorted({one.ratio for one in data})
        ratio = f"{ratios[0]:.3g}" if len(ratios) == 1 else f"{ratios[0]:.3g} to {ratios[-1]:.3g}, each its own"
        yield (
            "The interval for new data is wider: it is for other data of this kind (Nadeau & Bengio 2003; test over "
            f"training examples {ratio})."
        )
    if examples:
        missing = [one for one in examples if math.isnan(one.new_data.low)]
        drawn = "new divisions of the same training and validation examples"
        rest = drawn if examples[0].test_part_is_fixed else "the same training examples"
        yield (
            f"The interval for new data is for new seeds and new test examples, with {rest}."
            + (f" It is not known for {missing[0].metric}: that is no mean over stored examples." if missing else "")
        )


def _of_verdicts(evidence: SweepComparison) -> Iterator[str]:
    """Yield notes on comparisons without a decision, with reasons and the runs that would decide."""
    if not evidence.main:
        return
    for reason in dict.fromkeys(one.refused for one in evidence.main if one.refused and len(evidence.main) > 1):
        refused = [evidence.groups[one.group] for one in evidence.main if one.refused == reason]
        yield f"No verdict for {join_names(refused)}: {reason}."
    undecided = [one for one in evidence.main if one.verdict == NOT_DECIDED and not one.refused]
    if undecided:
        yield "'not decided' means that the interval holds 0. It does not mean that the settings are equal."
    for one in undecided[:MOST_UNDECIDED]:
        what = power.runs_to_decide(one, evidence.margin)
        if what:
            yield f"{group_name(evidence.groups[one.group])}: {what}"
    if len(undecided) > MOST_UNDECIDED:
        yield f"{len(undecided) - MOST_UNDECIDED} more are not decided; comparisons.csv has their numbers."
    yield from _of_requested(evidence)


MOST_UNDECIDED = 4


def _of_requested(evidence: SweepComparison) -> Iterator[str]:
    """Yield notes on the permutation test that was asked for."""
    if evidence.test == "t":
        return
    correction = "" if evidence.test == "max-t" else ", with Holm's correction"
    yield f"p ({evidence.test}): {REQUESTED[evidence.test]}{correction}. It does not change the verdict."
    known = [one.requested.smallest for one in evidence.comparisons if not math.isnan(one.requested.smallest)]
    if not known:
        yield f"p ({evidence.test}) is not there: it needs independent units, the same ones for all settings."
    elif max(known) >= ALPHA:
        least = format_p(max(known))
        yield f"With so few pairs p ({evidence.test}) cannot be below {least}, however large the difference is."


def _of_one_example(evidence: SweepComparison) -> Iterator[str]:
    part, number = metric_part(evidence.metric), metric_name(evidence.metric)
    sizes = {record.examples(part) for group in evidence.groups for record in group.runs} - {0}
    if is_count(number) and sizes:
        least, most = min(sizes), max(sizes)
        steps = " to ".join(dict.fromkeys((format_short(1 / most), format_short(1 / least))))
        yield f"One {part} example is {steps} of {number} here."


def _of_choice(evidence: SweepComparison) -> Iterator[str]:
    chosen = evidence.chosen
    if chosen is None:
        return
    val = f"val.{metric_name(evidence.metric)}"
    group = evidence.groups[chosen.best]
    text = f"Choice: {group_name(group)} has the best mean {val}, {format_short(evidence.mean(group, val).mean)}"
    used = len(chosen.layout.replicates)
    if any(len(one.records) != used for one in evidence.groups):
        text += f", over the {counted(used, 'pair')} of seed and split that all settings have"
    if math.isnan(chosen.optimism):
        yield f"{text}."
        return
    size = format_short(chosen.optimism)
    found = size if float(size) > 0 else "none"
    bound = ", which is too little because all runs share one validation part" if chosen.is_lower_bound else ""
    yield f"{text}. The best of several looks better than it is (selection bias): {chosen.how} finds {found}{bound}."


def _warnings(evidence: SweepComparison) -> Iterator[str]:
    """Yield warnings about the table."""
    for one in evidence.main:
        if not math.isnan(one.wider):
            group, base = group_name(evidence.groups[one.group]), group_name(evidence.groups[one.baseline])
            wide, tight, times = (group, base, one.wider) if one.wider > 1 else (base, group, 1 / one.wider)
            yield (
                f"Warning: {wide} varies {times:.1f} times as much as {tight}. The t interval of their difference is "
                "then too narrow if the values are also lopsided: look at results.csv."
            )
    for values, there, planned in evidence.lacking:
        yield (
            f"Warning: of {setting_label(values)}, {planned - there:,} of {planned:,} runs are missing: they failed or "
            "are still to come. Where they fail because of the setting, those that are left look better than it is."
        )
    same = [evidence.groups[one.group] for one in evidence.main if one.identical]
    if same:
        yield f"Identical runs: {join_names(same)}. Every pair has the same {evidence.metric}, so p is 1."
    lost = [evidence.groups[one.group] for one in evidence.main if one.layout.left_out]
    if lost:
        yield f"Left out of some comparisons, because they complete no unit: runs of {join_names(lost)}."
    if evidence.judged_by:
        yield (
            f"These runs were judged by {', '.join(evidence.judged_by)} before. A metric that was chosen after a look "
            "at another one makes differences less sure than they seem."
        )
    if evidence.looks:
        now = sum(len(group.runs) for group in evidence.groups)
        before = ", then ".join(f"{look:,}" for look in evidence.looks)
        yield (
            f"Runs were added or left out after a look at the tables ({before} runs then, {now:,} now). Intervals and "
            "p-values do not take that into account: a difference found by changing the runs until it shows is less "
            "sure than it seems."
        )


def _of_pooled(evidence: SweepComparison) -> Iterator[str]:
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


def uncompared_notes(evidence: SweepComparison) -> Iterator[str]:
    """Yield notes on the groups that are not compared, and why."""
    left = evidence.uncompared
    if not left:
        return
    values = [group.values for group in evidence.groups]
    wanted = baselines.default_baseline(values) if evidence.baseline is None else evidence.baseline
    found = baselines.find_baselines(values, evidence.keys, evidence.baseline)
    alone = [group for group, other in zip(evidence.groups, found, strict=True) if other is None and group in left]
    judged = any(evidence.groups[place].scores(evidence.metric) for place in set(found) if place is not None)
    lacking = [g for g in left if g not in alone and not (judged and g.scores(evidence.metric))]
    apart = [group for group in left if group not in alone and group not in lacking]
    if alone:
        base = baselines.baseline_text(wanted)
        yield (
            f"Not compared: {join_names(alone)}. No single group with {base} has the same other keys; "
            "give more keys with --baseline."
        )
    if lacking:
        yield f"Not compared: {join_names(lacking)}. Its runs, or those of the baseline, have no {evidence.metric}."
    if apart:
        yield f"Not compared: {join_names(apart)}. No run shares seed and split with one of the baseline."


def _of_ranks(evidence: SweepComparison) -> Iterator[str]:
    if evidence.ranks is None:
        return
    settings, datasets, ranks = evidence.ranks
    text = f"p = {format_p(ranks.p)}" if not math.isnan(ranks.p) else "no p with two settings"
    yield (
        f"Ranks of {len(settings)} settings over {len(datasets)} datasets: Friedman's test {text}; average ranks "
        f"closer than {ranks.critical_difference:.3g} have no difference shown (Nemenyi, .05)."
    )
