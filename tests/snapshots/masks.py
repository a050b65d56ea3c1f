"""Mask what varies: the only place where it is said which text may differ between two machines or two days."""

import re
from pathlib import Path

NEGATIVE_ZERO = r"-0(\.0+)?(?![.\d])"
"""Never masked: a test looks for it."""
GIVEN = r"(?<!rate )(?<!rate: )(?<!fraction: )(?<!noise: )"
"""Numbers that a user gave, or that follow `=`, are not masked."""
RULES = (
    (r"python -m dropout_cli", "dropout"),
    # Whether the computer is busy is another thing than what a command says.
    (r"(?m)^--- stderr\nOther programs use this computer .*\n(?=--- exit)", ""),
    (r"(?m)^Other programs use this computer .*\n", ""),
    (r", about (\d+ h \d+ min|\d+ min \d+ s|\d+ s) left", ", about <time> left"),
    (r"\d{8}T\d{6}Z", "<UTC>"),
    (r"_[0-9a-f]{6}\b", "_<id>"),
    (r"\b[0-9a-f]{12}\b", "<run>"),
    (r"\b[0-9a-f]{64}\b", "<sha256>"),
    (r"(?m)^(dropout|python|packages\.\S+|platform|machine|processor|cores|blas) \| .*$", r"\1 | <machine>"),
    (r"\b\d+(\.\d+)? (s|MB|GB|ms)\b", r"<amount> \2"),
    (r"\d+ h \d+ min|\d+ min \d+ s", "<time>"),
    # The last bits of a network depend on the CPU, and with them metrics and what is counted of its predictions.
    (rf"(?<![\w.=:+-]){GIVEN}(?!{NEGATIVE_ZERO})[-+]?\d+\.\d+(e[-+]?\d+)?(?!\.?\w)", "#"),
    (rf"(?<![\w.=:+-])(?!{NEGATIVE_ZERO})[-+]?\d+e[-+]?\d+\b", "#"),
    (r"(?m)^\d+ \| \w+ \| \w+ \| # \| # \| #$", "<row> | <class> | <class> | # | # | #"),
    (
        r"(?<=classifies )\d+(?= of)|(?<=mistakes, )\d+ of \d+|\d+(?= examples? are off)|(?<=\()\d+(?= times?\))",
        "#",
    ),
    (
        r"(?<=examples, )\d+(?= are right)|(?<=and )\d+(?= in the second)|(?<=p = )\d+|(?<=at most )[\d,]+(?= splits)",
        "#",
    ),
    (r"(?<=more than )\d+(?= splits)", "#"),
    (r"(?<!epoch )\b\d+/\d+(?=  )", "#/#"),
    (r"[─━]+", "──"),
    (r"(?m)(?<=\S) {2,}|^ +(?=[#\d])", "  "),  # widths of columns depend on numbers
    (r"(?m)^(.+)(\n\1)+$", r"\1"),
)
"""Patterns and their replacements, applied in this order."""


def masked(text: str, folder: Path) -> str:
    """Return the text without what varies; `folder` is that in which the commands ran."""
    for place in {str(folder), str(folder.resolve())}:
        text = text.replace(place, "<folder>")
    text = "\n".join(line.rstrip() for line in text.splitlines())
    for pattern, instead in RULES:
        text = re.sub(pattern, instead, text)
    return text.strip("\n")
