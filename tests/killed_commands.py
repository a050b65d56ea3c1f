"""Commands that are killed at random moments and given again, until they end."""

import hashlib
import os
import random
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from dropout_cli.data import cache
from dropout_cli.runs import Run, all_runs, atomic_io, new_folder, tags
from tests.interruptions import digests, kill_at_line, kill_within_write
from tests.killed_search import results

SMALL = (
    "digits",
    "dataset={name: moons, examples: 200}",
    "training.batch_size=16",
    "architecture.hidden=[8]",
    "dropout.rate=0.2",
    "training.epochs=30",
    "training.save_every=every_epoch",
    "training.threads=1",
)
QUIET = ("--quiet", "--no-plots")
SAVING = {atomic_io.__file__, new_folder.__file__, tags.__file__, cache.__file__}
LINES = 160
"""The most lines of the code that saves, in one of these commands, before a kill."""


@dataclass(frozen=True)
class KilledCommand:
    """A command, and what must be the same at its end however often it was killed."""

    name: str
    arguments: Callable[[Path], list[str]]
    """Returns the arguments that start or continue the work in a folder."""
    outcome: Callable[[Path], Mapping[str, object]]
    """Returns what is compared."""
    reset: Callable[[Path], None]
    """Removes the result, so that the command can be killed again."""
    needs_run: bool = False
    """True if the folder must have a complete run."""


def run_command(folder: Path, arguments: list[str], *, kill: Callable[[], None] | None, after: float | None) -> bool:
    """Run a command in a fork of this process that may be killed; return True if it ended.

    Args:
        folder: The current folder of the command.
        arguments: The words after `dropout`.
        kill: Called in the child, to let it kill itself later.
        after: Seconds after which the child is killed; None: never.

    Raises:
        RuntimeError: It ended with an error.
    """
    child = os.fork()
    if child == 0:
        _become_command(folder, arguments, kill)
    if after is not None:
        until = time.monotonic() + after
        while (ended := os.waitpid(child, os.WNOHANG)) == (0, 0) and time.monotonic() < until:
            time.sleep(0.005)
        if ended == (0, 0):
            os.kill(child, signal.SIGKILL)
            ended = os.waitpid(child, 0)
    else:
        ended = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(ended[1])
    if code not in (0, -signal.SIGKILL):
        output = (folder / "output.txt").read_text(errors="replace")
        raise RuntimeError(f"dropout {' '.join(arguments)}: exit code {code}\n{output}")
    return code == 0


def _become_command(folder: Path, arguments: list[str], kill: Callable[[], None] | None) -> None:
    """Run the command as the whole of this process."""
    code: object = 1
    try:
        os.chdir(folder)
        output = os.open("output.txt", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
        for stream in (1, 2):
            os.dup2(output, stream)
        entry = import_module("dropout_cli.__main__")
        sys.modules["__main__"] = entry  # workers import it when they start
        sys.argv = [str(entry.__file__), *arguments]
        from dropout_cli.cli import main

        if kill is not None:
            kill()
        main()
    except SystemExit as end:
        code = end.code
    except BaseException as error:
        sys.stderr.write(repr(error))
    finally:
        sys.stderr.flush()
        os._exit(code if isinstance(code, int) else 1)


def kill_often(command: KilledCommand, folder: Path, kills: int, rng: random.Random) -> int:
    """Kill a command so many times, let it end, and return the number of kills.

    Raises:
        RuntimeError: It ended with an error: it is stuck.
    """
    began = time.monotonic()
    run_command(folder, command.arguments(folder), kill=None, after=None)
    longest = 1.1 * (time.monotonic() - began)
    command.reset(folder)
    killed = 0
    # Some commands end before their kill; without a bound, those would be repeated for ever.
    for _ in range(6 * kills):
        if killed >= kills:
            break
        way, after, kill = rng.randrange(3), None, None
        if way == 0:
            kill = _kill_saving(rng.randint(1, LINES))
        elif way == 1:
            kill = _kill_writing(rng.randint(1, 8))
        else:
            after = rng.uniform(0, longest)
        if not run_command(folder, command.arguments(folder), kill=kill, after=after):
            killed += 1
        elif killed < kills:
            command.reset(folder)
    run_command(folder, command.arguments(folder), kill=None, after=None)
    return killed


def _kill_saving(line: int) -> Callable[[], None]:
    return lambda: kill_at_line(line, SAVING)


def _kill_writing(number: int) -> Callable[[], None]:
    return lambda: kill_within_write(number)


def files_in(folder: Path) -> dict[str, object]:
    """Return path -> digest of the files in a folder that are no leftovers."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    }


def _train_or_resume(folder: Path) -> list[str]:
    begun = all_runs(folder / "runs")
    if not begun or begun[-1].final_status == "completed":
        return ["train", *SMALL, *QUIET]
    return ["resume", begun[-1].name, *QUIET]


def _digests(folder: Path) -> dict[str, object]:
    return {**digests(all_runs(folder / "runs")[-1])}


def _remove(name: str) -> Callable[[Path], None]:
    def remove(folder: Path) -> None:
        path = folder / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)

    return remove


def _in_run(*names: str) -> Callable[[Path], list[str]]:
    return lambda folder: [name.replace("RUN", str(Path("runs") / the_run(folder).name)) for name in names]


def the_run(folder: Path) -> Run:
    """Return the only run of a folder."""
    (run,) = all_runs(folder / "runs")
    return run


def _sweep_outcome(folder: Path) -> dict[str, object]:
    found: dict[str, object] = {
        name: (folder / "S" / name).read_bytes()
        for name in ("results.csv", "summary.csv", "comparisons.csv", "notes.txt", "plan.json", "sweep.yaml")
    }
    return found | {path.name: digests(Run(path)) for path in sorted((folder / "S/cells").glob("????????????"))}


def until_sure(*words: str) -> KilledCommand:
    """Return a sweep that ends by itself.

    Args:
        words: The config and its values; none: small work.
    """
    several = [word for word in SMALL if not word.startswith(("dropout.rate", "training.epochs"))]
    work = words or (*several, "training.epochs=4", "dropout.rate=0,0.5,0.95")
    most = () if words else ("--max-seeds=10", "--metric=train.nll")
    return KilledCommand(
        "sweep --until sure",
        lambda folder: ["sweep", *work, "--until=sure", *most, "--jobs=2", "--out=S", *QUIET],
        _sweep_outcome,
        _remove("S"),
    )


def _no_reset(folder: Path) -> None:
    """Keep the tags: a tag that is given twice is there once."""


def killed_commands() -> Iterator[KilledCommand]:
    """Yield all commands that write, with small work."""
    several = [word for word in SMALL if not word.startswith(("dropout.rate", "training.epochs"))]
    yield KilledCommand("train, resume", _train_or_resume, _digests, _remove("runs"))
    yield KilledCommand(
        "sweep",
        lambda folder: [
            *("sweep", *several, "training.epochs=8", "dropout.rate=0,0.4"),
            *("--seeds=2", "--jobs=2", "--out=S", *QUIET),
        ],
        _sweep_outcome,
        _remove("S"),
    )
    yield until_sure()
    yield KilledCommand(
        "tune",
        lambda folder: [
            *("tune", *several, "training.epochs=8", "training.optimizer.learning_rate={log_uniform: [1e-4, 1e-1]}"),
            *("--trials=6", "--repeats=1", "--seeds=2", "--jobs=1", "--out=T", *QUIET),
        ],
        lambda folder: results(folder / "T"),
        _remove("T"),
    )
    after = [("eval", ("eval", "RUN", "--mc=2")), ("report", ("report", "RUN"))]
    for name, words in after:
        yield KilledCommand(
            name,
            _in_run(*words),
            lambda folder: files_in(the_run(folder).path),
            lambda folder: shutil.rmtree(the_run(folder).path / "after", ignore_errors=True),
            needs_run=True,
        )
    yield KilledCommand(
        "predict",
        _in_run("predict", "RUN", "new.npy", "-o", "out.csv"),
        lambda folder: {"out.csv": (folder / "out.csv").read_bytes()},
        _remove("out.csv"),
        needs_run=True,
    )
    yield KilledCommand(
        "runs --tag",
        _in_run("runs", "RUN", "--tag", "one", "--note", "note"),
        lambda folder: {**tags.read_tags(the_run(folder))} | files_in(the_run(folder).path),
        _no_reset,
        needs_run=True,
    )
