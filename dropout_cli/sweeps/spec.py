"""What a sweep is asked to do: a SWEEP.yaml, or a config with `KEY=V1,V2` on the command line.

base: digits                          # a config, as for `dropout train`
set: {training.epochs: 20}            # the same for all
grid:                                 # every combination
dropout.variant: [none, inverted, gaussian]
dropout.rate: {from: 0.1, to: 0.5, step: 0.1}
zip: {architecture.hidden: [[64], [128]], training.epochs: [20, 40]}    # keys that move together
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
from dropout_cli.config.document import Node, read
from dropout_cli.config.files import decode, read_bytes
from dropout_cli.config.place import Mistakes, Place, Source
from dropout_cli.config.validate import build, plain
from dropout_cli.config.writing import dump
from dropout_cli.core.errors import ConfigError
from dropout_cli.metrics import METRICS, suggestion
from dropout_cli.sweeps import axes
from dropout_cli.sweeps.axes import Axes, Point, Setting
from dropout_cli.sweeps.document import Document
from dropout_cli.sweeps.options import (
    MOST_CELLS,
    Swept,
    metrics_of,
    once,
    paired_test,
    pairs,
    seeds_of,
    splits_of,
    swept_by,
)
from dropout_cli.sweeps.permutation import TestName
from dropout_cli.sweeps.replicates import EACH, SAME, Splits

SEEDS = 10


@dataclass(frozen=True)
class Sweep:
    """What is to be trained, before it is known what of it fits together."""

    base: Path
    points: tuple[Point, ...]
    """Each key once per point."""
    seeds: tuple[int, ...]
    """With a number of splits, only how many there are matters."""
    splits: Splits | None
    """None: as the sweep in the folder has it, else the usual layout."""
    baseline: dict[str, Any] | None
    metric: str
    metrics: tuple[str, ...]
    """Those beside the main one."""
    test: TestName
    margin: float | None
    axes: Axes
    trials: int
    repeats: int
    written: Mapping[str, Any]
    """The keys of a SWEEP.yaml that says the same; `seeds` as they were given, None where they were not."""
    folder: Path
    """What relative paths in swept values count from."""
    name: str
    first: int = 0
    """Added to every seed, and to every split that is not the same for all."""
    begun: Splits | None = None
    """The layout of the sweep that the folder holds."""

    @property
    def text(self) -> bytes:
        """As a SWEEP.yaml; it says `splits` where the layout is not the usual one."""
        told = self.splits in (None, EACH) or self.axes.chooses_splits() is not None
        values = {**self.written, "splits": None if told else self.splits}
        values["seeds"] = len(self.seeds) if values["seeds"] is None else values["seeds"]
        return dump({name: value for name, value in values.items() if value not in (None, {})}).encode()

    def with_splits(self, splits: Splits | None) -> "Sweep":
        """Return the sweep with that layout, and with its usual number of seeds where none was given.

        Raises ConfigError for a list of seeds beside a number of splits.
        """
        given = self.written["seeds"]
        return replace(self, splits=splits, seeds=self.seeds if splits == self.splits else _numbers(given, splits))


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
    splits: str | None = None,
    baseline: Sequence[str] = (),
    metric: str | None = None,
    metrics: str | None = None,
    test: str | None = None,
    search: bool = False,
    trials: int | None = None,
    repeats: int | None = None,
) -> Sweep:
    """Return the sweep that `path` describes: a sweep file, or a config. Raises ConfigError with all mistakes.

    Each override is `KEY=V1,V2...` and takes the place of what the file says of the key. A `search` chooses its points
    itself, from the axes.
    """
    mistakes = Mistakes()
    written: dict[str, Any] = {"baseline": pairs(baseline, "--baseline"), "metric": metric, "seeds": seeds_of(seeds)}
    written |= {"splits": splits_of(splits), "trials": trials, "repeats": repeats}
    written |= {"test": None if test is None else paired_test(test)}
    if metrics is not None:
        main, *others = metrics_of(metric, metrics)
        written |= {"metric": main, "metrics": tuple(others)}
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
    asked_for = [swept_by(override, mistakes) for override in dict.fromkeys(overrides)]
    once([key for key, _ in asked_for], "Write all its values once, as dropout.rate=0,0.5.")
    swept = dict(asked_for)
    found = _axes(tree, document, swept, mistakes)
    if search:
        axes.drawn(found.laws, 1, 0, mistakes)  # for its mistakes: a search draws by itself
    points = () if search else _points(found, tree, document, mistakes)
    document = replace(document, **asked)
    for one in (document.metric, *document.metrics):
        if one not in METRICS:
            raise ConfigError("metric", f"'{one}' is no number of a run", suggestion(one, METRICS))
    mistakes.stop_if_any()
    key = found.chooses_splits()
    if key is not None and document.splits not in (None, SAME):
        fact = f"{document.splits}, and the sweep gives {key} itself, which says which run has which split"
        raise ConfigError("splits", fact, "Leave one of the two out.")
    numbers = _numbers(document.seeds, document.splits)
    runs = len(points) * len(numbers) * (document.splits if isinstance(document.splits, int) else 1)
    if runs > MOST_CELLS:
        raise ConfigError(str(path), f"{runs:,} runs, and {MOST_CELLS:,} are the most")
    return Sweep(
        base=base,
        points=points,
        seeds=numbers,
        splits=document.splits,
        baseline=document.baseline,
        metric=document.metric,
        metrics=tuple(one for one in document.metrics if one != document.metric),
        test=document.test,
        margin=document.margin,
        axes=found.settled(),
        trials=document.trials,
        repeats=document.repeats,
        written=_written(document, base, swept),
        folder=source.folder,
        name=path.stem,
    )


def _numbers(seeds: int | tuple[int, ...] | None, splits: Splits | None) -> tuple[int, ...]:
    """The seeds; with a number of splits, as many as there are on each. Raises ConfigError."""
    if isinstance(splits, int) and isinstance(seeds, tuple):
        fact = f"a list beside {splits} splits, and no seed may be on two splits"
        raise ConfigError("seeds", fact, "Say how many each split has, such as 3; or give splits: each.")
    if seeds is None:
        seeds = 1 if isinstance(splits, int) else SEEDS
    numbers = tuple(range(seeds)) if isinstance(seeds, int) else seeds
    if len(set(numbers)) < len(numbers) or not numbers:
        raise ConfigError("seeds", "must be different numbers, at least one", "Such as seeds: 10 or seeds: [0, 1, 2].")
    return numbers


def _axes(tree: Node, document: Document, swept: Mapping[str, Swept], mistakes: Mistakes) -> Axes:
    """Grid, zip and random key by key; what the command line sweeps replaces what the file says."""

    def blocks(node: Node | None) -> dict[str, Node]:
        found = node.value if node is not None and isinstance(node.value, dict) else {}
        return {key: one for key, one in found.items() if key not in swept}

    parts: dict[str, Node] = tree.value if isinstance(tree.value, dict) else {}
    drawn = parts["random"].value if document.random is not None else {}
    assert isinstance(drawn, dict)
    zips = {key: axes.values_of(node, mistakes, f"zip.{key}") for key, node in blocks(parts.get("zip")).items()}
    found = Axes(
        tuple(Setting(key, plain(node), str(node.place)) for key, node in blocks(parts.get("set")).items()),
        {key: axes.values_of(node, mistakes, f"grid.{key}") for key, node in blocks(parts.get("grid")).items()}
        | {key: values for key, values in swept.items() if isinstance(values, list)},
        axes.together(zips, tree.place, mistakes),
        blocks(drawn.get("draw")) | {key: law for key, law in swept.items() if isinstance(law, Node)},
    )
    names = [*(setting.key for setting in found.fixed), *found.grid, *zips, *found.laws]
    for name in sorted({name for name in names if names.count(name) > 1}):
        mistakes.add(tree.place, name, "is swept twice", "Leave it in one of set, grid, zip and random.")
    return found


def _points(asked: Axes, tree: Node, document: Document, mistakes: Mistakes) -> tuple[Point, ...]:
    """Every point of grid, zip and random together."""
    count = math.prod(map(len, asked.grid.values())) * max(1, len(asked.rows))
    if document.random is not None:
        count *= document.random.count
    if count > MOST_CELLS:  # before any of them is made
        raise ConfigError(str(tree.place), f"{count:,} combinations, and {MOST_CELLS:,} are the most")
    parts = [axes.grid(asked.grid), asked.rows]
    if document.random is not None:
        parts.append(axes.drawn(asked.laws, document.random.count, document.random.seed, mistakes))
    elif asked.laws:
        key, law = next(iter(asked.laws.items()))
        fact = "is to be drawn, and it is not said how often"
        mistakes.add(law.place, key, fact, "Give random: {count, draw} in a sweep file; `dropout tune` needs no count.")
    return tuple(tuple(itertools.chain(asked.fixed, *point)) for point in itertools.product(*parts))


def _written(document: Document, base: Path, swept: Mapping[str, Swept]) -> dict[str, Any]:
    """The keys of a file that says the same again."""
    values = {one.name: getattr(document, one.name) for one in fields(document)}
    values["base"] = str(base.resolve())
    for part in ("set", "grid", "zip"):
        values[part] = {key: value for key, value in values[part].items() if key not in swept}
    values["grid"] |= {key: [value for value, _ in found] for key, found in swept.items() if isinstance(found, list)}
    random: dict[str, Any] = {"count": document.trials, "draw": {}}
    if document.random is not None:
        random = vars(document.random)
    draw = {key: law for key, law in random["draw"].items() if key not in swept}
    draw |= {key: plain(law) for key, law in swept.items() if isinstance(law, Node)}
    values["random"] = random | {"draw": draw} if draw else None
    values["seeds"] = list(document.seeds) if isinstance(document.seeds, tuple) else document.seeds
    values["metrics"] = list(document.metrics) or None
    for name in ("trials", "repeats", "test"):
        if values[name] == getattr(Document, name):
            values[name] = None
    return values
