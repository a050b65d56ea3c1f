"""`dropout verify`."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dropout_cli.cli import arguments, output, progress
from dropout_cli.core.errors import Mismatch, UsageError
from dropout_cli.core.text import counted

if TYPE_CHECKING:
    from dropout_cli.analysis.verify import Check

POSITION = 120


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command("verify")(verify)


def verify(
    run: Annotated[
        str,
        typer.Argument(metavar="RUN|SWEEP", help="A run, as for the other commands, or a sweep's folder."),
    ],
    replay: Annotated[bool, typer.Option("--replay", help="Also train it again, and compare bytes.")] = False,
    runs_dir: arguments.RunsDir = arguments.RUNS,
    quiet: arguments.Quiet = False,
    json: arguments.Json = False,
) -> None:
    """Check that RUN, or every run of SWEEP, is as training left it and agrees with itself; exit code 4 where not."""
    from dropout_cli import runs
    from dropout_cli.analysis import verify as analysis_verify
    from dropout_cli.sweeps import verify as sweeps_verify
    from dropout_cli.sweeps.folder import Folder, is_sweep

    if is_sweep(run):
        if replay:
            raise UsageError("--replay", "is for single runs", "Replay a run by its path.")
        _report(run, sweeps_verify.verify(Folder(Path(run))), json)
        return
    found = runs.find(run, runs_dir)
    checks = analysis_verify.verify(found)
    if replay:
        from dropout_cli.analysis.replay import replay as train_again

        checks += train_again(found, watch=progress.Screen(quiet=quiet))
    _report(str(found.path), checks, json)


def _report(path: str, checks: "list[Check]", json: bool) -> None:
    if json:
        right = all(check.right for check in checks)
        output.result(output.as_json({"run": path, "right": right, "checks": [asdict(one) for one in checks]}))
    else:
        rows = [(check.what, "right" if check.right else "WRONG", check.fact) for check in checks]
        output.result(output.table(("what", "verdict", "fact"), rows))
    wrong = [check for check in checks if not check.right]
    if wrong:
        raise Mismatch(path, f"{len(wrong)} of {counted(len(checks), 'check')} failed, the first: {wrong[0].what}")
