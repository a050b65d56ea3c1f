"""Values whose differences float32 would lose keep them until they are scaled."""

from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest

from dropout_cli.core.types import Array
from dropout_cli.data import load_dataset
from dropout_cli.data.base import Source
from dropout_cli.data.dataset import BatchReader
from dropout_cli.data.loading import compute_fingerprint
from dropout_cli.data.overview import dataset_overview
from dropout_cli.data.precision import narrow
from dropout_cli.data.preprocessing import Preprocessing
from dropout_cli.data.sources.arrays import Arrays
from dropout_cli.data.sources.table import TableSource
from tests.commands import dropout

DAY = 1_700_000_000 + 60 * np.arange(90)
"""Times of a morning, in seconds since 1970."""


def network_inputs(source: Source) -> Array:
    """All examples as the network gets them, in the order of the source."""
    dataset = load_dataset(source)
    parts = [part for part in (dataset.train, dataset.val, dataset.test) if part is not None]
    x = np.concatenate([BatchReader(dataset, part, len(part)).take(slice(None))[0].copy() for part in parts])
    return np.asarray(x[np.argsort(np.concatenate([part.rows for part in parts]))])


def table(folder: Path, column: Any, **keys: Any) -> TableSource:
    """A table of one column and two classes that take turns."""
    lines = [f"{value!s},{'ab'[row % 2]}" for row, value in enumerate(column)]
    (folder / "t.csv").write_text("\n".join(["value,kind", *lines]))
    return TableSource(path=str(folder / "t.csv"), **keys)


@pytest.mark.parametrize("scaling", ["unit", "standardize"])
@pytest.mark.parametrize(
    "column",
    [
        100_000_000 + np.arange(90) % 3,
        DAY,
        2**53 - np.arange(1, 91),
        -(10**12) + np.arange(90) * 0.25,
        np.array([f"{300000 + 0.001 * row:.3f}" for row in range(90)]),
    ],
    ids=["eight digits", "seconds", "whole numbers", "negative", "thousandths"],
)
def test_a_column_is_scaled_in_double_precision(
    tmp_path: Path, column: Array, scaling: Literal["unit", "standardize"]
) -> None:
    """The differences between rows are right to a few bits of float32, from a table and from an array."""
    exact = np.asarray(column, np.float64)
    exact -= exact[0]
    np.savez(tmp_path / "a.npz", x=np.asarray(column, np.float64)[:, None], y=np.arange(90) % 2)
    for source in (table(tmp_path, column, scaling=scaling), Arrays(path=str(tmp_path / "a.npz"), scaling=scaling)):
        x = network_inputs(source)[:, 0].astype(np.float64)
        slope = (x[-1] - x[0]) / (exact[-1] - exact[0]) if exact[-1] else (x[1] - x[0]) / (exact[1] - exact[0])
        assert np.ptp(x) > 0.9 and np.allclose(x - x[0], slope * exact, rtol=0, atol=1e-6)


def test_large_pictures_are_scaled_in_double_precision(tmp_path: Path) -> None:
    """A channel with a large constant keeps its differences; the other one is not touched."""
    x = np.random.default_rng(0).random((60, 4, 4, 2))
    np.savez(tmp_path / "a.npz", x=x + np.array([1e9, 0]), y=np.arange(60) % 2)
    found = network_inputs(Arrays(path=str(tmp_path / "a.npz"), scaling="unit"))
    assert np.corrcoef(found[..., 0].ravel(), x[..., 0].ravel())[0, 1] > 1 - 1e-6


def test_rows_that_stay_in_their_file_are_scaled_in_double_precision(tmp_path: Path) -> None:
    """As in memory."""
    np.save(tmp_path / "x.npy", DAY[:, None].astype(np.float64))
    np.save(tmp_path / "y.npy", np.arange(90) % 2)
    keys: dict[str, Any] = {"path": str(tmp_path / "x.npy"), "labels": str(tmp_path / "y.npy"), "scaling": "unit"}
    inside, outside = Arrays(**keys), Arrays(**keys, memory=1e-7)
    assert np.array_equal(network_inputs(inside), network_inputs(outside))


def test_usual_values_stay_float32() -> None:
    """Also where a rounding error makes the only difference."""
    rng = np.random.default_rng(0)
    for x in (
        rng.normal(size=(50, 2)),
        rng.normal(300, 1, (50, 1)),
        np.array([[0.3], [0.1 + 0.2]]),
        np.full((5, 1), 1e9),
    ):
        assert narrow(x).dtype == np.float32
    with_gaps = np.array([[1e9], [np.nan], [1e9 + 1]])
    assert narrow(with_gaps).dtype == np.float64 and narrow(with_gaps[:2]).dtype == np.float32


def test_a_fingerprint_of_the_rounded_values_is_accepted(tmp_path: Path) -> None:
    """Older versions stored it; of other data, it is refused."""
    source = table(tmp_path, DAY)
    examples = source.read()
    former = compute_fingerprint(type(examples)(**{**vars(examples), "x": examples.x.astype(np.float32)}))
    assert former != compute_fingerprint(examples)
    load_dataset(table(tmp_path, DAY, fingerprint=former))
    with pytest.raises(Exception, match="the data have changed"):
        load_dataset(table(tmp_path, DAY + 10_000, fingerprint=former))


def test_stored_preprocessing_is_applied_as_it_was(tmp_path: Path) -> None:
    """That of an older run has no offset, and gets values rounded to float32; a new one comes back whole."""
    dataset = load_dataset(table(tmp_path, DAY))
    fitted = Preprocessing.from_dataset(dataset)
    again = Preprocessing.unpack(fitted.pack(), "file")
    assert again.scaling.offset is not None and again.pack() == fitted.pack()
    assert load_dataset(table(tmp_path, DAY), again).train.x.dtype == np.float64
    old = Preprocessing.unpack(Preprocessing.from_dataset(load_dataset(table(tmp_path, np.arange(90)))).pack(), "file")
    assert old.scaling.offset is None and load_dataset(table(tmp_path, DAY), old).train.x.dtype == np.float32


def test_the_overview_shows_the_values_themselves(tmp_path: Path) -> None:
    """Smallest and largest with all their digits."""
    source = table(tmp_path, DAY)
    ((*_, low, high),) = dataset_overview(source.read(), load_dataset(source)).columns
    assert (low, high) == (str(DAY[0]), str(DAY[-1]))


def test_a_run_learns_predicts_and_resumes(tmp_path: Path) -> None:
    """100000000 + {0, 1, 2} decide the class: all are right, in `train`, in `predict`, and after a stop."""
    rows = [f"{100_000_000 + row % 3},{'abc'[row % 3]}" for row in range(150)]
    (tmp_path / "t.csv").write_text("\n".join(["value,kind", *rows]))
    (tmp_path / "c.yaml").write_text(
        "dataset: {name: table, path: t.csv}\narchitecture: {name: mlp, hidden: [32]}\n"
        "training: {epochs: 60, batch_size: 16, optimizer: {name: adam, learning_rate: 1e-2}}\n"
    )
    train = ("train", "c.yaml", "--quiet", "--no-plots")
    run = dropout(*train, cwd=tmp_path).stdout.strip()
    predicted = dropout("predict", run, "t.csv", cwd=tmp_path).stdout.splitlines()[1:]
    assert all(line.split(",")[1] == line.split(",")[2] for line in predicted)
    stopped = dropout(*train, "--max-time", "0.01s", cwd=tmp_path)
    assert stopped.returncode != 0
    other = dropout("resume", "latest", "--quiet", cwd=tmp_path).stdout.strip()
    assert (tmp_path / run / "predictions.npz").read_bytes() == (tmp_path / other / "predictions.npz").read_bytes()
