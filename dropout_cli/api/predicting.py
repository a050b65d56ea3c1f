"""Predictions of new data as tables."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dropout_cli.analysis.predict import PredictedRows, predict_data, predict_file
from dropout_cli.cli.output import print_stderr
from dropout_cli.runs import Run

if TYPE_CHECKING:
    from pandas import DataFrame


def predicted_frame(runs: Sequence[Run], given: Any, passes: int | None) -> "DataFrame":
    """Return the predictions of runs, which are averaged, as a table.

    Args:
        runs: Runs of one setting.
        given: A DataFrame, something that NumPy takes for an array, or a path.
        passes: Number of Monte Carlo passes; None: one pass without noise.

    Raises:
        DataError: The data do not fit the runs.
        ValueError: `passes` is below 1.
    """
    import pandas as pd

    if passes is not None and passes < 1:
        raise ValueError(f"mc must be at least 1, not {passes}")
    if isinstance(given, str | Path):
        blocks = list(predict_file(runs, Path(given), passes=passes))
        index = None
    elif isinstance(given, pd.DataFrame):
        blocks = list(predict_data(runs, given, passes=passes))
        index = given.index
    else:
        blocks = list(predict_data(runs, np.asarray(given), passes=passes))
        index = None
    for text in dict.fromkeys(notice for block in blocks for notice in block.notices):
        print_stderr(text)
    return _to_frame(blocks, index)


def _to_frame(blocks: Sequence[PredictedRows], index: Any) -> "DataFrame":
    """Return the predicted columns of all blocks, without those of the data."""
    import pandas as pd

    names = blocks[0].names[blocks[0].file_columns :] if blocks else ()
    rows = [row[block.file_columns :] for block in blocks for row in block.rows]
    return pd.DataFrame(rows, columns=list(names), index=index)
