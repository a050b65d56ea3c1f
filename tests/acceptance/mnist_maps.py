"""MNIST with a convolutional network: no dropout, element by element, whole maps and squares, over three seeds.

It trains twelve times, which takes hours. The bar only notices a network that does not learn: what counts is the
table that it prints.
"""

import statistics

from tests.acceptance.bars import Bars

VARIANTS = {
    "none": "dropout=none",
    "inverted": "dropout={variant: inverted, rate: [0.25, 0.5]}",
    "spatial": "dropout={variant: spatial, rate: 0.25, dense_rate: 0.5}",
    "dropblock": "dropout={variant: dropblock, rate: 0.25, block_size: 3, dense_rate: 0.5}",
}

if __name__ == "__main__":
    bars = Bars("mnist_maps")
    for name, override in VARIANTS.items():
        if bars.smoke and name in ("none", "inverted"):
            continue
        accuracies = []
        for seed in range(1 if bars.smoke else 3):
            summary, _, command = bars.train("configs/mnist_cnn.yaml", override, f"seed={seed}")
            accuracies.append(summary["test"]["accuracy"])
        spread = statistics.stdev(accuracies) if len(accuracies) > 1 else 0.0
        bars.at_least(f"{name}: accuracy (sd {spread:.4f})", statistics.mean(accuracies), 0.985, command)
    bars.end()
