"""Counts of a training step, which do not depend on how busy a machine is."""

import tracemalloc
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from dropout_cli.bench import ours
from dropout_cli.bench.case import MEDIUM, BenchmarkCase
from dropout_cli.core.rng import Generator, Noise, stream
from dropout_cli.core.types import DType
from dropout_cli.nn.backend import blas, matmul
from dropout_cli.training.loop import take_step
from dropout_cli.training.setup import thread_limit

ADAM = replace(MEDIUM, optimizer="adam")
GAUSSIAN = replace(MEDIUM, variant="gaussian")


class CountingWords:
    """A bit generator that counts the bytes that are drawn from it."""

    def __init__(self, real: Any, counts: Counter[str]) -> None:
        """Around that one."""
        self._real, self._counts = real, counts

    def random_raw(self, size: Any) -> Any:
        """Draw, and count."""
        words = self._real.random_raw(size)
        self._counts["random bytes"] += words.nbytes
        return words


class CountingGenerator:
    """A generator of which nothing but raw words may be asked."""

    def __init__(self, real: Generator, counts: Counter[str]) -> None:
        """Around that one."""
        self.bit_generator = CountingWords(real.bit_generator, counts)


class CountingNoise(Mapping[str, Any]):
    """The generators of an epoch, counted."""

    def __init__(self, counts: Counter[str]) -> None:
        """None made yet."""
        self._counts, self._made = counts, dict[str, CountingGenerator]()

    def draw_shape(self, path: str, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Every row draws for itself."""
        return shape

    def __getitem__(self, path: str) -> Any:
        """The generator of that place."""
        return self._made.setdefault(path, CountingGenerator(stream(0, f"noise:{path}", 1), self._counts))

    def __iter__(self) -> Iterator[str]:
        """The places so far."""
        return iter(self._made)

    def __len__(self) -> int:
        """How many."""
        return len(self._made)


def counted(case: BenchmarkCase, monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Calls of linear algebra and bytes of random numbers in one step, after a first one."""
    counts: Counter[str] = Counter()

    def routines(dtype: DType, large: bool) -> blas.Routines:
        def counting(name: str, routine: Any) -> Callable[..., Any]:
            def call(*arguments: Any) -> Any:
                counts[name] += 1
                return routine(*arguments)

            return call

        real = blas.routines(dtype, large)
        return blas.Routines(*(counting(name, one) for name, one in zip(real._fields, real, strict=True)))

    monkeypatch.setattr(matmul, "routines", routines)
    experiment = ours.bench_experiment(case, 1)
    learner, (x, labels), noise = (
        ours.bench_learner(case, experiment),
        ours.random_batches(case)[0],
        CountingNoise(counts),
    )
    with thread_limit(experiment):
        for _ in range(2):
            counts.clear()
            take_step(learner, experiment, x, labels, noise, lr=1e-3)  # type: ignore[arg-type]
    return counts


@pytest.mark.parametrize(("case", "sums"), [(MEDIUM, 3), (ADAM, 0)], ids=["momentum", "adam"])
def test_a_step_makes_four_products_a_layer_but_one(
    case: BenchmarkCase, sums: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Forward, dW, db, dx, the last but for the first layer; momentum adds large matrices each, the rest at once."""
    counts = counted(case, monkeypatch)
    layers = len(case.widths) - 1
    assert counts["gemm"] == 4 * layers - 1
    assert counts["axpy"] == sums and counts["dot"] == 0


def test_random_bytes_are_as_many_as_the_rates_need(monkeypatch: pytest.MonkeyPatch) -> None:
    """At rate 1/2 a bit for each activation, at .2 two bytes; Gaussian noise takes two bytes everywhere."""
    inputs, hidden = MEDIUM.batch * 784, MEDIUM.batch * 2 * 512
    assert counted(MEDIUM, monkeypatch)["random bytes"] == 2 * inputs + hidden // 8
    assert counted(GAUSSIAN, monkeypatch)["random bytes"] == 2 * (inputs + hidden)


@pytest.mark.parametrize("case", [MEDIUM, ADAM, GAUSSIAN], ids=["momentum", "adam", "gaussian"])
def test_a_step_allocates_random_words_and_little_else(case: BenchmarkCase) -> None:
    """At no time more than the words of one multiplier, as indices if they are looked up, and 100 KB; nothing stays."""
    experiment = ours.bench_experiment(case, 1)
    learner, (x, labels), noise = ours.bench_learner(case, experiment), ours.random_batches(case)[0], Noise(0, 1)
    with thread_limit(experiment):
        for _ in range(3):
            take_step(learner, experiment, x, labels, noise, lr=1e-3)
        tracemalloc.start()
        take_step(learner, experiment, x, labels, noise, lr=1e-3)
        before, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        for _ in range(5):
            take_step(learner, experiment, x, labels, noise, lr=1e-3)
        after, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    largest = MEDIUM.batch * max(MEDIUM.widths)
    budget = (2 + (8 if case is GAUSSIAN else 1)) * largest + 100_000
    assert peak - before <= budget, f"{(peak - before) / 1e3:.0f} KB at once, {budget / 1e3:.0f} allowed"
    assert after - before <= 10_000
    assert np.isfinite(learner.arrays()["parameters/hidden1/W"]).all()
