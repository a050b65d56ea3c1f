"""Measure whole commands beside scripts that do the same with another library.

Competitors take turns in an order that rotates from round to round, and their medians are compared.
"""

import statistics
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from dropout_cli.bench import competition, folders
from dropout_cli.bench.processes import Program, ScriptFailed, available_frameworks, run_program

COMMAND_SUITES = ("sweep", "startup", "io")
"""Suites that measure commands and files."""
OURS = "ours"

Turn: TypeAlias = Callable[[], float]
"""Does the work once and returns the seconds that it took."""


@dataclass(frozen=True)
class CommandTiming:
    """Measured times of one command."""

    name: str
    command: str
    seconds: float
    """The median of the rounds."""
    low: float
    """The fastest round."""
    high: float
    """The slowest round."""
    others: Mapping[str, float] = field(default_factory=dict)
    """Competitor -> its median seconds."""

    @property
    def ratios(self) -> dict[str, float]:
        """Competitor -> its seconds / ours; above 1, we are faster."""
        return {name: seconds / self.seconds for name, seconds in self.others.items()}

    def as_dict(self) -> dict[str, Any]:
        """Return the numbers for JSON."""
        return vars(self) | {"others": dict(self.others), "ratios": self.ratios}


@dataclass(frozen=True, kw_only=True)
class BenchmarkCommand:
    """A command to measure, as arguments of `dropout` and of another library's script.

    `{folder}` and `{runs}` stand for paths: a folder that does not exist yet, and a folder with finished runs.
    """

    name: str
    shown: str
    """The command line as a user types it, for tables."""
    ours: tuple[str, ...]
    """Arguments of `dropout`."""
    torch: tuple[str, ...] = ()
    """A module of tests/bench and its arguments; empty: no script does this."""
    short_arguments: tuple[tuple[str, ...], tuple[str, ...]] = ((), ())
    """Further arguments for both in a short test, which takes a few steps only."""
    needs: str = ""
    """`runs`: there must be finished runs in {runs}. `mnist`: MNIST must be on this machine."""


NO_MNIST = "MNIST is not on this machine (`dropout fetch mnist` downloads it)"
IO_TURN_SECONDS = 0.5
"""Length of one turn of the suite `io`, whose works take less than a second."""
MANY_RUNS, FEW_RUNS = 1_000, 10
"""Number of runs that `dropout runs` lists, and in a short test."""
FEW_STEPS = ("training.epochs=1", "training.steps_per_epoch=2")
RATES = "dropout.rate={from: 0.0, to: 0.9, step: 0.1}"

COMMANDS: Mapping[str, tuple[BenchmarkCommand, ...]] = {
    "sweep": (
        BenchmarkCommand(
            name="100 runs of the digits",
            shown=f"dropout sweep digits '{RATES}' --splits same",
            ours=("sweep", "digits", RATES, "--splits", "same", "--out", "{folder}", "--quiet"),
            torch=("torch_sweep", "{folder}"),
            short_arguments=((*FEW_STEPS, "--seeds", "1"), ("--epochs", "1", "--steps", "2", "--seeds", "1")),
        ),
    ),
    "startup": (
        BenchmarkCommand(name="help", shown="dropout --help", ours=("--help",)),
        BenchmarkCommand(
            name=f"list {MANY_RUNS:,} runs", shown="dropout runs", ours=("runs", "--runs-dir", "{runs}"), needs="runs"
        ),
        BenchmarkCommand(
            name="train the digits",
            shown="dropout train digits",
            ours=("train", "digits", "--runs-dir", "{folder}", "--quiet"),
            short_arguments=(FEW_STEPS, ()),
        ),
        BenchmarkCommand(
            name="train MNIST for 5 epochs",
            shown="dropout train mnist training.epochs=5",
            ours=("train", "mnist", "training.epochs=5", "--runs-dir", "{folder}", "--quiet"),
            torch=("torch_mnist", "{folder}"),
            short_arguments=(FEW_STEPS, ("--epochs", "1", "--steps", "2")),
            needs="mnist",
        ),
    ),
}

IO_WORKS: Mapping[str, str] = {
    "save": "write a checkpoint of 784-1024x3-10 with Adam's moments, synced",
    "mnist": "read MNIST from its gzipped files",
    "read": "read a finished run of 64-1024x3-10: metrics, history, predictions, weights",
}
"""Works of the suite `io`, done in a process that has already started."""


def measure_commands(
    suite: str, against: Collection[str], rounds: int, watch: Callable[[str], None], *, short: bool = False
) -> list[CommandTiming]:
    """Measure a suite of commands. No files remain.

    Args:
        suite: A name of COMMAND_SUITES.
        against: Other frameworks, such as `torch`. One that is not installed is left out.
        rounds: How often each competitor is measured.
        watch: Receives a line per command, and a line for everything that is left out.
        short: True to take a few steps only, as a test that everything works.

    Returns:
        One row per command.

    Raises:
        RunFailed: A command of `dropout` fails.
    """
    present = available_frameworks(against, watch)
    with tempfile.TemporaryDirectory(prefix="dropout-bench-") as folder:
        if suite == "io":
            return list(_files(Path(folder), present, rounds, watch))
        return list(_commands(COMMANDS[suite], Path(folder), present, rounds, watch, short))


def command_table(rows: Sequence[CommandTiming]) -> tuple[list[str], list[list[Any]]]:
    """Return headers and cells of a table for people."""
    names = list(dict.fromkeys(name for row in rows for name in row.others))
    headers = ["task", "seconds", "low - high", *(f"{name} / ours" for name in names), "command"]
    return headers, [
        [row.name, round(row.seconds, 3), f"{row.low:.3g} - {row.high:.3g}"]
        + [round(row.ratios[name], 2) if name in row.ratios else None for name in names]
        + [row.command]
        for row in rows
    ]


def compare_in_turns(
    name: str, command: str, turns: Mapping[str, Turn], rounds: int, watch: Callable[[str], None]
) -> CommandTiming:
    """Measure competitors in turns and compare their medians.

    Args:
        name: The name of the work, for the table.
        command: The command line, for the table.
        turns: Competitor -> its turn; OURS is one of them. Another one that raises ScriptFailed is left out.
        rounds: How often each competitor is measured.
        watch: Receives a line if a competitor is left out.
    """
    times: dict[str, list[float]] = {who: [] for who in turns}
    for number in range(rounds):
        for who in competition.rotate(list(times), number):
            try:
                times[who].append(turns[who]())
            except ScriptFailed as reason:
                watch(f"'{name}' is measured without {who}: {reason}")
                del times[who]
    # OURS is never left out: a failure of it raises RunFailed.
    mine = times.pop(OURS)
    others = {who: statistics.median(seconds) for who, seconds in times.items()}
    return CommandTiming(name, command, statistics.median(mine), min(mine), max(mine), others)


def _commands(
    commands: Collection[BenchmarkCommand],
    folder: Path,
    present: Collection[str],
    rounds: int,
    watch: Callable[[str], None],
    short: bool,
) -> Iterator[CommandTiming]:
    for command in commands:
        places = {"folder": folder / "made", "runs": folder / "runs"}
        if command.needs == "mnist" and not folders.has_mnist():
            watch(f"'{command.name}' is not measured: {NO_MNIST}")
            continue
        # Before the turns: the time to create them is not measured.
        if command.needs == "runs":
            folders.create_finished_runs(places["runs"], FEW_RUNS if short else MANY_RUNS)
        watch(command.shown)
        programs = {OURS: Program.ours((*command.ours, *(command.short_arguments[0] if short else ())))}
        if command.torch and "torch" in present:
            programs["torch"] = Program.script((*command.torch, *(command.short_arguments[1] if short else ())))
        turns = {who: _turn(program, places) for who, program in programs.items()}
        yield compare_in_turns(command.name, command.shown, turns, rounds, watch)


def _turn(program: Program, places: Mapping[str, Path]) -> Turn:
    def take() -> float:
        try:
            return run_program(program, places)
        finally:
            folders.remove_folder(places["folder"])  # outside of the measured time; the next turn needs it to be absent

    return take


def _files(
    folder: Path, present: Collection[str], rounds: int, watch: Callable[[str], None]
) -> Iterator[CommandTiming]:
    modules = {OURS: "dropout_cli.bench.files"} | {who: f"tests.bench.{who}_files" for who in present}
    for work, shown in IO_WORKS.items():
        if work == "mnist" and not folders.has_mnist():
            watch(f"'{shown}' is not measured: {NO_MNIST}")
            continue
        watch(shown)
        with ExitStack() as stack:
            turns: dict[str, Turn] = {}
            for who, module in modules.items():
                place = folder / f"{who}-{work}"
                place.mkdir()
                # The process stays for all turns, so that its start and imports are not measured.
                process = stack.enter_context(competition.start_process(who, competition.Competitor(module)))
                process.request({"prepare": {"work": work, "folder": str(place)}, "threads": 1})
                turns[who] = _process_turn(process)
            yield compare_in_turns(work, shown, turns, rounds, watch)


def _process_turn(process: competition.CompetitorProcess) -> Turn:
    return lambda: float(statistics.median(process.request({"seconds": IO_TURN_SECONDS})["ms"]) / 1e3)
