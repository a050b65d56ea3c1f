"""Output of studies of a trained network: a table, sentences, and the folder with the files."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dropout_cli.cli import output

if TYPE_CHECKING:
    from dropout_cli.analysis.inspection import Inspection
    from dropout_cli.runs import Run


def show_inspections(
    run: "Run",
    inspections: "Iterable[Inspection]",
    *,
    images: bool,
    json: bool,
    more: Mapping[str, Any] | None = None,
) -> None:
    """Write inspections to the folder of their run, and print them.

    Args:
        run: The run.
        inspections: The inspections; each one is printed as soon as it is done.
        images: True to draw the figures.
        json: True to print one JSON object instead of text.
        more: Further keys of the JSON object, which come first.
    """
    from dropout_cli.analysis.inspection import write_inspection

    found: dict[str, Any] = {**(more or {}), "run": str(run.path)}
    for one in inspections:
        folder = write_inspection(run, one, images=images)
        for notice in one.notices:
            output.print_stderr(notice)
        found[one.folder] = {**one.numbers, "folder": str(folder)}
        if not json:
            print_inspection(one, folder)
    if json:
        output.print_result(output.json_text(found))


def print_inspection(inspection: "Inspection", folder: Path) -> None:
    """Print the table and the sentences of an inspection, and its folder."""
    if inspection.rows:
        output.print_result(output.format_table(inspection.headers, inspection.rows))
    output.print_lines([*inspection.sentences, *(figure.finding for figure in inspection.figures)])
    output.print_path(folder)
