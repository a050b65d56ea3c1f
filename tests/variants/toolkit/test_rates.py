"""Rates appear as columns and in a figure, and a rate that has not settled is named."""

import csv
import math
from collections.abc import Callable
from pathlib import Path

import pytest

from dropout_cli import config, plots
from dropout_cli.runs import Run
from dropout_cli.training.convergence import unconverged
from dropout_cli.training.run import run_experiment
from dropout_cli.training.setup import prepare
from dropout_cli.variants.variational import equivalent_rate


def trained(folder: Path, dropout: str, epochs: int = 10, figures: bool = False) -> Run:
    """A small network on digits with that variant."""
    (folder / "a.yaml").write_text(
        "dataset: digits\n"
        f"architecture: {{name: mlp, hidden: [32, 16], activation: {'selu' if 'alpha' in dropout else 'relu'}}}\n"
        f"dropout: {dropout}\ntraining: {{epochs: {epochs}, optimizer: {{name: adam, learning_rate: 1e-2}}}}\n"
    )
    loaded = config.load_config(folder / "a.yaml")
    run = Run.create(folder / "runs", "a")
    run_experiment(prepare(loaded.experiment), run, loaded.text, watch=lambda event: None, figures=figures)
    return run


@pytest.mark.parametrize(
    ("dropout", "columns"),
    [
        ("{variant: inverted, rate: 0.5, input_rate: 0.1}", ["input", "hidden1", "hidden2"]),
        ("{variant: standard, rate: [0.5, 0.25]}", ["hidden1", "hidden2"]),
        ("{variant: alpha}", ["hidden1", "hidden2"]),
        ("{variant: batchwise}", ["hidden1", "hidden2"]),
        ("{variant: shakeout, input_rate: 0.1}", ["hidden1", "hidden2", "output"]),
        ("{variant: dropconnect, masks: exact}", ["hidden1", "hidden2"]),
    ],
)
def test_the_realized_rate_stands_beside_the_nominal_one(dropout: str, columns: list[str], tmp_path: Path) -> None:
    """Near it: within 5 standard deviations of what the last batch's draws allow."""
    (row,) = trained(tmp_path, dropout, epochs=1).table("metrics.csv").rows()
    assert [name.split("/")[0] for name in row if name.endswith("/rate")] == columns
    for place in columns:
        nominal, realized = (float(row[f"{place}/dropout/{word}"]) for word in ("rate", "realized_rate"))
        draws = 16 if "batchwise" in dropout else 16 * 40
        assert abs(realized - nominal) < 5 * math.sqrt(nominal * (1 - nominal) / draws)
        assert 0 < realized < 1


def test_a_scheduled_rate_is_drawn_and_a_constant_one_is_not(tmp_path: Path) -> None:
    """`rates.png` stands where something moved; a rate that follows a plan is not called unsettled."""
    steady = trained(tmp_path, "{variant: inverted}", epochs=2, figures=True)
    moving = trained(tmp_path, "{variant: inverted, rate_schedule: linear}", epochs=4, figures=True)
    assert not (steady.path / "rates.png").exists()
    assert moving.read("rates.png").startswith(b"\x89PNG") and b"rates.png" in moving.read("MANIFEST.sha256")
    assert moving.summary()["still_moving"] == []
    rates = [float(row["hidden1/dropout/rate"]) for row in moving.table("metrics.csv").rows()]
    assert rates == sorted(rates) and rates[-1] == 0.5


@pytest.mark.parametrize("variant", ["inverted", "shakeout"])
def test_nothing_is_realized_where_nothing_is_dropped_any_more(variant: str, tmp_path: Path) -> None:
    """After the cutoff of an early schedule, no share of an older mask is left in the table."""
    rows = trained(tmp_path, f"{{variant: {variant}, rate_schedule: early}}", epochs=2).table("metrics.csv").rows()
    place = "output" if variant == "shakeout" else "hidden1"
    assert [float(rows[-1][f"{place}/dropout/{word}"]) for word in ("rate", "realized_rate")] == [0, 0]


def test_a_learned_rate_that_has_not_settled_is_named(tmp_path: Path) -> None:
    """In the summary and in the log; a settled one is not."""
    run = trained(tmp_path, "{variant: concrete, start: 0.5}", epochs=2)
    found = run.summary()["still_moving"]
    rows = list(csv.DictReader(run.read("metrics.csv").decode().splitlines()))
    columns = [name for name in rows[0] if name.endswith("/rate")]
    moved = {name: abs(float(rows[-1][name]) - float(rows[0][name])) for name in columns}
    assert found == [name for name in columns if moved[name] > 0.01] != []
    assert all(f"{name}: still changing" in run.read("log.txt").decode() for name in found)


@pytest.mark.parametrize(
    ("column", "values", "moves"),
    [
        ("a/dropout/rate", [0.1] * 9 + [0.111], True),
        ("a/dropout/rate", [0.1] * 9 + [0.109], False),
        ("a/dropout/rate", [0.5] + [0.1] * 9, False),
        ("a/dropout/alpha", [0.5] * 9 + [0.53], True),  # as rates .333 and .346
        ("a/dropout/alpha", [0.01] * 9 + [0.018], False),  # as rates .0099 and .0177
        ("a/dropout/realized_rate", [0.1, 0.9], False),
        ("val_loss", [1.0, 9.0], False),
        ("a/dropout/rate", [0.3], False),
        ("a/dropout/rate", [0.1, 0.3], True),
    ],
)
def test_moving_means_a_hundredth_over_the_last_tenth(column: str, values: list[float], moves: bool) -> None:
    """Of the rate; alpha counts as the rate that it stands for; one epoch tells nothing."""
    learned: dict[str, Callable[[float], float]] = {"a/dropout/rate": float, "a/dropout/alpha": equivalent_rate}
    assert unconverged(learned, {column: values}) == ([column] if moves else [])


def test_the_figure_has_a_panel_per_quantity_and_the_same_bytes_again() -> None:
    """Taller with each; units are lines."""
    history = {"a/dropout/rate": [0.1, 0.2], "a/dropout/realized_rate": [0.1, 0.22], "val_loss": [1.0, 2.0]}
    one = plots.rate_curves(history)
    two = plots.rate_curves(history | {"a/dropout/alpha": [0.1, 0.3]})
    height = [int.from_bytes(png[20:24], "big") for png in (one, two)]
    assert height[1] > 1.7 * height[0] and plots.rate_curves(history) == one
    assert plots.has_rate_changes(history) and not plots.has_rate_changes({"val_loss": [1.0, 2.0]})
    assert plots.has_rate_changes({"a/dropout/realized_rate": [0.5, 0.5]})
