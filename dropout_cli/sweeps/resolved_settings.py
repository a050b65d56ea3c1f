"""Experiments that are resolved and checked on all their splits before training starts."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from dropout_cli.config.schema import Experiment
from dropout_cli.data import DatasetLoader, Source, load_dataset
from dropout_cli.sweeps.replicates import Replicate
from dropout_cli.training.auto_values import check_experiment


@dataclass(frozen=True)
class ResolvedSetting:
    """An experiment with every `auto` replaced, for each split and fold that it is trained on."""

    on: dict[tuple[int, int], Experiment]
    """Split seed and fold -> the experiment."""
    varying: tuple[str, ...]
    """The parts of the data that depend on the split seed."""

    @property
    def first(self) -> Experiment:
        """The experiment for the first replicate."""
        return next(iter(self.on.values()))

    def for_replicate(self, replicate: Replicate) -> Experiment:
        """Return the experiment for a replicate."""
        # If no part depends on the split seed, one resolved experiment serves for all splits.
        seed, split_seed, fold = replicate
        found = self.on[split_seed, fold] if self.varying else self.first
        return replace(found, seed=seed, dataset=replace(found.dataset, split_seed=split_seed))


def resolve_settings(
    experiments: Sequence[Experiment], replicates: Sequence[Sequence[Replicate]]
) -> list[ResolvedSetting]:
    """Resolve each experiment for the splits of its replicates.

    Args:
        experiments: The experiments.
        replicates: The replicates of each experiment; their seeds do not matter here.

    Raises:
        ConfigError: An experiment does not fit its data.
        DataError: The data cannot be read.
    """
    # Experiments are grouped by their data, so that no data are read twice.
    alike: dict[Source, list[int]] = {}
    for place, experiment in enumerate(experiments):
        alike.setdefault(replace(experiment.dataset, split_seed=0, fold=0), []).append(place)
    found: dict[int, ResolvedSetting] = {}
    for source, places in alike.items():
        users: dict[tuple[int, int], dict[int, None]] = {}
        for place in places:
            for replicate in replicates[place]:
                users.setdefault(replicate[1:], {}).setdefault(place)
        read, dataset = DatasetLoader().load if len(users) > 1 else load_dataset, None
        for (split_seed, fold), using in users.items():
            if dataset is None or dataset.varying_parts:
                dataset = None  # frees the memory of the previous split first
                dataset = read(replace(source, split_seed=split_seed, fold=fold))
            for place in using:
                divided = replace(experiments[place].dataset, split_seed=split_seed, fold=fold)
                checked = check_experiment(replace(experiments[place], dataset=divided), dataset)
                found.setdefault(place, ResolvedSetting({}, dataset.varying_parts)).on[split_seed, fold] = checked
    return [found[place] for place in range(len(experiments))]
