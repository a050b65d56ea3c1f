"""Three UCI regressions on their 20 published splits.

The figures beside them are those of Gal and Ghahramani 2018 (4000 epochs).
"""

import json
import math
import tempfile
from pathlib import Path

from dropout_cli.data.cache import data_directories
from tests.acceptance.bars import Bars, mean

CONFIG = """\
dataset: {{name: table, path: {path}, target: -1, task: regression, val_fraction: 0, test_rows: {rows}}}
architecture: {{name: mlp, hidden: [50], activation: gelu}}
dropout: {{variant: inverted, rate: {rate}}}
training: {{epochs: 400, batch_size: 32, optimizer: {{name: adam, learning_rate: 1e-2}}, schedule: cosine}}
seed: {split}
"""
PUBLISHED = {"yacht": 0.67, "energy": 0.54, "concrete": 4.82}
RATE = 0.005

if __name__ == "__main__":
    bars = Bars("uci")
    folder = next(one / "uci_regression" for one in data_directories() if (one / "uci_regression").is_dir())
    with tempfile.TemporaryDirectory() as made:
        for name, published in PUBLISHED.items():
            splits = json.loads((folder / name / "splits.json").read_text())["test_indices"]
            errors = []
            for split, rows in enumerate(splits[: 1 if bars.smoke else None]):
                config = Path(made) / f"{name}-{split}.yaml"
                config.write_text(CONFIG.format(path=folder / name / "data.txt", rows=rows, rate=RATE, split=split))
                summary, _, command = bars.train(str(config))
                errors.append(summary["test"]["rmse"])
            spread = math.sqrt(sum((one - mean(errors)) ** 2 for one in errors) / max(1, len(errors) - 1))
            what = f"{name}: mean test rmse of {len(errors)} splits, sd {spread:.3f}, published {published}"
            bars.at_most(what, mean(errors), 1.1 * published, command)
    bars.end()
