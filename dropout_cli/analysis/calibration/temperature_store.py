"""The temperatures stored beside a run, one for each predictor.

They are in `after/temperature/results.json`. A temperature belongs to the weights that it was fitted to, which the
digest of their checkpoint identifies.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from dropout_cli.analysis.inspection import RESULTS
from dropout_cli.analysis.predictors import PREDICTORS
from dropout_cli.core.errors import UsageError
from dropout_cli.core.shell_words import quote_word
from dropout_cli.core.text import counted, significant
from dropout_cli.metrics.calibration.temperature import MAX_TEMPERATURE, apply_temperature
from dropout_cli.runs import Run
from dropout_cli.tasks import Prediction
from dropout_cli.training.restore import CHECKPOINT_FILES, evaluated_checkpoint

FOLDER = "temperature"
ALL_NOISE = "monte_carlo_all_noise"
KINDS = {**PREDICTORS, ALL_NOISE: f"{PREDICTORS['monte_carlo']} with all noise"}
"""Key of a stored temperature -> name of the predictor for people."""


def pass_kind(all_noise: bool) -> str:
    """Return the key of the mean of Monte Carlo passes.

    Args:
        all_noise: True if the passes draw the noise of the training, too; they are then another predictor.
    """
    return ALL_NOISE if all_noise else "monte_carlo"


def temperature_text(value: float) -> str:
    """Return a temperature with three significant digits, or `22,026` for a large one."""
    return f"{value:,.0f}" if value >= 1_000 else significant(value, 3)


@dataclass(frozen=True)
class StoredTemperature:
    """A temperature of one predictor."""

    temperature: float
    kind: str
    """A key of KINDS."""
    passes: int | None
    """Number of Monte Carlo passes that it was fitted to."""
    weights: str
    """SHA-256 of the checkpoint."""
    entry: Mapping[str, Any]
    """All stored numbers."""

    def notices(self, passes: int | None) -> list[str]:
        """Return a message if the number of passes differs from that of the fit."""
        if self.passes is None or passes == self.passes:
            return []
        return [
            f"The temperature was fitted to the mean of {counted(self.passes, 'pass')}; this is the mean of {passes}."
        ]


def stored_temperatures(run: Run) -> dict[str, StoredTemperature]:
    """Return all stored temperatures, by key of KINDS.

    Raises:
        UsageError: The file is damaged.
    """
    place = f"after/{FOLDER}/{RESULTS}"
    if not run.has_file(place):
        return {}
    try:
        entries = json.loads(run.read(place))["results"]["predictors"]
        return {kind: _read_entry(kind, entry) for kind, entry in entries.items() if kind in KINDS}
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        way_out = f"Delete the folder {run.path / 'after' / FOLDER}, then use `dropout eval RUN --temperature` again."
        raise UsageError(str(run.path / place), f"is damaged ({error})", way_out) from None


def _read_entry(kind: str, entry: Mapping[str, Any]) -> StoredTemperature:
    value, passes = entry["temperature"], entry["passes"]
    if not (isinstance(value, float) and math.isfinite(value) and 0 < value <= MAX_TEMPERATURE * 1.001):
        raise ValueError(f"{value!r} is not a temperature")
    if not (passes is None or (type(passes) is int and passes > 0)):
        raise ValueError(f"{passes!r} is not a number of passes")
    return StoredTemperature(value, kind, passes, str(entry["weights"]), entry)


def find_temperatures(run: Run, checkpoint: str) -> dict[str, StoredTemperature]:
    """Return the temperatures that were fitted to the weights of a checkpoint.

    Args:
        run: The run.
        checkpoint: `best` or `last`.

    Raises:
        UsageError: The file is damaged.
    """
    found = stored_temperatures(run)
    weights = run.digest(CHECKPOINT_FILES[checkpoint]) if found else ""
    return {kind: one for kind, one in found.items() if one.weights == weights}


def require_temperature(run: Run, kind: str, runs: int = 1) -> StoredTemperature:
    """Return the temperature of a predictor with the evaluated weights of a run.

    Args:
        run: The run.
        kind: A key of KINDS.
        runs: Number of runs that predict together.

    Raises:
        UsageError: There is none, or it was fitted to other weights.
    """
    checkpoint = evaluated_checkpoint(run)
    found = find_temperatures(run, checkpoint).get(kind)
    if found is not None:
        return found
    options, predictor = {
        "weight_scaling": ("", "predictions without noise"),
        "monte_carlo": (" --mc T", "the mean of Monte Carlo passes"),
        ALL_NOISE: (" --mc T --mc-noise all", "the mean of Monte Carlo passes with all noise"),
    }[kind]
    known = kind in stored_temperatures(run)
    fact = (
        f"the temperature of {run.name} was fitted to other weights than those of checkpoint '{checkpoint}'"
        if known
        else f"{run.name} has no temperature for {predictor}"
    )
    if runs > 1:
        fact += f", and each of the {runs} runs needs one"
    raise UsageError(
        "--temperature", fact, f"Fit it with `dropout eval {quote_word(str(run.path))} --temperature{options}`."
    )


def apply_to_prediction(prediction: Prediction, temperature: float) -> Prediction:
    """Return the probabilities of a classifier at a temperature.

    Args:
        prediction: With `log_probabilities`, (N, C).
        temperature: Above 0; 1 changes nothing.
    """
    if temperature == 1:
        return prediction
    log_probs = apply_temperature(prediction["log_probabilities"], temperature)
    return {"probabilities": np.exp(log_probs), "log_probabilities": log_probs}
