"""Runs that another version of the package would compute otherwise: named, refused, begun anew."""

import json
from pathlib import Path

import pytest

from dropout_cli import config
from dropout_cli.analysis import replay
from dropout_cli.core.errors import IncompatibleVersion
from dropout_cli.runs import Run, json_bytes
from dropout_cli.sweeps.folder import SweepFolder
from dropout_cli.sweeps.workers import job
from dropout_cli.training import result_changes, resume
from dropout_cli.training.result_changes import ArithmeticChange
from tests.small_run import CONFIG, ignore, train
from tests.training.test_resume import SETTINGS, interrupted

RESNET = "architecture={name: resnet, depth: 8, widths: [2, 2, 2]}"
CHANGES = (
    ArithmeticChange("every run is otherwise", lambda experiment, examples: True),
    ArithmeticChange("odd seeds are otherwise", lambda experiment, examples: experiment.seed % 2 == 1),
    ArithmeticChange("a hundred examples are otherwise", lambda experiment, examples: examples == 100),
)


def noting(run: Run, version: int | None) -> None:
    """Let the run have been begun by that version; None: by one that noted nothing."""
    state = run.state()
    state.pop("arithmetic")
    run.write("state.json", json_bytes(state | ({} if version is None else {"arithmetic": version})))


def test_only_later_changes_that_concern_a_run_count() -> None:
    """Of version v are the first v - 1 changes; each says itself which experiments it concerns."""
    experiment = config.load_config(config.find_config("digits"), ["seed=1"]).experiment
    said = {noted: list(result_changes.changes_since(noted, experiment, 7, CHANGES)) for noted in (1, 2, 3, 4)}
    assert said == {
        1: ["every run is otherwise", "odd seeds are otherwise"],
        2: ["odd seeds are otherwise"],
        3: [],
        4: [],
    }
    assert list(result_changes.changes_since(3, experiment, 100, CHANGES)) == ["a hundred examples are otherwise"]
    assert result_changes.arithmetic_version(CHANGES) == 4
    assert "newer version" in next(result_changes.changes_since(5, experiment, 7, CHANGES))


def test_a_run_notes_the_version_that_began_it(tmp_path: Path) -> None:
    """In state.json; a run of an older version notes none, which is version 1."""
    run = train(tmp_path)
    assert json.loads(run.read("state.json"))["arithmetic"] == result_changes.arithmetic_version()
    noting(run, None)
    assert result_changes.stored_version(run) == 1


def test_a_run_of_another_arithmetic_is_not_resumed(tmp_path: Path) -> None:
    """The refusal names the reason and the way out, and leaves the folder as it was."""
    run = interrupted(tmp_path, 2, *SETTINGS)
    noting(run, result_changes.arithmetic_version() + 1)
    before = {path: path.read_bytes() for path in run.path.rglob("*") if path.is_file() and path.name != ".lock"}
    with pytest.raises(
        IncompatibleVersion,
        match=r"a newer version of dropout-cli trained it\. Update dropout-cli, or train it again: dropout train",
    ):
        resume.resume_run(run, watch=ignore)
    assert before == {path: path.read_bytes() for path in before}


def test_a_run_without_a_checkpoint_begins_anew_in_this_version(tmp_path: Path) -> None:
    """Nothing was computed that it would have to go on from."""
    run = interrupted(tmp_path, 1, *SETTINGS)
    for file in run.path_of("checkpoints").iterdir():
        file.unlink()
    noting(run, result_changes.arithmetic_version() + 1)
    resume.resume_run(run, watch=ignore, figures=False)
    assert result_changes.stored_version(run) == result_changes.arithmetic_version()


def test_a_replay_names_the_change(tmp_path: Path) -> None:
    """Where the bytes differ, and the run was begun by another version."""
    run = train(tmp_path)
    noting(run, result_changes.arithmetic_version() + 1)
    assert all(check.right for check in replay.replay_run(run, watch=ignore))
    other = train(tmp_path / "other", "seed=1")
    for name in ("resolved.yaml", "MANIFEST.sha256"):
        run.write(name, other.read(name))
    noted = run.state() | {"resolved": other.state()["resolved"]}
    run.write("state.json", json_bytes(noted))
    facts = [(check.what, check.fact) for check in replay.replay_run(run, watch=ignore) if not check.right]
    assert any(what == "arithmetic" and "a newer version of dropout-cli" in fact for what, fact in facts), facts


def test_a_cell_of_another_arithmetic_is_trained_anew(tmp_path: Path) -> None:
    """A sweep goes on after an update; the cell comes out as if it had never been begun."""
    file = tmp_path / "small.yaml"
    file.write_text(CONFIG)
    wanted = config.load_config(file).experiment
    folder, run = SweepFolder(tmp_path / "sweep"), interrupted(tmp_path, 1, *SETTINGS)
    noting(run, result_changes.arithmetic_version() + 1)
    with folder.hold_lock():
        run.path.replace(folder.partial("0" * 12))
        job.train_in_process(folder, "0" * 12, wanted)
    cell = Run(folder.cell("0" * 12))
    whole = train(tmp_path / "whole")
    assert cell.read("metrics.csv") == whole.read("metrics.csv")
    assert result_changes.stored_version(cell) == result_changes.arithmetic_version()


@pytest.mark.parametrize(
    ("examples", "overrides", "what"),
    [
        (100, ["dropout={variant: inverted, rate: 0.0005}"], "dropout rates below .001"),
        (100, ["dropout={variant: inverted, rate: 0.3, rate_schedule: linear}"], None),
        (100_000, ["dropout={variant: inverted, rate: 0.3, rate_schedule: linear}"], "dropout rates below .001"),
        (100, ["dropout={variant: inverted, rate: 0.3}"], None),
        (100, ["dropout={variant: standard, rate: 0.0, input_rate: 0.9995}"], "dropout rates below .001"),
        (100, ["dropout={variant: batchwise, rate: 0.5, input_rate: 0.2}"], None),
        (100, ["dropout=batchwise", "architecture={name: mlp, hidden: [128, 3]}"], "batchwise dropout now corrects"),
        (100, [RESNET], None),
        (100, [RESNET, "dropout=inverted", "objective=multi_sample"], "multi_sample"),
        (129, ["architecture.batch_norm=true"], "with batch normalization, a last batch of one"),
        (128, ["architecture.batch_norm=true"], None),
        (130, ["architecture.batch_norm=true"], None),
        (129, [], None),
    ],
)
def test_each_change_concerns_the_runs_whose_bytes_it_changes(
    examples: int, overrides: list[str], what: str | None
) -> None:
    """And no others, as far as a config and the number of training examples tell."""
    usual = ["training.batch_size=64", "training.epochs=1"]
    loaded = config.load_config(
        config.find_config("digits"), [*usual, *overrides], replace_blocks=["dropout", "architecture"]
    )
    found = list(result_changes.changes_since(1, loaded.experiment, examples))
    assert [one.startswith(what or "") for one in found] == ([] if what is None else [True])
    assert list(result_changes.changes_since(result_changes.arithmetic_version(), loaded.experiment, examples)) == []


def test_a_run_of_version_one_goes_on_where_no_change_concerns_it(tmp_path: Path) -> None:
    """To the same bytes; where one does, the refusal says which."""
    whole = train(tmp_path / "whole", *SETTINGS)
    run = interrupted(tmp_path, 2, *SETTINGS)
    noting(run, None)
    resume.resume_run(run, watch=ignore, figures=False)
    assert all(run.read(name) == whole.read(name) for name in ("metrics.csv", "predictions.npz"))
    concerned = interrupted(tmp_path, 2, *SETTINGS, "dropout.rate=0.0005")
    noting(concerned, None)
    with pytest.raises(IncompatibleVersion, match=r"the computation has changed since: dropout rates below \.001"):
        resume.resume_run(concerned, watch=ignore)
