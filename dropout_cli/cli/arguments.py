"""Arguments and options that several commands share."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, TypeAlias

import typer

from dropout_cli.cli import completion
from dropout_cli.core.errors import UsageError
from dropout_cli.core.registry import Registry, UnknownName, UnusablePlugin, suggest_names

Config: TypeAlias = Annotated[
    str,
    typer.Argument(
        metavar="CONFIG|DATA",
        help="A config file (YAML), the name of a bundled config, or your data: a table, arrays or a folder of "
        "images. For data, a config is made as by `dropout config init`.",
        autocompletion=completion.complete_config,
    ),
]
Target: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--target",
        metavar="NAME",
        help="With DATA: the column to predict (default: on a terminal you are asked, elsewhere it is guessed).",
    ),
]
Overrides: TypeAlias = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="KEY=VALUE",
        help="Values that replace those of CONFIG, such as dropout.rate=0.3.",
        autocompletion=completion.complete_setting,
        show_default=False,
    ),
]
RunReference: TypeAlias = Annotated[
    str,
    typer.Argument(
        metavar="RUN",
        help="A run folder, the unique beginning of its name, or `latest` for the newest run.",
        autocompletion=completion.complete_run,
    ),
]
RunsDir: TypeAlias = Annotated[Path, typer.Option("--runs-dir", metavar="DIR", help="The folder that holds the runs.")]
Json: TypeAlias = Annotated[bool, typer.Option("--json", help="Print the result as one JSON object.")]
NoPlots: TypeAlias = Annotated[bool, typer.Option("--no-plots", help="Do not draw figures.")]
Quiet: TypeAlias = Annotated[bool, typer.Option("--quiet", help="Do not show progress on stderr.")]
Jobs: TypeAlias = Annotated[
    int | None,
    typer.Option("--jobs", min=1, metavar="N", help="How many runs to train at the same time (default: one per core)."),
]
Scheduler: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--scheduler",
        metavar="ADDRESS",
        help="The address of a Dask scheduler, such as tcp://host:8786. Its workers then train the runs.",
    ),
]
Splits: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--splits",
        metavar="each|same|N",
        help="each: every seed gets its own split (default). same: all seeds use one split. N: N splits, and all "
        "seeds on each.",
    ),
]
MaxTime: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--max-time",
        metavar="TIME",
        help="Stop after this time, such as 90s, 10m or 1.5h. `dropout resume` continues the run.",
    ),
]
AllColumns: TypeAlias = Annotated[
    bool,
    typer.Option("--all-columns", help="Show all columns of the comparison: p-values, effect size, new data."),
]
Metrics: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--metrics",
        metavar="A,B",
        help="Compare by several metrics, the main one first. The intervals are corrected for all of them together.",
        autocompletion=completion.complete_metric,
    ),
]
PairedTest: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--test",
        metavar="NAME",
        help="t (default), or one of the tests sign-flip, max-t and wilcoxon, shown in addition to t.",
    ),
]

DEFAULT_RUNS_DIR = Path("runs")


class Split(StrEnum):
    """Parts of the data."""

    train = "train"
    val = "val"
    test = "test"


class Checkpoint(StrEnum):
    """Checkpoints of a run."""

    best = "best"
    last = "last"


class McNoise(StrEnum):
    """Noise that Monte Carlo passes draw."""

    dropout = "dropout"
    all = "all"


def parse_folder(text: str) -> Path:
    """Return the folder that an option names; the empty text would be the current folder."""
    if not text.strip():
        raise typer.BadParameter("is empty")
    return Path(text)


def check_mc_noise(noise: McNoise | None, passes: int | None) -> None:
    """Raise UsageError if `--mc-noise` is given without `--mc`.

    Args:
        noise: The value of `--mc-noise`, None if it is not given.
        passes: The value of `--mc`, None if it is not given.
    """
    if noise is not None and passes is None:
        raise UsageError("--mc-noise", "needs --mc", "Add --mc T.")


def check_scheduler(scheduler: str | None, jobs: int | None) -> None:
    """Raise UsageError if both `--scheduler` and `--jobs` are given.

    Args:
        scheduler: The value of `--scheduler`, None if it is not given.
        jobs: The value of `--jobs`, None if it is not given.
    """
    if scheduler is not None and jobs is not None:
        fact = "cannot be used with --scheduler, where the number of workers decides"
        raise UsageError("--jobs", fact, "Leave out --jobs.")


def find_registered(registry: Registry[Any], name: str) -> type:
    """Return the registered class of that name.

    Raises:
        UsageError: No class has this name; the message suggests a similar one.
    """
    try:
        return registry[name]
    except UnusablePlugin as error:
        raise UsageError(*error.problem) from None
    except UnknownName:
        raise UsageError("", f"unknown {registry.kind} '{name}'", suggest_names(name, registry.names())) from None
