"""The strongest permutation-invariant network: test error over three seeds, and time."""

from tests.acceptance.bars import Bars, mean

if __name__ == "__main__":
    bars = Bars("mnist_best")
    few = bars.few_pictures()
    errors = []
    for seed in range(1 if bars.smoke else 3):
        summary, seconds, command = bars.train("configs/mnist_best.yaml", *few, f"seed={seed}")
        errors.append(100 * summary["test"]["error"])
        bars.at_most("wall seconds", seconds, 600, command)
    bars.at_most("mean test error, percent", mean(errors), 1.0, "dropout train configs/mnist_best.yaml seed=0..2")
    bars.end()
