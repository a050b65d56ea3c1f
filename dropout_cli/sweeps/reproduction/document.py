"""The keys of a reproduction file: a question, published rows and how they are trained."""

from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, TypeAlias

from annotated_types import Ge, Le, MinLen

from dropout_cli.core.field_types import Positive
from dropout_cli.sweeps.options import MOST_CELLS
from dropout_cli.sweeps.replicates import SAME, Splits

Count: TypeAlias = Annotated[int, Ge(1), Le(MOST_CELLS)]
Text: TypeAlias = Annotated[str, MinLen(1)]
ScaleName: TypeAlias = Literal["smoke", "laptop", "full"]
SCALES: tuple[ScaleName, ...] = ("smoke", "laptop", "full")
Unit: TypeAlias = Literal["percent", "none"]
Better: TypeAlias = Literal["lower", "higher", "neither"]


@dataclass(frozen=True, kw_only=True)
class PaperRow:
    """One row of a published table."""

    label: Text
    """The words of the table."""
    set: dict[str, Any] = field(default_factory=dict)
    """Dotted key -> its value for this row; stronger than those of the file and of the scale."""
    published: float | None = None
    """The published value, in the unit of the row; null: the paper shows a figure without numbers."""
    sd: Positive | None = None
    """The published standard deviation over runs, in the same unit."""
    reported: bool = False
    """true: the published value was not checked against the paper, so it is printed as reported."""
    not_run: Text | None = None
    """Why the row is not trained here; null: it is trained."""
    metric: Text | None = None
    """A number of summary.json by its dotted path, such as test.error or monte_carlo.50.test.error.
    null: that of the file."""
    unit: Unit | None = None
    """percent: the number of the summary is a fraction and shown times 100. null: that of the file."""
    better: Better | None = None
    """Which values are better. null: that of the file."""
    against: Text | None = None
    """The row from which the paper counts its gain. null: the reference of the file."""
    at_most: float | None = None
    """The largest mean that counts as reproduced, in the unit of the row."""
    teacher: Text | None = None
    """The row whose first run is the teacher of this row's objective."""
    same_runs: Text | None = None
    """The row whose runs are read for this row, for another metric of the same networks."""
    choose: dict[str, Any] = field(default_factory=dict)
    """Dotted key -> the values to choose from on the validation part, for this row."""
    changed: tuple[Text, ...] = ()
    """What differs from the paper in this row."""


@dataclass(frozen=True, kw_only=True)
class Scale:
    """How much is trained: for a test, on a laptop, or as in the paper."""

    seeds: Count
    """The number of seeds."""
    minutes: Positive
    """Minutes measured on two cores."""
    set: dict[str, Any] = field(default_factory=dict)
    """Dotted key -> its value at this scale; stronger than those of the file."""
    rows: tuple[Text, ...] = ()
    """The rows that are trained. Empty: all."""
    choose: bool = True
    """Whether keys are chosen on the validation part; false: the values of the rows are used."""
    changed: tuple[Text, ...] = ()
    """What differs from the paper at this scale."""


@dataclass(frozen=True, kw_only=True)
class Choices:
    """How hyperparameters are chosen on the validation part before the rows are trained."""

    by: Text
    """A number of the validation part, such as val.error or monte_carlo.50.val.nll."""
    better: Literal["lower", "higher"] | None = None
    """Which values are better. null: known from the metric."""
    grid: dict[str, Any] = field(default_factory=dict)
    """Dotted key -> its values, for all rows; each row can add its own."""
    set: dict[str, Any] = field(default_factory=dict)
    """Dotted key -> its value while choosing, such as a validation part that the final runs do not have."""
    seeds: Count = 1
    """The number of seeds of each combination."""
    per: Literal["row", "replicate"] = "row"
    """row: one choice for each row, by the mean over its runs. replicate: one for each seed and split."""


@dataclass(frozen=True, kw_only=True)
class ReproductionDocument:
    """The keys of a reproduction file."""

    paper: Text
    """Authors, year, identifier and table."""
    question: Text
    """What the table asks, in one sentence."""
    setup: str = ""
    """The networks and data of the paper."""
    base: str
    """A config file, relative to the folder of this file, or the name of a bundled config."""
    set: dict[str, Any] = field(default_factory=dict)
    """Dotted key -> its value for all rows."""
    metric: Text = "test.error"
    """The number of summary.json that the table is about."""
    unit: Unit = "percent"
    """percent: numbers of the summary are fractions and shown times 100."""
    better: Better | None = None
    """Which values are better. null: known from the metric."""
    reference: Text | None = None
    """The row from which gains are counted."""
    rows: dict[str, Any]
    """Name -> row of the table."""
    orders: tuple[tuple[Text, ...], ...] = ()
    """Lists of rows, each in the order of the paper from best to worst."""
    splits: Splits = SAME
    """same: one split for all seeds. each: every seed has its own split, such as a published one."""
    scales: dict[str, Any]
    """smoke, laptop and full."""
    choices: Choices | None = None
    """How hyperparameters are chosen; null: they are written in the rows."""
    protocol: tuple[Text, ...] = ()
    """Sentences on how hyperparameters were chosen and on conversions between papers and configs."""
    ours: bool = False
    """true: the question is our own and not the table of a paper."""
