"""The command `dropout effects`: show the effect of dropout on the hidden layers."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dropout_cli.cli import arguments, completion, output
from dropout_cli.core.errors import UsageError

if TYPE_CHECKING:
    pass

POSITION = 90


def register_command(app: typer.Typer) -> None:
    """Register the command with `app`."""
    app.command("effects")(effects_command)


def effects_command(
    references: Annotated[
        list[str],
        typer.Argument(
            metavar="RUN|SWEEP",
            help="A run, as for the other commands; several runs on the same dataset; or the folder of a sweep.",
            autocompletion=completion.complete_run_or_sweep,
        ),
    ],
    rates: Annotated[
        str | None,
        typer.Option(
            "--rates",
            metavar="R,R...",
            help="Only draw heat maps of the activations of one run under these rates (without this option: "
            "0,0.3,0.5,0.7). A variant with learned rates, or without a rate, is shown with its noise off and on.",
        ),
    ] = None,
    examples: Annotated[
        int | None,
        typer.Option(
            "--examples",
            metavar="N",
            help="The number of test examples, from the first on (default: 100 for heat maps; 2000 for statistics, "
            "or 1000 with feature maps).",
        ),
    ] = None,
    mc_noise: Annotated[
        arguments.McNoise,
        typer.Option(
            "--mc-noise",
            help="Which noise the heat maps use: only dropout, or all, which includes input_noise and hidden_noise "
            "(meant for training).",
        ),
    ] = arguments.McNoise.dropout,
    runs_dir: arguments.RunsDir = arguments.DEFAULT_RUNS_DIR,
    no_plots: arguments.NoPlots = False,
    json: arguments.Json = False,
) -> None:
    """Show what dropout does to the hidden layers of RUN.

    Heat maps show the activations under several rates. Statistics of the trained network follow: sparseness, dead
    units and correlation of the activations, the score with a share of the units ablated, and the first-layer
    filters. Several runs are shown side by side. Of a sweep, each statistic is shown for each rate. The files are
    written to after/ in the folder of the first run, or to effects/ in the folder of the sweep.
    """
    from dropout_cli import runs
    from dropout_cli.cli.inspections import show_inspections
    from dropout_cli.sweeps.status import find_sweep_or_search

    # Parsed first: a wrong list is reported before the run is loaded.
    wanted = None if rates is None else _numbers(rates)
    sweeps = [folder for one in references if (folder := find_sweep_or_search(one, runs_dir)) is not None]
    if rates is not None and (sweeps or len(references) > 1):
        raise UsageError("--rates", "works on a single run", "Give one run, or leave out --rates.")
    if sweeps:
        if len(references) > 1:
            raise UsageError(str(sweeps[0].path), "a sweep is shown alone", "Give one sweep, or several runs.")
        from dropout_cli.cli.inspections import show_sweep_inspections
        from dropout_cli.sweeps.sweep_effects import inspect_sweep

        show_sweep_inspections(sweeps[0], [inspect_sweep(sweeps[0], examples)], images=not no_plots, json=json)
        return
    if len(references) > 1:
        from dropout_cli.analysis.effects.several_runs import inspect_runs
        from dropout_cli.sweeps.run_labels import label_runs

        labelled = label_runs(references, runs_dir)
        first = next(iter(labelled.runs.values()))
        show_inspections(first, [inspect_runs(labelled.runs, examples, labelled.key)], images=not no_plots, json=json)
        return
    run = runs.find_run(references[0], runs_dir)
    from dropout_cli.analysis.effects.heat_map import write_effects
    from dropout_cli.analysis.effects.one_run import inspect_hidden_layers

    all_noise = mc_noise == arguments.McNoise.all
    place, rows = write_effects(
        run, wanted, examples=examples, all_noise=all_noise, figures=not no_plots, studies_follow=rates is None
    )
    if not json:
        shown = ("layer", "rate", "mean", "sd", "share_of_zeros")
        output.print_result(output.format_table(shown, [[row[key] for key in shown] for row in rows]))
        for figure in sorted(Path(place).glob("*.png")):
            output.print_path(figure)
    heat_maps = {"folder": place, "effects": rows}
    if rates is None:
        show_inspections(run, inspect_hidden_layers(run, examples), images=not no_plots, json=json, more=heat_maps)
    elif json:
        output.print_result(output.json_text(heat_maps))


def _numbers(text: str) -> list[float]:
    try:
        return [float(number) for number in text.split(",")]
    except ValueError:
        raise UsageError("--rates", f"'{text}' is not a list of numbers", "Write them as 0,0.3,0.5.") from None
