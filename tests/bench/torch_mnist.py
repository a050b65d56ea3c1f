"""`configs/mnist.yaml` in PyTorch, from the four files to tables and figures.

Prints the test accuracy.
"""

import argparse
import gzip
import importlib
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np

from tests.bench.torch_run import Part, Settings, torch, train


def read(name: str, header: int) -> np.ndarray:
    """Return the values in one of the files."""
    with gzip.open(Path(os.environ["DROPOUT_DATA"]) / "mnist" / f"{name}.gz") as file:
        return np.frombuffer(file.read(), np.uint8, offset=header)


def read_mnist() -> tuple[tuple[Any, Any], tuple[Any, Any]]:
    """Return pixels (N, 784) uint8 and labels, of the training part and the test part."""
    parts = []
    for name in ("train", "t10k"):
        x, labels = read(f"{name}-images-idx3-ubyte", 16), read(f"{name}-labels-idx1-ubyte", 8)
        parts.append((torch.tensor(x).view(-1, 784), torch.tensor(labels).long()))
    return parts[0], parts[1]


def parts_of_mnist() -> dict[str, Part]:
    """Return the official test part, and a stratified twelfth of the rest for validation."""
    from sklearn.model_selection import train_test_split

    (x, labels), test = read_mnist()
    rows, val = train_test_split(np.arange(len(labels)), test_size=5000, stratify=labels.numpy(), random_state=0)
    return {
        "train": Part(x[rows], labels[rows], 255),
        "val": Part(x[val], labels[val], 255),
        "test": Part(*test, 255),
    }


def draw(folder: Path, matrix: list[list[int]], history: list[dict[str, float]]) -> None:
    """Draw the confusion matrix and the curves as PNG."""
    matplotlib: Any = importlib.import_module("matplotlib")
    matplotlib.use("Agg")
    plt: Any = importlib.import_module("matplotlib.pyplot")
    figure, axes = plt.subplots(figsize=(6, 6), dpi=120)
    image = axes.imshow(matrix, cmap="Blues")
    for i, row in enumerate(matrix):
        for j, count in enumerate(row):
            axes.text(j, i, str(count), ha="center", va="center", color="white" if count > 500 else "black")
    axes.set(xlabel="predicted", ylabel="true", xticks=range(10), yticks=range(10))
    figure.colorbar(image)
    figure.savefig(folder / "confusion_matrix.png")
    figure, both = plt.subplots(1, 2, figsize=(9, 4), dpi=120)
    epochs = [row["epoch"] for row in history]
    for axes, what in zip(both, ("loss", "accuracy"), strict=True):
        for name in ("train", "val"):
            axes.plot(epochs, [row[f"{name}_{what}"] for row in history], marker="o", label=name)
        axes.set(title=what, xlabel="epoch")
        axes.legend()
    figure.savefig(folder / "curves.png")


def main() -> None:
    """Train into a new folder."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.torch_mnist")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--steps", type=int, help="of an epoch")
    asked = parser.parse_args()
    settings = Settings((512, 512), 0.2, 0.0, 1e-3, 128, asked.epochs, steps=asked.steps)
    summary, history = train(settings, parts_of_mnist(), asked.folder)
    draw(asked.folder, summary["test"]["confusion_matrix"], history)
    sys.stdout.write(f"{summary['test']['accuracy']}\n")


if __name__ == "__main__":
    main()
