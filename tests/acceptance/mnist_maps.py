"""MNIST with a CNN: no dropout, single elements, whole maps and squares; three seeds.

It trains twelve times, 4 epochs each. The bar only notices a network that does not learn; the result is the table that
is printed. Beside each mean it has the difference from no dropout at equal seeds, with the half-width of its 95 % t
interval: a smaller difference cannot be shown with three seeds.
"""

import statistics

from scipy.stats import t

from tests.acceptance.bars import Bars

VARIANTS = {
    "none": "dropout=none",
    "inverted": "dropout={variant: inverted, rate: [0.25, 0.5]}",
    "spatial": "dropout={variant: spatial, rate: 0.25, dense_rate: 0.5}",
    "dropblock": "dropout={variant: dropblock, rate: 0.25, block_size: 3, dense_rate: 0.5}",
}

if __name__ == "__main__":
    bars = Bars("mnist_maps")
    few = bars.few_pictures()
    baseline: list[float] = []
    for name, override in VARIANTS.items():
        if bars.smoke and name in ("none", "inverted"):
            continue
        accuracies, changes = [], (*few, override, "training.epochs=4")
        for seed in range(1 if bars.smoke else 3):
            summary, _, command = bars.train("configs/mnist_cnn.yaml", *changes, f"seed={seed}")
            accuracies.append(summary["test"]["accuracy"])
        baseline = baseline or accuracies
        label = f"{name}: accuracy"
        if len(accuracies) > 1:
            differences = [one - other for one, other in zip(accuracies, baseline, strict=True)]
            half = t.ppf(0.975, len(differences) - 1) * statistics.stdev(differences) / len(differences) ** 0.5
            spread, difference = statistics.stdev(accuracies), statistics.mean(differences)
            label += f" (sd {spread:.4f}; from none {difference:+.4f} +- {half:.4f})"
        bars.at_least(label, statistics.mean(accuracies), 0.985, command)
    bars.end()
