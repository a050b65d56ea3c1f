"""Time and memory of a training step of `mnist_cnn` beside eager PyTorch.

The two take turns, with two threads each.
"""

import json
import statistics
import subprocess
import sys

from tests import needs
from tests.acceptance.bars import Bars

CONTENDERS = {
    "ours": ["tests.bench.mnist_cnn_ours"],
    "torch": ["tests.bench.mnist_cnn_torch", "contiguous"],
    "torch, channels last": ["tests.bench.mnist_cnn_torch", "channels_last"],
}


def measured(name: str, steps: int) -> dict[str, float]:
    """Return the output of a competitor, run in a process of its own.

    Idle threads of one would slow the other one down.
    """
    module, *layout = CONTENDERS[name]
    command = [sys.executable, "-m", module, str(steps), *layout]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(done.stderr)
    numbers: dict[str, float] = json.loads(done.stdout)
    return numbers


if __name__ == "__main__":
    bars = Bars("cnn_speed")
    needs.must_be_installed("torch", needs.TORCH)
    rounds, steps = (1, 2) if bars.smoke else (5, 30)
    found = [{name: measured(name, steps)["ms"] for name in CONTENDERS} for _ in range(rounds)]
    median = {name: statistics.median(one[name] for one in found) for name in CONTENDERS}
    shown = ", ".join(f"{name} {ms:.1f} ms" for name, ms in median.items())
    best = min(ms for name, ms in median.items() if name != "ours")
    command = f"the step of dropout train configs/mnist_cnn.yaml ({shown})"
    bars.at_least("throughput, parts of the better PyTorch's", best / median["ours"], 0.75, command)
    numbers = measured("ours", 5 if bars.smoke else 200)
    bars.at_most("megabytes, grown over the steps", numbers["grown"], 5, command)
    bars.at_most("peak resident megabytes", numbers["peak"], 1000, command, always=True)
    bars.end()
