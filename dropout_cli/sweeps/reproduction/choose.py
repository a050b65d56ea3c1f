"""The choice of hyperparameters: the combination that is best on the validation part."""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from dropout_cli.core.errors import RunFailed
from dropout_cli.sweeps.records import RunRecord
from dropout_cli.sweeps.replicates import Replicate
from dropout_cli.sweeps.reproduction.design import Chosen, Design
from dropout_cli.sweeps.reproduction.numbers import read_number

CORRECT = "Correct `by` of `choices` in the reproduction file."


def choose_values(
    design: Design,
    runs_of_points: Sequence[Sequence[str]],
    records: Mapping[str, RunRecord],
    by: str,
    *,
    larger: bool,
    per_replicate: bool,
) -> dict[str, list[Chosen]]:
    """Return row -> the values that are best on the validation part.

    Nothing but the validation part decides: numbers of the test part are not read. Of equal combinations, the first
    one is chosen.

    Args:
        design: The sweep in which values are chosen.
        runs_of_points: The ids of the runs of each point.
        records: Id -> complete run.
        by: The number of the summary that decides.
        larger: Whether larger numbers are better.
        per_replicate: True to choose for each seed and split, False to choose by the mean over all runs.

    Raises:
        RunFailed: No combination of a row has a finite number.
    """
    chosen: dict[str, list[Chosen]] = {}
    for name in dict.fromkeys(design.rows):
        points = [place for place, row in enumerate(design.rows) if row == name]
        scores: dict[Replicate | None, list[float]] = {}
        for place in points:
            complete = [records[run] for run in runs_of_points[place] if run in records]
            by_replicate = {record.replicate: read_number(record, by, CORRECT) for record in complete}
            if per_replicate:
                for replicate, score in by_replicate.items():
                    scores.setdefault(replicate, [math.nan] * len(points))[points.index(place)] = score
            else:
                mean = float(np.mean(list(by_replicate.values()))) if by_replicate else math.nan
                scores.setdefault(None, [math.nan] * len(points))[points.index(place)] = mean
        for key, its in scores.items():
            finite = [place for place, score in enumerate(its) if math.isfinite(score)]
            if not finite:
                way_out = "`choices/failed` has the reasons. Correct the values, or give --retry-failed."
                raise RunFailed(name, f"no run has a finite {by}", way_out)
            best = (max if larger else min)(finite, key=lambda place: its[place])
            chosen.setdefault(name, []).append(Chosen(design.values[points[best]], its[best], key))
    return chosen
