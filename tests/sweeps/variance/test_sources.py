"""The sources of randomness of an experiment, and the runs that vary them together."""

import itertools
from dataclasses import replace
from pathlib import Path

import pytest

from dropout_cli import config
from dropout_cli.core.errors import UsageError
from dropout_cli.sweeps.plan import SweepPlan, make_plan
from dropout_cli.sweeps.sweep_file import load_sweep
from dropout_cli.sweeps.variance.design import VarianceDesign
from dropout_cli.sweeps.variance.sources import find_sources, lay_out_variance
from tests.commands import TINY

CNN = "architecture={name: cnn, layers: [conv 2 3x3, dense 4]}"


def sources(folder: Path, *overrides: str, text: str = TINY) -> tuple[list[str], list[str]]:
    """Return the keys and the sentences for the tiny config with overrides."""
    (folder / "tiny.yaml").write_text(text)
    return find_sources(config.load_config(folder / "tiny.yaml", overrides).experiment)


def planned(folder: Path, levels: int, *overrides: str) -> tuple[SweepPlan, VarianceDesign]:
    """Return the plan of a study of the tiny config."""
    keys, _ = sources(folder, *overrides)
    experiment = config.load_config(folder / "tiny.yaml", overrides).experiment
    design = VarianceDesign(levels, tuple(keys))
    sweep = load_sweep(folder / "base.yaml", text=config.to_yaml(experiment).encode())
    return make_plan(lay_out_variance(sweep, experiment, design)), design


def test_a_config_with_all_of_them_has_five_sources(tmp_path: Path) -> None:
    """Initial weights, batch order, dropout noise, augmentation and split; nothing is left out."""
    keys, messages = sources(tmp_path, CNN, "dataset.augment={shift: 1}")
    assert keys == ["streams.init", "streams.order", "streams.noise", "streams.augment", "dataset.split_seed"]
    assert messages == []


@pytest.mark.parametrize(
    ("overrides", "key", "sentence"),
    [
        (("dropout=none",), "streams.noise", "the network draws no noise in training"),
        (("dropout.rate=0",), "streams.noise", "the network draws no noise in training"),
        ((), "streams.augment", "the config does not augment images"),
        (("streams.init=3",), "streams.init", "the config fixes streams.init"),
        (("streams.noise=0",), "streams.noise", "the config fixes streams.noise"),
    ],
)
def test_a_source_that_changes_nothing_is_left_out(
    overrides: tuple[str, ...], key: str, sentence: str, tmp_path: Path
) -> None:
    """A sentence says why."""
    keys, messages = sources(tmp_path, *overrides)
    assert key not in keys and len(keys) >= 3
    assert any(f"left out, because {sentence}." in message for message in messages)


def test_other_noise_of_the_training_is_a_source_as_well(tmp_path: Path) -> None:
    """Hidden noise has the stream of the dropout noise."""
    keys, _ = sources(tmp_path, "dropout=none", "architecture.hidden_noise=0.1")
    assert "streams.noise" in keys


def test_a_split_without_effect_is_no_source(tmp_path: Path) -> None:
    """A table with a file for each part has no split; one with a test file varies training and validation."""
    rows = "".join(f"{n},{n % 7},{'ab'[n % 2]}\n" for n in range(60))
    for name in ("train", "test"):
        (tmp_path / f"{name}.csv").write_text(f"x,z,y\n{rows}")
    text = TINY.replace("digits", "{name: table, path: train.csv, target: y, test_path: test.csv, val_fraction: 0.2}")
    keys, messages = sources(tmp_path, "training.batch_size=16", text=text)
    assert "dataset.split_seed" in keys
    remark = "the test part is fixed; the split decides which examples train and which validate"
    assert f"dataset: table: {remark}." in messages
    keys, messages = sources(tmp_path, "training.batch_size=16", "dataset.val_fraction=0", text=text)
    assert "dataset.split_seed" not in keys
    assert "Split: left out, because the data define all parts." in messages


def test_a_single_source_is_refused(tmp_path: Path) -> None:
    """The message names what is left out."""
    with pytest.raises(UsageError, match=r"needs at least two sources of randomness, but this config has 1\. .*fixes"):
        sources(tmp_path, "streams={init: 0, order: 0, noise: 0}")


@pytest.mark.parametrize("levels", [5, 7])
def test_each_pair_of_seeds_of_two_sources_is_trained_once(levels: int, tmp_path: Path) -> None:
    """Level k of a source is the seed of the config plus k, and one of the runs is the config itself."""
    plan, design = planned(tmp_path, levels, "seed=20", "dataset.split_seed=30")
    assert len(plan.cells) == design.runs == levels**2
    runs = [cell.experiment for cell in plan.cells]
    seeds = [(*(one.stream_seed(name) for name in ("init", "order", "noise")), one.dataset.split_seed) for one in runs]
    for first, second in itertools.combinations(range(4), 2):
        assert len({(one[first], one[second]) for one in seeds}) == levels**2
    assert {one[0] for one in seeds} == set(range(20, 20 + levels))
    assert {one[3] for one in seeds} == set(range(30, 30 + levels))
    assert (20, 20, 20, 30) in seeds
    assert {one.seed for one in runs} == {20}
    assert len({replace(one, streams=runs[0].streams, dataset=runs[0].dataset) for one in runs}) == 1


def test_a_source_that_is_left_out_keeps_its_seed(tmp_path: Path) -> None:
    """A fixed stream has the seed of the config in all runs, and augmentation that is not there has none."""
    plan, _ = planned(tmp_path, 5, "streams.noise=9")
    assert {cell.experiment.streams.noise for cell in plan.cells} == {9}
    assert {cell.experiment.streams.augment for cell in plan.cells} == {None}


def test_a_study_of_folded_data_has_one_fold_as_the_test_part(tmp_path: Path) -> None:
    """Otherwise each point of the design would have a run for each fold."""
    plan, design = planned(tmp_path, 5, "dataset.folds=4", "dataset.fold=2")
    assert len(plan.cells) == design.runs and {cell.experiment.dataset.fold for cell in plan.cells} == {2}


def test_a_design_that_someone_changed_is_refused() -> None:
    """Levels and sources of a stored plan are among the known ones."""
    with pytest.raises(ValueError, match="6 levels are unknown"):
        VarianceDesign(6, ("streams.init", "streams.order"))
    for keys in (("streams.init",), ("streams.init", "streams.init"), ("streams.init", "training.epochs")):
        with pytest.raises(ValueError, match="sources of its design are unknown"):
            VarianceDesign(7, keys)
