"""A run that is killed and resumed has the same bytes as one that was never killed.

Each of a covering set of small runs is trained in one go, and again with SIGKILL at random moments: at random times,
at random lines of the code that saves, in the middle of writing a file; before its first save, while it is resumed,
while it is extended, and while its results are written.
"""

import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from dropout_cli.runs import all_runs
from tests.acceptance.bars import Bars
from tests.interruptions import BASE, Victim, covering, digests, of_ones_own, uncovered
from tests.small_run import train

LENGTHENED = ["training.epochs=5", "training.save_every=every_epoch", "training.average={decay: 0.9}"]
COMMANDS = 8


def killed_until_through(victim: Victim, kills: int, longest: float) -> None:
    """Kill a run a given number of times, then let it finish.

    A run that finishes before that is started again.
    """
    while victim.kills < kills:
        through = victim.random_attempt(longest)
        if through and victim.kills < kills and victim.epochs is None:
            shutil.rmtree(victim.folder / "runs")
        elif through:
            break
    run = victim.run()
    if run is None or run.final_status != "completed" or (victim.epochs and run.summary()["epochs"] < victim.epochs):
        victim.attempt()


def compared(
    folder: Path, overrides: list[str], kills: int, rng: random.Random, longer: int | None = None
) -> tuple[int, bool]:
    """Train in one go and with kills; return the number of kills, and if bytes are equal."""
    (folder / "alone").mkdir(parents=True)
    straight = [*overrides, f"training.epochs={longer}"] if longer else overrides
    alone = Victim(folder / "alone", straight, rng)
    began = time.perf_counter()
    alone.attempt()
    longest = 1.3 * (time.perf_counter() - began)
    (folder / "killed").mkdir()
    victim = Victim(folder / "killed", overrides, rng)
    if longer:
        victim.attempt()
        victim.epochs = longer
    killed_until_through(victim, kills, longest)
    one, other = alone.run(), victim.run()
    assert one is not None and other is not None
    return victim.kills, digests(one) == digests(other)


def compared_commands(folder: Path, kills: int, rng: random.Random) -> tuple[int, bool]:
    """Compare with the command line: `dropout train`, then `dropout resume` until it is done."""
    folder.mkdir()
    (folder / "base.yaml").write_text(BASE)
    settings = ["training.epochs=300", "training.save_every=every_epoch", "dropout={variant: inverted, rate: 0.2}"]
    quiet = ["--quiet", "--no-plots"]
    dropout, hit, silent = [sys.executable, "-m", "dropout_cli"], 0, subprocess.DEVNULL
    began = time.perf_counter()
    subprocess.run(
        [*dropout, "train", "base.yaml", *settings, *quiet, "--runs-dir", "alone"],
        cwd=folder,
        check=True,
        stdout=silent,
    )
    longest = time.perf_counter() - began
    for _ in range(10 * kills):
        begun = all_runs(folder / "runs")
        if hit >= kills or (begun and begun[-1].final_status == "completed"):
            break
        command = ["resume", "latest"] if begun else ["train", "base.yaml", *settings]
        with subprocess.Popen([*dropout, *command, *quiet], cwd=folder, stdout=silent) as process:
            try:
                process.wait(rng.uniform(0.6 * longest, longest))
            except subprocess.TimeoutExpired:
                process.kill()
                hit += 1
    begun = all_runs(folder / "runs")
    if not begun or begun[-1].final_status != "completed":
        command = ["resume", "latest"] if begun else ["train", "base.yaml", *settings]
        subprocess.run([*dropout, *command, *quiet], cwd=folder, check=True, stdout=silent)
    one, other = (all_runs(folder / name)[-1] for name in ("alone", "runs"))
    return hit, digests(one) == digests(other)


if __name__ == "__main__":
    bars = Bars("kills")
    rng = random.Random(0)
    total = differences = 0
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        teacher = train(folder / "teacher", "architecture.hidden=[8, 8]").path
        settings = [*covering(teacher), *of_ones_own(folder)]
        each = 3 if bars.smoke else 16
        for number, overrides in enumerate(settings):
            kills, same = compared(folder / str(number), overrides, each, rng)
            total, differences = total + kills, differences + (not same)
            if not same:
                sys.stderr.write(f"differs: {' '.join(overrides)}\n")
        for number in range(1 if bars.smoke else 8):
            kills, same = compared(folder / f"longer{number}", LENGTHENED, 3, rng, longer=12)
            total, differences = total + kills, differences + (not same)
        kills, same = compared_commands(folder / "commands", 1 if bars.smoke else COMMANDS, rng)
        total, differences = total + kills, differences + (not same)
    command = "dropout train, killed, then dropout resume"
    bars.at_most("kinds that occur in none", len(uncovered(settings)), 0, command, always=True)
    bars.at_least("kills", total, 200, command)
    bars.at_most(f"runs of {len(settings)} kinds that end in other bytes", differences, 0, command, always=True)
    bars.end()
