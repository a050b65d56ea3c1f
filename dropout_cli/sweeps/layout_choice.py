"""The choice of a sweep's layout: how its runs are distributed over seeds and splits.

It depends on the options, on the plan stored in the folder, on the objective, and on the data.
"""

from collections.abc import Sequence
from dataclasses import replace

from dropout_cli.config.schema import Experiment, StreamSeeds
from dropout_cli.core.errors import ConfigError
from dropout_cli.data import DATASETS
from dropout_cli.objectives.distillation import Distillation
from dropout_cli.sweeps import stored_plan
from dropout_cli.sweeps.axes import Point, Setting
from dropout_cli.sweeps.folder import SweepFolder
from dropout_cli.sweeps.options import MOST_CELLS
from dropout_cli.sweeps.replicates import EACH, FOLD, SAME, SEED, Replicate, Splits, lay_out
from dropout_cli.sweeps.resolved_settings import ResolvedSetting
from dropout_cli.sweeps.spec import Sweep

TAUGHT = "on other splits, the teacher would have been trained on test examples"


def keep_layout(sweep: Sweep, *folders: SweepFolder) -> Sweep:
    """Return the sweep with the layout of the plan in a folder, unless it has its own.

    Args:
        sweep: The sweep.
        folders: Sweep folders; the first one with a plan counts.

    Raises:
        UsageError: The plan of a folder is damaged.
    """
    if sweep.splits is not None or sweep.axes.chooses_splits() is not None:
        return sweep
    stored = next((plan for folder in folders if (plan := stored_plan.read_plan(folder)) is not None), None)
    if stored is None or stored.splits == EACH:
        return sweep
    return replace(sweep.with_splits(stored.splits), begun=stored.splits)


def allowed_splits(sweep: Sweep, experiments: Sequence[Experiment]) -> tuple[Splits, list[str]]:
    """Return the layout before the data are read, and the reasons if it is not the usual one.

    Raises:
        ConfigError: Splits would vary, although a teacher was trained on one of them.
    """
    if sweep.axes.chooses_splits() is not None:
        return SAME, []
    if any(map(_is_taught, experiments)):
        if sweep.begun is None and sweep.splits not in (None, SAME):
            fact = f"{sweep.splits} is not possible with objective: distillation, because {TAUGHT}"
            raise ConfigError("splits", fact, "Leave it out, or use splits: same.")
        return SAME, [f"objective.teacher: {TAUGHT}, so all runs share one split."] if sweep.splits is None else []
    if sweep.splits is None and any(one.training.init_from is not None for one in experiments):
        fact = "the initial weights may come from a run that was trained on one split"
        way_out = "If the weights come from other data, use --splits each"
        return SAME, [f"training.init_from: {fact}, so all runs share one split. {way_out}."]
    return sweep.splits or EACH, []


def settle_splits(splits: Splits, sweep: Sweep, resolved: Sequence[ResolvedSetting]) -> tuple[Splits, list[str]]:
    """Return the layout that the data allow, and messages on predefined parts.

    Args:
        splits: The layout from `allowed_splits`.
        sweep: The sweep.
        resolved: Its resolved settings.

    Raises:
        ConfigError: `splits` is a number, and all parts are predefined.
    """
    if splits == SAME:
        return SAME, []
    given = {DATASETS.name_of(type(one.first.dataset)): one.varying for one in resolved if "test" not in one.varying}
    if not any(one.varying for one in resolved):
        if isinstance(splits, int) and sweep.begun is None:
            fact = f"{splits} is not possible, because the data define all parts"
            raise ConfigError("splits", fact, "Leave it out, or use splits: same.")
        return SAME, [f"dataset: {' and '.join(given)}: the data define all parts, so all runs share one split."]
    return splits, [
        f"dataset: {name}: the test part is fixed; the training and validation parts vary."
        if varying
        else f"dataset: {name}: all parts are fixed; only the seeds vary."
        for name, varying in given.items()
    ]


def fixed_stream_messages(sweep: Sweep, experiments: Sequence[Experiment]) -> list[str]:
    """Return a message about random streams that do not vary with the seeds of the runs.

    Args:
        sweep: The sweep.
        experiments: Its experiments.
    """
    seeds = {name: {getattr(one.streams, name) for one in experiments} for name in vars(StreamSeeds())}
    fixed = [f"streams.{name}" for name, found in seeds.items() if len(found) == 1 and None not in found]
    if not fixed or len(sweep.seeds) < 2:
        return []
    names, verb = " and ".join(fixed), "is" if len(fixed) == 1 else "are"
    return [f"{names} {verb} fixed: these draws are the same in all runs, whatever their seed."]


def default_replicates(sweep: Sweep, experiments: Sequence[Experiment], resolved: Sequence[ResolvedSetting]) -> Splits:
    """Return the layout that the sweep would have in a new folder without `splits`."""
    undecided = replace(sweep, splits=None, begun=None)
    return settle_splits(allowed_splits(undecided, experiments)[0], undecided, resolved)[0]


def make_replicates(
    sweep: Sweep, splits: Splits, points: Sequence[Point], experiments: Sequence[Experiment]
) -> list[list[Replicate]]:
    """Return the replicates of each point.

    With folds, there is a replicate per fold, unless the point sets the fold. A student has only the fold of its
    config, on which the teacher was trained.

    Args:
        sweep: The sweep.
        splits: Its layout.
        points: Its points.
        experiments: The experiment of each point.

    Raises:
        ConfigError: There are too many runs.
    """
    found = []
    for point, one in zip(points, experiments, strict=True):
        base, folds = one.dataset.split_seed, range(one.dataset.folds or 1)
        its = lay_out(splits, sweep.seeds, split_seed=base, first=sweep.first)
        # A swept seed is the only seed of its point.
        if any(setting.key == SEED for setting in point):
            its = [Replicate(one.seed, base)]
        # The teacher was trained on the other folds, and a fold that is set is the only one wanted.
        if _is_taught(one) or any(map(_sets_fold, point)):
            folds = range(one.dataset.fold, one.dataset.fold + 1)
        found.append([replicate._replace(fold=fold) for replicate in its for fold in folds])
    runs = sum(map(len, found))
    if runs > MOST_CELLS:
        raise ConfigError(
            str(sweep.base), f"{runs:,} runs are too many; the maximum is {MOST_CELLS:,}", "Give fewer values or seeds."
        )
    return found


def _is_taught(experiment: Experiment) -> bool:
    """Return True for a student: its teacher was trained on one split."""
    return isinstance(experiment.objective, Distillation)


def _sets_fold(setting: Setting) -> bool:
    """Return True if the setting chooses the fold that is the test part."""
    inner = setting.key == "dataset" and isinstance(setting.value, dict) and "fold" in setting.value
    return inner or setting.key == FOLD
