"""The command `dropout ensemble`: study sampled networks, all masks, or trained runs as an ensemble."""

from typing import TYPE_CHECKING, Annotated

import typer

from dropout_cli.cli import arguments, completion, output
from dropout_cli.cli.inspections import show_inspections, show_sweep_inspections
from dropout_cli.core.errors import UsageError

if TYPE_CHECKING:
    from dropout_cli.sweeps.folder import SweepFolder

POSITION = 95
NETWORKS = 20
NEXT = "To compare with trained networks: dropout sweep CONFIG --seeds 5 --splits same, then dropout ensemble SWEEP"


def register_command(app: typer.Typer) -> None:
    """Register the command with `app`."""
    app.command("ensemble")(ensemble_command)


def ensemble_command(
    reference: Annotated[
        str,
        typer.Argument(
            autocompletion=completion.complete_run_or_sweep,
            metavar="RUN|SWEEP",
            help="A run, `latest` for the newest run, or the folder of a sweep, whose runs of one setting are the "
            "ensemble.",
        ),
    ],
    networks: Annotated[
        int | None,
        typer.Option("--networks", metavar="K", min=2, help=f"The number of sampled networks (default: {NETWORKS})."),
    ] = None,
    exact: Annotated[
        bool,
        typer.Option(
            "--exact",
            help="Use all masks instead, each weighted by its probability. The network may have at most 12 units "
            "with noise.",
        ),
    ] = False,
    setting: Annotated[
        list[str] | None,
        typer.Option(
            "--setting",
            autocompletion=completion.complete_setting,
            metavar="KEY=VALUE",
            help="With a sweep: the setting, such as dropout.rate=0.3 (default: the best one on the validation part). "
            "Can be given several times.",
        ),
    ] = None,
    split: Annotated[
        arguments.Split | None,
        typer.Option("--split", help="With a run: the part of the data to evaluate (default: test)."),
    ] = None,
    checkpoint: Annotated[
        arguments.Checkpoint | None,
        typer.Option(
            "--checkpoint",
            help="With a run: the checkpoint to use (default: the one named in summary.json, otherwise last).",
        ),
    ] = None,
    allow_changed_data: Annotated[
        bool,
        typer.Option(
            "--allow-changed-data",
            help="With a run: continue even if the data have changed since training. The preprocessing of the "
            "training is applied to them.",
        ),
    ] = False,
    runs_dir: arguments.RunsDir = arguments.DEFAULT_RUNS_DIR,
    no_plots: arguments.NoPlots = False,
    json: arguments.Json = False,
) -> None:
    """Study sampled networks of RUN, or runs of SWEEP, as an ensemble.

    A sampled network draws its dropout once, for all examples. The table has single networks, their arithmetic and
    geometric mean, and weight scaling. Ambiguity is the part of the loss that averaging removes. The files are written
    to after/ in the folder of the run, or to ensemble/ in that of the sweep.
    """
    from dropout_cli import runs
    from dropout_cli.sweeps.folder import find_sweep

    if exact and networks is not None:
        raise UsageError("--networks", "cannot be used with --exact, which uses all masks", "Leave out one of them.")
    folder = find_sweep(reference, runs_dir)
    if folder is not None:
        for name, given in (
            ("--exact", exact),
            ("--split", split),
            ("--checkpoint", checkpoint),
            ("--allow-changed-data", allow_changed_data),
        ):
            if given:
                raise UsageError(name, "works on a run", "Leave it out, or give a run.")
        _study_sweep(folder, setting or [], networks or NETWORKS, images=not no_plots, json=json)
        return
    if setting:
        raise UsageError("--setting", "works on a sweep", "Leave it out, or give the folder of a sweep.")
    run = runs.find_run(reference, runs_dir)
    from dropout_cli.analysis.ensemble.exact import study_all_masks
    from dropout_cli.analysis.ensemble.sampled import study_sampled_networks

    part, changed = split or arguments.Split.test, allow_changed_data
    if exact:
        study = study_all_masks(run, split=part, checkpoint=checkpoint, allow_changed_data=changed)
    else:
        study = study_sampled_networks(
            run, networks or NETWORKS, split=part, checkpoint=checkpoint, allow_changed_data=changed
        )
    show_inspections(run, [study], images=not no_plots, json=json)
    if not (exact or json):
        output.print_stderr(NEXT)


def _study_sweep(folder: "SweepFolder", setting: list[str], networks: int, *, images: bool, json: bool) -> None:
    """Study the runs of one setting of a sweep."""
    from dropout_cli.sweeps.ensemble import study_trained_runs
    from dropout_cli.sweeps.options import parse_pairs
    from dropout_cli.sweeps.setting_choice import choose_setting

    chosen = choose_setting(folder, parse_pairs(setting, "--setting") or None)
    output.print_stderr(f"Ensemble of {chosen.described}.")
    show_sweep_inspections(folder, [study_trained_runs(folder, chosen, networks)], images=images, json=json)
