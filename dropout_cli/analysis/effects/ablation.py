"""The score of a network against the share of its hidden units that are set to 0.

A draw puts the units of every hidden layer in a random order, and the first ones are set to 0: so a unit that is
ablated at a small share is also ablated at a larger one. All examples and all layers share a draw. In a layer of
feature maps, whole channels are ablated. The kept units are either left as they are (`unscaled`), or multiplied by
1 / (1 - share), as inverted dropout does (`scaled`). Morcos et al. 2018, arXiv:1803.06959.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import product

import numpy as np

from dropout_cli.analysis.effects.hidden_layers import (
    NetworkUnit,
    forward_hidden,
    network_units,
    read_in_batches,
    words_for_examples,
)
from dropout_cli.analysis.inspection import Inspection, InspectionFigure
from dropout_cli.core.rng import stream
from dropout_cli.core.text import significant
from dropout_cli.core.types import Array
from dropout_cli.runs import Run
from dropout_cli.training.restore import LoadedModel

VECTOR_SHARES = (0.0, 0.125, 0.25, 0.375, 0.5, 0.625, 0.75, 0.875)
MAP_SHARES = (0.0, 0.25, 0.5, 0.75)
"""Shares of ablated units; fewer for networks with feature maps, whose passes take longer."""
ABLATION_DRAWS = 5
UNSCALED, SCALED = "unscaled", "scaled"


@dataclass(frozen=True)
class AblationCurve:
    """Scores of a network with ablated units."""

    metric: str
    """The headline metric of the task, such as `accuracy`."""
    shares: tuple[float, ...]
    scores: dict[str, Array]
    """`unscaled` and `scaled` -> (shares, draws)."""


def ablation_curve(run: Run, model: LoadedModel, examples: int) -> AblationCurve:
    """Return the score at each share of ablated units.

    Args:
        run: The run.
        model: Its model.
        examples: The number of test examples, from the first on.

    Raises:
        UsageError: The network has no hidden layers.
    """
    units = network_units(run, model)
    first = next(place for place, unit in enumerate(units) if unit.is_hidden)
    shares = MAP_SHARES if model.experiment.architecture.has_maps else VECTOR_SHARES
    kinds = list(product((UNSCALED, SCALED), shares, range(ABLATION_DRAWS)))
    outputs: dict[tuple[str, float, int], list[Array]] = {kind: [] for kind in kinds}
    part = model.dataset.test
    with model.learner.averaged():
        masks = _Masks(model.experiment.seed)
        for _, x in read_in_batches(model, part, examples):
            # All ablations change the output of this layer first, so that it is computed once.
            before = forward_hidden(units[:first], x, lambda _, y: y)
            before = units[first].forward(before)
            for kind in kinds:
                if not kind[1] and kind != kinds[0]:  # nothing is ablated, as in the first kind
                    outputs[kind].append(outputs[kinds[0]][-1])
                    continue
                ablate = partial(masks.ablate, *kind)
                y = forward_hidden(units[first + 1 :], ablate(units[first], before), ablate)
                outputs[kind].append(y.copy())
    labels = part.labels[:examples]
    metric = model.task.headline_metric
    scores = {kind: model.task.evaluate(np.concatenate(pieces), labels)[metric] for kind, pieces in outputs.items()}
    return AblationCurve(
        metric,
        shares,
        {
            scaling: np.array([[scores[scaling, share, draw] for draw in range(ABLATION_DRAWS)] for share in shares])
            for scaling in (UNSCALED, SCALED)
        },
    )


class _Masks:
    """The order in which units are ablated, by layer and draw."""

    def __init__(self, seed: int) -> None:
        """Draw nothing yet.

        Args:
            seed: The seed of the run.
        """
        self._seed = seed
        self._places: dict[tuple[str, int], Array] = {}

    def ablate(self, scaling: str, share: float, draw: int, unit: NetworkUnit, y: Array) -> Array:
        """Return the output of a hidden layer with a share of its units set to 0.

        The factor uses the share of the layer's units that are in fact 0.
        """
        count = y.shape[-1]
        ablated = round(share * count)
        if not ablated:
            return y
        if (unit.name, draw) not in self._places:
            self._places[unit.name, draw] = stream(self._seed, f"ablation:{unit.name}", draw).permutation(count)
        factor = count / (count - ablated) if scaling == SCALED and ablated < count else 1.0
        return np.asarray(y * np.where(self._places[unit.name, draw] < ablated, 0, factor).astype(y.dtype))


def inspect_ablation(run: Run, model: LoadedModel, examples: int) -> Inspection:
    """Return the study of a run with ablated units.

    Args:
        run: The run.
        model: Its model.
        examples: The number of test examples, from the first on.

    Raises:
        UsageError: The network has no hidden layers.
    """
    found = ablation_curve(run, model, examples)
    words = words_for_examples([model], examples)
    figure = InspectionFigure(
        "ablation",
        "effects_ablation",
        ablation_columns({"": found}),
        ablation_finding({"": found}, words),
        f"{model.dataset.name}, {words}: mean and range of {ABLATION_DRAWS} draws",
    )
    rows = [list(row[1:]) for row in _rows({"": found})]
    return Inspection(
        "effects-ablation",
        "Ablation of hidden units",
        {"examples": examples, "metric": found.metric, "draws": ABLATION_DRAWS, "scores": ablation_numbers(found)},
        ["kept units", "share ablated", f"mean {found.metric}", "lowest", "highest"],
        rows,
        [figure],
    )


def ablation_numbers(found: AblationCurve) -> dict[str, list[dict[str, float]]]:
    """Return the curve as JSON values: `unscaled` and `scaled`, each with an entry per share."""
    names = ("share", "mean", "lowest", "highest")
    return {
        scaling: [dict(zip(names, row[2:], strict=True)) for row in _rows({"": found}) if row[1] == scaling]
        for scaling in found.scores
    }


def ablation_columns(found: Mapping[str, AblationCurve]) -> dict[str, list[object]]:
    """Return the columns of the figure.

    Args:
        found: Name of a network -> its curve; an empty name if there is one network.
    """
    rows = list(_rows(found))
    metric = next(iter(found.values())).metric
    names = ("network", "kept units", "share", metric, "lowest", "highest")
    return {name: [row[place] for row in rows] for place, name in enumerate(names)}


def ablation_finding(found: Mapping[str, AblationCurve], examples: str) -> str:
    """Return the score with all units and with half of them.

    Args:
        found: Name of a network -> its curve; an empty name if there is one network.
        examples: The examples in words.
    """
    metric = next(iter(found.values())).metric
    words = {"rmse": "RMSE"}.get(metric, metric.capitalize())
    texts = []
    for name, one in found.items():
        places = ((UNSCALED, 0.0), (UNSCALED, 0.5), (SCALED, 0.5))
        scores = [float(one.scores[scaling][one.shares.index(share)].mean()) for scaling, share in places]
        whole, half, scaled = (significant(score, 3) for score in scores)
        if not name:
            scores_text = f"{whole} with all units and {half} with half of them ({scaled} if those are scaled up)"
            return f"{words} on {examples} is {scores_text}"
        texts.append(f"{whole} and {half} ({name})")
    return f"{words} on {examples} with all units and with half of them: {', '.join(texts)}"


def _rows(found: Mapping[str, AblationCurve]) -> Iterator[tuple[str, str, float, float, float, float]]:
    for name, one in found.items():
        for scaling, scores in one.scores.items():
            for share, draws in zip(one.shares, scores, strict=True):
                yield name, scaling, share, float(draws.mean()), float(draws.min()), float(draws.max())
