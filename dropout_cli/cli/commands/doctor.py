"""The command `dropout doctor`: check whether this machine can train models."""

from dataclasses import asdict
from typing import Annotated

import typer

from dropout_cli.cli import arguments, output
from dropout_cli.core.errors import RunFailed

POSITION = 160


def add_to(app: typer.Typer) -> None:
    """Register the command with `app`."""
    app.command("doctor")(doctor)


def doctor(
    seconds: Annotated[
        float, typer.Option("--seconds", metavar="S", min=0, max=600, help="How many seconds the self-test takes.")
    ] = 2,
    runs_dir: arguments.RunsDir = arguments.RUNS,
    json: arguments.Json = False,
) -> None:
    """Check whether this machine is ready for training.

    Add --json to attach the result to a bug report.
    """
    from dropout_cli.bench.doctor import examine

    findings = examine(runs_dir, seconds)
    wrong = [finding for finding in findings if finding.wrong]
    if json:
        output.result(output.as_json({"fine": not wrong, "findings": [asdict(finding) for finding in findings]}))
    else:
        rows = [(finding.what, finding.value, finding.wrong or "ok") for finding in findings]
        output.result(output.table(("check", "value", "result"), rows))
    # The table is printed first; the error then sets exit code 1.
    if wrong:
        raise RunFailed("doctor", f"{len(wrong)} of {len(findings)} checks found a problem, the first: {wrong[0].what}")
