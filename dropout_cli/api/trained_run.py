"""A trained run as a Python object: numbers as tables, figures, predictions."""

from functools import cached_property
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dropout_cli import plots
from dropout_cli.api.figure import RunFigure, choose_figure
from dropout_cli.api.predicting import predicted_frame
from dropout_cli.core import npz
from dropout_cli.metrics import predicted_classes
from dropout_cli.runs import MANIFEST, Run
from dropout_cli.runs.summary import count_examples, describe_scored_train, evaluated_epoch

if TYPE_CHECKING:
    from numpy.typing import ArrayLike
    from pandas import DataFrame

PREDICTIONS = "predictions.npz"


class TrainedRun:
    """A run that `train` has made, or one from disk."""

    def __init__(self, run: Run) -> None:
        """Take a run folder; nothing is read yet."""
        self._run = run

    @property
    def path(self) -> Path:
        """The run folder."""
        return self._run.path

    @property
    def name(self) -> str:
        """The name of the folder."""
        return self._run.path.name

    @property
    def is_complete(self) -> bool:
        """True if the training has ended and all results are there."""
        return self._run.has_file(MANIFEST)

    @cached_property
    def summary(self) -> dict[str, Any]:
        """The contents of `summary.json`: metrics of each part, and the resolved config.

        Raises:
            UsageError: The run is not complete, or the file is damaged.
        """
        return self._run.summary()

    @property
    def history(self) -> "DataFrame":
        """The metrics after each epoch; the epoch is the index."""
        import pandas as pd

        return pd.DataFrame(self._run.table("metrics.csv").columns()).astype({"epoch": int}).set_index("epoch")

    @property
    def predictions(self) -> "DataFrame":
        """The predictions of the test part, a row per example.

        The index is the row number of the example in the data. A classification has the columns `true`, `predicted` and
        `probability CLASS` for each class. A regression has `true` and `predicted`, and `sd` if the network predicts
        it, in the units of the target; with several targets each name ends in that of the target.

        Raises:
            UsageError: The run is not complete, or a file is damaged.
        """
        import pandas as pd

        stored = npz.read_npz(self._run.read(PREDICTIONS), str(self.path / PREDICTIONS))
        index = pd.Index(stored["rows"], name="row")
        if "mean" in stored:
            names = [target["target"] for target in self.summary["test"]["per_target"]]
            columns: dict[str, Any] = {}
            for place, name in enumerate(names):
                end = "" if len(names) == 1 else f" {name}"
                columns |= {f"true{end}": stored["labels"][:, place], f"predicted{end}": stored["mean"][:, place]}
                if "sd" in stored:
                    columns[f"sd{end}"] = stored["sd"][:, place]
            return pd.DataFrame(columns, index=index)
        classes = np.array([str(row["class"]) for row in self.summary["test"]["per_class"]], object)
        columns = {"true": classes[stored["labels"]], "predicted": classes[predicted_classes(stored)]}
        columns |= {f"probability {name}": stored["probabilities"][:, place] for place, name in enumerate(classes)}
        return pd.DataFrame(columns, index=index)

    def figure(self, name: str = "curves") -> RunFigure:
        """Draw a figure of the run.

        Args:
            name: `curves`, or one of the other figures of `dropout show RUN --figures`, such as `confusion_matrix`.

        Raises:
            KeyError: The run has no such figure.
            UsageError: The run is not complete.
            DataError: The data of the run are missing or have changed; `curves` needs none.
        """
        from dropout_cli.analysis.evaluate import run_figures

        with plots.as_svg():
            train = describe_scored_train(count_examples(self.summary["train"]))
            columns = self._run.table("metrics.csv").columns()
            figures = dict(plots.epoch_figures(columns, evaluated_epoch(self.summary), train))
            if f"{name.removesuffix('.png')}.png" not in figures:
                figures = dict(run_figures(self._run))
        return choose_figure(figures, name)

    def predict(self, X: "DataFrame | ArrayLike | str | Path", mc: int | None = None) -> "DataFrame":
        """Predict new data.

        Args:
            X: A table with the columns of the training, (N, ...) numbers in the shape of the examples, or the path of a
                file or of a folder of images.
            mc: Number of Monte Carlo passes with dropout; None: one pass without noise.

        Returns:
            A table with one row per example: the predicted class and the probability of each class, or the predicted
            value of each target; with `mc` also columns of uncertainty. A DataFrame keeps its index; other rows are
            numbered from 0.

        Raises:
            DataError: X does not fit the run.
            RunFailed: The checkpoint is damaged.
            UsageError: The run has no checkpoint yet.
            ValueError: `mc` is below 1.
        """
        return predicted_frame([self._run], X, mc)

    def report(self) -> Path:
        """Write one HTML page about the run into its folder, and return its path."""
        from dropout_cli.report import run_report

        self._run.write_result("report", {"report.html": run_report(self._run)})
        return self.path / "after/report/report.html"

    def __repr__(self) -> str:
        """Return the folder and the main numbers."""
        lines = [f"TrainedRun({str(self.path)!r})"]
        if self.is_complete:
            from dropout_cli.analysis.headlines import headline_lines

            lines += headline_lines(self.summary, self._run)
        else:
            lines.append("not complete")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        """Return the numbers and the learning curves for a notebook."""
        text = "<br>".join(escape(line) for line in repr(self).splitlines())
        return f"<div>{text}</div>{self.figure('curves').svg if self.is_complete else ''}"
