"""A batch divided among threads of ours: all of it, the same numbers, and no error lost."""

import numpy as np
import pytest
from threadpoolctl import threadpool_info

from dropout_cli import config
from dropout_cli.core.environment import available_cores
from dropout_cli.nn.backend import threads
from dropout_cli.nn.backend.blas import find_numpy_openblas
from dropout_cli.nn.backend.threads import suitable_threads
from dropout_cli.nn.initializers import INITIALIZERS
from dropout_cli.nn.layers.convolution import Convolution
from dropout_cli.nn.layers.pooling import AveragePooling, MaxPooling


@pytest.mark.parametrize("count", [0, 1, 2, 3, 7, 128])
@pytest.mark.parametrize("crew", [1, 2, 3])
def test_parts_make_up_the_whole(count: int, crew: int) -> None:
    """Every row once, in parts that touch, however few rows there are."""
    with threads.limit_threads(crew, divided=True):
        seen: dict[int, slice] = {}
        parts = threads.parallel_for(count, seen.__setitem__)
    assert sorted(seen) == list(range(parts))
    assert [row for part in range(parts) for row in range(seen[part].start, seen[part].stop)] == list(range(count))
    assert parts == (crew if count >= crew else 1)


def test_an_error_of_any_part_is_raised() -> None:
    """Not swallowed with the thread in which it came up."""

    def fail(part: int, rows: slice) -> None:
        if part == 1:
            raise FloatingPointError("of the second part")

    with threads.limit_threads(2, divided=True), pytest.raises(FloatingPointError, match="second part"):
        threads.parallel_for(4, fail)


def test_numpys_error_state_holds_in_every_part() -> None:
    """A loss on its way to infinity is caught later; until then nothing is printed."""
    big = np.full((2, 2), 3e38, np.float32)
    with threads.limit_threads(2, divided=True), np.errstate(over="ignore"):
        threads.parallel_for(2, lambda _, rows: big[rows] * 10)


def test_outside_the_block_there_is_one_part() -> None:
    """The threads are gone with it."""
    with threads.limit_threads(3, divided=True):
        assert threads.parallel_for(9, lambda _part, _rows: None) == 3
    assert threads.parallel_for(9, lambda _part, _rows: None) == 1


def test_work_is_shared_whoever_has_the_batch() -> None:
    """Every part has its turn, where BLAS divides the products and where threads of ours do."""
    for divided in (False, True):
        seen: list[tuple[int, int]] = []
        with threads.limit_threads(3, divided=divided):
            assert threads.parallel(lambda part, parts, seen=seen: seen.append((part, parts))) == 3  # type: ignore[misc]
            assert threads.parallel_for(9, lambda _part, _rows: None) == (3 if divided else 1)
        assert sorted(seen) == [(0, 3), (1, 3), (2, 3)]
    assert threads.parallel(lambda _part, _parts: None) == 1


def test_layers_give_the_same_numbers_with_a_divided_batch() -> None:
    """To rounding: sums over the batch are taken part by part."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((5, 9, 8, 3))

    def numbers(crew: int) -> list[np.ndarray]:
        conv = Convolution("c", 3, 4, (3, 3), INITIALIZERS["he"](), seed=0, dtype=np.dtype(np.float64))
        pools = (MaxPooling("m", 2), AveragePooling("a", 3, 2))
        with threads.limit_threads(crew, divided=True):
            y = conv.forward(x)
            found = [y, *(pool.forward(y) for pool in pools)]
            found += [pool.backward(np.ones_like(z)) for pool, z in zip(pools, found[1:], strict=True)]
            found += [conv.backward(np.cos(y))]
        return [one.copy() for one in (*found, *(one.gradient for one in conv.parameters().values()))]

    for one, other in zip(numbers(1), numbers(3), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-13)


def test_blas_has_as_many_threads_as_the_block_says_and_its_own_afterwards() -> None:
    """NumPy's has that number, every other library one; of nested blocks the inner one counts."""
    library = find_numpy_openblas()
    if library is None:
        pytest.skip("this NumPy brings no OpenBLAS of its own")

    def found() -> tuple[int, set[int]]:
        pools = {pool["filepath"]: pool["num_threads"] for pool in threadpool_info()}
        return pools.pop(library.path), set(pools.values())

    before = found()
    with threads.limit_threads(2):
        assert found() == (2, {1})
        with threads.limit_threads(1):
            assert found() == (1, {1})
        assert found()[0] == 2
        with threads.limit_threads(2, divided=True):
            assert found() == (1, {1}), "ours have the work"
    assert found()[0] == before[0]


@pytest.mark.parametrize(("divided", "bound"), [(False, 500_000_000), (True, 4_000_000)])
def test_a_second_thread_is_for_large_products(divided: bool, bound: int) -> None:
    """`threads: auto` takes all cores above a bound, and one below; threads of ours are worth it earlier."""
    assert [threads.suitable_threads(count, divided=divided) for count in (1, bound)] == [1, 1]
    assert threads.suitable_threads(bound + 1, divided=divided) == available_cores()


@pytest.mark.parametrize(
    ("name", "threads"), [("digits", 1), ("mnist", 1), ("mnist_best", 1), ("mnist_sparse", 1), ("mnist_cnn", None)]
)
def test_a_bundled_config_takes_several_threads_only_where_they_promise_much(name: str, threads: int | None) -> None:
    """Beside a busy program, two threads of BLAS make a step of a wide network ten times slower."""
    experiment = config.load_config(config.find_config(name)).experiment
    shape = (64,) if name == "digits" else (28, 28, 1)
    architecture, batch = experiment.architecture, experiment.training.batch_size
    largest = (64 if batch == "auto" else batch) * architecture.largest_weights(shape, 10)
    found = suitable_threads(largest, divided=architecture.has_maps)
    assert found == (available_cores() if threads is None else threads)
