"""`dropout export --format numpy`: one program that needs NumPy alone and predicts as `dropout predict` does."""

import json
from pathlib import Path

import numpy as np
import pytest

from dropout_cli.export import export_run
from tests.export.isolated import linked_packages, run_isolated
from tests.export.small_models import IMAGES, TABLES, Models

PROGRAM = """
import json, numpy, model
given = json.load(open({given!r}))
predict = model.predict_table if isinstance(given, dict) else model.predict
found = predict(given)
print(json.dumps({{name: values.tolist() for name, values in found.items()}}))
"""


@pytest.mark.parametrize("name", [*IMAGES, *TABLES])
def test_a_program_predicts_as_the_run_does_where_only_numpy_is_installed(
    name: str, models: Models, tmp_path: Path
) -> None:
    """Every variant, architecture and task: the same labels, and numbers to 1e-6 of their size."""
    model = models(name)
    path = export_run(model.run, "numpy", output=tmp_path / "model.py")
    given = tmp_path / "given.json"
    given.write_text(json.dumps(model.x if isinstance(model.x, dict) else model.x.tolist()))
    alone = linked_packages(tmp_path / "alone", "numpy")
    found = json.loads(run_isolated(PROGRAM.format(given=str(given)), alone, tmp_path))
    assert found.keys() == model.predicted.keys()
    if "label" in found:
        assert found.pop("label") == model.predicted["label"].tolist()
    for key, values in found.items():
        np.testing.assert_allclose(values, model.predicted[key], rtol=1e-6, atol=1e-6)
    code = path.read_text().partition("# The steps of the model")[0]
    # The cells of a table may be numbers, words and dates in many notations.
    assert sum(bool(line.strip()) for line in code.splitlines()) < (180 if "encode_table" in code else 100)
