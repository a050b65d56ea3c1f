"""Sparse variational dropout on MNIST, LeNet-300-100: error, sparsity and wall time."""

from tests.acceptance.bars import Bars

if __name__ == "__main__":
    bars = Bars("mnist_sparse")
    few = bars.few_pictures()
    summary, seconds, command = bars.train("configs/mnist_sparse.yaml", *few)
    found = summary["dropout"]
    bars.at_most("test error, weights cut", 1 - found["accuracy_pruned"], 0.022, command)
    bars.at_least("sparsity overall", found["sparsity"]["overall"], 0.95, command)
    bars.at_least("compression", found["compression"] or 0, 20, command)
    bars.at_most("wall seconds", seconds, 600, command)
    bars.end()
