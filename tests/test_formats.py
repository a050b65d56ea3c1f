"""Run folders of every format ever written stay readable by every command."""

import json
import shutil
from pathlib import Path

import pytest

from dropout_cli.runs import FORMAT
from tests.commands import dropout

FORMATS = Path(__file__).parent / "formats"
COMMANDS = [
    ["runs"],
    ["show", "{completed}"],
    ["show", "{interrupted}"],
    ["verify", "{completed}"],
    ["eval", "{completed}", "--no-plots"],
    ["eval", "{completed}", "--checkpoint", "best", "--mc", "2", "--thinned", "1", "--no-plots"],
    ["eval", "{interrupted}", "--no-plots"],
    ["effects", "{completed}"],
    ["resume", "{interrupted}", "--no-plots"],
    ["verify", "{interrupted}"],
    ["resume", "{completed}", "--epochs", "4"],
    ["verify", "{completed}"],
    ["train", "{config}", "training.init_from={completed}", "--no-plots"],
    ["train", "{config}", "objective.name=distillation", "objective.teacher={completed}", "--no-plots"],
]


def test_there_is_a_folder_of_every_format() -> None:
    """The present one is the last."""
    assert sorted(int(path.name) for path in FORMATS.iterdir()) == list(range(1, FORMAT + 1))


@pytest.mark.parametrize("number", range(1, FORMAT + 1))
def test_every_command_reads_it(number: int, tmp_path: Path) -> None:
    """One after another, on a copy; a completed run and one that was interrupted."""
    shutil.copytree(FORMATS / str(number), tmp_path / "runs")
    places = {name: str(next((tmp_path / "runs").glob(f"*_{name}_*"))) for name in ("completed", "interrupted")}
    places["config"] = f"{places['completed']}/resolved.yaml"
    before = json.loads((Path(places["completed"]) / "summary.json").read_text())
    for command in COMMANDS:
        done = dropout(*(word.format(**places) for word in command), cwd=tmp_path)
        assert done.returncode == 0, (command, done.stderr)
    evaluated = json.loads((Path(places["completed"]) / "after/eval-test-last/metrics.json").read_text())
    assert evaluated["accuracy"] == pytest.approx(before["test"]["accuracy"])
    assert evaluated["nll"] == pytest.approx(before["test"]["nll"], rel=1e-5)
