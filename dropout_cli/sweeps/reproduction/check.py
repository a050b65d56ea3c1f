"""Mistakes of a reproduction file that only show when its rows are seen together."""

import itertools
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from dropout_cli.config.document import Node
from dropout_cli.config.error_collector import ErrorCollector, Place
from dropout_cli.core.registry import suggest_names
from dropout_cli.metrics import METRICS, metric_name
from dropout_cli.sweeps.replicates import SAME
from dropout_cli.sweeps.reproduction.document import SCALES, ReproductionDocument, Scale
from dropout_cli.sweeps.reproduction.numbers import SECTIONS
from dropout_cli.sweeps.reproduction.row import Row, choices_direction, known_direction

PARTS = ("train", "val", "test")
"""The parts of the data that have metrics of their own in a summary."""
SEED_KEY = "seed"


@dataclass(frozen=True)
class FileCheck:
    """A reproduction file, and where its mistakes are collected."""

    tree: Node
    document: ReproductionDocument
    rows: Mapping[str, Row]
    scales: Mapping[str, Scale]
    choice_grid: Mapping[str, list[tuple[Any, str]]]
    mistakes: ErrorCollector

    def add_mistakes(self) -> None:
        """Add a mistake for each contradiction; later checks need the names that earlier ones found right."""
        self._check_names()
        self._check_scales()
        self.mistakes.raise_if_any()
        self._check_rows()
        self._check_shared_runs()
        self._check_orders()
        self._check_choices()
        self.mistakes.raise_if_any()

    def _add(self, keys: tuple[str, ...], fact: str, way_out: str = "") -> None:
        self.mistakes.add(find_place(self.tree, *keys), ".".join(keys), fact, way_out)

    def _check_names(self) -> None:
        for keys, name in self._named_rows():
            if name not in self.rows:
                place = find_item(find_node(self.tree, *keys), name) or find_place(self.tree, *keys)
                self.mistakes.add(place, ".".join(keys), f"unknown row '{name}'", suggest_names(name, self.rows))

    def _named_rows(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """Yield each place where a row is named, and the name."""
        if self.document.reference is not None:
            yield ("reference",), self.document.reference
        for order in self.document.orders:
            for name in order:
                yield ("orders",), name
        for name, row in self.rows.items():
            for key in ("against", "teacher", "same_runs"):
                if (other := getattr(row.given, key)) is not None:
                    yield ("rows", name, key), other
        for scale, its in self.scales.items():
            for name in its.rows:
                yield ("scales", scale, "rows"), name

    def _check_scales(self) -> None:
        missing = [name for name in SCALES if name not in self.scales]
        if missing:
            fact = f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing"
            self._add(("scales",), fact, "Give seeds and minutes, such as smoke: {seeds: 1, minutes: 0.2}.")
        for name, scale in self.scales.items():
            named = [self.rows[row] for row in scale.rows or self.rows if row in self.rows]
            if named and all(row.given.not_run is not None for row in named):
                keys = ("scales", name, "rows") if scale.rows else ("rows",)
                self._add(keys, "no row is trained, because all have `not_run`", "Leave it out of at least one row.")
                if not scale.rows:
                    return

    def _check_rows(self) -> None:
        labels: dict[str, str] = {}
        for name, row in self.rows.items():
            keys = ("rows", name)
            if not name or "," in name or name != name.strip():
                way_out = "Use a name with letters, and without commas and outer spaces."
                self._add(keys, f"'{name}' cannot be given to --rows", way_out)
            if row.given.against == name:
                self._add((*keys, "against"), "names its own row", "Name another row.")
            self._check_published(keys, row)
            self._check_better(keys, row)
            self._check_grid((*keys, "choose"), row.grid)
            if row.given.label in labels:
                other = labels[row.given.label]
                self._add((*keys, "label"), f"is also the label of the row '{other}'", "Give each row its own.")
            labels.setdefault(row.given.label, name)
            if row.given.at_most is not None and row.better == "higher":
                fact = f"needs a number of which lower values are better, and {row.metric} is none"
                self._add((*keys, "at_most"), fact, "Leave it out.")
            if row.given.metric is not None:
                self._check_metric((*keys, "metric"), row.metric)
        self._check_metric(("metric",), self.document.metric)
        self._check_grid(("choices", "grid"), self.choice_grid)

    def _check_published(self, keys: tuple[str, ...], row: Row) -> None:
        """Check that a published share is one, in the unit of the row."""
        value = row.given.published
        if value is not None and row.is_share and not 0 <= value <= row.factor:
            shown = "percent" if row.unit == "percent" else "a fraction"
            fact = f"must be from 0 to {row.factor:g}, because {row.metric} is shown as {shown}"
            self._add((*keys, "published"), f"{fact}, got {value:g}", "Correct it, or set unit.")

    def _check_better(self, keys: tuple[str, ...], row: Row) -> None:
        """Check that `better` does not contradict a known metric."""
        known = known_direction(row.metric)
        if {known, row.better} == {"lower", "higher"}:
            place = (*keys, "better") if row.given.better else ("better",)
            self._add(place, f"is {row.better}, but {known} values of {row.metric} are better", "Leave it out.")

    def _check_grid(self, keys: tuple[str, ...], grid: Mapping[str, list[tuple[Any, str]]]) -> None:
        """Check that there are different values to choose from."""
        for key, options in grid.items():
            values = [json.dumps(value, sort_keys=True, default=str) for value, _ in options]
            twice = [value for value in values if values.count(value) > 1]
            if len(options) == 1:
                self._add((*keys, key), "has a single value", "Give two values or more, or write it in `set`.")
            elif twice:
                self._add((*keys, key), f"has the value {twice[0]} twice", "Give each value once.")

    def _check_metric(self, keys: tuple[str, ...], metric: str) -> bool:
        """Add a mistake for a name that is nearly that of a metric; return True if there is none."""
        part, _, name = metric.partition(".")
        if metric in METRICS or (part in PARTS and "." in name):
            return True
        if part not in PARTS:
            if metric in {metric_name(one) for one in METRICS}:
                self._add(keys, f"'{metric}' does not name a part of the data", f"Write, for example, test.{metric}.")
            elif part not in SECTIONS:
                way_out = f"It begins with one of: {', '.join((*PARTS, *SECTIONS))}."
                self._add(keys, f"summary.json has no number '{metric}'", way_out)
            else:
                return True
            return False
        if not name:
            self._add(keys, f"'{metric}' names a part of the data, not a number", f"Write, for example, {part}.error.")
            return False
        hint = suggest_names(metric, [one for one in METRICS if one.startswith(f"{part}.")])
        if not hint.startswith("Did you mean"):
            return True
        self._add(keys, f"unknown metric '{metric}'", hint)
        return False

    def _check_shared_runs(self) -> None:
        for name, row in self.rows.items():
            given = row.given
            if given.same_runs is not None:
                self._check_other(name, "same_runs", given.same_runs)
                unused = [key for key in ("set", "choose", "teacher") if getattr(given, key)]
                if unused:
                    fact = f"{' and '.join(unused)} would have no effect, because of `same_runs`"
                    self._add(("rows", name, unused[0]), fact, "Leave out one of them.")
            if given.teacher is not None:
                self._check_other(name, "teacher", given.teacher)
                if given.choose:
                    fact = "has no effect in a row with a teacher"
                    self._add(("rows", name, "choose"), fact, "Leave out one of them.")
                if self.document.splits != SAME:
                    fact = f"cannot be used with splits: {self.document.splits}, because a teacher has one split"
                    self._add(("rows", name, "teacher"), fact, "Leave out one of them.")

    def _check_other(self, name: str, key: str, other: str) -> None:
        """Check the row that another one reads runs from or learns from."""
        its = self.rows[other].given
        if other == name:
            self._add(("rows", name, key), "names its own row", "Name another row.")
        elif its.not_run is not None:
            self._add(("rows", name, key), f"row '{other}' is not run", "Name a row that is trained.")
        elif its.same_runs is not None:
            self._add(("rows", name, key), f"row '{other}' has no runs of its own", "Name the row that it reads.")
        elif key == "teacher" and its.teacher is not None:
            self._add(("rows", name, key), f"row '{other}' has a teacher itself", "Name a row without a teacher.")

    def _check_orders(self) -> None:
        seen: set[tuple[str, str]] = set()
        for order in self.document.orders:
            if len(order) < 2:
                self._add(("orders",), f"[{', '.join(order)}] has fewer than two rows", "Write [[best, worse]].")
            if len(set(order)) < len(order):
                self._add(("orders",), f"[{', '.join(order)}] has a row twice", "Name each row once.")
                continue
            for name in order:
                if self.rows[name].given.not_run is not None:
                    self._add(("orders",), f"row '{name}' is not run", "Leave it out.")
            for first, second in itertools.pairwise(order):
                self._check_pair(self.rows[first], self.rows[second])
            seen.update(itertools.combinations(order, 2))
        both = sorted(pair for pair in seen if pair[::-1] in seen and pair[0] < pair[1])
        for first, second in both:
            self._add(("orders",), f"'{first}' and '{second}' are given in both orders", "Keep one of them.")

    def _check_pair(self, first: Row, second: Row) -> None:
        """Check that two rows of an order have comparable numbers, and that the paper has this order."""
        names = f"'{first.name}' and '{second.name}'"
        if metric_name(first.metric) != metric_name(second.metric):
            self._add(("orders",), f"{names} have different metrics", "Order rows of the same metric.")
        elif first.factor != second.factor:
            self._add(("orders",), f"{names} have different units", "Order rows of the same unit.")
        elif first.given.published is not None and second.given.published is not None and first.better != "neither":
            gain = second.given.published - first.given.published
            if (gain if first.better == "lower" else -gain) < 0:
                fact = f"'{first.name}' is before '{second.name}', but its published value is worse"
                self._add(("orders",), fact, "Give orders from best to worst.")

    def _check_choices(self) -> None:
        choices = self.document.choices
        if choices is None:
            if any(row.grid for row in self.rows.values()):
                self._add(("choices",), "is missing, although a row has `choose`", "Give choices: {by: val.error}.")
        elif ".val." not in f".{choices.by}":
            fact = f"'{choices.by}' is not a number of the validation part"
            self._add(("choices", "by"), fact, "Write, for example, val.error.")
        elif self._check_metric(("choices", "by"), choices.by) and choices_direction(choices) == "neither":
            fact = f"is missing: it is not known which values of {choices.by} are better"
            self._add(("choices", "better"), fact, "Give lower or higher.")


def check_settings(tree: Node, mistakes: ErrorCollector) -> None:
    """Add a mistake for each `set` or `choose` that sets the seed, which each run has from `--seeds`."""
    for keys in _blocks_of_settings(tree):
        node = find_node(tree, *keys)
        if node is not None and isinstance(node.value, dict) and SEED_KEY in node.value:
            mistakes.add(
                node.value[SEED_KEY].key_place, ".".join((*keys, SEED_KEY)), "is set by --seeds", "Leave it out."
            )


def _blocks_of_settings(tree: Node) -> Iterator[tuple[str, ...]]:
    yield ("set",)
    for block, inner in (("rows", ("set", "choose")), ("scales", ("set",))):
        for name in _keys(find_node(tree, block)):
            for key in inner:
                yield block, name, key
    yield "choices", "set"
    yield "choices", "grid"


def _keys(node: Node | None) -> list[Any]:
    return list(node.value) if node is not None and isinstance(node.value, dict) else []


def find_node(tree: Node, *keys: str) -> Node | None:
    """Return the node at a path of keys; None if there is none."""
    node: Node | None = tree
    for key in keys:
        node = node.value.get(key) if node is not None and isinstance(node.value, dict) else None
    return node


def find_item(node: Node | None, text: str) -> Place | None:
    """Return the place of a text in a list or in lists of lists; None if there is none."""
    if node is None or not isinstance(node.value, list):
        return node.place if node is not None and node.value == text else None
    return next((place for one in node.value if (place := find_item(one, text)) is not None), None)


def find_place(tree: Node, *keys: str) -> Place:
    """Return the place of the last of these keys that exists."""
    for count in range(len(keys), 0, -1):
        if (node := find_node(tree, *keys[:count])) is not None:
            return node.key_place
    return tree.place
