"""The command `dropout export`: write a trained run for use without this package."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from dropout_cli.cli import arguments
from dropout_cli.cli.output import print_path, print_stderr
from dropout_cli.core.errors import UsageError

POSITION = 75


class ExportFormat(StrEnum):
    """Formats that can be written."""

    numpy = "numpy"
    torch = "torch"
    onnx = "onnx"
    tensorboard = "tensorboard"


def register_command(app: typer.Typer) -> None:
    """Register the command with `app`."""
    app.command("export")(export_command)


def export_command(
    reference: Annotated[
        str,
        typer.Argument(
            metavar="RUN|SWEEP",
            help="A run, `latest` for the newest run, or (for tensorboard) the folder of a sweep.",
        ),
    ],
    form: Annotated[
        ExportFormat,
        typer.Option(
            "--format",
            help="numpy: one Python file that predicts with NumPy alone. torch: a folder with a module of PyTorch. "
            "onnx: a graph for onnxruntime and other programs. tensorboard: a folder with the curves, weights, figures "
            "and config of a run or a sweep.",
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "--out",
            "-o",
            metavar="PATH",
            help="The file to write, or the folder for torch and tensorboard (default: in after/ of the run, or "
            "tensorboard/ of the sweep).",
        ),
    ] = None,
    checkpoint: Annotated[
        arguments.Checkpoint | None,
        typer.Option(
            "--checkpoint", help="The checkpoint to use (default: the one named in summary.json, otherwise last)."
        ),
    ] = None,
    noise: Annotated[
        bool, typer.Option("--noise", help="Draw the dropout noise at every prediction, as for Monte Carlo dropout.")
    ] = False,
    runs_dir: arguments.RunsDir = arguments.DEFAULT_RUNS_DIR,
) -> None:
    """Write a trained run for use without this package.

    The preprocessing of its data is included.
    """
    from dropout_cli import export, runs
    from dropout_cli.sweeps.folder import SweepFolder, is_sweep_folder

    if is_sweep_folder(reference):
        if form != ExportFormat.tensorboard or noise:
            raise UsageError(
                reference,
                "is a sweep; only --format tensorboard exports a sweep, without --noise",
                "Give one of its runs.",
            )
        written = export.export_sweep(SweepFolder(Path(reference)), output=output, checkpoint=checkpoint)
    else:
        run = runs.find_run(reference, runs_dir)
        written = export.export_run(run, form, output=output, checkpoint=checkpoint, noise=noise)
    print_path(written)
    for line in export.usage_lines(form, written):
        print_stderr(line)
