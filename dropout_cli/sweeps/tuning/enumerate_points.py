"""All points of a finite search space, so that no point is tried twice.

The points are listed with the same function as in the search, and a fake trial that returns every value in turn.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, cast

from dropout_cli.sweeps.spec import Sweep
from dropout_cli.sweeps.tuning.space import suggest_point

if TYPE_CHECKING:
    from optuna.trial import Trial

MOST_POINTS = 1_000
"""A space with more points is searched as if it were infinite."""


class _TooManyPoints(Exception):
    """Raised for a parameter with too many values to list."""


class _ScriptedTrial:
    """A fake trial that returns choice `places[i]` for parameter i.

    Parameters beyond the end of `places` get their first choice.
    """

    def __init__(self, places: Sequence[int]) -> None:
        self.places, self.sizes = list(places), list[int]()
        self.params: dict[str, Any] = {}

    def suggest_float(self, name: str, low: float, high: float, *, log: bool = False) -> float:
        raise _TooManyPoints

    def suggest_int(self, name: str, low: int, high: int) -> int:
        if high - low >= MOST_POINTS:
            raise _TooManyPoints
        return low + int(self._answer(name, high - low + 1, low))

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:
        return choices[self._answer(name, len(choices), 0)]

    def _answer(self, name: str, size: int, low: int) -> int:
        index = len(self.sizes)
        if index == len(self.places):
            self.places.append(0)
        self.sizes.append(size)
        self.params[name] = low + self.places[index]
        return self.places[index]


def all_points(sweep: Sweep) -> list[dict[str, Any]] | None:
    """Return the parameters of every point in Optuna's form; None if there are too many."""
    try:
        points = []
        for params in _enumerate_points(sweep):
            points.append(params)
            if len(points) > MOST_POINTS:
                return None
    except _TooManyPoints:
        return None
    return points


def _enumerate_points(sweep: Sweep) -> Iterator[dict[str, Any]]:
    """Yield the parameters of every point; the last parameter changes fastest."""
    # Which parameters follow depends on the values of earlier ones, so that the space is a tree and no product.
    places: list[int] = []
    while True:
        answers = _ScriptedTrial(places)
        suggest_point(sweep, cast("Trial", answers))
        yield answers.params
        places = answers.places
        while places and places[-1] + 1 == answers.sizes[len(places) - 1]:
            places.pop()
        if not places:
            return
        places[-1] += 1
