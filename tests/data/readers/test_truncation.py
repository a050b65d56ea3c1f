"""A file that ends too early, at whatever length, is an error of one line for every command that reads a run."""

import shutil
from collections.abc import Callable
from itertools import cycle
from pathlib import Path

import pytest

from dropout_cli.analysis import evaluate, run_table, verify
from dropout_cli.core.errors import DropoutError
from dropout_cli.runs import MANIFEST, Run
from dropout_cli.training import resume
from dropout_cli.training.checkpoint import LAST
from tests.small_run import ignore, train
from tests.training.test_resume import interrupted

COMMANDS: dict[str, Callable[[Run], object]] = {
    "runs": run_table.run_facts,
    "verify": verify.verify_run,
    "eval": lambda run: evaluate.evaluate_run(run, figures=False),
    "resume": lambda run: resume.resume_run(run, watch=ignore, figures=False),
}
EVERY_LENGTH = ("state.json", MANIFEST)
SOME_LENGTHS = ("resolved.yaml", "summary.json", "metrics.csv", "environment.json", "predictions.npz", LAST)


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    """A finished run and an interrupted one."""
    folder, tiny = tmp_path_factory.mktemp("sources"), ("architecture.hidden=[2]", "training.steps_per_epoch=2")
    return {"finished": train(folder, *tiny), "interrupted": interrupted(folder, 1, *tiny)}


@pytest.mark.parametrize("name", [*EVERY_LENGTH, *SOME_LENGTHS])
@pytest.mark.parametrize("state", ["finished", "interrupted"])
def test_a_truncated_file_is_no_traceback(state: str, name: str, sources: dict[str, Run], tmp_path: Path) -> None:
    """One command after the other is given the file cut off at one length after the other."""
    source = sources[state]
    whole = source.read(name) if source.has_file(name) else b""
    lengths = range(0, len(whole), 1 if name in EVERY_LENGTH else max(1, len(whole) // 40))
    for length, command in zip(lengths, cycle(COMMANDS.values()), strict=False):
        copy = Run(Path(shutil.copytree(source.path, tmp_path / str(length))))
        copy.path_of(name).write_bytes(whole[:length])
        try:
            command(copy)
        except DropoutError as error:
            assert len(str(error).splitlines()) == 1
        shutil.rmtree(copy.path)


@pytest.mark.parametrize("state", ["finished", "interrupted"])
def test_a_truncated_checkpoint_is_never_used(state: str, sources: dict[str, Run], tmp_path: Path) -> None:
    """Nor a config without its end: its values would be the defaults."""
    for name in (LAST, "resolved.yaml"):
        copy = Run(Path(shutil.copytree(sources[state].path, tmp_path / name.replace("/", "-"))))
        copy.path_of(name).write_bytes(copy.read(name)[:-1])
        with pytest.raises(DropoutError):
            evaluate.evaluate_run(copy, figures=False)
