"""A progress bar in a notebook: one output that is updated, and ends as a line of text."""

import sys
import time
from html import escape
from importlib import import_module
from typing import Any

PERIOD = 0.2
"""Seconds between two updates; each one is a message to the browser."""


def is_notebook() -> bool:
    """Return True in the kernel of a notebook, without importing IPython."""
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    return shell is not None and hasattr(shell, "kernel")


def _displays() -> Any:
    """Return the module that shows output in a notebook; it is there wherever this is called."""
    return import_module("IPython.display")


class NotebookBar:
    """Has the methods of a bar of `rich` that are used here.

    The output is replaced at every update. So an exported notebook has the last one alone.
    """

    def __init__(self) -> None:
        """Create a bar that shows nothing yet."""
        self._shown: Any = None
        self._total: float | None = None
        self._done = 0.0
        self._text = ""
        self._last = 0.0

    @property
    def console(self) -> "NotebookBar":
        """The place for lines of text."""
        return self

    def print(self, text: str, **_: object) -> None:
        """Print a line below the bar."""
        sys.stderr.write(f"{text}\n")

    def __enter__(self) -> "NotebookBar":
        """Show the bar."""
        display = _displays().display
        self._shown = display(_displays().HTML(""), display_id=True)
        return self

    def __exit__(self, *_: object) -> None:
        """Replace the bar by its last text."""
        self._shown.update(_displays().HTML(f"<pre>{escape(self._text)}</pre>"))

    def add_task(self, description: str, total: float | None) -> int:
        """Set the text and the number of steps; return the number of the task."""
        self._text, self._total = description, total
        return 0

    def update(
        self, task: int, *, total: float | None = None, completed: float = 0.0, description: str | None = None
    ) -> None:
        """Show how much is done.

        Args:
            task: The number of the task.
            total: The number of steps; None: as before.
            completed: Steps that are done.
            description: The text beside the bar; None: as before.
        """
        self._total = self._total if total is None else total
        self._text = self._text if description is None else description
        self._done = completed
        if time.monotonic() - self._last >= PERIOD:
            self._last = time.monotonic()
            bar = f'<progress value="{self._done:g}" max="{self._total or 1:g}"></progress>'
            self._shown.update(_displays().HTML(f"{bar} {escape(self._text)}"))
