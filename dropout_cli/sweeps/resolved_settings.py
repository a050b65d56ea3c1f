"""Experiments resolved on their data: each is checked on every split that it is trained on, before a run starts."""

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
    """The parts of its data that change with the split seed."""

    @property
    def first(self) -> Experiment:
        """For its first replicate."""
        return next(iter(self.on.values()))

    def for_replicate(self, replicate: Replicate) -> Experiment:
        """For a replicate; where nothing varies with the split seed, it may be one that was not resolved."""
        seed, split_seed, fold = replicate
        found = self.on[split_seed, fold] if self.varying else self.first
        return replace(found, seed=seed, dataset=replace(found.dataset, split_seed=split_seed))


def resolve_settings(
    experiments: Sequence[Experiment], replicates: Sequence[Sequence[Replicate]]
) -> list[ResolvedSetting]:
    """Resolve each experiment for its replicates; their seeds do not matter for that.

    All experiments on the same data are resolved, split after split, before other data are read, so that none are read
    twice. Raises ConfigError or DataError.
    """
    alike: dict[Source, list[int]] = {}
    for place, experiment in enumerate(experiments):
        alike.setdefault(replace(experiment.dataset, split_seed=0, fold=0), []).append(place)
    found: dict[int, ResolvedSetting] = {}
    for source, places in alike.items():
        users: dict[tuple[int, int], dict[int, None]] = {}
        for place in places:
            for one in replicates[place]:
                users.setdefault(one[1:], {}).setdefault(place)
        read, dataset = DatasetLoader().load if len(users) > 1 else load_dataset, None
        for (split_seed, fold), using in users.items():
            if dataset is None or dataset.varying_parts:
                dataset = None  # so that no two splits are in memory at once
                dataset = read(replace(source, split_seed=split_seed, fold=fold))
            for place in using:
                divided = replace(experiments[place].dataset, split_seed=split_seed, fold=fold)
                checked = check_experiment(replace(experiments[place], dataset=divided), dataset)
                found.setdefault(place, ResolvedSetting({}, dataset.varying_parts)).on[split_seed, fold] = checked
    return [found[place] for place in range(len(experiments))]
