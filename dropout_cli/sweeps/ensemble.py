"""Trained runs of one setting as an ensemble, beside sampled networks of one run.

The trained runs come from their stored test predictions, so that they need no data. They must share the test part.
"""

import hashlib
import re
from collections.abc import Mapping

import numpy as np

from dropout_cli.analysis.ensemble import wording
from dropout_cli.analysis.ensemble.measured import measure_ensemble
from dropout_cli.analysis.ensemble.sampled import SampledEnsemble, sample_ensemble
from dropout_cli.analysis.ensemble.scoring import ClassScoring, EnsembleScoring, NumberScoring
from dropout_cli.analysis.inspection import Inspection
from dropout_cli.core.errors import DropoutError, UsageError
from dropout_cli.core.text import counted
from dropout_cli.core.types import Array
from dropout_cli.metrics import csv_bytes
from dropout_cli.runs import Run
from dropout_cli.sweeps import stored_plan
from dropout_cli.sweeps.folder import SweepFolder
from dropout_cli.sweeps.records import setting_label
from dropout_cli.sweeps.setting_choice import ChosenSetting
from dropout_cli.sweeps.stored_predictions import stored_predictions
from dropout_cli.training import restore

TRAINED = "trained runs"
SAME_SPLIT = "Make a sweep with --splits same, so that every seed has the same test part."


def study_trained_runs(folder: SweepFolder, chosen: ChosenSetting, count: int) -> Inspection:
    """Study the runs of a setting as an ensemble.

    Args:
        folder: The sweep.
        chosen: The setting.
        count: Number of sampled networks of one run, which are shown beside them; at least 2.

    Raises:
        UsageError: Fewer than two runs share a test part, or their predictions are not stored.
    """
    runs, stored, notices = _sharing_test_part(folder, chosen)
    scoring = _scoring(runs[0], stored[0])
    networks = np.stack([scoring.values(one) for one in stored])
    seed = min(record.replicate.seed for record in chosen.group.runs)
    measured = measure_ensemble(TRAINED, scoring, networks, seed=seed)
    ensembles, scaled, metrics = [measured], {}, scoring.metrics
    rows = [*wording.spread_rows(measured), *wording.average_rows(measured)]
    sentences = wording.ensemble_sentences(measured)
    numbers = {
        "setting": dict(chosen.group.values),
        "runs": [run.name for run in runs],
        "examples": len(scoring.labels),
        "trained_runs": wording.ensemble_numbers(measured),
    }
    try:
        sampled = _sampled(runs[0], count)
    except DropoutError as error:
        notices.append(
            f"The sampled networks of a run are not shown. {error.problems[0].place}: {error.problems[0].fact}."
        )
    else:
        # All of this is about one of the trained runs, so each name says which one.
        whose = f" of seed {sampled.seed}"
        networks_of_run = sampled.measured.renamed(f"{sampled.measured.name}{whose}")
        ensembles.append(networks_of_run)
        scaled = {f"{wording.SCALED}{whose}": sampled.scaled}
        rows += [*wording.spread_rows(networks_of_run), *wording.average_rows(networks_of_run)]
        rows.append([f"{wording.WEIGHT_SCALING}{whose}", *(sampled.scaled[metric] for metric in metrics)])
        sentences += wording.ensemble_sentences(networks_of_run)
        numbers["sampled_networks"] = wording.ensemble_numbers(networks_of_run) | {
            "run": runs[0].name,
            "weight_scaling": dict(sampled.scaled),
        }
    singles: list[list[str | float]] = [
        [run.name, *scores.values()] for run, scores in zip(runs, measured.singles, strict=True)
    ]
    shown = f"test, {counted(len(scoring.labels), 'example')}"
    label = setting_label(chosen.group.values)
    return Inspection(
        folder=_folder_name(folder, label),
        title=f"Ensemble of {measured.count} {TRAINED}" + (f" ({label})" if chosen.group.values else ""),
        numbers=numbers,
        headers=("prediction", *metrics),
        rows=rows,
        figures=[wording.curve_figure(ensembles, scaled, shown)],
        sentences=sentences,
        notices=notices,
        files={"networks.csv": csv_bytes([["run", *metrics], *singles])},
    )


def _sharing_test_part(
    folder: SweepFolder, chosen: ChosenSetting
) -> tuple[list[Run], list[Mapping[str, Array]], list[str]]:
    """Return the most runs that share a test part, their stored predictions, and notices."""
    place = str(folder.path)
    if len(chosen.runs) < 2:
        fact = "an ensemble needs at least 2 runs of one setting, and this setting has 1 complete run"
        raise UsageError(place, fact, "Sweep with --seeds 2 or more.")
    parts: dict[bytes, list[tuple[Run, Mapping[str, Array]]]] = {}
    for run in chosen.runs:
        stored = stored_predictions(run)
        shape = str(stored["probabilities" if "probabilities" in stored else "mean"].shape).encode()
        key = shape + b"".join(stored[name].astype(np.float64).tobytes() for name in ("rows", "labels"))
        parts.setdefault(hashlib.sha256(key).digest(), []).append((run, stored))
    most = max(parts.values(), key=len)
    if len(most) < 2:
        fact = (
            f"the {len(chosen.runs)} runs of this setting have different test parts, and an ensemble needs one for all"
        )
        raise UsageError(place, fact, SAME_SPLIT)
    notices = []
    if len(most) < len(chosen.runs):
        notices.append(
            f"{len(most)} of the {len(chosen.runs)} runs are used, which share their test part. {SAME_SPLIT}"
        )
    return [run for run, _ in most], [stored for _, stored in most], notices


def _scoring(run: Run, stored: Mapping[str, Array]) -> EnsembleScoring:
    """Return the scoring of the task of stored predictions."""
    if "probabilities" in stored:
        return ClassScoring(stored["labels"])
    known = run.summary().get("test", {}).get("per_target") or []
    names = [str(one.get("target")) for one in known if isinstance(one, dict)]
    count = stored["mean"].shape[1]
    return NumberScoring(stored["labels"], names if len(names) == count else [f"target {n + 1}" for n in range(count)])


def _sampled(run: Run, count: int) -> SampledEnsemble:
    """Return the sampled networks of a run on its test part."""
    trained = restore.load_model(run)
    return sample_ensemble(run, trained, trained.dataset.test, count)


def _folder_name(folder: SweepFolder, label: str) -> str:
    """Return `ensemble`, with the setting if the sweep has several."""
    plan = stored_plan.read_plan(folder)
    if plan is None or len(plan.groups) < 2:
        return "ensemble"
    name = re.sub(r"[^A-Za-z0-9._+-]+", "-", label).strip("-.")
    if len(name) > 60:
        name = f"{name[:50]}-{hashlib.sha256(label.encode()).hexdigest()[:8]}"
    return f"ensemble-{name}"
