"""The command-line options of a sweep: swept keys, seeds, splits, metrics and test."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias, get_args

from annotated_types import Ge, Le

from dropout_cli.config.document import Node, parse_yaml
from dropout_cli.config.error_collector import ConfigSource, ErrorCollector
from dropout_cli.config.validate import node_value
from dropout_cli.core.errors import ConfigError, UsageError
from dropout_cli.core.registry import suggest_names
from dropout_cli.metrics import DEFAULT_METRIC, METRICS
from dropout_cli.sweeps import axes
from dropout_cli.sweeps.permutation import TestName
from dropout_cli.sweeps.replicates import EACH, MOST_SPLITS, SAME, Splits

MOST_CELLS = 100_000
"""The most runs of a sweep."""
Until: TypeAlias = Literal["sure"]
"""When a sweep ends by itself."""
FEWEST_UNITS = 6
"""The first look of a sweep that ends by itself."""
MostUnits: TypeAlias = Annotated[int, Ge(FEWEST_UNITS), Le(MOST_SPLITS)]
Swept: TypeAlias = list[tuple[Any, str]] | Node
"""The values of a key, each with its place, or the distribution from which its values are drawn."""


def parse_override(override: str, mistakes: ErrorCollector) -> tuple[str, Swept]:
    """Parse `KEY=V1,V2`, `KEY={from: 0, to: 1, step: 1}`, or `KEY={uniform: [0, 1]}`.

    Args:
        override: The option as the user wrote it.
        mistakes: Collects mistakes in the value.

    Raises:
        ConfigError: There is no key.
    """
    key, equals, written = override.partition("=")
    if not equals or not all(key.split(".")):
        raise ConfigError(override, "is not KEY=V1,V2", "Write it like dropout.rate=0,0.2,0.5.")
    source = ConfigSource(override, Path.cwd(), override=key)
    node = parse_yaml(f"[{written}]", source, mistakes)
    assert node is not None and isinstance(node.value, list)
    only = node.value[0] if len(node.value) == 1 else None
    if only is not None and isinstance(only.value, dict):
        if only.value.keys() == axes.RANGE:
            node = only
        elif only.value.keys() <= {*axes.DISTRIBUTIONS} and only.value:
            return key, only
    return key, axes.parse_values(node, mistakes, key)


def refuse_repeated(keys: Sequence[str], way_out: str) -> None:
    """Raise ConfigError for a key that is given twice."""
    # Otherwise the last value would count, and the user would not notice.
    for key in keys:
        if keys.count(key) > 1:
            raise ConfigError(key, "is given twice, with different values", way_out)


def parse_pairs(pairs: Sequence[str], place: str) -> dict[str, Any]:
    """Parse `KEY=VALUE` pairs, with values in YAML; raise ConfigError for a wrong pair.

    Args:
        pairs: The pairs as the user wrote them.
        place: The name of the option, for messages.
    """
    found: dict[str, Any] = {}
    for pair in dict.fromkeys(pairs):
        key, equals, written = pair.partition("=")
        if not equals or not key:
            raise ConfigError(place, f"'{pair}' is not KEY=VALUE", "Write it like dropout.variant=none.")
        refuse_repeated([*found, key], f"{place} takes each key once.")
        node = parse_yaml(written, ConfigSource(place, Path.cwd(), override=key), ErrorCollector())
        found[key] = None if node is None else node_value(node)
    return found


def parse_metrics(metric: str | None, metrics: str | None) -> tuple[str, ...]:
    """Return the metrics of `--metric NAME` or `--metrics A,B`, the main one first.

    Raises:
        UsageError: Both options are given, or a metric is unknown.
    """
    if metric is not None and metrics is not None:
        raise UsageError("--metrics", "cannot be used together with --metric", "Give only one of the two.")
    option = "--metric" if metrics is None else "--metrics"
    found = tuple(dict.fromkeys((metric or DEFAULT_METRIC,) if metrics is None else metrics.split(",")))
    for name in found:
        if name not in METRICS:
            raise UsageError(option, f"unknown metric '{name}'", suggest_names(name, METRICS))
    return found


def parse_test(name: str) -> TestName:
    """Return the test with a name; `_` is accepted instead of `-`.

    Raises:
        UsageError: There is no such test.
    """
    known: dict[str, TestName] = {test: test for test in get_args(TestName)}
    found = known.get(name.replace("_", "-"))
    if found is None:
        raise UsageError("--test", f"unknown test '{name}'", f"Choose from: {', '.join(known)}.")
    return found


def parse_until(text: str) -> Until:
    """Return when a sweep ends by itself; raise ConfigError for another text than `sure`."""
    if text != "sure":
        raise ConfigError("--until", f"must be sure, got '{text}'", "Write --until sure.")
    return "sure"


def parse_most_units(number: int) -> int:
    """Return the most seeds of a sweep; raise ConfigError for too few or too many."""
    if not FEWEST_UNITS <= number <= MOST_SPLITS:
        fact = f"must be from {FEWEST_UNITS} (the first look) to {MOST_SPLITS:,}, got {number}"
        raise ConfigError("--max-seeds", fact, "Write --max-seeds 30.")
    return number


def parse_margin(margin: float) -> float:
    """Return the margin; raise ConfigError unless it is a finite number of at least 0."""
    if not 0 <= margin < math.inf:
        raise ConfigError("--margin", f"must be a number of at least 0, got {margin:g}", "Write --margin 0.01.")
    return margin


def parse_seeds(text: str | None) -> int | tuple[int, ...] | None:
    """Parse a count of seeds, `10`, or a list, `0,3,7` or `3,`; raise ConfigError for anything else."""
    if text is None:
        return None
    try:
        numbers = tuple(map(int, text.removesuffix(",").split(",")))
    except ValueError:
        numbers = (-1,)
    # A count of 0 leaves nothing to train.
    if min(numbers) < 0 or ("," not in text and not 1 <= numbers[0] <= MOST_CELLS):
        raise ConfigError("--seeds", f"'{text}' is neither a count nor a list of seeds", "Write 10, or 0,1,2.")
    return numbers if "," in text else numbers[0]


def parse_splits(text: str | None) -> Splits | None:
    """Parse `each`, `same`, or a number of splits; raise ConfigError for anything else."""
    if text is None:
        return None
    if text in (EACH, SAME):
        return EACH if text == EACH else SAME
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= MOST_SPLITS):
        fact = f"must be each, same, or a number from 1 to {MOST_SPLITS:,}; got '{text}'"
        raise ConfigError("--splits", fact, "Write each, same, or 5.")
    return int(text)


@dataclass(frozen=True)
class SweepOptions:
    """The options of `dropout sweep` and `dropout tune` as written; None if not given."""

    seeds: str | None = None
    splits: str | None = None
    baseline: Sequence[str] = ()
    """`KEY=VALUE` pairs."""
    metric: str | None = None
    metrics: str | None = None
    test: str | None = None
    trials: int | None = None
    repeats: int | None = None
    margin: float | None = None
    until: str | None = None
    max_seeds: int | None = None

    def document_keys(self) -> dict[str, Any]:
        """Return the keys of a sweep file that these options replace.

        Raises:
            ConfigError: Seeds, splits, baseline, margin or end cannot be read.
            UsageError: A metric or the test is unknown.
        """
        keys: dict[str, Any] = {"baseline": parse_pairs(self.baseline, "--baseline"), "metric": self.metric}
        keys |= {"seeds": parse_seeds(self.seeds), "splits": parse_splits(self.splits)}
        keys |= {"trials": self.trials, "repeats": self.repeats}
        keys |= {"test": None if self.test is None else parse_test(self.test)}
        if self.metrics is not None:
            main, *others = parse_metrics(self.metric, self.metrics)
            keys |= {"metric": main, "metrics": tuple(others)}
        keys |= {"until": None if self.until is None else parse_until(self.until)}
        keys |= {"max_seeds": None if self.max_seeds is None else parse_most_units(self.max_seeds)}
        found = {name: value for name, value in keys.items() if value}
        return found | ({} if self.margin is None else {"margin": parse_margin(self.margin)})
