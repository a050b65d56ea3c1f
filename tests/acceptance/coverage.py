"""Coverage of confidence intervals: how often they contain the simulated truth.

Each interval is that of the package. Its bar is .92 over 4,000 repetitions (standard error .003 to .004), and .90 over
400 in the short form. A known exception is marked as such and has a lower bar of its own. Some intervals are tested
against a truth that they are not made for and must miss it; if they did not, the simulation would show nothing.
"""

import sys
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence

import numpy as np

from dropout_cli.core.rng import stream
from dropout_cli.core.types import Array
from dropout_cli.statistics import bootstrap, proportion
from dropout_cli.statistics import selection_bias as choice
from dropout_cli.statistics.intervals import Interval, union_interval
from dropout_cli.statistics.t_test import estimate_crossed, estimate_mean, estimate_new_examples
from tests.acceptance.bars import Bars
from tests.statistics.structural import SPLIT_RATIO, Learner, many_splits, one_split

MIXED = Learner()
NOISY = Learner(seed=0.3, noise=0.6)
"""Seeds matter more than splits."""
STEADY = {"whole": 0.0, "example": 0.0, "seed": 0.02, "shared_seed": 0.02, "noise": 0.05}
STABLE = {36: Learner(linear=0.1, **STEADY), 150: Learner(linear=0.05, **STEADY)}
"""Test examples -> a learner that is nearly linear in its training examples: all splits share the effect of a pool."""
SWAYED = {36: Learner(linear=0.3, **STEADY), 150: Learner(linear=0.15, **STEADY)}
"""Learners like STABLE, with a linear effect three times as large."""
PAIRS = ((0.86, 0.88), (0.93, 0.94), (0.98, 0.983))
"""Accuracies of two settings."""


class Coverage:
    """Counts how often intervals contain the truth, and compares the shares with their bars."""

    def __init__(self, bars: Bars) -> None:
        """Store the object that prints the shares."""
        self.bars, self.repetitions = bars, 400 if bars.smoke else 4_000
        self.bar, self.allowance = (0.90, 0.05) if bars.smoke else (0.92, 0.0)
        """`allowance`: by how much bars of exceptions are lower in the short form."""

    def some(self, values: Sequence[int], short: Sequence[int]) -> Sequence[int]:
        """Return the values, or fewer of them in the short form."""
        return short if self.bars.smoke else values

    def judge(self, what: str, held: Sequence[bool] | float, by: str, *, exception: float | None = None) -> None:
        """Print a share that must reach its bar, or the bar of a known exception."""
        name, bar = (what, self.bar) if exception is None else (f"known exception: {what}", exception - self.allowance)
        self.bars.at_least(name, float(np.mean(held)), bar, f"for dropout compare: {by}", always=True)

    def misread(self, what: str, held: Sequence[bool] | float, by: str, most: float) -> None:
        """Print a share, or a ratio, that must be too low."""
        what = f"read as what it does not say: {what}"
        self.bars.at_most(what, float(np.mean(held)), most + self.allowance, f"for dropout compare: {by}", always=True)


def holds(interval: Interval, truth: float) -> bool:
    """Return True if the interval contains the truth."""
    return bool(interval.low <= truth <= interval.high)


def lowest(shares: Iterable[tuple[float, Sequence[bool]]]) -> tuple[float, str]:
    """Return the lowest share, and a text with all shares by accuracy."""
    found = {accuracy: float(np.mean(held)) for accuracy, held in shares}
    return min(found.values()), ", ".join(f"{share:.3f} at {accuracy:.2f}" for accuracy, share in found.items())


def seeds_on_one_split(to: Coverage) -> None:
    """(a) Check differences and mean accuracies of n seeds on one split."""
    pairs = PAIRS[::2] if to.bars.smoke else PAIRS
    for examples in to.some((36, 150, 360), (36, 150)):
        for n in to.some((3, 5, 10, 20), (3, 10)):
            held: dict[str, dict[float, list[bool]]] = defaultdict(lambda: defaultdict(list))
            for pair in pairs:
                rng = stream(examples, f"coverage:one split:{pair}", n)
                shape = {"repetitions": to.repetitions, "seeds": n, "examples": examples}
                for made in one_split(MIXED, np.array(pair), rng=rng, **shape):
                    apart = made.right[:, 1].astype(np.int8) - made.right[:, 0]
                    for d, right, these, new in zip(apart, made.right[:, 0], made.these, made.new, strict=True):
                        means, accuracies = d.mean(axis=1).tolist(), right.mean(axis=1).tolist()
                        floored, plain = estimate_mean(means, smallest_sd=0.5 / examples), estimate_mean(means)
                        of_these = proportion.interval_same_examples(accuracies, examples)
                        held["floored"][pair[0]].append(holds(floored.interval(), these[1] - these[0]))
                        held["plain"][pair[0]].append(holds(plain.interval(), these[1] - these[0]))
                        held["method"][pair[0]].append(holds(floored.interval(), pair[1] - pair[0]))
                        wider = union_interval(floored.interval(), estimate_new_examples(d).interval())
                        held["new"][pair[0]].append(holds(wider, new[1] - new[0]))
                        held["mean"][pair[0]].append(holds(of_these, these[0]))
                        held["new mean"][pair[0]].append(holds(proportion.interval_new_examples(right), new[0]))
            where = f"{n} seeds, {examples} examples"
            for name, what, by in (
                ("floored", "difference, new seeds", "estimate.over_units(smallest_sd=.5/N)"),
                ("new", "difference, new seeds and examples", "estimate.new_examples"),
                ("mean", "mean accuracy, new seeds", "proportion.of_these_examples"),
                ("new mean", "mean accuracy, new seeds and examples", "proportion.of_new_examples"),
            ):
                value, told = lowest(held[name].items())
                to.judge(f"{what}; {where} (by accuracy {told})", value, by)
            if (examples, n) == (36, 3):
                to.misread(f"t without a floor; {where}, accuracy .98", held["plain"][0.98], "estimate.over_units", 0.8)
            if (examples, n) == (36, 10):
                told = f"t over seeds as one of new training sets; {where}, accuracy .86"
                to.misread(told, held["method"][0.86], "estimate.over_units", 0.7)
    if not to.bars.smoke:
        seedy = Learner(seed=0.2)
        truth = one_split(
            seedy, np.array(PAIRS[0]), repetitions=4_000, seeds=3, examples=360, rng=stream(0, "coverage:seedy")
        )
        three = []
        for made in truth:
            for right, new in zip(made.right, made.new, strict=True):
                d = right[1].astype(np.int8) - right[0]
                of_seeds = estimate_mean(d.mean(axis=1).tolist(), smallest_sd=0.5 / 360)
                wider = union_interval(of_seeds.interval(), estimate_new_examples(d).interval())
                three.append(holds(wider, new[1] - new[0]))
        told = "difference, new seeds and examples; 3 seeds that vary as much as 360 examples"
        to.judge(told, three, "estimate.new_examples")


def random_splits(to: Coverage) -> None:
    """(b) Check n random splits of a pool, one seed each; and the interval for new data.

    The latter is that of Nadeau and Bengio.
    """
    truth = PAIRS[0][1] - PAIRS[0][0]
    for examples in to.some((36, 150), (36,)):
        learners = {"mixed": MIXED, "noisy": NOISY, "stable": STABLE[examples], "swayed": SWAYED[examples]}
        for name, learner in learners.items():
            for n in to.some((3, 5, 10, 20), (3, 10)):
                these, new, plain = [], [], []
                rng = stream(examples, f"coverage:splits:{name}", n)
                for made in many_splits(
                    learner, np.array(PAIRS[0]), repetitions=to.repetitions, splits=n, examples=examples, rng=rng
                ):
                    apart = (made.scores[:, 1] - made.scores[:, 0])[..., 0]
                    for d, pool in zip(apart.tolist(), made.pool, strict=True):
                        interval = estimate_mean(d).interval()
                        these.append(holds(interval, pool[1] - pool[0]))
                        plain.append(holds(interval, truth))
                        new.append(holds(estimate_mean(d, split_ratio=SPLIT_RATIO).interval(), truth))
                where = f"{n} splits, {examples} examples, {name} learner"
                to.judge(f"difference, new splits; {where}", these, "estimate.over_units")
                exception = {"stable": 0.88, "swayed": 0.66}.get(name)
                by = "estimate.over_units(split_ratio=1/3)"
                to.judge(f"difference, new data (Nadeau & Bengio); {where}", new, by, exception=exception)
                if (name, n) == ("stable", 10):
                    to.misread(f"t over splits as one of new data; {where}", plain, "estimate.over_units", 0.75)


def splits_and_seeds(to: Coverage) -> None:
    """(c) Check several seeds on each of several splits.

    Each split has its own seeds, or all have the same.
    """
    layouts = ((3, 3), (5, 5), (10, 3))
    for examples in to.some((36, 150), (36,)):
        for name, learner in {"mixed": MIXED, "noisy": NOISY}.items():
            for splits, seeds in layouts[:1] if to.bars.smoke else layouts:
                for same in (False, True):
                    held, plain = [], []
                    rng = stream(examples, f"coverage:layouts:{name}:{same}:{splits}", seeds)
                    shape = {"repetitions": to.repetitions, "splits": splits, "seeds": seeds, "examples": examples}
                    for made in many_splits(learner, np.array(PAIRS[0]), rng=rng, crossed=same, **shape):
                        for d, pool in zip(made.scores[:, 1] - made.scores[:, 0], made.pool, strict=True):
                            over_splits = estimate_mean(d.mean(axis=1).tolist()).interval()
                            plain.append(holds(over_splits, pool[1] - pool[0]))
                            held.append(holds(estimate_crossed(d).interval(), pool[1] - pool[0]) if same else plain[-1])
                    what, by = ("crossed", "crossed") if same else ("nested", "over_units")
                    where = f"{splits} splits x {seeds} seeds {what}, {examples} examples, {name} learner"
                    to.judge(f"difference, new splits and seeds; {where}", held, f"estimate.{by}")
                    if same and name == "noisy" and (splits, examples) == ((3, 36) if to.bars.smoke else (10, 150)):
                        to.misread(f"t over splits that share seeds; {where}", plain, "estimate.over_units", 0.85)


def other_distributions(to: Coverage) -> None:
    """Check seeds whose scores are not normal, with the same distribution in both settings."""
    for n in to.some((3, 5, 10, 20), (3, 10)):
        rng, size = stream(n, "coverage:other"), (2, to.repetitions, n)
        for name, scores in (("exponential", rng.exponential(1, size)), ("t with df 3", rng.standard_t(3, size))):
            held = [holds(estimate_mean(d).interval(), 0.0) for d in (scores[1] - scores[0]).tolist()]
            to.judge(f"difference, new seeds; {n} seeds, scores are {name}", held, "estimate.over_units")


def families(to: Coverage) -> None:
    """Check m settings against one baseline.

    Bonferroni's intervals contain all m truths at once.
    """
    bar = round(0.95 - 2 * float(np.sqrt(0.95 * 0.05 / to.repetitions)), 3)
    for m in to.some((1, 2, 4, 9), (2, 9)):
        for n in to.some((5, 10), (5,)):
            held = []
            accuracies = np.linspace(0.9, 0.92, m + 1)
            rng = stream(m, "coverage:family", n)
            for made in one_split(MIXED, accuracies, repetitions=to.repetitions, seeds=n, examples=150, rng=rng):
                scores = made.right.mean(axis=-1)  # (experiments, settings, seeds)
                held += [
                    all_hold(one[1:] - one[:1], these[1:] - these[0], 0.5 / 150)
                    for one, these in zip(scores, made.these, strict=True)
                ]
            what = f"all intervals of a family of {m}; {n} seeds, one baseline"
            by = "for dropout compare: Estimate.interval(comparisons=m)"
            to.bars.at_least(what, float(np.mean(held)), bar, by, always=True)
        rng = stream(m, "coverage:lopsided")
        collapsing = 1 - rng.exponential(1, (to.repetitions, m, 10))
        steady = rng.normal(0, 0.3, (to.repetitions, 1, 10))
        held = [all_hold(d, np.zeros(m)) for d in collapsing - steady]
        what = f"all intervals of a family of {m}; settings that collapse at times, 10 seeds, a steady baseline"
        to.judge(what, held, "Estimate.interval(comparisons=m)", exception={1: 0.90, 2: 0.87, 4: 0.84, 9: 0.79}[m])


def all_hold(differences: Array, truths: Array, floor: float = 0.0) -> bool:
    """Return True if every interval contains its truth.

    The arrays are (settings, units) and (settings,).
    """
    return all(
        holds(estimate_mean(d.tolist(), smallest_sd=floor).interval(comparisons=len(truths)), truth)
        for d, truth in zip(differences, truths, strict=True)
    )


def optimism(to: Coverage) -> None:
    """Check the estimated cost of choosing: estimated over true, as ratios of means."""
    for settings in to.some((3, 9), (3,)):
        accuracies = np.linspace(0.9, 0.91, settings)
        for n in to.some((5, 10), (5,)):
            ratios = {}
            estimated, true, of_new = [], [], []
            rng = stream(settings, "coverage:units", n)
            for made in many_splits(MIXED, accuracies, repetitions=to.repetitions, splits=n, examples=100, rng=rng):
                for units, pool in zip(made.scores[..., 0], made.pool, strict=True):
                    best = units.mean(axis=1).argmax()
                    estimated.append(choice.optimism_leave_one_out(units))
                    true.append(units[best].mean() - pool[best])
                    of_new.append(units[best].mean() - accuracies[best])
            ratios["leave_one_out"] = np.mean(estimated) / np.mean(true)
            told = f"leave_one_out as optimism for new data; {settings} settings, {n} splits"
            to.misread(told, float(np.mean(estimated) / np.mean(of_new)), "choice.leave_one_out", 0.85)
            estimated, true = [], []
            rng = stream(settings, "coverage:choice", n)
            for one in one_split(MIXED, accuracies, repetitions=to.repetitions, seeds=n, examples=100, rng=rng):
                for right, new in zip(one.right, one.new, strict=True):
                    best = right.mean(axis=(1, 2)).argmax()
                    estimated.append(choice.optimism_crossed(right))
                    true.append(right[best].mean() - new[best])
            ratios["leave_out_seed_and_examples"] = np.mean(estimated) / np.mean(true)
            for name, ratio in ratios.items():
                what = f"optimism of the best of {settings} settings by {n} validations, estimated over true"
                to.bars.at_least(what, float(ratio), 0.8, f"for dropout sweep: choice.{name}")
                to.bars.at_most(what, float(ratio), 1.25, f"for dropout sweep: choice.{name}")


def two_regressions(to: Coverage) -> None:
    """Check two networks on the same examples: the difference of their RMSE on new ones."""
    for n in to.some((20, 50), (20,)):
        for df, name in ((1e9, "normal errors"), (5, "errors of t with df 5")):
            rng, held = stream(n, f"coverage:bootstrap:{name}"), []
            for _ in range(to.repetitions):
                shared, *own = rng.standard_t(df, (3, n)) * np.sqrt((df - 2) / df)
                one, other = (np.sqrt(0.8) * shared + np.sqrt(0.2) * each for each in own)
                interval = bootstrap.paired_bootstrap(one**2, (1.15 * other) ** 2).interval
                held.append(holds(interval, 1 - 1.15))
            to.judge(f"difference of RMSE, new examples; {n} examples, {name}", held, "bootstrap.paired_bootstrap")


PARTS = (
    seeds_on_one_split,
    random_splits,
    splits_and_seeds,
    other_distributions,
    families,
    optimism,
    two_regressions,
)


def main(bars: Bars) -> None:
    """Check all layouts."""
    to = Coverage(bars)
    for part in PARTS:
        began = time.perf_counter()
        part(to)
        sys.stderr.write(f"{part.__name__}: {time.perf_counter() - began:.0f} s\n")


if __name__ == "__main__":
    judged = Bars("coverage")
    main(judged)
    judged.end()
