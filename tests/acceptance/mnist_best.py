"""The strongest permutation-invariant network: mean test error over five seeds, and time with two threads."""

from tests.acceptance.bars import Bars, mean

SEEDS = 5

if __name__ == "__main__":
    bars = Bars("mnist_best")
    few = bars.few_pictures()
    errors = []
    for seed in range(1 if bars.smoke else SEEDS):
        summary, seconds, command = bars.train("configs/mnist_best.yaml", *few, f"seed={seed}", "training.threads=2")
        errors.append(100 * summary["test"]["error"])
        bars.at_most("wall seconds", seconds, 600, command)
    bars.at_most("mean test error, percent", mean(errors), 0.8, "dropout train mnist_best seed=0..4 training.threads=2")
    bars.end()
