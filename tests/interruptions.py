"""Kill runs at any moment, and resume them until they are complete."""

import hashlib
import os
import random
import signal
import sys
import time
import traceback
from collections.abc import Callable, Collection, Iterator
from itertools import cycle
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np

from dropout_cli import config
from dropout_cli.core.errors import ConfigError
from dropout_cli.nn.optim.lr_schedules import SCHEDULES
from dropout_cli.nn.optim.optimizers import OPTIMIZERS
from dropout_cli.objectives import OBJECTIVES
from dropout_cli.runs import Run, all_runs, atomic_io
from dropout_cli.training import resume
from dropout_cli.training.checkpoint import BEST, LAST, Saver
from dropout_cli.training.run import prepare_run, run_experiment
from dropout_cli.variants import VARIANTS
from dropout_cli.variants.toolkit.rate_schedules import RATE_SCHEDULES
from tests.small_run import ignore

TABLES = ("metrics.csv", "confusion_matrix.csv", "mistakes.csv", "residuals.csv")
COMPARED = (*TABLES, "predictions.npz", "preprocessing.safetensors", "resolved.yaml", LAST, BEST)

BASE = """\
dataset: digits
architecture: {name: mlp, hidden: [8, 8]}
training: {epochs: 12, steps_per_epoch: 4, threads: 1}
"""


def covering(teacher: Path) -> Iterator[list[str]]:
    """Yield config overrides that together use every part and option of a training.

    Args:
        teacher: A finished run, for distillation and initial weights.
    """
    optimizers, schedules, rates, objectives = (
        cycle(registry.names()) for registry in (OPTIMIZERS, SCHEDULES, RATE_SCHEDULES, OBJECTIVES)
    )
    switches = cycle(
        [
            ["training.save_every=every_epoch"],
            ["architecture.batch_norm=true", "training.save_every=0.02"],
            ["training.average={decay: 0.9}", "training.save_every=every_epoch", "training.evaluate=best"],
            [
                "training.early_stopping={patience: 4}",
                "architecture.batch_norm=true",
                "training.save_every=every_epoch",
            ],
            ["training.average={decay: 0.9}", f"training.init_from={teacher}"],  # save_every: auto
            ["training.max_norm=1", "training.save_every=every_epoch", "training.monitor=val_loss"],
        ]
    )
    for name in VARIANTS.names():
        variant: tuple[str, ...] = (
            f"dropout.variant={name}",
            f"architecture.activation={VARIANTS[name].suited_activation}",
        )
        if VARIANTS[name].supports == "maps":
            variant = (*variant, "architecture.name=cnn", "architecture.layers=[conv 4 3x3, pool 2, dense 8]")
        if VARIANTS[name].supports == "blocks":
            variant = (*variant, "architecture.name=resnet", "architecture.depth=8", "architecture.widths=[2, 3, 4]")
        scheduled = "rate_schedule" in {field for field in VARIANTS[name].__dataclass_fields__}  # type: ignore[attr-defined]
        common = [*variant, f"training.optimizer={next(optimizers)}", *_schedule(next(schedules)), *next(switches)]
        common += [f"dropout.rate_schedule={_rate_schedule(next(rates))}"] if scheduled else []
        for _ in OBJECTIVES.names():
            overrides = [*common, f"objective.name={(objective := next(objectives))}"]
            overrides += [f"objective.teacher={teacher}"] if objective == "distillation" else []
            overrides += ["dataset=diabetes"] if OBJECTIVES[objective].task == "regression" else []
            if _fits(overrides, teacher.parent):
                yield overrides
                break


def of_ones_own(folder: Path) -> Iterator[list[str]]:
    """Yield config overrides for data of a user.

    They are a table with words and missing values, and memory-mapped arrays.
    """
    rows = (f"{n % 9},{'abc'[n % 3] if n % 5 else ''},{'xy'[n % 2]}" for n in range(200))
    (folder / "t.csv").write_text("number,word,kind\n" + "\n".join(rows))
    np.save(folder / "x.npy", np.arange(800, dtype=np.float32).reshape(200, 4) % 7)
    np.save(folder / "y.npy", np.arange(200) / 7)
    saved = ["training.save_every=every_epoch", "training.batch_size=16", "dropout={variant: inverted, rate: 0.2}"]
    yield [f"dataset={{name: table, path: {folder}/t.csv}}", *saved]
    yield [f"dataset={{name: arrays, path: {folder}/x.npy, labels: {folder}/y.npy, memory: 1.0e-6}}", *saved]


def uncovered(settings: list[list[str]]) -> set[str]:
    """Return the names of registered parts that no setting uses.

    The registries are variants, optimizers, objectives, schedules and rate schedules.
    """
    written = " ".join(" ".join(overrides) for overrides in settings)
    patterns = {
        "dropout.variant={}": VARIANTS,
        "training.optimizer={}": OPTIMIZERS,
        "training.schedule={{name: {}": SCHEDULES,
        "objective.name={}": OBJECTIVES,
        "dropout.rate_schedule={{name: {}": RATE_SCHEDULES,
    }
    wanted = {pattern.format(name) for pattern, registry in patterns.items() for name in registry.names()}  # type: ignore[attr-defined]
    return {text for text in wanted if text not in written}


def _schedule(name: str) -> list[str]:
    needed = {"step": ", every: 3", "exponential": ""}.get(name, "")
    return [f"training.schedule={{name: {name}{needed}}}"]


def _rate_schedule(name: str) -> str:
    return f"{{name: {name}, cutoff: 0.5}}" if name in ("early", "late") else f"{{name: {name}}}"


def _fits(overrides: list[str], folder: Path) -> bool:
    """Return True if the overrides are a valid config.

    `batchwise`, for one, does not support every network.
    """
    try:
        load(folder, overrides)
    except ConfigError:
        return False
    return True


def load(folder: Path, overrides: list[str]) -> config.LoadedConfig:
    """Load the base config with overrides, from a file in `folder`."""
    file = folder / "base.yaml"
    if not file.exists():
        file.write_text(BASE)
    return config.load_config(file, overrides)


def digests(run: Run) -> dict[str, str]:
    """Return the SHA-256 of every file that must be equal in equal runs."""
    return {name: hashlib.sha256(run.read(name)).hexdigest() for name in COMPARED if run.has_file(name)}


class Victim:
    """A run that is killed and resumed, each time in a fork of this process."""

    def __init__(self, folder: Path, overrides: list[str], rng: random.Random, epochs: int | None = None) -> None:
        """Load the config of the run.

        Args:
            folder: The folder for run folders.
            overrides: Config overrides.
            rng: Chooses when and how the run is killed.
            epochs: Extend a completed run to this number of epochs; None: do not extend it.
        """
        self.folder, self.rng, self.epochs = folder, rng, epochs
        self.loaded = load(folder, overrides)
        self.kills = 0

    def run(self) -> Run | None:
        """Return the run, or None if it was killed before it had a run folder."""
        found = all_runs(self.folder / "runs")
        return found[-1] if found else None

    def train(self) -> None:
        """Start the run, or continue it, in this process."""
        run = self.run()
        if run is None:
            prepared = prepare_run(self.loaded.experiment)
            made = Run.create(self.folder / "runs", "victim")
            run_experiment(prepared, made, self.loaded.text, watch=ignore, figures=False)
        elif run.final_status != "completed" or self.epochs not in (
            None,
            run.summary()["epochs"],
        ):  # else killed as it ended
            resume.resume_run(run, watch=ignore, figures=False, epochs=self.epochs)

    def attempt(self, kill: Callable[[], None] | None = None, after: float | None = None) -> bool:
        """Continue the run in a child process that is killed.

        Args:
            kill: Called in the child, to let it kill itself later.
            after: Seconds after which the child is killed.

        Returns:
            True if the child finished before it was killed.

        Raises:
            RuntimeError: The child ended with an error.
        """
        child = os.fork()
        if child == 0:
            try:
                if kill is not None:
                    kill()
                self.train()
                os._exit(0)
            except BaseException:
                traceback.print_exc()
                os._exit(1)
        if after is not None:
            time.sleep(after)
            os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL:
            self.kills += 1
            return False
        if status != 0:
            raise RuntimeError(f"the child ended with {status}, and not by our kill")
        return True

    def random_attempt(self, longest: float) -> bool:
        """Continue the run in a child that is killed at a random moment, in a random way.

        Args:
            longest: Seconds after which the child is killed at the latest.

        Returns:
            True if the child finished before it was killed.
        """
        way = self.rng.randrange(4)
        if way == 0:
            return self.attempt(lambda: kill_at_line(self.rng.randint(1, 60)))
        if way == 1:
            return self.attempt(lambda: kill_within_write(self.rng.randint(1, 12)))
        return self.attempt(after=self.rng.uniform(0, longest))


def die() -> None:
    """Kill this process, as `kill -9` does."""
    os.kill(os.getpid(), signal.SIGKILL)


SAVING = {atomic_io.__file__, sys.modules[Saver.__module__].__file__}


def kill_at_line(number: int, files: Collection[str | None] = SAVING) -> None:
    """Kill this process when the code in `files`, that saves, has executed `number` lines from now on."""
    left = number

    def trace(frame: FrameType, event: str, argument: Any) -> Any:
        nonlocal left
        if frame.f_code.co_filename not in files:
            return None
        if event == "line":
            left -= 1
            if left <= 0:
                die()
        return trace

    sys.settrace(trace)


def kill_within_write(number: int) -> None:
    """Kill this process in the middle of the write of a file, the `number`-th from now on."""
    left, real = number, Path.open

    def opened(path: Path, mode: str = "r", *arguments: Any, **named: Any) -> Any:
        nonlocal left
        file = real(path, mode, *arguments, **named)
        if mode != "xb":
            return file
        left -= 1
        if left <= 0:

            def half(data: bytes) -> None:
                os.write(file.fileno(), bytes(data)[: len(data) // 2])
                die()

            file.write = half  # type: ignore[method-assign,assignment]
        return file

    Path.open = opened  # type: ignore[method-assign,assignment]
