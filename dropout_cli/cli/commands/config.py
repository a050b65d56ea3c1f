"""The commands `dropout config ...`: write, check, show and explain configs."""

import errno
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dropout_cli.cli import arguments, output
from dropout_cli.cli.config_argument import find_config_argument
from dropout_cli.cli.single_value_options import StrictTyper
from dropout_cli.core.errors import DropoutError, RunFailed, UsageError

if TYPE_CHECKING:
    from dropout_cli.data.overview import DatasetOverview

POSITION = 180

SCHEMA_FILE = "dropout.schema.json"
"""The schema that `config init --schema` writes beside the config."""
SCHEMA_LINE = f"# yaml-language-server: $schema=./{SCHEMA_FILE}"
HINT = "# For completion and hovers in an editor: `dropout config init --schema` writes dropout.schema.json, too."

app = StrictTyper(help="Write, check and explain configs.", no_args_is_help=True, rich_markup_mode=None)


def register_command(parent: typer.Typer) -> None:
    """Register the group of commands."""
    parent.add_typer(app, name="config")


@app.command()
def init(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The config file to write.")] = Path("experiment.yaml"),
    data: Annotated[
        Path | None,
        typer.Option(
            "--data",
            metavar="PATH",
            help="Your table, array file or folder of images. The config fits it.",
        ),
    ] = None,
    target: Annotated[
        str | None,
        typer.Option("--target", metavar="NAME", help="With --data: the column to predict (default: a guess)."),
    ] = None,
    test: Annotated[
        Path | None,
        typer.Option("--test", metavar="FILE", help="With --data: a second table, with the rows to test on."),
    ] = None,
    schema: Annotated[
        bool,
        typer.Option(
            "--schema",
            help="Also write dropout.schema.json beside FILE. Editors use it to complete, check and explain keys.",
        ),
    ] = False,
) -> None:
    """Write a commented config to start from, and print its path. Existing files are kept."""
    from dropout_cli import config

    guess = ""
    if data is None and target is not None:
        raise UsageError("--target", "needs --data", "Give the table with --data FILE.")
    if data is None and test is not None:
        raise UsageError("--test", "needs --data", "Give the table to train on with --data FILE.")
    if data is None:
        text = config.config_template()
    else:
        from dropout_cli.config.starter import starter_config

        text, guess = starter_config(data.absolute(), target, None if test is None else test.absolute())
    beside = file.with_name(SCHEMA_FILE)
    # A path in the text would be wrong on another machine, and tell the name of the user.
    first = SCHEMA_LINE if schema or beside.is_file() else HINT if data is None else ""
    if first:
        text = f"{first}\n{text}"
    _write(file, text.encode())
    if schema and not beside.is_file():
        try:
            _write(beside, f"{output.json_text(config.json_schema())}\n".encode())
        except DropoutError:
            file.unlink()
            raise
    if guess:
        output.print_stderr(guess)
    output.print_path(file)


def _write(file: Path, content: bytes) -> None:
    """Write a new file; raise UsageError if it exists or cannot be written."""
    from dropout_cli.runs.atomic_io import write_new

    try:
        write_new(file, content)
    except FileExistsError:
        raise UsageError(str(file), "the file already exists", "Choose another file name.") from None
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise RunFailed(str(file), f"cannot be written ({error.strerror})", "Free some space there.") from None
        raise UsageError(str(file), f"cannot be written ({error.strerror})", "Choose another file name.") from None


@app.command()
def check(
    config: arguments.Config,
    overrides: arguments.Overrides = None,
    target: arguments.Target = None,
    data: Annotated[
        bool, typer.Option("--data", help="Also read the data and show a summary. Nothing is trained.")
    ] = False,
    json: arguments.Json = False,
) -> None:
    """Check a config and list all mistakes."""
    found = find_config_argument(config, target, overrides)
    loaded = found.load(overrides)
    for notice in loaded.notices:
        output.print_stderr(notice)
    summary = None
    if data:
        from dropout_cli.training.setup import check_data

        summary = check_data(loaded.experiment)
        for warning in summary.warnings if json else ():
            output.print_stderr(warning)
    if json:
        facts = {"config": str(found.path), "valid": True, "notices": list(loaded.notices)}
        output.print_result(output.json_text(facts | ({} if summary is None else _as_json(summary))))
        return
    if summary is not None:
        _show(summary)
    output.print_result(f"{output.cell_text(found.path)}: the config is valid.")


COLUMN_HEADERS = ("column", "type", "missing", "distinct", "minimum", "maximum")
"""Headers of the table of columns."""


def _as_json(summary: "DatasetOverview") -> dict[str, Any]:
    """Return the tables of `_show` as one mapping."""
    first = [dict(zip(summary.first[0], row, strict=True)) for row in summary.first[1:]] if summary.first else []
    target_headers = ("target", "all", *summary.parts)
    return {
        "facts": dict(summary.facts),
        "columns": [_column_json(row) for row in summary.columns],
        "target": [dict(zip(target_headers, row, strict=True)) for row in summary.target],
        "first_rows": first,
        "warnings": list(summary.warnings),
    }


def _column_json(row: Sequence[Any]) -> dict[str, Any]:
    """Return a row of the table of columns; words have a most frequent value, no range."""
    known = dict(zip(COLUMN_HEADERS, row, strict=True))
    low, high = known.pop("minimum"), known.pop("maximum")
    if known["type"] == "category":
        return known | {"most_frequent": high}
    return known | {"minimum": float(low) if low else None, "maximum": float(high) if high else None}


def _show(summary: "DatasetOverview") -> None:
    output.print_result(output.format_table(("item", "value"), summary.facts))
    if summary.columns:
        output.print_result(output.format_table(COLUMN_HEADERS, summary.columns))
    output.print_result(output.format_table(("target", "all", *summary.parts), summary.target))
    if summary.first:
        output.print_result(output.format_table(summary.first[0], summary.first[1:]))
    for warning in summary.warnings:
        output.print_stderr(warning)


@app.command()
def show(
    config: arguments.Config,
    overrides: arguments.Overrides = None,
    target: arguments.Target = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Show where each value comes from, and the meaning of each key.")
    ] = False,
    model: Annotated[
        bool, typer.Option("--model", help="Show the layers of the network: shapes, parameters, rates of the noise.")
    ] = False,
) -> None:
    """Print a config with all its values, defaults included."""
    import dropout_cli.config as configs

    loaded = find_config_argument(config, target, overrides).load(overrides)
    for notice in loaded.notices:
        output.print_stderr(notice)
    if model:
        from dropout_cli.training.model_overview import model_table

        output.print_result(
            output.format_table(("layer", "kind", "shape", "parameters", "noise"), model_table(loaded.experiment))
        )
    elif explain:
        output.print_result(output.format_table(("key", "value", "source", "meaning"), configs.explain_config(loaded)))
    else:
        output.print_result(configs.to_yaml(loaded.experiment).rstrip())


@app.command()
def schema(
    sweep: Annotated[bool, typer.Option("--sweep", help="Print the schema of sweep files instead.")] = False,
) -> None:
    """Print the JSON Schema of configs, for completion and checks in editors."""
    import dropout_cli.config as configs
    from dropout_cli.sweeps.sweep_schema import sweep_schema

    output.print_result(output.json_text(sweep_schema() if sweep else configs.json_schema()))
