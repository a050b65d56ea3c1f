"""The command `dropout report`: write an HTML page about a run or a sweep."""

from pathlib import Path
from typing import Annotated

import typer

from dropout_cli.cli import arguments, completion
from dropout_cli.cli.output import print_path

POSITION = 80


def register_command(app: typer.Typer) -> None:
    """Register the command with `app`."""
    app.command("report")(report_command)


def report_command(
    reference: Annotated[
        str,
        typer.Argument(
            autocompletion=completion.complete_run_or_sweep,
            metavar="RUN|SWEEP",
            help="A run, `latest` for the newest run, or the folder of a sweep.",
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="The output file (default: report.html in the folder of the run or sweep).",
        ),
    ] = None,
    runs_dir: arguments.RunsDir = arguments.DEFAULT_RUNS_DIR,
) -> None:
    """Write one HTML page about a run or a sweep, and print its path."""
    from dropout_cli import report as reports
    from dropout_cli import runs
    from dropout_cli.sweeps.folder import SweepFolder, is_sweep_folder

    if is_sweep_folder(reference):
        folder = SweepFolder(Path(reference))
        page, place = reports.sweep_report(folder), folder.path / "report.html"
        if output is None:
            folder.add_results({"report.html": page})
    else:
        run = runs.find_run(reference, runs_dir)
        page, place = reports.run_report(run), run.path / "after/report/report.html"
        if output is None:
            # The files of the training are final: whatever comes later goes to after/.
            run.write_result("report", {"report.html": page})
    if output is not None:
        runs.write_atomic(output, page)
        place = output
    print_path(place)
