"""The command `dropout verify`: check the files of a run or a sweep."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dropout_cli.cli import arguments, completion, output, progress
from dropout_cli.core.errors import Mismatch, UsageError
from dropout_cli.core.text import counted

if TYPE_CHECKING:
    from dropout_cli.analysis.verify import Check

POSITION = 120


def register_command(app: typer.Typer) -> None:
    """Register the command with `app`."""
    app.command("verify")(verify_command)


def verify_command(
    reference: Annotated[
        str,
        typer.Argument(
            autocompletion=completion.complete_run_or_sweep,
            metavar="RUN|SWEEP",
            help="A run, as for the other commands, or the folder of a sweep.",
        ),
    ],
    replay: Annotated[
        bool, typer.Option("--replay", help="Also train the run again and compare the files byte by byte.")
    ] = False,
    runs_dir: arguments.RunsDir = arguments.DEFAULT_RUNS_DIR,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print only the checks that fail, and no progress.")] = False,
    json: arguments.Json = False,
) -> None:
    """Check that the files of RUN, or of every run of SWEEP, are unchanged and consistent.

    The exit code is 4 if they are not.
    """
    from dropout_cli import runs
    from dropout_cli.analysis import verify as analysis_verify
    from dropout_cli.sweeps import verify as sweeps_verify
    from dropout_cli.sweeps.folder import SweepFolder, is_sweep_folder

    if is_sweep_folder(reference):
        # A sweep has many runs, and a replay takes as long as the training.
        if replay:
            raise UsageError("--replay", "works on a single run", "Give the path of one run of the sweep.")
        _report(reference, sweeps_verify.verify_sweep(SweepFolder(Path(reference))), json, quiet=quiet)
        return
    run = runs.find_run(reference, runs_dir)
    checks = analysis_verify.verify_run(run)
    if replay:
        from dropout_cli.analysis.replay import replay_run as train_again

        checks += train_again(run, watch=progress.ProgressDisplay(quiet=quiet))
    _report(str(run.path), checks, json, quiet=quiet)


def _report(path: str, checks: "list[Check]", json: bool, *, quiet: bool) -> None:
    """Print the checks, and raise Mismatch if one of them failed.

    Args:
        path: The run or the sweep.
        checks: All checks.
        json: True to print one JSON object with all of them.
        quiet: True to leave the checks that passed out of the table.
    """
    shown = [check for check in checks if not (quiet and check.right)]
    if json:
        right = all(check.right for check in checks)
        output.print_result(
            output.json_text({"run": path, "right": right, "checks": [asdict(check) for check in checks]})
        )
    elif shown:
        rows = [(check.what, "ok" if check.right else "FAILED", check.fact) for check in shown]
        output.print_result(output.format_table(("check", "result", "detail"), rows))
    # The table is printed first; the error then sets exit code 4.
    wrong = [check for check in checks if not check.right]
    if wrong:
        raise Mismatch(path, f"{len(wrong)} of {counted(len(checks), 'check')} failed, the first: {wrong[0].what}")
