"""Whole commands, from the start of a process to its end, beside scripts that do the same with another library.

Contenders take turns, the first to go changing from round to round, and their medians are compared.
"""

import statistics
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from dropout_cli.bench import contest, folders
from dropout_cli.bench.processes import Program, Unable, available, run

SUITES = ("sweep", "startup", "io")
OURS = "ours"

Turn: TypeAlias = Callable[[], float]
"""Does it once, and returns the seconds that took."""


@dataclass(frozen=True)
class Row:
    """What was measured of one command."""

    name: str
    command: str
    seconds: float
    """The median of the rounds."""
    low: float
    """The fastest round."""
    high: float
    """The slowest round."""
    others: Mapping[str, float] = field(default_factory=dict)
    """Contender -> its median seconds."""

    @property
    def ratios(self) -> dict[str, float]:
        """Contender -> how many times longer it takes than we do."""
        return {name: seconds / self.seconds for name, seconds in self.others.items()}

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return vars(self) | {"others": dict(self.others), "ratios": self.ratios}


@dataclass(frozen=True, kw_only=True)
class Command:
    """Something to do in a folder, in our words and in those of others; {folder} is one that is not there yet."""

    name: str
    said: str
    """What a user would type."""
    ours: tuple[str, ...]
    """The arguments of `dropout`."""
    torch: tuple[str, ...] = ()
    """A module of tests/bench and its arguments; empty: there is none."""
    short: tuple[tuple[str, ...], tuple[str, ...]] = ((), ())
    """What both are told in addition where a few steps are enough."""
    needs: str = ""
    """`runs`: there are so many runs in {runs}; `mnist`: MNIST is on this machine."""


NO_MNIST = "MNIST is not on this machine (`dropout fetch mnist` brings it)"
SECONDS = 0.5
"""Of a turn of what takes a part of a second."""
MANY_RUNS, FEW_RUNS = 1_000, 10
FEW_STEPS = ("training.epochs=1", "training.steps_per_epoch=2")
RATES = "dropout.rate={from: 0.0, to: 0.9, step: 0.1}"

COMMANDS: Mapping[str, tuple[Command, ...]] = {
    "sweep": (
        Command(
            name="100 runs of the digits",
            said=f"dropout sweep digits '{RATES}' --splits same",
            ours=("sweep", "digits", RATES, "--splits", "same", "--out", "{folder}", "--quiet"),
            torch=("torch_sweep", "{folder}"),
            short=((*FEW_STEPS, "--seeds", "1"), ("--epochs", "1", "--steps", "2", "--seeds", "1")),
        ),
    ),
    "startup": (
        Command(name="help", said="dropout --help", ours=("--help",)),
        Command(
            name=f"list {MANY_RUNS:,} runs", said="dropout runs", ours=("runs", "--runs-dir", "{runs}"), needs="runs"
        ),
        Command(
            name="train the digits",
            said="dropout train digits",
            ours=("train", "digits", "--runs-dir", "{folder}", "--quiet"),
            short=(FEW_STEPS, ()),
        ),
        Command(
            name="train MNIST for 5 epochs",
            said="dropout train mnist training.epochs=5",
            ours=("train", "mnist", "training.epochs=5", "--runs-dir", "{folder}", "--quiet"),
            torch=("torch_mnist", "{folder}"),
            short=(FEW_STEPS, ("--epochs", "1", "--steps", "2")),
            needs="mnist",
        ),
    ),
}

WORKS: Mapping[str, str] = {
    "save": "write a checkpoint of 784-1024x3-10 with Adam's moments, synced",
    "mnist": "read MNIST from its gzipped files",
    "read": "read a finished run of 64-1024x3-10 back: numbers, history, predictions, weights",
}
"""What the suite `io` does within a process that is up already."""


def measure(
    suite: str, against: Collection[str], rounds: int, watch: Callable[[str], None], *, short: bool = False
) -> list[Row]:
    """Measure a suite so many rounds; `watch` is told what is done, and what cannot be.

    `against`: contenders, such as `torch`, that are left out where they are not there. `short`: everything with a few
    steps, to see that it works. Nothing is left behind. Raises RunFailed where a command of ours fails.
    """
    present = available(against, watch)
    with tempfile.TemporaryDirectory(prefix="dropout-bench-") as made:
        if suite == "io":
            return list(_files(Path(made), present, rounds, watch))
        return list(_commands(COMMANDS[suite], Path(made), present, rounds, watch, short))


def table(rows: Sequence[Row]) -> tuple[list[str], list[list[Any]]]:
    """Headers and cells for a person."""
    names = list(dict.fromkeys(name for row in rows for name in row.others))
    headers = ["what", "seconds", "low - high", *(f"{name} / ours" for name in names), "command"]
    return headers, [
        [row.name, round(row.seconds, 3), f"{row.low:.3g} - {row.high:.3g}"]
        + [round(row.ratios[name], 2) if name in row.ratios else None for name in names]
        + [row.command]
        for row in rows
    ]


def compared(name: str, command: str, turns: Mapping[str, Turn], rounds: int, watch: Callable[[str], None]) -> Row:
    """Let the contenders take turns, OURS among them; one of the others that cannot do it is left out."""
    found: dict[str, list[float]] = {who: [] for who in turns}
    for number in range(rounds):
        for who in contest.rotated(list(found), number):
            try:
                found[who].append(turns[who]())
            except Unable as reason:
                watch(f"{who} is left out of '{name}': {reason}")
                del found[who]
    mine = found.pop(OURS)
    others = {who: statistics.median(seconds) for who, seconds in found.items()}
    return Row(name, command, statistics.median(mine), min(mine), max(mine), others)


def _commands(
    commands: Collection[Command],
    folder: Path,
    present: Collection[str],
    rounds: int,
    watch: Callable[[str], None],
    short: bool,
) -> Iterator[Row]:
    for command in commands:
        places = {"folder": folder / "made", "runs": folder / "runs"}
        if command.needs == "mnist" and not folders.has_mnist():
            watch(f"'{command.name}' is left out: {NO_MNIST}")
            continue
        if command.needs == "runs":
            folders.finished_runs(places["runs"], FEW_RUNS if short else MANY_RUNS)
        watch(command.said)
        programs = {OURS: Program.ours((*command.ours, *(command.short[0] if short else ())))}
        if command.torch and "torch" in present:
            programs["torch"] = Program.theirs((*command.torch, *(command.short[1] if short else ())))
        turns = {who: _turn(one, places) for who, one in programs.items()}
        yield compared(command.name, command.said, turns, rounds, watch)


def _turn(program: Program, places: Mapping[str, Path]) -> Turn:
    def take() -> float:
        try:
            return run(program, places)
        finally:
            folders.remove(places["folder"])

    return take


def _files(folder: Path, present: Collection[str], rounds: int, watch: Callable[[str], None]) -> Iterator[Row]:
    modules = {OURS: "dropout_cli.bench.files"} | {who: f"tests.bench.{who}_files" for who in present}
    for work, said in WORKS.items():
        if work == "mnist" and not folders.has_mnist():
            watch(f"'{said}' is left out: {NO_MNIST}")
            continue
        watch(said)
        with ExitStack() as stack:
            turns: dict[str, Turn] = {}
            for who, module in modules.items():
                place = folder / f"{who}-{work}"
                place.mkdir()
                process = stack.enter_context(contest.started(who, contest.Contender(module)))
                process.ask({"prepare": {"work": work, "folder": str(place)}, "threads": 1})
                turns[who] = _asking(process)
            yield compared(work, said, turns, rounds, watch)


def _asking(process: contest.Process) -> Turn:
    return lambda: float(statistics.median(process.ask({"seconds": SECONDS})["ms"]) / 1e3)
