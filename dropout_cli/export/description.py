"""A finished run as every export format writes it: inputs, operations, outputs.

The inputs are one array, or the columns of a table. A column of numbers becomes its value, with a number in place of
a missing one; a column of words becomes a row of numbers per word, with rows for a missing and for an unknown word.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from dropout_cli.core.errors import UsageError
from dropout_cli.core.types import Array, Shape
from dropout_cli.data.base import Column, DateFeature
from dropout_cli.data.dataset import AffineScaling
from dropout_cli.data.missing_and_categories import UNKNOWN_CATEGORY, TableEncoding
from dropout_cli.data.readers.cells import missing_tokens
from dropout_cli.data.readers.spellings import normal_form
from dropout_cli.data.sources.table import TableSource
from dropout_cli.export.check_description import check_description
from dropout_cli.nn.layers.base import Layer
from dropout_cli.nn.operations import GraphValue, OperationGraph, UndescribedLayer
from dropout_cli.runs import Run
from dropout_cli.training import restore
from dropout_cli.training.restore import LoadedWithoutData
from dropout_cli.training.setup import thread_limit
from dropout_cli.variants import VARIANTS


@dataclass(frozen=True)
class InputColumn:
    """A column of a table, and the features that it becomes."""

    name: str
    missing: tuple[str, ...]
    """Texts that stand for a missing value."""
    fill: float = 0.0
    """Number in place of a missing one; only for a column of numbers."""
    marks_missing: bool = False
    """True if a further feature is 1 where the number is missing."""
    decimal_comma: bool = False
    date: DateFeature | None = None
    """The column of dates that the number is a part of."""
    codes: Mapping[str, int] | None = None
    """Word -> its row of `rows`; None for a column of numbers."""
    rows: Array | None = None
    """Features of each word; the last two rows are those of a missing and of an unknown word."""
    spellings: Mapping[str, int] | None = None
    """Normal form of a word -> its row; None if spellings are not merged."""

    def plain(self) -> dict[str, Any]:
        """Return the column as plain values, which `table_program` reads."""
        values: dict[str, Any] = {"name": self.name, "missing": list(self.missing)}
        if self.codes is None or self.rows is None:
            marked = self.marks_missing
            values |= {"fill": self.fill, "marks_missing": marked, "decimal_comma": self.decimal_comma}
            if self.date is not None:
                values |= {"date": self.date.column, "part": self.date.part, "day_first": self.date.day_first}
            return values
        places = self._places(self.rows)
        values |= {"width": self.rows.shape[1], "missing_place": places[-2]}
        values["codes"] = {word: places[row] for word, row in self.codes.items()}
        if self.spellings is not None:
            values["spellings"] = {form: places[row] for form, row in self.spellings.items()}
        return values

    @staticmethod
    def _places(rows: Array) -> list[int]:
        """Return the place of the 1 in each row; -1 for a row of zeros."""
        places = [int(row.argmax()) if row.any() else -1 for row in rows]
        # A table of places is small where a matrix for thousands of words is not.
        assert np.array_equal(rows, np.arange(rows.shape[1]) == np.array(places)[:, None])
        return places

    def row_of_text(self) -> dict[str, int]:
        """Return the row of each usual notation of a word, for formats that compare texts alone.

        Other notations, such as `1.00` for the word `1`, are unknown words to these formats.
        """
        codes = self.codes or {}
        known = {text: len(codes) for text in self.missing} | {w: i for w, i in codes.items() if w not in self.missing}
        for word, row in codes.items():
            whole = word.lstrip("-").isdecimal()
            notations = [f"{word}.0"] if whole else []
            notations += [form("true" if word == "1" else "false") for form in FORMS] if word in ("0", "1") else []
            notations += [form(word) for form in FORMS] if self.spellings is not None else []
            for text in notations:
                known.setdefault(text, row if self.spellings is None else self.spellings.get(normal_form(text), row))
        return known


FORMS = (str.lower, str.upper, str.capitalize, str.title)


@dataclass(frozen=True)
class ModelDescription:
    """All that an export format writes."""

    name: str
    """The name of the run."""
    variant: str
    noise: bool
    columns: tuple[InputColumn, ...]
    """The columns of a table; empty if the input is one array."""
    feature_names: tuple[str, ...]
    """Names of the features of an array, if they are known."""
    x: GraphValue
    """The features of the columns, or the array, before scaling."""
    dtype: str
    """float32, or float64 if the difference of two inputs needs it."""
    graph: OperationGraph
    outputs: Mapping[str, GraphValue]
    classes: tuple[str, ...]
    """Names of the classes; the output `label` is an index into them. Empty for a regression."""
    targets: tuple[str, ...]
    """Names of the targets of a regression."""

    @property
    def shape(self) -> Shape:
        """Shape of one example."""
        return self.x.shape


def describe_run(run: Run, checkpoint: str | None, *, noise: bool) -> ModelDescription:
    """Return the description of a finished run.

    Args:
        run: The run.
        checkpoint: `best` or `last`; None: the evaluated one.
        noise: True for passes with dropout noise.

    Raises:
        UsageError: The run has no checkpoint, a layer does not say how it computes, or nothing is drawn.
        RunFailed: A file of the run is damaged.
    """
    model = restore.load_without_data(run, checkpoint)
    with thread_limit(model.experiment), model.learner.averaged() as network:
        try:
            graph, x, outputs = _described(model, network, noise=False)
            check_description(model, network, graph, outputs)
            if noise:
                graph, x, outputs = _described(model, network, noise=True)
        except UndescribedLayer as error:
            place, fact = error.args
            raise UsageError(place or "dropout", fact, "Add it; docs/write-a-layer.md shows how.") from None
        predictions = model.task.describe_prediction(graph, outputs)
    variant = VARIANTS.name_of(type(model.experiment.dropout))
    if noise and not graph.has_drawn:
        raise UsageError("--noise", f"this run draws none (dropout.variant: {variant})", "Leave out --noise.")
    fitted = model.fitted
    return ModelDescription(
        run.name,
        variant,
        noise,
        _columns(model),
        tuple(column.name for column in fitted.columns) if fitted.encoding is None else (),
        x,
        "float32" if fitted.scaling.offset is None else "float64",
        graph,
        predictions,
        fitted.classes,
        fitted.targets.names if fitted.targets else (),
    )


def _described(
    model: LoadedWithoutData, network: Layer, *, noise: bool
) -> tuple[OperationGraph, GraphValue, GraphValue]:
    """Return the operations of scaling and network, their input and their output."""
    graph, x = OperationGraph(draws_noise=noise), GraphValue("x", model.fitted.shape)
    return graph, x, graph.apply(network, _scaled(graph, x, model.fitted.scaling))


def _scaled(graph: OperationGraph, x: GraphValue, scaling: AffineScaling) -> GraphValue:
    """Return `(x - offset) * scale + shift`, computed as `BatchReader` does."""
    with graph.inside("scaling"):
        if scaling.offset is not None:
            x = graph.elementwise("subtract", x, graph.constant("scaling/offset", scaling.offset))
            scale = graph.constant("scaling/scale", scaling.scale.astype(np.float64))
            x = graph.elementwise("to_float32", graph.elementwise("multiply", x, scale))
        else:
            x = graph.elementwise("multiply", x, graph.constant("scaling/scale", scaling.scale))
        if np.any(scaling.shift):
            x = graph.elementwise("add", x, graph.constant("scaling/shift", scaling.shift))
        return x


def _columns(model: LoadedWithoutData) -> tuple[InputColumn, ...]:
    """Return the columns of a table; none if examples are arrays."""
    encoding, source = model.fitted.encoding, model.experiment.dataset
    if encoding is None:
        return ()
    options = (source if isinstance(source, TableSource) else TableSource(path="")).options(None)
    numbers, words = missing_tokens(options.missing), missing_tokens(options.missing, options.not_missing)
    return tuple(
        _number(encoding, place, numbers) if column.categories is None else _words(encoding, place, column, words)
        for place, column in enumerate(encoding.columns)
    )


def _alone(encoding: TableEncoding, place: int) -> TableEncoding:
    """Return the encoding of one column."""
    marks = encoding.marks_missing[place : place + 1]
    return replace(
        encoding,
        columns=encoding.columns[place : place + 1],
        fill_values=encoding.fill_values[place : place + 1],
        seen_codes=encoding.seen_codes[place : place + 1],
        marks_missing=marks,
    )


def _number(encoding: TableEncoding, place: int, missing: set[str]) -> InputColumn:
    column, alone = encoding.columns[place], _alone(encoding, place)
    features = alone.apply(np.array([[np.nan]]))[0]
    return InputColumn(
        column.name,
        tuple(sorted(missing)),
        fill=float(features[0]),
        marks_missing=len(features) == 2,
        decimal_comma=column.decimal_comma,
        date=column.date,
    )


def _words(encoding: TableEncoding, place: int, column: Column, missing: set[str]) -> InputColumn:
    words: Sequence[str] = column.categories or ()
    codes = np.array([*range(len(words)), np.nan, UNKNOWN_CATEGORY], np.float32)
    forms = {normal_form(word): words.index(word) for word in sorted(words, reverse=True)}
    return InputColumn(
        column.name,
        tuple(sorted(missing)),
        codes={word: index for index, word in enumerate(words)},
        rows=_alone(encoding, place).apply(codes[:, None]),
        spellings=forms if encoding.merges_spellings else None,
    )
