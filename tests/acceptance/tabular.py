"""Four real tables with a short config each: mean accuracy over ten seeds, each with a split of its own."""

import tempfile
from pathlib import Path

from dropout_cli.data.store import data_directories
from tests.acceptance.bars import Bars, mean

CONFIG = """\
dataset: {{name: table, path: {path}}}
architecture: {{name: mlp, hidden: [64, 64]}}
dropout: {{variant: inverted, rate: 0.3}}
objective: {{name: cross_entropy, class_weights: {weights}}}
training: {{epochs: 60, batch_size: 16, schedule: cosine}}
"""
TABLES = {
    "sonar": ("null", "accuracy", 0.80),
    "pima-indians-diabetes": ("null", "accuracy", 0.74),
    "wheat-seeds": ("null", "accuracy", 0.92),
    "breast-cancer": ("balanced", "balanced_accuracy", 0.60),
}
SEEDS = 10

if __name__ == "__main__":
    bars = Bars("tabular")
    folder = next(one / "tabular" for one in data_directories() if (one / "tabular").is_dir())
    with tempfile.TemporaryDirectory() as made:
        for name, (weights, number, bar) in TABLES.items():
            config = Path(made) / f"{name}.yaml"
            config.write_text(CONFIG.format(path=folder / f"{name}.csv", weights=weights))
            scores = []
            for seed in range(1 if bars.smoke else SEEDS):
                summary, _, command = bars.train(str(config), f"seed={seed}", f"dataset.split_seed={seed}")
                scores.append(summary["test"][number])
            bars.at_least(f"{name}: mean test {number}, seeds 0 to {seed}", mean(scores), bar, command)
    bars.end()
