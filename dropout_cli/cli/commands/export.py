"""The command `dropout export`: write a trained run for use without this package."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from dropout_cli.cli import arguments
from dropout_cli.cli.output import print_path, print_stderr

POSITION = 75


class ExportFormat(StrEnum):
    """Formats that can be written."""

    numpy = "numpy"
    torch = "torch"
    onnx = "onnx"


def register_command(app: typer.Typer) -> None:
    """Register the command with `app`."""
    app.command("export")(export_command)


def export_command(
    reference: arguments.RunReference,
    form: Annotated[
        ExportFormat,
        typer.Option(
            "--format",
            help="numpy: one Python file that predicts with NumPy alone. torch: a folder with a module of PyTorch. "
            "onnx: a graph for onnxruntime and other programs.",
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "--out",
            "-o",
            metavar="PATH",
            help="The file to write, or the folder for torch (default: in after/ of the run).",
        ),
    ] = None,
    checkpoint: Annotated[
        arguments.Checkpoint | None,
        typer.Option(
            "--checkpoint", help="The checkpoint to use (default: the one named in summary.json, otherwise last)."
        ),
    ] = None,
    noise: Annotated[
        bool, typer.Option("--noise", help="Draw the dropout noise at every prediction, as for Monte-Carlo dropout.")
    ] = False,
    runs_dir: arguments.RunsDir = arguments.DEFAULT_RUNS_DIR,
) -> None:
    """Write the trained network of RUN, with its preprocessing, for use without this package."""
    from dropout_cli import export, runs

    run = runs.find_run(reference, runs_dir)
    written = export.export_run(run, form, output=output, checkpoint=checkpoint, noise=noise)
    print_path(written)
    for line in export.usage_lines(form, written):
        print_stderr(line)
