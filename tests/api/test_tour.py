"""The notebook of the docs: it runs, and its stored output is that of a run."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.tour import NOTEBOOK, run_notebook

pytest.importorskip("nbclient")
pytest.importorskip("nbformat")
pytest.importorskip("ipykernel")


def code_cells() -> list[dict[str, Any]]:
    """Return the cells with code, as they are stored."""
    return [cell for cell in json.loads(NOTEBOOK.read_text())["cells"] if cell["cell_type"] == "code"]


def test_the_tour_runs(tmp_path: Path) -> None:
    """Every cell, in a real kernel and an empty folder; none prints an error."""
    cells = [cell for cell in run_notebook(tmp_path).cells if cell.cell_type == "code"]
    assert len(cells) == len(code_cells())
    for cell in cells:
        assert not [output for output in cell.outputs if output.get("name") == "stderr"], cell.source


def test_the_stored_output_is_complete() -> None:
    """Every cell but the import has an output; figures are pictures, and no path leads out of the folder."""
    first, *others = code_cells()
    assert not first["outputs"] and all(cell["outputs"] for cell in others)
    text = NOTEBOOK.read_text()
    assert text.count("<svg") >= 2 and "/tmp" not in text and "/home" not in text
