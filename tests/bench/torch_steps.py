"""Training steps in PyTorch: eager, compiled or channels last.

The argument of the module chooses.
"""

import importlib
import sys
from collections.abc import Mapping
from typing import Any

import numpy as np

from dropout_cli.bench.case import BenchmarkCase
from dropout_cli.bench.ours import random_batches
from dropout_cli.bench.serve import Step, serve_competitor

torch: Any = importlib.import_module("torch")  # its annotations are not those that our checker wants
nn: Any = torch.nn
MODE = sys.argv[1] if len(sys.argv) > 1 else "eager"


def network_of(case: BenchmarkCase) -> Any:
    """Return the network of a case."""
    if case.is_convolutional:
        convolutions = [nn.Conv2d(1, 32, 3), nn.ReLU(), nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2)]
        dense = [nn.Dropout(0.25), nn.Flatten(), nn.Linear(9216, 128), nn.ReLU(), nn.Dropout(0.5), nn.Linear(128, 10)]
        return nn.Sequential(*convolutions, *dense)
    dropout = nn.AlphaDropout if case.variant == "alpha" else nn.Dropout
    activation = nn.SELU if case.variant == "alpha" else nn.ReLU
    layers = [dropout(case.input_rate)] if case.input_rate else []
    for fan_in, width in zip(case.widths[:-2], case.widths[1:-1], strict=True):
        layers += [nn.Linear(fan_in, width), activation()] + ([dropout(case.rate)] if case.rate else [])
    return nn.Sequential(*layers, nn.Linear(*case.widths[-2:]))


def prepare(fields: Mapping[str, Any], threads: int) -> Step:
    """Prepare the step of a case, as `bench.serve` calls it."""
    case = BenchmarkCase.from_dict(fields)
    if case.variant not in ("none", "inverted", "alpha"):
        raise NotImplementedError(f"PyTorch has no {case.variant}")
    torch.set_num_threads(threads)
    if case.work != "step" and MODE == "compiled":
        raise NotImplementedError("compiled is for steps")
    layout = torch.channels_last if MODE == "channels_last" else torch.contiguous_format
    network = network_of(case).to(memory_format=layout)
    data = []
    for x, labels in random_batches(case):
        moved = np.moveaxis(x, -1, 1) if case.is_convolutional else x
        data.append((torch.tensor(np.ascontiguousarray(moved)).to(memory_format=layout), torch.tensor(labels)))
    if case.work != "step":
        network.train(case.work == "monte_carlo")

        def predict() -> None:
            with torch.inference_mode():
                torch.softmax(network(data[0][0]), 1)

        return predict
    if case.optimizer == "adam":
        optimizer = torch.optim.Adam(network.parameters(), 1e-3, fused=True)
    else:
        optimizer = torch.optim.SGD(network.parameters(), 1e-3, momentum=0.9, fused=True)

    def loss_of(x: Any, labels: Any) -> Any:
        return nn.functional.cross_entropy(network(x), labels)

    forward = torch.compile(loss_of) if MODE == "compiled" else loss_of
    taken = 0

    def step() -> None:
        nonlocal taken
        x, labels = data[taken % len(data)]
        taken += 1
        optimizer.zero_grad(set_to_none=True)
        loss = forward(x, labels)
        loss.backward()
        optimizer.step()
        loss.item()

    return step


if __name__ == "__main__":
    serve_competitor(prepare)
