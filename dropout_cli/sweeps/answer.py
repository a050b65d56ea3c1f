"""The answer of a sweep: the first sentences of its notes, its report and the titles of its figures.

The best of many test numbers looks better than its setting is. The answer therefore starts with the setting that the
validation part chooses: its test numbers had no influence on the choice.
"""

import math
from collections.abc import Iterator, Sequence

from dropout_cli.core.text import counted
from dropout_cli.metrics import is_share, metric_part
from dropout_cli.plots.words import metric_words
from dropout_cli.statistics.t_test import MIN_UNITS
from dropout_cli.sweeps import yardsticks
from dropout_cli.sweeps.comparison import BETTER, NOT_DECIDED, WORSE, Comparison
from dropout_cli.sweeps.layouts import find_layout
from dropout_cli.sweeps.records import RunGroup
from dropout_cli.sweeps.sweep_comparison import SweepComparison
from dropout_cli.sweeps.wording import (
    comparison_sentence,
    confirmed_for_new_data,
    format_interval,
    format_short,
    group_name,
    interval_scope,
    join_names,
    new_data_kind,
    setting_name,
)


def write_answer(evidence: SweepComparison) -> str:
    """Return the answer in a few sentences.

    Settings that are not better than the dummy come first, because they make every other difference pointless.
    """
    return " ".join([*yardsticks.dummy_warnings(evidence.records, evidence.metric), *_sentences(evidence)])


def _sentences(evidence: SweepComparison) -> Iterator[str]:
    if not evidence.groups:
        return
    if len(evidence.groups) == 1:
        yield _single_setting(evidence, evidence.groups[0])
        yield from _without_runs(evidence)
        return
    yield from best_setting_sentences(evidence, numbers=True)
    yield from _without_runs(evidence)
    if not evidence.main:
        yield "No setting is compared with a baseline."
    for metric in evidence.metrics:
        yield from _verdicts(evidence, metric)


def best_setting_sentences(
    evidence: SweepComparison, *, numbers: bool, metrics: Sequence[str] = (), for_title: bool = False
) -> Iterator[str]:
    """Yield the best setting on the validation part, its mean and its verdict.

    Notes, headline and titles all use these sentences, so that they never name different settings. There are none if
    the validation part chooses no setting.

    Args:
        evidence: The comparison of the runs.
        numbers: True to add the intervals and the difference.
        metrics: Metrics of the means; empty: the main one.
        for_title: True to write metrics in words, and accuracies and errors in per cent, as axes of figures do.
    """
    if evidence.too_few_pairs:
        pairs = counted(evidence.common_pairs, "pair") if evidence.common_pairs else "no pair"
        yield (
            f"Too few runs to name a best setting yet: the settings have {pairs} of seed and split in common "
            f"(at least {MIN_UNITS} are needed)."
        )
    if evidence.chosen is None:
        return
    place = evidence.chosen.best
    group, comparison = evidence.groups[place], evidence.comparison_of(place)
    is_baseline = any(other.baseline == place for other in evidence.main)
    name = f"{group_name(group)}{' (the baseline)' * is_baseline}"
    means = [
        _mean(evidence, group, metric, interval=numbers, for_title=for_title)
        for metric in metrics or evidence.metrics[:1]
    ]
    pairs = common_pairs_text(evidence)
    yield f"The best setting on the validation part is {name}. Its {' and its '.join(means)}{pairs}."
    if comparison is not None:
        yield comparison_sentence(evidence, comparison, "it", numbers=numbers)


def common_pairs_text(evidence: SweepComparison) -> str:
    """Return over which pairs the best setting was chosen; empty if these are all runs."""
    if evidence.chosen is None or not evidence.choice_leaves_out:
        return ""
    pairs = counted(len(evidence.chosen.layout.replicates), "pair")
    return f", over the {pairs} of seed and split that all settings have"


def _without_runs(evidence: SweepComparison) -> Iterator[str]:
    """Yield the settings of which no run is trained yet; their numbers are in no table."""
    names = [setting_name(one.values) for one in evidence.lacking if one.untrained == one.planned]
    if names:
        more = [f"{len(names) - MOST_NAMED} more"] if len(names) > MOST_NAMED else []
        verb = "has" if len(names) == 1 else "have"
        yield f"{'; '.join([*names[:MOST_NAMED], *more])} {verb} no run yet."


def _single_setting(evidence: SweepComparison, group: RunGroup) -> str:
    """Return the sentence about the only setting: mean and intervals."""
    mean = evidence.mean(group, evidence.metric)
    if not mean.n:
        return f"No run has {evidence.metric}."
    runs = f"over {counted(mean.n, 'run')}" if mean.n > 1 else "in one run"
    text = f"{evidence.metric} is {format_short(mean.mean)} {'on average ' * (mean.n > 1)}{runs}"
    if not math.isnan(mean.interval.low):
        layout = find_layout(group.by_replicate(evidence.metric), group.folds)
        scope = interval_scope(layout, group, fixed=group.shares_test_part(layout.replicates))
        has_new = not math.isnan(mean.new_data.low) and metric_part(evidence.metric) != "train"
        new = f"; {format_interval(mean.new_data)} for new data" if has_new else ""
        return f"{text} (95 % interval {format_interval(mean.interval)} for {scope}{new})."
    if not math.isnan(mean.new_data.low) and metric_part(evidence.metric) != "train":
        return f"{text} (95 % interval {format_interval(mean.new_data)} for new examples and this network)."
    return f"{text}."


def _mean(evidence: SweepComparison, group: RunGroup, metric: str, *, interval: bool, for_title: bool) -> str:
    # The mean is over the same runs as the choice, so that no other setting of these runs has a better one.
    mean = evidence.chosen_mean(group, metric)
    has_interval = interval and not math.isnan(mean.interval.low)
    ends = f" (95 % interval {format_interval(mean.interval)})" if has_interval else ""
    value = f"{100 * mean.mean:.2f} %" if for_title and is_share(metric) else format_short(mean.mean)
    return f"{'mean ' * (mean.n > 1)}{metric_words(metric) if for_title else metric} is {value}{ends}"


def _verdicts(evidence: SweepComparison, metric: str) -> Iterator[str]:
    """Yield which settings are better, worse or not decided by a metric.

    The sentences also state whether a verdict holds for new data.
    """
    compared, is_main = evidence.comparisons_by(metric), metric == evidence.metric
    by = "" if is_main else f"By {metric}, "
    if len(compared) == 1:
        (only,) = compared
        # The sentences before have this comparison already if it is the one of the chosen setting.
        if not is_main or evidence.chosen is None or evidence.comparison_of(evidence.chosen.best) is None:
            sentence = comparison_sentence(evidence, only, group_name(evidence.groups[only.group]))
            yield by + sentence.replace("Whether", "whether", 1) if by else sentence
        return
    settings: dict[str, list[RunGroup]] = {}
    for comparison in sorted(compared, key=_order):
        settings.setdefault(_verdict_heading(comparison), []).append(evidence.groups[comparison.group])
    if is_main and settings:
        bases = {comparison.baseline for comparison in compared}
        if len(bases) == 1:
            base = group_name(evidence.groups[bases.pop()])
            yield f"{len(compared)} settings were compared with the baseline ({base})."
        else:
            yield f"{len(compared)} settings were compared, each with its own baseline."
    lists = [f"{heading}: {join_names(groups, MOST_NAMED)}." for heading, groups in settings.items()]
    yield from [by + _lower_first(lists[0]), *lists[1:]] if by and lists else lists


MOST_NAMED = 4
"""The most settings of one verdict that are named in the answer."""


def _lower_first(sentence: str) -> str:
    return sentence[0].lower() + sentence[1:]


def _order(comparison: Comparison) -> tuple[int, bool]:
    """Return the sort key of a comparison: better, worse, equal, not decided."""
    # Within one verdict, settings that are confirmed for new data come first, since they are the stronger results.
    verdicts = (BETTER, WORSE, comparison.verdict if comparison.is_equal else "", NOT_DECIDED)
    return verdicts.index(comparison.verdict), not comparison.shown_for_new_data


def _verdict_heading(comparison: Comparison) -> str:
    """Return a verdict as the heading of a list of settings."""
    if comparison.verdict == NOT_DECIDED:
        return "Not decided"
    confirmed, kind = confirmed_for_new_data(comparison), new_data_kind(comparison)
    ending = {None: "", True: f", also for {kind}", False: f", but not confirmed for {kind}"}[confirmed]
    return f"{comparison.verdict.capitalize()}{ending}"
