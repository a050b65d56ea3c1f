"""MNIST as in the slides: 784-256-10, plain SGD, ten epochs."""

from tests.acceptance.bars import Bars

if __name__ == "__main__":
    bars = Bars("mnist_slides")
    few = bars.few_pictures()
    summary, _, command = bars.train("configs/mnist_slides.yaml", *few)
    bars.at_least("test accuracy", summary["test"]["accuracy"], 0.90, command)
    bars.end()
