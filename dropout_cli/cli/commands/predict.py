"""The command `dropout predict`: predict the rows of a file, or images, with finished runs."""

import json as json_text
import math
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dropout_cli.cli import arguments, completion
from dropout_cli.cli.output import print_path, print_stderr
from dropout_cli.core.errors import RunFailed, UsageError

if TYPE_CHECKING:
    from dropout_cli.analysis.output_format import CsvFormat
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
            autocompletion=completion.complete_run_or_sweep,
            metavar="RUN|SWEEP",
            help="A run, `latest` for the newest run, or the folder of a sweep, whose runs of one setting are "
            "averaged.",
        ),
    ],
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE",
            help="A table with the columns of the training, or an array file. For a run on images: images, or folders "
            "of images.",
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="The output file (default: standard output)."),
    ] = None,
    mc: Annotated[
        int | None,
        typer.Option(
            "--mc", metavar="T", min=1, help="Average T passes of Monte Carlo dropout and report the uncertainty."
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
    temperature: Annotated[
        bool,
        typer.Option(
            "--temperature",
            help="Use the temperature that `dropout eval RUN --temperature` has stored; with --mc, that of the mean "
            "of the passes.",
        ),
    ] = False,
    conformal: Annotated[
        float | None,
        typer.Option(
            "--conformal",
            metavar="SHARE",
            help="Add intervals (lower, upper), or a set of classes, that contain the truth with this probability, "
            "such as .95 (split conformal prediction). They need a validation part of the run.",
        ),
    ] = None,
    setting: Annotated[
        list[str] | None,
        typer.Option(
            "--setting",
            autocompletion=completion.complete_setting,
            metavar="KEY=VALUE",
            help="With a sweep: the setting that predicts, such as dropout.rate=0.3 (default: the best one on the "
            "validation part). Can be given several times.",
        ),
    ] = None,
    missing: Annotated[
        list[str] | None,
        typer.Option(
            "--missing",
            metavar="TEXT",
            help="A text that stands for a missing value in FILE, besides those of the training. Can be given several "
            "times.",
        ),
    ] = None,
    same_format: Annotated[
        bool,
        typer.Option(
            "--same-format",
            help="Write the output with the separator, the decimal mark and the encoding of FILE (default: commas, "
            "points and UTF-8).",
        ),
    ] = False,
    runs_dir: arguments.RunsDir = arguments.DEFAULT_RUNS_DIR,
    json: arguments.Json = False,
) -> None:
    """Predict every row of FILE, or every image, with a run or a sweep.

    The runs of one setting of a sweep predict together: their predictions are averaged. The output has the rows and
    their predictions: label and probabilities, or a number.
    """
    from dropout_cli.analysis import output_format
    from dropout_cli.analysis import predict as analysis_predict
    from dropout_cli.data.cache import open_replacement

    arguments.check_mc_noise(mc_noise, mc)
    predicting, about, messages = _predicting_runs(reference, runs_dir, setting or (), conformal=conformal is not None)
    if same_format and json:
        raise UsageError("--same-format", "cannot be used with --json", "Leave out one of them.")
    notation = output_format.input_format(predicting[0], files[0]) if same_format else output_format.CsvFormat()
    blocks = analysis_predict.predict_file(
        predicting,
        *files,
        passes=mc,
        all_noise=mc_noise == arguments.McNoise.all,
        temperature=temperature,
        missing=missing or (),
        conformal=conformal,
    )
    blocks = _announce(blocks, messages)
    names = [str(file) for file in files]
    about |= {"file": names[0]} if len(names) == 1 else {"files": names}
    pieces = _as_json(blocks, about) if json else _as_csv(blocks, notation)
    if output is None:
        _to_stdout(pieces, notation if same_format else None)
        return
    try:
        # The input is still being read while the output is written.
        if output.exists() and any(file.exists() and output.samefile(file) for file in files):
            raise UsageError("--output", f"{output} is the input file", "Choose another file.")
        with open_replacement(output) as target:
            for data in notation.encode(pieces):
                target.write(data)
    except OSError as error:
        raise RunFailed(str(output), f"cannot be written ({error.strerror})", "Choose another file name.") from None
    print_path(output)


def _predicting_runs(
    reference: str, runs_dir: Path, setting: Sequence[str], *, conformal: bool
) -> "tuple[list[Run], dict[str, Any], list[str]]":
    """Return the runs that predict, the first keys of the JSON object, and messages.

    Args:
        reference: A run or a sweep.
        runs_dir: The folder that holds the runs.
        setting: The values of `--setting`.
        conformal: True if `--conformal` is given, for a notice.

    Raises:
        UsageError: There is no such run or setting.
    """
    from dropout_cli import runs
    from dropout_cli.sweeps.folder import find_sweep

    folder = find_sweep(reference, runs_dir)
    if folder is None:
        if setting:
            raise UsageError("--setting", "works on a sweep", "Leave it out, or give the folder of a sweep.")
        run = runs.find_run(reference, runs_dir)
        return [run], {"run": str(run.path)}, []
    from dropout_cli.sweeps import setting_choice
    from dropout_cli.sweeps.options import parse_pairs

    chosen = setting_choice.choose_setting(folder, parse_pairs(setting, "--setting") or None)
    messages = [chosen.message]
    if conformal and chosen.is_best:
        messages.append("--conformal: the validation part also chose the setting, so the coverage is approximate.")
    about = {"sweep": str(folder.path), "setting": dict(chosen.group.values)}
    return chosen.runs, about | {"runs": [str(run.path) for run in chosen.runs]}, messages


def _announce(blocks: "Iterator[PredictedRows]", messages: Iterable[str]) -> "Iterator[PredictedRows]":
    """Yield blocks, and print messages when the first one is computed, so that an error is alone."""
    first = list(islice(blocks, 1))
    for message in messages:
        print_stderr(message)
    yield from chain(first, blocks)


def _to_stdout(pieces: Iterable[str], notation: "CsvFormat | None") -> None:
    """Write text to stdout, in the encoding of a notation or in that of the terminal."""
    if notation is None:
        for piece in pieces:
            sys.stdout.write(piece)
        return
    sys.stdout.flush()
    for data in notation.encode(pieces):
        sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def _as_csv(blocks: Iterable["PredictedRows"], notation: "CsvFormat") -> Iterator[str]:
    """Yield CSV text: a header, then the rows."""
    for number, block in enumerate(blocks):
        _print_notices(block)
        # All blocks have the same columns.
        header = [([*block.names], list[Any]())] if number == 0 else []
        split = block.file_columns
        yield notation.lines([*header, *((row[:split], row[split:]) for row in block.rows)])


def _as_json(blocks: Iterable["PredictedRows"], about: Mapping[str, Any]) -> Iterator[str]:
    """Yield the pieces of one JSON object with one object per row in `predictions`.

    Notices follow under `notices`, if there are any.

    Args:
        blocks: The predicted rows.
        about: Keys that come before `predictions`.
    """
    notices, rest = list[str](), iter(blocks)
    first = list(islice(rest, 1))  # an error in the file is then the only output
    yield json_text.dumps(dict(about))[:-1] + ', "predictions": ['
    between = "\n"  # written by hand: json.dumps would need all rows at once
    for block in chain(first, rest):
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
