"""The command `dropout bench`: measure the speed of training steps and of whole commands."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from dropout_cli.cli import arguments

# The name `output` is taken by an option of the command.
from dropout_cli.cli import output as cli_output

POSITION = 170


class Suite(StrEnum):
    """Suites of benchmarks."""

    mlp = "mlp"
    optimizers = "optimizers"
    variants = "variants"
    cnn = "cnn"
    evaluation = "evaluation"
    sweep = "sweep"
    startup = "startup"
    io = "io"


def register_command(app: typer.Typer) -> None:
    """Register the command with `app`."""
    app.command("bench")(bench_command)


def bench_command(
    suite: Annotated[
        list[Suite] | None, typer.Option("--suite", help="The benchmark (default: mlp). Can be given several times.")
    ] = None,
    against: Annotated[
        str,
        typer.Option(
            "--against",
            metavar="NAME,NAME",
            help="Frameworks to compare with: torch, torch_compiled, jax, sklearn, keras.",
        ),
    ] = "",
    profile: Annotated[
        bool, typer.Option("--profile", help="Show how the time of a step divides into kinds of work instead.")
    ] = False,
    rounds: Annotated[
        int,
        typer.Option(
            "--rounds",
            metavar="N",
            min=1,
            max=1000,
            help="How often each framework is measured (with --profile: how many times 15 steps).",
        ),
    ] = 7,
    seconds: Annotated[
        float, typer.Option("--seconds", metavar="S", min=0, max=60, help="The seconds of each measurement.")
    ] = 0.5,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="Write the result to this JSON file. A profile can also be a .png figure.",
        ),
    ] = None,
    quiet: arguments.Quiet = False,
    json: arguments.Json = False,
) -> None:
    """Measure training steps and whole commands, and compare them with other frameworks.

    The suites mlp, optimizers, variants, cnn and evaluation measure steps; sweep, startup and io measure commands and
    files. Competitors take turns on the same machine. Compare the ratios: the times hold for this machine only.
    """
    from dropout_cli.core import environment
    from dropout_cli.runs import json_bytes, write_atomic

    def watch(text: str) -> None:
        if not quiet:
            cli_output.print_stderr(text)

    names = [chosen.value for chosen in suite or [Suite.mlp]]
    results: dict[str, Any] = {"environment": environment.describe_environment()}
    if profile:
        results["profiles"], picture = _profiles(names, 15 * rounds, watch, shown=not json)
        if output is not None and output.suffix == ".png":
            write_atomic(output, picture)
            output = None  # the figure replaces the JSON file
    else:
        frameworks = [name for name in against.split(",") if name]
        results["suites"] = _suites(names, frameworks, rounds, seconds, watch, shown=not json)
    if output is not None:
        write_atomic(output, json_bytes(results))
    if json:
        cli_output.print_result(cli_output.json_text(results))


def _suites(names: list[str], against: list[str], rounds: int, seconds: float, watch: Any, *, shown: bool) -> Any:
    """Measure suites, print a table of each if `shown`, and return the numbers for JSON."""
    from dropout_cli.bench import commands, steps

    results = {}
    for name in names:
        if name in commands.COMMAND_SUITES:
            whole = commands.measure_commands(name, against, rounds, watch)
            results[name], table = [row.as_dict() for row in whole], commands.command_table(whole)
        else:
            rows = steps.measure_steps(name, against, rounds=rounds, seconds=seconds, watch=watch)
            results[name], table = [row.as_dict() for row in rows], steps.step_table(rows)
        if shown:
            cli_output.print_result(cli_output.format_table(*table))
    return results


def _profiles(names: list[str], steps: int, watch: Any, *, shown: bool) -> tuple[Any, bytes]:
    """Profile the steps of some suites; return numbers for JSON, and the bytes of a figure."""
    from dropout_cli import plots
    from dropout_cli.bench.case import STEP_SUITES, suite_cases
    from dropout_cli.bench.profile import profile_step, sum_by_kind

    results, kinds = {}, {}
    for case in (case for name in names if name in STEP_SUITES for case in suite_cases(name) if case.work == "step"):
        watch(case.name)
        lines = profile_step(case, steps)
        total = sum(line.microseconds for line in lines)
        results[case.name] = [line._asdict() for line in lines]
        kinds[case.name] = sum_by_kind(lines)
        if shown:
            rows = [(*line[:2], round(line.microseconds, 1), f"{line.microseconds / total:.0%}") for line in lines]
            cli_output.print_result(cli_output.format_table((case.name, "kind", "microseconds", "share"), rows))
    return results, plots.step_time_figure(kinds, "a training step, by kind of work")
