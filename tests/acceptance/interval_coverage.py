"""Coverage of 95 % Monte Carlo intervals of three regressions over 20 splits, at rate .1.

The noise of the targets is estimated once, on the validation part. Yacht and energy have their published splits.

The bars hold for this network, not for every network. If the passes vary much more than their mean is wrong, no
additional noise makes the intervals narrower: 50 GELU units with a learning rate of 1e-2 cover .995 of yacht. If the
errors are not normal, the normal distribution of the largest likelihood is too narrow at 95 %: 50 units with 1e-3 cover
.91 of energy, and .92 of the validation part that the noise was fitted to. Conformal intervals have no such limit.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from dropout_cli.data.cache import data_directories
from tests.acceptance.bars import Bars, mean

CONFIG = """\
dataset: {dataset}
architecture: {{name: mlp, hidden: [100]}}
dropout: {{variant: inverted, rate: 0.1}}
training: {{epochs: 400, batch_size: 32, optimizer: {{name: adam, learning_rate: 3e-3}}, schedule: cosine}}
seed: {split}
"""
TABLE = "{{name: table, path: {path}, target: -1, task: regression, val_fraction: 0.2, test_rows: {rows}}}"
DIABETES = "{{name: diabetes, scaling: standardize, val_fraction: 0.2, test_fraction: 0.1, split_seed: {split}}}"
SPLITS = 20
PASSES = 50
LOW, HIGH = 0.92, 0.985
PREDICTORS = {"monte_carlo": "normal distribution", "monte_carlo_mixture": "mixture"}


def datasets(name: str) -> list[str]:
    """Return the dataset block of each split."""
    if name == "diabetes":
        return [DIABETES.format(split=split) for split in range(SPLITS)]
    folder = next(one / "uci_regression" for one in data_directories() if (one / "uci_regression").is_dir()) / name
    splits = json.loads((folder / "splits.json").read_text())["test_indices"]
    return [TABLE.format(path=folder / "data.txt", rows=rows) for rows in splits[:SPLITS]]


def coverages(folder: Path) -> dict[str, float]:
    """Return the coverage of the test part for each predictor."""
    arguments = ["eval", str(folder), "--calibration", "--mc", str(PASSES), "--no-plots", "--json"]
    done = subprocess.run(
        [sys.executable, "-m", "dropout_cli", *arguments], capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"dropout {' '.join(arguments)}: exit code {done.returncode}\n{done.stderr}")
    (study,) = (one for one in json.loads(done.stdout).values() if isinstance(one, dict))
    return {key: study["predictors"][key][0]["coverage"] for key in PREDICTORS}


def coverages_of_splits(bars: Bars, name: str, folder: Path) -> list[dict[str, float]]:
    """Train on each split of a dataset; return the coverages of each run."""
    found: list[dict[str, float]] = []
    for split, dataset in enumerate(datasets(name)[: 1 if bars.smoke else None]):
        config = folder / f"{name}-{split}.yaml"
        config.write_text(CONFIG.format(dataset=dataset, split=split))
        bars.train(str(config), "--no-plots", look=lambda run: found.append(coverages(run)))
    return found


if __name__ == "__main__":
    bars = Bars("interval_coverage")
    with tempfile.TemporaryDirectory() as made:
        for name in ("yacht", "energy", "diabetes"):
            found = coverages_of_splits(bars, name, Path(made))
            for key, label in PREDICTORS.items():
                value = mean([one[key] for one in found])
                what = f"{name}: coverage of 95 % intervals, {label}, mean of {len(found)} splits"
                command = f"dropout eval RUN --calibration --mc {PASSES}"
                bars.at_least(what, value, LOW, command)
                bars.at_most(what, value, HIGH, command)
    bars.end()
