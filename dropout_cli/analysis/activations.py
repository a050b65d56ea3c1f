"""What dropout does to the hidden activations of a trained network: the same examples under each rate.

The network is built anew with each rate and gets the run's weights; nothing is trained. Draws come from the
same streams under every rate, so that what a mask drops at a lower rate is dropped at a higher one too. Shown
is the output of each hidden unit, its own noise included. Noise on what enters a layer (concrete,
variational, shakeout, dropconnect) shows in what that layer makes of it.

Of a network with feature maps, the last ones are shown too, of the first test example: with masks drawn pixel by
pixel, and with masks that drop whole maps. Neighbouring pixels of a map say nearly the same, so that the first kind
takes little away.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np

from dropout_cli import metrics, plots
from dropout_cli.core.errors import UsageError
from dropout_cli.core.rng import Noise
from dropout_cli.core.text import counted, significant
from dropout_cli.core.types import Array
from dropout_cli.data.dataset import BatchReader
from dropout_cli.nn.layers.base import NoiseSource
from dropout_cli.nn.layers.network import Network
from dropout_cli.runs import Run
from dropout_cli.training import restore
from dropout_cli.training.restore import LoadedModel
from dropout_cli.training.setup import build_for_dataset, thread_limit
from dropout_cli.variants import VARIANTS, Variant
from dropout_cli.variants.inverted import Inverted
from dropout_cli.variants.spatial import Spatial

DEFAULT_EXAMPLES = 100
DEFAULT_RATES = (0.0, 0.3, 0.5, 0.7)
MAX_RATES = 12
"""As many columns as a figure can hold."""


@dataclass(frozen=True)
class LayerActivations:
    """What one hidden layer put out under one setting of the noise."""

    layer: str
    setting: float | str
    """The rate, or `off` and `on` or `as learned` where there is none to set."""
    activations: Array
    """(examples, units), or maps (examples, height, width, channels)."""

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
            "units": a[0].size,
        }


def write_effects(
    run: Run, rates: Sequence[float] | None = None, *, examples: int | None = None, all_noise: bool = False
) -> tuple[str, list[dict[str, Any]]]:
    """Write the hidden activations of the first `examples` test examples to `after/effects-<arguments>/`.

    Of a network with feature maps, those of the first example are drawn as `maps.png`.

    `examples`: None for EXAMPLES, or all where there are fewer. `rates` in [0, 1); None: RATES, or noise off and on
    where the variant has no rate that could be set. `all_noise`: with input_noise and hidden_noise, which are noise of
    the training, beside that of the dropout. Returns the folder's path and the rows of `effects.csv`.
    Raises UsageError, DataError or RunFailed.
    """
    found = restore.load_model(run)
    law, most = found.experiment.dropout, len(found.dataset.test)
    examples = min(DEFAULT_EXAMPLES, most) if examples is None else examples
    if not 1 <= examples <= most:
        raise UsageError("--examples", f"must be from 1 to {most}, the number of test examples, got {examples}")
    rates = None if rates is None else list(dict.fromkeys(rates))
    settings = _settings(law, rates)
    with thread_limit(found.experiment):
        effects = [one for setting in settings for one in _under(setting, found, examples, all_noise)]
        has_maps = found.experiment.architecture.has_maps
        maps = list(_maps(found, DEFAULT_RATES if rates is None else rates, all_noise)) if has_maps else []
    if not (effects or maps):
        raise UsageError(
            str(run.path), "this network has no hidden layers to show", "Take a run of mlp, cnn or resnet."
        )
    rows = [effect.numbers() for effect in (*effects, *maps)]
    captions = {(row["layer"], row["rate"]): _caption(row) for row in rows}
    files = {"effects.csv": metrics.csv_bytes([list(rows[0]), *(list(row.values()) for row in rows)])}
    name = found.dataset.name
    if effects:
        title = f"{VARIANTS.name_of(type(law))} on {name}: {counted(examples, 'example')} down, hidden units across"
        panels = {(one.layer, one.setting): one.activations for one in effects}
        files["effects.png"] = plots.activation_maps(panels, captions, title)
    if maps:
        panels = {(one.layer, one.setting): one.activations[0] for one in maps}
        files["maps.png"] = plots.feature_maps(panels, captions, f"{name}, test example 0: the last feature maps")
    asked = "" if rates is None else "-r" + "+".join(f"{rate:g}" for rate in rates)
    whole = "-all-noise" if all_noise else ""
    return str(run.write_result(f"effects{asked}-n{examples}{whole}", files)), rows


NoiseSetting: TypeAlias = tuple[float | str, Variant, bool]
"""The rate or a word for it, the law, and whether there is noise."""


def _settings(law: Variant, rates: Sequence[float] | None) -> list[NoiseSetting]:
    """What the columns show. Raises UsageError for rates that make no sense, or none with this law."""
    if not law.takes_rate():
        learns = law.learns is not None
        if rates is not None:
            name = VARIANTS.name_of(type(law))
            fact = f"{name} learns how much it drops" if learns else f"{name} has no rate to set"
            raise UsageError("--rates", fact, "Leave --rates out to see its noise off and on.")
        return [("off", law, False), ("as learned" if learns else "on", law, True)]
    rates = DEFAULT_RATES if rates is None else rates
    if not 1 <= len(rates) <= MAX_RATES:
        raise UsageError("--rates", f"takes 1 to {MAX_RATES} rates, got {len(rates)}")
    for rate in rates:
        if not 0 <= rate < 1:
            fact = f"must be at least 0 and below 1, got {rate:g} (rate is the probability of dropping)"
            raise UsageError("--rates", fact)
    return [(rate, changed, True) for rate in rates if (changed := law.with_rate(rate)) is not None]


def _under(setting: NoiseSetting, found: LoadedModel, examples: int, all_noise: bool) -> Iterator[LayerActivations]:
    """The hidden layers' outputs under one setting, with the weights that count."""
    rate, law, noisy = setting
    network = _rebuilt(found, law)
    x, _ = BatchReader(found.dataset, found.dataset.test, examples).take(slice(0, examples))
    noise = Noise(found.experiment.seed, 0, role="effects", training=all_noise) if noisy else None
    for path, activations in hidden_activations(network, x, noise):
        yield LayerActivations(path, rate, activations)


MAP_VARIANTS: dict[str, Callable[[float], Variant]] = {
    "pixel by pixel": lambda rate: Inverted(rate=rate),
    "whole maps": lambda rate: Spatial(rate=rate),
}
"""What drops parts of feature maps, element by element or map by map."""


def _maps(found: LoadedModel, rates: Sequence[float], all_noise: bool = False) -> Iterator[LayerActivations]:
    """The last feature maps of the first test example, under masks of either kind."""
    for kind, law_of in MAP_VARIANTS.items():
        for rate in rates:
            network = _rebuilt(found, law_of(rate))
            x, _ = BatchReader(found.dataset, found.dataset.test, 1).take(slice(0, 1))
            noise = Noise(found.experiment.seed, 0, role="effects", training=all_noise)
            last = ("", x)
            for layer in network.layers:
                x = layer.forward(x, noise=noise)
                if x.ndim == 4:
                    last = layer.unit, x.copy()
            yield LayerActivations(f"{last[0]}, {kind}", rate, last[1])


def _rebuilt(found: LoadedModel, law: Variant) -> Network:
    """The run's network with that law in place of its own, and the weights that count."""
    network = build_for_dataset(replace(found.experiment, dropout=law), found.dataset)
    mine, state = network.parameters(), network.state()
    with found.learner.averaged() as source:
        for key, parameter in source.parameters().items():
            if key in mine:
                mine[key].value[...] = parameter.value
        network.load_state({**state, **{key: value for key, value in source.state().items() if key in state}})
    return network


def hidden_activations(network: Network, x: Array, noise: NoiseSource) -> Iterator[tuple[str, Array]]:
    """Pass x through the network, and yield each hidden unit's path and a copy of its output (N, units)."""
    for layer in network.layers:
        x = layer.forward(x, noise=noise)
        if layer in network.hidden_units:
            yield layer.path, layer.dense_output(x).copy()


def _caption(row: dict[str, Any]) -> str:
    return f"mean {significant(row['mean'], 3)}, zeros {100 * row['share_of_zeros']:.0f} %"
