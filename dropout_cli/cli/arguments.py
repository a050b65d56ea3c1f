"""The arguments and options that several commands share."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, TypeAlias

import typer

from dropout_cli.core.errors import UsageError
from dropout_cli.core.registry import LeftOut, Registry, UnknownName, did_you_mean

Config: TypeAlias = Annotated[str, typer.Argument(metavar="CONFIG", help="A YAML file, or the name of a bundled one.")]
Overrides: TypeAlias = Annotated[
    list[str] | None,
    typer.Argument(metavar="[KEY=VALUE]...", help="Changes, such as dropout.rate=0.3.", show_default=False),
]
RunReference: TypeAlias = Annotated[
    str,
    typer.Argument(metavar="RUN", help="A run folder, a unique prefix of its name, or `latest`, the one created last."),
]
RunsDir: TypeAlias = Annotated[Path, typer.Option("--runs-dir", metavar="DIR", help="Where run folders are.")]
Json: TypeAlias = Annotated[bool, typer.Option("--json", help="Print one JSON object instead.")]
NoPlots: TypeAlias = Annotated[bool, typer.Option("--no-plots", help="Draw no figures.")]
Quiet: TypeAlias = Annotated[bool, typer.Option("--quiet", help="No progress on stderr.")]
Splits: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--splits",
        metavar="each|same|N",
        help="Each seed on a split of its own, as unless given; all on the same; or N splits with --seeds on each.",
    ),
]
MaxTime: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--max-time", metavar="TIME", help="Stop after so long, such as 90s, 10m or 1.5h; `dropout resume` goes on."
    ),
]
Metrics: TypeAlias = Annotated[
    str | None,
    typer.Option("--metrics", metavar="A,B", help="Several numbers, the main one first; corrected for together."),
]
PairedTest: TypeAlias = Annotated[
    str | None,
    typer.Option("--test", metavar="NAME", help="t, or beside it sign-flip, max-t or wilcoxon: permutation tests."),
]

RUNS = Path("runs")


class McNoise(StrEnum):
    """The noise that Monte-Carlo passes draw."""

    dropout = "dropout"
    all = "all"


def must_have_passes(noise: McNoise | None, passes: int | None) -> None:
    """Raise UsageError for `--mc-noise` without `--mc`."""
    if noise is not None and passes is None:
        raise UsageError("--mc-noise", "says what Monte-Carlo passes draw, and there are none", "Give --mc T as well.")


def lookup(registry: Registry[Any], name: str) -> type:
    """The class of that name. Raises UsageError, with a suggestion."""
    try:
        return registry[name]
    except LeftOut as error:
        raise UsageError(*error.problem) from None
    except UnknownName:
        names = registry.names()
        way_out = f"{did_you_mean(name, names)} Choose from: {', '.join(names)}".lstrip()
        raise UsageError("", f"unknown {registry.kind} '{name}'", way_out) from None
