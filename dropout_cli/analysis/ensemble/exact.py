"""All masks of a network with few noisy units, each weighted by its probability.

A network whose n units are dropped independently is one of 2^n networks. Their arithmetic mean is the limit of Monte
Carlo dropout. Their geometric mean is weight scaling, up to rounding, if no nonlinearity but one softmax is above the
noise; for linear outputs of a regression, the arithmetic mean is. Else weight scaling is an approximation.

Baldi & Sadowski 2013, NeurIPS 26; Srivastava et al. 2014, JMLR 15:1929-1958.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dropout_cli.analysis.ensemble import wording
from dropout_cli.analysis.ensemble.sampled import predicted, require_noise, scoring_of
from dropout_cli.analysis.ensemble.scoring import AVERAGES, ClassScoring
from dropout_cli.analysis.inspection import Inspection, InspectionFigure
from dropout_cli.analysis.predictors import find_part
from dropout_cli.core.errors import UsageError
from dropout_cli.core.rng import Noise
from dropout_cli.core.text import counted, significant
from dropout_cli.core.types import Array
from dropout_cli.data.dataset import BatchReader, Dataset, Part
from dropout_cli.metrics.ensembles import all_masks
from dropout_cli.nn.layers.base import Layer, NoiseSource
from dropout_cli.nn.layers.dense import Dense
from dropout_cli.nn.layers.flatten import Flatten
from dropout_cli.nn.layers.sequential import Sequential
from dropout_cli.runs import Run
from dropout_cli.training import forward_passes, restore
from dropout_cli.training.setup import thread_limit
from dropout_cli.variants import VARIANTS
from dropout_cli.variants.toolkit.activation_noise import NoisyActivation
from dropout_cli.variants.toolkit.masks import keep_probability

MOST_UNITS = 12
"""The most noisy units: 2^12 networks."""
MOST_POINTS = 400
"""The most examples in the figure."""


class GivenMask(Layer):
    """Multiplies the units of each example by a mask that is set from outside."""

    def __init__(self, path: str, shape: Sequence[int], kept: float) -> None:
        """Start with a mask that keeps all units.

        Args:
            path: The path of the layer that it replaces.
            shape: The shape of the units of one example.
            kept: The multiplier of a kept unit.
        """
        super().__init__(path)
        self._kept = kept
        self.size = math.prod(shape)
        self.mask = np.full((1, *shape), kept, np.float32)

    def set_mask(self, kept: Array) -> None:
        """Set the mask.

        Args:
            kept: (size,) of bool, True for kept.
        """
        self.mask[...] = np.where(kept, self._kept, 0.0).reshape(self.mask.shape)

    def forward(self, x: Array, *, train: bool = False, noise: NoiseSource = None) -> Array:
        """Return the masked units."""
        return np.asarray(x * self.mask)

    def backward(self, dy: Array) -> Array:
        """Return the masked gradient."""
        return np.asarray(dy * self.mask)


@dataclass(frozen=True)
class MaskedNetwork:
    """A network with given masks in the place of its noise."""

    before: Sequential | None
    """The layers before the first mask."""
    after: Sequential
    """The layers from the first mask on."""
    given: Sequence[GivenMask]
    keep: Sequence[float]
    """The probability of keeping each unit."""
    is_linear: bool
    """True if the layers above the masks, except for a final softmax, are linear."""

    def networks(self, dataset: Dataset, part: Part, batch: int) -> Iterator[tuple[float, Array]]:
        """Yield the weight and the outputs of each masked network.

        Args:
            dataset: The data, for the scaling.
            part: The examples.
            batch: Examples per forward pass.
        """
        x, _ = BatchReader(dataset, part, len(part), self.after.dtype).take(slice(0, len(part)))
        starts = range(0, len(part), batch)
        pieces = [x[start : start + batch] for start in starts]
        if self.before is not None:
            pieces = [self.before.forward(piece).copy() for piece in pieces]
        masks, weights = all_masks(self.keep)
        for mask, weight in zip(masks, weights.tolist(), strict=True):
            first = 0
            for layer in self.given:
                layer.set_mask(mask[first : first + layer.size])
                first += layer.size
            yield weight, np.concatenate([self.after.forward(piece).copy() for piece in pieces])


def with_given_masks(network: Layer, example: Array, *, place: str, variant: str) -> MaskedNetwork:
    """Return the network with masks that can be set, in the place of its noise.

    Args:
        network: The network.
        example: One example, (1, ...).
        place: The run, for messages.
        variant: The name of its variant, for messages.

    Raises:
        UsageError: The noise is not a mask of independent units, or there are too many units.
    """
    assert isinstance(network, Sequential)
    before, rest = network.split_at_noise(example, Noise(0, 0, training=False, shared=True))
    x, above, given, keep = example, list[Layer](), list[GivenMask](), list[float]()
    for layer in before:
        x = layer.forward(x)
    for layer in rest:
        drops = layer.draws() and layer.noise_kind == "dropout"
        if drops and not (isinstance(layer, NoisyActivation) and layer.kept_multiplier() is not None):
            fact = f"--exact needs noise that drops each unit independently, and the variant {variant} does not"
            raise UsageError(place, fact, "Choose a run with the variant inverted or standard, or leave out --exact.")
        y = layer.forward(x)
        if drops:
            assert isinstance(layer, NoisyActivation)
            kept = layer.kept_multiplier()
            assert kept is not None
            given.append(GivenMask(layer.path, x.shape[1:], kept))
            keep += [keep_probability(layer.rate)] * given[-1].size
        above.append(given[-1] if drops else layer)
        x = y.copy()
    if len(keep) > MOST_UNITS:
        fact = f"--exact works with at most {MOST_UNITS} units and inputs with noise, and there are {len(keep):,}"
        raise UsageError(place, fact, "Leave out --exact to study sampled networks.")
    linear = all(isinstance(layer, GivenMask | Dense | Flatten) for layer in above)
    return MaskedNetwork(
        Sequential("before the noise", before) if before else None,
        Sequential("from the noise on", above),
        given,
        keep,
        linear,
    )


def study_all_masks(
    run: Run, *, split: str = "test", checkpoint: str | None = None, allow_changed_data: bool = False
) -> Inspection:
    """Compare the means over all masks with weight scaling.

    Args:
        run: A run with a checkpoint, and at most MOST_UNITS units with noise.
        split: `train`, `val` or `test`.
        checkpoint: `best` or `last`; None: the one that the summary names.
        allow_changed_data: True to accept data that differ from those of the training.

    Raises:
        UsageError: The network has too many units with noise, none, or noise of another kind.
        DataError: The data are missing or have changed.
        RunFailed: The checkpoint is damaged, or the network does not predict finite numbers.
    """
    trained = restore.load_model(run, checkpoint, allow_changed_data=allow_changed_data)
    dataset, experiment, task = trained.dataset, trained.experiment, trained.task
    part, batch = find_part(trained, split), experiment.training.evaluation_batch
    scoring = scoring_of(task, part.labels)
    with thread_limit(experiment), trained.learner.averaged() as network:
        require_noise(run, trained, network, part)
        one = BatchReader(dataset, part, 1, network.dtype).take(slice(0, 1))[0]
        variant = VARIANTS.name_of(type(experiment.dropout))
        masked = with_given_masks(network, one, place=str(run.path), variant=variant)
        scaled = predicted(run, scoring, task, forward_passes.outputs(network, dataset, part, batch=batch))
        weights = all_masks(masked.keep)[1].tolist()
        drawn = (predicted(run, scoring, task, outputs) for _, outputs in masked.networks(dataset, part, batch))
        summary = scoring.summarize(drawn, weights)
    units, count = len(masked.keep), len(weights)
    gaps = {
        name: float(np.abs(scoring.averaged(values) - scoring.averaged(scaled)).max())
        for name, values in summary.averages.items()
    }
    rows: list[list[Any]] = [[f"one of {count} masked networks, weighted mean", *summary.single.values(), ""]]
    rows += [[f"{AVERAGES[name]} of all", *scores.values(), gaps[name]] for name, scores in summary.scores.items()]
    scores = scoring.scores(scaled)
    rows.append([wording.WEIGHT_SCALING, *scores.values(), 0.0])
    shown = f"{dataset.name}, {split}, {counted(len(part), 'example')}"
    of = "of one masked network"
    sentences = [wording.decomposition_sentence(name, one_, of) for name, one_ in summary.decompositions.items()]
    if summary.disagreement is not None:
        share = wording.percent(summary.disagreement)
        sentences = [f"Two random masks predict different classes for {share} of the examples.", *sentences]
    return Inspection(
        folder=f"ensemble-exact-{split}-{trained.checkpoint}",
        title=f"All {count:,} masks of {counted(units, 'unit')}",
        numbers={
            "split": split,
            "checkpoint": trained.checkpoint,
            "examples": len(part),
            "units": units,
            "masks": count,
            "single": dict(summary.single),
            **{name: dict(found) for name, found in summary.scores.items()},
            "weight_scaling": dict(scores),
            "largest_difference": gaps,
            **({} if summary.disagreement is None else {"disagreement": summary.disagreement}),
            "decompositions": {name: one_._asdict() for name, one_ in summary.decompositions.items()},
            "linear_above_noise": masked.is_linear,
        },
        headers=("prediction", *scoring.metrics, "largest difference from weight scaling"),
        rows=rows,
        figures=[_figure(scoring, summary.averages, scaled, _finding(scoring, gaps, units, masked.is_linear), shown)],
        sentences=sentences,
    )


def _finding(scoring: Any, gaps: dict[str, float], units: int, is_linear: bool) -> str:
    name = "geometric_mean" if isinstance(scoring, ClassScoring) else "arithmetic_mean"
    mean, gap = f"{AVERAGES[name]} over all 2^{units} masks", significant(gaps[name], 2)
    what = "probability" if isinstance(scoring, ClassScoring) else "prediction"
    if is_linear:
        above = "one softmax layer" if isinstance(scoring, ClassScoring) else "a linear output"
        return (
            f"The {mean} is weight scaling: no {what} differs by more than {gap}, because only {above} is above the "
            "noise."
        )
    return (
        f"The {mean} is not weight scaling: a {what} differs by up to {gap}, because a nonlinearity is above the noise."
    )


def _figure(scoring: Any, averages: Any, scaled: Array, finding: str, shown: str) -> InspectionFigure:
    count = len(scaled)
    rows = np.unique(np.linspace(0, count - 1, min(count, MOST_POINTS)).astype(np.intp))

    def points(values: Array) -> list[float]:
        numbers = scoring.averaged(values)
        of_label = numbers[np.arange(count), scoring.labels] if isinstance(scoring, ClassScoring) else numbers[:, 0]
        return [float(one) for one in of_label[rows]]

    columns = {"weight_scaling": points(scaled), **{name: points(values) for name, values in averages.items()}}
    first = (
        ""
        if isinstance(scoring, ClassScoring) or len(scoring.targets) == 1
        else f", predictions of '{scoring.targets[0]}'"
    )
    return InspectionFigure(
        "averages_over_masks",
        "averages_over_masks",
        {"example": [float(row) for row in rows], **columns},
        finding,
        f"{shown}, of which {len(rows):,} are shown{first}",
    )
