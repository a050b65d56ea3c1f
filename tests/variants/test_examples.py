"""The examples that `dropout variants NAME` shows do what the layers do."""

import contextlib
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from dropout_cli.core.types import Array
from dropout_cli.plots.canvas import as_format
from dropout_cli.plots.worked_example import example_figure
from dropout_cli.variants import VARIANTS, Variant
from dropout_cli.variants.toolkit.worked_example import (
    example_layer,
    example_of,
    noisy_output,
    tables_per_row,
    worked_example,
)
from tests.commands import dropout

CLASSES = [cls for _, cls in VARIANTS if example_of(cls) is not None]
DRAWS = 4_000
ENDINGS = {".png": b"\x89PNG", ".svg": b"<?xml", ".pdf": b"%PDF"}


def figure(name: str) -> bytes:
    """Return the figure of a variant's example."""
    tables = [(table.title, table.values) for table in worked_example(VARIANTS[name])]
    return example_figure(name, tables, across=tables_per_row(VARIANTS[name]))


def names(cls: type[Variant]) -> str:
    """The id of a test."""
    return cls.__name__


def test_every_variant_has_an_example() -> None:
    """All that are bundled."""
    assert [cls for _, cls in VARIANTS] == CLASSES


@pytest.mark.parametrize("cls", CLASSES, ids=names)
def test_the_lines_run_as_they_stand(cls: type[Variant]) -> None:
    """They are a complete program of about ten lines that prints the output."""
    example = example_of(cls)
    assert example is not None
    lines = example.source().splitlines()
    assert len(lines) <= 20 and max(map(len, lines)) <= 96
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(compile(example.source(), cls.__name__, "exec"), {})
    assert printed.getvalue().startswith("[[")


@pytest.mark.parametrize("cls", CLASSES, ids=names)
def test_the_lines_and_the_layer_have_the_same_distribution(cls: type[Variant]) -> None:
    """Mean and variance of every element of the output, over many draws."""
    example = example_of(cls)
    assert example is not None
    code = compile(example.numpy.strip(), cls.__name__, "exec")

    def snippet(seed: int) -> Array:
        scope: dict[str, Any] = {"np": np, "rng": np.random.default_rng(seed), "x": example.inputs()}
        exec(code, scope)
        return np.array(scope["y"], float)

    # A new layer for each draw: that of `adaptive` changes its rate in every pass.
    ours = np.array([noisy_output(example_layer(cls, example)[0], example.inputs(), seed) for seed in range(DRAWS)])
    theirs = np.array([snippet(seed) for seed in range(DRAWS)])
    assert ours.shape == theirs.shape
    error = np.sqrt((ours.var(axis=0) + theirs.var(axis=0)) / DRAWS)
    assert np.all(np.abs(ours.mean(axis=0) - theirs.mean(axis=0)) <= 5 * error + 1e-6)
    spread = [np.square(y - y.mean(axis=0)) for y in (ours, theirs)]
    error = np.sqrt(sum(values.var(axis=0) for values in spread) / DRAWS)
    assert np.all(np.abs(spread[0].mean(axis=0) - spread[1].mean(axis=0)) <= 5 * error + 1e-6)


@pytest.mark.parametrize("cls", CLASSES, ids=names)
def test_the_tables_fit_together(cls: type[Variant]) -> None:
    """The output is the input times the multiplier, or times the noisy weights."""
    example = example_of(cls)
    tables = {table.title: table.values for table in worked_example(cls)}
    assert example is not None and next(iter(tables)).startswith("input x") and list(tables)[-1].startswith("output y")
    if example.on_maps or cls.__name__ == "Alpha":  # alpha: y = A m (x - a') + ...
        return
    x, y = tables["input x"], tables["output y"]
    if example.shows == "multiplier":
        assert np.allclose(y, x * tables[example.noise])
    elif example.shows == "weights":
        assert np.allclose(y[:, 0], (x * tables[example.noise]).sum(axis=1))


@pytest.mark.parametrize("name", ["inverted", "dropblock", "dropconnect", "stochastic_depth"])
@pytest.mark.parametrize("ending", ENDINGS)
def test_the_example_can_be_drawn(tmp_path: Path, name: str, ending: str) -> None:
    """The ending chooses the format, and the page is printed too."""
    done = dropout("variants", name, "--figure", f"a{ending}", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "") and "In NumPy:" in done.stdout
    assert (tmp_path / f"a{ending}").read_bytes().startswith(ENDINGS[ending])


def test_the_channels_of_a_map_stand_side_by_side() -> None:
    """Input, noise and output are three rows then, and the figure is less than twice as high as it is wide."""
    picture = np.array(Image.open(io.BytesIO(figure("dropblock"))))
    assert tables_per_row(VARIANTS["dropblock"]) == 2 and picture.shape[0] < 2 * picture.shape[1]


def test_a_zero_in_the_figure_has_no_sign() -> None:
    """Neither an exact one nor a negative value that rounds to 0."""
    with as_format("svg"):
        assert b"-0.00" not in figure("inverted") + example_figure("x", [("y", np.array([[-0.0, -0.001]]))])


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("inverted", "--figure", "a.bmp"), "--figure: a.bmp does not end in .png, .svg or .pdf. Choose another"),
        (("--figure", "a.png"), "--figure: needs a variant. Write `dropout variants NAME --figure FILE`."),
        (("inverted", "--figure", "none/a.png"), "none"),
        (("--full",), "--full: needs a variant. Write `dropout variants NAME --full`."),
    ],
)
def test_a_figure_that_cannot_be_drawn_is_one_line(tmp_path: Path, arguments: tuple[str, ...], text: str) -> None:
    """Nothing is left behind."""
    done = dropout("variants", *arguments, cwd=tmp_path)
    assert done.returncode != 0 and text in done.stderr and len(done.stderr.splitlines()) == 1
    assert done.stdout == "" and not list(tmp_path.iterdir())
