"""The only place where a random generator is made.

A generator is a pure function of (seed, role, index): it has a name, not a history. What one part
of a run draws can therefore never shift what another part draws, a resumed epoch draws what it would
have drawn, and two runs that differ only in their variant share split, order and initial weights.
"""

import hashlib
from collections.abc import Iterator, Mapping

import numpy as np

Generator = np.random.Generator


def stream(seed: int, role: str, index: int = 0) -> Generator:
    """Return the generator of that seed, role and index; equal arguments give equal generators.

    Roles in use: `split`, `data`, `init:<path>`, `order` (index: the pass over the data),
    `noise:<path>` (epoch), `augment` (epoch), `monte_carlo:<path>` (pass), `thinned:<path>`
    (which sampled network), `effects:<path>`.
    """
    digest = hashlib.sha256(f"{seed}/{index}/{role}".encode()).digest()
    return np.random.Generator(np.random.SFC64(int.from_bytes(digest, "little")))


class Noise(Mapping[str, Generator]):
    """The generators of one epoch or one Monte-Carlo pass, by layer path, made when first asked for."""

    def __init__(self, seed: int, index: int, role: str = "noise") -> None:
        """`role` is the first word of the streams' role: `noise`, `monte_carlo`, `thinned` or `effects`."""
        self._seed, self._index, self._role = seed, index, role
        self._made: dict[str, Generator] = {}

    def __getitem__(self, path: str) -> Generator:
        """The generator of the layer with that path; the same object at every call."""
        if path not in self._made:
            self._made[path] = stream(self._seed, f"{self._role}:{path}", self._index)
        return self._made[path]

    def __iter__(self) -> Iterator[str]:
        """The paths asked for so far."""
        return iter(self._made)

    def __len__(self) -> int:
        """How many paths were asked for so far."""
        return len(self._made)
