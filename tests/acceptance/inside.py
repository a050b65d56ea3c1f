"""Certainty, calibration and activations of 2 x 512 units on MNIST, as means of three seeds.

Monte Carlo against weight scaling, strange examples, temperature, and the activations at rates 0 and 0.5 after 8
epochs. At rate 0.2 the network is that of `configs/mnist.yaml`, with 20 epochs.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.acceptance.bars import Bars, mean

SEEDS, PASSES = (0, 1, 2), 100
EPOCHS = {0.0: 8, 0.2: 20, 0.5: 8}
"""Rate -> epochs; the network of `configs/mnist.yaml` with its own rate and epochs is too sure of itself."""
RATES = tuple(EPOCHS)
MAX_PROBABILITY, ENTROPY, INFORMATION = "max_probability", "entropy", "mutual_information"


def study(run: Path, command: str, *options: str) -> dict[str, Any]:
    """Return the JSON object of a command on a run."""
    words = [sys.executable, "-m", "dropout_cli", command, str(run), *options, "--json", "--no-plots"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"dropout {' '.join(words[3:])}: exit code {done.returncode}\n{done.stderr}")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def only(found: dict[str, Any], start: str) -> dict[str, Any]:
    """Return the study whose folder begins with a word."""
    (one,) = (value for key, value in found.items() if key.startswith(start))
    return dict(one)


def look_inside(run: Path, rate: float, passes: int) -> dict[str, Any]:
    """Return the studies of a run that the bars need."""
    found: dict[str, Any] = {"effects": only(study(run, "effects"), "effects-statistics")}
    if rate:
        mc = ("--mc", str(passes // 2))
        found["temperature"] = only(study(run, "eval", "--temperature", *mc), "temperature")
    if rate == RATES[-1]:
        found["curve"] = only(study(run, "eval", "--mc-curve", str(passes)), "mc-curve")
        for source in ("rotate90", "uniform"):
            found[source] = only(study(run, "eval", "--ood", source, *mc), "ood")
    return found


def auroc(found: dict[str, Any], predictor: str, score: str) -> float:
    """Return the AUROC of a score."""
    return next(
        float(one["auroc"]) for one in found["scores"] if (one["prediction"], one["score"]) == (predictor, score)
    )


def nll(found: dict[str, Any], when: str, number: str = "nll", predictor: str = "weight_scaling") -> float:
    """Return a test score before or after the temperature."""
    return float(found["temperature"]["predictors"][predictor]["parts"]["test"][when][number])


if __name__ == "__main__":
    bars = Bars("inside")
    few, passes = bars.few_pictures(), 4 if bars.smoke else PASSES
    inside: dict[float, list[dict[str, Any]]] = {rate: [] for rate in RATES}
    command = ""
    for rate in RATES:
        for seed in SEEDS[:1] if bars.smoke else SEEDS:
            runs = (f"seed={seed}", f"dropout.rate={rate}", f"training.epochs={EPOCHS[rate]}")

            def look(folder: Path, rate: float = rate) -> None:
                """Study the run before it is deleted."""
                inside[rate].append(look_inside(folder, rate, passes))

            *_, command = bars.train("configs/mnist.yaml", *few, *runs, look=look)
    half = inside[0.5]
    counts = [one["passes"] for one in half[0]["curve"]["curve"]]
    for place, count in enumerate(counts):
        if count >= min(20, passes):
            gap = mean(
                [
                    100 * (one["curve"]["curve"][place]["error"] - one["curve"]["weight_scaling"]["error"])
                    for one in half
                ]
            )
            bars.at_most(
                f"percentage points between the errors of {count} passes and of weight scaling",
                abs(gap),
                0.15,
                f"dropout eval RUN --mc-curve {passes}",
            )
    rotated, uniform = "dropout eval RUN --ood rotate90 --mc 50", "dropout eval RUN --ood uniform --mc 50"
    for predictor, score, bar in (
        ("weight_scaling", MAX_PROBABILITY, 0.90),
        ("monte_carlo", MAX_PROBABILITY, 0.90),
        ("monte_carlo", ENTROPY, 0.92),
        ("monte_carlo", INFORMATION, 0.92),
    ):
        for source, least, text in (("rotate90", bar, rotated), ("uniform", 0.96, uniform)):
            value = mean([auroc(one[source], predictor, score) for one in half])
            bars.at_least(f"AUROC, {source}, {score} of {predictor}", value, least, text)
    temperature = "dropout eval RUN --temperature --mc 50"
    for predictor in ("weight_scaling", "monte_carlo"):
        value = mean([nll(one, "after", "ece", predictor) for one in half])
        bars.at_most(f"ECE of {predictor} after its temperature, rate 0.5", value, 0.005, temperature)
    falls = mean([nll(one, "before") - nll(one, "after") for one in inside[0.2]])
    bars.at_least("fall of the test NLL by the temperature, rate 0.2, 20 epochs", falls, 0.01, temperature)
    for name in ("mean", "within_class_correlation"):
        for layer in half[0]["effects"]["layers"]:
            none, some = (
                mean([float(one["effects"]["layers"][layer][name]) for one in inside[rate]]) for rate in (0.0, 0.5)
            )
            bars.at_most(f"{name} of {layer}: rate 0.5 divided by rate 0", some / none, 1, "dropout effects RUN")
    bars.end()
