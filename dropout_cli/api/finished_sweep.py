"""A sweep as a Python object: tables, answer, figures, predictions."""

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dropout_cli import plots
from dropout_cli.api.figure import RunFigure, choose_figure
from dropout_cli.api.predicting import predicted_frame
from dropout_cli.api.trained_run import TrainedRun
from dropout_cli.core.errors import UsageError
from dropout_cli.sweeps import figures, printed_table, stored_plan, tables
from dropout_cli.sweeps.folder import SweepFolder
from dropout_cli.sweeps.notes import comparison_notes
from dropout_cli.sweeps.records import RunRecord
from dropout_cli.sweeps.sweep_comparison import SweepComparison

if TYPE_CHECKING:
    from numpy.typing import ArrayLike
    from pandas import DataFrame


class FinishedSweep:
    """A sweep that `sweep` has trained, or one from disk, with the runs that are complete."""

    def __init__(self, folder: SweepFolder) -> None:
        """Take the folder of a sweep; nothing is read yet."""
        self._folder = folder

    @property
    def path(self) -> Path:
        """The folder of the sweep."""
        return self._folder.path

    @property
    def runs(self) -> list[TrainedRun]:
        """The complete runs."""
        from dropout_cli.runs import Run

        return [TrainedRun(Run(Path(record.path))) for record in stored_plan.read_runs(self._folder)[0]]

    @property
    def failures(self) -> dict[str, str]:
        """ID of a failed run -> the reason."""
        _, plan = stored_plan.read_runs(self._folder)
        return {cell.id: reason for cell in plan.cells if (reason := self._folder.failure(cell.id)) is not None}

    @property
    def results(self) -> "DataFrame":
        """One row per run and metric: the swept keys, seed, split, metric and value."""
        records, plan = stored_plan.read_runs(self._folder)
        return _frame(tables.results_csv(records, plan.keys))

    @property
    def summary(self) -> "DataFrame":
        """One row per setting and metric: the number of runs, their mean, and its 95 % interval.

        Raises:
            UsageError: No run is complete.
        """
        return _frame(tables.summary_csv(self._compare()))

    @property
    def comparisons(self) -> "DataFrame":
        """One row per comparison of a setting with the baseline.

        `difference` is the mean of setting minus baseline, in the unit of the metric. `low` and `high` are its interval
        and `p_holm` its p-value, both corrected for the number of comparisons; `verdict` is a word.

        Raises:
            UsageError: No run is complete.
        """
        return _frame(tables.comparisons_csv(self._compare()))

    @property
    def answer(self) -> str:
        """The result in words: the best setting, and how sure that is."""
        from dropout_cli.report.headline import sweep_headline

        records, plan = stored_plan.read_runs(self._folder)
        failures = self.failures
        return sweep_headline(self._compare(), len(failures), plan.count_missing(records, failures))

    @property
    def notes(self) -> list[str]:
        """Sentences about the method: tests, corrections, and for which new runs the intervals hold."""
        return list(comparison_notes(self._compare()))

    def figure(self, name: str = "metric") -> RunFigure:
        """Draw a figure of the sweep.

        Args:
            name: `metric`, `train_val`, `gap`, `differences` or `curves`, or another figure that the sweep has.

        Raises:
            KeyError: The sweep has no such figure.
        """

        def history(record: RunRecord) -> Mapping[str, Sequence[float]]:
            return self._folder.history(record.name)

        with plots.as_svg():
            return choose_figure(dict(figures.draw_sweep_figures(self._compare(), history)), name)

    def predict(
        self,
        X: "DataFrame | ArrayLike | str | Path",
        mc: int | None = None,
        *,
        setting: Mapping[str, Any] | None = None,
    ) -> "DataFrame":
        """Predict new data with the runs of one setting; their predictions are averaged.

        Args:
            X: As in `TrainedRun.predict`.
            mc: Number of Monte Carlo passes per run; None: one pass without noise.
            setting: Key -> value that selects one setting, such as `{"dropout.rate": 0.2}`; None: the best one on the
                validation part.

        Returns:
            A table as from `TrainedRun.predict`, averaged over the runs of the setting.

        Raises:
            DataError: X does not fit the runs.
            UsageError: There is no such setting, or no best one.
            ValueError: `mc` is below 1.
        """
        from dropout_cli.sweeps.setting_choice import choose_setting

        return predicted_frame(choose_setting(self._folder, setting).runs, X, mc)

    def report(self) -> Path:
        """Write one HTML page about the sweep into its folder, and return its path."""
        from dropout_cli.report import sweep_report

        self._folder.add_results({"report.html": sweep_report(self._folder)})
        return self.path / "report.html"

    def __repr__(self) -> str:
        """Return the folder and the answer."""
        try:
            return f"FinishedSweep({str(self.path)!r})\n{self.answer}"
        except UsageError as error:
            return f"FinishedSweep({str(self.path)!r})\n{error}"

    def _repr_html_(self) -> str:
        """Return the table of settings and the answer for a notebook."""
        import pandas as pd

        try:
            headers, rows = printed_table.short_table(self._compare())
        except UsageError as error:
            return f"<p>{escape(str(error))}</p>"
        # pandas escapes the cells.
        table = pd.DataFrame(rows, columns=headers).to_html(index=False, border=0)
        return f"<p>{escape(self.answer)}</p>{table}"

    def _compare(self) -> SweepComparison:
        """Return the comparison of the complete runs; raise UsageError if there are none."""
        records, plan = stored_plan.read_runs(self._folder)
        if not records:
            fact = f"no run is complete, and {len(self.failures)} failed"
            raise UsageError(str(self.path), fact, "See `failures`, or call `sweep` again to train the missing runs.")
        return plan.compare(records, self.failures)


def _frame(data: bytes) -> "DataFrame":
    """Return a table that the sweep writes as CSV."""
    import io

    import pandas as pd

    return pd.read_csv(io.BytesIO(data))
