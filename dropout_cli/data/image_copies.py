"""Search for copies of an image in two classes or in two parts.

Copies in two classes contradict each other; copies in two parts make results look better than they are.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence

import numpy as np

from dropout_cli.core.text import counted
from dropout_cli.core.types import Array
from dropout_cli.data.base import ImageFiles
from dropout_cli.data.readers.images import in_parallel

MAX_NAMED_COPIES = 3
BLOCK = 256
"""Images per task of a thread; a task for each small image would cost more than its digest."""


def first_copies(x: Array) -> Array:
    """Return for each image the first row with the same pixels, (N,) intp.

    Args:
        x: (N, height, width, channels), C-contiguous. Files with the same bytes have the same pixels.
    """

    # Digests, because the bytes of all images as keys would need their memory once more.
    def digests(start: int) -> list[bytes]:
        return [hashlib.blake2b(image, digest_size=16).digest() for image in x[start : start + BLOCK]]

    rows: dict[bytes, int] = {}
    blocks = in_parallel(digests, range(0, len(x), BLOCK))
    every = [digest for block in blocks for digest in block]
    return np.array([rows.setdefault(digest, row) for row, digest in enumerate(every)], np.intp)


def copies_in_classes(images: ImageFiles, labels: Array) -> Iterable[str]:
    """Yield a notice if an image is in more than one class.

    Args:
        images: the files.
        labels: (N,) class ids.
    """
    groups = _groups(images, labels)
    if groups:
        verb = "is" if len(groups) == 1 else "are"
        shown = "; ".join(" and ".join(images.names[row] for row in group[:2]) for group in groups[:MAX_NAMED_COPIES])
        more = "; ..." if len(groups) > MAX_NAMED_COPIES else ""
        yield (
            f"{counted(len(groups), 'image')} {verb} in more than one class, with the same pixels: {shown}{more}. "
            "Keep each in its true class only."
        )


def copies_in_parts(images: ImageFiles, parts: Sequence[tuple[str, Array | None]]) -> Iterable[str]:
    """Yield a notice if an image is in more than one part of the split.

    Args:
        images: the files.
        parts: name and rows of each part; None for a part that does not exist.
    """
    codes = np.zeros(len(images.names), np.intp)
    for code, (_, rows) in enumerate(parts):
        if rows is not None:
            codes[rows] = code
    groups = _groups(images, codes)
    if groups:
        verb = "is" if len(groups) == 1 else "are"
        shown = "; ".join(
            " and ".join(f"{images.names[row]} ({parts[codes[row]][0]})" for row in group[:2])
            for group in groups[:MAX_NAMED_COPIES]
        )
        more = "; ..." if len(groups) > MAX_NAMED_COPIES else ""
        yield (
            f"{counted(len(groups), 'image')} {verb} in more than one part, with the same pixels: {shown}{more}. "
            "Keep one copy of each, otherwise the results are too good."
        )


def _groups(images: ImageFiles, codes: Array) -> list[list[int]]:
    """Return the rows of each image that has copies with different codes, one row per code."""
    copied = np.flatnonzero(images.first != np.arange(len(images.first)))
    # Most images have no copy, so only the others are grouped.
    rows: dict[int, list[int]] = defaultdict(list)
    for row in copied.tolist():
        first = int(images.first[row])
        known = rows[first] or [first]
        if codes[row] not in codes[known]:
            known = [*known, row]
        rows[first] = known
    return [group for group in rows.values() if len(group) > 1]
