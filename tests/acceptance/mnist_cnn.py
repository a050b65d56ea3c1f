"""MNIST with Keras' convolutional network: accuracy over three seeds, time and memory."""

from tests.acceptance.bars import Bars, mean

if __name__ == "__main__":
    bars = Bars("mnist_cnn")
    few = bars.few_pictures()
    accuracies = []
    for seed in range(1 if bars.smoke else 3):
        summary, seconds, command = bars.train("configs/mnist_cnn.yaml", *few, f"seed={seed}")
        accuracies.append(summary["test"]["accuracy"])
        bars.at_least("test accuracy", accuracies[-1], 0.99, command)
        bars.at_most("wall seconds", seconds, 600, command)
        bars.at_most("peak resident megabytes", summary["peak_bytes"] / 1e6, 1000, command)
    bars.at_least("mean test accuracy", mean(accuracies), 0.992, "dropout train configs/mnist_cnn.yaml seed=0..2")
    bars.end()
