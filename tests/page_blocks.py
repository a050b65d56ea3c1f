"""The blocks of code in a page of the documentation, found by Sybil and run one after another.

- `sh`: commands, in the current folder.
- `python`: a part of one program per page.
- `text` directly below a block of Python: what that block prints.
- `<!-- skip: next -->` above a block: the block needs something that the tests do not have.
"""

import io
import os
import re
import shlex
import subprocess
import sys
from contextlib import redirect_stdout
from pathlib import Path

from sybil import Document, Example
from sybil.evaluators.python import PythonEvaluator
from sybil.parsers.markdown import CodeBlockParser, SkipParser

from tests.commands import dropout

PRINTED = "printed"
"""The name, among those of a page's program, of what the last block of Python has printed."""


def code_blocks(text: str, language: str) -> list[str]:
    """Return the blocks of one language in the text of a page."""
    parser = CodeBlockParser(language, evaluator=lambda _: None)
    return [str(region.parsed) for region in parser(Document(text, ""))]


def run_page(path: Path) -> str:
    """Run the blocks of a page in the current folder.

    Returns:
        What its commands and programs print on stdout.

    Raises:
        AssertionError: A command fails, or a program prints something else than the page shows.
        Exception: A block of Python fails.
    """
    printed: list[str] = []
    document = Document.parse(
        str(path),
        CodeBlockParser("sh", lambda example: printed.append(_run_commands(example))),
        CodeBlockParser("python", lambda example: printed.append(_run_python(example))),
        CodeBlockParser("text", _compare_output),
        SkipParser(),
        encoding="utf-8",
    )
    for example in document.examples():
        example.evaluate()
    return "".join(printed)


def _run_commands(example: Example) -> str:
    """Run a block of commands, as a reader would type them."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    printed = ""
    for text in parts(example.parsed):
        if is_plain(text):
            done = dropout(*shlex.split(text)[1:], cwd=Path.cwd())
        else:
            done = subprocess.run(
                ["sh", "-euc", text],
                env={**os.environ, "PATH": path},
                capture_output=True,
                text=True,
                timeout=600,
                check=False,
            )
        assert done.returncode == 0, (example.path, example.line, text, done.stderr)
        printed += done.stdout
    return printed


def _run_python(example: Example) -> str:
    """Run a block in the namespace of its page."""
    with redirect_stdout(io.StringIO()) as stdout:
        PythonEvaluator()(example)
    example.namespace[PRINTED] = (example.end, stdout.getvalue())
    return stdout.getvalue()


def _compare_output(example: Example) -> None:
    """Compare a text below a block of Python with what that block has printed; other texts are not compared."""
    end, printed = example.namespace.get(PRINTED, (0, ""))
    if end and not example.document.text[end : example.start].strip():
        assert printed == example.parsed, (example.path, example.line, printed)


def is_plain(line: str) -> bool:
    """Whether a shell would pass its words to `dropout` as `shlex` splits them."""
    unquoted = re.sub(r"""'[^']*'|"[^"$`\\\\]*\"""", "", line)
    return line.startswith("dropout ") and not re.search(r"[|&;<>$`()*?\\\n\[]", unquoted)


def parts(script: str) -> list[str]:
    """Plain commands each by itself, and what stands between them."""
    found: list[str] = []
    for line in script.replace("\\\n", "").splitlines():
        if is_plain(line) or not found or is_plain(found[-1]):
            found.append(line)
        else:
            found[-1] += f"\n{line}"
    return found
