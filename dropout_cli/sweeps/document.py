"""What a sweep is asked to do: a SWEEP.yaml, or a config with `KEY=V1,V2` on the command line.

base: digits                          # a config, as for `dropout train`
set: {training.epochs: 20}            # the same for all
grid:                                 # every combination
dropout.variant: [none, inverted, gaussian]
dropout.rate: {from: 0.1, to: 0.5, step: 0.1}
zip: {architecture.hidden: [[64], [128]], training.epochs: [20, 40]}    # keys that move together
random: {count: 20, draw: {training.optimizer.learning_rate: {log_uniform: [1e-4, 1e-1]}}}
seeds: 10                             # 0 to 9; or a list
baseline: {dropout.variant: none}
metric: test.accuracy
"""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Annotated, Any

from annotated_types import Ge, Le

from dropout_cli import config
from dropout_cli.config.document import Node, read
from dropout_cli.config.files import decode, read_bytes
from dropout_cli.config.place import Mistakes, Place, Source
from dropout_cli.config.validate import build, plain
from dropout_cli.config.writing import dump
from dropout_cli.errors import ConfigError
from dropout_cli.fields import CountOrZero, NonNegative
from dropout_cli.metrics import NUMBERS
from dropout_cli.sweeps import axes
from dropout_cli.sweeps.axes import Point, Setting

SEEDS = 10
MOST_CELLS = 100_000
Points = Annotated[int, Ge(1), Le(MOST_CELLS)]


@dataclass(frozen=True, kw_only=True)
class Random:
    """Points drawn at random."""

    count: Points
    """How many."""
    seed: CountOrZero = 0
    """Of the stream that they are drawn from."""
    draw: dict[str, Any]
    """Dotted key -> uniform, log_uniform, integers or choice, each with its list."""


@dataclass(frozen=True, kw_only=True)
class Document:
    """The keys of a sweep file."""

    base: str
    """A config file, counted from this file's folder, or the name of a bundled config."""
    set: dict[str, Any] = field(default_factory=dict)
    """Dotted key -> a value that all runs share."""
    grid: dict[str, Any] = field(default_factory=dict)
    """Dotted key -> its values: every combination is trained."""
    zip: dict[str, Any] = field(default_factory=dict)
    """Dotted key -> its values: the first ones together, then the second ones."""
    random: Random | None = None
    """Points drawn at random."""
    seeds: Points | tuple[CountOrZero, ...] = SEEDS
    """How many, from 0 on, or which."""
    baseline: dict[str, Any] | None = None
    """Dotted key -> the value of what all others are compared with."""
    metric: str = "test.accuracy"
    """A number of summary.json."""
    margin: NonNegative | None = None
    """Differences smaller than this do not matter."""


@dataclass(frozen=True)
class Sweep:
    """What is to be trained, before it is known what of it fits together."""

    base: Path
    points: tuple[Point, ...]
    """Each key once per point."""
    seeds: tuple[int, ...]
    baseline: dict[str, Any] | None
    metric: str
    margin: float | None
    text: bytes
    """As a SWEEP.yaml."""
    folder: Path
    """What relative paths in swept values count from."""
    name: str


def is_sweep(path: Path) -> bool:
    """Whether the file is a sweep rather than a config: it has `base:`. Raises ConfigError for what is no YAML."""
    source = Source(str(path), path.parent.absolute())
    tree = read(decode(read_bytes(path), source.name), source, Mistakes())
    return tree is not None and isinstance(tree.value, dict) and "base" in tree.value


def load(
    path: Path,
    overrides: Sequence[str] = (),
    *,
    seeds: str | None = None,
    baseline: Sequence[str] = (),
    metric: str | None = None,
) -> Sweep:
    """Return the sweep that `path` describes: a sweep file, or a config. Raises ConfigError with all mistakes.

    Each override is `KEY=V1,V2...` and takes the place of what the file says of the key.
    """
    mistakes = Mistakes()
    written = {"baseline": pairs(baseline, "--baseline"), "metric": metric, "seeds": _seeds(seeds)}
    asked = {name: value for name, value in written.items() if value}
    if is_sweep(path):
        text = read_bytes(path)
        source = Source(str(path), path.parent.absolute())
        tree = read(decode(text, source.name), source, mistakes)
        assert tree is not None
        document: Document = build(Document, tree, mistakes)
        mistakes.stop_if_any()
        base = path.parent / document.base
        base = base if base.is_file() else config.find(document.base)
    else:
        source = Source(str(path), Path.cwd())
        place = Place(source, 1, 1)
        tree, document, base = Node({}, place, place), Document(base=str(path)), path
    swept = [_swept(override, mistakes) for override in overrides]
    points = _points(tree, document, swept, mistakes)
    document = Document(**{one.name: getattr(document, one.name) for one in fields(document)} | asked)
    if document.metric not in METRICS:
        known = ", ".join(METRICS)
        raise ConfigError("metric", f"'{document.metric}' is no number of a run", f"Choose from: {known}.")
    mistakes.stop_if_any()
    numbers = tuple(range(document.seeds)) if isinstance(document.seeds, int) else document.seeds
    if len(set(numbers)) < len(numbers) or not numbers:
        raise ConfigError("seeds", "must be different numbers, at least one", "Such as seeds: 10 or seeds: [0, 1, 2].")
    if len(points) * len(numbers) > MOST_CELLS:
        raise ConfigError(str(path), f"{len(points) * len(numbers):,} runs, and {MOST_CELLS:,} are the most")
    return Sweep(
        base=base,
        points=points,
        seeds=numbers,
        baseline=document.baseline,
        metric=document.metric,
        margin=document.margin,
        text=_written(document, base, swept),
        folder=source.folder,
        name=path.stem,
    )


METRICS = tuple(f"{part}.{number}" for part in ("test", "val", "train") for number in NUMBERS)


def _points(
    tree: Node, document: Document, swept: list[tuple[str, list[tuple[Any, str]]]], mistakes: Mistakes
) -> tuple[Point, ...]:
    """Every point of grid, zip and random together; what the command line sweeps replaces what the file says."""
    given = dict(swept)

    def blocks(name: str) -> dict[str, Node]:
        node = tree.value.get(name) if isinstance(tree.value, dict) else None
        found = node.value if node is not None and isinstance(node.value, dict) else {}
        return {key: one for key, one in found.items() if key not in given}

    fixed = tuple(Setting(key, plain(node), str(node.place)) for key, node in blocks("set").items())
    grids = {key: axes.values_of(node, mistakes, f"grid.{key}") for key, node in blocks("grid").items()} | given
    zips = {key: axes.values_of(node, mistakes, f"zip.{key}") for key, node in blocks("zip").items()}
    count = math.prod(map(len, grids.values())) * max(1, *map(len, zips.values()), 1)
    if document.random is not None:
        count *= document.random.count
    if count > MOST_CELLS:  # before any of them is made
        raise ConfigError(str(tree.place), f"{count:,} combinations, and {MOST_CELLS:,} are the most")
    parts = [axes.grid(grids), axes.together(zips, tree.place, mistakes)]
    if document.random is not None:
        node = tree.value["random"] if isinstance(tree.value, dict) else tree
        laws = node.value["draw"].value if isinstance(node.value, dict) else {}
        assert isinstance(laws, dict)
        kept = {key: one for key, one in laws.items() if key not in given}
        parts.append(axes.drawn(kept, document.random.count, document.random.seed, mistakes))
    points = [tuple(itertools.chain(fixed, *point)) for point in itertools.product(*parts)]
    for point in points[:1]:
        names = [setting.key for setting in point]
        for name in sorted({name for name in names if names.count(name) > 1}):
            mistakes.add(tree.place, name, "is swept twice", "Leave it in one of set, grid, zip and random.")
    return tuple(points)


def _swept(override: str, mistakes: Mistakes) -> tuple[str, list[tuple[Any, str]]]:
    """The key and the values of `KEY=V1,V2`; a range is `KEY={from: 0, to: 0.5, step: 0.1}`."""
    key, equals, written = override.partition("=")
    if not equals or not all(key.split(".")):
        raise ConfigError(override, "is not KEY=V1,V2", "Write it like dropout.rate=0,0.2,0.5.")
    source = Source(override, Path.cwd(), override=key)
    node = read(f"[{written}]", source, mistakes)
    assert node is not None and isinstance(node.value, list)
    only = node.value[0] if len(node.value) == 1 else None
    if only is not None and isinstance(only.value, dict) and only.value.keys() == axes.RANGE:
        node = only
    return key, axes.values_of(node, mistakes, key)


def pairs(pairs: Sequence[str], place: str) -> dict[str, Any]:
    """`KEY=VALUE`, each read as YAML."""
    found = {}
    for pair in pairs:
        key, equals, written = pair.partition("=")
        if not equals or not key:
            raise ConfigError(place, f"'{pair}' is not KEY=VALUE", "Write it like dropout.variant=none.")
        node = read(written, Source(place, Path.cwd(), override=key), Mistakes())
        found[key] = None if node is None else plain(node)
    return found


def _seeds(text: str | None) -> int | tuple[int, ...] | None:
    """`10`, or `0,3,7`."""
    if text is None:
        return None
    try:
        numbers = tuple(int(one) for one in text.split(","))
    except ValueError:
        numbers = (-1,)
    if min(numbers) < 0 or numbers == (0,) or (len(numbers) == 1 and numbers[0] > MOST_CELLS):
        raise ConfigError("--seeds", f"'{text}' is neither a count nor a list of seeds", "Write 10, or 0,1,2.")
    return numbers if "," in text else numbers[0]


def _written(document: Document, base: Path, swept: list[tuple[str, list[tuple[Any, str]]]]) -> bytes:
    """The sweep as a file that says the same again."""
    values = {one.name: getattr(document, one.name) for one in fields(document)}
    values["base"] = str(base.resolve())
    for part in ("set", "grid", "zip"):
        values[part] = {key: value for key, value in values[part].items() if key not in dict(swept)}
    values["grid"] |= {key: [value for value, _ in found] for key, found in swept}
    values["random"] = None if document.random is None else vars(document.random)
    values["seeds"] = document.seeds if isinstance(document.seeds, int) else list(document.seeds)
    return dump({name: value for name, value in values.items() if value not in (None, {})}).encode()
