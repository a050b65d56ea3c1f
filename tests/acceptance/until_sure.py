"""`dropout sweep --until sure`: how often a family of comparisons errs, and how many runs it takes.

Families of settings with one baseline are simulated with the package's own decision function. If all settings are
equal, at most .06 of the families may call any setting better or worse (the level is .05). If every setting differs by
one standard deviation of the differences, the mean number of runs must be below that of a fixed number of seeds with
the same power. Lopsided settings, in which the baseline is steady and the others are mostly a little worse and rarely
much better, err more often at any number of seeds: their shares are printed without a limit that they would miss.

A sweep on digits ends by itself. Killed five times on its way, it ends with the same tables and runs.
"""

import random
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from dropout_cli.core.rng import stream
from dropout_cli.core.types import Array
from dropout_cli.statistics.sample_size import paired_t_power
from dropout_cli.statistics.sequential import LOOKS, Look, planned_looks
from dropout_cli.statistics.sequential_decisions import ABOVE, BELOW, EQUAL, decide_differences
from tests.acceptance.bars import Bars
from tests.killed_commands import kill_often, run_command, until_sure

FAMILIES = (1, 2, 4, 9)
"""Numbers of comparisons with one baseline."""
COMMAND = "dropout sweep --until sure"
MOST = LOOKS[-1]
Draw = Callable[[np.random.Generator, tuple[int, ...]], Array]
MODELS: Mapping[str, Draw] = {
    "normal": lambda rng, shape: rng.normal(size=shape),
    "skewed": lambda rng, shape: rng.exponential(size=shape),
    "t3": lambda rng, shape: rng.standard_t(3, size=shape),
    "ties": lambda rng, shape: np.rint(rng.normal(size=shape)),
}
"""Name -> the values of runs, alike for all settings; `ties`: a few test examples more or less."""
EQUAL_SDS = np.sqrt(2.0)
"""The standard deviation of a difference of two independent values with standard deviation 1."""


def differences(name: str, comparisons: int, repetitions: int, effect: float = 0.0) -> Array:
    """Return the differences of all families, shape (repetitions, comparisons, MOST).

    Args:
        name: The model.
        comparisons: The number of settings besides the baseline.
        repetitions: The number of families.
        effect: Added to every difference, in standard deviations of a difference of normal values.
    """
    rng, shape = stream(comparisons, f"until_sure:{name}:{effect:g}"), (repetitions, comparisons, MOST)
    if name == "lopsided":
        lopsided: Array = rng.exponential(size=shape) - 1 - 0.1 * rng.normal(size=(repetitions, 1, MOST))
        return lopsided
    base = MODELS[name](rng, (repetitions, 1, MOST))
    found: Array = MODELS[name](rng, shape) - base + effect * EQUAL_SDS
    return found


def errors(name: str, comparisons: int, repetitions: int, looks: tuple[Look, ...]) -> float:
    """Return the share of families in which an equal setting is called better or worse."""
    floor = 0.5 if name == "ties" else 0.0
    codes = decide_differences(differences(name, comparisons, repetitions), looks, smallest_sd=floor).codes
    return float(np.isin(codes, (ABOVE, BELOW)).any(axis=1).mean())


def fixed_seeds(power: float, comparisons: int) -> int:
    """Return the smallest fixed number of seeds with this power at an effect of one standard deviation."""
    alpha = 0.05 / comparisons
    return next(n for n in range(3, 1_000) if paired_t_power(n, 1.0, 1.0, alpha=alpha) >= power)


def judge_family(bars: Bars, comparisons: int, repetitions: int) -> None:
    """Print the errors, the runs and the power for one number of comparisons."""
    looks, where = planned_looks(comparisons=comparisons), f"{comparisons} comparisons"
    # Five standard errors of the short form.
    most = 0.06 + (0.05 if bars.smoke else 0.0)
    for name in MODELS:
        share = errors(name, comparisons, repetitions, looks)
        bars.at_most(f"family error, {name}, {where}", share, most, COMMAND, always=True)
    shown = errors("lopsided", comparisons, repetitions, looks)
    bars.at_most(f"known exception: family error, lopsided, {where}", shown, 1.0, COMMAND)
    codes, places = decide_differences(differences("normal", comparisons, repetitions, effect=1.0), looks)
    units = np.array(LOOKS)[places]
    power = float((codes == ABOVE).mean())
    # The baseline is trained as long as any setting is open.
    runs = float((units.sum(axis=1) + units.max(axis=1)).mean())
    fixed = fixed_seeds(power, comparisons)
    told = f"effect 1 sd, {where}: power {power:.4f}, mean seeds {units.mean():.2f} (fixed: {fixed})"
    bars.at_most(f"{told}, mean runs", runs, fixed * (comparisons + 1) - 1e-9, COMMAND, always=True)


def judge_margin(bars: Bars, comparisons: int, repetitions: int) -> None:
    """Print what a margin of one standard deviation decides without a difference, and with one of its size."""
    looks, where = planned_looks(comparisons=comparisons), f"{comparisons} comparisons, margin 1 sd"
    same = differences("normal", comparisons, repetitions)
    codes, places = decide_differences(same, looks, margin=float(EQUAL_SDS))
    units = np.array(LOOKS)[places]
    runs = float((units.sum(axis=1) + units.max(axis=1)).mean())
    told = f"no difference, {where}: mean runs {runs:.1f} of {MOST * (comparisons + 1)}, share equal"
    bars.at_least(told, float((codes == EQUAL).mean()), 0.94, COMMAND)
    at_margin = differences("normal", comparisons, repetitions, effect=1.0)
    wrong = decide_differences(at_margin, looks, margin=float(EQUAL_SDS)).codes == EQUAL
    bars.at_most(
        f"difference as large as the margin, {where}: families wrongly equal", wrong.any(axis=1).mean(), 0.06, COMMAND
    )


def judge_kills(bars: Bars) -> None:
    """Train digits with rates 0, 0.3 and 0.6 until all are decided: left alone, and killed on its way."""
    rates = "dropout.rate=0,0.3,0.6"
    command = until_sure() if bars.smoke else until_sure("digits", rates)
    kills, told = (1, "small work") if bars.smoke else (5, f"digits {rates}")
    with tempfile.TemporaryDirectory() as temporary:
        alone, killed = Path(temporary, "alone"), Path(temporary, "killed")
        alone.mkdir()
        killed.mkdir()
        run_command(alone, command.arguments(alone), kill=None, after=None)
        hit = kill_often(command, killed, kills, random.Random(0))
        wanted, found = command.outcome(alone), command.outcome(killed)
        differing = [name for name in {**wanted, **found} if wanted.get(name) != found.get(name)]
        notes = (alone / "S/notes.txt").read_text()
    bars.at_least(f"kills with SIGKILL, {told}", hit, kills, COMMAND, always=True)
    bars.at_most(f"files with other bytes after {hit} kills, {told}", len(differing), 0, COMMAND, always=True)
    bars.at_least("its notes name the looks", notes.count("Looks: "), 1, COMMAND, always=True)


if __name__ == "__main__":
    bars = Bars("until_sure")
    repetitions = 500 if bars.smoke else 10_000
    for comparisons in FAMILIES:
        judge_family(bars, comparisons, repetitions)
    for comparisons in (1, 4):
        judge_margin(bars, comparisons, repetitions)
    judge_kills(bars)
    bars.end()
