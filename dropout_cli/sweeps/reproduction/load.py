"""Reading a reproduction file; all mistakes are reported with their places."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dropout_cli import config
from dropout_cli.config.document import Node, parse_yaml
from dropout_cli.config.error_collector import ConfigSource, ErrorCollector
from dropout_cli.config.files import decode_config, is_file_path, read_config_bytes
from dropout_cli.config.validate import build_block, node_value
from dropout_cli.core.errors import ConfigError
from dropout_cli.core.registry import UnknownName, suggest_names
from dropout_cli.metrics import larger_is_better
from dropout_cli.sweeps.axes import Setting, parse_values
from dropout_cli.sweeps.reproduction.document import (
    SCALES,
    Better,
    Choices,
    PaperRow,
    ReproductionDocument,
    Scale,
    Unit,
)

Settings = tuple[Setting, ...]


@dataclass(frozen=True)
class Row:
    """A row with its place in the file, ready to be planned."""

    name: str
    given: PaperRow
    settings: Settings
    grid: Mapping[str, list[tuple[Any, str]]]
    """Key -> the values to choose from, with their places."""
    metric: str
    unit: Unit
    better: Better

    @property
    def factor(self) -> float:
        """The factor between numbers of the summary and shown ones."""
        return 100.0 if self.unit == "percent" else 1.0


@dataclass(frozen=True)
class Reproduction:
    """A reproduction file, checked."""

    name: str
    path: Path
    text: bytes
    document: ReproductionDocument
    base: Path
    settings: Settings
    rows: Mapping[str, Row]
    scales: Mapping[str, Scale]
    scale_settings: Mapping[str, Settings]
    choice_settings: Settings
    choice_grid: Mapping[str, list[tuple[Any, str]]]

    @property
    def folder(self) -> Path:
        """The folder to which relative paths refer."""
        return self.path.parent.absolute()

    def trained_rows(self, scale: str) -> list[Row]:
        """Return the rows that are trained at a scale."""
        chosen = self.scales[scale].rows or tuple(self.rows)
        return [row for row in self.rows.values() if row.given.not_run is None and row.name in chosen]


def load_reproduction(path: Path, text: bytes | None = None, *, base: Path | None = None) -> Reproduction:
    """Read a reproduction file.

    Args:
        path: The file.
        text: Its content, if it was stored elsewhere; None: it is read.
        base: The config to start from; None: that which the file names.

    Raises:
        ConfigError: The file is wrong; all mistakes are listed.
    """
    content = read_config_bytes(path) if text is None else text
    mistakes = ErrorCollector()
    tree = parse_yaml(decode_config(content, str(path)), ConfigSource(str(path), path.parent.absolute()), mistakes)
    mistakes.raise_if_any()
    if tree is None or not isinstance(tree.value, dict) or not {"paper", "rows"} & tree.value.keys():
        raise ConfigError(str(path), "is not a reproduction file", "It has the keys paper, question, base and rows.")
    document: ReproductionDocument = build_block(ReproductionDocument, tree, mistakes)
    mistakes.raise_if_any()
    scales = {name: build_block(Scale, node, mistakes) for name, node in _children(tree, "scales", mistakes).items()}
    for name, node in _children(tree, "scales", mistakes).items():
        if name not in SCALES:
            mistakes.add(node.key_place, f"scales.{name}", "unknown scale", f"Choose from: {', '.join(SCALES)}.")
    rows = _read_rows(tree, document, mistakes)
    mistakes.raise_if_any()
    _check_names(tree, document, rows, scales, mistakes)
    choices = tree.value.get("choices")
    inner = choices.value if choices is not None and isinstance(choices.value, dict) else {}
    found = Reproduction(
        name=path.stem,
        path=path,
        text=content,
        document=document,
        base=base or _find_base(path, document.base),
        settings=_settings(tree.value.get("set")),
        rows=rows,
        scales=scales,
        scale_settings={name: _settings(_inner(tree, "scales", name, "set")) for name in scales},
        choice_settings=_settings(inner.get("set")),
        choice_grid=_grid(inner.get("grid"), mistakes),
    )
    mistakes.raise_if_any()
    return found


def _find_base(path: Path, base: str) -> Path:
    beside = path.parent / base
    return beside if is_file_path(beside) else config.find_config(base)


def _read_rows(tree: Node, document: ReproductionDocument, mistakes: ErrorCollector) -> dict[str, Row]:
    """Return the rows of the file; mistakes are added."""
    rows = {}
    for name, node in _children(tree, "rows", mistakes).items():
        given = build_block(PaperRow, node, mistakes)
        if not isinstance(given, PaperRow):
            continue
        inner = node.value
        assert isinstance(inner, dict)
        metric = given.metric or document.metric
        better = given.better or document.better or _known_direction(metric)
        rows[name] = Row(
            name=name,
            given=given,
            settings=_settings(inner.get("set")),
            grid=_grid(inner.get("choose"), mistakes),
            metric=metric,
            unit=given.unit or document.unit,
            better=better,
        )
        if given.published is None and given.not_run is not None:
            mistakes.add(node.place, f"rows.{name}", "is neither published nor run", "Give one of the two.")
    if not rows:
        mistakes.add(tree.place, "rows", "there are no rows")
    return rows


def choices_direction(choices: Choices) -> Better:
    """Return which values of the deciding number are better; neither if that is not known."""
    return choices.better or _known_direction(choices.by)


def _known_direction(metric: str) -> Better:
    """Return which values of a metric are better; neither if the name is no metric."""
    try:
        return "higher" if larger_is_better(metric) else "lower"
    except UnknownName:
        return "neither"


def _check_names(
    tree: Node,
    document: ReproductionDocument,
    rows: Mapping[str, Row],
    scales: Mapping[str, Scale],
    mistakes: ErrorCollector,
) -> None:
    """Add a mistake for each name of a row that does not exist, and for other contradictions."""
    named = [("reference", document.reference)]
    named += [("orders", name) for order in document.orders for name in order]
    for name, row in rows.items():
        named += [(f"rows.{name}.{key}", getattr(row.given, key)) for key in ("against", "teacher", "same_runs")]
    named += [(f"scales.{name}.rows", one) for name, scale in scales.items() for one in scale.rows]
    for key, value in named:
        if value is not None and value not in rows:
            mistakes.add(tree.place, key, f"unknown row '{value}'", suggest_names(value, rows))
    for name, row in rows.items():
        for key in ("teacher", "same_runs"):
            other = getattr(row.given, key)
            if other in rows and (rows[other].given.not_run or rows[other].given.same_runs):
                mistakes.add(tree.place, f"rows.{name}.{key}", f"row '{other}' has no runs of its own")
            elif key == "teacher" and other in rows and rows[other].given.teacher:
                mistakes.add(tree.place, f"rows.{name}.teacher", f"row '{other}' has a teacher itself")
    for scale in SCALES:
        if scale not in scales:
            mistakes.add(tree.place, f"scales.{scale}", "is missing", "Give seeds and minutes.")
    if document.choices is not None:
        by = document.choices.by
        if ".val." not in f".{by}":
            fact = f"'{by}' is not a number of the validation part"
            mistakes.add(tree.place, "choices.by", fact, "Write, for example, val.error.")
        elif choices_direction(document.choices) == "neither":
            fact = f"is missing: it is not known which values of {by} are better"
            mistakes.add(tree.place, "choices.better", fact, "Give lower or higher.")
    if document.choices is None and any(row.grid for row in rows.values()):
        mistakes.add(tree.place, "choices", "is missing, although a row has `choose`", "Give choices: {by: val.error}.")
    mistakes.raise_if_any()


def _children(tree: Node, key: str, mistakes: ErrorCollector) -> dict[str, Node]:
    assert isinstance(tree.value, dict)
    node = tree.value[key]
    if not isinstance(node.value, dict):
        return {}
    found = {}
    for name, child in node.value.items():
        if isinstance(child.value, dict):
            found[name] = child
        else:
            mistakes.add(child.place, f"{key}.{name}", "must be a mapping")
    return found


def _inner(tree: Node, *keys: str) -> Node | None:
    node: Node | None = tree
    for key in keys:
        node = node.value.get(key) if node is not None and isinstance(node.value, dict) else None
    return node


def _settings(node: Node | None) -> Settings:
    """Return the keys of a mapping `set`, with their places."""
    if node is None or not isinstance(node.value, dict):
        return ()
    return tuple(Setting(key, node_value(one), str(one.place)) for key, one in node.value.items())


def _grid(node: Node | None, mistakes: ErrorCollector) -> dict[str, list[tuple[Any, str]]]:
    if node is None or not isinstance(node.value, dict):
        return {}
    return {key: parse_values(one, mistakes, key) for key, one in node.value.items()}
