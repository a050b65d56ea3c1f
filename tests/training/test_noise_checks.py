"""Configs whose objective or schedule would do nothing are refused, and finished runs that have one stay readable."""

from pathlib import Path

import pytest

from dropout_cli import config
from dropout_cli.analysis import verify
from dropout_cli.core.errors import ConfigError
from dropout_cli.runs import Run
from dropout_cli.training import restore
from dropout_cli.training.run import prepare_run, run_experiment
from dropout_cli.training.setup import prepare
from tests.small_run import ignore, train

RESNET = "architecture={name: resnet, depth: 8, widths: [2, 2, 2]}"
CNN = "architecture={name: cnn, layers: [conv 2 3x3, pool 2, dense 4]}"
MANY_ROWS = "noise of its own for every row"
NO_NOISE = "there is no noise"
NEVER = "sets the rate to 0 in every training step"
BEFORE = "noise before the logits"


def load(folder: Path, *overrides: str) -> config.Experiment:
    """A small network on digits, three steps, with changes."""
    file = folder / "a.yaml"
    file.write_text(
        "dataset: digits\narchitecture: {name: mlp, hidden: [8]}\ntraining: {epochs: 1, steps_per_epoch: 3}\n"
    )
    return config.load_config(file, overrides).experiment


@pytest.mark.parametrize(
    ("overrides", "place", "fact"),
    [
        (["objective=rdrop", RESNET, "dropout={variant: stochastic_depth, per: batch}"], "objective", MANY_ROWS),
        (["objective=multi_sample", RESNET, "dropout={variant: stochastic_depth, per: batch}"], "objective", MANY_ROWS),
        (["objective=rdrop", "dropout=none"], "objective", NO_NOISE),
        (["objective=rdrop", "dropout={variant: inverted, rate: 0}"], "objective", NO_NOISE),
        (["objective=rdrop", "dropout={variant: standard, rate: [0]}"], "objective", NO_NOISE),
        (["objective=rdrop", "dropout={variant: shakeout, rate: 0}"], "objective", NO_NOISE),
        (["objective=rdrop", "dropout={variant: dropconnect, rate: 0}"], "objective", NO_NOISE),
        (["objective=rdrop", RESNET, "dropout={variant: stochastic_depth, rate: 0}"], "objective", NO_NOISE),
        (["objective=rdrop", CNN, "dropout={variant: spatial, rate: 0, dense_rate: 0}"], "objective", NO_NOISE),
        (["objective=multi_sample", "dropout=none"], "objective", BEFORE),
        (["objective=multi_sample", "dropout={variant: inverted, rate: 0, input_rate: 0.2}"], "objective", BEFORE),
        (["objective=multi_sample", "dropout={variant: shakeout, rate: 0, input_rate: 0.2}"], "objective", BEFORE),
        (["dropout={variant: inverted, rate_schedule: {name: linear, end: 0}}"], "dropout.rate_schedule", NEVER),
        (["dropout={variant: inverted, rate_schedule: {name: curriculum, gamma: 0}}"], "dropout.rate_schedule", NEVER),
    ],
)
def test_a_config_that_would_do_nothing_is_refused(overrides: list[str], place: str, fact: str, tmp_path: Path) -> None:
    """When it is read, with the key, the fact and a way out."""
    with pytest.raises(ConfigError, match=rf"{place}\b.*: .*{fact}.*(would do|Use )"):
        load(tmp_path, *overrides)


@pytest.mark.parametrize(
    ("overrides", "place", "fact"),
    [
        (["objective=rdrop", RESNET, "dropout={variant: spatial, rate: 0}"], "objective", "draws none in 3 steps"),
        (["objective=rdrop", "dropout={variant: inverted, rate_schedule: late}"], None, None),
        (
            ["objective=rdrop", "dropout={variant: inverted, rate_schedule: {name: early, cutoff: 0.1}}"],
            "objective",
            "draws none in 3 steps",
        ),
        (
            ["objective=multi_sample", CNN, "dropout={variant: spatial, dense_rate: 0}"],
            "objective",
            "draws none there in 3 steps",
        ),
        (
            ["dropout={variant: inverted, rate_schedule: {name: late, cutoff: 0.9}}"],
            "dropout.rate_schedule",
            "sets the rate to 0 in all 3 steps",
        ),
    ],
)
def test_a_network_that_would_never_draw_is_refused(
    overrides: list[str], place: str | None, fact: str, tmp_path: Path
) -> None:
    """When it is built for its data, before there is a folder; the number of steps may decide."""
    experiment = load(tmp_path, *overrides)
    if place is None:
        prepare(experiment)
        return
    with pytest.raises(ConfigError, match=rf"{place}: .*{fact}"):
        prepare(experiment)


@pytest.mark.parametrize(
    "overrides",
    [
        ["dropout={variant: inverted, rate: 0}"],
        ["dropout={variant: inverted, rate: 0, rate_schedule: linear}"],
        ["objective=rdrop", "dropout=none", "architecture.hidden_noise=0.1"],
        ["objective=rdrop", "dropout={variant: inverted, rate: 0, input_rate: 0.1}"],
        ["objective=rdrop", "dropout=standout"],
        ["objective=rdrop", RESNET, "dropout=stochastic_depth"],
        ["objective=multi_sample", RESNET, "dropout=stochastic_depth"],
        ["objective=multi_sample", "dropout={variant: inverted, rate_schedule: linear}"],
    ],
    ids=" ".join,
)
def test_a_config_that_does_something_is_not(overrides: list[str], tmp_path: Path) -> None:
    """A rate of 0 is a baseline, and noise of the architecture is noise."""
    prepare(load(tmp_path, *overrides))


def test_passes_of_a_teacher_without_noise_are_refused(tmp_path: Path) -> None:
    """They would all be the same; also where its schedule has taken its noise away in the end."""
    for name, overrides in {"none": ["dropout=none"], "early": ["dropout.rate_schedule=early"]}.items():
        teacher = train(tmp_path / name, *overrides)
        lesson = f"objective={{name: distillation, teacher: {teacher.path}, teacher_passes: 3}}"
        with pytest.raises(ConfigError, match=r"objective\.teacher_passes: cannot be 3, because no teacher has noise"):
            prepare_run(load(tmp_path, lesson))
        prepare_run(load(tmp_path, lesson, "objective.teacher_passes=0"))
    prepare_run(load(tmp_path, f"objective={{name: distillation, teacher: {train(tmp_path).path}, teacher_passes: 3}}"))


def test_noise_of_the_training_counts_where_the_passes_of_a_teacher_draw_it(tmp_path: Path) -> None:
    """A teacher with additive noise alone has passes that differ only with `teacher_noise: all`."""
    teacher = train(tmp_path / "noisy", "dropout=none", "architecture.hidden_noise=0.1")
    lesson = f"objective={{name: distillation, teacher: {teacher.path}, teacher_passes: 3}}"
    with pytest.raises(ConfigError, match=r"objective\.teacher_passes: cannot be 3, because no teacher has noise"):
        prepare_run(load(tmp_path, lesson))
    prepare_run(load(tmp_path, lesson, "objective.teacher_noise=all"))


def test_finished_runs_with_such_a_config_stay_readable(tmp_path: Path) -> None:
    """An older version trained them: they are verified and restored, and only a new training is refused."""
    run = train(tmp_path, "dropout=none")
    text = run.read("resolved.yaml").decode().replace("name: cross_entropy", "name: rdrop")
    text = "\n".join(line for line in text.splitlines() if not any(key in line for key in CROSS_ENTROPY_KEYS)) + "\n"
    folder = Run.create(tmp_path, "old")
    for file in ("preprocessing.safetensors", "checkpoints/last.safetensors", "state.json"):
        folder.write(file, run.read(file))
    folder.write("resolved.yaml", text.encode())
    folder.register_resolved(text.encode())
    assert restore.load_model(folder, "last").experiment.objective != run.summary()["config"]["objective"]
    assert all(check.right for check in verify.verify_run(folder) if check.what == "resolved.yaml")
    with pytest.raises(ConfigError, match=r"objective: rdrop"):
        config.load_config(folder.path / "resolved.yaml")


CROSS_ENTROPY_KEYS = ("label_smoothing", "confidence_penalty", "class_weights")


@pytest.mark.parametrize(("scaling", "said"), [("unit", True), ("none", True), ("standardize", False)])
def test_alpha_dropout_says_that_it_assumes_standardized_inputs(scaling: str, said: bool, tmp_path: Path) -> None:
    """A notice before training, with the way out; of other variants there is none."""
    alpha = ["architecture.activation=selu", f"dataset.scaling={scaling}", "dropout=alpha"]
    notice = f"dataset.scaling: {scaling}, and alpha dropout assumes inputs of mean 0 and variance 1"
    found = [one for one in prepare(load(tmp_path, *alpha)).notices if one.startswith(notice)]
    assert len(found) == said and all("Set dataset.scaling=standardize." in one for one in found)
    assert not any("assumes" in one for one in prepare(load(tmp_path, "dropout=inverted")).notices)


def test_a_refused_config_leaves_nothing_behind(tmp_path: Path) -> None:
    """It is found before a run folder is made."""
    with pytest.raises(ConfigError):
        run_experiment(
            prepare_run(load(tmp_path, "objective=rdrop", RESNET, "dropout={variant: spatial, rate: 0}")),
            Run.create(tmp_path / "runs", "a"),
            None,
            watch=ignore,
        )
    assert not (tmp_path / "runs").exists()
