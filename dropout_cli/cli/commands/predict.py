"""The command `dropout predict`: predict the rows of a file with a finished run."""

import json as json_text
import math
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dropout_cli.cli import arguments
from dropout_cli.cli.output import print_path, print_stderr
from dropout_cli.core.errors import RunFailed, UsageError

if TYPE_CHECKING:
    from dropout_cli.analysis.predict import PredictedRows

POSITION = 70


def register_command(app: typer.Typer) -> None:
    """Register the command with `app`."""
    app.command("predict")(predict_command)


def predict_command(
    reference: arguments.RunReference,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A table with the columns of the training, or an array file.")
    ],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="The output file (default: standard output)."),
    ] = None,
    mc: Annotated[
        int | None,
        typer.Option(
            "--mc", metavar="T", min=1, help="Average T passes of Monte-Carlo dropout and report the uncertainty."
        ),
    ] = None,
    mc_noise: Annotated[
        arguments.McNoise | None,
        typer.Option(
            "--mc-noise",
            help="With --mc: which noise the passes use. dropout: only dropout (default). all: also input_noise and "
            "hidden_noise, which are meant for training.",
        ),
    ] = None,
    runs_dir: arguments.RunsDir = arguments.DEFAULT_RUNS_DIR,
    json: arguments.Json = False,
) -> None:
    """Predict every row of FILE with RUN.

    The output has the rows and their predictions: label and probabilities, or a number.
    """
    from dropout_cli import runs
    from dropout_cli.analysis import predict as analysis_predict
    from dropout_cli.data.cache import open_replacement

    arguments.check_mc_noise(mc_noise, mc)
    run = runs.find_run(reference, runs_dir)
    blocks = analysis_predict.predict_file(run, file, passes=mc, all_noise=mc_noise == arguments.McNoise.all)
    pieces = _as_json(blocks, {"run": str(run.path), "file": str(file)}) if json else _as_csv(blocks)
    if output is None:
        for piece in pieces:
            sys.stdout.write(piece)
        return
    try:
        # The input is still being read while the output is written.
        if output.exists() and output.samefile(file):
            raise UsageError("--output", f"{output} is the input file", "Choose another file.")
        with open_replacement(output) as target:
            for piece in pieces:
                # surrogateescape: bytes of the input that are not UTF-8 come out as they went in
                target.write(piece.encode("utf-8", "surrogateescape"))
    except OSError as error:
        raise RunFailed(str(output), f"cannot be written ({error.strerror})", "Choose another file name.") from None
    print_path(output)


def _as_csv(blocks: Iterable["PredictedRows"]) -> Iterator[str]:
    """Yield CSV text: a header, then the rows, with six digits for predicted numbers."""
    from dropout_cli.metrics import csv_text

    for number, block in enumerate(blocks):
        _print_notices(block)
        # All blocks have the same columns.
        rows: list[list[str | None]] = [list(block.names)] if number == 0 else []
        for row in block.rows:
            predicted = (f"{cell:.6g}" if isinstance(cell, float) else cell for cell in row[block.file_columns :])
            rows.append([*row[: block.file_columns], *predicted])
        yield csv_text(rows)


def _as_json(blocks: Iterable["PredictedRows"], about: dict[str, str]) -> Iterator[str]:
    """Yield the pieces of one JSON object with one object per row in `predictions`.

    Notices follow under `notices`, if there are any.

    Args:
        blocks: The predicted rows.
        about: Keys that come before `predictions`.
    """
    notices: list[str] = []
    yield json_text.dumps(about)[:-1] + ', "predictions": ['
    between = "\n"  # written by hand: json.dumps would need all rows at once
    for block in blocks:
        _print_notices(block)
        notices += block.notices
        for row in block.rows:
            # JSON has no NaN and no infinity.
            cells = [None if isinstance(cell, float) and not math.isfinite(cell) else cell for cell in row]
            yield between + json_text.dumps(dict(zip(block.names, cells, strict=True)))
            between = ",\n"
    yield "\n]" + (f', "notices": {json_text.dumps(notices)}' if notices else "") + "}\n"


def _print_notices(block: "PredictedRows") -> None:
    for notice in block.notices:
        print_stderr(notice)
