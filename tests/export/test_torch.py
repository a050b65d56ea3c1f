"""`dropout export --format torch`: a module of PyTorch that predicts as `dropout predict` does."""

import ast
import importlib.util
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file

from dropout_cli.core.errors import UsageError
from dropout_cli.export import export_run
from tests.export.isolated import linked_packages, run_isolated
from tests.export.small_models import IMAGES, TABLES, Models
from tests.export.test_noise import ERRORS, NOISY, PASSES, largest_error, passes_of_run

PROGRAM = """
import json, model
found = model.load().predict(json.load(open({given!r})))
print(json.dumps({{name: values if name == "label" else values.tolist() for name, values in found.items()}}))
"""
NEEDED = (
    "torch",
    "torchgen",
    "safetensors",
    "typing_extensions",
    "sympy",
    "mpmath",
    "networkx",
    "jinja2",
    "markupsafe",
)


def loaded(folder: Path) -> Any:
    """Return the trained module of an exported folder."""
    spec = importlib.util.spec_from_file_location("exported", folder / "model.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.load()


@pytest.mark.torch
@pytest.mark.parametrize("name", [*IMAGES, *TABLES])
def test_a_module_predicts_as_the_run_does(name: str, models: Models, tmp_path: Path) -> None:
    """Every variant, architecture and task: the same labels, and numbers to 1e-5 of their size."""
    model = models(name)
    found = loaded(export_run(model.run, "torch", output=tmp_path / "m")).predict(model.x)
    assert found.keys() == model.predicted.keys()
    if "label" in found:
        assert found.pop("label") == model.predicted["label"].tolist()
    for key, values in found.items():
        np.testing.assert_allclose(values.numpy(), model.predicted[key], rtol=1e-5, atol=1e-5)


@pytest.mark.torch
@pytest.mark.parametrize("name", ["resnet", "table with gaps", "gaussian_nll"])
def test_a_module_needs_pytorch_and_safetensors_alone(name: str, models: Models, tmp_path: Path) -> None:
    """In a Python that has neither this package nor NumPy."""
    model = models(name)
    folder = export_run(model.run, "torch", output=tmp_path / "m")
    (given := tmp_path / "given.json").write_text(
        json.dumps(model.x if isinstance(model.x, dict) else model.x.tolist())
    )
    alone = linked_packages(tmp_path / "alone", *NEEDED, "filelock", "fsspec")
    found = json.loads(run_isolated(PROGRAM.format(given=str(given)), alone, folder))
    for key, values in found.items():
        if key == "label":
            assert values == model.predicted[key].tolist()
        else:
            np.testing.assert_allclose(values, model.predicted[key], rtol=1e-5, atol=1e-5)


@pytest.mark.torch
@pytest.mark.parametrize("name", NOISY)
def test_the_noise_of_a_module_has_the_mean_and_the_variance_of_our_passes(
    name: str, models: Models, tmp_path: Path
) -> None:
    """Over 400 passes, within sampling error."""
    model = models(name)
    module = loaded(export_run(model.run, "torch", output=tmp_path / "m", noise=True))
    torch: Any = importlib.import_module("torch")
    torch.manual_seed(2)
    torch.set_num_threads(1)  # small batches: several threads wait for each other
    drawn = np.array([module.predict(model.x)["probabilities"].numpy() for _ in range(PASSES)])
    assert drawn.std(axis=0).max() > 1e-5
    assert largest_error(passes_of_run(model), drawn) < ERRORS


@pytest.mark.parametrize("name", ["resnet", "dropconnect sample normalized", "two targets"])
def test_the_code_names_exactly_the_weights_of_the_file(name: str, models: Models, tmp_path: Path) -> None:
    """Each layer and buffer of `__init__` has its arrays, and the layers occur in `forward`."""
    folder = export_run(models(name).run, "torch", output=tmp_path / "m")
    weights = load_file(folder / "model.safetensors")
    tree = ast.parse((folder / "model.py").read_text())
    names = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load)}
    assert {key.partition(".")[0] for key in weights} <= names
    made = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)}
    assert made == {key.partition(".")[0] for key in weights if "." in key}


def test_other_files_in_the_folder_stay_and_a_foreign_folder_is_refused(models: Models, tmp_path: Path) -> None:
    """A second export replaces both files; a folder without our file is left alone."""
    run, folder = models("none").run, tmp_path / "m"
    for _ in range(2):
        export_run(run, "torch", output=folder)
        (folder / "mine.txt").write_text("mine")
    assert {path.name for path in folder.iterdir()} == {"model.py", "model.safetensors", "mine.txt"}
    (folder / "model.py").write_text("mine = 1\n")
    with pytest.raises(UsageError, match="did not write it"):
        export_run(run, "torch", output=folder)
    assert (folder / "model.py").read_text() == "mine = 1\n"
