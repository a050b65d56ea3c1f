"""Axes and titles of the figures of a sweep: units, and the sign of the gap."""

import re

import pytest

from dropout_cli import plots
from dropout_cli.sweeps import figures
from dropout_cli.sweeps.findings import figure_findings
from dropout_cli.sweeps.records import RunRecord
from dropout_cli.sweeps.replicates import Replicate
from dropout_cli.sweeps.settings import ComparisonSettings
from dropout_cli.sweeps.sweep_comparison import compare_runs


def overfitted(seed: int, rate: float) -> RunRecord:
    """Return a run that is better on the training part, the more so the lower its rate."""
    train = {"accuracy": 0.99 + 0.001 * seed, "nll": 0.1}
    val = {"accuracy": 0.8 + 0.1 * rate + 0.001 * seed, "nll": 0.5 - 0.1 * rate}
    scores = {name: part | {"per_class": [{"support": 100}]} for name, part in (("train", train), ("val", val))}
    return RunRecord(f"{seed}", {"dropout.rate": rate}, Replicate(seed, 0, 0), scores | {"test": scores["val"]})


@pytest.mark.parametrize(
    ("metric", "gap", "difference"),
    [
        ("test.accuracy", "accuracy, training - validation", "percentage points"),
        ("test.nll", "NLL, validation - training", "difference in test NLL"),
    ],
)
def test_the_gap_is_positive_for_an_overfitted_network(metric: str, gap: str, difference: str) -> None:
    """Accuracy falls and loss rises on the validation part; differences of accuracies have percentage points."""
    records = [overfitted(seed, rate) for seed in range(3) for rate in (0.0, 0.5)]
    evidence = compare_runs(records, ["dropout.rate"], ComparisonSettings(metric))
    with plots.as_svg():
        drawn = dict(figures.draw_sweep_figures(evidence, lambda _: {"val_loss": [], "train_loss": []}))
    texts = {name: " ".join(re.findall(r">([^<>]+)</text>", image.decode())) for name, image in drawn.items()}
    assert gap in texts["gap.png"]
    assert difference in texts["differences.png"]
    assert re.search(r": \+[\d.]+ .*with (rate 0|no dropout)", figure_findings(evidence, {})["gap"])
