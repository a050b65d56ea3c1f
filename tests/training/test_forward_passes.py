"""Noisy passes: the layers before the first noise are computed once, and sampled networks in batches."""

import threading
from collections.abc import Generator, Iterator
from contextlib import closing
from typing import Any, cast

import numpy as np
import pytest

from dropout_cli.core.rng import Noise, stream
from dropout_cli.core.types import Array
from dropout_cli.data.dataset import AffineScaling, Dataset, Part
from dropout_cli.nn.layers.base import Layer
from dropout_cli.nn.layers.sequential import Sequential
from dropout_cli.training import forward_passes
from tests.variants.test_contract import NAMES, network, on

FLOAT32: Any = np.dtype(np.float32)
EXAMPLES, BATCH = 23, 10


def dataset(name: str) -> Dataset:
    """Random examples of the shape that the network of that variant takes."""
    shape = (EXAMPLES, 5) if on(name) == "vectors" else (EXAMPLES, 4, 4, 2)
    x = stream(0, "test:x").standard_normal(shape).astype(np.float32)
    part = Part(x, np.arange(EXAMPLES) % 3, np.arange(EXAMPLES))
    return Dataset("made", part, None, part, ("a", "b", "c"), AffineScaling(np.ones(1), np.zeros(1)), "")


def whole_passes(built: Sequential, made: Dataset, shared: bool) -> Iterator[Array]:
    """Compute every layer in each of three passes."""
    for number in range(3):
        noise = Noise(4, number, role="monte_carlo", training=False, shared=shared)
        yield forward_passes.outputs(built, made, made.test, batch=BATCH, noise=noise)


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("name", NAMES)
def test_keeping_the_layers_before_the_noise_changes_no_bit(name: str, shared: bool) -> None:
    """Three passes have the bytes of passes through all layers."""
    built, made = network(name, FLOAT32), dataset(name)
    kept = forward_passes.noisy_passes(built, made, made.test, seed=4, count=3, batch=BATCH, shared=shared)
    for one, other in zip(kept, whole_passes(built, made, shared), strict=True):
        assert one.tobytes() == other.tobytes()


@pytest.mark.parametrize("name", NAMES)
def test_threads_change_no_bit(name: str) -> None:
    """Nine passes by four threads have the bytes and the order of one thread, from the first noise on or as a whole."""
    built, made = network(name, FLOAT32), dataset(name)
    for rows in (None, np.arange(EXAMPLES)[::-2]):
        one, four = (
            list(forward_passes.noisy_passes(built, made, made.test, seed=4, count=9, batch=4, rows=rows, workers=n))
            for n in (1, 4)
        )
        assert len({each.tobytes() for each in one}) == (1 if name.startswith("none") else 9)
        assert [each.tobytes() for each in four] == [each.tobytes() for each in one]


def test_passes_that_nobody_asks_for_end_their_threads() -> None:
    """After the first of a hundred passes no thread is left."""
    built, made = network("inverted", FLOAT32), dataset("inverted")
    before = threading.active_count()
    passes = forward_passes.noisy_passes(built, made, made.test, seed=4, count=100, batch=4, workers=3)
    with closing(cast("Generator[Array, None, None]", passes)):
        next(passes)
        assert threading.active_count() > before
    assert threading.active_count() == before


def test_layers_before_the_noise_are_computed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """With noise after the first hidden layer, its product is computed once per batch, not once per pass."""
    built, made = network("alpha", FLOAT32), dataset("alpha")
    first = built.split_at_noise(made.test.x[:1], Noise(4, 0))[0]
    assert first
    calls: list[str] = []
    forward = type(first[0]).forward

    def counted(self: Layer, x: Array, **options: Any) -> Array:
        calls.append(self.path)
        return forward(self, x, **options)

    monkeypatch.setattr(type(first[0]), "forward", counted)
    list(forward_passes.noisy_passes(built, made, made.test, seed=4, count=50, batch=BATCH))
    assert calls.count(first[0].path) < 10


def test_large_outputs_before_the_noise_are_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Passes have the same bytes when there is no room to keep anything."""
    built, made = network("inverted", FLOAT32), dataset("inverted")
    kept = list(forward_passes.noisy_passes(built, made, made.test, seed=4, count=2, batch=BATCH))
    monkeypatch.setattr(forward_passes, "MAX_KEPT_BYTES", 10)
    again = list(forward_passes.noisy_passes(built, made, made.test, seed=4, count=2, batch=BATCH))
    assert [one.tobytes() for one in kept] == [one.tobytes() for one in again]


@pytest.mark.parametrize("name", NAMES)
def test_a_sampled_network_in_batches_is_the_one_for_single_examples(name: str) -> None:
    """Its draws do not depend on the batch: logits differ by rounding only."""
    built, made = network(name, FLOAT32), dataset(name)

    def networks(batch: int) -> list[Array]:
        return list(forward_passes.sampled_networks(built, made, made.test, seed=4, count=3, batch=batch))

    for one, other in zip(networks(BATCH), networks(1), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-5)


def test_rows_of_a_part_are_taken_in_their_order() -> None:
    """Passes over chosen rows are those over a part with only these rows."""
    built, made = network("gaussian", FLOAT32), dataset("gaussian")
    rows = np.array([5, 2, 20, 7])
    x = made.test.x[rows]
    part = Part(x, made.test.labels[rows], made.test.rows[rows])
    some = forward_passes.noisy_passes(built, made, made.test, seed=4, count=2, batch=3, rows=rows)
    for one, other in zip(some, forward_passes.noisy_passes(built, made, part, seed=4, count=2, batch=3), strict=True):
        assert one.tobytes() == other.tobytes()
