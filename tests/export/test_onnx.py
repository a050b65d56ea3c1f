"""`dropout export --format onnx`: onnxruntime predicts as `dropout predict` does, without this package."""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest

from dropout_cli.core.errors import UsageError
from dropout_cli.core.types import Array
from dropout_cli.export import export_run
from tests.export.isolated import linked_packages, run_isolated
from tests.export.small_models import IMAGES, TABLES, Models, SmallModel
from tests.export.test_noise import ERRORS, NOISY, PASSES, largest_error, passes_of_run

PROGRAM = """
import json, numpy, onnxruntime
given = json.load(open({given!r}))
session = onnxruntime.InferenceSession({model!r})
dtypes = {{"tensor(string)": object, "tensor(float)": numpy.float32, "tensor(double)": numpy.float64}}
inputs = {{one.name: numpy.array(given[one.name], dtypes[one.type]) for one in session.get_inputs()}}
names = [one.name for one in session.get_outputs()]
print(json.dumps(dict(zip(names, [found.tolist() for found in session.run(None, inputs)]))))
"""
PLAIN = {" 'red' ": "red", "dark  blue.": "dark blue"}
"""Notations that only programs read, not graphs."""


def inputs_of(model: SmallModel, graph: onnx.ModelProto) -> dict[str, Any]:
    """Return the new data of a model as lists for the inputs of a graph."""
    if not isinstance(model.x, dict):
        return {"x": model.x.tolist()}
    given: dict[str, Any] = {}
    for one in graph.graph.input:
        cells = [PLAIN.get(cell, cell) for cell in model.x[one.name]]
        is_text = one.type.tensor_type.elem_type == onnx.TensorProto.STRING
        given[one.name] = [[cell if is_text else float("nan" if cell in ("", "?") else cell)] for cell in cells]
    return given


@pytest.mark.parametrize("name", [*IMAGES, *TABLES])
def test_onnxruntime_predicts_as_the_run_does_without_this_package(name: str, models: Models, tmp_path: Path) -> None:
    """Every variant, architecture and task: the same labels, and numbers to 1e-5 of their size."""
    model = models(name)
    path = export_run(model.run, "onnx", output=tmp_path / "model.onnx")
    graph = onnx.load(path)
    onnx.checker.check_model(graph, full_check=True)
    (given := tmp_path / "given.json").write_text(json.dumps(inputs_of(model, graph)))
    packages = ("numpy", "onnxruntime", "flatbuffers", "google", "packaging")
    alone = linked_packages(tmp_path / "alone", *packages)
    found = json.loads(run_isolated(PROGRAM.format(given=str(given), model=str(path)), alone))
    assert found.keys() == model.predicted.keys()
    if "label" in found:
        assert found.pop("label") == model.predicted["label"].tolist()
    for key, values in found.items():
        np.testing.assert_allclose(values, model.predicted[key], rtol=1e-5, atol=1e-5)


def test_the_batch_is_free_and_the_file_says_where_it_comes_from(models: Models, tmp_path: Path) -> None:
    """Any number of rows goes in; run and variant are in the metadata; the same run gives the same bytes."""
    model = models("batch normalization")
    path = export_run(model.run, "onnx", output=tmp_path / "model.onnx")
    session = onnxruntime.InferenceSession(path)
    for count in (1, 7):
        label, probabilities = session.run(None, {"x": model.x[:count]})
        assert len(label) == len(probabilities) == count
    graph = onnx.load(path)
    assert {one.key: one.value for one in graph.metadata_props} == {"run": model.run.name, "variant": "inverted"}
    first = path.read_bytes()
    assert export_run(model.run, "onnx", output=path).read_bytes() == first


@pytest.mark.parametrize("name", NOISY)
def test_noise_has_the_mean_and_the_variance_of_our_passes(name: str, models: Models, tmp_path: Path) -> None:
    """Over 400 passes at the default optimization level of onnxruntime, within sampling error."""
    model = models(name)
    onnxruntime.set_seed(1)
    session = onnxruntime.InferenceSession(export_run(model.run, "onnx", output=tmp_path / "n.onnx", noise=True))
    drawn: Array = np.array([session.run(["probabilities"], {"x": model.x})[0] for _ in range(PASSES)])
    assert drawn.std(axis=0).max() > 1e-5
    assert largest_error(passes_of_run(model), drawn) < ERRORS


@pytest.mark.parametrize(("name", "rows_differ"), [("inverted", True), ("spatial", True), ("batchwise", False)])
def test_rows_share_their_noise_only_where_the_variant_does(
    name: str, rows_differ: bool, models: Models, tmp_path: Path
) -> None:
    """Equal examples of one batch have noise of their own, but for batchwise; two passes always differ."""
    model = models(name)
    equal = np.repeat(model.x[:1], 40, axis=0)
    session = onnxruntime.InferenceSession(export_run(model.run, "onnx", output=tmp_path / "n.onnx", noise=True))
    passes: Array = np.array([session.run(["probabilities"], {"x": equal})[0] for _ in range(4)])
    assert (np.ptp(passes, axis=1).max() > 1e-3) == rows_differ
    assert np.ptp(passes, axis=0).max() > 1e-3


def test_without_the_package_onnx_the_command_says_how_to_install_it(
    models: Models, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In one line, and nothing is written."""
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(UsageError, match=r"--format onnx: needs the package onnx. Install it with `pip install"):
        export_run(models("none").run, "onnx", output=tmp_path / "model.onnx")
    assert not list(tmp_path.iterdir())
