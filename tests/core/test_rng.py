"""A generator is a pure function of seed, role and index."""

import itertools
import subprocess
import sys

import pytest

from dropout_cli.core.rng import Noise, stream


def words(seed: int, role: str, index: int = 0) -> list[int]:
    """The first words that a stream draws."""
    return [int(word) for word in stream(seed, role, index).integers(0, 2**63, 4)]


def test_equal_names_give_equal_streams_and_different_names_different_ones() -> None:
    """Seed, role and index all count, and cannot be mistaken for one another."""
    names = [(0, "order", 0), (0, "order", 1), (1, "order", 0), (0, "split", 0), (11, "order", 0), (1, "1/order", 0)]
    for one, other in itertools.combinations(names, 2):
        assert words(*one) != words(*other)
    for name in names:
        assert words(*name) == words(*name)


@pytest.mark.parametrize("hash_seed", ["0", "1"])
def test_streams_do_not_depend_on_pythons_hash_seed(hash_seed: str) -> None:
    """Roles are hashed with SHA-256."""
    code = "from dropout_cli.core.rng import stream; print(stream(0, 'noise:hidden1', 3).integers(0, 2**63))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, env={"PYTHONHASHSEED": hash_seed}, check=True
    )
    assert int(done.stdout) == stream(0, "noise:hidden1", 3).integers(0, 2**63)


def test_noise_hands_out_one_generator_per_path() -> None:
    """The same object at every call, so that draws within an epoch follow one another."""
    noise = Noise(0, 5)
    assert noise["hidden1"] is noise["hidden1"]
    assert noise["hidden2"].integers(0, 2**63) == stream(0, "noise:hidden2", 5).integers(0, 2**63)
    assert set(noise) == {"hidden1", "hidden2"} and len(noise) == 2
    assert Noise(0, 5, "monte_carlo")["a"].integers(0, 2**63) == stream(0, "monte_carlo:a", 5).integers(0, 2**63)


def test_noise_can_be_replayed() -> None:
    """A replay draws what the original draws next, and does not move it."""
    noise = Noise(0, 1)
    noise["a"].random(3)
    again = noise.replay()
    draws = [again[path].random(4) for path in "ab"]
    for path, values in zip("ab", draws, strict=True):
        assert noise[path].random(4).tolist() == values.tolist()
