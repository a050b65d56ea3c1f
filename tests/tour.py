"""`python -m tests.tour` runs the notebook of the docs and stores its output; a test runs it, too.

Times and names of folders differ from run to run, so a test cannot compare the output.
"""

import sys
import tempfile
from importlib import import_module
from pathlib import Path
from typing import Any

NOTEBOOK = Path(__file__).parent.parent / "docs/tour.ipynb"
TIMEOUT = 600
"""Seconds for one cell."""


def run_notebook(folder: Path) -> Any:
    """Run the notebook in a folder, and return it with its output.

    Raises:
        CellExecutionError: A cell fails.
    """
    nbclient, nbformat = import_module("nbclient"), import_module("nbformat")
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    client = nbclient.NotebookClient(
        notebook, timeout=TIMEOUT, kernel_name="python3", resources={"metadata": {"path": str(folder)}}
    )
    client.execute()
    return notebook


def clean(notebook: Any) -> Any:
    """Return the notebook without the times of its cells and the version of Python, which change each time."""
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
    notebook.metadata = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    return notebook


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as made:
        import_module("nbformat").write(clean(run_notebook(Path(made))), NOTEBOOK)
    sys.stdout.write(f"{NOTEBOOK}\n")
