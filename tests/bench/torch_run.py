"""A run as a competent user of PyTorch writes it: train, evaluate, write files.

It does not use this package.
"""

import csv
import importlib
import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

torch: Any = importlib.import_module("torch")  # its annotations are not those that our checker wants
nn: Any = torch.nn

MOST_SCORED = 10_000
EVALUATION_BATCH = 1000
ECE_BINS = 15


@dataclass(frozen=True)
class Settings:
    """A network of ReLU layers with dropout, trained by Adam with a cosine schedule."""

    hidden: tuple[int, ...]
    rate: float
    input_rate: float
    learning_rate: float
    batch: int
    epochs: int
    seed: int = 0
    steps: int | None = None
    """Steps of an epoch; None: one pass over all examples."""


@dataclass(frozen=True)
class Part:
    """Examples (N, features), the divisor that scales them to [0, 1], and their labels."""

    x: Any
    labels: Any
    divisor: float

    def take(self, rows: Any) -> Any:
        """Return some rows as float32 in [0, 1]."""
        return self.x[rows].float() / self.divisor

    def batches(self, count: int) -> Iterator[tuple[Any, Any]]:
        """Yield batches of the first `count` examples, or of all if there are fewer."""
        for start in range(0, min(count, len(self.labels)), EVALUATION_BATCH):
            rows = slice(start, min(start + EVALUATION_BATCH, count))
            yield self.take(rows), self.labels[rows]


def network_of(settings: Settings, features: int, classes: int) -> Any:
    """Return the layers, with the initialization of He et al."""
    layers: list[Any] = [nn.Dropout(settings.input_rate)] if settings.input_rate else []
    for width in settings.hidden:
        layers += [nn.Linear(features, width), nn.ReLU(), nn.Dropout(settings.rate)]
        features = width
    network = nn.Sequential(*layers, nn.Linear(features, classes))
    for layer in network:
        if isinstance(layer, nn.Linear):
            nn.init.kaiming_normal_(layer.weight)
            nn.init.zeros_(layer.bias)
    return network


def train(settings: Settings, parts: Mapping[str, Part], folder: Path) -> tuple[dict[str, Any], list[dict[str, float]]]:
    """Train and write the files of a run; return summary and history.

    The files are metrics.csv, summary.json, predictions.npz and the weights.
    """
    began = time.perf_counter()
    folder.mkdir(parents=True)
    torch.manual_seed(settings.seed)
    part = parts["train"]
    network = network_of(settings, part.x.shape[1], 10)
    optimizer = torch.optim.Adam(network.parameters(), settings.learning_rate, fused=True)
    steps = settings.steps or -(-len(part.labels) // settings.batch)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, settings.epochs * steps)
    history = []
    with (folder / "metrics.csv").open("w", newline="") as file:
        for epoch in range(1, settings.epochs + 1):
            objective = _epoch(network, optimizer, schedule, part, settings.batch, steps)
            row: dict[str, float] = {"epoch": epoch, "learning_rate": schedule.get_last_lr()[0], "objective": objective}
            for name in ("train", "val"):
                loss, accuracy = judge(network, parts[name])
                row |= {f"{name}_loss": loss, f"{name}_accuracy": accuracy}
            history.append(row)
            writer = csv.DictWriter(file, row.keys())
            if epoch == 1:
                writer.writeheader()
            writer.writerow(row)
            file.flush()
    probs = {name: probabilities(network, part) for name, part in parts.items()}
    summary = {name: scores(probs[name], part.labels.numpy()) for name, part in parts.items()}
    told = summary | {"settings": asdict(settings), "seconds": time.perf_counter() - began}
    (folder / "summary.json").write_text(json.dumps(told, indent=2))
    np.savez(folder / "predictions.npz", labels=parts["test"].labels.numpy(), probabilities=probs["test"])
    torch.save({"model": network.state_dict(), "optimizer": optimizer.state_dict()}, folder / "checkpoint.pt")
    return summary, history


def _epoch(network: Any, optimizer: Any, schedule: Any, part: Part, batch: int, steps: int) -> float:
    """Train on a permutation of the examples; return the mean loss."""
    network.train()
    order, total, seen = torch.randperm(len(part.labels)), torch.zeros(()), 0
    for rows in order.split(batch)[:steps]:
        optimizer.zero_grad(set_to_none=True)
        loss = nn.functional.cross_entropy(network(part.take(rows)), part.labels[rows])
        loss.backward()
        optimizer.step()
        schedule.step()
        total += loss.detach() * len(rows)
        seen += len(rows)
    return float(total) / seen


def judge(network: Any, part: Part) -> tuple[float, float]:
    """Return loss and accuracy without noise, on at most 10,000 examples."""
    network.eval()
    loss, right, count = torch.zeros(()), torch.zeros(()), min(MOST_SCORED, len(part.labels))
    with torch.inference_mode():
        for x, labels in part.batches(count):
            logits = network(x)
            loss += nn.functional.cross_entropy(logits, labels, reduction="sum")
            right += (logits.argmax(1) == labels).sum()
    return float(loss) / count, float(right) / count


def probabilities(network: Any, part: Part) -> np.ndarray:
    """Return the softmax of all examples, (N, classes)."""
    network.eval()
    with torch.inference_mode():
        found: np.ndarray = torch.cat([network(x).softmax(1) for x, _ in part.batches(len(part.labels))]).numpy()
    return found


def scores(probs: np.ndarray, labels: np.ndarray) -> dict[str, Any]:
    """Return the numbers of a part for the summary."""
    p, predicted, n = probs.astype(np.float64), probs.argmax(1), len(labels)
    matrix = np.zeros((10, 10), np.int64)
    np.add.at(matrix, (labels, predicted), 1)
    top, right = p.max(1), predicted == labels
    bins = np.minimum(np.ceil(top * ECE_BINS).astype(int) - 1, ECE_BINS - 1)
    gaps = np.bincount(bins, weights=right - top, minlength=ECE_BINS)
    return {
        "accuracy": float(right.mean()),
        "nll": float(-np.log(np.maximum(p[np.arange(n), labels], 1e-300)).mean()),
        "brier": float(((p - np.eye(10)[labels]) ** 2).sum(1).mean()),
        "ece": float(np.abs(gaps).sum() / n),
        "confusion_matrix": matrix.tolist(),
    }
