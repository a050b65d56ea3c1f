"""The effect of dropout on hidden activations: the same test examples under several rates.

For each rate, the network is built again and gets the weights of the run; nothing is trained. Every rate uses the same
random streams, so a unit that is dropped at a lower rate is also dropped at a higher one. The result is the output of
each hidden unit, including its own noise. Noise on the inputs or weights of a layer (concrete, variational, shakeout,
dropconnect) is visible in the output of that layer.

For a network with feature maps, the last maps of the first test example are shown as well: with masks of single pixels
and with masks of whole maps. Neighboring pixels carry almost the same information, so dropping single pixels removes
little.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np

from dropout_cli import metrics, plots
from dropout_cli.analysis.effects.hidden_layers import count_test_examples
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
    """The output of one hidden layer under one setting of the noise."""

    layer: str
    setting: float | str
    """The rate; or `off`, `on` or `as learned` for a variant without a rate that can be set."""
    activations: Array
    """(examples, units), or maps (examples, height, width, channels)."""

    def numbers(self) -> dict[str, Any]:
        """Return the row of `effects.csv`."""
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
    run: Run,
    rates: Sequence[float] | None = None,
    *,
    examples: int | None = None,
    all_noise: bool = False,
    figures: bool = True,
    studies_follow: bool = False,
) -> tuple[str, list[dict[str, Any]]]:
    """Write the hidden activations of the first test examples to `after/effects-<arguments>/`.

    For a network with feature maps, those of the first example are drawn as `maps.png`.

    Args:
        run: A complete run.
        rates: Rates in [0, 1); None: DEFAULT_RATES, or noise off and on if the variant has no rate that can be set.
        examples: Number of test examples; None: DEFAULT_EXAMPLES, or all if there are fewer.
        all_noise: True to draw `input_noise` and `hidden_noise` as well as the dropout.
        figures: True to draw the figures.
        studies_follow: True to refuse a number of examples that the studies of hidden layers refuse.

    Returns:
        The path of the folder, and the rows of `effects.csv`.

    Raises:
        UsageError: the number of examples or a rate is out of range, or the network has no hidden layers.
        DataError: the data are missing or have changed.
        RunFailed: the checkpoint is damaged.
    """
    model = restore.load_model(run)
    if studies_follow:
        count_test_examples(model, examples)
    variant, most = model.experiment.dropout, len(model.dataset.test)
    examples = min(DEFAULT_EXAMPLES, most) if examples is None else examples
    if not 1 <= examples <= most:
        raise UsageError("--examples", f"must be from 1 to {most}, the number of test examples, got {examples}")
    rates = None if rates is None else list(dict.fromkeys(rates))
    settings = _settings(variant, rates)
    with thread_limit(model.experiment):
        effects = [one for setting in settings for one in _under(setting, model, examples, all_noise)]
        has_maps = model.experiment.architecture.has_maps
        maps = list(_maps(model, DEFAULT_RATES if rates is None else rates, all_noise)) if has_maps else []
    if not (effects or maps):
        raise UsageError(
            str(run.path), "this network has no hidden layers", "Use a run with the architecture mlp, cnn or resnet."
        )
    rows = [effect.numbers() for effect in (*effects, *maps)]
    captions = {(row["layer"], row["rate"]): _caption(row) for row in rows}
    files = {"effects.csv": metrics.csv_bytes([list(rows[0]), *(list(row.values()) for row in rows)])}
    name = model.dataset.name
    if effects and figures:
        shown = f"{VARIANTS.name_of(type(variant))} on {name}: one row per example, one column per hidden unit"
        shown += "".join(f"; {key} stays {value:g} in every column" for key, value in _other_rates(variant).items())
        panels = {(one.layer, one.setting): one.activations for one in effects}
        files["effects.png"] = plots.activation_maps(panels, captions, _effects_finding(effects), shown)
    if maps and figures:
        panels = {(_short_row(one.layer), one.setting): one.activations[0] for one in maps}
        below = {(_short_row(layer), setting): text for (layer, setting), text in captions.items()}
        files["maps.png"] = plots.feature_maps(
            panels, below, _maps_finding(maps), f"{name}, test example 0: the last feature maps"
        )
    rates_text = "" if rates is None else "-r" + "+".join(f"{rate:g}" for rate in rates)
    noise_text = "-all-noise" if all_noise else ""
    return str(run.write_result(f"effects{rates_text}-n{examples}{noise_text}", files)), rows


def _effects_finding(effects: Sequence[LayerActivations]) -> str:
    """Return the share of zeros under the first and the last setting, over all layers."""
    ends = list(dict.fromkeys((effects[0].setting, effects[-1].setting)))
    texts = []
    for setting in ends:
        values = [one.activations for one in effects if one.setting == setting]
        share = sum(int(np.sum(one == 0)) for one in values) / sum(one.size for one in values)
        texts.append(f"{100 * share:.0f} % {_setting_words(setting)}")
    layers = counted(len({one.layer for one in effects}), "hidden layer")
    return f"Activations that are zero: {', '.join(texts)} ({layers}, {counted(len(values[0]), 'example')})"


def _maps_finding(maps: Sequence[LayerActivations]) -> str:
    """Return how many whole maps are zero with each kind of mask, at the last rate."""
    last = maps[-1].setting
    texts = []
    for one in maps:
        if one.setting == last:
            empty = int(np.sum(~one.activations[0].any(axis=(0, 1))))
            texts.append(f"{empty} of {one.activations.shape[-1]} with {one.layer.rpartition(', ')[2]}")
    return f"Feature maps that are all zero {_setting_words(last)}: {', '.join(texts)} (1 example)"


def _short_row(layer: str) -> str:
    """Return the name of feature maps in a form that fits beside its row of panels."""
    return layer.replace("single pixels", "pixels").replace("whole feature maps", "whole maps")


def _setting_words(setting: float | str) -> str:
    return f"with noise {setting}" if isinstance(setting, str) else f"at rate {setting:g}"


def _other_rates(variant: Variant) -> dict[str, float]:
    """Return the rates that a column does not change, and that are not 0 everywhere."""
    found = {key: getattr(variant, key, None) for key in ("input_rate", "dense_rate")}
    used = {key: value for key, value in found.items() if isinstance(value, int | float)}
    return {key: value for key, value in used.items() if variant.takes_rate() and (value or key == "dense_rate")}


NoiseSetting: TypeAlias = tuple[float | str, Variant, bool]
"""The rate or a word for it, the variant, and True if there is noise."""


def _settings(variant: Variant, rates: Sequence[float] | None) -> list[NoiseSetting]:
    """Return one setting per column.

    Raises:
        UsageError: A rate is out of range, or the variant takes none.
    """
    if not variant.takes_rate():
        learns = variant.learns is not None
        if rates is not None:
            name = VARIANTS.name_of(type(variant))
            fact = f"{name} learns its rate, so no rate can be given" if learns else f"{name} has no rate to set"
            raise UsageError("--rates", fact, "Leave out --rates to compare noise off with noise on.")
        return [("off", variant, False), ("as learned" if learns else "on", variant, True)]
    rates = DEFAULT_RATES if rates is None else rates
    if not 1 <= len(rates) <= MAX_RATES:
        raise UsageError("--rates", f"takes 1 to {MAX_RATES} rates, got {len(rates)}")
    for rate in rates:
        if not 0 <= rate < 1:
            fact = f"must be at least 0 and below 1, got {rate:g} (rate is the probability of dropping)"
            raise UsageError("--rates", fact)
    return [(rate, changed, True) for rate in rates if (changed := variant.with_rate(rate)) is not None]


def _under(setting: NoiseSetting, model: LoadedModel, examples: int, all_noise: bool) -> Iterator[LayerActivations]:
    """Yield the outputs of the hidden layers under one setting, with the evaluated weights."""
    rate, variant, noisy = setting
    network = _rebuilt(model, variant)
    x, _ = BatchReader(model.dataset, model.dataset.test, examples).take(slice(0, examples))
    noise = Noise(model.experiment.seed, 0, role="effects", training=all_noise) if noisy else None
    for path, activations in hidden_activations(network, x, noise):
        yield LayerActivations(path, rate, activations)


MAP_VARIANTS: dict[str, Callable[[float], Variant]] = {
    "single pixels dropped": lambda rate: Inverted(rate=rate),
    "whole feature maps dropped": lambda rate: Spatial(rate=rate),
}
"""Kind of mask -> rate -> a variant that drops parts of feature maps that way."""


def _maps(model: LoadedModel, rates: Sequence[float], all_noise: bool = False) -> Iterator[LayerActivations]:
    """Yield the last feature maps of the first test example under each kind of mask."""
    for kind, variant_of in MAP_VARIANTS.items():
        for rate in rates:
            network = _rebuilt(model, variant_of(rate))
            x, _ = BatchReader(model.dataset, model.dataset.test, 1).take(slice(0, 1))
            noise = Noise(model.experiment.seed, 0, role="effects", training=all_noise)
            last = ("", x)
            for layer in network.layers:
                x = layer.forward(x, noise=noise)
                if x.ndim == 4:
                    last = layer.unit, x.copy()
            yield LayerActivations(f"{last[0]}, {kind}", rate, last[1])


def _rebuilt(model: LoadedModel, variant: Variant) -> Network:
    """Return the network of a run with another variant, and with the evaluated weights."""
    network = build_for_dataset(replace(model.experiment, dropout=variant), model.dataset)
    mine, state = network.parameters(), network.state()
    with model.learner.averaged() as source:
        for key, parameter in source.parameters().items():
            if key in mine:
                mine[key].value[...] = parameter.value
        network.load_state({**state, **{key: value for key, value in source.state().items() if key in state}})
    return network


def hidden_activations(network: Network, x: Array, noise: NoiseSource) -> Iterator[tuple[str, Array]]:
    """Yield the path of each hidden unit and a copy of its output.

    Args:
        network: The network.
        x: (N, ...) inputs.
        noise: The generators; None: without noise.
    """
    for layer in network.layers:
        x = layer.forward(x, noise=noise)
        if layer in network.hidden_units:
            yield layer.path, layer.dense_output(x).copy()


def _caption(row: dict[str, Any]) -> str:
    return f"mean {significant(row['mean'], 3)}, zeros {100 * row['share_of_zeros']:.0f} %"
