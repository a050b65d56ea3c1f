"""Adding a thing is one new file: nothing that exists is changed, and the command finds it."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.checkout import copy_checkout, run_python

SMALL = ("training.epochs=1", "training.steps_per_epoch=3", "yardstick=none", "--quiet", "--no-plots", "--json")

VARIANT = '''
"""Coin dropout.

    training     y = 2 m (.) a,  m = [eps > 0]
    evaluation   y = a

Notes: no known problems.
"""

from dataclasses import dataclass

from dropout_cli.variants import VARIANTS, ActivationNoise, Array, DType, Generator, Shape


@VARIANTS.register("coin")
@dataclass(frozen=True, kw_only=True)
class Coin(ActivationNoise):
    """Half of everything, by the toss of a coin."""

    def draw(self, shape: Shape, rate: float, rng: Generator, dtype: DType, out: Array | None = None) -> Array:
        """The multiplier: 0 or 2."""
        return (2.0 * (rng.standard_normal(shape) > 0)).astype(dtype)
'''
ACTIVATION = '''
"""Softsign: y = x / (1 + |x|)."""

import numpy as np

from dropout_cli.nn.activations import ACTIVATIONS, Activation
from dropout_cli.nn.initializers import Glorot


@ACTIVATIONS.register("softsign")
class Softsign(Activation):
    """y = x / (1 + |x|)."""

    initializer = Glorot()

    def forward(self, x, *, train=False, noise=None):
        """Return x / (1 + |x|)."""
        self._below = 1 + np.abs(x)
        return x / self._below

    def backward(self, dy):
        """dx = dy / (1 + |x|)^2."""
        return dy / self._below**2
'''
METRIC = '''
"""The share of examples of class 0 that are found."""

from dropout_cli.metrics.registry import Metric, register_metrics


def zeros(given):
    """Recall of class 0."""
    return float((given.predicted[given.labels == 0] == 0).mean())


register_metrics(Metric("zeros", "Zeros found", True, "labels", zeros))
'''
DATASET = '''
"""Points on either side of a line."""

from dataclasses import dataclass

import numpy as np

from dropout_cli.core.rng import stream
from dropout_cli.data.base import DATASETS, DatasetInfo, Examples, Source


@DATASETS.register("halves")
@dataclass(frozen=True, kw_only=True)
class Halves(Source):
    """Two classes, divided by a line."""

    info = DatasetInfo(200, (2,), 2, "drawn")

    def read(self):
        """The points as float32."""
        x = stream(0, "data").standard_normal((200, 2)).astype(np.float32)
        return Examples(x, (x[:, 0] > 0).astype(np.intp), ("left", "right"))
'''
OPTIMIZER = '''
"""Sign descent: W -= lr sign(g)."""

from dataclasses import dataclass

import numpy as np

from dropout_cli.nn.optim.optimizers import OPTIMIZERS, Optimizer


@OPTIMIZERS.register("signs")
@dataclass(frozen=True, kw_only=True)
class Signs(Optimizer):
    """Steps of one length, by the sign of the gradient."""

    def update(self, w, g, moments, scratch, *, lr, t):
        """W -= lr sign(g)."""
        w -= lr * np.sign(g)
'''
OBJECTIVE = '''
"""Half of the cross-entropy."""

from dataclasses import dataclass

from dropout_cli.nn import losses
from dropout_cli.objectives.base import OBJECTIVES, Objective


@OBJECTIVES.register("halved")
@dataclass(frozen=True, kw_only=True)
class Halved(Objective):
    """Half of the mean of -ln p(label)."""

    def compute_gradients(self, network, x, labels, noise, targets=None, weights=None):
        """One noisy pass."""
        loss, dlogits = losses.cross_entropy(network.forward(x, train=True, noise=noise), labels, weights=weights)
        network.gradients(dlogits / 2)
        return loss / 2
'''
COMMAND = '''
"""`dropout greet`."""

from dropout_cli.cli import output

POSITION = 5


def register_command(app):
    """Register the command."""
    app.command()(greet)


def greet():
    """Say hello."""
    output.print_result("hello")
'''
SCHEDULE = '''
"""A learning rate that is halved at once."""

from dataclasses import dataclass

from dropout_cli.nn.optim.lr_schedules import SCHEDULES, LearningRateSchedule


@SCHEDULES.register("half")
@dataclass(frozen=True, kw_only=True)
class Half(LearningRateSchedule):
    """Half of the learning rate."""

    def shape(self, progress, epoch):
        """0.5."""
        return 0.5
'''
INITIALIZER = '''
"""Weights of one size, whatever the layer."""

from dataclasses import dataclass

from dropout_cli.nn.initializers import INITIALIZERS, Initializer


@INITIALIZERS.register("level")
@dataclass(frozen=True, kw_only=True)
class Level(Initializer):
    """Standard deviation .05."""

    def sd(self, fan_in, fan_out):
        """0.05."""
        return 0.05
'''


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the package, its configs and what writes generated files."""
    copy = tmp_path_factory.mktemp("checkout")
    copy_checkout(copy, ("tests/__init__.py", "tests/generated.py"))
    return copy


def sources(checkout: Path) -> dict[Path, bytes]:
    """Content of every file of the checkout, by its path; what Python compiled and runs are left out."""
    files = (path for path in checkout.rglob("*") if path.is_file() and path.suffix != ".pyc")
    return {path: path.read_bytes() for path in files if "runs" not in path.relative_to(checkout).parts[:1]}


@contextmanager
def added(checkout: Path, file: str, source: str) -> Iterator[None]:
    """The file is in the package for as long as the block lasts, and is the one that was touched."""
    path, before = checkout / "dropout_cli" / file, sources(checkout)
    path.write_text(source.lstrip())
    try:
        yield
        after = sources(checkout)
        assert {one for one in after if after[one] != before.get(one)} == {path} and before.keys() <= after.keys()
    finally:
        path.unlink()


def python(checkout: Path, *arguments: str) -> str:
    """Run `python -m` in the copy; return its stdout."""
    return run_python(checkout, *arguments).stdout


@pytest.mark.parametrize(
    ("file", "source", "settings"),
    [
        ("variants/coin.py", VARIANT, {"dropout.variant": "coin"}),
        ("nn/activations/softsign.py", ACTIVATION, {"architecture.activation": "softsign"}),
        ("data/sources/halves.py", DATASET, {"dataset": "halves"}),
        ("nn/optim/optimizers/signs.py", OPTIMIZER, {"training.optimizer": "signs"}),
        ("nn/optim/half.py", SCHEDULE, {"training.schedule": "half"}),
        ("nn/level.py", INITIALIZER, {"architecture.initializer": "level"}),
        ("objectives/halved.py", OBJECTIVE, {"objective": "halved"}),
        ("metrics/formulas/zeros.py", METRIC, {"training.monitor": "val_zeros"}),
    ],
    ids=["variant", "activation", "dataset", "optimizer", "schedule", "initializer", "objective", "metric"],
)
def test_a_run_takes_what_one_new_file_adds(
    file: str, source: str, settings: Mapping[str, str], checkout: Path
) -> None:
    """It trains to the end with it, and the summary has it under its name."""
    with added(checkout, file, source):
        overrides = [f"{key}={value}" for key, value in settings.items()]
        summary = json.loads(python(checkout, "dropout_cli", "train", "digits", *overrides, *SMALL))
    for key, name in settings.items():
        chosen = summary["config"]
        for part in key.split("."):
            chosen = chosen[part]
        assert name in (chosen, *(chosen.values() if isinstance(chosen, dict) else ()))
    assert "zeros" not in file or (summary["monitor"] == "val_zeros" and 0 <= summary["test"]["zeros"] <= 1)


def test_one_new_file_is_a_command(checkout: Path) -> None:
    """It runs, and stands where it says in the help."""
    with added(checkout, "cli/commands/greet.py", COMMAND):
        assert python(checkout, "dropout_cli", "greet") == "hello\n"
        first = python(checkout, "dropout_cli", "--help").partition("Commands:\n")[2].splitlines()[0]
        assert first.split() == ["greet", "Say", "hello."]


def test_the_config_and_the_schema_of_a_new_variant_are_generated(checkout: Path) -> None:
    """By the command that the test of generated files names; the config trains by its bare name."""
    path = checkout / "dropout_cli/variants/coin.py"
    schema = checkout / "configs/dropout.schema.json"
    path.write_text(VARIANT.lstrip())
    before = schema.read_bytes()
    try:
        written = python(checkout, "tests.generated").split()
        assert written == ["configs/dropout.schema.json", "configs/variants/coin.yaml"]
        assert '"const": "coin"' in schema.read_text()
        run = json.loads(python(checkout, "dropout_cli", "train", "variants/coin", *SMALL))
        assert run["config"]["dropout"]["variant"] == "coin"
    finally:
        path.unlink()
        schema.write_bytes(before)
        (checkout / "configs/variants/coin.yaml").unlink(missing_ok=True)
