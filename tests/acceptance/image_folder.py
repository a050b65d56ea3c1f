"""Seconds to read 10,000 small pictures for the first time, and again."""

import os
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

from dropout_cli.data.sources.image_folder import ImageFolder
from tests.acceptance.bars import Bars

if __name__ == "__main__":
    bars = Bars("image_folder")
    count = 100 if bars.smoke else 10_000
    command = f"dropout config check, dataset: {{name: image_folder}} of {count} PNG and JPEG files of 32 x 32"
    with tempfile.TemporaryDirectory() as made:
        os.environ["XDG_DATA_HOME"] = made
        os.environ.pop("DROPOUT_DATA", None)
        pixels = np.random.default_rng(0).integers(0, 256, (count, 32, 32, 3), dtype=np.uint8)
        for number, picture in enumerate(pixels):
            place = Path(made) / "pictures" / f"class{number % 10}"
            place.mkdir(parents=True, exist_ok=True)
            Image.fromarray(picture).save(place / f"{number}.{'png' if number % 2 else 'jpg'}")
        for what, bar in (("first", 10), ("from the cache", 1)):
            began = time.perf_counter()
            found = ImageFolder(path=str(Path(made) / "pictures")).read()
            bars.at_most(f"seconds, {what}", time.perf_counter() - began, bar, command)
        bars.at_least("pictures", len(found.x), count, command, always=True)
    bars.end()
