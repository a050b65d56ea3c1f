"""Base class of dataset sources, with the YAML keys that they share, and its examples."""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal, NamedTuple, TypeAlias

import numpy as np
from annotated_types import Ge

from dropout_cli.core.errors import DataError, InvalidField
from dropout_cli.core.field_types import CountOrZero, Fraction, FractionOrZero
from dropout_cli.core.registry import Registry
from dropout_cli.core.types import Array, Shape
from dropout_cli.data.augmentation import Augmentation


def _reason_unusable(cls: type) -> str:
    if not issubclass(cls, Source):
        return f"{cls.__name__} is not a subclass of Source"
    return "" if isinstance(getattr(cls, "info", None), DatasetInfo) else f"{cls.__name__} lacks info, a DatasetInfo"


DATASETS: Registry["Source"] = Registry(
    "dataset", package="dropout_cli.data.sources", plugins="dropout_cli.datasets", unusable=_reason_unusable
)

MissingCategories: TypeAlias = Literal["auto", "level", "most_frequent"]
"""Replacement of a missing category: a category of its own, or the most frequent one."""
TRAIN, VAL, TEST = 0, 1, 2
"""Codes of the parts, for data that assign their own examples to parts."""


@dataclass(frozen=True)
class DateFeature:
    """Source of a feature that is made of a date."""

    column: str
    """The column with the dates."""
    part: str
    """year, month, weekday, day number or hour."""
    day_first: bool = False
    """True if the day comes before the month where the year comes last."""


@dataclass(frozen=True)
class Column:
    """A feature of a table: a number, or a category stored as its index in `categories`."""

    name: str
    categories: tuple[str, ...] | None = None
    """The words of a categorical column; None for a column of numbers."""
    decimal_comma: bool = False
    """True if the numbers were written with a decimal comma."""
    date: DateFeature | None = None
    """The column of dates that the numbers come from; None for a column of the file."""


@dataclass(frozen=True)
class EncodingOptions:
    """How missing values and words are encoded."""

    missing_categories: MissingCategories = "most_frequent"
    missing_indicator: bool = False
    """True if a column of numbers with missing values gets a further feature."""
    merges_spellings: bool = False
    """True if new words are compared with known ones in their normal form (`spellings`)."""


class DatasetInfo(NamedTuple):
    """Information about a dataset before it is read, at default settings."""

    examples: int | None
    """Number of examples; this, `shape` and `classes` are None if the user supplies the data."""
    shape: Shape | None
    classes: int | None
    """Number of classes; 0 for a regression."""
    origin: str


@dataclass(frozen=True)
class ImageFiles:
    """The files that images were read from."""

    names: tuple[str, ...]
    """Path of each image, relative to the folder of the dataset."""
    first: Array
    """(N,) intp: the first row with the same pixels, which is the row itself if no earlier one has them."""


@dataclass(frozen=True)
class Examples:
    """A dataset as its source returns it: not split and not scaled.

    Raises:
        DataError: if a value is not finite.
    """

    x: Array
    """(N, features) or (N, height, width, channels): uint8, float32, or float64 if a feature needs it (`precision`).
    NaN marks a missing value of a table. Or `FileRows` or `SparseRows`, which support indexing by rows."""
    labels: Array
    """Class ids, (N,) intp; for a regression target values, (N, targets) float64."""
    classes: tuple[str, ...] = ()
    """Class names; a label is an index into them. Empty for a regression."""
    target_names: tuple[str, ...] = ()
    """Names of the targets of a regression; empty for a classification."""
    train_count: int | None = None
    """Number of leading rows in the official training set; None if there is no official test set."""
    columns: tuple[Column, ...] = ()
    """The features, if they have names."""
    assigned_parts: Array | None = None
    """(N,) int8: TRAIN, VAL or TEST for each example, if the data divide themselves; else None."""
    groups: Array | None = None
    """(N,) intp: examples with the same group number stay in one part."""
    weights: Array | None = None
    """(N,) float64: weight of each example in the training loss, 0 or more; NaN for examples that the data assign to
    another part. None: all examples count the same."""
    needs_encoding: bool = False
    """True if missing values must be filled in and categories encoded before the network sees the examples."""
    digest: str | None = None
    """SHA-256 of files that are too large to be read twice."""
    notices: tuple[str, ...] = ()
    """Messages about the data for the user."""
    read_as: str = ""
    """How a file was interpreted, in a few words."""
    images: ImageFiles | None = None
    """The files of the images, if each example is a file of its own."""
    pixel_bits: int = 8
    """Range of image files: 8 (0 to 255), 16 (0 to 65,535) or 32 (any number). 8 for all other examples."""
    rows: Array | None = None
    """(N,) intp: row number of each example in the file, ascending. None: 0 to N - 1."""

    def __post_init__(self) -> None:
        """Raise DataError if a value is not finite; NaN in a table is allowed."""
        # A single NaN would turn every weight into NaN. Missing values of a table are filled in later, and
        # `FileRows` are checked by `npy_digest` while their checksum is computed.
        if self.needs_encoding or self.x.dtype.kind != "f" or not isinstance(self.x, np.ndarray):
            return
        if not np.isfinite(self.x).all():
            row = int(np.argwhere(~np.isfinite(self.x))[0, 0])
            raise DataError("dataset", f"example {row} has a value that is not a finite number", "Correct or remove it")

    def has_part(self, part: int) -> bool:
        """Return True if the data themselves provide examples for a part.

        Args:
            part: VAL or TEST. An official test set counts as TEST.
        """
        official = part == TEST and self.train_count is not None
        return official or (self.assigned_parts is not None and bool((self.assigned_parts == part).any()))


@dataclass(frozen=True, kw_only=True)
class Source(ABC):
    """Source of examples; its fields are the keys under `dataset:`.

    The first line of a subclass's docstring is its description in `dropout datasets`.
    """

    info: ClassVar[DatasetInfo]
    default_test_fraction: ClassVar[float | None] = None
    """Meaning of `test_fraction: null` if neither config nor data provide a test part; None makes that an error."""
    leaves_testing: ClassVar[bool] = False
    """True if the caller tests on examples of its own, so that the test part has none."""
    draws_test_from_train: ClassVar[bool] = False
    """True to draw the test part without examples that the data assign to the validation part."""
    takes_pictures: ClassVar[bool] = False
    """True if the values of the examples are those of image files, so that such a file can be predicted."""
    rare_class_way_out: ClassVar[str] = "Remove the class, or add examples of it"
    """Advice for a class with too few examples to be in every part."""

    val_fraction: FractionOrZero = 0.15
    """Fraction of the examples used for validation: of all examples, or of the training set if the official test set
    is kept."""
    val_last: Annotated[int, Ge(1)] | None = None
    """Number of examples at the end of the training set that are used for validation, as in many papers. It replaces
    `val_fraction`. null: they are drawn at random."""
    train_examples: Annotated[int, Ge(1)] | None = None
    """Number of training examples, drawn from the training part with each class in proportion. A larger number keeps
    those of a smaller one. null: all."""
    test_fraction: Fraction | None = 0.2
    """Fraction of all examples used for testing. null: keep the official test set, if there is one."""
    split_seed: CountOrZero = 0
    """Seed of the split; independent of the seed of the run."""
    folds: Annotated[int, Ge(2)] | None = None
    """Number of cross-validation folds (stratified, or by group). One fold is the test part. null: no folds, see
    test_fraction."""
    fold: CountOrZero = 0
    """Index of the test fold, counted from 0. A sweep without this key runs every fold."""
    scaling: Literal["none", "unit", "standardize"] = "unit"
    """unit: scale each feature (or channel) to [0, 1]. standardize: scale it to mean 0 and variance 1. none: no
    scaling. Fitted on the training part."""
    augment: Augmentation | None = None
    """Random changes of the training images. null: none."""
    fingerprint: str | None = None
    """SHA-256 of the data. If it is set, different data are refused. null: not checked."""

    def __post_init__(self) -> None:
        """Raise InvalidField if the fold does not exist, or the test fraction contradicts the folds."""
        if self.folds is None:
            if self.fold:
                raise InvalidField("fold", "needs dataset.folds", "Set it, for example to 5")
            return
        if self.fold >= self.folds:
            raise InvalidField("fold", f"must be below the number of folds, {self.folds}; got {self.fold}")
        # A value equal to the class default may simply not have been set, so it is no contradiction.
        unset_value = type(self).test_fraction
        if self.test_fraction not in (None, unset_value, self._effective_test_fraction):
            part = f"each of the {self.folds} folds tests on 1/{self.folds} of the examples"
            fact = f"cannot be {self.test_fraction:g} together with folds, because {part}"
            raise InvalidField("test_fraction", fact, "Remove it")

    @property
    def _effective_test_fraction(self) -> float | None:
        """`test_fraction`, or None if the folds decide instead.

        A fraction of about 1/folds agrees with the folds and is kept.
        """
        if self.folds is None or self.test_fraction is None:
            return self.test_fraction
        # The tolerance accepts 0.33 for 1/3.
        return self.test_fraction if math.isclose(self.test_fraction, 1 / self.folds, rel_tol=0.01) else None

    def dataset_name(self) -> str:
        """Return the name of the dataset, for messages and titles."""
        return DATASETS.name_of(type(self))

    def draws_test_part(self, examples: Examples) -> bool:
        """Return True if the test part is drawn from all examples with `split_seed`.

        If False, the data provide the test part.
        """
        return self._effective_test_fraction is not None or not examples.has_part(TEST)

    def assign_parts(self, examples: Examples) -> Array | None:
        """Return the part of each example, (N,) int8; None if the data do not say it."""
        return examples.assigned_parts

    def encoding_options(self) -> EncodingOptions:
        """Return how missing values and words of a table are encoded."""
        return EncodingOptions()

    def with_missing_level(self, has_level: bool) -> "Source":
        """Return the source with `missing_categories: auto` resolved.

        Args:
            has_level: True if a missing category of the train part became a category of its own.
        """
        return self

    def varying_parts(self, examples: Examples) -> tuple[str, ...]:
        """Return the names of the parts that change with `split_seed`.

        These are the parts among train, val and test that the data do not provide.
        """
        if self.draws_test_part(examples):
            has_val = self.val_last or self.val_fraction or examples.has_part(VAL)
            return ("train", "val", "test") if has_val else ("train", "test")
        if self.val_last is None and self.val_fraction and not examples.has_part(VAL):
            return ("train", "val")
        return ("train",) if self.train_examples is not None else ()

    def read_former(self) -> Examples | None:
        """Read the examples as older versions did; None if they read the same.

        Runs of older versions are evaluated with these examples.
        """
        return None

    @abstractmethod
    def read(self) -> Examples:
        """Read or generate all examples.

        Raises:
            DataError: if data are missing or damaged.
        """

    def read_for_classes(self, classes: tuple[str, ...]) -> Examples:
        """Read all examples for a trained network.

        Args:
            classes: the classes of the network; empty for a regression. A source that leaves out or merges rare
                classes keeps these.

        Raises:
            DataError: if data are missing or damaged.
        """
        return self.read()
