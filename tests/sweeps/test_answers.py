"""Each sentence of a sweep's answer is true of an independent analysis of real tables.

The analysis starts from `results.csv` and uses pandas and SciPy; nothing of `dropout_cli.statistics` or `.sweeps`.
"""

import io
import json
import math
import re
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from scipy import stats

from dropout_cli.training.yardstick_messages import DUMMY_DESCRIPTIONS
from tests.commands import dropout

CONFIG = """\
dataset: {{name: table, path: {path}}}
architecture: {{name: mlp, hidden: [32]}}
dropout: {{variant: inverted, rate: 0.3}}
training: {{epochs: 15, batch_size: 16, optimizer: {{name: adam, learning_rate: 1e-2}}}}
"""
RATES, SEEDS, SETTINGS = (0.0, 0.3, 0.6), 10, 2
NUMBER = r"([+-]?\d+\.\d+)"
"""With its sign."""


class Analysis:
    """The facts behind the notes, computed from results.csv and the sizes of the parts."""

    def __init__(self, table: pd.DataFrame, share_of_largest: float, train: int, val: int, test: int) -> None:
        """Take the table, the share of the largest class, and the sizes of the parts."""
        self.share_of_largest = share_of_largest
        self.sizes = {"train": train, "val": val, "test": test}
        wide = table[table["metric"].isin(["test.accuracy", "val.accuracy"])]
        self.accuracy: dict[str, pd.DataFrame] = {
            part: wide[wide["metric"] == f"{part}.accuracy"].pivot(index="seed", columns="dropout.rate", values="value")
            for part in ("test", "val")
        }
        assert (table["seed"] == table["split_seed"]).all()
        test_table, val_table = self.accuracy["test"], self.accuracy["val"]
        self.chosen = float(str(val_table.mean().round(12).idxmax()))
        self.differences = {rate: (test_table[rate] - test_table[0.0]).round(12) for rate in RATES[1:]}

    def interval(self, rate: float) -> tuple[float, float]:
        """Return Bonferroni's t interval over splits, with an SD of at least half an example."""
        return self._interval(rate, 0.0)

    def new_data(self, rate: float) -> tuple[float, float]:
        """Return the interval of Nadeau and Bengio with the same correction."""
        return self._interval(rate, self.sizes["test"] / self.sizes["train"])

    def _interval(self, rate: float, ratio: float) -> tuple[float, float]:
        difference = self.differences[rate]
        sd = max(difference.std(ddof=1), 0.5 / self.sizes["test"])
        half = stats.t.ppf(1 - 0.025 / SETTINGS, SEEDS - 1) * sd * math.sqrt(1 / SEEDS + ratio)
        return difference.mean() - half, difference.mean() + half

    def verdict(self, rate: float) -> str:
        """Return the verdict by the interval."""
        low, high = self.interval(rate)
        return "better" if low > 0 else "worse" if high < 0 else "not decided"

    def mean_interval(self, rate: float) -> tuple[float, float]:
        """Return Wilson's interval: roots of the score equation with an effective sample size."""
        values, n = self.accuracy["test"][rate], self.sizes["test"]
        sd = max(values.std(ddof=1), 0.5 / n)
        mean = values.mean()
        shrunk = (SEEDS * n * mean + 0.5) / (SEEDS * n + 1)
        effective = shrunk * (1 - shrunk) / (sd**2 / SEEDS)
        z = stats.t.ppf(0.975, SEEDS - 1)
        root = z * math.sqrt(mean * (1 - mean) / effective + z**2 / (4 * effective**2))
        centre = mean + z**2 / (2 * effective)
        return (centre - root) / (1 + z**2 / effective), (centre + root) / (1 + z**2 / effective)

    def selection_bias(self) -> float:
        """Return the selection bias: choose on all splits but one, and evaluate on that one."""
        table = self.accuracy["val"].round(12)
        gaps = []
        for seed in table.index:
            rest = table.drop(index=seed).mean().round(12)
            gaps.append(rest.max() - table.loc[seed, rest.idxmax()])
        return float(sum(gaps) / SEEDS * math.sqrt((SEEDS - 1) / SEEDS))

    def wider(self, rate: float) -> float:
        """Return the larger standard deviation of two settings divided by the smaller one."""
        floor = 0.5 / self.sizes["test"]
        sds = [max(self.accuracy["test"][one].std(ddof=1), floor) for one in (rate, 0.0)]
        return max(sds) / min(sds)


def near(text: str, value: float) -> bool:
    """Return True if a number is correct to its last written digit."""
    decimals = len(text.partition(".")[2])
    return bool(abs(float(text) - value) <= 0.51 * 10**-decimals)


def both(match: "re.Match[str]", first: int, interval: tuple[float, float]) -> bool:
    """Return True if two matched groups are the ends of an interval."""
    return near(match[first], interval[0]) and near(match[first + 1], interval[1])


def headline(match: "re.Match[str]", of: Analysis) -> bool:
    """Return True if chosen setting, mean, difference, scope and lists of settings are right."""
    assert (match[1] or "") == beaten_by_the_dummy(of)
    rate = float(match[2])
    assert rate == of.chosen and near(match[4], of.accuracy["test"][rate].mean())
    assert both(match, 5, of.mean_interval(rate))
    assert bool(match[3]) == (rate == 0)
    if rate == 0:
        assert match[7] == ""
    else:
        numbers = re.fullmatch(rf"(.*) \(difference {NUMBER}, 95 % interval {NUMBER} to {NUMBER}\)\. ", match[7])
        assert numbers and near(numbers[2], of.differences[rate].mean()) and both(numbers, 3, of.interval(rate))
        assert numbers[1] == said_of(of, rate)
    found: dict[str, list[str]] = {}
    for head in HEADS:
        for one in RATES[1:]:
            if headed(of, one) == head:
                found.setdefault(head, []).append(f"rate {one:g}")
    return match[8] == " ".join(f"{head}: {'; '.join(rates)}." for head, rates in found.items())


HEADS = [
    *(f"{verdict}, {shown} for new data" for verdict in ("Better", "Worse") for shown in ("also", "but not confirmed")),
    "Not decided",
]
"""Headings, in the order of the answer."""


def headed(of: Analysis, rate: float) -> str:
    """Return the heading of the list that names a setting."""
    if of.verdict(rate) == "not decided":
        return "Not decided"
    low, high = of.new_data(rate)
    return f"{of.verdict(rate).capitalize()}, {'also' if low > 0 or high < 0 else 'but not confirmed'} for new data"


def beaten_by_the_dummy(of: Analysis) -> str:
    """Return the sentence on settings that are not better than the largest class."""
    largest = of.share_of_largest
    lost = [f"rate {rate:g}" for rate in RATES if of.accuracy["test"][rate].mean() <= largest + 1e-12]
    what = f"not better than {DUMMY_DESCRIPTIONS['classification']} (mean test.accuracy)"
    if not lost:
        return ""
    if len(lost) == len(RATES):
        return f"No setting is {what.removeprefix('not ')}. "
    return f"{len(lost)} of 3 settings {'is' if len(lost) == 1 else 'are'} {what}: {'; '.join(lost)}. "


def said_of(of: Analysis, rate: float) -> str:
    """Return the sentence about a chosen setting that is not the baseline, without numbers."""
    if of.verdict(rate) == "not decided":
        reason = "the interval of the difference includes 0"
        return f"Whether it is better or worse than rate 0 is not decided, because {reason}"
    low, high = of.new_data(rate)
    shown = " and for new data" if low > 0 or high < 0 else ", but not confirmed for new data"
    return f"It is {of.verdict(rate)} than rate 0 on splits of these data{shown}"


def power(n: float, size: float, sd: float) -> float:
    """Return the power of a two-sided t test of n pairs at Bonferroni's level."""
    bound = stats.t.isf(0.025 / SETTINGS, n - 1)
    shift = size / sd * math.sqrt(n)
    return float(stats.nct.sf(bound, n - 1, shift) + stats.nct.cdf(-bound, n - 1, shift))


def would_decide(match: "re.Match[str]", of: Analysis) -> bool:
    """Return True if the number of splits reaches 80 % power and one less does not."""
    rate, least, most = float(match[1]), int(match[3].replace(",", "")), int(match[4].replace(",", ""))
    difference = of.differences[rate]
    sd, size = max(difference.std(ddof=1), 0.5 / of.sizes["test"]), abs(difference.mean())
    bound = sd * math.sqrt((SEEDS - 1) / stats.chi2.ppf(0.2, SEEDS - 1))
    right = of.verdict(rate) == "not decided" and f"{size:.2g}" == match[2] and int(match[6]) == SEEDS
    numbers = [int(number.replace(",", "")) for number in re.findall(r"[\d,]+", match[5])]
    missing = [count for count in dict.fromkeys((max(0, least - SEEDS), max(0, most - SEEDS))) if count]
    right &= numbers == missing
    smallest = (stats.norm.isf(0.025 / SETTINGS) + stats.norm.ppf(0.8)) * sd
    smallest *= math.sqrt(of.sizes["test"] / of.sizes["train"])
    right &= (smallest > size) == bool(match[7]) and (not match[7] or match[8] == f"{smallest:.2g}")
    for n, spread in ((least, sd), (most, bound)):
        right &= power(n, size, spread) >= 0.8 and (n <= 3 or power(n - 1, size, spread) < 0.8)
    return bool(right)


def simple_models(match: "re.Match[str]", of: Analysis) -> bool:
    """Return True if the scores of the simple models and the numbers of splits are right."""
    wins = all(of.accuracy["test"][rate].mean() <= float(match[3]) + 5e-5 for rate in RATES)
    assert bool(match[5]) == wins
    return int(match[2]) == int(match[4]) == SEEDS and near(match[1], of.share_of_largest) and float(match[3]) <= 1


LAWS: "dict[str, Callable[[re.Match[str], Analysis], bool]]" = {
    r"((?:\d of 3 settings (?:is|are) not|No setting is) better than .*? \(mean test\.accuracy\).*?\. )?"
    rf"The best setting on the validation part is rate ([\d.]+)( \(the baseline\))?\. Its mean "
    rf"test\.accuracy is {NUMBER} \(95 % interval {NUMBER} "
    rf"to {NUMBER}\)\. (.*?)2 settings were compared with the baseline \(rate 0\)\. (.*)": headline,
    r"Runs: 10 runs per setting, on 10 random splits, each with its own seed\. Settings are compared at the same seed "
    r"and split\.": lambda match, of: len(of.accuracy["test"]) == SEEDS,
    rf"Simple models, by test\.accuracy: always predicting the most common class {NUMBER} \(mean over (\d+) splits\), "
    rf"logistic regression {NUMBER} \(mean over (\d+) splits\)\."
    r"( No setting has a better mean than logistic regression\.)?": simple_models,
    r"Intervals and p-values of differences hold for new random splits of these (\d+) examples, with new seeds "
    r"\(paired t test with Bonferroni's correction for 2 comparisons\)\.": (
        lambda match, of: int(match[1]) == sum(of.sizes.values()) and len(of.differences) == SETTINGS
    ),
    r"The interval for new data is wider, because it holds for other data of this kind \(Nadeau & Bengio 2003; "
    rf"ratio of test to training examples: {NUMBER}\)\.": lambda match, of: near(
        match[1], of.sizes["test"] / of.sizes["train"]
    ),
    r"'not decided' means that the interval contains 0\. It does not mean that the settings are equal\.": (
        lambda match, of: "not decided" in map(of.verdict, RATES[1:])
    ),
    r"rate ([\d.]+): to detect a true difference of ([\d.e-]+) \(the observed one\) with 80 % probability, "
    r"([\d,]+) to ([\d,]+) splits in total are needed, (.*?)(?: ?more than|so) these (\d+)(?: are enough)?\."
    r"( For new data of this kind it cannot be detected with more splits of these data: the smallest such difference "
    r"is ([\d.e-]+)\.)?": would_decide,
    r"rate ([\d.]+)(?:; rate ([\d.]+))?: to detect the observed differences? with 80 % probability, "
    r"more than (\d+) splits are needed\.": (
        lambda match, of: all(
            power(float(match[3]), abs(of.differences[float(rate)].mean()), of.differences[float(rate)].std(ddof=1))
            < 0.8
            for rate in filter(None, (match[1], match[2]))
        )
    ),
    r"rate ([\d.]+): to detect a true difference of ([\d.e-]+) \(the observed one\) with 80 % probability, "
    r"more than a million splits are needed\.": (
        lambda match, of: power(1e6, float(match[2]), of.differences[float(match[1])].std(ddof=1)) < 0.8
    ),
    rf"One test example more or less changes accuracy by {NUMBER}\.": lambda match, of: near(
        match[1], 1 / of.sizes["test"]
    ),
    rf"Choice: rate ([\d.]+) has the best mean val\.accuracy, {NUMBER}\. The best of several settings looks better "
    r"than it is\. (No selection bias was measured|This selection bias is about \d+\.\d+) here "
    r"\(estimated by leaving out one split at a time\)\.": (
        lambda match, of: (
            float(match[1]) == of.chosen
            and near(match[2], of.accuracy["val"][of.chosen].mean())
            and (
                near(match[3].rpartition(" ")[2], of.selection_bias())
                if match[3].startswith("This")
                else of.selection_bias() < 1e-9
            )
        )
    ),
    rf"Warning: the values of rate ([\d.]+) vary {NUMBER} times as much as those of rate ([\d.]+)\..*": (
        lambda match, of: near(match[2], of.wider(max(float(match[1]), float(match[3]))))
    ),
    r"Identical runs: rate ([\d.]+)\. Every pair has the same test\.accuracy\.": (
        lambda match, of: not of.differences[float(match[1])].any()
    ),
}
"""The form of each sentence -> a function that checks its numbers."""


@pytest.mark.parametrize("name", ["sonar", "wheat-seeds", "breast-cancer"])
def test_each_sentence_of_the_answer_is_true_of_an_independent_analysis(
    real_data: Path, tmp_path: Path, name: str
) -> None:
    """Each sentence has a known form, and its numbers are right (three rates, ten replicates)."""
    (tmp_path / "c.yaml").write_text(CONFIG.format(path=real_data / "tabular" / f"{name}.csv"))
    asked = ("sweep", "c.yaml", f"dropout.rate={','.join(map(str, RATES))}", "--quiet", "--no-plots")
    done = dropout(*asked, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    folder = tmp_path / "runs" / "sweep-c"
    shown = json.loads(next((folder / "cells").iterdir()).joinpath("summary.json").read_text())
    sizes = [sum(one["support"] for one in shown[part]["per_class"]) for part in ("train", "val", "test")]
    largest = max(one["support"] for one in shown["test"]["per_class"]) / sizes[2]
    of = Analysis(pd.read_csv(io.BytesIO((folder / "results.csv").read_bytes())), largest, *sizes)
    lines = (folder / "notes.txt").read_text().splitlines()
    assert [line in done.stdout for line in lines] == [True] * len(lines)
    for line in lines:
        found = [(check, match) for form, check in LAWS.items() if (match := re.fullmatch(form, line))]
        assert len(found) == 1, f"no form fits: {line}"
        assert found[0][0](found[0][1], of), line
    table = pd.read_csv(folder / "comparisons.csv").set_index("dropout.rate")
    for rate in RATES[1:]:
        assert table["verdict"][rate] == of.verdict(rate)
        assert table["low"][rate] == pytest.approx(of.interval(rate)[0])
        assert table["new_high"][rate] == pytest.approx(max(of.new_data(rate)[1], of.interval(rate)[1]))
