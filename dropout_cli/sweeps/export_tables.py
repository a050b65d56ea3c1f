"""Tables as CSV, Markdown or LaTeX."""

from collections.abc import Sequence
from typing import Any

from dropout_cli.core.errors import UsageError
from dropout_cli.core.text import escape_control_chars
from dropout_cli.metrics import csv_bytes

MARKDOWN = str.maketrans({char: f"\\{char}" for char in "\\|_&#$~^<>*`{}[]"})
"""Characters that Markdown, or a common extension of it, gives a meaning. A percent sign has none."""
LATEX = str.maketrans(
    {char: f"\\{char}" for char in "&%$#_{}"}
    | {
        "\\": r"\textbackslash{}",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        "|": r"\textbar{}",
        "<": r"\textless{}",
        ">": r"\textgreater{}",
        "`": r"\textasciigrave{}",
        # After the \\ of the row before, a bracket or a star would be its argument.
        "[": "{[}",
        "]": "{]}",
        "*": "{*}",
    }
)


def as_csv(headers: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """Return a table as CSV."""
    return csv_bytes([list(map(_plain, line)) for line in (headers, *rows)]).decode()


def as_markdown(headers: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """Return a table in Markdown; characters with a meaning are escaped."""

    def line(values: Sequence[Any]) -> str:
        return "| " + " | ".join(str(_plain(value)).translate(MARKDOWN) for value in values) + " |\n"

    return "".join([line(headers), "| " + " | ".join(["---"] * len(headers)) + " |\n", *map(line, rows)])


def as_latex(
    headers: Sequence[str], rows: Sequence[Sequence[Any]], *, caption: str | None = None, label: str | None = None
) -> str:
    """Return a table as LaTeX with the rules of booktabs, escaped.

    Columns of numbers are aligned on the right.

    Args:
        headers: The names of the columns.
        rows: The cells.
        caption: The caption; with it, or with a label, the tabular is inside a table.
        label: The name for references, such as `tab:rates`.
    """

    def line(values: Sequence[Any]) -> str:
        return " & ".join(str(_plain(value)).translate(LATEX) for value in values) + r" \\"

    body = [line(row) for row in rows]
    align = "".join("r" if _is_numeric([row[place] for row in rows]) else "l" for place in range(len(headers)))
    frame = rf"\begin{{tabular}}{{{align}}}"
    tabular = [frame, r"\toprule", line(headers), r"\midrule", *body, r"\bottomrule", r"\end{tabular}"]
    if caption is None and label is None:
        return "\n".join([*tabular, ""])
    above = [] if caption is None else [rf"\caption{{{str(_plain(caption)).translate(LATEX)}}}"]
    above += [] if label is None else [rf"\label{{{_safe_label(label)}}}"]
    return "\n".join([r"\begin{table}", r"\centering", *above, *tabular, r"\end{table}", ""])


def choose_columns(
    headers: Sequence[str], rows: Sequence[Sequence[Any]], names: Sequence[str]
) -> tuple[list[str], list[list[Any]]]:
    """Return a table with only some of its columns.

    Args:
        headers: The names of all columns.
        rows: The cells.
        names: The names of the columns to keep, in their new order.

    Raises:
        UsageError: There is no such column.
    """
    for name in names:
        if name not in headers:
            raise UsageError("--columns", f"there is no column '{name}'", f"Use some of: {', '.join(headers)}.")
    places = [headers.index(name) for name in names]
    return list(names), [[row[place] for place in places] for row in rows]


def _is_numeric(cells: Sequence[Any]) -> bool:
    """Return True if every cell is a number or empty, and one is a number."""

    def is_number(cell: Any) -> bool:
        try:
            float(cell)
        except (TypeError, ValueError):
            return False
        return True

    filled = [cell for cell in cells if cell not in ("", None)]
    return bool(filled) and all(map(is_number, filled))


def _safe_label(label: str) -> str:
    r"""Return the label without characters that would end or break `\label`."""
    if any(char in label for char in "{}\\%#~^$&,\n") or not label.isprintable():
        raise UsageError("--label", "has a character that LaTeX does not allow", "Use a name such as tab:rates.")
    return label


def _plain(value: Any) -> Any:
    """Return a cell with its control characters and line ends spelled out."""
    return escape_control_chars(value).replace("\n", "\\n") if isinstance(value, str) else value
