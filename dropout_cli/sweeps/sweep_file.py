"""The reader of sweeps: a SWEEP.yaml, or a config, with `KEY=V1,V2` from the command line.

A sweep file has these keys:

base: digits                          # a config, as for `dropout train`
set: {training.epochs: 20}            # the same for all
grid:                                 # every combination
dropout.variant: [none, inverted, gaussian]
dropout.rate: {from: 0.1, to: 0.5, step: 0.1}
zip: {architecture.hidden: [[64], [128]], training.epochs: [20, 40]}    # keys that change together
random: {count: 20, draw: {training.optimizer.learning_rate: {log_uniform: [1e-4, 1e-1]}}}
seeds: 10                             # 0 to 9; or a list
splits: each                          # a split for each seed; or same; or a number of splits, with some seeds on each
baseline: {dropout.variant: none}
metric: test.accuracy
"""

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from dropout_cli import config
from dropout_cli.config.document import Node, parse_yaml
from dropout_cli.config.error_collector import ConfigSource, ErrorCollector, Place, escape_to_one_line
from dropout_cli.config.files import decode_config, is_file_path, read_config_bytes
from dropout_cli.config.validate import build_block, node_value
from dropout_cli.core.errors import ConfigError
from dropout_cli.core.registry import suggest_names
from dropout_cli.core.shell_words import quote_word
from dropout_cli.metrics import METRICS
from dropout_cli.sweeps import axes
from dropout_cli.sweeps.axes import Axes, Point, Setting
from dropout_cli.sweeps.document import SweepDocument
from dropout_cli.sweeps.options import MOST_CELLS, SweepOptions, Swept, parse_override, refuse_repeated
from dropout_cli.sweeps.replicates import SAME
from dropout_cli.sweeps.spec import Sweep, most_units, seed_numbers


@dataclass(frozen=True)
class _SweepSource:
    """A parsed sweep file; for a config, a sweep file without keys."""

    tree: Node
    document: SweepDocument
    base: Path
    folder: Path
    """The folder to which relative paths in swept values refer."""


def is_sweep_file(path: Path) -> bool:
    """Return True for a sweep file, which has the key `base`, and False for a config.

    Raises:
        ConfigError: The file is not valid YAML.
    """
    tree = _parse(path, ErrorCollector())
    return tree is not None and isinstance(tree.value, dict) and "base" in tree.value


def load_sweep(
    path: Path,
    overrides: Sequence[str] = (),
    options: SweepOptions | None = None,
    *,
    search: bool = False,
    text: bytes | None = None,
) -> Sweep:
    """Read a sweep from a sweep file or a config, and from the command line.

    Args:
        path: A sweep file, or a config.
        overrides: `KEY=V1,V2...`; each replaces the values of the key in the file.
        options: Further options of the command line; they replace keys of the file.
        search: Whether a search chooses the points, so that they are not listed.
        text: The content of a config that is not in a file yet; `path` is where the sweep will store it.

    Raises:
        ConfigError: The file or the command line is wrong; all mistakes of the file are listed.
        UsageError: A metric or the test of an option is unknown.
    """
    mistakes = ErrorCollector()
    from_options = (options or SweepOptions()).document_keys()
    is_file = text is None and is_sweep_file(path)
    source = _read_sweep_file(path, mistakes) if is_file else _config_as_sweep(path)
    swept = _swept_keys(overrides, mistakes)
    found = _axes(source.tree, source.document, swept, mistakes)
    if search:
        axes.draw_points(
            found.distributions, 1, 0, mistakes
        )  # only to find mistakes, since a search draws its own points
    points = () if search else _points(found, source.tree, source.document, mistakes)
    document = replace(source.document, **from_options)
    _check_metrics(document)
    mistakes.raise_if_any()
    _check_splits(document, found)
    _check_until(document, found, search=search)
    until = None if document.until is None else most_units(document.max_seeds, document.splits)
    seeds = seed_numbers(document.seeds, document.splits, until)
    _check_size(path, len(points), len(seeds), document)
    return Sweep(
        base=source.base,
        points=points,
        seeds=seeds,
        splits=document.splits,
        baseline=document.baseline,
        metric=document.metric,
        metrics=tuple(metric for metric in document.metrics if metric != document.metric),
        test=document.test,
        margin=document.margin,
        axes=found.without_places(),
        trials=document.trials,
        repeats=document.repeats,
        written=_written(document, source.base, swept),
        folder=source.folder,
        name=path.stem,
        base_text=text,
        until=until,
    )


def _parse(path: Path, mistakes: ErrorCollector) -> Node | None:
    """Parse a file; raise ConfigError if it is not valid YAML."""
    source = ConfigSource(str(path), path.parent.absolute())
    return parse_yaml(decode_config(read_config_bytes(path), source.name), source, mistakes)


def _read_sweep_file(path: Path, mistakes: ErrorCollector) -> _SweepSource:
    """Read a sweep file; raise ConfigError with all mistakes in its keys."""
    tree = _parse(path, mistakes)
    assert tree is not None
    if isinstance(tree.value, dict) and "paper" in tree.value:
        place, quoted = tree.value["paper"].key_place, quote_word(escape_to_one_line(str(path)))
        way_out = f"Train it with 'dropout reproduce {quoted}'."
        raise ConfigError(str(place), "paper: this is a reproduction file, not a sweep file", way_out)
    document: SweepDocument = build_block(SweepDocument, tree, mistakes, "A sweep file")
    mistakes.raise_if_any()
    base = path.parent / document.base
    return _SweepSource(
        tree, document, base if is_file_path(base) else config.find_config(document.base), path.parent.absolute()
    )


def _config_as_sweep(path: Path) -> _SweepSource:
    """Return a sweep without keys, with the config as its base."""
    place = Place(ConfigSource(str(path), Path.cwd()), 1, 1)
    return _SweepSource(Node({}, place, place), SweepDocument(base=str(path)), path, Path.cwd())


def _swept_keys(overrides: Sequence[str], mistakes: ErrorCollector) -> dict[str, Swept]:
    """Parse the overrides `KEY=V1,V2`; raise ConfigError for a key that is given twice."""
    found = [parse_override(override, mistakes) for override in dict.fromkeys(overrides)]
    refuse_repeated([key for key, _ in found], "Write all values in one place: dropout.rate=0,0.5.")
    return dict(found)


def _check_metrics(document: SweepDocument) -> None:
    """Raise ConfigError for an unknown metric."""
    for metric in (document.metric, *document.metrics):
        if metric not in METRICS:
            raise ConfigError("metric", f"unknown metric '{metric}'", suggest_names(metric, METRICS))


def _check_splits(document: SweepDocument, found: Axes) -> None:
    """Raise ConfigError if both `splits` and the swept keys choose the split of a run."""
    key = found.chooses_splits()
    if key is not None and document.splits not in (None, SAME):
        fact = f"{document.splits} cannot be combined with values for {key}, which already choose the splits"
        raise ConfigError("splits", fact, "Leave out one of the two.")


def _check_until(document: SweepDocument, found: Axes, *, search: bool) -> None:
    """Raise ConfigError if `until` does not fit the other keys."""
    key = found.chooses_splits()
    if document.until is None:
        if document.max_seeds is not None:
            fact = "is only for sweeps with until: sure"
            raise ConfigError("max_seeds", fact, "Add until: sure (--until sure), or leave it out.")
    elif search:
        raise ConfigError("until", "is not for a search, which chooses its runs itself", "Leave it out.")
    elif key is not None:
        fact = f"cannot be combined with values for {key}, because looks need independent seeds or splits"
        raise ConfigError("until", fact, "Leave out one of the two.")
    elif document.test != "t":
        fact = f"cannot be combined with test: {document.test}, whose p-value does not account for several looks"
        raise ConfigError("until", fact, "Leave out one of the two.")


def _check_size(path: Path, points: int, seeds: int, document: SweepDocument) -> None:
    """Raise ConfigError for more runs than a sweep may have."""
    runs = points * seeds * (document.splits if isinstance(document.splits, int) else 1)
    if runs > MOST_CELLS:
        raise ConfigError(
            str(path), f"{runs:,} runs are too many; the maximum is {MOST_CELLS:,}", "Give fewer values or seeds."
        )


def _axes(tree: Node, document: SweepDocument, swept: Mapping[str, Swept], mistakes: ErrorCollector) -> Axes:
    """Return the swept keys of the file; keys on the command line replace those of the file."""

    def blocks(node: Node | None) -> dict[str, Node]:
        found = node.value if node is not None and isinstance(node.value, dict) else {}
        return {key: inner for key, inner in found.items() if key not in swept}

    parts: dict[str, Node] = tree.value if isinstance(tree.value, dict) else {}
    drawn = parts["random"].value if document.random is not None else {}
    assert isinstance(drawn, dict)
    zips = {key: axes.parse_values(node, mistakes, f"zip.{key}") for key, node in blocks(parts.get("zip")).items()}
    written = parts["settings"].value if document.settings else []
    assert isinstance(written, list)
    settings = [
        tuple(Setting(key, node_value(node), str(node.place)) for key, node in blocks(one).items()) for one in written
    ]
    found = Axes(
        tuple(Setting(key, node_value(node), str(node.place)) for key, node in blocks(parts.get("set")).items()),
        {key: axes.parse_values(node, mistakes, f"grid.{key}") for key, node in blocks(parts.get("grid")).items()}
        | {key: values for key, values in swept.items() if isinstance(values, list)},
        axes.combine_rows(axes.zip_axes(zips, tree.place, mistakes), settings),
        blocks(drawn.get("draw")) | {key: values for key, values in swept.items() if isinstance(values, Node)},
    )
    in_settings = {setting.key for one in settings for setting in one}
    names = [*(setting.key for setting in found.fixed), *found.grid, *zips, *found.distributions, *in_settings]
    for name in sorted({name for name in names if names.count(name) > 1}):
        mistakes.add(tree.place, name, "is swept twice", "Keep it in only one of set, grid, zip, settings and random.")
    return found


def _points(found: Axes, tree: Node, document: SweepDocument, mistakes: ErrorCollector) -> tuple[Point, ...]:
    """Return every combination of the points of grid, zip and random."""
    count = math.prod(map(len, found.grid.values())) * max(1, len(found.rows))
    if document.random is not None:
        count *= document.random.count
    if count > MOST_CELLS:  # checked first, since the list could exceed the memory
        raise ConfigError(
            str(tree.place), f"{count:,} combinations are too many; the maximum is {MOST_CELLS:,}", "Give fewer values."
        )
    parts = [axes.grid_points(found.grid), found.rows]
    if document.random is not None:
        parts.append(axes.draw_points(found.distributions, document.random.count, document.random.seed, mistakes))
    elif found.distributions:
        key, node = next(iter(found.distributions.items()))
        fact = "a distribution needs a number of draws"
        mistakes.add(
            node.place, key, fact, "Use random: {count, draw} in a sweep file, or `dropout tune`, which needs no count."
        )
    return tuple(tuple(itertools.chain(found.fixed, *point)) for point in itertools.product(*parts))


def _written(document: SweepDocument, base: Path, swept: Mapping[str, Swept]) -> dict[str, Any]:
    """Return the keys of a sweep file that describes the same sweep."""
    values = {field.name: getattr(document, field.name) for field in fields(document)}
    # The file is stored in the folder of the sweep, from which a relative path would lead elsewhere.
    values["base"] = str(base.resolve())
    for part in ("set", "grid", "zip"):
        values[part] = {key: value for key, value in values[part].items() if key not in swept}
    settings = [{key: value for key, value in one.items() if key not in swept} for one in document.settings]
    values["settings"] = settings or None
    values["grid"] |= {key: [value for value, _ in found] for key, found in swept.items() if isinstance(found, list)}
    random: dict[str, Any] = {"count": document.trials, "draw": {}}
    if document.random is not None:
        random = vars(document.random)
    draw = {key: distribution for key, distribution in random["draw"].items() if key not in swept}
    draw |= {key: node_value(found) for key, found in swept.items() if isinstance(found, Node)}
    values["random"] = random | {"draw": draw} if draw else None
    values["seeds"] = list(document.seeds) if isinstance(document.seeds, tuple) else document.seeds
    values["metrics"] = list(document.metrics) or None
    for name in ("trials", "repeats", "test"):
        if values[name] == getattr(SweepDocument, name):
            values[name] = None
    return values
