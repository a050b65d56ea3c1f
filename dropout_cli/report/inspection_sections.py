"""Sections of a report about the studies that are stored beside a run or in a sweep."""

from collections.abc import Callable, Iterable, Iterator

from dropout_cli import plots
from dropout_cli.analysis.inspection import Inspection
from dropout_cli.core.errors import UsageError
from dropout_cli.report.common import narrow_tables
from dropout_cli.report.page import Figure, Section, SectionPart


def inspection_sections(stored: Iterable[tuple[str, Callable[[], Inspection]]]) -> Iterator[Section]:
    """Yield a section for each study; for a damaged one, a section that says so.

    Args:
        stored: The folder of each study, and a function that reads it.
    """
    for folder, read in stored:
        try:
            inspection = read()
            yield Section(inspection.title, list(inspection_parts(inspection)))
        except UsageError as error:
            # The page is about more than this study, which can be made again.
            yield Section(f"Study in {folder}", [f"This study cannot be shown. {error}"])
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
            text = "This study cannot be shown, because its files are damaged. Make it again, or delete its folder."
            yield Section(f"Study in {folder}", [text])


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
