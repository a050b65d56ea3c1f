"""Arrays that a caller passes to the Python API instead of a dataset's config."""

from dataclasses import dataclass
from typing import Literal, NoReturn

from dropout_cli.core.errors import DataError
from dropout_cli.core.field_types import Fraction
from dropout_cli.data.base import DatasetInfo, Source

NO_FINGERPRINT = "in memory"
"""Stands for the fingerprint of arrays, which nobody compares."""


@dataclass(frozen=True, kw_only=True)
class ArraysInMemory(Source):
    """Arrays of a caller, who tests on other ones.

    It says how the arrays are split and scaled (`split_and_scale`), but does not contain them. It is not registered,
    because a config cannot hold arrays.
    """

    info = DatasetInfo(None, None, None, "the caller")
    leaves_testing = True

    val_fraction: float = 0.0
    test_fraction: Fraction | None = None
    scaling: Literal["none", "unit", "standardize"] = "none"

    def dataset_name(self) -> str:
        """Return words instead of a registered name."""
        return "arrays in memory"

    def read(self) -> NoReturn:
        """Raise DataError: the arrays are passed beside the config."""
        raise DataError("dataset", "the arrays are in the memory of the caller", "Pass them to split_and_scale")
