"""`dropout verify`."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dropout_cli.cli import arguments, screen
from dropout_cli.errors import Mismatch, UsageError

if TYPE_CHECKING:
    from dropout_cli.verification import Check


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
    from dropout_cli import runs, verification
    from dropout_cli.sweeps import verification as of_sweeps
    from dropout_cli.sweeps.folder import PLAN, Folder

    if "\0" not in run and (Path(run) / PLAN).is_file():
        if replay:
            raise UsageError("--replay", "is for single runs", "Replay a cell by its path.")
        _report(run, of_sweeps.verify(Folder(Path(run))), json)
        return
    found = runs.find(run, runs_dir)
    checks = verification.verify(found)
    if replay:
        from dropout_cli.replay import replay as train_again

        checks += train_again(found, watch=screen.Screen(quiet=quiet))
    _report(str(found.path), checks, json)


def _report(path: str, checks: "list[Check]", json: bool) -> None:
    if json:
        right = all(check.right for check in checks)
        screen.result(screen.as_json({"run": path, "right": right, "checks": [asdict(one) for one in checks]}))
    else:
        rows = [(check.what, "right" if check.right else "WRONG", check.fact) for check in checks]
        screen.result(screen.table(("what", "verdict", "fact"), rows))
    wrong = [check for check in checks if not check.right]
    if wrong:
        raise Mismatch(path, f"{len(wrong)} of {len(checks)} checks failed, the first: {wrong[0].what}")
