"""From what was asked for to cells: every run resolved, checked and named before the first one starts."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from dropout_cli import config
from dropout_cli.config.declarations import block_keys
from dropout_cli.config.error_collector import shorten
from dropout_cli.config.schema import Experiment
from dropout_cli.core.dotted import last_name, value_at
from dropout_cli.core.errors import ConfigError, Problem
from dropout_cli.core.registry import did_you_mean
from dropout_cli.metrics import DEFAULT_METRIC, comparable_metrics, metric_name
from dropout_cli.sweeps import layout_choice, resolved_settings
from dropout_cli.sweeps.axes import DISTRIBUTIONS, Point, Setting
from dropout_cli.sweeps.replicates import REPLICATES, SEED, Replicate, Splits
from dropout_cli.sweeps.spec import Sweep
from dropout_cli.training.auto_values import DEFAULT_BATCH_SIZE

CELL_FORMAT = 1
"""A part of every cell's name. It never changes, since another value would orphan the cells of every sweep."""
USUAL = {"training.batch_size": DEFAULT_BATCH_SIZE}
"""Key -> the usual value of its default `auto`; a cell with this value counts as one with the default."""
MACHINE = ("training.threads", "dataset.fingerprint", "yardstick")
"""Keys that do not belong to what a cell is."""


@dataclass(frozen=True)
class PlannedGroup:
    """Runs that differ in seed, split and fold alone."""

    values: dict[str, Any]
    """Swept key -> value, in the plan's order; None where the group has no such key."""
    config: dict[str, Any]
    """Of its first cell."""


@dataclass(frozen=True)
class Cell:
    """One run to be trained."""

    id: str
    group: int
    experiment: Experiment
    """Resolved."""

    @property
    def replicate(self) -> Replicate:
        """Seed, split and fold: cells of two groups that share them make a pair."""
        dataset = self.experiment.dataset
        return Replicate(self.experiment.seed, dataset.split_seed, dataset.fold)


@dataclass(frozen=True)
class SweepPlan:
    """All cells of a sweep."""

    keys: tuple[str, ...]
    """The swept keys whose values tell groups apart."""
    groups: tuple[PlannedGroup, ...]
    cells: tuple[Cell, ...]
    skipped: int
    """Points at which some swept key was left out, because what another key chose has no such key."""
    merged: int
    """Points that are the same as another one."""
    splits: Splits
    """The layout of the replicates."""
    reasons: tuple[str, ...] = ()
    """Why the layout is not the usual one, or what of the data does not vary with it, a sentence each."""
    goes_on: bool = False
    """Whether the layout is that of the sweep in the folder, and a new sweep would have another."""


def make_plan(sweep: Sweep) -> SweepPlan:
    """Resolve every cell. Raises ConfigError, with the place in the sweep's file, or DataError."""
    planner = _Planner(sweep)
    points = [planner.taken(point) for point in sweep.points]
    planner.check_all_taken()
    experiments = [planner.experiment(point) for point in points]
    wanted, reasons = layout_choice.allowed_splits(sweep, experiments)
    replicates = layout_choice.make_replicates(sweep, wanted, points, experiments)
    resolved = resolved_settings.resolve_settings(experiments, replicates)
    splits, given = layout_choice.settle_splits(wanted, sweep, resolved)
    if splits != wanted:
        replicates = layout_choice.make_replicates(sweep, splits, points, experiments)
    groups: dict[str, PlannedGroup] = {}
    cells: dict[str, Cell] = {}
    merged = 0
    for found, its in zip(resolved, replicates, strict=True):
        first = replace(found.first, seed=0, dataset=replace(found.first.dataset, split_seed=0, fold=0))
        group = _identity(first, planner.touched)
        if group not in groups:
            values = config.to_dict(found.for_replicate(its[0]))
            groups[group] = PlannedGroup({key: value_at(values, key) for key in planner.touched}, values)
        new = False
        for one in map(found.for_replicate, its):
            cell = Cell(_identity(one, planner.touched), list(groups).index(group), one)
            new |= cell.id not in cells
            cells.setdefault(cell.id, cell)
        merged += not new
    _must_have((sweep.metric, *sweep.metrics), [cell.experiment for cell in cells.values()])
    varying = tuple(
        key
        for key in planner.touched
        if key not in REPLICATES and len({json.dumps(group.values[key]) for group in groups.values()}) > 1
    )
    shown = tuple(PlannedGroup({key: one.values[key] for key in varying}, one.config) for one in groups.values())
    goes_on = sweep.begun is not None and layout_choice.default_replicates(sweep, experiments, resolved) != splits
    messages = (*reasons, *given)
    return SweepPlan(varying, shown, tuple(cells.values()), planner.skipped, merged, splits, messages, goes_on)


def _must_have(metrics: Sequence[str], experiments: Sequence[Experiment]) -> None:
    """Raise ConfigError where no run will have one of the metrics, since it is a number of another task.

    The default is taken for whatever the runs have in its place.
    """
    tasks = {experiment.objective.task for experiment in experiments}
    known = [number for task in sorted(tasks) for number in comparable_metrics(task)]
    for metric in metrics:
        if known and metric != DEFAULT_METRIC and metric_name(metric) not in known:
            way_out = f"Choose from: {', '.join(dict.fromkeys(known))}."
            raise ConfigError("metric", f"'{metric}' is no number of a {' or '.join(sorted(tasks))}", way_out)


def variant_takes(sweep: Sweep, chosen: Point, key: str) -> bool:
    """Whether there is such a key, given what is `chosen`. Raises ConfigError where that does not work."""
    return _takes(_Planner(sweep).chosen(chosen), key)


def is_choice(setting: Setting) -> bool:
    """Whether other keys may exist or not because of this one."""
    return "." not in setting.key or _is_tag(setting.key) or isinstance(setting.value, dict | str)


class _Planner:
    """Remembers what has been read, since points share most of it."""

    def __init__(self, sweep: Sweep) -> None:
        self.skipped = 0
        self.touched: dict[str, None] = {}
        """Dotted leaf keys that some point sets."""
        self._sweep = sweep
        self._never_taken = {setting.key: setting for point in sweep.points[:1] for setting in point}
        self._chosen: dict[tuple[str, ...], Experiment] = {}

    def taken(self, point: Point) -> Point:
        """The point without keys that what it chooses does not have."""
        choosing = tuple(one for one in point if is_choice(one))
        chosen = self.chosen(choosing)
        taken = tuple(one for one in point if one in choosing or _takes(chosen, one.key))
        self.skipped += len(taken) < len(point)
        for one in taken:
            self._never_taken.pop(one.key, None)
        return taken

    def chosen(self, choosing: Point) -> Experiment:
        """The base with settings that decide which other keys there are."""
        texts = tuple(one.override for one in choosing)
        if texts not in self._chosen:
            self._chosen[texts] = self._load(choosing)
        return self._chosen[texts]

    def check_all_taken(self) -> None:
        """Raise ConfigError for a key that no point takes."""
        for setting in self._never_taken.values():
            self._load((setting,))

    def experiment(self, point: Point) -> Experiment:
        """Return the experiment of a point, unresolved except for its threads: one, since cells share the cores."""
        experiment = self._load(point)
        values = config.to_dict(experiment)
        for setting in point:
            for key in _leaves(setting, values):
                self.touched.setdefault(key)
        threads = 1 if experiment.training.threads == "auto" else experiment.training.threads
        return replace(experiment, training=replace(experiment.training, threads=threads))

    def _load(self, settings: Point) -> Experiment:
        """The base with the settings. Raises ConfigError, its places those of the settings."""
        texts = [setting.override for setting in settings]
        anew = [setting.key for setting in settings if not _is_tag(setting.key)]
        try:
            return config.load_config(
                self._sweep.base, texts, folder=self._sweep.folder, replace_blocks=anew
            ).experiment
        except ConfigError as error:
            places = {shorten(setting.override): setting for setting in settings}
            raise ConfigError.from_problems(_placed(error.problems, places)) from None


def _placed(problems: Sequence[Problem], settings: dict[str, Setting]) -> Iterator[Problem]:
    for problem in problems:
        setting = settings.get(problem.place)
        if setting is None:
            yield problem
        else:
            fact = problem.fact if problem.fact.startswith(setting.key) else f"{setting.key}: {problem.fact}"
            yield Problem(setting.place, fact, problem.way_out or _of_mapping(setting, problem.fact))


def _of_mapping(setting: Setting, fact: str) -> str:
    """Return a hint for a mapping in the place of a value: it may mean a distribution."""
    if not fact.endswith("got a mapping") or not isinstance(setting.value, dict):
        return ""
    near = next(filter(None, (did_you_mean(str(name), [*DISTRIBUTIONS]) for name in setting.value)), "")
    names = f"{', '.join(DISTRIBUTIONS[:-1])} or {DISTRIBUTIONS[-1]}"
    return f"{near} To be drawn, it takes {names} with a list, as {{uniform: [0, 1]}}".strip()


def _is_tag(key: str) -> bool:
    return last_name(key) in ("variant", "name")


def _takes(experiment: Experiment, key: str) -> bool:
    """Whether there is such a key, given what is chosen; what stands below an empty block is for `load` to judge."""
    found: Any = experiment
    *blocks, last = key.split(".")
    for name in blocks:
        if not hasattr(found, name):
            return False
        found = getattr(found, name)
        if found is None or isinstance(found, str):
            return True
    return last in block_keys(type(found)) or _is_tag(last)


def _leaves(setting: Setting, values: dict[str, Any]) -> Iterator[str]:
    """The leaf keys that a setting sets."""
    found = value_at(values, setting.key)
    if not isinstance(found, dict):
        yield setting.key
    elif isinstance(setting.value, dict):
        tags = [name for name in found if _is_tag(name) and name not in setting.value]
        for name in [*tags, *setting.value]:
            yield from _leaves(Setting(f"{setting.key}.{name}", setting.value.get(name), ""), values)
    else:
        yield f"{setting.key}.{next(iter(found))}"


def _identity(experiment: Experiment, swept: dict[str, None]) -> str:
    """Return the id of a cell: 12 hex digits over all that differs from the defaults, without threads and paths.

    A swept path counts: it is what tells the cells apart.
    """
    facts = {"format": CELL_FORMAT, "config": _differing(experiment, "", swept), SEED: experiment.seed}
    text = json.dumps(facts, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _differing(block: Any, path: str, swept: dict[str, None]) -> dict[str, Any]:
    """The keys whose values are not the defaults; a block that differs says what it is."""
    found: dict[str, Any] = {}
    for name, key in block_keys(type(block)).items():
        inner, value = f"{path}.{name}" if path else name, getattr(block, name)
        if (
            value in (key.default(), USUAL.get(inner, key.default()))
            or inner in MACHINE
            or (key.is_path and inner not in swept)
        ):
            continue
        if key.registry is not None and not isinstance(value, str | None):
            found[name] = {key.registry.tag: key.registry.name_of(type(value)), **_differing(value, inner, swept)}
        elif key.block is not None and not isinstance(value, str | None):
            found[name] = _differing(value, inner, swept)
        else:
            found[name] = config.to_plain(value)
    return found
