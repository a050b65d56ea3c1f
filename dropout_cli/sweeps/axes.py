"""The values of swept keys: lists, ranges and distributions, and the points that they span."""

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
from dropout_cli.core.rng import Generator, stream
from dropout_cli.sweeps.replicates import SEED, SPLIT_SEED

MOST_VALUES = 10_000
"""Of one key."""

RANGE = {"from", "to", "step"}


class Setting(NamedTuple):
    """One key with one value, and where the value stands."""

    key: str
    value: Any
    place: str

    @property
    def override(self) -> str:
        """As on the command line; JSON is YAML."""
        return f"{self.key}={json.dumps(self.value)}"


Point = tuple[Setting, ...]
"""One choice for every swept key."""


@dataclass(frozen=True)
class Axes:
    """The swept keys with their values."""

    fixed: Point
    grid: Mapping[str, Sequence[tuple[Any, str]]]
    """Key -> its values, each with its place."""
    rows: Sequence[Point]
    """The values of the keys that move together; a single empty row where none do."""
    distributions: Mapping[str, Node]
    """Key -> the distribution that it is drawn from."""

    def leaves_a_choice(self) -> bool:
        """Whether there is more than one point."""
        lists = [[value for value, _ in values] for values in self.grid.values()]
        lists += [law["choice"] for law in map(node_value, self.distributions.values()) if "choice" in law]
        numbers = any("choice" not in node_value(law) for law in self.distributions.values())
        return numbers or len(self.rows) > 1 or any(one != values[0] for values in lists for one in values)

    def chooses_splits(self) -> str | None:
        """Return the key by which the sweep itself says which run has which seed or split; None where it does not."""
        settings = [*self.fixed, *(one for row in self.rows for one in row)]
        settings += [Setting(key, value, place) for key, values in self.grid.items() for value, place in values]
        distributions = [(key, node_value(law)) for key, law in self.distributions.items()]
        settings += [Setting(key, value, "") for key, law in distributions for value in law.get("choice", [None])]
        for key, value, _ in settings:
            if key in (SEED, SPLIT_SEED):
                return key
            if key == "dataset" and isinstance(value, dict) and "split_seed" in value:
                return SPLIT_SEED
        return None

    def without_places(self) -> "Axes":
        """Return the axes with all keys of a single value among the fixed ones."""
        single = [Setting(key, *values[0]) for key, values in self.grid.items() if len(values) == 1]
        several = {key: values for key, values in self.grid.items() if len(values) > 1}
        return Axes((*self.fixed, *single), several, self.rows, self.distributions)


def parse_values(node: Node, mistakes: ErrorCollector, key: str) -> list[tuple[Any, str]]:
    """The values that a swept key takes, each with its place: a list, or `{from, to, step}`."""
    if isinstance(node.value, list):
        if not node.value:
            mistakes.add(node.place, key, "an empty list leaves nothing to train")
        return [(node_value(one), str(one.place)) for one in node.value]
    if isinstance(node.value, dict) and node.value.keys() == RANGE:
        try:
            return [(value, str(node.place)) for value in _range(node_value(node))]
        except ValueError as error:
            mistakes.add(node.place, key, str(error))
            return []
    mistakes.add(node.place, key, "must be a list of values or {from, to, step}")
    return []


def _range(bounds: Mapping[str, Any]) -> list[float]:
    """The numbers from `from` to `to`, both included, as they are written in decimal."""
    if not all(map(is_finite_number_value, bounds.values())):
        raise ValueError("from, to and step must be numbers")
    first, last, step = (Decimal(str(bounds[name])) for name in ("from", "to", "step"))
    if step == 0 or (last - first) / step < 0:
        raise ValueError(f"a step of {bounds['step']} does not lead from {bounds['from']} to {bounds['to']}")
    count = int((last - first) / step) + 1
    if count > MOST_VALUES:
        raise ValueError(f"has {count:,} values, and {MOST_VALUES:,} are the most")
    whole = all(isinstance(one, int) for one in bounds.values())
    return [(int if whole else float)(first + step * index) for index in range(count)]


def is_finite_number_value(value: Any) -> bool:
    """Whether it is a finite number."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def grid_points(axes: Mapping[str, Sequence[tuple[Any, str]]]) -> list[Point]:
    """Every combination, the last key moving fastest; a single empty point where there are no keys."""
    settings = [[Setting(key, value, place) for value, place in values] for key, values in axes.items()]
    return list(itertools.product(*settings))


def zip_axes(axes: Mapping[str, Sequence[tuple[Any, str]]], place: Place, mistakes: ErrorCollector) -> list[Point]:
    """The first values of all keys, then the second ones, and so on."""
    lengths = {key: len(values) for key, values in axes.items()}
    if len(set(lengths.values())) > 1:
        text = ", ".join(f"{key} has {length}" for key, length in lengths.items())
        mistakes.add(place, "zip", f"keys that move together need as many values each ({text})")
        return []
    rows = zip(*([Setting(key, *value) for value in values] for key, values in axes.items()), strict=True)
    return list(rows) if axes else [()]


DISTRIBUTIONS = ("uniform", "log_uniform", "integers", "choice")


def draw_points(distributions: Mapping[str, Node], count: int, seed: int, mistakes: ErrorCollector) -> list[Point]:
    """So many points, each key drawn from its distribution, from a stream of its own."""
    columns = [list(_draws(key, node, count, seed, mistakes)) for key, node in distributions.items()]
    return list(zip(*columns, strict=False)) if columns else [()]


def _draws(key: str, node: Node, count: int, seed: int, mistakes: ErrorCollector) -> Iterator[Setting]:
    law = node_value(node)
    if not isinstance(law, dict) or len(law) != 1 or next(iter(law)) not in DISTRIBUTIONS:
        mistakes.add(
            node.place, key, f"must be one of {', '.join(DISTRIBUTIONS)} with its list, as {{uniform: [0, 1]}}"
        )
        return
    name, bounds = next(iter(law.items()))
    try:
        for _, value in zip(range(count), _values(name, bounds, stream(seed, f"sweep:{key}")), strict=False):
            yield Setting(key, value, str(node.place))
    except ValueError as error:
        mistakes.add(node.place, key, f"{name}: {error}")


def _values(name: str, bounds: Any, rng: Generator) -> Iterator[Any]:
    """Draw for ever; numbers have four significant digits, which is what anybody will type again."""
    if not isinstance(bounds, list) or not bounds:
        raise ValueError("must be a list")
    if name == "choice":
        while True:
            yield bounds[int(rng.integers(len(bounds)))]
    if len(bounds) != 2 or not all(map(is_finite_number_value, bounds)):
        raise ValueError("must be [LOW, HIGH]")
    low, high = bounds
    if not low < high:
        raise ValueError(f"{low} is not below {high}")
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
