"""Layers and variants say how they compute, or export refuses the run in one line."""

import re
import textwrap
from pathlib import Path

import numpy as np
import pytest

from dropout_cli.core.errors import UsageError
from dropout_cli.core.rng import stream
from dropout_cli.core.types import Array
from dropout_cli.export import export_run
from dropout_cli.export.description import describe_run
from dropout_cli.export.numpy_program import compute
from dropout_cli.export.plain_steps import constant_arrays, plain_steps
from dropout_cli.nn.activations.relu import Relu
from dropout_cli.nn.activations.tanh import Tanh
from dropout_cli.nn.layers.base import Layer, NoiseSource
from dropout_cli.nn.operations import GraphConstant, GraphValue, OperationGraph, UndescribedLayer
from dropout_cli.training.checkpoint import Snapshot
from dropout_cli.training.restore import CHECKPOINT_FILES
from dropout_cli.variants.gaussian import Gaussian
from dropout_cli.variants.spatial import Spatial
from dropout_cli.variants.toolkit.base import Location
from tests.commands import TINY, dropout
from tests.export.small_models import Models
from tests.small_run import train

PAGE = (Path(__file__).parents[2] / "docs/write-a-layer.md").read_text()
X = stream(0, "test:x").standard_normal((5, 4)).astype(np.float32)


class Doubled(Tanh):
    """A layer that computes in another way than the one whose description it inherits."""

    def forward(self, x: Array, *, train: bool = False, noise: NoiseSource = None) -> Array:
        """Return 2 tanh x."""
        return 2 * super().forward(x)


class Wider(Gaussian):
    """A variant that draws other noise than its base."""

    def draw(self, *given: object, **more: object) -> Array:
        """Return other noise."""
        raise AssertionError


class OtherMaps(Spatial):
    """A variant that draws other noise on maps than its base."""

    def draw_maps(self, *given: object, **more: object) -> Array:
        """Return other noise."""
        raise AssertionError


class Silent(Layer):
    """A layer that says nothing."""

    def forward(self, x: Array, *, train: bool = False, noise: NoiseSource = None) -> Array:
        """Return x."""
        return x

    def backward(self, dy: Array) -> Array:
        """Return dy."""
        return dy


@pytest.mark.parametrize("layer", [Doubled("a/b"), Silent("a/b")])
def test_a_layer_without_a_description_of_its_own_is_refused(layer: Layer) -> None:
    """Also if it inherits the description of a layer that computes something else."""
    with pytest.raises(UndescribedLayer, match="no method describe") as refused:
        OperationGraph().apply(layer, GraphValue("x", (4,)))
    assert refused.value.args[0] == "a/b"


def test_noise_without_a_description_of_its_own_is_refused() -> None:
    """The prediction without noise is described all the same."""
    location = Location(path="hidden1", kind="map", index=0, count=1, fan_in=4, examples=9, steps=9)
    for variant, shape in ((Wider(), (4,)), (OtherMaps(), (2, 2, 4))):
        layer = variant.map(location)
        assert layer is not None
        OperationGraph().apply(layer, GraphValue("x", shape))
        with pytest.raises(UndescribedLayer, match=type(variant).__name__):
            OperationGraph(draws_noise=True).apply(layer, GraphValue("x", shape))


def test_the_description_of_the_guide_is_that_of_its_layer() -> None:
    """PReLU with slope .25, as docs/write-a-layer.md shows it."""
    (text,) = re.findall(r"```python\n(    def describe.*?)```", PAGE, re.DOTALL)

    class Described(Relu):
        """A layer with the method of the page."""

        a = type("Parameter", (), {"value": np.full(1, 0.25, np.float32)})

    names: dict[str, object] = {"OperationGraph": OperationGraph, "GraphValue": GraphValue}
    exec(textwrap.dedent(text), names)
    describe = names["describe"]
    assert callable(describe)
    y = describe(Described("hidden1/prelu"), graph := OperationGraph(), GraphValue("x", (4,)))
    found = compute(plain_steps(graph), {**constant_arrays(graph), "x": X})[y.name]
    np.testing.assert_allclose(found, np.where(X > 0, X, X / 4), rtol=1e-6)


def test_two_arrays_cannot_have_one_name() -> None:
    """A file would hold one of them only; the same array may be given twice."""
    graph = OperationGraph()
    assert isinstance(graph.constant("a", X), GraphConstant) and graph.constant("a", X.copy()).name == "a"
    with pytest.raises(ValueError, match="two arrays"):
        graph.constant("a", X + 1)


def test_a_wrong_description_is_found_before_anything_is_written(
    models: Models, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The operations are compared with the network."""
    run = models("inverted").run
    monkeypatch.setattr(Relu, "describe", lambda self, graph, x: graph.elementwise("square", x))
    with pytest.raises(UsageError, match="gives other numbers than the layer"):
        export_run(run, "numpy", output=tmp_path / "model.py")
    monkeypatch.setattr(Relu, "describe", Layer.describe)
    with pytest.raises(UsageError) as refused:
        export_run(run, "numpy", output=tmp_path / "model.py")
    assert str(refused.value) == (
        "hidden1/relu: the layer Relu has no method describe. Add it; docs/write-a-layer.md shows how."
    )
    assert not list(tmp_path.iterdir())


def test_export_writes_where_it_is_told_and_replaces_only_its_own_files(tmp_path: Path) -> None:
    """The path is alone on stdout, two lines on stderr say how to go on; other files stay as they are."""
    (tmp_path / "tiny.yaml").write_text(TINY)
    assert dropout("train", "tiny.yaml", "--no-plots", "--quiet", cwd=tmp_path).returncode == 0
    done = dropout("export", "latest", "--format", "numpy", cwd=tmp_path)
    assert done.returncode == 0 and done.stdout.endswith("/after/export-numpy/model.py\n")
    assert len(done.stderr.splitlines()) == 2 and (tmp_path / done.stdout.strip()).is_file()
    assert dropout("verify", "latest", cwd=tmp_path).returncode == 0
    named = ("export", "latest", "--format", "numpy", "--checkpoint", "last", "--output", "m.py")
    for _ in range(2):
        assert dropout(*named, cwd=tmp_path).stdout == "m.py\n"
    (tmp_path / "m.py").write_text("mine = 1\n")
    refused = dropout(*named, cwd=tmp_path)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr == "m.py: already exists, and dropout export did not write it. Choose another name.\n"
    assert (tmp_path / "m.py").read_text() == "mine = 1\n"


def test_noise_that_a_run_does_not_draw_is_refused(models: Models, tmp_path: Path) -> None:
    """In one line, and nothing is written."""
    with pytest.raises(UsageError, match=r"--noise: this run draws none \(dropout.variant: none\)"):
        export_run(models("none").run, "numpy", output=tmp_path / "model.py", noise=True)
    assert not list(tmp_path.iterdir())


def test_the_checkpoint_that_is_named_is_exported(tmp_path: Path) -> None:
    """Its weights, and for a regression no error of the other one."""
    (tmp_path / "t.csv").write_text("a,b,y\n" + "".join(f"{n % 7},{n % 5},{n % 7 + n % 3}.5\n" for n in range(60)))
    dataset = f"dataset={{name: table, path: {tmp_path}/t.csv, target: y, task: regression}}"
    rate = "training.optimizer={name: sgd, learning_rate: 0.05}"
    run = train(tmp_path, dataset, "objective=squared_error", rate, "training.batch_size=8", "training.epochs=6")
    assert run.summary()["checkpoint"] == "last" and run.summary()["best_epoch"] < 6
    for name, file in CHECKPOINT_FILES.items():
        stored = Snapshot.read(run, file).arrays
        description = describe_run(run, name, noise=False)
        for key in ("hidden1/W", "output/b"):
            np.testing.assert_array_equal(description.graph.constants[key].array, stored[f"parameters/{key}"])
        assert ("sd" in description.outputs) == (name == "last")
