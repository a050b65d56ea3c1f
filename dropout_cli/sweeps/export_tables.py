"""Tables as CSV, Markdown or LaTeX."""

from collections.abc import Sequence
from typing import Any

from dropout_cli.metrics import csv_bytes


def as_csv(headers: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """Return a table as CSV."""
    return csv_bytes([[*headers], *map(list, rows)]).decode()


def as_markdown(headers: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """Return a table in Markdown; bars in its values are escaped."""
    lines = [[*headers], ["---"] * len(headers), *rows]
    return "".join("| " + " | ".join(str(value).replace("|", "\\|") for value in line) + " |\n" for line in lines)


LATEX = str.maketrans(
    {char: f"\\{char}" for char in "&%$#_{}"} | {"~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
)


def as_latex(headers: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """Return a table as a LaTeX tabular with the rules of booktabs."""

    def line(values: Sequence[Any]) -> str:
        return " & ".join(str(value).replace("\\", "/").translate(LATEX) for value in values) + r" \\"

    body = [line(row) for row in rows]
    frame = rf"\begin{{tabular}}{{{'l' * len(headers)}}}"
    return "\n".join([frame, r"\toprule", line(headers), r"\midrule", *body, r"\bottomrule", r"\end{tabular}", ""])
