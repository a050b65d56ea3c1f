"""A study of a trained network: numbers, figures with their data, and a sentence for each figure.

It is stored in a folder under `after/`: `results.json` has the numbers and the sentences, and every figure is a PNG
file beside a CSV file with its data. A report draws the figures again from the CSV files.
"""

import csv
import io
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
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
    """What the numbers say, one sentence each, in addition to the findings of the figures."""
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
    after = run.path_of("after")
    if not after.is_dir():
        return []
    names = sorted(path.name for path in after.iterdir() if not path.name.startswith("."))
    return [_read(run, name) for name in names if run.has_file(f"after/{name}/{RESULTS}")]


def _read(run: Run, folder: str) -> Inspection:
    place = f"after/{folder}"
    return parse_inspection(folder, lambda name: run.read(f"{place}/{name}"), str(run.path / place / RESULTS))


def parse_inspection(folder: str, read: Callable[[str], bytes], place: str) -> Inspection:
    """Return the inspection stored in a folder.

    Args:
        folder: The name of the folder.
        read: Returns the bytes of a file of the folder.
        place: The path of `results.json`, for messages.

    Raises:
        UsageError: A file is damaged.
    """
    try:
        stored = json.loads(read(RESULTS))
        texts = stored["inspection"]
        figures = [InspectionFigure(columns=_columns(read(f"{one['name']}.csv")), **one) for one in texts["figures"]]
        table = texts["table"]
        return Inspection(
            folder,
            str(texts["title"]),
            stored["results"],
            table["headers"],
            table["rows"],
            figures,
            texts["sentences"],
            texts["notices"],
        )
    except (LookupError, TypeError, ValueError) as error:
        raise UsageError(place, f"is damaged ({error})", "Run the command again.") from None


def _columns(data: bytes) -> dict[str, list[Any]]:
    """Return the columns of a CSV file, with numbers as float and empty cells as None."""
    header, *rows = csv.reader(io.StringIO(data.decode()))
    return {name: [_cell(row[place]) for row in rows] for place, name in enumerate(header)}


def _cell(text: str) -> float | str | None:
    try:
        return float(text) if text else None
    except ValueError:
        return text
