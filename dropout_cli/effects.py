"""What dropout does to the hidden activations of a trained network: the same examples under each rate.

The network is built anew with each rate and gets the run's weights; nothing is trained. Draws come from the
same streams under every rate, so that what a mask drops at a lower rate is dropped at a higher one too. Shown
is the output of each hidden unit, its own noise included. Noise on what enters a layer (concrete,
variational, shakeout, dropconnect) shows in what that layer makes of it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np

from dropout_cli import metrics, plots, trained
from dropout_cli.arrays import Array
from dropout_cli.data.dataset import Batches
from dropout_cli.errors import UsageError
from dropout_cli.nn.layer import Layer, NoiseSource
from dropout_cli.nn.sequential import Sequential
from dropout_cli.preparation import build, computing
from dropout_cli.runs import Run
from dropout_cli.streams import Noise
from dropout_cli.trained import Trained
from dropout_cli.variants import VARIANTS, Variant
from dropout_cli.variants.rate_schedules import Constant

EXAMPLES = 100
RATES = (0.0, 0.3, 0.5, 0.7)
MOST_RATES = 12
"""As many columns as a figure can hold."""


@dataclass(frozen=True)
class Effect:
    """What one hidden layer put out under one setting of the noise."""

    layer: str
    setting: float | str
    """The rate, or `off` and `on` or `as learned` where there is none to set."""
    activations: Array
    """(examples, units)."""

    def numbers(self) -> dict[str, Any]:
        """A row of `effects.csv`."""
        a = self.activations.astype(np.float64)
        return {
            "layer": self.layer,
            "rate": self.setting,
            "mean": float(a.mean()),
            "sd": float(a.std()),
            "share_of_zeros": float(np.mean(a == 0)),
            "smallest": float(a.min()),
            "largest": float(a.max()),
            "examples": a.shape[0],
            "units": a.shape[1],
        }


def show(
    run: Run, rates: Sequence[float] | None = None, *, examples: int | None = None
) -> tuple[str, list[dict[str, Any]]]:
    """Write the hidden activations of the first `examples` test examples to `after/effects-<arguments>/`.

    `examples`: None for EXAMPLES, or all where there are fewer. `rates` in [0, 1); None: RATES, or noise off and on
    where the variant has no rate that could be set. Returns the folder's path and the rows of `effects.csv`.
    Raises UsageError, DataError or RunFailed.
    """
    found = trained.load(run)
    law, most = found.experiment.dropout, len(found.dataset.test)
    examples = min(EXAMPLES, most) if examples is None else examples
    if not 1 <= examples <= most:
        raise UsageError("--examples", f"must be from 1 to {most}, the number of test examples, got {examples}")
    rates = None if rates is None else list(dict.fromkeys(rates))
    settings = _settings(law, rates)
    with computing(found.experiment):
        effects = [one for setting in settings for one in _under(setting, found, examples)]
    if not effects:
        raise UsageError(str(run.path), "this network has no dense hidden layers to show", "Take a run of mlp or cnn.")
    rows = [effect.numbers() for effect in effects]
    title = f"{VARIANTS.name_of(type(law))} on {found.dataset.name}: {examples} examples down, hidden units across"
    figure = plots.effects(
        {(one.layer, one.setting): one.activations for one in effects},
        {(row["layer"], row["rate"]): _caption(row) for row in rows},
        title,
    )
    table = metrics.csv_bytes([list(rows[0]), *(list(row.values()) for row in rows)])
    asked = "" if rates is None else "-r" + "+".join(f"{rate:g}" for rate in rates)
    folder = run.write_after(f"effects{asked}-n{examples}", {"effects.png": figure, "effects.csv": table})
    return str(folder), rows


Setting: TypeAlias = tuple[float | str, Variant, bool]
"""The rate or a word for it, the law, and whether there is noise."""


def _settings(law: Variant, rates: Sequence[float] | None) -> list[Setting]:
    """What the columns show. Raises UsageError for rates that make no sense, or none with this law."""
    name, learns = VARIANTS.name_of(type(law)), law.learns != "nothing"
    if learns or not hasattr(law, "rate"):
        if rates is not None:
            fact = f"{name} learns how much it drops" if learns else f"{name} has no rate to set"
            raise UsageError("--rates", fact, "Leave --rates out to see its noise off and on.")
        return [("off", law, False), ("as learned" if learns else "on", law, True)]
    rates = RATES if rates is None else rates
    if not 1 <= len(rates) <= MOST_RATES:
        raise UsageError("--rates", f"takes 1 to {MOST_RATES} rates, got {len(rates)}")
    for rate in rates:
        if not 0 <= rate < 1:
            fact = f"must be at least 0 and below 1, got {rate:g} (rate is the probability of dropping)"
            raise UsageError("--rates", fact)
    # A schedule would put another rate in force than the one that is named.
    steady: dict[str, Any] = {"rate_schedule": Constant()} if hasattr(law, "rate_schedule") else {}
    return [(rate, replace(law, rate=rate, **steady), True) for rate in rates]  # type: ignore[type-var]


def _under(setting: Setting, found: Trained, examples: int) -> Iterator[Effect]:
    """The hidden layers' outputs under one setting, with the weights that count."""
    rate, law, noisy = setting
    network = build(replace(found.experiment, dropout=law), found.dataset)
    with found.learner.averaged() as source:
        for key, parameter in source.parameters().items():
            network.parameters()[key].value[...] = parameter.value
        network.load_state(source.state())
    x, _ = Batches(found.dataset, found.dataset.test, examples).take(slice(0, examples))
    noise = Noise(found.experiment.seed, 0, role="effects") if noisy else None
    for path, activations in hidden(network, x, noise):
        yield Effect(path, rate, activations)


def hidden(network: Sequential, x: Array, noise: NoiseSource) -> Iterator[tuple[str, Array]]:
    """Pass x through the network, and yield each hidden unit's path and a copy of its output (N, units)."""
    for layer in network.layers:
        x = layer.forward(x, noise=noise)
        if layer.path.startswith("hidden"):
            yield layer.path, _whole(layer, x).copy()


def _whole(unit: Layer, y: Array) -> Array:
    """What a unit returned, each of its units in its place: under noise, some return the kept ones alone."""
    expanded = getattr(unit, "expanded", None)
    return y if expanded is None else np.asarray(expanded(y))


def _caption(row: dict[str, Any]) -> str:
    return f"mean {row['mean']:.3g}, zeros {100 * row['share_of_zeros']:.0f} %"
