"""A study of a trained network: numbers, figures with their data, and a sentence for each figure.

It is stored in a folder, which is under `after/` for a run: `results.json` has the numbers and the sentences, and every
figure is a PNG file beside a CSV file with its data. A report draws the figures again from the CSV files.
"""

import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

from dropout_cli.core.errors import UsageError
from dropout_cli.metrics import csv_bytes
from dropout_cli.plots.inspections import draw_inspection
from dropout_cli.runs import FORMAT, Run, json_bytes

RESULTS = "results.json"

Columns: TypeAlias = Mapping[str, Sequence[Any]]
"""Column name -> cells; all columns have the same length."""


@dataclass(frozen=True)
class InspectionFigure:
    """The data of a figure and the text that goes with it."""

    name: str
    """The name of its files, without the suffix."""
    drawing: str
    """The function that draws it: a key of `plots.inspections.DRAWINGS`."""
    columns: Columns
    """The data. Text cells must not be numbers, because they would be read back as such."""
    finding: str
    """A sentence with the result; it is the title of the figure."""
    shown: str
    """A phrase that says what the figure shows; it is the subtitle."""

    def draw(self) -> bytes:
        """Return the image, in the format that `plots.as_svg` sets."""
        return draw_inspection(self.drawing, self.columns, self.finding, self.shown)


@dataclass(frozen=True)
class Inspection:
    """The results of a study."""

    folder: str
    """The name of the folder under `after/`."""
    title: str
    """The heading of its section in a report."""
    numbers: Mapping[str, Any]
    """JSON values, for `results.json` and `--json`."""
    headers: Sequence[str] = ()
    """Column names of the table that the command prints."""
    rows: Sequence[Sequence[Any]] = ()
    """Cells of that table."""
    figures: Sequence[InspectionFigure] = ()
    sentences: Sequence[str] = ()
    """The results in words, one result per sentence. The findings of the figures are not repeated."""
    notices: Sequence[str] = ()
    """Messages for stderr: what the numbers cannot say."""
    files: Mapping[str, bytes] = field(default_factory=dict)
    """Further files: name -> bytes."""

    def contents(self, *, images: bool) -> dict[str, bytes]:
        """Return the files of the folder.

        Args:
            images: True to draw the figures; their data are written in any case.
        """
        found = dict(self.files)
        for figure in self.figures:
            cells = [list(figure.columns), *zip(*figure.columns.values(), strict=True)]
            found[f"{figure.name}.csv"] = csv_bytes(cells)
            if images:
                found[f"{figure.name}.png"] = figure.draw()
        texts = {
            "title": self.title,
            "table": {"headers": list(self.headers), "rows": [list(row) for row in self.rows]},
            "sentences": list(self.sentences),
            "notices": list(self.notices),
            "figures": [
                {"name": one.name, "drawing": one.drawing, "finding": one.finding, "shown": one.shown}
                for one in self.figures
            ],
        }
        return found | {RESULTS: json_bytes({"format": FORMAT, "results": dict(self.numbers), "inspection": texts})}


def write_inspection(run: Run, inspection: Inspection, *, images: bool = True) -> Path:
    """Write the files of an inspection to its folder under `after/`, and return the folder."""
    return run.write_result(inspection.folder, inspection.contents(images=images))


def read_inspections(run: Run) -> list[Inspection]:
    """Return the inspections stored under `after/` of a run, sorted by folder.

    Raises:
        UsageError: A file is damaged.
    """
    return [read() for _, read in stored_inspections(run)]


def stored_inspections(run: Run) -> Iterator[tuple[str, Callable[[], Inspection]]]:
    """Yield the folder of each inspection stored under `after/` of a run, and a function that reads it.

    The function raises UsageError if a file is damaged.
    """
    after = run.path_of("after")
    names = sorted(path.name for path in after.iterdir() if not path.name.startswith(".")) if after.is_dir() else []
    for name in names:
        folder = f"after/{name}"
        if is_inspection(partial(run.has_file, f"{folder}/{RESULTS}")):
            yield folder, partial(parse_inspection, run.path / folder, partial(_read_file, run, folder))


def is_inspection(has_results: Callable[[], bool]) -> bool:
    """Return True if a folder has results, or a link in place of them, which the reader refuses.

    Args:
        has_results: Looks for the file.
    """
    try:
        return has_results()
    except UsageError:
        return True


def _read_file(run: Run, folder: str, name: str) -> bytes:
    return run.read(f"{folder}/{name}")


def parse_inspection(folder: Path, read: Callable[[str], bytes]) -> Inspection:
    """Return an inspection from the files of its folder.

    Args:
        folder: The folder.
        read: Returns the bytes of a file in the folder.

    Raises:
        UsageError: A file is damaged.
    """
    try:
        stored = json.loads(read(RESULTS))
        texts = stored["inspection"]
        named = [InspectionFigure(columns={}, **one) for one in texts["figures"]]
        table = texts["table"]
        found = Inspection(
            folder.name,
            str(texts["title"]),
            stored["results"],
            table["headers"],
            table["rows"],
            (),
            texts["sentences"],
            texts["notices"],
        )
    except (LookupError, TypeError, ValueError, RecursionError):
        raise _damaged(folder / RESULTS) from None
    return replace(found, figures=[replace(one, columns=_columns(folder, f"{one.name}.csv", read)) for one in named])


def _damaged(file: Path) -> UsageError:
    return UsageError(str(file), "is damaged", "Make the study again, or delete its folder.")


def _columns(folder: Path, name: str, read: Callable[[str], bytes]) -> dict[str, list[Any]]:
    """Return the columns of a CSV file, with numbers as float and empty cells as None."""
    try:
        header, *rows = csv.reader(io.StringIO(read(name).decode()))
        return {column: [_cell(row[place]) for row in rows] for place, column in enumerate(header)}
    except (LookupError, ValueError, csv.Error):
        raise _damaged(folder / name) from None


def _cell(text: str) -> float | str | None:
    try:
        return float(text) if text else None
    except ValueError:
        return text
