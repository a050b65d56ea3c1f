"""DropBlock: squares that lie on the map, the published gamma, the rate that comes out, and its two limits."""

import numpy as np
import pytest

from dropout_cli.core.rng import stream
from dropout_cli.core.types import Array
from dropout_cli.variants.dropblock import DropBlock
from dropout_cli.variants.toolkit.masks import keep_probability

FLOAT64 = np.dtype(np.float64)


def masks(side: int, block: int, rate: float, count: int = 40_000) -> Array:
    """That many masks of side x side maps, eight channels at a time."""
    return DropBlock(block_size=block).mask((count // 8, side, side, 8), rate, stream(block, "test:blocks"))


def test_gamma_by_hand() -> None:
    """r / b^2 * h w / ((h - b + 1)(w - b + 1)): .1 / 49 * 144 / 36 on a 12 x 12 map."""
    assert DropBlock(block_size=7).gamma(12, 12, 0.1) == pytest.approx(0.1 / 49 * 144 / 36)
    assert DropBlock(block_size=7).gamma(4, 5, 0.3) == pytest.approx(0.3 / 16 * 20 / 2)  # b = 4


@pytest.mark.parametrize("block", [2, 3, 5])
def test_what_is_dropped_is_made_of_squares_that_lie_on_the_map(block: int) -> None:
    """Each dropped pixel is in a block x block square that is dropped whole, even blocks included."""
    for mask in masks(9, block, 0.15, count=80).transpose(0, 3, 1, 2).reshape(-1, 9, 9):
        covered = np.zeros((9, 9), bool)
        for i in range(9 - block + 1):
            for j in range(9 - block + 1):
                if not mask[i : i + block, j : j + block].any():
                    covered[i : i + block, j : j + block] = True
        assert np.array_equal(covered, ~mask)


@pytest.mark.parametrize(("side", "block", "rate", "expected"), [(12, 3, 0.3, 0.26), (12, 7, 0.5, 0.36)])
def test_the_realized_rate_is_that_of_the_formula(side: int, block: int, rate: float, expected: float) -> None:
    """1 - mean over pixels of (1 - gamma)^(squares that cover it); overlaps make it lower than the rate."""
    covering = np.convolve(np.ones(side - block + 1), np.ones(block))  # squares on a pixel, along one axis
    q = keep_probability(DropBlock(block_size=block).gamma(side, side, rate))
    realized = 1 - np.mean(q ** np.multiply.outer(covering, covering))
    assert realized == pytest.approx(expected, abs=0.005)
    per_map = 1 - masks(side, block, rate).mean(axis=(1, 2))  # maps are independent, pixels of one are not
    assert abs(per_map.mean() - realized) <= 5 * per_map.std() / np.sqrt(per_map.size)


def test_corners_are_kept_more_often_than_the_center() -> None:
    """b = 7, r = .5 on 12 x 12 drops 4 % in the corners and 78 % in the center."""
    dropped = 1 - masks(12, 7, 0.5).mean(axis=(0, 3))
    assert dropped[0, 0] == pytest.approx(0.04, abs=0.01) and dropped[6, 6] == pytest.approx(0.78, abs=0.01)


@pytest.mark.parametrize("rate", [0.2, 0.5])
def test_blocks_of_one_pixel_and_of_a_whole_map_are_the_known_variants(rate: float) -> None:
    """b = 1 drops pixels independently with the rate; b = side drops whole maps with it."""
    single, whole = masks(6, 1, rate), masks(6, 6, rate)
    for mask, draws in ((single, single.size), (whole[:, 0, 0, :], whole[:, 0, 0, :].size)):
        q = keep_probability(rate)
        assert abs(mask.mean() - q) <= 5 * np.sqrt(q * (1 - q) / draws)
    assert np.array_equal(whole, np.broadcast_to(whole[:, :1, :1, :], whole.shape))
    neighbours = np.corrcoef(single[:, 0, 0, :].ravel(), single[:, 0, 1, :].ravel())[0, 1]
    assert abs(neighbours) <= 5 / np.sqrt(single[:, 0, 0, :].size)


def test_channels_and_examples_have_blocks_of_their_own() -> None:
    """No mask is shared."""
    mask = masks(20, 3, 0.5, count=16)
    flat = mask.transpose(0, 3, 1, 2).reshape(16, -1)
    assert len({row.tobytes() for row in flat}) == 16


def test_the_batch_is_scaled_to_mean_one() -> None:
    """One number over the whole mask, also where everything is dropped."""
    drawn = DropBlock(block_size=3).draw((20, 8, 8, 4), 0.3, stream(0, "test"), FLOAT64)
    assert drawn.mean() == pytest.approx(1) and len(np.unique(drawn)) == 2
    nothing = DropBlock(block_size=2).draw((1, 2, 2, 1), 0.99999, stream(1, "test"), FLOAT64)
    assert np.isfinite(nothing).all()
