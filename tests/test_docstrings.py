"""Docstrings begin with one short sentence."""

import ast
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).parent.parent / "dropout_cli"
LONGEST = 99
"""Characters of a first line, without its indentation and quotation marks."""


def docstrings() -> Iterator[tuple[str, ast.AST, str]]:
    """Yield place, node and text of every docstring in the package."""
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and (text := ast.get_docstring(node)):
                yield f"{path.relative_to(PACKAGE)}:{getattr(node, 'lineno', 1)}", node, text


def test_the_first_line_is_short() -> None:
    """A reader takes it in at a glance; more belongs below."""
    found = [place for place, _, text in docstrings() if len(text.splitlines()[0]) > LONGEST]
    assert not found


def test_a_function_says_what_it_does() -> None:
    """With a verb: no first line begins with a question word."""
    found = [
        place
        for place, node, text in docstrings()
        if isinstance(node, ast.FunctionDef) and text.startswith(("What ", "Whether ", "All that "))
    ]
    assert not found
