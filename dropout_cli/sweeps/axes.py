"""Swept keys with their values, and the combinations of these values.

The values of a key are a list, a range or a distribution.
"""

import itertools
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple

from dropout_cli.config.document import Node
from dropout_cli.config.error_collector import ErrorCollector, Place
from dropout_cli.config.validate import node_value
from dropout_cli.core.numbers import is_finite_number
from dropout_cli.core.rng import Generator, stream
from dropout_cli.sweeps.replicates import SEED, SPLIT_SEED

MOST_VALUES = 10_000
"""The most values of one key."""

RANGE = {"from", "to", "step"}
"""The keys of a range of numbers."""


class Setting(NamedTuple):
    """One key with one value, and the place in a file or option where it is written."""

    key: str
    value: Any
    place: str
    """File, line and column, or the option; errors name it."""

    @property
    def override(self) -> str:
        """The setting as `KEY=VALUE`; the value is JSON, which is YAML, too."""
        return f"{self.key}={json.dumps(self.value)}"


Point = tuple[Setting, ...]
"""One value for every swept key."""


@dataclass(frozen=True)
class Axes:
    """The swept keys with their values."""

    fixed: Point
    """Keys with a single value."""
    grid: Mapping[str, Sequence[tuple[Any, str]]]
    """Key -> its values, each with its place."""
    rows: Sequence[Point]
    """The combinations of values of the keys of `zip`, with those of `settings`; a single empty one without keys."""
    distributions: Mapping[str, Node]
    """Key -> the distribution from which its values are drawn."""

    def leaves_a_choice(self) -> bool:
        """Return True if there is more than one point."""
        lists = [[value for value, _ in values] for values in self.grid.values()]
        distributions = [node_value(node) for node in self.distributions.values()]
        lists += [distribution["choice"] for distribution in distributions if "choice" in distribution]
        has_numbers = any("choice" not in distribution for distribution in distributions)
        return has_numbers or len(self.rows) > 1 or any(value != values[0] for values in lists for value in values)

    def chooses_splits(self) -> str | None:
        """Return the swept key that decides the seed or split of a run; None without one."""
        settings = [*self.fixed, *(setting for row in self.rows for setting in row)]
        settings += [Setting(key, value, place) for key, values in self.grid.items() for value, place in values]
        for key, node in self.distributions.items():
            settings += [Setting(key, value, "") for value in node_value(node).get("choice", [None])]
        for key, value, _ in settings:
            if key in (SEED, SPLIT_SEED):
                return key
            if key == "dataset" and isinstance(value, dict) and "split_seed" in value:
                return SPLIT_SEED
        return None

    def without_places(self) -> "Axes":
        """Return the axes with the keys of a single value moved to `fixed`."""
        single = [Setting(key, *values[0]) for key, values in self.grid.items() if len(values) == 1]
        several = {key: values for key, values in self.grid.items() if len(values) > 1}
        return Axes((*self.fixed, *single), several, self.rows, self.distributions)


def parse_values(node: Node, mistakes: ErrorCollector, key: str) -> list[tuple[Any, str]]:
    """Return the values of a swept key, each with its place.

    Args:
        node: A list of values, or a range `{from, to, step}`.
        mistakes: Collects mistakes.
        key: The key, for messages.
    """
    if isinstance(node.value, list):
        if not node.value:
            mistakes.add(node.place, key, "the list is empty", "Give at least one value.")
        return [(node_value(item), str(item.place)) for item in node.value]
    if isinstance(node.value, dict) and node.value.keys() == RANGE:
        try:
            return [(value, str(node.place)) for value in _range(node_value(node))]
        except ValueError as error:
            mistakes.add(node.place, key, str(error))
            return []
    mistakes.add(node.place, key, "must be a list of values or {from, to, step}")
    return []


def _range(bounds: Mapping[str, Any]) -> list[float]:
    """Return the numbers of a range, both ends included."""
    # With decimal arithmetic, 0.1 + 0.2 is 0.3.
    if not all(map(is_finite_number, bounds.values())):
        raise ValueError("from, to and step must be numbers")
    first, last, step = (Decimal(str(bounds[name])) for name in ("from", "to", "step"))
    if step == 0 or (last - first) / step < 0:
        raise ValueError(f"a step of {bounds['step']} never gets from {bounds['from']} to {bounds['to']}")
    count = int((last - first) / step) + 1
    if count > MOST_VALUES:
        raise ValueError(f"has {count:,} values; the maximum is {MOST_VALUES:,}")
    integral = all(isinstance(bound, int) for bound in bounds.values())
    return [(int if integral else float)(first + step * index) for index in range(count)]


def grid_points(axes: Mapping[str, Sequence[tuple[Any, str]]]) -> list[Point]:
    """Return every combination of values; without keys, one empty point.

    The last key changes fastest.

    Args:
        axes: Key -> its values, each with its place.
    """
    settings = [[Setting(key, value, place) for value, place in values] for key, values in axes.items()]
    return list(itertools.product(*settings))


def zip_axes(axes: Mapping[str, Sequence[tuple[Any, str]]], place: Place, mistakes: ErrorCollector) -> list[Point]:
    """Return the first values of all keys as a point, then the second ones, and so on.

    Args:
        axes: Key -> its values, each with its place.
        place: Place of the sweep file, for a mistake.
        mistakes: Collects mistakes.
    """
    lengths = {key: len(values) for key, values in axes.items()}
    if len(set(lengths.values())) > 1:
        text = ", ".join(f"{key} has {length}" for key, length in lengths.items())
        mistakes.add(place, "zip", f"all keys of zip need the same number of values ({text})")
        return []
    rows = zip(*([Setting(key, *value) for value in values] for key, values in axes.items()), strict=True)
    return list(rows) if axes else [()]


def combine_rows(rows: Sequence[Point], settings: Sequence[Point]) -> list[Point]:
    """Return every combination of the points of `zip` and of `settings`.

    Args:
        rows: The points of `zip`.
        settings: The points of `settings`; empty: only those of `zip`.
    """
    return [(*row, *one) for row in rows for one in settings or [()]]


DISTRIBUTIONS = ("uniform", "log_uniform", "integers", "choice")
"""The names of the distributions of a swept key."""


def draw_points(distributions: Mapping[str, Node], count: int, seed: int, mistakes: ErrorCollector) -> list[Point]:
    """Return random points: each key is drawn from its distribution, with a stream of its own.

    Args:
        distributions: Key -> a mapping such as `{uniform: [0, 1]}`.
        count: Number of points.
        seed: Seed of the streams.
        mistakes: Collects mistakes.
    """
    # With a stream per key, another key in the sweep does not change the values of this one.
    columns = [list(_draws(key, node, count, seed, mistakes)) for key, node in distributions.items()]
    return list(zip(*columns, strict=False)) if columns else [()]


def _draws(key: str, node: Node, count: int, seed: int, mistakes: ErrorCollector) -> Iterator[Setting]:
    distribution = node_value(node)
    if not isinstance(distribution, dict) or len(distribution) != 1 or next(iter(distribution)) not in DISTRIBUTIONS:
        way_out = f"Choose from: {', '.join(DISTRIBUTIONS)}."
        mistakes.add(node.place, key, "must be a distribution with its parameters, such as {uniform: [0, 1]}", way_out)
        return
    name, bounds = next(iter(distribution.items()))
    try:
        for _, value in zip(range(count), _values(name, bounds, stream(seed, f"sweep:{key}")), strict=False):
            yield Setting(key, value, str(node.place))
    except ValueError as error:
        mistakes.add(node.place, key, f"{name}: {error}")


def _values(name: str, bounds: Any, rng: Generator) -> Iterator[Any]:
    """Yield an endless sequence of values; raise ValueError for wrong parameters."""
    # Four significant digits, so that a user can type the values again.
    if not isinstance(bounds, list) or not bounds:
        raise ValueError("must be a list")
    if name == "choice":
        while True:
            yield bounds[int(rng.integers(len(bounds)))]
    if len(bounds) != 2 or not all(map(is_finite_number, bounds)):
        raise ValueError("must be [LOW, HIGH]")
    low, high = bounds
    if not low < high:
        raise ValueError(f"the first number must be below the second, got [{low}, {high}]")
    if name == "integers" and not (isinstance(low, int) and isinstance(high, int)):
        raise ValueError("must be whole numbers")
    if name == "log_uniform" and low <= 0:
        raise ValueError("must be above 0")
    while True:
        if name == "integers":
            yield int(rng.integers(low, high, endpoint=True))
        elif name == "uniform":
            yield float(f"{rng.uniform(low, high):.4g}")
        else:
            yield float(f"{math.exp(rng.uniform(math.log(low), math.log(high))):.4g}")
