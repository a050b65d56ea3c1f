"""Tables as CSV, Markdown or LaTeX."""

from collections.abc import Sequence
from typing import Any

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


def as_latex(headers: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """Return a table as a LaTeX tabular with the rules of booktabs, escaped."""

    def line(values: Sequence[Any]) -> str:
        return " & ".join(str(_plain(value)).translate(LATEX) for value in values) + r" \\"

    body = [line(row) for row in rows]
    frame = rf"\begin{{tabular}}{{{'l' * len(headers)}}}"
    return "\n".join([frame, r"\toprule", line(headers), r"\midrule", *body, r"\bottomrule", r"\end{tabular}", ""])


def _plain(value: Any) -> Any:
    """Return a cell with its control characters and line ends spelled out."""
    return escape_control_chars(value).replace("\n", "\\n") if isinstance(value, str) else value
