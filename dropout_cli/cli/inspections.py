"""Output of studies: a table, sentences, and the folder with the files."""

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from dropout_cli.cli import output

if TYPE_CHECKING:
    from pathlib import Path

    from dropout_cli.analysis.inspection import Inspection
    from dropout_cli.runs import Run
    from dropout_cli.sweeps.folder import SweepFolder


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

    def write(one: "Inspection") -> "Path":
        return write_inspection(run, one, images=images)

    _show({**(more or {}), "run": str(run.path)}, inspections, write, json=json)


def show_sweep_inspections(
    folder: "SweepFolder", inspections: "Iterable[Inspection]", *, images: bool, json: bool
) -> None:
    """Write inspections to folders of their sweep, and print them.

    Args:
        folder: The sweep.
        inspections: The inspections; each one is printed as soon as it is done.
        images: True to draw the figures.
        json: True to print one JSON object instead of text.
    """
    from dropout_cli.sweeps.inspections import write_sweep_inspection

    def write(one: "Inspection") -> "Path":
        return write_sweep_inspection(folder, one, images=images)

    _show({"sweep": str(folder.path)}, inspections, write, json=json)


def _show(
    about: dict[str, Any],
    inspections: "Iterable[Inspection]",
    write: "Callable[[Inspection], Path]",
    *,
    json: bool,
) -> None:
    """Write inspections and print them.

    Args:
        about: The first keys of the JSON object.
        inspections: The inspections.
        write: Writes the files of one, and returns their folder.
        json: True to print one JSON object instead of text.
    """
    found = dict(about)
    for one in inspections:
        folder = write(one)
        for notice in one.notices:
            output.print_stderr(notice)
        found[one.folder] = {**one.numbers, "folder": str(folder)}
        if json:
            continue
        if one.rows:
            output.print_result(output.format_table(one.headers, one.rows))
        output.print_lines([*one.sentences, *(figure.finding for figure in one.figures)])
        output.print_path(folder)
    if json:
        output.print_result(output.json_text(found))
