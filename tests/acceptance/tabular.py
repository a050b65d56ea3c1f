"""Four real tables with a short config each: mean accuracy over ten seeds and splits."""

import tempfile
from pathlib import Path

from dropout_cli.data.cache import data_directories
from tests.acceptance.bars import Bars, mean

CONFIG = """\
dataset: {{name: table, path: {path}}}
architecture: {{name: mlp, hidden: [64, 64]}}
dropout: {{variant: inverted, rate: 0.3}}
objective: {{name: cross_entropy, class_weights: {weights}}}
training: {{epochs: {epochs}, batch_size: 16, optimizer: {{name: adam, learning_rate: {rate}}}, schedule: cosine}}
"""
TABLES = {
    "sonar": ("null", 60, 1e-3, "accuracy", 0.80),
    "pima-indians-diabetes": ("null", 60, 1e-3, "accuracy", 0.74),
    "wheat-seeds": ("null", 200, 3e-3, "accuracy", 0.92),
    "breast-cancer": ("balanced", 60, 1e-3, "balanced_accuracy", 0.60),
}
SEEDS = 10

if __name__ == "__main__":
    bars = Bars("tabular")
    folder = next(one / "tabular" for one in data_directories() if (one / "tabular").is_dir())
    with tempfile.TemporaryDirectory() as made:
        for name, (weights, epochs, rate, number, bar) in TABLES.items():
            config = Path(made) / f"{name}.yaml"
            config.write_text(CONFIG.format(path=folder / f"{name}.csv", weights=weights, epochs=epochs, rate=rate))
            scores = []
            for seed in range(1 if bars.smoke else SEEDS):
                summary, _, command = bars.train(str(config), f"seed={seed}", f"dataset.split_seed={seed}")
                scores.append(summary["test"][number])
            bars.at_least(f"{name}: mean test {number}, seeds 0 to {seed}", mean(scores), bar, command)
    bars.end()
