"""A paragraph for a paper, with design, numbers, limits and references."""

import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from statistics import fmean

from dropout_cli.core.text import counted, decimals
from dropout_cli.metrics import metric_name, metric_part
from dropout_cli.plots.words import number_words
from dropout_cli.sweeps.comparison import NOT_DECIDED, Comparison
from dropout_cli.sweeps.layouts import Layout
from dropout_cli.sweeps.records import RunGroup
from dropout_cli.sweeps.several_datasets_notes import dataset_notes
from dropout_cli.sweeps.sweep_comparison import SweepComparison
from dropout_cli.sweeps.until_sure.words import interval_kind, look_words
from dropout_cli.sweeps.wording import format_p, format_short, group_name, interval_scope, new_data_kind

MOST_DESCRIBED = 3
"""The most settings of which the paragraph states the numbers; the others are counted by verdict."""

MOST_NAMED = 6
"""The most settings that are named."""

PARTS = {"test": "test", "val": "validation", "train": "training"}

REFERENCES = {
    "pairs": "Student (1908). The probable error of a mean. Biometrika 6(1), 1-25. doi:10.2307/2331554",
    "correction": (
        "Dunn, O. J. (1961). Multiple comparisons among means. Journal of the American Statistical Association "
        "56(293), 52-64. doi:10.1080/01621459.1961.10482090"
    ),
    "planned looks": (
        "Kim, K., & DeMets, D. L. (1987). Design and analysis of group sequential tests based on the type I error "
        "spending rate function. Biometrika 74(1), 149-154. doi:10.1093/biomet/74.1.149"
    ),
    "any-time": (
        "Lai, T. L. (1976). On confidence sequences. The Annals of Statistics 4(2), 265-280. doi:10.1214/aos/1176343406"
    ),
    "datasets": (
        "Demsar, J. (2006). Statistical comparisons of classifiers over multiple data sets. Journal of Machine "
        "Learning Research 7, 1-30"
    ),
    "new data": (
        "Nadeau, C., & Bengio, Y. (2003). Inference for the generalization error. Machine Learning 52, 239-281. "
        "doi:10.1023/A:1024068626366"
    ),
}
"""Kind of method -> the reference that a paper cites."""


def paper_text(evidence: SweepComparison) -> str:
    """Return the paragraph, an empty line, and the references.

    Args:
        evidence: The comparison of the runs.
    """
    decided = [one for one in evidence.main if not one.refused]
    if not decided:
        return "The settings could not be compared: " + _why_not(evidence)
    sentences = [
        _design(evidence, decided),
        *_results(evidence, decided),
        *_over_datasets(evidence),
        *_later_runs(evidence),
        _not_covered(evidence, decided),
    ]
    references = [REFERENCES["pairs"]]
    if decided[0].sequential is not None:
        references = [REFERENCES["planned looks" if decided[0].sequential.look else "any-time"]]
    if decided[0].family > 1:
        references.append(REFERENCES["correction"])
    if any(_has_new_data(one) and new_data_kind(one) == "new data" for one in decided):
        references.append(REFERENCES["new data"])
    if evidence.over_datasets is not None:
        references.append(REFERENCES["datasets"])
    return " ".join(sentences) + "\n\nReferences\n" + "\n".join(references)


def _why_not(evidence: SweepComparison) -> str:
    reasons = dict.fromkeys(one.refused for one in evidence.main if one.refused)
    return f"{'; '.join(reasons) or 'no setting has a baseline with the same seed and split'}."


def _design(evidence: SweepComparison, decided: Sequence[Comparison]) -> str:
    """Return the sentences about settings, runs and test."""
    one, bases = decided[0], list(dict.fromkeys(one.baseline for one in decided))
    compared = _enumeration([evidence.groups[one.group] for one in decided])
    against = f"{compared} with {group_name(evidence.groups[bases[0]])}{_dataset(evidence)}"
    if len(bases) > 1:
        against = f"{len(decided)} settings{_dataset(evidence)}, each with its own baseline out of {len(bases)},"
    units = list(dict.fromkeys(_units(one.layout) for one in decided))
    sizes = sorted({one.estimate.n for one in decided})
    over = units[0] if len(units) == 1 else f"{sizes[0]} to {sizes[-1]} pairs of seed and split"
    family = f", with Bonferroni's correction for {counted(one.family, 'comparison')}" if one.family > 1 else ""
    margin = "" if evidence.margin is None else f" Differences within {evidence.margin:g} count as equal."
    return (
        f"We compared {against} by {_metric(one.metric)} over {over}. Settings had the same seeds and splits. "
        f"{_procedure(one)}{family}.{margin}"
    )


def _over_datasets(evidence: SweepComparison) -> Iterator[str]:
    """Yield the ranks and the tests of pairs, if there are several datasets."""
    if evidence.over_datasets is not None:
        yield from islice(dataset_notes(evidence.over_datasets), 2)


def _later_runs(evidence: SweepComparison) -> Iterator[str]:
    """Yield a sentence if ordinary intervals ignore earlier looks at the results."""
    if evidence.looks and evidence.sequential is None:
        before = ", then ".join(f"{look:,}" for look in evidence.looks)
        yield (
            f"Runs were added or removed after the results of {before} runs had been seen; intervals and p-values do "
            "not account for that."
        )


def _procedure(one: Comparison) -> str:
    """Return how intervals were computed."""
    level = one.sequential
    if level is None:
        return "Differences were tested with a paired t test"
    if level.look:
        return (
            f"Runs were added until a setting was decided, or until the last of {level.looks} planned looks, with "
            "repeated paired t intervals and alpha t^2 spending"
        )
    return "The intervals are paired t intervals that hold at every number of runs"


def _enumeration(groups: Sequence[RunGroup]) -> str:
    """Return the names of settings, joined by commas and `and`."""
    names = [group_name(group) for group in groups[:MOST_NAMED]]
    if len(groups) > MOST_NAMED:
        names.append(counted(len(groups) - MOST_NAMED, "further setting"))
    between = "; " if any("," in name for name in names) else ", "
    return names[0] if len(names) == 1 else f"{between.join(names[:-1])} and {names[-1]}"


def _dataset(evidence: SweepComparison) -> str:
    """Return the dataset and the architecture that all runs share; empty if they differ."""
    configs = [record.summary.get("config", {}) for record in evidence.records]
    shared = []
    for key in ("dataset", "architecture"):
        names = {str(config.get(key, {}).get("name", "")) for config in configs}
        shared.append(names.pop() if len(names) == 1 else "")
    dataset, architecture = shared
    return (f" on {dataset}" if dataset else "") + (f" with the architecture {architecture}" if architecture else "")


def _units(layout: Layout) -> str:
    """Return the number of units and their kind, such as `10 random splits, each with its own seed`."""
    n, runs = len(layout.units), sum(len(unit) for unit in layout.units)
    splits = f"random divisions into {layout.folds} folds" if layout.folds else "random splits"
    if layout.kind == "seeds":
        return f"{n} seeds on one {'division into ' + str(layout.folds) + ' folds' if layout.folds else 'split'}"
    if layout.kind == "splits":
        return f"{n} {splits}, each with {'its own seed' if layout.seed is None else f'seed {layout.seed}'}"
    if layout.kind == "crossed":
        return f"{n} {splits}, each with the same {counted(runs // max(n, 1), 'seed')}"
    return f"{n} {splits} with {runs} runs per setting, each split with its own seeds"


def _metric(metric: str) -> str:
    return f"{PARTS[metric_part(metric)]} {number_words(metric_name(metric))}"


def _results(evidence: SweepComparison, decided: list[Comparison]) -> Iterator[str]:
    """Yield a sentence per setting; of many settings only the best one, and a count."""
    shown = decided
    if len(decided) > MOST_DESCRIBED:
        best = None if evidence.chosen is None else evidence.comparison_of(evidence.chosen.best)
        shown = [best] if best is not None and not best.refused else []
    yield from (_result(evidence, one) for one in shown)
    if len(shown) < len(decided):
        counts = Counter(one.verdict for one in decided)
        each = [f"{count} {'was' if count == 1 else 'were'} {verdict}" for verdict, count in counts.items()]
        yield f"Of the {len(decided)} settings, {' and '.join(filter(None, [', '.join(each[:-1]), each[-1]]))}."


def _result(evidence: SweepComparison, one: Comparison) -> str:
    """Return estimate, interval, test and effect size of a setting."""
    group, base = evidence.groups[one.group], evidence.groups[one.baseline]
    # Over the same pairs as the difference, so that it is the difference of these means.
    means = [format_short(_mean_of_pairs(side, one)) for side in (group, base)]
    numbers = [f"{interval_kind(one)} {format_short(one.interval.low, '+')} to {format_short(one.interval.high, '+')}"]
    if one.estimate.se > 0 and one.sequential is None:
        t = decimals(one.estimate.mean / one.estimate.se, 2)
        p = format_p(one.p_bonferroni)
        df = f"{one.estimate.df:.0f}" if one.estimate.df == round(one.estimate.df) else f"{one.estimate.df:.1f}"
        name = "p" if one.family == 1 else "corrected p"
        numbers.append(f"t({df}) = {t}, {name} {p if p.startswith('<') else '= ' + p}")
    if not math.isnan(one.effect):
        numbers.append(f"d_z = {decimals(one.effect, 2)}")
    if look_words(one):
        numbers.append(look_words(one))
    if _has_new_data(one):
        ends = f"{format_short(one.new_data.low, '+')} to {format_short(one.new_data.high, '+')}"
        numbers.append(f"for {new_data_kind(one)} {ends}")
    undecided = "whether it is better or worse was not decided"
    verdict = undecided if one.verdict == NOT_DECIDED else f"it was {one.verdict}"
    return (
        f"The mean {_metric(one.metric)} of {group_name(group)} was {means[0]}, that of {group_name(base)} {means[1]}: "
        f"{verdict} (n = {one.estimate.n}, difference {format_short(one.estimate.mean, '+')}, {'; '.join(numbers)})."
    )


def _mean_of_pairs(group: RunGroup, one: Comparison) -> float:
    """Return the mean of a group over the units of a comparison."""
    values = group.by_replicate(one.metric)
    return fmean(one.layout.per_unit(values))


def _has_new_data(one: Comparison) -> bool:
    return metric_part(one.metric) != "train" and not math.isnan(one.new_data.low)


def _not_covered(evidence: SweepComparison, decided: Sequence[Comparison]) -> str:
    """Return for what the intervals hold, and for what they do not."""
    scopes = [interval_scope(one.layout, evidence.groups[one.group], fixed=one.test_part_is_fixed) for one in decided]
    different = list(dict.fromkeys(scopes))
    if len(different) > 1:  # with several datasets or numbers of examples
        different = list(dict.fromkeys(re.sub(r"th(is|ese) [\d,]+", "the", scope) for scope in different))
    scope, one = " or ".join(different), decided[0]
    missing = [] if _has_new_data(one) else [new_data_kind(one)]
    if one.layout.kind == "seeds":
        missing.append("other training examples")
    elif not one.test_part_is_fixed and _has_new_data(one):
        scope += f"; the second interval holds for {new_data_kind(one)} of this kind"
    others = ", ".join([*missing, "other datasets, architectures"])
    return f"The intervals hold for {scope}; they do not cover {others} or hyperparameters."
