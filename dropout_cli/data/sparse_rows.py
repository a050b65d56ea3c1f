"""Examples in a sparse matrix, of which only the rows of a batch become dense."""

from typing import Any

from dropout_cli.core.types import Array, DType, Shape


class SparseRows:
    """Array (N, features) that supports only indexing by rows; indexing returns dense copies."""

    def __init__(self, matrix: Any) -> None:
        """Take a matrix without a copy.

        Args:
            matrix: SciPy's CSR matrix or array, (N, features).
        """
        self._matrix = matrix
        self.shape: Shape = tuple(matrix.shape)
        self.ndim = 2
        self.dtype: DType = matrix.dtype

    def __len__(self) -> int:
        """Return the number of rows."""
        return self.shape[0]

    def __getitem__(self, rows: Array | slice) -> Array:
        """Return rows as a dense array, (n, features)."""
        dense: Array = self._matrix[rows].toarray()
        return dense

    def subset(self, rows: Array) -> "SparseRows":
        """Return some of the rows.

        Args:
            rows: Row numbers.
        """
        return SparseRows(self._matrix[rows])
