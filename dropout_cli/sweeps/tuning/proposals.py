"""The settings that a search tries next.

A proposal depends only on the number of its trial and on the trials that have ended. A search that was killed therefore
continues with the settings that it would have tried without the interruption.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from dropout_cli.sweeps.axes import Point
from dropout_cli.sweeps.spec import Sweep
from dropout_cli.sweeps.tuning.enumerate_points import all_points
from dropout_cli.sweeps.tuning.space import suggest_point

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial, Trial

MOST_ATTEMPTS = 100
"""The most proposals in a row that were already tried, before a search ends."""

TrialParams: TypeAlias = Mapping[str, Any]
"""The parameters of a trial in Optuna's form."""


class Proposals:
    """A source of settings: the Parzen estimator, or all points of a small space in turn."""

    def __init__(self, sweep: Sweep, ended: "Sequence[FrozenTrial]", *, larger: bool) -> None:
        """Learn from the trials that have ended.

        Args:
            sweep: The specification of the search.
            ended: The trials that have ended, in the order of their numbers.
            larger: True if a larger value is better.
        """
        import optuna

        self._sweep = sweep
        # In memory, so that an attempt leaves no trace in the stored study if the search is killed during it.
        self._study = optuna.create_study(direction="maximize" if larger else "minimize")
        self._tried: list[TrialParams] = []
        self._points = all_points(sweep)
        self._goes_through = self._points is not None and len(self._points) <= sweep.trials
        for trial in ended:
            self.learn(trial)

    def learn(self, trial: "FrozenTrial") -> None:
        """Let later proposals depend on the result of a trial."""
        self._study.add_trial(trial)
        self._tried.append(trial.params)

    def next_params(self, number: int, is_new: Callable[[Point], bool]) -> TrialParams | None:
        """Return the parameters of the next trial; None if all points were tried.

        Args:
            number: The number of the trial, the seed of its proposal.
            is_new: True for a point that no trial has tried.
        """
        if not self._goes_through:
            # A finite space has a list of the other points, so that one attempt is enough there.
            for attempt in range(MOST_ATTEMPTS if self._points is None else 1):
                params, point = self._sample(number * MOST_ATTEMPTS + attempt)
                if is_new(point):
                    return params
        return next((one for one in self._points or () if self._is_untried(one, is_new)), None)

    def _is_untried(self, params: TrialParams, is_new: Callable[[Point], bool]) -> bool:
        from optuna.trial import FixedTrial

        if params in self._tried:
            return False
        if is_new(suggest_point(self._sweep, cast("Trial", FixedTrial(dict(params))))):
            return True
        self._tried.append(params)  # different parameters, but the same runs; to compare them again would cost time
        return False

    def _sample(self, seed: int) -> tuple[TrialParams, Point]:
        """Return the parameters and the point that the sampler draws with a seed."""
        from optuna.samplers import TPESampler
        from optuna.trial import TrialState

        self._study.sampler = TPESampler(seed=seed)
        trial = self._study.ask()
        point = suggest_point(self._sweep, trial)
        self._study.tell(trial, state=TrialState.FAIL)  # the sampler ignores failed trials
        return trial.params, point
