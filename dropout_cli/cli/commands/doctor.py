"""The command `dropout doctor`: check whether this machine can train models."""

from dataclasses import asdict
from typing import Annotated

import typer

from dropout_cli.cli import arguments, output
from dropout_cli.core.errors import RunFailed

POSITION = 160


def register_command(app: typer.Typer) -> None:
    """Register the command with `app`."""
    app.command("doctor")(doctor_command)


def doctor_command(
    seconds: Annotated[
        float,
        typer.Option("--seconds", metavar="S", min=0, max=600, help="The most seconds that the self-test may take."),
    ] = 2,
    runs_dir: arguments.RunsDir = arguments.DEFAULT_RUNS_DIR,
    json: arguments.Json = False,
) -> None:
    """Check whether this machine is ready to train.

    It shows versions and hardware. Attach the output of --json to bug reports.
    """
    from dropout_cli.bench.doctor import run_checks

    findings = run_checks(runs_dir, seconds)
    wrong = [finding for finding in findings if finding.wrong]
    if json:
        output.print_result(
            output.json_text({"fine": not wrong, "findings": [asdict(finding) for finding in findings]})
        )
    else:
        rows = [(finding.what, finding.value, finding.wrong or "ok") for finding in findings]
        output.print_result(output.format_table(("check", "value", "result"), rows))
    # The table is printed first; the error then sets exit code 1.
    if wrong:
        raise RunFailed("doctor", f"{len(wrong)} of {len(findings)} checks found a problem, the first: {wrong[0].what}")
