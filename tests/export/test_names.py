"""Names of columns and classes are data: no format takes them for code or for names of its own."""

import ast
import csv
import json
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from dropout_cli.export import export_run
from dropout_cli.runs import Run
from tests.export.isolated import linked_packages, run_isolated
from tests.export.small_models import SHORT, predicted_by_run
from tests.small_run import train

NUMBERS = ["label", "probabilities", "x", "N", "v1", 'a"""b\\c', "{0}", "hidden1/W"]
WORDS = ["classes", "scaling/scale", "'", "größe ✓"]
CLASSES = ['a"""', "\\b", "ü ✓ {0}"]


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run on a table with such names, and beside it new rows."""
    folder = tmp_path_factory.mktemp("odd")
    rows = [
        [*(number % (5 + place) for place in range(8)), *("pq"[number // 2 % 2] for _ in WORDS), CLASSES[number % 3]]
        for number in range(90)
    ]
    for name, end, some in (("t.csv", ["kind"], rows), ("new.csv", [], [row[:-1] for row in rows[:6]])):
        with (folder / name).open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([[*NUMBERS, *WORDS, *end], *some])
    dataset = f"dataset={{name: table, path: {folder}/t.csv, target: kind}}"
    return train(folder, *SHORT, dataset, "training.batch_size=16")


def new_rows(run: Run) -> dict[str, list[str]]:
    """Return the cells of the new rows by column."""
    with (run.path.parents[1] / "new.csv").open(newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    return dict(zip(header, map(list, zip(*rows, strict=True)), strict=True))


def test_onnx_keeps_the_names_of_columns_and_renames_its_own(odd: Run, tmp_path: Path) -> None:
    """An output whose name is that of a column gets an underscore, as in `dropout predict`."""
    session = onnxruntime.InferenceSession(export_run(odd, "onnx", output=tmp_path / "m.onnx"))
    rows = new_rows(odd)
    assert [one.name for one in session.get_inputs()] == [*NUMBERS, *WORDS]
    assert [one.name for one in session.get_outputs()] == ["label_", "probabilities_"]
    given = {name: np.array(rows[name], np.float32)[:, None] for name in NUMBERS}
    given |= {name: np.array(rows[name], object)[:, None] for name in WORDS}
    label, probabilities = session.run(None, given)
    expected = predicted_by_run(odd, odd.path.parents[1] / "new.csv")
    assert label.tolist() == expected["label"].tolist() and set(label) <= set(CLASSES)
    np.testing.assert_allclose(probabilities, expected["probabilities"], atol=1e-5)


def test_programs_hold_the_names_as_text(odd: Run, tmp_path: Path) -> None:
    """The code can be read by Python, and finds the columns."""
    export_run(odd, "numpy", output=tmp_path / "model.py")
    (tmp_path / "given.json").write_text(json.dumps(new_rows(odd)))
    program = "import json, model\nfound = model.predict_table(json.load(open({0!r})))\nprint(found['label'].tolist())"
    alone = linked_packages(tmp_path / "alone", "numpy")
    printed = run_isolated(program.format(str(tmp_path / "given.json")), alone, tmp_path)
    expected = predicted_by_run(odd, odd.path.parents[1] / "new.csv")
    assert ast.literal_eval(printed) == expected["label"].tolist()
    tree = ast.parse((export_run(odd, "torch", output=tmp_path / "t") / "model.py").read_text())
    literals = {ast.unparse(node.targets[0]): node.value for node in tree.body if isinstance(node, ast.Assign)}
    classes = [row["class"] for row in odd.summary()["test"]["per_class"]]
    assert ast.literal_eval(literals["CLASSES"]) == classes and set(classes) == set(CLASSES)
