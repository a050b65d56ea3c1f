"""Arrays side by side in one piece of memory stay what they were."""

from itertools import pairwise

import numpy as np

from dropout_cli.nn.backend.packing import pack_arrays

LINE = 64
"""Bytes that a vector instruction or a line of the cache takes."""


def test_packed_arrays_keep_shapes_contents_and_places_of_their_own() -> None:
    """Views into the memory, none of which overlaps another; between them it is zero."""
    arrays = [np.full(shape, 1.0 + n, np.float32) for n, shape in enumerate([(3, 5), (1,), (16,), (2, 2, 9)])]
    flat, views = pack_arrays(arrays)
    assert flat.ndim == 1 and flat.dtype == np.float32
    for view, array in zip(views, arrays, strict=True):
        assert view.shape == array.shape and np.array_equal(view, array)
        assert np.shares_memory(view, flat) and not np.shares_memory(view, array)
    assert float(flat.sum()) == sum(float(array.sum()) for array in arrays)
    for number, view in enumerate(views):
        view[...] = -number
    assert all((view == -number).all() for number, view in enumerate(views))


def test_every_packed_array_begins_a_whole_number_of_lines_after_the_first() -> None:
    """Sixteen float32 to a line, as vector instructions like it."""
    _, views = pack_arrays([np.zeros(size, np.float32) for size in (15, 16, 17, 1, 129, 2)])
    places = [view.__array_interface__["data"][0] for view in views]
    assert all((place - places[0]) % LINE == 0 for place in places)
    assert [after - before for before, after in pairwise(places)] == [64, 64, 128, 64, 576]


def test_one_array_alone_stays_where_it_is() -> None:
    """Nothing is copied."""
    alone = np.arange(6.0).reshape(2, 3)
    flat, views = pack_arrays([alone])
    assert views[0] is alone and np.shares_memory(flat, alone) and flat.shape == (6,)
