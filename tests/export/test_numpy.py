"""`dropout export --format numpy`: one program that needs NumPy alone and predicts as `dropout predict` does."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from dropout_cli.export import export_run
from tests.export.small_models import IMAGES, TABLES, Models

ISOLATED = """
import importlib, json, sys
sys.path[:0] = [{numpy!r}, {folder!r}]
for name in ("dropout_cli", "scipy", "pandas", "sklearn", "safetensors"):
    try:
        importlib.import_module(name)
    except ImportError:
        continue
    raise SystemExit(name + " is there")
import numpy, model
given = json.load(open({given!r}))
predict = model.predict_table if isinstance(given, dict) else model.predict
found = predict(given)
print(json.dumps({{name: values.tolist() for name, values in found.items()}}))
"""
"""A program for `python -I -S`, which finds no package but those in a folder."""


def numpy_alone(folder: Path) -> Path:
    """Return a folder with links to NumPy and its libraries, and nothing else."""
    folder.mkdir()
    package = Path(np.__file__).parent
    for path in (package, package.with_name("numpy.libs")):
        if path.exists():
            (folder / path.name).symlink_to(path)
    return folder


@pytest.mark.parametrize("name", [*IMAGES, *TABLES])
def test_a_program_predicts_as_the_run_does_where_only_numpy_is_installed(
    name: str, models: Models, tmp_path: Path
) -> None:
    """Every variant, architecture and task: the same labels, and numbers to 1e-6 of their size."""
    model = models(name)
    path = export_run(model.run, "numpy", output=tmp_path / "model.py")
    given = model.x if isinstance(model.x, dict) else model.x.tolist()
    (tmp_path / "given.json").write_text(json.dumps(given))
    words = {
        "numpy": str(numpy_alone(tmp_path / "alone")),
        "folder": str(tmp_path),
        "given": str(tmp_path / "given.json"),
    }
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", ISOLATED.format(**words)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found.keys() == model.predicted.keys()
    if "label" in found:
        assert found.pop("label") == model.predicted["label"].tolist()
    for key, values in found.items():
        np.testing.assert_allclose(values, model.predicted[key], rtol=1e-6, atol=1e-6)
    code = path.read_text().partition("# The steps of the model")[0]
    assert sum(bool(line.strip()) for line in code.splitlines()) < 100
