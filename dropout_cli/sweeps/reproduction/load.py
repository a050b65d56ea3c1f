"""Reading a reproduction file; all mistakes are reported with their places."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dropout_cli import config
from dropout_cli.config.document import Node, parse_yaml
from dropout_cli.config.error_collector import ConfigSource, ErrorCollector
from dropout_cli.config.files import decode_config, is_file_path, read_config_bytes
from dropout_cli.config.validate import build_block, node_value
from dropout_cli.core.errors import ConfigError, Problem
from dropout_cli.sweeps.axes import Setting, parse_values
from dropout_cli.sweeps.reproduction.check import FileCheck, check_settings, find_node, find_place
from dropout_cli.sweeps.reproduction.document import SCALES, PaperRow, ReproductionDocument, Scale
from dropout_cli.sweeps.reproduction.row import Row, Settings, known_direction

KEYS = "A reproduction file has the keys paper, question, base, rows and scales."


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
    choices_place: str
    """The file, line and column of the number by which values are chosen."""

    @property
    def folder(self) -> Path:
        """The folder to which relative paths refer."""
        return self.path.parent.absolute()

    def trained_rows(self, scale: str) -> list[Row]:
        """Return the rows that are trained at a scale."""
        named = self.scales[scale].rows or tuple(self.rows)
        return self.with_needed_rows([name for name in named if self.rows[name].given.not_run is None])

    def with_needed_rows(self, names: Collection[str]) -> list[Row]:
        """Return these rows, their teachers and the rows whose runs they read, in the order of the file."""
        found, open_names = set[str](), [*names]
        while open_names:
            name = open_names.pop()
            if name not in found:
                found.add(name)
                given = self.rows[name].given
                open_names += [one for one in (given.teacher, given.same_runs) if one is not None]
        return [row for name, row in self.rows.items() if name in found]


def load_reproduction(path: Path, text: bytes | None = None, *, base: Path | None = None) -> Reproduction:
    """Read a reproduction file.

    Args:
        path: The file.
        text: Its content, if it was stored elsewhere; None: it is read.
        base: The config to start from; None: that which the file names.

    Raises:
        ConfigError: The file is wrong; all mistakes are listed.
    """
    content = read_config_bytes(path, hint=KEYS) if text is None else text
    mistakes = ErrorCollector()
    tree = parse_yaml(decode_config(content, str(path)), ConfigSource(str(path), path.parent.absolute()), mistakes)
    mistakes.raise_if_any()
    if tree is None or not isinstance(tree.value, dict) or not {"paper", "rows"} & tree.value.keys():
        raise ConfigError(str(path), "is not a reproduction file", KEYS)
    _check_lists_of_orders(tree, mistakes)
    document: ReproductionDocument = build_block(ReproductionDocument, tree, mistakes, "A reproduction file")
    mistakes.raise_if_any()
    nodes = _children(tree, "scales", mistakes)
    scales = {name: build_block(Scale, node, mistakes, "A scale") for name, node in nodes.items()}
    for name, node in nodes.items():
        if name not in SCALES:
            mistakes.add(node.key_place, f"scales.{name}", "unknown scale", f"Choose from: {', '.join(SCALES)}.")
    rows = _read_rows(tree, document, mistakes)
    mistakes.raise_if_any()
    choices = tree.value.get("choices")
    inner = choices.value if choices is not None and isinstance(choices.value, dict) else {}
    choice_grid = _grid(inner.get("grid"), mistakes)
    if text is None:  # stored files were checked by the version that stored them
        check_settings(tree, mistakes)
        FileCheck(tree, document, rows, scales, choice_grid, mistakes).add_mistakes()
    found = Reproduction(
        name=path.stem,
        path=path,
        text=content,
        document=document,
        base=base or _find_base(path, document.base, tree),
        settings=_settings(tree.value.get("set")),
        rows=rows,
        scales=scales,
        scale_settings={name: _settings(find_node(tree, "scales", name, "set")) for name in scales},
        choice_settings=_settings(inner.get("set")),
        choice_grid=choice_grid,
        choices_place=str(find_place(tree, "choices", "by")),
    )
    mistakes.raise_if_any()
    return found


def _check_lists_of_orders(tree: Node, mistakes: ErrorCollector) -> None:
    """Raise a single mistake for a text or a flat list of rows, instead of one for each row."""
    node = find_node(tree, "orders")
    if node is None or node.value is None:
        return
    if not isinstance(node.value, list) or any(isinstance(one.value, str) for one in node.value):
        mistakes.add(node.key_place, "orders", "must be a list of lists of rows", "Write [[best, worse]].")
        mistakes.raise_if_any()


def _find_base(path: Path, base: str, tree: Node) -> Path:
    beside = path.parent / base
    if is_file_path(beside):
        return beside
    try:
        return config.find_config(base)
    except ConfigError as error:
        place = str(find_place(tree, "base"))
        raise ConfigError.from_problems(
            [Problem(place, f"base: {one.place}: {one.fact}", one.way_out) for one in error.problems]
        ) from None


def _read_rows(tree: Node, document: ReproductionDocument, mistakes: ErrorCollector) -> dict[str, Row]:
    """Return the rows of the file; mistakes are added."""
    rows = {}
    for name, node in _children(tree, "rows", mistakes).items():
        given = build_block(PaperRow, node, mistakes, "A row")
        if not isinstance(given, PaperRow):
            continue
        inner = node.value
        assert isinstance(inner, dict)
        metric = given.metric or document.metric
        better = given.better or document.better or known_direction(metric)
        rows[name] = Row(
            name=name,
            place=str(node.key_place),
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
        way_out = "Write, for example, {none: {label: no dropout}}."
        mistakes.add(find_place(tree, "rows"), "rows", "there are no rows", way_out)
    return rows


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
            example = "{label: no dropout}" if key == "rows" else "{seeds: 3, minutes: 1}"
            mistakes.add(child.place, f"{key}.{name}", "must be a mapping", f"Write, for example, {example}.")
    return found


def _settings(node: Node | None) -> Settings:
    """Return the keys of a mapping `set`, with their places."""
    if node is None or not isinstance(node.value, dict):
        return ()
    return tuple(Setting(key, node_value(one), str(one.place)) for key, one in node.value.items())


def _grid(node: Node | None, mistakes: ErrorCollector) -> dict[str, list[tuple[Any, str]]]:
    if node is None or not isinstance(node.value, dict):
        return {}
    return {key: parse_values(one, mistakes, key) for key, one in node.value.items()}
