"""Sections of a report about the studies that are stored beside the run."""

from collections.abc import Iterator

from dropout_cli import plots
from dropout_cli.analysis.inspection import Inspection, read_inspections
from dropout_cli.report.common import narrow_tables
from dropout_cli.report.page import Figure, Section, SectionPart
from dropout_cli.runs import Run


def inspection_sections(run: Run) -> Iterator[Section]:
    """Yield a section for each study stored under `after/`.

    Raises:
        UsageError: A file of a study is damaged.
    """
    for inspection in read_inspections(run):
        yield Section(inspection.title, list(inspection_parts(inspection)))


def inspection_parts(inspection: Inspection) -> Iterator[SectionPart]:
    """Yield the sentences, the table and the figures of a study."""
    yield from inspection.sentences
    yield from inspection.notices
    if inspection.rows:
        yield from narrow_tables(inspection.title, inspection.headers, inspection.rows)
    with plots.as_svg():
        images = [(figure, figure.draw()) for figure in inspection.figures]
    for figure, image in images:
        yield Figure(image, f"{figure.finding} {figure.shown}.", figure.finding)
