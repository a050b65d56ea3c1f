"""The notes of a sweep: the answer, the method, its range of validity, and warnings."""

import math
from collections.abc import Iterator, Sequence

from dropout_cli.core.text import counted
from dropout_cli.metrics import is_count, metric_name, metric_part
from dropout_cli.sweeps import caveats, power, yardsticks
from dropout_cli.sweeps.answer import common_pairs_text, write_answer
from dropout_cli.sweeps.comparison import ALPHA, NOT_DECIDED, Comparison
from dropout_cli.sweeps.layouts import Layout, find_layout
from dropout_cli.sweeps.probabilities import probability_notes
from dropout_cli.sweeps.records import RunGroup
from dropout_cli.sweeps.several_datasets_notes import dataset_notes
from dropout_cli.sweeps.stored_predictions import is_mean_over_examples
from dropout_cli.sweeps.sweep_comparison import SweepComparison
from dropout_cli.sweeps.until_sure import words
from dropout_cli.sweeps.wording import format_p, format_short, group_name, interval_scope, join_names, new_data_kind

REQUESTED = {
    "sign-flip": "the exact sign-flip permutation test (above 16 pairs, 99,999 random sign patterns)",
    "wilcoxon": "Wilcoxon's signed-rank test, ties left out",
    "max-t": "the max-T permutation test, which flips the signs of all settings at once (step-down)",
}
"""Permutation test -> its description."""


def comparison_notes(evidence: SweepComparison) -> Iterator[str]:
    """Yield the answer, then the notes that explain it, one or two sentences per line."""
    if not evidence.groups:
        return
    yield write_answer(evidence)
    yield from _run_notes(evidence)
    yield from yardsticks.simple_model_messages(evidence.records, evidence.metric)
    yield from _interval_notes(evidence)
    yield from _verdict_notes(evidence)
    yield from probability_notes(evidence)
    yield from _one_example_note(evidence)
    yield from _choice_note(evidence)
    yield from caveats.caveat_notes(evidence)
    if evidence.over_datasets is not None:
        yield from dataset_notes(evidence.over_datasets)


def _run_notes(evidence: SweepComparison) -> Iterator[str]:
    """Yield a note on how many runs were compared, and on which splits."""
    kinds = {_layout(group, evidence.metric).kind for group in evidence.groups}
    descriptions = {_layout_description(_layout(group, evidence.metric), group) for group in evidence.groups}
    paired = " Settings are compared at the same seed and split." if evidence.main and "single" not in kinds else ""
    if len(descriptions) == 1:
        yield f"Runs: {descriptions.pop()}.{paired}"
    else:
        yield f"Runs: the settings have different numbers of runs, or different splits.{paired}"


def _layout(group: RunGroup, metric: str) -> Layout:
    return find_layout(group.by_replicate(metric), group.folds)


def _layout_description(layout: Layout, group: RunGroup) -> str:
    """Return how the runs of a setting are distributed over seeds and splits."""
    n, runs = len(layout.units), sum(len(unit) for unit in layout.units)
    total = f"{counted(runs * max(layout.folds, 1), 'run')} per setting"
    split = counted(n, "random split")
    if layout.folds:
        split = f"{counted(n, 'random division')} into {counted(layout.folds, 'fold')}"
    if layout.kind == "none":
        return "none has the metric"
    if layout.kind == "single":
        return "one per setting. Intervals and p-values need more seeds"
    if layout.kind == "irregular":
        return f"{total}. No interval can be computed ({layout.refused})"
    if layout.kind == "crossed":
        return f"{total}, on {split}, each with the same {counted(runs // max(n, 1), 'seed')}"
    if layout.kind == "seeds":
        split = f"one division into {counted(layout.folds, 'fold')}" if layout.folds else "one split"
        text, unit = f"{total}, with {counted(n, 'seed')} on {split}", "seed"
    elif layout.kind == "splits":
        seed = "its own seed" if layout.seed is None else f"seed {layout.seed}"
        text, unit = f"{total}, on {split}, each with {seed}", "division"
    else:
        text, unit = f"{total}, on {split}, each with its own seeds", "division" if layout.folds else "split"
    if runs > n or layout.folds:
        text += f". Tests and intervals use {counted(n, 'mean')}, one per {unit}"
    return text


def _interval_notes(evidence: SweepComparison) -> Iterator[str]:
    """Yield notes on the intervals of the main table: for which new runs they hold."""
    decidable = [comparison for comparison in evidence.main if not comparison.refused]
    if decidable:
        scopes = dict.fromkeys(
            interval_scope(comparison.layout, evidence.groups[comparison.group], fixed=comparison.test_part_is_fixed)
            for comparison in decidable
        )
        family, by = decidable[0].family, f" by {len(evidence.metrics)} metrics" * (len(evidence.metrics) > 1)
        correction = f" with Bonferroni's correction for {family} comparisons{by}" if family > 1 else ""
        what = "Intervals" if evidence.sequential is not None else "Intervals and p-values"
        test = words.procedure_words(decidable[0])
        yield f"{what} of differences hold for {' or '.join(scopes)} ({test}{correction})."
        yield from words.rule_notes(evidence.sequential)
        yield from words.look_notes(
            [(group_name(evidence.groups[comparison.group]), comparison) for comparison in decidable]
        )
        yield from _new_data_notes([comparison for comparison in decidable if metric_part(evidence.metric) != "train"])
        yield from _unknown_new_data_notes(evidence)
        return
    group = next((group for group in evidence.groups if evidence.mean(group, evidence.metric).n > 1), None)
    if group is not None:
        layout = _layout(group, evidence.metric)
        if layout.kind != "irregular":
            fixed = layout.splits_vary and group.shares_test_part(layout.replicates)
            yield f"Intervals of means hold for {interval_scope(layout, group, fixed=fixed)}."


def _new_data_notes(comparisons: Sequence[Comparison]) -> Iterator[str]:
    """Yield notes on the second interval, the one for new data."""
    known = [comparison for comparison in comparisons if not math.isnan(comparison.new_data.low)]
    new_examples = [comparison for comparison in known if new_data_kind(comparison) == "new examples"]
    new_data = [comparison for comparison in known if new_data_kind(comparison) == "new data"]
    if new_data:
        ratios = sorted({comparison.ratio for comparison in new_data})
        ratio = f"{ratios[0]:.3g}" if len(ratios) == 1 else f"{ratios[0]:.3g} to {ratios[-1]:.3g}"
        yield (
            "The interval for new data is wider, because it holds for other data of this kind (Nadeau & Bengio 2003; "
            f"ratio of test to training examples: {ratio})."
        )
    if new_examples:
        resplit = "new splits of the same training and validation examples"
        training = resplit if new_examples[0].test_part_is_fixed else "the same training examples"
        yield f"The interval for new data holds for new seeds and new test examples, with {training}."


def _unknown_new_data_notes(evidence: SweepComparison) -> Iterator[str]:
    """Yield why there is no interval for new data, with all metrics that this concerns."""
    reasons: dict[str, dict[str, None]] = {}
    for comparison in evidence.comparisons:
        part = metric_part(comparison.metric)
        # Training metrics are not about new data, so that no interval is missing.
        if part == "train" or comparison.refused or not math.isnan(comparison.new_data.low):
            continue
        if not is_mean_over_examples(comparison.metric):
            reason = "it is not a mean over examples"
        elif part == "val" and comparison.layout.splits_vary:
            reason = "the validation examples differ from split to split"
        else:
            reason = "the runs have no stored scores of the same examples"
        reasons.setdefault(reason, {})[comparison.metric] = None
    for reason, metrics in reasons.items():
        reason = reason.replace("it is not a mean", "they are not means") if len(metrics) > 1 else reason
        yield f"No interval for new data can be computed for {' and '.join(metrics)}, because {reason}."


def _verdict_notes(evidence: SweepComparison) -> Iterator[str]:
    """Yield notes on undecided comparisons: the reasons, and how many runs are needed."""
    if not evidence.main:
        return
    reasons = [comparison.refused for comparison in evidence.main if comparison.refused and len(evidence.main) > 1]
    for reason in dict.fromkeys(reasons):
        refused = [evidence.groups[comparison.group] for comparison in evidence.main if comparison.refused == reason]
        yield f"No verdict for {join_names(refused)}: {reason}."
    if evidence.margin is not None:
        yield f"Margin: a setting is equal to its baseline if the whole interval is within {evidence.margin:g} of 0."
    undecided = [
        comparison for comparison in evidence.main if comparison.verdict == NOT_DECIDED and not comparison.refused
    ]
    if undecided:
        yield "'not decided' means that the interval contains 0. It does not mean that the settings are equal."
    named = [
        (group_name(group := evidence.groups[comparison.group]), comparison, _examples(group, comparison.metric))
        for comparison in undecided
    ]
    if evidence.sequential is None:
        yield from power.decision_notes(named, evidence.margin)
    yield from words.ended_undecided([(name, comparison) for name, comparison, _ in named])
    yield from _permutation_test_notes(evidence)


def _examples(group: RunGroup, metric: str) -> int:
    """Return the most examples of the part of a metric in a run of the group."""
    return max((record.examples(metric_part(metric)) for record in group.runs), default=0)


def _permutation_test_notes(evidence: SweepComparison) -> Iterator[str]:
    """Yield notes on the permutation test of `--test`."""
    if evidence.test == "t":
        return
    correction = "" if evidence.test == "max-t" else ", with Holm's correction"
    yield f"p ({evidence.test}): {REQUESTED[evidence.test]}{correction}. It does not change the verdict."
    bounds = [comparison.requested.smallest for comparison in evidence.comparisons]
    smallest = [bound for bound in bounds if not math.isnan(bound)]
    if not smallest:
        yield f"p ({evidence.test}) is not available: it needs the same independent seeds or splits for all settings."
    elif max(smallest) >= ALPHA:
        bound = format_p(max(smallest))
        yield (
            f"With this number of pairs, p ({evidence.test}) is never below {bound}, however large the difference is."
        )


def _one_example_note(evidence: SweepComparison) -> Iterator[str]:
    part, number = metric_part(evidence.metric), metric_name(evidence.metric)
    sizes = {record.examples(part) for group in evidence.groups for record in group.runs} - {0}
    if is_count(number) and sizes:
        smallest, largest = min(sizes), max(sizes)
        steps = " to ".join(dict.fromkeys((format_short(1 / largest), format_short(1 / smallest))))
        yield f"One {part} example more or less changes {number} by {steps}."


def _choice_note(evidence: SweepComparison) -> Iterator[str]:
    """Yield a note on the setting that is best on validation, and on its selection bias."""
    chosen = evidence.chosen
    if chosen is None:
        return
    val = f"val.{metric_name(evidence.metric)}"
    group = evidence.groups[chosen.best]
    text = f"Choice: {group_name(group)} has the best mean {val}, {format_short(evidence.chosen_mean(group, val).mean)}"
    text += common_pairs_text(evidence)
    if math.isnan(chosen.optimism):
        yield f"{text}."
        return
    bias = format_short(chosen.optimism)
    # The bias is not negative; an estimate may be, by chance.
    size = f"This selection bias is about {bias} here" if float(bias) > 0 else "No selection bias was measured here"
    bound = " The estimate is too small, because all runs share one validation part." if chosen.is_lower_bound else ""
    yield (f"{text}. The best of several settings looks better than it is. {size} (estimated by {chosen.how}).{bound}")
