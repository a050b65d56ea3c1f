"""The studies of a run that `dropout eval` can make instead of the plain evaluation."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from dropout_cli.core.errors import UsageError

if TYPE_CHECKING:
    from dropout_cli.analysis.inspection import Inspection
    from dropout_cli.runs import Run


@dataclass(frozen=True)
class StudyOptions:
    """The options of `dropout eval` that ask for studies, and those that belong to them."""

    calibration: bool = False
    temperature: bool = False
    mc_curve: int | None = None
    """The largest number of passes."""
    selective: bool = False
    risk: float | None = None
    shift: str | None = None
    """The kind of change."""
    example: int | None = None
    ood: str | None = None
    """The source of the strange examples."""

    def check(self, *, thinned: int | None, mc: int | None) -> None:
        """Raise UsageError if an option lacks the study that it belongs to.

        Args:
            thinned: `--thinned`, which belongs to the plain evaluation.
            mc: `--mc`, which the curve does not use.
        """
        if self.risk is not None and not self.selective:
            raise UsageError("--risk", "needs --selective", "Add --selective.")
        if self.example is not None and self.shift != "rotate":
            raise UsageError("--example", "needs --shift rotate", "Add --shift rotate.")
        if mc is not None and self.requested == ["--mc-curve"]:
            raise UsageError("--mc", "cannot be used with --mc-curve, which has its own number", "Leave it out.")
        if thinned is not None and self.requested:
            raise UsageError("--thinned", f"cannot be used with {self.requested[0]}", "Leave it out.")

    @property
    def requested(self) -> list[str]:
        """The options that ask for a study."""
        flags = {
            "--temperature": self.temperature,
            "--calibration": self.calibration,
            "--mc-curve": self.mc_curve is not None,
            "--selective": self.selective,
            "--shift": self.shift is not None,
            "--ood": self.ood is not None,
        }
        return [name for name, given in flags.items() if given]


def make_studies(
    run: "Run", chosen: StudyOptions, *, passes: int | None, all_noise: bool, **options: Any
) -> "Iterator[Inspection]":
    """Yield the results of the requested studies, one after the other.

    Args:
        run: The run.
        chosen: The requested studies.
        passes: Number of passes with noise; None: the usual one of each study.
        all_noise: True to draw the noise of the training in addition to dropout.
        options: `split`, `checkpoint` and `allow_changed_data`.
    """
    for study in _studies(run, chosen, passes, options | {"all_noise": all_noise}):
        yield study()


def _studies(
    run: "Run", chosen: StudyOptions, passes: int | None, options: dict[str, Any]
) -> "Iterator[Callable[[], Inspection]]":
    # Temperatures come first: the calibration then shows the new ones.
    if chosen.temperature:
        from dropout_cli.analysis.calibration.temperature import inspect_temperature

        yield partial(inspect_temperature, run, passes=passes, **options)
    if chosen.calibration:
        from dropout_cli.analysis.calibration.study import inspect_calibration

        yield partial(inspect_calibration, run, passes=passes, **options)
    if chosen.mc_curve is not None:
        from dropout_cli.analysis.certainty.mc_curve import compare_pass_counts

        yield partial(compare_pass_counts, run, chosen.mc_curve, **options)
    if chosen.selective:
        from dropout_cli.analysis.certainty.selective import rank_by_confidence

        yield partial(rank_by_confidence, run, risk=chosen.risk, passes=passes, **options)
    if chosen.shift is not None:
        from dropout_cli.analysis.certainty.shift import study_shift

        yield partial(study_shift, run, chosen.shift, example=chosen.example, passes=passes, **options)
    if chosen.ood is not None:
        from dropout_cli.analysis.certainty.out_of_distribution import study_out_of_distribution

        yield partial(study_out_of_distribution, run, chosen.ood, passes=passes, **options)
