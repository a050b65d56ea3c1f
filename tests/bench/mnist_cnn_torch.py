"""Steps of the same network in eager PyTorch, on request channels last.

Prints milliseconds of a step as JSON.
"""

import importlib
import json
import statistics
import sys
import time
from typing import Any

import numpy as np

torch: Any = importlib.import_module("torch")  # its annotations are not those that our checker wants
nn: Any = torch.nn


def main(steps: int, channels_last: bool) -> None:
    """Measure a number of steps, after five steps to warm up."""
    torch.set_num_threads(2)
    network = nn.Sequential(
        nn.Conv2d(1, 32, 3),
        nn.ReLU(),
        nn.Conv2d(32, 64, 3),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Dropout(0.25),
        nn.Flatten(),
        nn.Linear(9216, 128),
        nn.ReLU(),
        nn.Dropout(0.5),
        nn.Linear(128, 10),
    )
    layout = torch.channels_last if channels_last else torch.contiguous_format
    network = network.to(memory_format=layout)
    rng = np.random.default_rng(0)
    x = torch.tensor(rng.random((128, 1, 28, 28), dtype=np.float32)).to(memory_format=layout)
    labels = torch.tensor(rng.integers(0, 10, len(x)))
    optimizer = torch.optim.Adam(network.parameters(), 1e-3)
    seconds = []
    for _ in range(5 + steps):
        began = time.perf_counter()
        optimizer.zero_grad(set_to_none=True)
        nn.functional.cross_entropy(network(x), labels).backward()
        optimizer.step()
        seconds.append(time.perf_counter() - began)
    sys.stdout.write(json.dumps({"ms": statistics.median(seconds[5:]) * 1e3}) + "\n")


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2] == "channels_last")
