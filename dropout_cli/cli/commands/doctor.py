"""`dropout doctor`."""

from dataclasses import asdict
from typing import Annotated

import typer

from dropout_cli.cli import arguments, output
from dropout_cli.core.errors import RunFailed

POSITION = 160


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command()(doctor)


def doctor(
    seconds: Annotated[
        float, typer.Option("--seconds", metavar="S", min=0, max=600, help="How long the self-test may go on for.")
    ] = 2,
    runs_dir: arguments.RunsDir = arguments.RUNS,
    json: arguments.Json = False,
) -> None:
    """Say what this machine is, and whether it is fit to train on; --json to paste into a report of a fault."""
    from dropout_cli.bench.doctor import examine

    findings = examine(runs_dir, seconds)
    wrong = [finding for finding in findings if finding.wrong]
    if json:
        output.result(output.as_json({"fine": not wrong, "findings": [asdict(finding) for finding in findings]}))
    else:
        rows = [(finding.what, finding.value, finding.wrong or "fine") for finding in findings]
        output.result(output.table(("what", "value", "verdict"), rows))
    if wrong:
        raise RunFailed("doctor", f"{len(wrong)} of {len(findings)} findings need mending, the first: {wrong[0].what}")
