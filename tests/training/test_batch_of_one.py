"""Batch normalization never sees a batch of one: it would be all 0, and halve the running variance."""

import math
from pathlib import Path

import numpy as np
import pytest

from dropout_cli import config
from dropout_cli.core.errors import ConfigError
from dropout_cli.data.readers.file_rows import SEGMENTS
from dropout_cli.runs import Run
from dropout_cli.training.batch_order import BatchPlan
from dropout_cli.training.loop import train_epochs
from dropout_cli.training.run import prepare_run, run_experiment
from dropout_cli.training.setup import prepare
from tests.small_run import ignore

NORMALIZED = "architecture={name: mlp, hidden: [8], batch_norm: true}"
CNN = "architecture={name: cnn, layers: [conv 2 3x3, pool 2, dense 4], batch_norm: true}"
RESNET = "architecture={name: resnet, depth: 8, widths: [2, 2, 2]}"


def experiment(folder: Path, *overrides: str, examples: int = 100) -> config.Experiment:
    """On moons, of which so many are trained on, in batches of 9."""
    file = folder / "a.yaml"
    file.write_text(
        f"dataset: {{name: moons, examples: {examples + 20}, val_fraction: 0, test_fraction: {20 / (examples + 20)}}}\n"
        "training: {epochs: 2, batch_size: 9}\n"
    )
    return config.load_config(file, overrides).experiment


def sizes(plan: BatchPlan, passes: int = 2) -> list[int]:
    """Rows of each batch; every pass must have each row once."""
    found = list(plan.rows(0, 0, passes * plan.per_pass))
    for number in range(passes):
        rows = np.concatenate(found[number * plan.per_pass : (number + 1) * plan.per_pass])
        assert np.array_equal(np.sort(rows), np.arange(plan.examples))
    return [len(rows) for rows in found]


@pytest.mark.parametrize("segment", [None, 3, 40])
def test_a_leftover_of_one_joins_the_batch_before_it(segment: int | None, tmp_path: Path) -> None:
    """In memory and from files, in every pass; two are a batch, and without normalization one is."""
    normalized, plain = experiment(tmp_path, NORMALIZED), experiment(tmp_path)
    assert sizes(BatchPlan.from_experiment(normalized, 100, segment)) == 2 * [*[9] * 10, 10]
    assert sizes(BatchPlan.from_experiment(normalized, 101, segment)) == 2 * [*[9] * 11, 2]
    assert sizes(BatchPlan.from_experiment(plain, 100, segment)) == 2 * [*[9] * 11, 1]
    assert sizes(BatchPlan.from_experiment(normalized, 10, segment)) == [10, 10] and sizes(
        BatchPlan.from_experiment(normalized, 9, segment)
    ) == [9, 9]
    assert SEGMENTS > 1


def test_rows_do_not_depend_on_where_a_pass_is_entered(tmp_path: Path) -> None:
    """A resumed epoch, or one that is no whole pass, takes the batches that it would have taken."""
    plan = BatchPlan.from_experiment(experiment(tmp_path, NORMALIZED, "training.steps_per_epoch=7"), 100)
    whole = list(plan.rows(0, 0, 30))
    for step in range(23):
        for mine, theirs in zip(plan.rows(0, step, 7), whole[step:], strict=False):
            assert np.array_equal(mine, theirs)


def test_steps_schedules_and_counters_agree(tmp_path: Path) -> None:
    """One step less in each epoch: of the plan, of the learner, and of the last learning rate."""
    wanted = experiment(tmp_path, NORMALIZED, "training.schedule=linear")
    prepared = prepare(wanted)
    assert len(prepared.dataset.train) == 100
    plan = BatchPlan.from_experiment(prepared.experiment, 100)
    assert (plan.steps_per_epoch, plan.steps, plan.largest_batch) == (11, 22, 10)
    *_, last = train_epochs(prepared.learner, prepared.dataset, prepared.experiment, prepared.task)
    assert prepared.learner.step == 22
    factor = wanted.training.schedule.factor(21, steps=22, steps_per_epoch=11)
    assert getattr(last, "metrics")["learning_rate"] == wanted.training.optimizer.learning_rate * factor  # noqa: B009


def test_a_run_with_a_leftover_of_one_is_trained_from_files_too(tmp_path: Path) -> None:
    """The window and the buffers take the larger batch; the same bytes again."""
    np.save(tmp_path / "x.npy", np.random.default_rng(0).random((130, 4), np.float32))
    np.save(tmp_path / "y.npy", np.arange(130) % 2)
    (tmp_path / "a.yaml").write_text(
        f"dataset: {{name: arrays, path: {tmp_path}/x.npy, labels: {tmp_path}/y.npy, memory: 1.0e-6}}\n"
        "architecture: {name: mlp, hidden: [8], batch_norm: true}\ntraining: {epochs: 2, batch_size: 4}\n"
    )
    loaded = config.load_config(tmp_path / "a.yaml")
    prepared = prepare_run(loaded.experiment)
    size = next(size for size in range(2, 99) if len(prepared.dataset.train) % size == 1)
    loaded = config.load_config(tmp_path / "a.yaml", [f"training.batch_size={size}"])
    runs = [Run.create(tmp_path / name, "a") for name in ("one", "other")]
    for run in runs:
        run_experiment(prepare_run(loaded.experiment), run, None, watch=ignore, figures=False)
    assert runs[0].read("metrics.csv") == runs[1].read("metrics.csv")


def test_a_leftover_of_one_leaves_the_running_variance_right(tmp_path: Path) -> None:
    """It is that of the activations: within 10 % of the one that leftovers of two give."""
    variances = []
    for examples in (100, 101):
        prepared = prepare(experiment(tmp_path, NORMALIZED, "training.epochs=30", examples=examples))
        for _ in train_epochs(prepared.learner, prepared.dataset, prepared.experiment, prepared.task):
            pass
        variances.append(prepared.learner.network.state()["hidden1/normalize/variance"])
    ratio = float(np.exp(np.mean(np.log(variances[0] / variances[1]))))
    assert math.isclose(ratio, 1, rel_tol=0.1)


@pytest.mark.parametrize("architecture", [NORMALIZED, CNN, RESNET])
def test_a_batch_size_of_one_is_refused_with_batch_normalization(architecture: str, tmp_path: Path) -> None:
    """At its place in the file; without normalization it is a batch size like any other."""
    (tmp_path / "a.yaml").write_text("dataset: digits\ntraining: {batch_size: 1}\n")
    reason = (
        r"a\.yaml:2:24: training\.batch_size: 1, but batch normalization needs at least 2 examples.*batch_norm: false"
    )
    with pytest.raises(ConfigError, match=reason):
        config.load_config(tmp_path / "a.yaml", [architecture])
    config.load_config(tmp_path / "a.yaml", ["architecture={name: mlp, hidden: [8]}"])


@pytest.mark.parametrize("size", ["auto", "1"])
def test_a_single_training_example_is_refused_with_batch_normalization(size: str, tmp_path: Path) -> None:
    """Also where it is `auto` that comes to 1."""
    np.save(tmp_path / "x.npy", np.eye(4, dtype=np.float32))
    np.save(tmp_path / "y.npy", np.arange(4) / 3)
    text = f"dataset: {{name: arrays, path: {tmp_path}/x.npy, labels: {tmp_path}/y.npy, val_fraction: 0"
    (tmp_path / "a.yaml").write_text(f"{text}, test_fraction: 0.75}}\ntraining: {{batch_size: {size}, epochs: 1}}\n")
    with pytest.raises(
        ConfigError, match=r"training\.batch_size: .*1, but batch normalization needs at least 2 examples"
    ):
        prepare(config.load_config(tmp_path / "a.yaml", [NORMALIZED]).experiment)
