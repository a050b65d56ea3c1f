"""The command `dropout predict`: predict the rows of a file with finished runs."""

import csv
import io
import json as json_text
import math
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dropout_cli.cli import arguments
from dropout_cli.cli.output import print_result, print_stderr
from dropout_cli.core.errors import RunFailed, UsageError

if TYPE_CHECKING:
    from dropout_cli.analysis.predict import PredictedRows
    from dropout_cli.runs import Run

POSITION = 70


def register_command(app: typer.Typer) -> None:
    """Register the command with `app`."""
    app.command("predict")(predict_command)


def predict_command(
    reference: Annotated[
        str,
        typer.Argument(
            metavar="RUN|SWEEP",
            help="A run, `latest` for the newest run, or the folder of a sweep, whose runs of one setting are "
            "averaged.",
        ),
    ],
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
    setting: Annotated[
        list[str] | None,
        typer.Option(
            "--setting",
            metavar="KEY=VALUE",
            help="With a sweep: the setting that predicts, such as dropout.rate=0.3 (default: the best one on the "
            "validation part). Can be given several times.",
        ),
    ] = None,
    runs_dir: arguments.RunsDir = arguments.DEFAULT_RUNS_DIR,
    json: arguments.Json = False,
) -> None:
    """Predict every row of FILE with RUN, or with all runs of one setting of SWEEP.

    The output has the rows and their predictions: label and probabilities, or a number.
    """
    from dropout_cli.analysis import predict as analysis_predict
    from dropout_cli.data.cache import open_replacement

    arguments.check_mc_noise(mc_noise, mc)
    predicting, about = _predicting_runs(reference, runs_dir, setting or ())
    blocks = analysis_predict.predict_file(predicting, file, passes=mc, all_noise=mc_noise == arguments.McNoise.all)
    pieces = _as_json(blocks, about | {"file": str(file)}) if json else _as_csv(blocks)
    if output is None:
        for piece in pieces:
            sys.stdout.write(piece)
        return
    # The input is still being read while the output is written.
    if output.exists() and output.samefile(file):
        raise UsageError("--output", f"{output} is the input file", "Choose another file.")
    try:
        with open_replacement(output) as target:
            for piece in pieces:
                # surrogateescape: bytes of the input that are not UTF-8 come out as they went in
                target.write(piece.encode("utf-8", "surrogateescape"))
    except OSError as error:
        raise RunFailed(str(output), f"cannot be written ({error.strerror})", "Choose another file name.") from None
    print_result(str(output))


def _predicting_runs(reference: str, runs_dir: Path, setting: Sequence[str]) -> "tuple[list[Run], dict[str, Any]]":
    """Return the runs that predict, and the first keys of the JSON object.

    Args:
        reference: A run or a sweep.
        runs_dir: The folder that holds the runs.
        setting: The values of `--setting`.

    Raises:
        UsageError: There is no such run or setting.
    """
    from dropout_cli import runs
    from dropout_cli.sweeps import setting_choice
    from dropout_cli.sweeps.options import parse_pairs
    from dropout_cli.sweeps.status import find_sweep

    folder = find_sweep(reference, runs_dir)
    if folder is None or folder.plan() is None:
        if setting:
            raise UsageError("--setting", "works on a sweep", "Leave it out, or give the folder of a sweep.")
        run = runs.find_run(reference, runs_dir)
        return [run], {"run": str(run.path)}
    chosen = setting_choice.choose_setting(folder, parse_pairs(setting, "--setting") or None)
    print_stderr(chosen.message)
    about = {"sweep": str(folder.path), "setting": dict(chosen.group.values)}
    return chosen.runs, about | {"runs": [str(run.path) for run in chosen.runs]}


def _as_csv(blocks: Iterable["PredictedRows"]) -> Iterator[str]:
    """Yield CSV text: a header, then the rows, with six digits for predicted numbers."""
    for number, block in enumerate(blocks):
        _print_notices(block)
        text = io.StringIO(newline="")
        writer = csv.writer(text, lineterminator="\n")
        # All blocks have the same columns.
        if number == 0:
            writer.writerow(block.names)
        for row in block.rows:
            predicted = (f"{cell:.6g}" if isinstance(cell, float) else cell for cell in row[block.file_columns :])
            writer.writerow([*row[: block.file_columns], *predicted])
        yield text.getvalue()


def _as_json(blocks: Iterable["PredictedRows"], about: Mapping[str, Any]) -> Iterator[str]:
    """Yield the pieces of one JSON object with one object per row in `predictions`.

    Notices follow under `notices`, if there are any.

    Args:
        blocks: The predicted rows.
        about: Keys that come before `predictions`.
    """
    notices: list[str] = []
    yield json_text.dumps(dict(about))[:-1] + ', "predictions": ['
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
