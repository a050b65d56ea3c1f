"""Small trained runs of every kind, with new data and what `dropout predict` says of them."""

import csv
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from dropout_cli.analysis.predict import predict_file
from dropout_cli.core.rng import stream
from dropout_cli.core.types import Array
from dropout_cli.runs import Run
from dropout_cli.variants import VARIANTS
from tests.small_run import suited, train

SHORT = ("training.epochs=1", "training.steps_per_epoch=8")
RESNET = "architecture={name: resnet, depth: 8, widths: [2, 3, 4], activation: gelu}"
LENET = "architecture={name: cnn, layers: [conv 4 3x3, average 2, conv 5 2x2 stride 2, dense 9], batch_norm: true}"
GLOBAL = "architecture={name: cnn, layers: [conv 4 3x2 stride 2, conv 5 3x3, global, dense 9], activation: tanh}"
TABLE = "dataset={name: table, path: '%s/plants.csv', target: %s, drop: [day]}"
GAPS = (
    "dataset={name: table, path: '%s/plants.csv', target: %s, missing_categories: level, missing_indicator: true, "
    "normalize_labels: true, scaling: standardize, not_missing: [NA], dates: expand, "
    "categorical: ['code, old']}"
)
IMAGES: dict[str, tuple[str, ...]] = {
    **{name: suited(name) for name in VARIANTS.names()},
    "dropconnect sample": ("dropout={variant: dropconnect, inference: sample, samples: 5, masks: exact}",),
    "dropconnect sample normalized": (
        "architecture={name: mlp, hidden: [8], batch_norm: true}",
        "dropout={variant: dropconnect, inference: sample, samples: 5}",
    ),
    "variational weights": ("dropout={variant: variational, mode: weight, share: weight}",),
    "resnet": (RESNET, "dropout={variant: none}"),
    "batch normalization": (LENET, "dropout={variant: inverted}"),
    "global": (GLOBAL, "dropout={variant: dropblock, block_size: 2, rate: 0.3}"),
    "sigmoid": ("architecture={name: mlp, activation: sigmoid, input_noise: 0.1}", "dataset.scaling=standardize"),
    "averaged": ("training.average={decay: 0.5}", "dataset.scaling=none"),
}
"""Name -> overrides of the small run on digits."""
TABLES: dict[str, tuple[str, ...]] = {
    "table": (TABLE % ("%s", "kind"),),
    "table with gaps": (GAPS % ("%s", "kind"),),
    "regression": (TABLE % ("%s", "yield"), "objective=squared_error"),
    "gaussian_nll": (GAPS % ("%s", "yield"), "objective=gaussian_nll"),
    "two targets": (TABLE % ("%s", "[yield, depth]"), "objective=gaussian_nll"),
}
"""Name -> overrides of the small run on a table; %s stands for its folder."""


class SmallModel(NamedTuple):
    """A run with new data."""

    run: Run
    x: Any
    """The new examples: an array, or a mapping from columns to cells."""
    predicted: dict[str, Array]
    """Prediction of `dropout predict` by name: `label`, `probabilities`, `mean`, `sd`."""


def make_plants(file: Path) -> None:
    """Write a table with words, codes, numbers, gaps, and large numbers that differ little."""
    rng = stream(0, "plants")
    rows = []
    for number in range(160):
        size, color = rng.normal(3, 1), ("red", "Dark Blue", "green", "NA")[rng.integers(4)]
        kind = ("tall", "flat")[int(size + (color == "red") + rng.normal(0, 0.3) > 3.3)]
        cells = [
            f"{size:.3f}" if number % 9 else "",
            color if number % 11 else "?",
            str(rng.integers(3)),
            f"{1.7e9 + 10 * number + rng.integers(5):.0f}",
            kind,
            f"{20 * size + rng.normal(0, 2):.2f}",
            f"{-size:.2f}",
            (date(2024, 1, 1) + timedelta(days=number)).isoformat(),
        ]
        rows.append(cells)
    with file.open("w", newline="") as opened:
        csv.writer(opened).writerows([["size", "color", "code, old", "time", "kind", "yield", "depth", "day"], *rows])


def new_plants(file: Path) -> dict[str, list[str]]:
    """Write new rows, with unknown words, other spellings and gaps; return them by column, dates by their parts."""
    table = {
        "color": ["red", "dark  blue.", "violet", "", "NA", "Dark Blue", "green", " 'red' "],
        "size": ["2.5", "", "1e0", "4", "?", "3.25", "-1", "2"],
        "code, old": ["1", "2.0", "0", "7", "", "1", "2", "0"],
        "time": ["1700000010", "1.7000005e9", "", "1700001000", "1700000000", "1700000003", "1700000900", "1700000100"],
        "yield": ["40"] * 8,
        "depth": ["-2"] * 8,
        "kind": ["flat", "tall"] * 4,
        "unused": ["x"] * 8,
    }
    days = [date(2024, 3, 31) + timedelta(days=40 * number) for number in range(8)]
    dated = table | {"day": [day.isoformat() for day in days]}
    with file.open("w", newline="") as opened:
        csv.writer(opened).writerows([list(dated), *zip(*dated.values(), strict=True)])
    parts = {
        "year": [str(day.year) for day in days],
        "month": [str(day.month) for day in days],
        "weekday": [str(day.weekday()) for day in days],
        "day number": [str((day - date(1970, 1, 1)).days) for day in days],
    }
    return table | {f"day ({name})": cells for name, cells in parts.items()}


def small_model(name: str, folder: Path) -> SmallModel:
    """Train a run of `IMAGES` or `TABLES` and predict new data with it.

    Args:
        name: Its name there.
        folder: An empty folder.
    """
    folder.mkdir(parents=True)
    if name in IMAGES:
        run = train(folder, *SHORT, *IMAGES[name])
        x = stream(1, "new images").integers(0, 17, (12, 8, 8, 1)).astype(np.float32)
        np.save(file := folder / "new.npy", x)
        return SmallModel(run, x, predicted_by_run(run, file))
    make_plants(folder / "plants.csv")
    overrides = [text.replace("%s", str(folder)) for text in TABLES[name]]
    run = train(folder, *SHORT, "training.batch_size=16", *overrides)
    table = new_plants(file := folder / "new.csv")
    return SmallModel(run, table, predicted_by_run(run, file))


def predicted_by_run(run: Run, file: Path) -> dict[str, Array]:
    """Return the prediction of `dropout predict` for a file."""
    (block,) = predict_file(run, file)
    columns = dict(
        zip(
            block.names[block.file_columns :],
            zip(*(row[block.file_columns :] for row in block.rows), strict=True),
            strict=True,
        )
    )
    if "predicted" in columns and isinstance(columns["predicted"][0], str):
        probabilities = [values for name, values in columns.items() if name.startswith("probability ")]
        return {"label": np.array(columns["predicted"]), "probabilities": np.array(probabilities).T}
    means = [values for name, values in columns.items() if name.startswith("predicted")]
    sds = [values for name, values in columns.items() if name.startswith("sd")]
    return {"mean": np.array(means).T, **({"sd": np.array(sds).T} if sds else {})}


Models = Callable[[str], SmallModel]
"""Returns the model of a name, trained once per session."""
