"""Random changes to training pictures: what each does, that evaluation sees none, and that runs with them resume."""

from pathlib import Path

import numpy as np
import pytest

from dropout_cli import config
from dropout_cli.core.errors import ConfigError
from dropout_cli.core.rng import stream
from dropout_cli.data.augmentation import Augmentation
from dropout_cli.training import resume
from tests.small_run import ignore, train
from tests.training.test_resume import EVERY, interrupted, same_bytes

X = 1 + stream(0, "test:x").random((200, 6, 5, 2))
AUGMENT = "dataset.augment={shift: 1, flip: true, cutout: 2}"


def test_nothing_set_changes_nothing() -> None:
    """And the input is never written to."""
    x = X.copy()
    x.flags.writeable = False
    assert np.array_equal(Augmentation().apply(x, stream(0, "augment")), X)
    Augmentation(shift=2, flip=True, cutout=3).apply(x, stream(0, "augment"))


def test_a_shift_is_padding_with_zeros_and_cropping() -> None:
    """Each picture is one of the 25 crops of itself with two zeros around it, and all of them occur."""
    padded = np.pad(X, ((0, 0), (2, 2), (2, 2), (0, 0)))
    crops = [padded[:, top : top + 6, left : left + 5] for top in range(5) for left in range(5)]
    moved = Augmentation(shift=2).apply(X, stream(1, "augment"))
    hits = np.array([(moved == crop).all(axis=(1, 2, 3)) for crop in crops])
    assert (hits.sum(axis=0) == 1).all() and hits.any(axis=1).all()


def test_half_of_the_pictures_are_mirrored() -> None:
    """Left and right, and not up and down."""
    y = Augmentation(flip=True).apply(X, stream(2, "augment"))
    mirrored = (y == X[:, :, ::-1]).all(axis=(1, 2, 3))
    assert ((y == X).all(axis=(1, 2, 3)) != mirrored).all()
    assert abs(mirrored.mean() - 0.5) <= 5 * 0.5 / np.sqrt(len(X))


@pytest.mark.parametrize("side", [1, 2, 3])
def test_a_cutout_is_a_square_of_zeros_cut_at_the_edge(side: int) -> None:
    """Around every pixel alike; the rest stays."""
    y = Augmentation(cutout=side).apply(X, stream(3, "augment"))
    zero = (y == 0).all(axis=3)
    assert np.array_equal(y[~zero], X[~zero])
    for picture in zero:
        rows, columns = picture.any(axis=1).sum(), picture.any(axis=0).sum()
        assert picture.sum() == rows * columns and 1 <= rows <= side and 1 <= columns <= side
    assert zero.any(axis=0).all()


def test_a_run_with_changes_resumes_to_the_same_bytes(tmp_path: Path) -> None:
    """The draws are a function of seed and epoch; they change what is learned."""
    settings = ("training.epochs=4", EVERY, AUGMENT)
    whole = train(tmp_path / "whole", *settings)
    run = interrupted(tmp_path, 2, *settings)
    resume.resume_run(run, watch=ignore, figures=False)
    assert same_bytes(run, whole)
    plain = train(tmp_path / "plain", *settings[:2])
    assert plain.read("metrics.csv") != whole.read("metrics.csv")


@pytest.mark.parametrize(
    ("dataset", "message"),
    [
        ("{name: iris, augment: {flip: true}}", r"dataset\.augment: needs images"),
        (
            "{name: digits, augment: {shift: 8}}",
            r"dataset\.augment\.shift: must be below 8, the shorter side",
        ),
        ("{name: digits, augment: {rotate: 3}}", r"rotate: unknown key"),
    ],
)
def test_what_cannot_be_done_is_refused_when_the_config_is_read(dataset: str, message: str, tmp_path: Path) -> None:
    """By its key."""
    file = tmp_path / "augmented.yaml"
    file.write_text(f"dataset: {dataset}\n")
    with pytest.raises(ConfigError, match=message):
        config.load_config(file)
