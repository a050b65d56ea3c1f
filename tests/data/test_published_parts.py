"""Validation parts at the end of the training set, nested training subsets, and published splits."""

from pathlib import Path

import numpy as np
import pytest

from dropout_cli.core.errors import ConfigError, DataError
from dropout_cli.data.cache import data_directories
from dropout_cli.data.loading import load_dataset
from dropout_cli.data.sources.linear import Linear
from dropout_cli.data.sources.sklearn import Digits
from dropout_cli.data.sources.uci import Uci
from tests.commands import dropout

needs_uci = pytest.mark.skipif(
    not any((directory / "uci_regression").is_dir() for directory in data_directories()),
    reason="UCI tables needed: put them in $DROPOUT_DATA/uci_regression",
)


def test_the_last_examples_validate() -> None:
    """With `val_last`, the validation part is the end of what is not tested, for every split seed of its own."""
    for seed in (0, 3):
        drawn = load_dataset(Digits(split_seed=seed, val_fraction=0.0))
        found = load_dataset(Digits(split_seed=seed, val_last=100))
        assert found.val is not None
        assert np.array_equal(found.val.rows, drawn.train.rows[-100:])
        assert np.array_equal(found.train.rows, drawn.train.rows[:-100])
        assert np.array_equal(found.test.rows, drawn.test.rows)


def test_too_many_are_refused() -> None:
    """Neither the validation part nor the subset can be larger than what there is."""
    with pytest.raises(DataError, match="val_last"):
        load_dataset(Digits(val_last=5000))
    with pytest.raises(DataError, match="train_examples"):
        load_dataset(Digits(train_examples=5000))


def test_training_subsets_are_nested_and_stratified() -> None:
    """A larger subset has all examples of a smaller one, and each class in proportion; other parts stay."""
    whole = load_dataset(Digits())
    before: set[int] = set()
    for count in (50, 100, 500, len(whole.train)):
        found = load_dataset(Digits(train_examples=count))
        rows = set(found.train.rows.tolist())
        assert len(rows) == count
        assert before <= rows
        assert np.array_equal(found.test.rows, whole.test.rows)
        sizes = np.bincount(found.train.labels, minlength=10)
        assert sizes.max() - sizes.min() <= 1 + count // 50
        before = rows
    assert set(load_dataset(Digits(train_examples=50, split_seed=1)).train.rows.tolist()) != before


def test_a_line_has_its_slope() -> None:
    """The least-squares line through the points has the given slope and intercept, within 5 standard errors."""
    examples = Linear(examples=20_000, slope=2.0, intercept=8.0, noise=1.0).read()
    slope, intercept = np.polyfit(examples.x[:, 0].astype(np.float64), examples.labels[:, 0], 1)
    assert abs(slope - 2) < 5 / np.sqrt(20_000)
    assert abs(intercept - 8) < 5 / np.sqrt(20_000)


@needs_uci
def test_a_published_split_has_its_test_rows() -> None:
    """Split k has the k-th test part of the file; nine tenths of the table train."""
    first, second = (load_dataset(Uci(table="yacht", split_seed=seed, val_fraction=0.2)) for seed in (0, 1))
    assert first.test.rows[:5].tolist() == [1, 7, 22, 37, 50]
    assert second.test.rows[:5].tolist() == [30, 36, 53, 64, 70]
    assert first.val is not None
    assert len(first.train) + len(first.val) + len(first.test) == 308
    assert first.varying_parts == ("train", "val", "test")


@needs_uci
def test_seeds_of_a_sweep_use_published_splits(tmp_path: Path) -> None:
    """Each seed has the published split of its number."""
    text = "dataset: {name: uci}\narchitecture: {name: mlp, hidden: [4]}\ntraining: {epochs: 1}\n"
    (tmp_path / "u.yaml").write_text(text + "dropout: {variant: inverted}\n")
    words = ("sweep", "u.yaml", "dropout.rate=0,0.1", "--seeds", "2", "--no-plots", "--jobs", "1", "--quiet")
    found = dropout(*words, cwd=tmp_path)
    assert found.returncode == 0, found.stderr
    assert "2 random splits" in found.stdout
    assert dropout("train", "u.yaml", "dataset.split_seed=20", cwd=tmp_path).returncode == 2


def test_a_missing_table_says_where_to_put_it(tmp_path: Path) -> None:
    """Without data.txt, the error names the file."""
    with pytest.raises((DataError, ConfigError), match="data"):
        Uci(table="yacht", path=str(tmp_path)).read()


def test_early_stopping_works_with_a_validation_part_of_another_kind(tmp_path: Path) -> None:
    """With `val_fraction: 0`, the part may be the last examples or come with the data; without any it is refused."""
    x = np.random.default_rng(0).normal(size=(90, 4)).astype(np.float32)
    y = (x[:, 0] > 0).astype(np.int64)
    parts = {"train": slice(0, 50), "val": slice(50, 70), "test": slice(70, 90)}
    arrays: dict[str, np.ndarray] = {}
    for name, rows in parts.items():
        arrays |= {f"x_{name}": x[rows], f"y_{name}": y[rows]}
    np.savez(tmp_path / "own.npz", **arrays)  # type: ignore[arg-type]
    np.savez(tmp_path / "none.npz", **{n: a for n, a in arrays.items() if "val" not in n})  # type: ignore[arg-type]
    stop = ("training={epochs: 2, early_stopping: {patience: 1}, monitor: val_loss}", "--quiet", "--no-plots")
    for data in ("{name: arrays, path: own.npz, val_fraction: 0}", "{name: digits, val_fraction: 0, val_last: 200}"):
        (tmp_path / "own.yaml").write_text(f"dataset: {data}\n")
        done = dropout("train", "own.yaml", *stop, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
    (tmp_path / "own.yaml").write_text("dataset: {name: arrays, path: none.npz, val_fraction: 0}\n")
    refused = dropout("train", "own.yaml", *stop, cwd=tmp_path)
    assert refused.returncode == 2 and "training.monitor: needs a validation part" in refused.stderr
    assert "Traceback" not in refused.stderr and len(list((tmp_path / "runs").iterdir())) == 2
