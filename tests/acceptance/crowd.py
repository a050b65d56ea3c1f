"""Many processes at once: separate run folders, and only one process resumes a run.

Runs that start in the same second have folders of their own.
"""

import json
import random
import subprocess
import sys
import tempfile
from pathlib import Path

from dropout_cli.runs import Run, all_runs
from tests.acceptance.bars import Bars
from tests.interruptions import BASE, Victim, digests, kill_within_write

DROPOUT = [sys.executable, "-m", "dropout_cli"]
QUIET = ["--quiet", "--no-plots"]
SMALL = "dataset: iris\narchitecture: {name: mlp, hidden: [4]}\ntraining: {epochs: 1, threads: 1}\nyardstick: none\n"
"""`yardstick: none`, because one epoch does not beat the dummy, which gives a line on stderr."""


def together(folder: Path, command: list[str], count: int) -> list[tuple[int, str, str]]:
    """Start a command several times at once; return exit code, stdout and stderr of each."""
    started = [
        subprocess.Popen(
            [*DROPOUT, *command, *QUIET], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for _ in range(count)
    ]
    ended = [(process, *process.communicate()) for process in started]
    return [(process.returncode, out, err) for process, out, err in ended]


if __name__ == "__main__":
    bars = Bars("crowd")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        count = 8 if bars.smoke else 64
        (folder / "small.yaml").write_text(SMALL)
        done = together(folder, ["train", "small.yaml"], count)
        paths = {out.strip() for code, out, err in done if code == 0 and not err}
        whole = [path for path in paths if Run(folder / path).final_status == "completed"]
        same = len({json.dumps(digests(Run(folder / path))) for path in whole})
        command = f"{count} x dropout train small.yaml"
        bars.at_least("whole run folders", len(whole), count, command, always=True)
        bars.at_most("different results", same, 1, command, always=True)
        begun = {path.name.partition("_")[0] for path in (folder / "runs").iterdir()}
        bars.at_most("seconds in which they began", len(begun), count, command)

        (folder / "base.yaml").write_text(BASE)
        settings = ["training.epochs=600", "training.save_every=every_epoch"]
        alone = Victim(folder, settings, random.Random(0))
        alone.folder = folder / "alone"
        alone.attempt()
        victim = Victim(folder, settings, random.Random(0))
        victim.folder = folder / "stopped"
        victim.attempt(lambda: kill_within_write(30))
        run = victim.run()
        assert run is not None and run.final_status == "crashed", "it dies in the midst of its training"
        answers = together(folder, ["resume", str(run.path)], 2)
        codes = sorted(code for code, _, _ in answers)
        refused = [err for code, _, err in answers if code == 2 and len(err.splitlines()) == 1]
        command = "2 x dropout resume RUN"
        bars.at_least("that went on", codes.count(0), 1, command, always=True)
        bars.at_least("that was refused in one line", len(refused), 1, command, always=True)
        same = digests(run) == digests(all_runs(folder / "alone/runs")[0])
        bars.at_least("right bytes in the end", float(same), 1, command, always=True)
    bars.end()
