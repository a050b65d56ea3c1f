"""MNIST with Keras' example network: accuracy over three seeds, time and memory."""

from tests.acceptance.bars import Bars, mean

if __name__ == "__main__":
    bars = Bars("mnist")
    accuracies = []
    for seed in range(1 if bars.smoke else 3):
        summary, seconds, command = bars.train("configs/mnist.yaml", f"seed={seed}")
        accuracies.append(summary["test"]["accuracy"])
        bars.at_least("test accuracy", accuracies[-1], 0.982, command)
        bars.at_most("wall seconds", seconds, 60, command)
        bars.at_most("peak resident megabytes", summary["peak_bytes"] / 1e6, 500, command)
    bars.at_least("mean test accuracy", mean(accuracies), 0.984, "dropout train configs/mnist.yaml seed=0..2")
    bars.end()
