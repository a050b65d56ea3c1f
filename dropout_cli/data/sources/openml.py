"""Dataset `openml`: tables from openml.org by number, downloaded once and cached."""

import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

from annotated_types import Ge

from dropout_cli.core.errors import DataError
from dropout_cli.core.field_types import Fraction
from dropout_cli.data.base import DATASETS, DatasetInfo, Examples, Source
from dropout_cli.data.cache import data_directories, searched_folders
from dropout_cli.data.readers.table_columns import ColumnKey, TableOptions, TaskName
from dropout_cli.data.readers.table_examples import examples_from_frame

if TYPE_CHECKING:
    from pandas import DataFrame

OPENML_TIMEOUT_SECONDS = 30


@DATASETS.register("openml")
@dataclass(frozen=True, kw_only=True)
class OpenML(Source):
    """A table from openml.org, given by its ID. It is downloaded once."""

    info = DatasetInfo(None, None, None, "downloaded from openml.org")
    default_test_fraction = 0.2

    id: Annotated[int, Ge(1)]
    """The ID of the dataset, such as 61 for iris."""
    target: ColumnKey | None = None
    """The column to predict. null: the default target at openml.org."""
    task: TaskName = "auto"
    """classification, regression or auto. auto: words, or at most 20 different whole numbers, mean classification;
    other numbers mean regression."""
    drop: tuple[ColumnKey, ...] = ()
    """Columns to leave out, by name or index."""
    categorical: tuple[ColumnKey, ...] = ()
    """Columns whose numbers stand for categories, such as codes."""
    weights: ColumnKey | None = None
    """A column with the weight of each row in the training loss, a number of at least 0. It is no feature. null: all
    rows count the same."""
    test_fraction: Fraction | None = None
    """Fraction of all examples used for testing. null: 0.2."""
    scaling: Literal["none", "unit", "standardize"] = "standardize"
    """unit: scale each column of numbers to [0, 1]. standardize: scale it to mean 0 and variance 1. none: no scaling.
    Fitted on the training part."""

    def read(self) -> Examples:
        """Return the table as numbers and codes of categories.

        Raises:
            DataError: if the table cannot be fetched or interpreted.
        """
        frame, named = self._fetch_table()
        target = self.target if self.target is not None else named
        if target is None:
            raise DataError(f"openml {self.id}", "has no default target", "Set dataset.target")
        place = f"openml {self.id}"
        wanted = TableOptions(target, self.task, self.drop, self.categorical, weights=self.weights)
        return examples_from_frame(frame, wanted, lambda row: f"{place}, row {row}" if row >= 0 else place, place=place)

    def _fetch_table(self) -> tuple["DataFrame", str | None]:
        """Return all columns, and the name of the default target.

        Raises:
            DataError: if the table can neither be downloaded nor found in the cache.
        """
        from sklearn.datasets import fetch_openml

        home = data_directories()[0] / "openml"
        before = socket.getdefaulttimeout()
        # scikit-learn sets none, and a dead connection would hang forever.
        socket.setdefaulttimeout(OPENML_TIMEOUT_SECONDS)
        try:
            bunch = fetch_openml(
                data_id=self.id, data_home=str(home), as_frame=True, parser="pandas", n_retries=1, delay=0.5
            )
        except Exception as error:  # network, server and parser raise errors of many classes
            reason = " ".join(str(error).split())[:200] or type(error).__name__
            place = searched_folders("openml")
            fact = f"cannot be downloaded from openml.org ({reason}), and is not in {place}"
            raise DataError(
                f"openml {self.id}", fact, "Connect to the internet once, or copy the folder from another machine"
            ) from None
        finally:
            socket.setdefaulttimeout(before)
        names = bunch.target_names
        return bunch.frame.reset_index(drop=True), str(names[0]) if len(names) == 1 else None
