"""The command `dropout report`: write an HTML page about a run or a sweep."""

from pathlib import Path
from typing import Annotated

import typer

from dropout_cli.cli import arguments
from dropout_cli.cli.output import result

POSITION = 80


def add_to(app: typer.Typer) -> None:
    """Register the command with `app`."""
    app.command("report")(report)


def report(
    reference: Annotated[
        str, typer.Argument(metavar="RUN|SWEEP", help="A run, `latest` for the newest run, or the folder of a sweep.")
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="The file to write. The default is in the folder of the run or sweep.",
        ),
    ] = None,
    runs_dir: arguments.RunsDir = arguments.RUNS,
) -> None:
    """Write one HTML page about a run or a sweep, and print its path."""
    from dropout_cli import report as reports
    from dropout_cli import runs
    from dropout_cli.sweeps.folder import Folder, is_sweep

    if is_sweep(reference):
        folder = Folder(Path(reference))
        page, place = reports.of_sweep(folder), folder.path / "report.html"
        if output is None:
            folder.write("report.html", page)
    else:
        run = runs.find(reference, runs_dir)
        page, place = reports.of_run(run), run.path / "after/report/report.html"
        if output is None:
            # The files of the training are final: whatever comes later goes to after/.
            run.write_after("report", {"report.html": page})
    if output is not None:
        runs.write(output, page)
        place = output
    result(str(place))
