"""Six regression tables of the UCI repository with 20 published splits.

The splits are those of Hernández-Lobato and Adams 2015 (arXiv:1502.05336), which Gal and Ghahramani 2016
(arXiv:1506.02142) and later work on uncertainty use.
"""

import hashlib
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from annotated_types import Le

from dropout_cli.core.errors import DataError, InvalidField
from dropout_cli.core.field_types import CountOrZero, Fraction, PathField
from dropout_cli.core.types import Array
from dropout_cli.data.base import DATASETS, TEST, TRAIN, Column, DatasetInfo, Examples, Source
from dropout_cli.data.cache import data_directories, require_regular_file, searched_folders

FOLDER = "uci_regression"


@DATASETS.register("uci")
@dataclass(frozen=True, kw_only=True)
class Uci(Source):
    """Regression: six tables of the UCI repository, each with 20 published splits."""

    info = DatasetInfo(None, None, 0, f"{FOLDER}/ in $DROPOUT_DATA")
    default_test_fraction: ClassVar[float | None] = None

    table: Literal["bostonHousing", "concrete", "energy", "power-plant", "wine-quality-red", "yacht"] = "yacht"
    """The table."""
    path: Annotated[str | None, PathField()] = None
    """The folder with a folder for each table. null: it is searched in the data directories."""
    test_fraction: Fraction | None = None
    """Always null: the published split has the test part."""
    split_seed: Annotated[CountOrZero, Le(19)] = 0
    """Number of the published split, 0 to 19. It also draws the validation part."""
    scaling: Literal["none", "unit", "standardize"] = "standardize"
    """unit: scale each feature to [0, 1]. standardize: scale it to mean 0 and variance 1. none: no scaling. Fitted on
    the training part."""

    def __post_init__(self) -> None:
        """Raise InvalidField if the test part is not the published one."""
        super().__post_init__()
        if self.test_fraction is not None or self.folds is not None:
            key = "folds" if self.folds is not None else "test_fraction"
            raise InvalidField(key, "cannot be set, because each split has a published test part", "Remove it")

    def read(self) -> Examples:
        """Return the table as float32.

        Raises:
            DataError: if a file is missing or damaged.
        """
        return _read_table(self._folder() / self.table)[0]

    def draws_test_part(self, examples: Examples) -> bool:
        """Return False: each split has a published test part."""
        return False

    def assign_parts(self, examples: Examples) -> Array:
        """Return the parts of the published split."""
        tests = _read_table(self._folder() / self.table)[1]
        parts = np.full(len(examples.labels), TRAIN, np.int8)
        parts[tests[self.split_seed]] = TEST
        return parts

    def varying_parts(self, examples: Examples) -> tuple[str, ...]:
        """Return the parts that change with `split_seed`: all of them."""
        return ("train", "val", "test") if self.val_fraction or self.val_last else ("train", "test")

    def _folder(self) -> Path:
        if self.path is not None:
            return Path(self.path)
        folders = [directory / FOLDER for directory in data_directories()]
        found = next((folder for folder in folders if (folder / self.table).is_dir()), None)
        if found is None:
            way_out = "Put data.txt and splits.json of each table there, or set dataset.path"
            raise DataError(f"dataset uci, {self.table}", f"is in none of {searched_folders(FOLDER)}", way_out)
        return found


@cache
def _read_table(folder: Path) -> tuple[Examples, tuple[Array, ...]]:
    """Return all examples, and the test rows of each split."""
    data, splits = folder / "data.txt", folder / "splits.json"
    try:
        numbers = np.array([line.split() for line in _read(data).splitlines() if line.strip()], np.float64)
        described: dict[str, Any] = json.loads(_read(splits))
        features, target = list(described["feature_columns"]), int(described["target_column"])
        x, y = numbers[:, features], numbers[:, [target]]
        tests = tuple(np.array(rows, np.intp) for rows in described["test_indices"])
        if len(tests) != 20 or any(not len(rows) or rows.min() < 0 or rows.max() >= len(x) for rows in tests):
            raise ValueError("the splits do not fit the table")
    except (LookupError, TypeError, ValueError) as error:
        raise DataError(str(folder), f"is damaged ({error})", "Copy data.txt and splits.json again") from None
    columns = tuple(Column(f"x{column}") for column in range(x.shape[1]))
    digest = hashlib.sha256(json.dumps(described["test_indices"]).encode()).hexdigest()
    return Examples(x.astype(np.float32), y, target_names=("y",), columns=columns, digest=digest), tests


def _read(path: Path) -> str:
    require_regular_file(path)
    try:
        return path.read_text("utf-8", "replace")
    except OSError as error:
        raise DataError(str(path), f"cannot be read: {error.strerror}", "Give a readable file") from None
