"""Arrays of a caller: they are split like those of a dataset, but nobody is tested on them."""

import numpy as np
import pytest
from scipy.sparse import csr_array

from dropout_cli.core.errors import DataError
from dropout_cli.data import BatchReader, Dataset, Examples, Part, split_and_scale
from dropout_cli.data.in_memory import NO_FINGERPRINT, ArraysInMemory
from dropout_cli.data.sparse_rows import SparseRows

LABELS = np.tile(np.arange(2, dtype=np.intp), 20)
X = np.where(np.random.default_rng(0).random((40, 5)) < 0.5, 0.0, 1e9 + np.arange(40.0)[:, np.newaxis])


def given(x: object = X, **keys: float) -> Dataset:
    """Return the dataset of some arrays."""
    examples = Examples(x, LABELS, ("a", "b"))  # type: ignore[arg-type]  # SparseRows stand for an array
    return split_and_scale(ArraysInMemory(**keys), examples, known_fingerprint=NO_FINGERPRINT)  # type: ignore[arg-type]


def taken(dataset: Dataset, part: Part) -> np.ndarray:
    """Return a part as the network gets it, in float64."""
    return BatchReader(dataset, part, len(part), np.float64).take(np.arange(len(part)))[0]


def test_all_examples_are_trained_on_or_validated() -> None:
    """There is no test part, and none is asked for."""
    whole, split = given(), given(val_fraction=0.25)
    assert (len(whole.train), whole.val, whole.part("test")) == (40, None, None)
    assert split.val is not None and (len(split.train), len(split.val), split.part("test")) == (30, 10, None)
    assert sorted(np.concatenate([split.train.rows, split.val.rows])) == list(range(40))


def test_the_network_gets_the_numbers_of_the_caller() -> None:
    """No digit of float64 is lost, and the caller's array stays writable."""
    np.testing.assert_array_equal(taken(given(), given().train), X)
    assert X.flags.writeable


def test_sparse_rows_give_the_same_batches() -> None:
    """Rows become dense when a batch takes them."""
    dense, sparse = given(val_fraction=0.25), given(SparseRows(csr_array(X)), val_fraction=0.25)
    assert isinstance(sparse.train.x, SparseRows) and dense.val is not None and sparse.val is not None
    np.testing.assert_array_equal(taken(sparse, sparse.train), taken(dense, dense.train))
    np.testing.assert_array_equal(taken(sparse, sparse.val), taken(dense, dense.val))
    part = BatchReader(sparse, sparse.train, 3, np.float64).take(slice(2, 5))[0]
    np.testing.assert_array_equal(part, taken(dense, dense.train)[2:5])


def test_there_is_nothing_to_read() -> None:
    """The arrays are passed beside the source."""
    with pytest.raises(DataError, match="in the memory of the caller"):
        ArraysInMemory().read()
