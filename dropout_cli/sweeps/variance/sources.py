"""The sources of randomness of an experiment, and the sweep that varies them together."""

from dataclasses import replace

from dropout_cli.config.schema import Experiment
from dropout_cli.core.errors import UsageError
from dropout_cli.data import DATASETS
from dropout_cli.metrics import DEFAULT_METRIC, metric_part
from dropout_cli.objectives.distillation import Distillation
from dropout_cli.statistics.variance_components import orthogonal_array
from dropout_cli.sweeps.axes import Axes, Setting
from dropout_cli.sweeps.replicates import FOLD, SAME, SPLIT_SEED
from dropout_cli.sweeps.spec import Sweep
from dropout_cli.sweeps.variance.design import SOURCE_NAMES, VarianceDesign
from dropout_cli.training.setup import PreparedExperiment, prepare


def find_sources(experiment: Experiment, metric: str = DEFAULT_METRIC) -> tuple[list[str], list[str]]:
    """Return the keys of the sources that can change a run, and a sentence about each one that cannot.

    Args:
        experiment: The experiment; its data are read.
        metric: The metric of the study.

    Raises:
        ConfigError: The config does not fit the data.
        DataError: Data are missing or have changed.
        UsageError: There are fewer than two sources, or no validation part for a validation metric.
    """
    prepared = prepare(experiment)
    if metric_part(metric) == "val" and prepared.dataset.val is None:
        raise UsageError("--metric", f"{metric} needs a validation part", "Set dataset.val_fraction above 0.")
    reasons = {
        "streams.noise": None if _draws_noise(prepared) else "the network draws no noise in training",
        "streams.augment": None if experiment.dataset.augment else "the config does not augment images",
    }
    for key in (key for key in SOURCE_NAMES if key != SPLIT_SEED):
        name = key.partition(".")[2]
        if getattr(experiment.streams, name) is not None:
            reasons[key] = f"the config fixes {key}"
    fixed, remark = _about_split(prepared)
    reasons[SPLIT_SEED] = fixed
    keys = [key for key in SOURCE_NAMES if reasons.get(key) is None]
    left_out = [f"{SOURCE_NAMES[key].capitalize()}: left out, because {why}." for key, why in reasons.items() if why]
    if len(keys) < 2:
        fact = f"needs at least two sources of randomness, but this config has {len(keys)}"
        is_fixed = any(getattr(experiment.streams, key.partition(".")[2], None) is not None for key in SOURCE_NAMES)
        way_out = (
            "Remove the seeds under streams." if is_fixed else "Use dropout, augmentation, or data without fixed parts."
        )
        raise UsageError("variance", fact, f"{' '.join(left_out)} {way_out}")
    return keys, [*left_out, *([remark] if remark else [])]


def _draws_noise(prepared: PreparedExperiment) -> bool:
    """Return True if the network draws noise in a step at the start, in the middle or at the end."""
    network, settings = prepared.learner.network, prepared.experiment.training
    per_epoch = settings.steps_per_epoch or -(-len(prepared.dataset.train) // int(settings.batch_size))
    last = settings.epochs * per_epoch - 1
    drawn = []
    for step in (0, last // 2, last):
        network.set_step(step)
        drawn.append(network.draws())
    return any(drawn)


def _about_split(prepared: PreparedExperiment) -> tuple[str | None, str | None]:
    """Return why the split is no source, or None, and a remark on parts that it does not change."""
    experiment, varying = prepared.experiment, prepared.dataset.varying_parts
    if isinstance(experiment.objective, Distillation):
        return "the teacher was trained on this split", None
    if experiment.training.init_from is not None:
        return "the initial weights may come from a run that was trained on this split", None
    if not varying:
        return "the data define all parts", None
    if "test" in varying:
        return None, None
    name = DATASETS.name_of(type(experiment.dataset))
    fact = "the split decides which examples train and which validate"
    return None, f"dataset: {name}: the test part is fixed; {fact}."


def lay_out_variance(sweep: Sweep, experiment: Experiment, design: VarianceDesign) -> Sweep:
    """Return a sweep whose points are the runs of an orthogonal array.

    Level k of a source is the seed of the config plus k, so that level 0 of all sources is the config itself.

    Args:
        sweep: A sweep without swept keys.
        experiment: The experiment of its base.
        design: The levels and sources.
    """
    firsts = {key: experiment.dataset.split_seed if key == SPLIT_SEED else experiment.seed for key in design.keys}
    array = orthogonal_array(design.levels, len(design.keys)).tolist()
    columns = {
        key: [firsts[key] + level for level in levels]
        for key, levels in zip(design.keys, zip(*array, strict=True), strict=True)
    }
    # One fold is the test part in all runs; without this, each point would have a run for each fold.
    fixed = (Setting(FOLD, experiment.dataset.fold, FOLD),) if experiment.dataset.folds else ()
    rows = tuple(
        tuple(Setting(key, seed, key) for key, seed in zip(columns, seeds, strict=True))
        for seeds in zip(*columns.values(), strict=True)
    )
    written = {
        **sweep.written,
        "zip": columns,
        "seeds": [experiment.seed],
        "set": {one.key: one.value for one in fixed},
    }
    return replace(
        sweep,
        points=tuple((*fixed, *row) for row in rows),
        axes=Axes(fixed, {}, rows, {}),
        seeds=(experiment.seed,),
        splits=SAME,
        written=written,
    )
