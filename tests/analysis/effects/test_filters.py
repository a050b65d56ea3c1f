"""Filters of the first layer, for pictures and for tables."""

from pathlib import Path

import numpy as np
import pytest

from dropout_cli.analysis.effects.filters import FirstFilters, filters_figure, first_filters
from dropout_cli.training import restore
from tests.analysis.effects.test_hidden_layers import CNN, weights
from tests.small_run import train


@pytest.mark.parametrize(("override", "layer"), [("architecture.hidden=[70]", "hidden1"), (CNN, "conv1")])
def test_a_filter_of_a_picture_has_the_weights_in_their_places(tmp_path: Path, override: str, layer: str) -> None:
    """A dense filter has the size of the picture, a kernel its own; at most 64 are in the file."""
    run = train(tmp_path, override)
    model = restore.load_model(run)
    found = first_filters(run, model)
    figure = filters_figure({"": found}, "digits")
    W = weights(model, f"{layer}/W")
    shape = (8, 8) if W.ndim == 2 else (3, 3)
    units = W.shape[-1]
    assert list(figure.columns) == ["row", "column", "channel", *(f"filter {n + 1}" for n in range(min(64, units)))]
    assert figure.columns["row"][:: shape[1]] == list(range(shape[0])) and set(figure.columns["channel"]) == {0}
    kernels = W.reshape(*shape, units)
    for number in (0, min(63, units - 1)):
        picture = np.reshape(figure.columns[f"filter {number + 1}"], shape)
        np.testing.assert_allclose(picture, kernels[..., number], rtol=1e-4)
    assert figure.draw().startswith(b"\x89PNG")


def test_half_of_the_squared_weight_is_counted_from_the_largest_weights() -> None:
    """2 of 4 equal weights, 1 of one large weight; filters of zeros do not count."""
    columns = np.array([[1, 5, 0], [1, 1, 0], [-1, 1, 0], [1, 1, 0]], np.float32)
    assert FirstFilters("a", columns[:, :1], ()).half_count == 2
    assert FirstFilters("a", columns[:, 1:2], ()).half_count == 1
    assert FirstFilters("a", columns, ()).half_count == 1.5
    assert np.isnan(FirstFilters("a", columns[:, 2:], ()).half_count)


def test_columns_of_a_table_have_their_mean_weights(tmp_path: Path) -> None:
    """Names that look like numbers get a word before them, because a figure is drawn again from its CSV file."""
    rows = [f"{n % 7},{n % 5},{'red' if n % 3 else 'blue'},{'ab'[n % 2]}" for n in range(90)]
    (tmp_path / "t.csv").write_text("2019,size,color,kind\n" + "\n".join(rows))
    run = train(tmp_path, f"dataset={{name: table, path: {tmp_path}/t.csv, target: kind}}", "training.batch_size=16")
    model = restore.load_model(run)
    figure = filters_figure({"": first_filters(run, model)}, "t")
    assert figure.drawing == "effects_columns"
    assert figure.columns["column"] == ["column 2019", "size", "color=blue", "color=red"]
    expected = np.abs(weights(model, "hidden1/W")).mean(axis=1)
    np.testing.assert_allclose(figure.columns["mean |weight|"], expected, rtol=1e-6)
    assert figure.columns["column"][int(np.argmax(expected))] in figure.finding
