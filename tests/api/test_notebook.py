"""Output in a notebook: progress in one place, and results as pictures and tables."""

from typing import Any

import pytest

nbformat = pytest.importorskip("nbformat")
nbclient = pytest.importorskip("nbclient")
pytest.importorskip("ipykernel")

CELLS = (
    "import dropout_cli as dropout\nrun = dropout.train('digits', {'training.epochs': 12})",
    "run",
    "found = dropout.sweep('digits', {'dropout.rate': [0, .5], 'training.epochs': 1}, seeds=2, splits=1)",
    "found",
)


@pytest.fixture(scope="module")
def cells(tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    """Return the cells of a notebook after it ran in a real kernel."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(text) for text in CELLS])
    folder = tmp_path_factory.mktemp("notebook")
    nbclient.NotebookClient(
        notebook, timeout=600, kernel_name="python3", resources={"metadata": {"path": folder}}
    ).execute()
    return list(notebook.cells)


def pages(cell: Any) -> list[str]:
    """Return the HTML outputs of a cell."""
    return [output["data"].get("text/html", "") for output in cell["outputs"] if "data" in output]


def test_an_exported_notebook_has_the_last_line_of_the_progress_alone(cells: list[Any]) -> None:
    """Not one line per epoch or run, and no bar."""
    for cell, last in ((cells[0], "epoch 12/12"), (cells[2], "4/4 runs")):
        (page,) = pages(cell)
        assert last in page and "<progress" not in page and page.count("epoch ") <= 1
        assert not [output for output in cell["outputs"] if output.get("name") == "stdout"]


def test_a_run_shows_its_curves_and_a_sweep_its_table(cells: list[Any]) -> None:
    """As the last value of a cell."""
    (run,) = pages(cells[1])
    assert "<svg" in run and "accuracy" in run
    (found,) = pages(cells[3])
    assert "<table" in found and "The best setting on the validation part" in found
