"""The kinds of shift: what changes in the examples, and how strongly.

pictures   rotate (degrees), translate (pixels), noise (standard deviation), blur (sigma in pixels), contrast
           (factor); values from 0, black, to 1, white
tables     noise (in units of each number's standard deviation in training), missing (share of the cells)
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import cast

import numpy as np

from dropout_cli.core.errors import UsageError
from dropout_cli.core.types import Array, Shape
from dropout_cli.data.base import Source
from dropout_cli.data.corruptions import pictures
from dropout_cli.data.corruptions.cells import find_cells
from dropout_cli.data.corruptions.changed_rows import ChangedRows, draw_rows
from dropout_cli.data.corruptions.pixel_range import PixelRange, find_pixel_range
from dropout_cli.data.dataset import Dataset, Part

SHIFT_AXES = {
    "rotate": "rotation_degrees",
    "translate": "translation_pixels",
    "noise": "noise_sd",
    "blur": "blur_sigma",
    "contrast": "contrast_factor",
    "missing": "missing_share",
}
"""Kind of shift -> the name of its strength, a column of CSV files."""
PICTURE_SHIFTS = ("rotate", "translate", "noise", "blur", "contrast")
TABLE_SHIFTS = ("noise", "missing")
MAX_TRANSLATION, MAX_SIGMA = 8, 4.0


@dataclass(frozen=True)
class Shift:
    """A change of raw examples, at several strengths."""

    name: str
    strengths: tuple[float, ...]
    """From the one that changes nothing to the strongest."""
    change: Callable[[Array, Array, float], Array]
    """Changes raw examples (n, *shape) at positions (n,) of their part, by a strength."""

    @property
    def axis(self) -> str:
        """The name of the strength."""
        return SHIFT_AXES[self.name]

    def shifted_part(self, part: Part, strength: float) -> Part:
        """Return a part with changed examples; the part itself at the first strength.

        Examples that stay in files are changed as they are read.

        Args:
            part: The examples, not scaled.
            strength: One of `strengths`.
        """
        if strength == self.strengths[0]:
            return part
        dtype = np.dtype(np.float64 if part.x.dtype == np.float64 else np.float32)
        rows = ChangedRows(part.x, lambda x, positions: self.change(x, positions, strength), dtype)
        x = rows.read_all() if isinstance(part.x, np.ndarray) else cast("Array", rows)
        return replace(part, x=x)


def find_shift(name: str, dataset: Dataset, source: Source, seed: int) -> Shift:
    """Return a kind of shift for a dataset.

    Args:
        name: A key of SHIFT_AXES.
        dataset: The data of the run.
        source: Their source.
        seed: The seed of the run; random changes have the stream `shift:<name>`.

    Raises:
        UsageError: The kind does not suit the data.
    """
    is_picture = len(dataset.shape) == 3
    if name not in (PICTURE_SHIFTS if is_picture else TABLE_SHIFTS):
        suited = ", ".join(PICTURE_SHIFTS if is_picture else TABLE_SHIFTS)
        needed, given = ("a table", "images") if is_picture else ("images", "a table")
        fact = f"{name} needs {needed}, but this run was trained on {given}"
        raise UsageError("--shift", fact, f"Choose from: {suited}.")
    if not is_picture:
        return _table_shift(name, dataset, seed)
    return Shift(
        name, picture_strengths(name, dataset.shape), _picture_change(name, find_pixel_range(dataset, source), seed)
    )


def picture_strengths(name: str, shape: Shape) -> tuple[float, ...]:
    """Return the strengths of a shift of pictures.

    Small pictures move by at most half of their width, and are blurred by at most a quarter of their side.

    Args:
        name: One of PICTURE_SHIFTS.
        shape: (height, width, channels).
    """
    height, width, _ = shape
    if name == "rotate":
        return tuple(float(degrees) for degrees in range(0, 181, 15))
    if name == "translate":
        return tuple(float(pixels) for pixels in range(min(MAX_TRANSLATION, width // 2) + 1))
    if name == "noise":
        return tuple(step / 10 for step in range(11))
    if name == "blur":
        return tuple(step / 2 for step in range(int(2 * min(MAX_SIGMA, min(height, width) / 4)) + 1))
    return 1.0, 0.5, 0.2, 0.1, 0.05


def _picture_change(name: str, levels: PixelRange, seed: int) -> Callable[[Array, Array, float], Array]:
    def change(x: Array, positions: Array, strength: float) -> Array:
        unit = levels.to_unit(x)
        if name == "rotate":
            changed = pictures.rotate_pictures(unit, strength)
        elif name == "translate":
            changed = pictures.translate_pictures(unit, int(strength))
        elif name == "noise":
            eps = draw_rows(seed, f"shift:{name}", positions, x.shape[1:])
            changed = pictures.add_pixel_noise(unit, strength, eps)
        elif name == "blur":
            changed = pictures.blur_pictures(unit, strength)
        else:
            changed = pictures.reduce_contrast(unit, strength)
        return levels.from_unit(changed)

    return change


def _table_shift(name: str, dataset: Dataset, seed: int) -> Shift:
    cells = find_cells(dataset)

    def change(x: Array, positions: Array, strength: float) -> Array:
        if name == "noise":
            return cells.add_noise(x, strength, draw_rows(seed, "shift:noise", positions, x.shape[1:]))
        draws = draw_rows(seed, "shift:missing", positions, (cells.count,), uniform=True)
        return cells.remove_values(x, strength, draws)

    if name == "noise" and not cells.numeric_sd.any():
        raise UsageError(
            "--shift", "noise needs a column of numbers that vary, but this table has none", "Choose missing."
        )
    return Shift(name, tuple(step / 10 for step in range(11)), change)
