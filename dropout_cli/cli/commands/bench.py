"""`dropout bench`."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from dropout_cli.cli import arguments
from dropout_cli.cli import output as cli_output

POSITION = 170


class Suite(StrEnum):
    """What can be measured."""

    mlp = "mlp"
    optimizers = "optimizers"
    variants = "variants"
    cnn = "cnn"
    evaluation = "evaluation"
    sweep = "sweep"
    startup = "startup"
    io = "io"


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command("bench")(bench)


def bench(
    suite: Annotated[list[Suite] | None, typer.Option("--suite", help="What to measure; mlp unless given.")] = None,
    against: Annotated[
        str, typer.Option("--against", metavar="NAME,NAME", help="torch, torch_compiled, jax, sklearn, keras.")
    ] = "",
    profile: Annotated[bool, typer.Option("--profile", help="Show where the time of a step goes instead.")] = False,
    rounds: Annotated[
        int, typer.Option("--rounds", min=1, max=1000, help="Turns of each contender, or of 15 steps.")
    ] = 7,
    seconds: Annotated[float, typer.Option("--seconds", min=0, max=60, help="How long a turn is.")] = 0.5,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write it as JSON; a profile as .png, too.")
    ] = None,
    quiet: arguments.Quiet = False,
    json: arguments.Json = False,
) -> None:
    """Measure steps and whole commands, alone and beside other frameworks, in turn. Compare ratios: times are local.

    mlp, optimizers, variants, cnn and evaluation are steps; sweep, startup and io are commands and files.
    """
    from dropout_cli.core import environment
    from dropout_cli.runs import as_json, write

    def watch(text: str) -> None:
        if not quiet:
            cli_output.complain(text)

    names = [one.value for one in suite or [Suite.mlp]]
    found: dict[str, Any] = {"environment": environment.describe()}
    if profile:
        found["profiles"], picture = _profiles(names, 15 * rounds, watch, shown=not json)
        if output is not None and output.suffix == ".png":
            write(output, picture)
            output = None
    else:
        chosen = [name for name in against.split(",") if name]
        found["suites"] = _suites(names, chosen, rounds, seconds, watch, shown=not json)
    if output is not None:
        write(output, as_json(found))
    if json:
        cli_output.result(cli_output.as_json(found))


def _suites(names: list[str], against: list[str], rounds: int, seconds: float, watch: Any, *, shown: bool) -> Any:
    from dropout_cli.bench import commands, steps

    found = {}
    for name in names:
        if name in commands.SUITES:
            whole = commands.measure(name, against, rounds, watch)
            found[name], table = [row.as_dict() for row in whole], commands.table(whole)
        else:
            rows = steps.measure(name, against, rounds=rounds, seconds=seconds, watch=watch)
            found[name], table = [row.as_dict() for row in rows], steps.table(rows)
        if shown:
            cli_output.result(cli_output.table(*table))
    return found


def _profiles(names: list[str], steps: int, watch: Any, *, shown: bool) -> tuple[Any, bytes]:
    from dropout_cli import plots
    from dropout_cli.bench.case import SUITES, suite
    from dropout_cli.bench.profile import by_kind, profile

    found, kinds = {}, {}
    for case in (one for name in names if name in SUITES for one in suite(name) if one.work == "step"):
        watch(case.name)
        lines = profile(case, steps)
        total = sum(line.microseconds for line in lines)
        found[case.name] = [line._asdict() for line in lines]
        kinds[case.name] = by_kind(lines)
        if shown:
            rows = [(*line[:2], round(line.microseconds, 1), f"{line.microseconds / total:.0%}") for line in lines]
            cli_output.result(cli_output.table((case.name, "kind", "microseconds", "share"), rows))
    return found, plots.step_time(kinds, "a training step, by kind of work")
