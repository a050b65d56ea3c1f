"""Mask what varies: the only place where it is said which text may differ between two machines or two days."""

import re
from pathlib import Path

RULES = (
    (r"\d{8}T\d{6}Z", "<UTC>"),
    (r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?(Z|\+00:00)?", "<time>"),
    (r"_[0-9a-f]{6}\b", "_<id>"),
    (r"\b[0-9a-f]{12}\b", "<run>"),
    (r"\b[0-9a-f]{64}\b", "<sha256>"),
    (r"\b\d+(\.\d+)? (h \d+ min|min \d+ s|s|MB|GB|ms)\b", "<amount> \\2"),
    (r"\d+ h \d+ min|\d+ min \d+ s", "<time>"),
    (r"[-+]?\d+(\.\d+)?e[-+]\d+", "#"),
    (r"(?<![\w.=])[-+]?\d+\.\d+(?![\w.])", "#"),  # metrics: the last bits of a network depend on the CPU
    (r"\b\d+/\d+(?= trials| runs|\s)", "#/#"),
    (r"[─━]+", "──"),
    (r"(?<=\S) {2,}", "  "),  # widths of columns depend on numbers
)
"""What is replaced by what, in this order. A number after `=` is one that a user gave."""


def masked(text: str, folder: Path) -> str:
    """Return the text without what varies; `folder` is that in which the commands ran."""
    for place in {str(folder), str(folder.resolve())}:
        text = text.replace(place, "<folder>")
    for pattern, instead in RULES:
        text = re.sub(pattern, instead, text)
    return "\n".join(line.rstrip() for line in text.splitlines()).strip("\n")
