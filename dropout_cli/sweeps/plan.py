"""The plan of a sweep: every run is resolved, checked and named before training starts.

A planned run is a cell of the sweep.
"""

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
from dropout_cli.sweeps.replicates import REPLICATES, Replicate, Splits
from dropout_cli.sweeps.run_identity import identify_run
from dropout_cli.sweeps.spec import Sweep


@dataclass(frozen=True)
class PlannedGroup:
    """Runs that differ only in seed, split and fold."""

    values: dict[str, Any]
    """Swept key -> value, in the order of the plan; None if the group has no such key."""
    config: dict[str, Any]
    """The resolved config of its first run."""


@dataclass(frozen=True)
class Cell:
    """A planned run."""

    id: str
    group: int
    experiment: Experiment
    """The experiment, with every `auto` replaced."""

    @property
    def replicate(self) -> Replicate:
        """Seed, split and fold; runs of two groups with the same replicate form a pair."""
        dataset = self.experiment.dataset
        return Replicate(self.experiment.seed, dataset.split_seed, dataset.fold)


@dataclass(frozen=True)
class SweepPlan:
    """The plan of a sweep: all its runs."""

    keys: tuple[str, ...]
    """The swept keys whose values differ between groups."""
    groups: tuple[PlannedGroup, ...]
    cells: tuple[Cell, ...]
    skipped: int
    """The number of points without some swept key, which the chosen block does not have (such as a rate of `none`)."""
    merged: int
    """The number of points that give the same config as an earlier one."""
    splits: Splits
    """The layout of the replicates."""
    reasons: tuple[str, ...] = ()
    """Sentences on why the layout is not the usual one, and on which parts of the data are fixed."""
    runs_of_points: tuple[tuple[str, ...], ...] = ()
    """The ids of the runs of each point of the sweep."""
    goes_on: bool = False
    """True if the layout is kept from the sweep in the folder, although a new sweep would have a different one."""


def make_plan(sweep: Sweep) -> SweepPlan:
    """Resolve, check and name every run of a sweep.

    Args:
        sweep: The specification of the sweep.

    Raises:
        ConfigError: A combination of values is not valid; the message has the place in the sweep's file.
        DataError: The data cannot be read.
    """
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
    runs_of_points = []
    for found, its in zip(resolved, replicates, strict=True):
        # Runs of a group differ only in seed, split and fold, so these are set to 0 in its identity.
        first = replace(found.first, seed=0, dataset=replace(found.first.dataset, split_seed=0, fold=0))
        group = identify_run(first, planner.touched)
        if group not in groups:
            values = config.to_dict(found.for_replicate(its[0]))
            groups[group] = PlannedGroup({key: value_at(values, key) for key in planner.touched}, values)
        new, ids = False, []
        for one in map(found.for_replicate, its):
            cell = Cell(identify_run(one, planner.touched), list(groups).index(group), one)
            new |= cell.id not in cells
            cells.setdefault(cell.id, cell)
            ids.append(cell.id)
        merged += not new
        runs_of_points.append(tuple(ids))
    _must_have((sweep.metric, *sweep.metrics), [cell.experiment for cell in cells.values()])
    varying = tuple(
        key
        for key in planner.touched
        if key not in REPLICATES and len({json.dumps(group.values[key]) for group in groups.values()}) > 1
    )
    shown = tuple(PlannedGroup({key: one.values[key] for key in varying}, one.config) for one in groups.values())
    goes_on = sweep.begun is not None and layout_choice.default_replicates(sweep, experiments, resolved) != splits
    messages = (*reasons, *given, *layout_choice.fixed_stream_messages(sweep, experiments))
    return SweepPlan(
        keys=varying,
        groups=shown,
        cells=tuple(cells.values()),
        skipped=planner.skipped,
        merged=merged,
        splits=splits,
        reasons=messages,
        runs_of_points=tuple(runs_of_points),
        goes_on=goes_on,
    )


def _must_have(metrics: Sequence[str], experiments: Sequence[Experiment]) -> None:
    """Raise ConfigError for a metric that belongs to a different task."""
    # The default metric is always accepted: for a regression, it stands for test.rmse.
    tasks = {experiment.objective.task for experiment in experiments}
    known = [number for task in sorted(tasks) for number in comparable_metrics(task)]
    for metric in metrics:
        if known and metric != DEFAULT_METRIC and metric_name(metric) not in known:
            way_out = f"Choose from: {', '.join(dict.fromkeys(known))}."
            raise ConfigError("metric", f"'{metric}' is not a metric of a {' or '.join(sorted(tasks))}", way_out)


def variant_takes(sweep: Sweep, chosen: Point, key: str) -> bool:
    """Return True if the config has a key, given some settings.

    Args:
        sweep: The specification of the sweep.
        chosen: The settings that decide which keys there are.
        key: The dotted key.

    Raises:
        ConfigError: The settings are not valid.
    """
    return _takes(_Planner(sweep).chosen(chosen), key)


def is_choice(setting: Setting) -> bool:
    """Return True if the setting can decide which other keys exist."""
    return "." not in setting.key or _is_tag(setting.key) or isinstance(setting.value, dict | str)


class _Planner:
    """Loader of the points of a sweep."""

    # It keeps configs that it has loaded, because many points choose the same blocks.

    def __init__(self, sweep: Sweep) -> None:
        self.skipped = 0
        self.touched: dict[str, None] = {}
        """Dotted leaf keys that some point sets."""
        self._sweep = sweep
        self._never_taken = {setting.key: setting for point in sweep.points[:1] for setting in point}
        self._chosen: dict[tuple[str, ...], Experiment] = {}

    def taken(self, point: Point) -> Point:
        """Return the point without keys that do not exist in its blocks."""
        choosing = tuple(one for one in point if is_choice(one))
        chosen = self.chosen(choosing)
        taken = tuple(one for one in point if one in choosing or _takes(chosen, one.key))
        self.skipped += len(taken) < len(point)
        for one in taken:
            self._never_taken.pop(one.key, None)
        return taken

    def chosen(self, choosing: Point) -> Experiment:
        """Return the base config with the settings that decide which other keys exist."""
        texts = tuple(one.override for one in choosing)
        if texts not in self._chosen:
            self._chosen[texts] = self._load(choosing)
        return self._chosen[texts]

    def check_all_taken(self) -> None:
        """Raise ConfigError for a key that no point takes."""
        for setting in self._never_taken.values():
            self._load((setting,))

    def experiment(self, point: Point) -> Experiment:
        """Return the experiment of a point, in which only `threads: auto` is resolved."""
        experiment = self._load(point)
        values = config.to_dict(experiment)
        for setting in point:
            for key in _leaves(setting, values):
                self.touched.setdefault(key)
        # One thread per run, because a sweep trains as many runs at a time as there are cores.
        threads = 1 if experiment.training.threads == "auto" else experiment.training.threads
        return replace(experiment, training=replace(experiment.training, threads=threads))

    def _load(self, settings: Point) -> Experiment:
        """Return the base config with some settings; a ConfigError has their places."""
        sweep, texts = self._sweep, [setting.override for setting in settings]
        # `dropout.variant: x` keeps the other keys of its block, whereas `dropout: {...}` replaces the block.
        replaced = [setting.key for setting in settings if not _is_tag(setting.key)]
        try:
            return config.load_config(
                sweep.base, texts, text=sweep.base_text, folder=sweep.folder, replace_blocks=replaced
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
    """Return a hint for a mapping in place of a value, which may be meant as a distribution."""
    if not fact.endswith("got a mapping") or not isinstance(setting.value, dict):
        return ""
    near = next(filter(None, (did_you_mean(str(name), [*DISTRIBUTIONS]) for name in setting.value)), "")
    names = f"{', '.join(DISTRIBUTIONS[:-1])} or {DISTRIBUTIONS[-1]}"
    return f"{near} To draw values at random, write {names} with its parameters, such as {{uniform: [0, 1]}}.".strip()


def _is_tag(key: str) -> bool:
    return last_name(key) in ("variant", "name")


def _takes(experiment: Experiment, key: str) -> bool:
    """Return True if the experiment has the dotted key."""
    found: Any = experiment
    *blocks, last = key.split(".")
    for name in blocks:
        if not hasattr(found, name):
            return False
        found = getattr(found, name)
        if found is None or isinstance(found, str):
            # The block is null or `auto`. Whether it may have the key is checked when the config is loaded.
            return True
    return last in block_keys(type(found)) or _is_tag(last)


def _leaves(setting: Setting, values: dict[str, Any]) -> Iterator[str]:
    """Yield the dotted leaf keys that a setting sets."""
    found = value_at(values, setting.key)
    if not isinstance(found, dict):
        yield setting.key
    elif isinstance(setting.value, dict):
        tags = [name for name in found if _is_tag(name) and name not in setting.value]
        for name in [*tags, *setting.value]:
            yield from _leaves(Setting(f"{setting.key}.{name}", setting.value.get(name), ""), values)
    else:
        yield f"{setting.key}.{next(iter(found))}"
