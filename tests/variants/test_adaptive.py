"""Adaptive dropout: the rule, where it rests, and what it says when it runs away."""

from pathlib import Path

import numpy as np
import pytest

from dropout_cli import config
from dropout_cli.core.errors import ConfigError
from dropout_cli.core.rng import Noise, stream
from dropout_cli.runs import Run
from dropout_cli.training.run import run_experiment
from dropout_cli.training.setup import prepare
from dropout_cli.variants import Location
from dropout_cli.variants.adaptive import Adaptive, AdaptiveNoise
from dropout_cli.variants.toolkit.masks import bernoulli

PLACE = Location(path="a", kind="hidden", index=0, count=1, fan_in=4, examples=1, steps=1)


def layer(rate: float = 0.5) -> AdaptiveNoise:
    """The noise alone, at the slides' settings."""
    return AdaptiveNoise(Adaptive(), rate, PLACE)


def after(level: float, steps: int, start: float = 0.5) -> float:
    """The rate after so many steps at that mean magnitude."""
    noisy, noise = layer(start), Noise(0, 1)
    for _ in range(steps):
        noisy.forward(np.full((3, 4), -level), train=True, noise=noise)
    return float(noisy.state()["a/dropout/rate"][0])


@pytest.mark.parametrize(
    ("level", "steps", "rate"),
    [
        (0.8, 1, 0.51),
        (0.2, 1, 0.49),
        (0.5, 100, 0.5),
        (0.699, 9, 0.5),
        (0.301, 9, 0.5),
        (0.8, 100, 0.9),
        (0.2, 100, 0.1),
    ],
)
def test_the_rate_follows_the_rule(level: float, steps: int, rate: float) -> None:
    """Up above .7, down below .3, at rest between, never beyond .1 and .9."""
    assert after(level, steps) == pytest.approx(rate, abs=1e-12)


def test_a_bound_is_forty_steps_away() -> None:
    """At 39 it is not reached yet."""
    assert after(1.0, 39) < 0.9 - 0.005 and after(1.0, 40) == pytest.approx(0.9)


def test_the_mask_is_drawn_at_the_new_rate() -> None:
    """y = m (.) a / q, q after the rule has moved it, and dx = dy (.) m / q."""
    noisy, x = layer(), stream(0, "test:x").standard_normal((6, 4)) + 5
    y = noisy.forward(x, train=True, noise=Noise(0, 1))
    kept = bernoulli(x.shape, 0.51, Noise(0, 1)["a/dropout"])
    np.testing.assert_allclose(y, x * kept / 0.49, rtol=2e-5)
    assert np.array_equal(noisy.backward(np.ones_like(x)) > 0, kept)


@pytest.mark.parametrize(("train", "noise"), [(False, None), (True, None), (False, Noise(0, 1))])
def test_the_rate_rests_unless_training_and_noise_are_both_on(train: bool, noise: Noise | None) -> None:
    """In evaluation, and in Monte Carlo, where only noise is on."""
    noisy = layer()
    noisy.forward(np.full((3, 4), 9.0), train=train, noise=noise)
    assert noisy.state()["a/dropout/rate"][0] == 0.5


@pytest.mark.parametrize(
    ("settings", "fact"),
    [
        ("low: 0.8", "low: 0.8 is above high, 0.7"),
        ("min_rate: 0.6, max_rate: 0.5", "min_rate: 0.6 is above max_rate, 0.5"),
        ("rate: 0.95", r"rate: must be between min_rate \(0.1\) and max_rate \(0.9\)"),
        ("input_rate: 0.05", "input_rate: must be between min_rate"),
    ],
)
def test_contradictions_are_refused(settings: str, fact: str, tmp_path: Path) -> None:
    """At the key they are about."""
    (tmp_path / "a.yaml").write_text(f"dataset: digits\ndropout: {{variant: adaptive, {settings}}}\n")
    with pytest.raises(ConfigError, match=fact.replace("_", r".?_?")):
        config.load_config(tmp_path / "a.yaml")


def test_a_rate_at_its_upper_bound_is_warned_of(tmp_path: Path) -> None:
    """Standardized inputs with the input place on drive it there; the summary and the log say so, and where."""
    (tmp_path / "a.yaml").write_text(
        "dataset: {name: digits, scaling: standardize}\narchitecture: {name: mlp, hidden: [16]}\n"
        "dropout: {variant: adaptive, input_rate: 0.5, high: 0.2, low: 0.1}\ntraining: {epochs: 4}\n"
    )
    loaded = config.load_config(tmp_path / "a.yaml")
    run = Run.create(tmp_path / "runs", "a")
    summary = run_experiment(prepare(loaded.experiment), run, loaded.text, watch=lambda event: None, figures=False)
    assert any("input/dropout: the adaptive rate ended at max_rate, 0.9" in text for text in summary["warnings"])
    assert summary["warnings"][0] in run.read("log.txt").decode()
    rows = run.table("metrics.csv").rows()
    assert float(rows[-1]["input/dropout/rate"]) == pytest.approx(0.9)
    assert float(rows[-1]["input/dropout/realized_rate"]) == pytest.approx(0.9, abs=0.05)
