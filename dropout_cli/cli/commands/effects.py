"""`dropout effects`."""

from pathlib import Path
from typing import Annotated

import typer

from dropout_cli.cli import arguments, output
from dropout_cli.core.errors import UsageError

POSITION = 90


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command("effects")(activations)


def activations(
    run: arguments.RunReference,
    rates: Annotated[
        str | None,
        typer.Option(
            "--rates",
            metavar="R,R...",
            help="Rates to compare, 0,0.3,0.5,0.7 unless given; a variant that learns its rate, or has none, shows its "
            "noise off and on.",
        ),
    ] = None,
    examples: Annotated[
        int | None, typer.Option("--examples", metavar="N", help="How many test examples; the first 100 unless given.")
    ] = None,
    mc_noise: Annotated[
        arguments.McNoise,
        typer.Option(
            "--mc-noise",
            help="What is drawn: the dropout alone, or all, with input_noise and hidden_noise, which are noise of the "
            "training.",
        ),
    ] = arguments.McNoise.dropout,
    runs_dir: arguments.RunsDir = arguments.RUNS,
    json: arguments.Json = False,
) -> None:
    """Draw what dropout does to RUN's hidden activations, as figures and effects.csv under its after/.

    Of a network with feature maps, maps.png compares masks drawn pixel by pixel with masks of whole maps.
    """
    from dropout_cli import runs
    from dropout_cli.analysis import activations

    asked = None if rates is None else _numbers(rates)
    all_noise = mc_noise == arguments.McNoise.all
    folder, rows = activations.show(runs.find(run, runs_dir), asked, examples=examples, all_noise=all_noise)
    if json:
        output.result(output.as_json({"folder": folder, "effects": rows}))
        return
    shown = ("layer", "rate", "mean", "sd", "share_of_zeros")
    output.result(output.table(shown, [[row[key] for key in shown] for row in rows]))
    for figure in sorted(Path(folder).glob("*.png")):
        output.result(str(figure))


def _numbers(text: str) -> list[float]:
    try:
        return [float(one) for one in text.split(",")]
    except ValueError:
        raise UsageError("--rates", f"'{text}' is not a list of numbers", "Write them as 0,0.3,0.5.") from None
