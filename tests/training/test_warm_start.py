"""A run can use a teacher's predictions or start from another run's weights."""

from pathlib import Path

import numpy as np
import pytest

from dropout_cli import config
from dropout_cli.config.schema import Experiment
from dropout_cli.core.errors import ConfigError, DataError, Interrupted, StopRequest
from dropout_cli.core.types import Array
from dropout_cli.nn.losses import softmax
from dropout_cli.runs import Run
from dropout_cli.training import restore, result_changes, resume
from dropout_cli.training import run as training_run
from dropout_cli.training.forward_passes import outputs
from dropout_cli.training.loop import EpochRecord, TrainingProgress

SMALL = (
    "dataset: {name: digits}\narchitecture: {name: mlp, hidden: [16]}\ntraining: {epochs: 2, save_every: every_epoch}\n"
)


def ignore(event: TrainingProgress | EpochRecord) -> None:
    """Watch nothing."""


def train(folder: Path, *overrides: str, watch: training_run.TrainingWatch = ignore) -> Run:
    """Train the small config with those changes."""
    (folder / "small.yaml").write_text(SMALL)
    loaded = config.load_config(folder / "small.yaml", overrides)
    prepared = training_run.prepare_run(loaded.experiment)
    run = Run.create(folder / "runs", "small")
    run.write("notices", "\n".join(prepared.notices).encode())
    training_run.run_experiment(prepared, run, loaded.text, watch=watch, figures=False)
    return run


def taught(*teachers: Run, more: str = "") -> str:
    """The override that makes those runs teachers."""
    return f"objective={{name: distillation, teacher: [{', '.join(str(run.path) for run in teachers)}]{more}}}"


def test_a_student_learns_what_its_teachers_say(tmp_path: Path) -> None:
    """The lesson is the mean of the teachers' softened probabilities, row for row; the summary tells the agreement."""
    one, other = train(tmp_path), train(tmp_path, "seed=1", "dataset.scaling=standardize")
    loaded = config.load_config(tmp_path / "small.yaml", [taught(one, other, more=", temperature: 3")])
    distillation = training_run.prepare_run(loaded.experiment).distillation
    assert distillation is not None
    said = []
    for run in (one, other):
        teacher = restore.load_model(run)
        part = teacher.dataset.train
        said.append(softmax(outputs(teacher.learner.network, teacher.dataset, part, batch=1000) / 3))
    np.testing.assert_allclose(distillation.targets, np.mean(said, axis=0), atol=1e-6)

    summary = train(tmp_path, taught(one)).summary()
    with np.load(one.path / "predictions.npz") as teacher_file:
        predicted = teacher_file["probabilities"].argmax(axis=1)
        assert summary["teacher"]["accuracy"] == np.mean(predicted == teacher_file["labels"])


def test_a_teacher_can_speak_with_its_noise_on(tmp_path: Path) -> None:
    """`teacher_passes` averages Monte Carlo passes, which changes the lesson and is the same each time."""
    teacher = train(tmp_path, "dropout={variant: inverted, rate: 0.5}")

    def distillation(passes: int) -> bytes:
        loaded = config.load_config(tmp_path / "small.yaml", [taught(teacher, more=f", teacher_passes: {passes}")])
        found = training_run.prepare_run(loaded.experiment).distillation
        assert found is not None
        return found.targets.tobytes()

    assert distillation(3) == distillation(3) != distillation(0)


def test_a_teachers_passes_draw_its_dropout_alone_unless_told_otherwise(tmp_path: Path) -> None:
    """Noise that its architecture adds in training is no part of its lesson; a run that learned it is not resumed."""
    teacher = train(
        tmp_path, "architecture={name: mlp, hidden: [16], input_noise: 0.5}", "dropout={variant: inverted, rate: 1e-9}"
    )

    def learner(more: str) -> Experiment:
        return config.load_config(
            tmp_path / "small.yaml", [taught(teacher, more=more), "training.batch_size=64"]
        ).experiment

    def distillation(more: str) -> Array:
        found = training_run.prepare_run(learner(more)).distillation
        assert found is not None
        return found.targets

    plain = distillation("")
    np.testing.assert_allclose(distillation(", teacher_passes: 3"), plain, rtol=1e-6)
    assert np.abs(distillation(", teacher_passes: 3, teacher_noise: all") - plain).max() > 1e-3
    changed = {
        more: list(result_changes.changes_since(1, learner(f", teacher_passes: {more}"), 100)) for more in ("3", "0")
    }
    assert "not its input_noise and hidden_noise" in changed["3"][0] and changed["0"] == []


def test_a_taught_run_resumes_to_the_same_bytes(tmp_path: Path) -> None:
    """Its lesson is recomputed, and checked against the fingerprint in resolved.yaml."""
    teacher = train(tmp_path)
    whole = train(tmp_path, taught(teacher))

    def stop(event: TrainingProgress | EpochRecord) -> None:
        if isinstance(event, EpochRecord):
            raise StopRequest(130)

    with pytest.raises(Interrupted) as caught:
        train(tmp_path, taught(teacher), watch=stop)
    (stopped,) = [run for run in map(Run, (tmp_path / "runs").iterdir()) if run.status == "interrupted"]
    assert str(stopped.path) in str(caught.value)
    resume.resume_run(stopped, watch=ignore, figures=False)
    for file in ("metrics.csv", "predictions.npz", "checkpoints/last.safetensors"):
        assert stopped.read(file) == whole.read(file), file


def test_a_teacher_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    """No run, another split, and other weights than those that the config was resolved with."""
    teacher = train(tmp_path)

    def prepare_run(*overrides: str) -> None:
        training_run.prepare_run(config.load_config(tmp_path / "small.yaml", overrides).experiment)

    with pytest.raises(ConfigError, match=r"objective.teacher: .*nowhere is not a run folder"):
        prepare_run(f"objective={{name: distillation, teacher: {tmp_path / 'nowhere'}}}")
    with pytest.raises(ConfigError, match=r"objective.teacher: .*another split.*same dataset block"):
        prepare_run(taught(teacher), "dataset.split_seed=1")
    with pytest.raises(ConfigError, match=r"objective.teacher: .*other data"):
        prepare_run(taught(teacher), "dataset=wine")
    with pytest.raises(DataError, match=r"objective.teacher: .*have changed since the config was written"):
        prepare_run(taught(teacher, more=", fingerprint: abc"))


def test_training_starts_from_another_runs_weights(tmp_path: Path) -> None:
    """Shared names and shapes are taken; what was and was not is said."""
    source = train(tmp_path)
    (tmp_path / "small.yaml").write_text(SMALL)
    changes = [f"training.init_from={source.path}", "dropout=concrete", "architecture.hidden=[16, 8]"]
    prepared = training_run.prepare_run(config.load_config(tmp_path / "small.yaml", changes).experiment)
    theirs = restore.load_model(source).learner.network.parameters()
    ours = prepared.learner.network.parameters()
    assert np.array_equal(ours["hidden1/W"].value, theirs["hidden1/W"].value)
    assert ours["output/W"].value.shape != theirs["output/W"].value.shape
    taken, left, unused = prepared.notices
    assert taken.endswith(": hidden1/W, hidden1/b, output/b.")
    assert "hidden2/W" in left and "hidden1/dropout/theta" in left and unused.endswith(": output/W.")


def test_the_averaged_weights_start_there_too(tmp_path: Path) -> None:
    """An average that began elsewhere would forget it only slowly."""
    source = train(tmp_path)
    changes = [f"training.init_from={source.path}", "training.average={decay: 0.99}"]
    learner = training_run.prepare_run(config.load_config(tmp_path / "small.yaml", changes).experiment).learner
    live = learner.network.parameters()["output/W"].value.copy()
    with learner.averaged() as network:
        assert np.array_equal(network.parameters()["output/W"].value, live)


def test_a_run_with_nothing_to_take_is_refused(tmp_path: Path) -> None:
    """No name in common in the same shape, or no run at all."""
    source = train(tmp_path, "dataset=wine")
    (tmp_path / "small.yaml").write_text(SMALL)
    with pytest.raises(ConfigError, match=r"training.init_from: .*no weights of the same name and shape"):
        changes = [f"training.init_from={source.path}", "architecture.hidden=[8]"]
        training_run.prepare_run(config.load_config(tmp_path / "small.yaml", changes).experiment)
    with pytest.raises(ConfigError, match=r"training.init_from: .* is not a run folder"):
        training_run.prepare_run(config.load_config(tmp_path / "small.yaml", ["training.init_from=nowhere"]).experiment)
