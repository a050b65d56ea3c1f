"""The only place where a random generator is made.

A generator is a pure function of (seed, role, index): it has a name, not a history. What one part
of a run draws can therefore never shift what another part draws, a resumed epoch draws what it would
have drawn, and two runs that differ only in their variant share split, order and initial weights.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping

import numpy as np

from dropout_cli.core.types import Array, Shape

Generator = np.random.Generator


def stream(seed: int, role: str, index: int = 0) -> Generator:
    """Return the generator of that seed, role and index; equal arguments give equal generators.

    Roles in use: `split`, `data`, `init:<path>`, `order` (index: the pass over the data),
    `noise:<path>` (epoch), `augment` (epoch), `monte_carlo:<path>` (pass), `thinned:<path>`
    (which sampled network), `inference:<path>`, `effects:<path>`, `yardstick`.
    """
    digest = hashlib.sha256(f"{seed}/{index}/{role}".encode()).digest()
    return np.random.Generator(np.random.SFC64(int.from_bytes(digest, "little")))


class Noise(Mapping[str, Generator]):
    """The generators of one epoch or one Monte-Carlo pass, by layer path, made when first asked for.

    In training every example draws for itself. Where draws are `shared`, all examples of all batches have the same: a
    layer draws one row, of the shape that `shape` gives, and each batch begins with the generators made anew.
    """

    def __init__(
        self, seed: int, index: int, role: str = "noise", *, training: bool = True, shared: bool = False
    ) -> None:
        """`role` is the first word of the streams' role: `noise`, `monte_carlo`, `thinned` or `effects`.

        `training`: whether layers draw the noise of the training too, or that of the dropout alone.
        """
        self._seed, self._index, self._role = seed, index, role
        self._made: dict[str, Generator] = {}
        self._kept: dict[str, tuple[Array, ...]] = {}
        self.training, self.shared = training, shared
        self.sharing: set[str] = set()
        """The paths of the layers that have asked whether draws are shared."""

    def shape(self, path: str, shape: Shape) -> Shape:
        """The shape to draw in the layer with that path, for a batch of `shape`: one row where draws are shared."""
        if not self.shared:
            return shape
        self.sharing.add(path)
        return (1, *shape[1:])

    def once(self, path: str, draw: Callable[[Generator], tuple[Array, ...]]) -> tuple[Array, ...]:
        """Return what `draw` makes for the layer with that path, drawn for the first batch and kept for the others."""
        self.sharing.add(path)
        if path not in self._kept:
            self._kept[path] = draw(self[path])
        return self._kept[path]

    def next_batch(self) -> "Noise":
        """The noise of the next batch: where draws are shared, that of the last one again."""
        if self.shared:
            self._made.clear()
        return self

    @property
    def drawn(self) -> bool:
        """Whether any generator of this batch has been drawn from."""
        return any(_state(made) != _state(self._fresh(path)) for path, made in self._made.items())

    def _fresh(self, path: str) -> Generator:
        return stream(self._seed, f"{self._role}:{path}", self._index)

    def __getitem__(self, path: str) -> Generator:
        """The generator of the layer with that path; the same object at every call within a batch."""
        if path not in self._made:
            self._made[path] = self._fresh(path)
        return self._made[path]

    def __iter__(self) -> Iterator[str]:
        """The paths asked for so far."""
        return iter(self._made)

    def __len__(self) -> int:
        """How many paths were asked for so far."""
        return len(self._made)


def _state(generator: Generator) -> list[int]:
    words: list[int] = generator.bit_generator.state["state"]["state"].tolist()
    return words
