"""A comparison refuses or ignores bad content in the files that it reads."""

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from dropout_cli.core import npz
from dropout_cli.core.errors import UsageError
from dropout_cli.metrics import VALIDATION_FILE
from dropout_cli.runs import Run
from dropout_cli.sweeps.layouts import find_layout
from dropout_cli.sweeps.records import RunGroup, RunRecord
from dropout_cli.sweeps.replicates import Replicate
from dropout_cli.sweeps.stored_predictions import FILE, example_metric, stored_predictions
from tests.sweeps.test_comparison import record

STORED = {
    "rows": np.array([3, 5, 9]),
    "labels": np.array([0, 1, 1]),
    "probabilities": np.array([[0.8, 0.2], [0.4, 0.6], [0.9, 0.1]]),
}


def stored(folder: Path, arrays: Mapping[str, object], name: str = FILE) -> Path:
    """Return a run folder with these arrays."""
    folder.mkdir(exist_ok=True)
    (folder / name).write_bytes(npz.write_npz(**{key: np.asarray(one) for key, one in arrays.items()}))
    return folder


@pytest.mark.parametrize("name", ["rows", "labels", "probabilities"])
def test_arrays_without_a_dimension_are_refused(tmp_path: Path, name: str) -> None:
    """A file with a single number in place of an array is refused."""
    folder = stored(tmp_path / "run", {**STORED, name: np.array(1)})
    assert example_metric(str(folder), "test.accuracy") is None
    with pytest.raises(UsageError, match="does not contain the predictions of a run"):
        stored_predictions(Run(folder))


def test_contributions_that_are_not_finite_are_none(tmp_path: Path) -> None:
    """Scores are unknown if a file has an SD of 0, a bad label or NaN."""
    quantities = {"rows": np.arange(3), "labels": np.ones((3, 1)), "mean": np.ones((3, 1)), "sd": np.zeros((3, 1))}
    folder = stored(tmp_path / "run", quantities)
    assert example_metric(str(folder), "test.nll") is None
    assert example_metric(str(folder), "test.mae") is not None
    each = {"rows": np.arange(3), "nll": np.array([0.1, np.nan, 0.2]), "accuracy": np.ones(3, bool)}
    stored(folder, each, VALIDATION_FILE)
    assert example_metric(str(folder), "val.nll") is None
    assert example_metric(str(folder), "val.accuracy") is not None


def test_a_test_part_is_shared_where_all_splits_have_it(tmp_path: Path) -> None:
    """Two of three splits with the same test examples do not share a test part."""
    runs = {}
    for split, last in enumerate([9, 9, 7]):
        folder = stored(tmp_path / str(split), {**STORED, "rows": np.array([3, 5, last])})
        replicate = Replicate(split, split)
        runs[replicate] = (RunRecord(str(folder), {}, replicate, {}),)
    group = RunGroup({}, runs)
    assert group.shares_test_part(list(runs)[:2])
    assert not group.shares_test_part(list(runs))


@pytest.mark.parametrize("folds", ["many", -3, [2], 1e400])
def test_a_summary_with_impossible_sizes_is_damaged(folds: object) -> None:
    """Impossible sizes are refused with their place, at no cost."""
    summary = json.loads(json.dumps(record(0, 0.8).summary))
    summary["config"] = {"dataset": {"folds": folds}}
    with pytest.raises(UsageError, match="is damaged"):
        RunRecord.from_summary("r", {}, Replicate(0, 0), summary)
    summary["config"] = {"dataset": {}}
    summary["val"]["per_class"] = [{"support": 1e300}]
    with pytest.raises(UsageError, match="is damaged"):
        RunRecord.from_summary("r", {}, Replicate(0, 0), summary)
    assert "no division has all" in find_layout([Replicate(0, 0, 0), Replicate(0, 0, 1)], 10**12).refused


def test_contributions_are_read_anew_where_the_file_has_changed(tmp_path: Path) -> None:
    """A changed file is read again, and callers cannot change what is stored of it."""
    folder = stored(tmp_path / "run", STORED)
    before = example_metric(str(folder), "test.accuracy")
    assert before is not None
    assert before[1].tolist() == [1, 1, 0]
    before[1][:] = 7  # whoever asks may write into what it got
    again = example_metric(str(folder), "test.error")
    assert again is not None
    assert again[1].tolist() == [0, 0, 1]
    stored(folder, {**STORED, "labels": np.array([1, 1, 1]), "rows": np.array([9, 5, 3])})
    after = example_metric(str(folder), "test.accuracy")
    assert after is not None
    assert [one.tolist() for one in after] == [[3, 5, 9], [0, 1, 0]]
