"""Which random generators a run draws from: their names (seed, role, index), and no other."""

import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from dropout_cli.analysis.ensemble.sampled import study_sampled_networks
from dropout_cli.analysis.evaluate import evaluate_monte_carlo
from dropout_cli.core.errors import Interrupted, StopRequest
from dropout_cli.core.rng import Generator, stream
from dropout_cli.runs import all_runs
from dropout_cli.training import resume
from dropout_cli.training.loop import EpochRecord, TrainingProgress
from tests.small_run import ignore, train

Name = tuple[int, str, int]
"""Seed, role, index."""

SPLIT_SEED, SEED = 5, 3
SETTINGS = (
    f"seed={SEED}",
    f"dataset={{name: digits, split_seed: {SPLIT_SEED}, augment: {{shift: 1}}}}",
    "architecture={name: cnn, layers: [conv 2 3x3, pool 2, dense 8]}",
    "training.batch_size=64",
    "training.steps_per_epoch=25",
)
"""Digits has 1,168 examples to train on: 19 batches to a pass, so that two epochs of 25 take three passes."""
PLACES = ("conv1", "hidden1")
START = {(SPLIT_SEED, "split", 0)}
START |= {(SEED, f"init:{path}/{array}", 0) for path in (*PLACES, "output") for array in "Wb"}
ORDERS = {(SEED, "order", number) for number in range(3)}
EPOCHS = {
    (SEED, role, epoch) for role in ("augment", *(f"noise:{place}/dropout" for place in PLACES)) for epoch in (1, 2)
}


@contextmanager
def recorded() -> Iterator[Callable[[], Counter[Name]]]:
    """Record each call of `stream` in the block and the generator it returns.

    The function that is yielded counts the streams that numbers were drawn from.
    """
    made: list[tuple[Name, Generator]] = []

    def watch(frame: FrameType, event: str, returned: Any) -> None:
        if event == "return" and frame.f_code is stream.__code__ and returned is not None:
            asked = frame.f_locals
            made.append(((asked["seed"], asked["role"], asked["index"]), returned))

    def drawn() -> Counter[Name]:
        return Counter(name for name, one in made if state(one) != state(stream(*name)))

    before, before_threads = sys.getprofile(), threading.getprofile()
    sys.setprofile(watch)
    threading.setprofile(watch)  # passes run in several threads
    try:
        yield drawn
    finally:
        sys.setprofile(before)
        threading.setprofile(before_threads)


def state(generator: Generator) -> str:
    """Where it stands."""
    return repr(generator.bit_generator.state)


def test_two_epochs_draw_from_the_generators_of_the_design(tmp_path: Path) -> None:
    """Split by its own seed, a start for each array, an order for each pass, noise and augmentation for each epoch.

    Each is made once; only the order of the pass that both epochs enter is made anew in the second.
    """
    with recorded() as drawn:
        train(tmp_path, *SETTINGS)
    assert drawn() == Counter([*START, *ORDERS, *EPOCHS, (SEED, "order", 1)])


def test_a_resumed_epoch_draws_from_its_own_generators(tmp_path: Path) -> None:
    """Its noise and augmentation have its number, so that no two epochs have a generator in common."""

    def stop_after_one(event: TrainingProgress | EpochRecord) -> None:
        if isinstance(event, EpochRecord):
            raise StopRequest(130)

    with recorded() as drawn, pytest.raises(Interrupted):
        train(tmp_path, *SETTINGS, watch=stop_after_one)
    first = set(drawn())
    (run,) = all_runs(tmp_path / "runs")
    with recorded() as drawn:
        resume.resume_run(run, watch=ignore, figures=False)
    second = set(drawn())
    assert first == START | {name for name in EPOCHS if name[2] == 1} | {name for name in ORDERS if name[2] < 2}
    assert second == START | {name for name in EPOCHS if name[2] == 2} | {name for name in ORDERS if name[2] > 0}


def test_monte_carlo_passes_draw_from_a_generator_each(tmp_path: Path) -> None:
    """`monte_carlo:<path>` by pass, `thinned:<path>` by sampled network, and nothing that training draws from."""
    run = train(tmp_path, *SETTINGS)
    with recorded() as drawn:
        evaluate_monte_carlo(run, 3, thinned=2, figures=False)
    noisy = {(SEED, f"monte_carlo:{place}/dropout", number) for place in PLACES for number in range(3)}
    thinned = {(SEED, f"thinned:{place}/dropout", number) for place in PLACES for number in range(2)}
    assert set(drawn()) - START == noisy | thinned


def test_an_ensemble_draws_its_networks_as_eval_does_and_subsets_from_streams_of_its_own(tmp_path: Path) -> None:
    """`thinned:<path>` by network, and `ensemble_subsets` by size; a size whose subsets are all taken draws nothing."""
    run = train(tmp_path, *SETTINGS)
    with recorded() as drawn:
        study_sampled_networks(run, 10)
    thinned = {(SEED, f"thinned:{place}/dropout", number) for place in PLACES for number in range(10)}
    subsets = {(SEED, "ensemble_subsets", size) for size in (3, 5, 7)}
    tried = {(SEED, f"monte_carlo:{place}/dropout", 0) for place in PLACES}  # one pass shows whether there is noise
    assert set(drawn()) - START == thinned | subsets | tried
