"""Real tables, swept by the command alone: each sentence of the answer is true of an independent analysis.

The analysis starts from `results.csv` and uses pandas and SciPy; nothing of `dropout_cli.statistics` or `.sweeps`.
"""

import math
import re
from collections.abc import Callable
from typing import Any

import pandas as pd
from scipy import stats

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
    """Everything that the notes may speak of, from the table of results and the sizes of the parts."""

    def __init__(self, table: pd.DataFrame, train: int, val: int, test: int) -> None:
        self.sizes = {"train": train, "val": val, "test": test}
        wide = table[table["metric"].isin(["test.accuracy", "val.accuracy"])]
        self.accuracy: dict[str, pd.DataFrame] = {
            part: wide[wide["metric"] == f"{part}.accuracy"].pivot(index="seed", columns="dropout.rate", values="value")
            for part in ("test", "val")
        }
        assert (table["seed"] == table["split_seed"]).all()
        test_table, val_table = self.accuracy["test"], self.accuracy["val"]
        self.chosen = float(val_table.mean().round(12).idxmax())
        self.differences = {rate: (test_table[rate] - test_table[0.0]).round(12) for rate in RATES[1:]}

    def interval(self, rate: float) -> tuple[float, float]:
        """Bonferroni's t interval over splits, the standard deviation at least half an example."""
        return self._interval(rate, 0.0)

    def new_data(self, rate: float) -> tuple[float, float]:
        """Nadeau and Bengio's, corrected alike."""
        return self._interval(rate, self.sizes["test"] / self.sizes["train"])

    def _interval(self, rate: float, ratio: float) -> tuple[float, float]:
        difference = self.differences[rate]
        sd = max(difference.std(ddof=1), 0.5 / self.sizes["test"])
        half = stats.t.ppf(1 - 0.025 / SETTINGS, SEEDS - 1) * sd * math.sqrt(1 / SEEDS + ratio)
        return difference.mean() - half, difference.mean() + half

    def verdict(self, rate: float) -> str:
        """By the interval alone."""
        low, high = self.interval(rate)
        return "better" if low > 0 else "worse" if high < 0 else "not decided"

    def mean_interval(self, rate: float) -> tuple[float, float]:
        """Wilson's form: the roots of the score equation with an effective number of examples."""
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
        """Leave one split out, choose on the rest, look at the one left out."""
        table = self.accuracy["val"].round(12)
        gaps = []
        for seed in table.index:
            rest = table.drop(index=seed).mean().round(12)
            gaps.append(rest.max() - table.loc[seed, rest.idxmax()])
        return float(sum(gaps) / SEEDS * math.sqrt((SEEDS - 1) / SEEDS))

    def wider(self, rate: float) -> float:
        """The larger over the smaller standard deviation of the arms."""
        floor = 0.5 / self.sizes["test"]
        sds = [max(self.accuracy["test"][one].std(ddof=1), floor) for one in (rate, 0.0)]
        return max(sds) / min(sds)


def near(text: str, value: float) -> bool:
    """Whether a number is written to its last digit."""
    decimals = len(text.partition(".")[2])
    return abs(float(text) - value) <= 0.51 * 10**-decimals


def both(match: "re.Match[str]", first: int, interval: tuple[float, float]) -> bool:
    """Whether two groups are the ends of an interval."""
    return near(match[first], interval[0]) and near(match[first + 1], interval[1])


def told(match: "re.Match[str]", of: Analysis) -> bool:
    """The headline: the chosen setting, its mean, its difference and what is shown."""
    rate = float(match[1])
    right = rate == of.chosen and near(match[2], of.accuracy["test"][rate].mean())
    right &= both(match, 3, of.mean_interval(rate))
    rest = match[5]
    if rate == 0:
        return right and rest == ", and it is the baseline"
    numbers = re.search(rf"difference {NUMBER}, 95 % interval {NUMBER} to {NUMBER}", rest)
    assert numbers
    right &= near(numbers[1], of.differences[rate].mean()) and both(numbers, 2, of.interval(rate))
    if of.verdict(rate) == "not decided":
        return right and "it is not decided whether it is better: the interval of the difference includes 0" in rest
    low, high = of.new_data(rate)
    shown = "and for new data" if low > 0 or high < 0 else "; not shown for new data"
    return right and f"it is {of.verdict(rate)} than rate 0 on splits of these data{shown}" in rest.replace(
        " and", "and"
    )


LAWS: "dict[str, Callable[[re.Match[str], Analysis], Any]]" = {}


def law(pattern: str) -> "Callable[[Callable[[re.Match[str], Analysis], Any]], None]":
    """Register what must be true where a sentence has that form."""

    def add(check: "Callable[[re.Match[str], Analysis], Any]") -> None:
        LAWS[pattern] = check

    return add
