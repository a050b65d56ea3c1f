"""Effect of dropout on hidden activations, against a network written by hand."""

import csv
import hashlib
import io
import math
import re
from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread

from dropout_cli import plots
from dropout_cli.analysis.effects.heat_map import _maps, hidden_activations, write_effects
from dropout_cli.core.errors import UsageError
from dropout_cli.core.rng import Noise, stream
from dropout_cli.core.types import Array
from dropout_cli.nn.layers.network import Network
from dropout_cli.plots.maps import mosaic
from dropout_cli.runs import Run
from dropout_cli.training import checkpoint, restore
from dropout_cli.variants import VARIANTS
from dropout_cli.variants.toolkit.masks import bernoulli, keep_probability
from tests.small_run import suited, train

EXAMPLES = 50


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A finished run with `inverted`, two hidden layers of 16 and 12."""
    return train(tmp_path_factory.mktemp("effects"))


def by_hand(run: Run, rate: float) -> list[Array]:
    """Return the outputs relu(x W + b) m / q of both hidden layers for test examples."""
    arrays, _ = checkpoint.unpack_checkpoint(run.read("checkpoints/last.safetensors"), "last")
    dataset = restore.load_model(run).dataset
    y = (dataset.test.x[:EXAMPLES] * dataset.scaling.scale + dataset.scaling.shift).reshape(EXAMPLES, -1)
    found = []
    for layer in ("hidden1", "hidden2"):
        W, b = (arrays[f"parameters/{layer}/{letter}"].astype(np.float64) for letter in "Wb")
        a = np.maximum(y @ W + b, 0)
        mask = bernoulli(a.shape, rate, stream(0, f"effects:{layer}/dropout"))
        y = a * mask / keep_probability(rate)
        found.append(y)
    return found


@pytest.mark.parametrize("override", ["dropout.rate=0.3", "dropout.rate_schedule={name: linear}"])
def test_the_numbers_are_those_of_the_network_written_out(tmp_path: Path, override: str) -> None:
    """Under each rate, whatever the rate and the schedule of the training were."""
    run = train(tmp_path, override)
    folder, rows = write_effects(run, [0, 0.5, 0.7], examples=EXAMPLES)
    assert [(row["rate"], row["layer"]) for row in rows] == [
        (rate, layer) for rate in (0, 0.5, 0.7) for layer in ("hidden1", "hidden2")
    ]
    for start, rate in ((0, 0.0), (2, 0.5), (4, 0.7)):
        for row, y in zip(rows[start : start + 2], by_hand(run, rate), strict=True):
            assert row["mean"] == pytest.approx(y.mean(), rel=1e-5)
            assert row["sd"] == pytest.approx(y.std(), rel=1e-5)
            assert row["largest"] == pytest.approx(y.max(), rel=1e-5)
            assert row["share_of_zeros"] == np.mean(y == 0)
            assert (row["examples"], row["units"]) == y.shape
    stored = list(csv.DictReader(io.StringIO((Path(folder) / "effects.csv").read_text())))
    for line, row in zip(stored, rows, strict=True):
        assert {key: type(row[key])(cell) for key, cell in line.items()} == row


def test_dropping_adds_its_rate_times_the_share_that_was_not_zero(run: Run) -> None:
    """The zeros are within 5 binomial standard errors; the mean stays."""
    _, rows = write_effects(run, [0, 0.4, 0.8], examples=300)
    none, some, most = (row for row in rows if row["layer"] == "hidden1")
    cells = 300 * 16
    for row, rate in ((some, 0.4), (most, 0.8)):
        active = 1 - none["share_of_zeros"]
        error = math.sqrt(active * cells * rate * (1 - rate)) / cells
        assert abs(row["share_of_zeros"] - none["share_of_zeros"] - rate * active) < 5 * error
        squares = none["sd"] ** 2 + none["mean"] ** 2
        assert abs(row["mean"] - none["mean"]) < 5 * math.sqrt(rate / (1 - rate) * squares / cells)


def test_the_same_arguments_give_the_same_bytes(run: Run) -> None:
    """Figure and numbers; they replace the folder, and other arguments have another."""

    def digests(*rates: float) -> dict[str, str]:
        folder, _ = write_effects(run, rates or None)
        return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in Path(folder).iterdir()}

    first = digests()
    assert first.keys() == {"MANIFEST.sha256", "effects.csv", "effects.png"}
    assert digests() == first
    assert digests(0.25, 0.5, 0.25) != first
    assert {"effects-n100", "effects-r0.25+0.5-n100"} <= {path.name for path in (run.path / "after").iterdir()}


@pytest.mark.parametrize("name", [name for name, _ in VARIANTS])
def test_every_variant_has_its_columns(tmp_path: Path, name: str) -> None:
    """Rates if the rate can be set; otherwise noise off and on, and no rate is taken."""
    variant = VARIANTS[name]
    run = train(tmp_path, *suited(name), "training.epochs=1")
    folder, every = write_effects(run, examples=20)
    rows = [row for row in every if row["layer"].startswith("hidden")]
    assert (Path(folder) / "maps.png").exists() == (variant.supports in ("maps", "blocks")) == (rows != every)
    assert (Path(folder) / "effects.png").exists() == bool(rows)
    if variant.supports == "blocks":
        return
    columns = list(dict.fromkeys(row["rate"] for row in rows))
    if variant.learns is not None:
        expected: list[float | str] = ["off", "as learned"]
    else:
        expected = ["off", "on"] if name in ("none", "standout") else [0, 0.3, 0.5, 0.7]
    assert columns == expected
    assert [row["units"] for row in rows] == [16, 12] * len(columns)
    if columns[0] == "off":
        with pytest.raises(UsageError, match=f"{name} (learns its rate|has no rate to set)"):
            write_effects(run, [0.5])
    deepest = [row["sd"] for row in rows if row["layer"] == "hidden2"]
    assert (len(set(deepest)) == 1) == (name == "none")


def test_units_that_batchwise_did_not_compute_are_zeros_in_their_places(tmp_path: Path) -> None:
    """Dropped columns are 0; the others are those of the dense network times (1 - r^n) / q."""
    run = train(tmp_path, "dropout={variant: batchwise, rate: 0.5}")
    found = restore.load_model(run)
    network, x = found.learner.network, found.dataset.test.x[:30].astype(np.float32)
    assert isinstance(network, Network)
    network.set_step(0)
    noise = Noise(0, 0, role="effects")
    kept = np.flatnonzero(bernoulli((16,), 0.5, stream(0, "effects:hidden1/dropout")))
    clean = dict(hidden_activations(network, x, None))["hidden1"]
    noisy = dict(hidden_activations(network, x, noise))["hidden1"]
    assert 0 < len(kept) < 16 and noisy.shape == clean.shape == (30, 16)
    np.testing.assert_allclose(noisy[:, kept], clean[:, kept] * (1 - 0.5**16) / 0.5, rtol=1e-5, atol=1e-5)
    assert np.count_nonzero(np.delete(noisy, kept, axis=1)) == 0


@pytest.mark.parametrize(
    ("rates", "examples", "message"),
    [
        ([1.0], 100, "--rates: must be at least 0 and below 1, got 1"),
        ([0.5, -0.1], 100, "got -0.1"),
        ([math.nan], 100, "got nan"),
        ([], 100, "takes 1 to 12 rates, got 0"),
        ([k / 20 for k in range(13)], 100, "takes 1 to 12 rates, got 13"),
        (None, 0, r"--examples: must be from 1 to 359, the number of test examples, got 0"),
        (None, 360, "got 360"),
    ],
)
def test_arguments_without_a_meaning_are_refused(
    run: Run, rates: list[float] | None, examples: int, message: str
) -> None:
    """In one line, and nothing is written."""
    before = set((run.path / "after").glob("*"))
    with pytest.raises(UsageError, match=message) as caught:
        write_effects(run, rates, examples=examples)
    assert "\n" not in str(caught.value)
    assert set((run.path / "after").glob("*")) == before


def pixels(figure: bytes) -> Array:
    """The figure as (height, width, 3), 0 to 1."""
    return np.asarray(imread(io.BytesIO(figure), format="png"))[..., :3]


def drawn(*panels: Array) -> Array:
    """The figure of one layer under as many rates."""
    activations: dict[tuple[str, float | str], Array] = {("hidden1", float(i)): a for i, a in enumerate(panels)}
    return pixels(plots.activation_maps(activations, dict.fromkeys(activations, "mean 0"), "title"))


def test_the_figure_has_a_sensible_size(run: Run) -> None:
    """Big enough to see a unit, small enough for a screen."""
    folder, _ = write_effects(run)
    height, width, _ = pixels((Path(folder) / "effects.png").read_bytes()).shape
    assert 500 < height < 700 and 900 < width < 1400


def test_all_panels_share_one_color_scale() -> None:
    """A value has the same color beside larger ones as alone on the other side; zero is white."""
    one, two = np.full((10, 10), 1.0), np.full((10, 10), 2.0)
    figure = drawn(one, two, 0 * one)
    row = figure[150]
    left, middle, right = (row[place] for place in (180, 420, 660))
    assert not np.array_equal(left, middle) and np.array_equal(right, [1, 1, 1])
    assert left.sum() > middle.sum(), "the larger value is darker"
    assert np.array_equal(drawn(two, one)[150, 420], left)


@pytest.mark.parametrize("fill", [0.0, -1.0, 1e30])
@pytest.mark.parametrize("shape", [(1, 1), (3, 2000), (2000, 3)])
def test_no_data_break_the_figure(fill: float, shape: tuple[int, int]) -> None:
    """All zero, all negative, huge; one unit, or more of them than pixels."""
    assert drawn(np.full(shape, fill, np.float32)).size > 0


def test_maps_of_one_example_under_masks_of_either_kind(tmp_path: Path) -> None:
    """The maps are equal at rate 0; else single pixels or whole maps are dropped."""
    run = train(tmp_path, "architecture={name: cnn, layers: [conv 8 3x3, pool 2]}")
    folder, rows = write_effects(run, [0.0, 0.5])
    assert [(row["layer"], row["rate"], row["units"]) for row in rows] == [
        ("conv1, single pixels dropped", 0.0, 128),
        ("conv1, single pixels dropped", 0.5, 128),
        ("conv1, whole feature maps dropped", 0.0, 128),
        ("conv1, whole feature maps dropped", 0.5, 128),
    ]
    assert rows[0]["mean"] == rows[2]["mean"]
    found = restore.load_model(run)
    plain = next(_maps(found, [0.0])).activations[0]
    dropped = [one.activations[0] for one in _maps(found, [0.5])]
    mask = bernoulli((1, 4, 4, 8), 0.5, stream(0, "effects:conv1/dropout"))[0]
    np.testing.assert_allclose(dropped[0], plain * mask / keep_probability(0.5), rtol=1e-6)
    mask = bernoulli((1, 1, 1, 8), 0.5, stream(0, "effects:conv1/dropout"))[0]
    np.testing.assert_allclose(dropped[1], plain * mask / keep_probability(0.5), rtol=1e-6)
    figure = imread(f"{folder}/maps.png")
    assert figure.shape[0] > 400 and np.ptp(figure[..., :3]) > 0.9
    with plots.as_svg():
        folder, _ = write_effects(run, [0.5], examples=2)
    drawn = (Path(folder) / "maps.png").read_text()
    assert "conv1, pixels dropped" in drawn and "conv1, whole maps dropped" in drawn


def test_a_mosaic_puts_every_map_in_its_place() -> None:
    """Row by row, the first sixteen; what is left of the square stays empty."""
    maps = np.arange(1, 2 * 3 * 5 + 1.0).reshape(2, 3, 5)
    picture = mosaic(maps)
    assert picture.shape == (6, 9)
    np.testing.assert_array_equal(picture[0:2, 3:6], maps[..., 1])
    np.testing.assert_array_equal(picture[2:4, 0:3], maps[..., 3])
    assert (picture[4:] == 0).all() and mosaic(np.ones((1, 1, 64))).shape == (4, 4)


def test_titles_have_the_zeros_of_the_first_and_the_last_rate(tmp_path: Path) -> None:
    """Of activations over all layers, and of whole feature maps with each kind of mask, as in effects.csv."""
    run = train(tmp_path, "architecture={name: cnn, layers: [conv 8 3x3, pool 2, dense 16]}", "training.epochs=1")
    with plots.as_svg():
        folder, rows = write_effects(run, [0.0, 0.7], examples=20)
    effects, maps = (
        " ".join(re.findall(r">([^<>]+)</text>", (Path(folder) / name).read_text()))
        for name in ("effects.png", "maps.png")
    )
    hidden = {row["rate"]: row for row in rows if row["examples"] == 20 and ", " not in row["layer"]}
    zeros = [f"{100 * hidden[rate]['share_of_zeros']:.0f} % at rate {rate:g}" for rate in (0.0, 0.7)]
    assert f"Activations that are zero: {', '.join(zeros)} (1 hidden layer, 20 examples)" in effects
    found = re.search(
        r"all zero at rate 0.7: (\d) of 8 with single pixels .*?, (\d) of 8 with whole feature maps", maps
    )
    assert found is not None and int(found[1]) <= 1 and int(found[2]) >= 3


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("dropout.input_rate=0.1", "; input_rate stays 0.1 in every column"),
        ("dropout.input_rate=0", ""),
        ("dropout={variant: spatial, rate: 0.3, dense_rate: 0.2}", "; dense_rate stays 0.2 in every column"),
    ],
)
def test_rates_that_the_columns_do_not_change_are_named(tmp_path: Path, override: str, words: str) -> None:
    """The column `rate 0` still drops inputs at `input_rate`, and dense layers at `dense_rate`."""
    layers = "architecture={name: cnn, layers: [conv 4 3x3, pool 2, dense 8]}" if "spatial" in override else "seed=0"
    run = train(tmp_path, layers, override, "training.epochs=1")
    with plots.as_svg():
        folder, _ = write_effects(run, [0.0, 0.5], examples=5)
    drawn = " ".join(re.findall(r">([^<>]+)</text>", (Path(folder) / "effects.png").read_text()))
    assert (words in drawn) if words else "in every column" not in drawn
