"""Ablation of hidden units: nothing ablated changes nothing, and masks are shared by all examples."""

from pathlib import Path

import numpy as np
import pytest

from dropout_cli.analysis.effects.ablation import (
    ABLATION_DRAWS,
    SCALED,
    UNSCALED,
    ablation_columns,
    ablation_curve,
    ablation_finding,
    inspect_ablation,
)
from dropout_cli.analysis.evaluate import evaluate_run
from dropout_cli.core.rng import stream
from dropout_cli.training import restore
from tests.analysis.effects.test_hidden_layers import CNN, scaled, weights
from tests.small_run import train

DIABETES = "dataset={name: diabetes, scaling: standardize}"


@pytest.mark.parametrize(
    ("override", "metric"),
    [
        ("dropout.rate=0.3", "accuracy"),
        (CNN, "accuracy"),
        (DIABETES, "rmse"),
        ("training.evaluation_batch=50", "accuracy"),
    ],
)
def test_ablating_nothing_gives_the_plain_score_exactly(tmp_path: Path, override: str, metric: str) -> None:
    """It is the score of `dropout eval` on the same examples, for every draw and with or without scaling."""
    run = train(tmp_path, override)
    model = restore.load_model(run)
    found = ablation_curve(run, model, len(model.dataset.test))
    plain = evaluate_run(run, figures=False)[metric]
    assert found.metric == metric and found.shares[0] == 0
    assert all((scores[0] == plain).all() and scores.shape[1] == ABLATION_DRAWS for scores in found.scores.values())


def test_scores_are_those_of_the_masked_network_written_out(tmp_path: Path) -> None:
    """Each draw orders the units of a layer; the first half of them is 0 for all examples, the others are doubled."""
    run = train(tmp_path)
    model = restore.load_model(run)
    found = ablation_curve(run, model, 300)
    half = found.shares.index(0.5)
    for scaling, factor in ((UNSCALED, 1), (SCALED, 2)):
        for draw in range(ABLATION_DRAWS):
            y = scaled(model, 300)
            for layer, units in (("hidden1", 16), ("hidden2", 12)):
                y = np.maximum(y @ weights(model, f"{layer}/W") + weights(model, f"{layer}/b"), 0)
                kept = stream(0, f"ablation:{layer}", draw).permutation(units) >= units // 2
                y = y * kept * factor
            y = y @ weights(model, "output/W") + weights(model, "output/b")
            accuracy = np.mean(y.argmax(axis=1) == model.dataset.test.labels[:300])
            assert found.scores[scaling][half, draw] == pytest.approx(accuracy, abs=1.5 / 300)


def test_ablating_whole_layers_leaves_the_bias_of_the_output(tmp_path: Path) -> None:
    """A hidden layer of one unit loses it at shares above one half; then all examples get one prediction."""
    run = train(tmp_path, "architecture.hidden=[1]", "dropout=none")
    model = restore.load_model(run)
    found = ablation_curve(run, model, 359)
    label = int(np.argmax(weights(model, "output/b")))
    share = np.mean(model.dataset.test.labels[:359] == label)
    for scores in found.scores.values():
        np.testing.assert_allclose(scores[-1], share)


def test_the_band_contains_every_draw_and_the_files_have_its_numbers(tmp_path: Path) -> None:
    """The lowest and the highest of the draws are in the CSV file beside their mean; equal runs give equal bytes."""
    run = train(tmp_path, DIABETES)
    model = restore.load_model(run)
    found = ablation_curve(run, model, 80)
    columns = ablation_columns({"": found})
    assert list(columns) == ["network", "kept units", "share", "rmse", "lowest", "highest"]
    for row, draws in zip(zip(*columns.values(), strict=True), np.vstack(list(found.scores.values())), strict=True):
        assert row[3:] == (draws.mean(), draws.min(), draws.max())
    one, two = (inspect_ablation(run, model, 80).contents(images=True) for _ in range(2))
    assert one == two and {"ablation.csv", "ablation.png", "results.json"} == one.keys()


@pytest.mark.parametrize(
    ("examples", "words"), [(80, "the first 80 of 359 test examples"), (359, "all 359 test examples")]
)
def test_the_finding_names_the_examples_of_its_scores(tmp_path: Path, examples: int, words: str) -> None:
    """A score on some test examples differs from the score of the run, so the sentence says how many there are."""
    run = train(tmp_path)
    (figure,) = inspect_ablation(run, restore.load_model(run), examples).figures
    assert figure.finding.startswith(f"Accuracy on {words} is ") and words in figure.shown
    curve = ablation_curve(run, restore.load_model(run), examples)
    assert f"on {words} with all units and with half of them: " in ablation_finding({"a": curve, "b": curve}, words)
