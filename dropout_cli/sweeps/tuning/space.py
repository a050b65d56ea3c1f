"""The search space: the swept keys as parameters of Optuna.

A list of ascending numbers is an integer parameter (the place in the list), so that Optuna uses its order. Other lists
are categorical, and so are the rows of keys that change together. A key that the chosen blocks do not have is no
parameter of the trial, since it would have no effect.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from dropout_cli.config.validate import node_value
from dropout_cli.core.numbers import is_finite_number
from dropout_cli.sweeps import plan
from dropout_cli.sweeps.axes import Point, Setting
from dropout_cli.sweeps.spec import Sweep

if TYPE_CHECKING:
    from optuna.trial import Trial

TOGETHER = "zip"
"""The name of the parameter for keys that change together."""
NUMBERS: "dict[str, Callable[[Trial, str, Any, Any], float]]" = {
    "uniform": lambda trial, key, low, high: float(f"{trial.suggest_float(key, low, high):.4g}"),
    "log_uniform": lambda trial, key, low, high: float(f"{trial.suggest_float(key, low, high, log=True):.4g}"),
    "integers": lambda trial, key, low, high: trial.suggest_int(key, low, high),
}
"""Distribution -> function that suggests a number, with as many digits as `axes` draws."""


def suggest_point(sweep: Sweep, trial: "Trial") -> Point:
    """Return the point that a trial should try.

    Args:
        sweep: The specification of the search.
        trial: The trial, which suggests the values.

    Raises:
        ConfigError: A key does not exist.
    """
    point = sweep.axes.fixed
    # Keys that decide which other keys exist come first.
    parameters = sorted(_parameters(sweep), key=lambda parameter: not parameter[0])
    for _, ask in parameters:
        chosen = tuple(setting for setting in point if plan.is_choice(setting))
        point += ask(trial, partial(plan.variant_takes, sweep, chosen))
    return point


Ask = Callable[["Trial", Callable[[str], bool]], Point]
"""A function that suggests a parameter; its arguments are a trial, and a function that is True for existing keys."""


def _parameters(sweep: Sweep) -> Iterator[tuple[bool, Ask]]:
    """Yield for each parameter whether it decides which keys exist, and its function."""
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
    ordered = len(values) == len(rows) and all(map(is_finite_number, values)) and values == sorted(values)

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
