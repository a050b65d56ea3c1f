"""The space of a search: the axes of a sweep as parameters of Optuna.

Ascending numbers are an order to Optuna, by their place in the list; other lists are a choice, and so are the rows of
keys that move together. A key that what is chosen does not have is not asked for: it would do nothing.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from dropout_cli.config.validate import node_value
from dropout_cli.sweeps import axes, plan
from dropout_cli.sweeps.axes import Point, Setting
from dropout_cli.sweeps.spec import Sweep

if TYPE_CHECKING:
    from optuna.trial import Trial

TOGETHER = "zip"
"""The parameter that moves several keys."""
NUMBERS: "dict[str, Callable[[Trial, str, Any, Any], float]]" = {
    "uniform": lambda trial, key, low, high: float(f"{trial.suggest_float(key, low, high):.4g}"),
    "log_uniform": lambda trial, key, low, high: float(f"{trial.suggest_float(key, low, high, log=True):.4g}"),
    "integers": lambda trial, key, low, high: trial.suggest_int(key, low, high),
}
"""Distributions of numbers, with as many digits as `axes` draws."""


def suggest_point(sweep: Sweep, trial: "Trial") -> Point:
    """The point that the trial is to try. Raises ConfigError where some key does not exist."""
    point = sweep.axes.fixed
    asked = sorted(_asked(sweep), key=lambda one: not one[0])
    for _, ask in asked:
        chosen = tuple(one for one in point if plan.is_choice(one))
        point += ask(trial, partial(plan.variant_takes, sweep, chosen))
    return point


Ask = Callable[["Trial", Callable[[str], bool]], Point]
"""From a trial, and whether a key is there, to the settings of a parameter."""


def _asked(sweep: Sweep) -> Iterator[tuple[bool, Ask]]:
    """For each parameter whether other keys may exist or not because of it, and how to ask for it."""
    if sweep.axes.rows != [()]:
        yield _one_of(TOGETHER, sweep.axes.rows)
    for key, values in sweep.axes.grid.items():
        yield _one_of(key, [(Setting(key, value, place),) for value, place in values])
    for key, node in sweep.axes.distributions.items():
        (name, bounds), place = next(iter(node_value(node).items())), str(node.place)
        if name == "choice":
            yield _one_of(key, [(Setting(key, value, place),) for value in bounds])
        else:
            yield False, _number(key, name, bounds, place)


def _one_of(name: str, rows: Sequence[Point]) -> tuple[bool, Ask]:
    values = [setting.value for row in rows for setting in row]
    ordered = len(values) == len(rows) and all(map(axes.is_finite_number_value, values)) and values == sorted(values)

    def ask(trial: "Trial", takes: Callable[[str], bool]) -> Point:
        if not any(plan.is_choice(one) or takes(one.key) for one in rows[0]):
            return ()
        most = len(rows) - 1
        place = trial.suggest_int(name, 0, most) if ordered else trial.suggest_categorical(name, range(most + 1))
        return tuple(one for one in rows[place] if plan.is_choice(one) or takes(one.key))

    return any(plan.is_choice(one) for one in rows[0]), ask


def _number(key: str, name: str, bounds: Sequence[Any], place: str) -> Ask:
    def ask(trial: "Trial", takes: Callable[[str], bool]) -> Point:
        return (Setting(key, NUMBERS[name](trial, key, *bounds), place),) if takes(key) else ()

    return ask
