"""A dataset as YAML names it: the keys that all sources share, and what reading one gives."""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal, NamedTuple

import numpy as np
from annotated_types import Ge

from dropout_cli.core.errors import DataError, InvalidField
from dropout_cli.core.fields import CountOrZero, Fraction, FractionOrZero
from dropout_cli.core.registry import Registry
from dropout_cli.core.types import Array, Shape
from dropout_cli.data.augmentation import Augmentation

DATASETS: Registry["Source"] = Registry("dataset", package="dropout_cli.data.sources")


TRAIN, VAL, TEST = 0, 1, 2
"""The parts that data may assign their examples to."""


@dataclass(frozen=True)
class Column:
    """A feature of a table: a number, or one of several words, whose place among them then stands in the data."""

    name: str
    categories: tuple[str, ...] | None = None
    comma: bool = False
    """Whether its numbers were written with a decimal comma."""


class Facts(NamedTuple):
    """What is known of a dataset before it is read (at default settings, where settings matter)."""

    examples: int | None
    """None, and the next two as well, where it is the user who brings the data."""
    shape: Shape | None
    classes: int | None
    """0 where it is quantities that are predicted."""
    origin: str


@dataclass(frozen=True)
class Examples:
    """A dataset as its source has it: not split, not scaled. Raises DataError if a value is not finite."""

    x: Array
    """uint8 or float32, (N, features) or (N, height, width, channels); NaN where a table has no value.
    Or `FileRows`, which can be indexed by rows."""
    labels: Array
    """(N,) intp: class ids; of a regression (N, targets) float64."""
    classes: tuple[str, ...] = ()
    """Class names; the label is the index."""
    quantities: tuple[str, ...] = ()
    """Names of the targets of a regression; there are no classes then."""
    train_count: int | None = None
    """How many leading rows are the official training set; None where there is no official test set."""
    columns: tuple[Column, ...] = ()
    """The features, where they have names."""
    assigned: Array | None = None
    """(N,) int8: TRAIN, VAL or TEST where the data themselves divide the examples."""
    groups: Array | None = None
    """(N,) intp: examples of one group stay in one part."""
    encoded: bool = False
    """Whether missing values are filled in and categories made numbers before the network sees them."""
    digest: str | None = None
    """SHA-256 of files that are too large to go over twice."""
    notices: tuple[str, ...] = ()
    """What the user should know of the data."""
    read_as: str = ""
    """How a file was understood, in a few words."""

    def __post_init__(self) -> None:
        """A single NaN would turn every weight into NaN; those of a table are filled in later."""
        if self.encoded or self.x.dtype.kind != "f" or not isinstance(self.x, np.ndarray):
            return
        if not np.isfinite(self.x).all():
            row = int(np.argwhere(~np.isfinite(self.x))[0, 0])
            raise DataError("dataset", f"example {row} has a value that is not a finite number", "Correct or remove it")

    def gives(self, part: int) -> bool:
        """Whether the data themselves have examples for that part (VAL or TEST), in an official or an assigned one."""
        official = part == TEST and self.train_count is not None
        return official or (self.assigned is not None and bool((self.assigned == part).any()))


@dataclass(frozen=True, kw_only=True)
class Source(ABC):
    """Where examples come from; the fields are the keys under `dataset:`.

    The first line of a subclass's docstring is what `dropout datasets` says of it.
    """

    facts: ClassVar[Facts]
    default_test_fraction: ClassVar[float | None] = None
    """What `test_fraction: null` means where neither config nor data give a test part; None: it is then an error."""

    val_fraction: FractionOrZero = 0.15
    """Part of the examples to validate on: of all, or of the training set where an official test set is kept."""
    test_fraction: Fraction | None = 0.2
    """Part of all examples to test on; null keeps the official test set, where there is one."""
    split_seed: CountOrZero = 0
    """Seed of the stratified split; it does not depend on the seed of the run."""
    folds: Annotated[int, Ge(2)] | None = None
    """How many folds, stratified or by group, divide all examples; one is the test part. Null: see test_fraction."""
    fold: CountOrZero = 0
    """Which of the folds is the test part, from 0; a sweep that does not set it has a run for each."""
    scaling: Literal["none", "unit", "standardize"] = "unit"
    """Fitted on the training part, per feature or per channel: to [0, 1], to mean 0 and variance 1, or none."""
    augment: Augmentation | None = None
    """Random changes to training pictures; null: none."""
    fingerprint: str | None = None
    """SHA-256 of the examples as read; other data than these are then refused."""

    def __post_init__(self) -> None:
        """Raise InvalidField for a fold that does not exist, or a test fraction that contradicts the folds."""
        if self.folds is None:
            if self.fold:
                raise InvalidField("fold", "there are no folds to choose from", "Set dataset.folds, such as to 5")
            return
        if self.fold >= self.folds:
            raise InvalidField("fold", f"must be below {self.folds}, the number of folds, got {self.fold}")
        usual = type(self).test_fraction
        if self.test_fraction not in (None, usual, self._drawn_fraction):
            part = f"each of the {self.folds} folds tests on 1/{self.folds} of the examples"
            raise InvalidField("test_fraction", f"{part}, got {self.test_fraction:g}", "Leave it out")

    @property
    def _drawn_fraction(self) -> float | None:
        """`test_fraction`; None where folds decide in its place, since it is not the part of one of them."""
        if self.folds is None or self.test_fraction is None:
            return self.test_fraction
        return self.test_fraction if math.isclose(self.test_fraction, 1 / self.folds, rel_tol=0.01) else None

    def draws_test(self, examples: Examples) -> bool:
        """Whether the test part is drawn with `split_seed`, from all examples; otherwise the data give it."""
        return self._drawn_fraction is not None or not examples.gives(TEST)

    def varying(self, examples: Examples) -> tuple[str, ...]:
        """The parts that change with `split_seed`: those of train, val and test that the data do not give."""
        if self.draws_test(examples):
            return ("train", "val", "test") if self.val_fraction or examples.gives(VAL) else ("train", "test")
        return ("train", "val") if self.val_fraction and not examples.gives(VAL) else ()

    @abstractmethod
    def read(self) -> Examples:
        """Read or make all examples. Raises DataError."""
