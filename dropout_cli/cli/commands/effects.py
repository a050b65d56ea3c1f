"""The command `dropout effects`: show the effect of dropout on hidden activations."""

from pathlib import Path
from typing import Annotated

import typer

from dropout_cli.cli import arguments, output
from dropout_cli.core.errors import UsageError

POSITION = 90


def register_command(app: typer.Typer) -> None:
    """Register the command with `app`."""
    app.command("effects")(effects_command)


def effects_command(
    reference: arguments.RunReference,
    rates: Annotated[
        str | None,
        typer.Option(
            "--rates",
            metavar="R,R...",
            help="The rates to compare (default: 0,0.3,0.5,0.7). A variant with learned rates, or without a rate, is "
            "shown with its noise off and on.",
        ),
    ] = None,
    examples: Annotated[
        int | None,
        typer.Option("--examples", metavar="N", help="The number of test examples, from the first on (default: 100)."),
    ] = None,
    mc_noise: Annotated[
        arguments.McNoise,
        typer.Option(
            "--mc-noise",
            help="Which noise to use: only dropout, or all, which includes input_noise and hidden_noise (meant for "
            "training).",
        ),
    ] = arguments.McNoise.dropout,
    runs_dir: arguments.RunsDir = arguments.DEFAULT_RUNS_DIR,
    json: arguments.Json = False,
) -> None:
    """Plot how dropout changes the hidden activations of RUN.

    Figures and effects.csv are written to after/ in its folder. For a network with feature maps, maps.png
    compares masks of single pixels with masks of whole maps.
    """
    from dropout_cli import runs
    from dropout_cli.analysis import activations

    # Parsed first: a wrong list is reported before the run is loaded.
    wanted = None if rates is None else _numbers(rates)
    all_noise = mc_noise == arguments.McNoise.all
    folder, rows = activations.write_effects(
        runs.find_run(reference, runs_dir), wanted, examples=examples, all_noise=all_noise
    )
    if json:
        output.print_result(output.json_text({"folder": folder, "effects": rows}))
        return
    shown = ("layer", "rate", "mean", "sd", "share_of_zeros")
    output.print_result(output.format_table(shown, [[row[key] for key in shown] for row in rows]))
    for figure in sorted(Path(folder).glob("*.png")):
        output.print_path(figure)


def _numbers(text: str) -> list[float]:
    try:
        return [float(number) for number in text.split(",")]
    except ValueError:
        raise UsageError("--rates", f"'{text}' is not a list of numbers", "Write them as 0,0.3,0.5.") from None
