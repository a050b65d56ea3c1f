"""A table of text as CSV, Markdown or LaTeX."""

from collections.abc import Sequence
from typing import Any

from dropout_cli.metrics import csv_bytes


def as_csv(headers: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """A table for a spreadsheet."""
    return csv_bytes([[*headers], *map(list, rows)]).decode()


def as_markdown(headers: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """A table for a README; bars in its cells are escaped."""
    lines = [[*headers], ["---"] * len(headers), *rows]
    return "".join("| " + " | ".join(str(one).replace("|", "\\|") for one in line) + " |\n" for line in lines)


LATEX = str.maketrans({one: f"\\{one}" for one in "&%$#_{}"} | {"~": r"\textasciitilde{}", "^": r"\textasciicircum{}"})


def as_latex(headers: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """A tabular for a paper, with the rules of booktabs."""

    def line(cells: Sequence[Any]) -> str:
        return " & ".join(str(one).replace("\\", "/").translate(LATEX) for one in cells) + r" \\"

    body = [line(row) for row in rows]
    frame = rf"\begin{{tabular}}{{{'l' * len(headers)}}}"
    return "\n".join([frame, r"\toprule", line(headers), r"\midrule", *body, r"\bottomrule", r"\end{tabular}", ""])
