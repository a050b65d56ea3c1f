"""All points of a search's space, where it is finite, so that no point is tried twice.

The space is gone through by asking for points as a search does, with a trial that gives every answer in turn.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, cast

from dropout_cli.sweeps.spec import Sweep
from dropout_cli.sweeps.tuning.space import suggest_point

if TYPE_CHECKING:
    from optuna.trial import Trial

MOST_POINTS = 1_000
"""A space of more points is searched as if it were infinite."""


class _Endless(Exception):
    """A parameter has too many values to list."""


class _Answers:
    """A trial that answers question i with choice `places[i]`, and questions beyond them with the first choice."""

    def __init__(self, places: Sequence[int]) -> None:
        self.places, self.sizes = list(places), list[int]()
        self.params: dict[str, Any] = {}

    def suggest_float(self, name: str, low: float, high: float, *, log: bool = False) -> float:
        raise _Endless

    def suggest_int(self, name: str, low: int, high: int) -> int:
        if high - low >= MOST_POINTS:
            raise _Endless
        return low + int(self._answer(name, high - low + 1, low))

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:
        return choices[self._answer(name, len(choices), 0)]

    def _answer(self, name: str, size: int, low: int) -> int:
        asked = len(self.sizes)
        if asked == len(self.places):
            self.places.append(0)
        self.sizes.append(size)
        self.params[name] = low + self.places[asked]
        return self.places[asked]


def all_points(sweep: Sweep) -> list[dict[str, Any]] | None:
    """Return Optuna's parameters of every point, in the order of the axes; None where the space is not finite."""
    try:
        found = []
        for params in _gone_through(sweep):
            found.append(params)
            if len(found) > MOST_POINTS:
                return None
    except _Endless:
        return None
    return found


def _gone_through(sweep: Sweep) -> Iterator[dict[str, Any]]:
    """Count up through the answers, the last question fastest; what is asked depends on earlier answers."""
    places: list[int] = []
    while True:
        answers = _Answers(places)
        suggest_point(sweep, cast("Trial", answers))
        yield answers.params
        places = answers.places
        while places and places[-1] + 1 == answers.sizes[len(places) - 1]:
            places.pop()
        if not places:
            return
        places[-1] += 1
