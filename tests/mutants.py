"""Mutation testing: put small faults into a room, one at a time; its tests must notice.

    python -m tests.mutants ROOM --count 200 --seed 0

ROOM is a folder below `dropout_cli/`, such as `statistics` or `nn/layers`. The tree is copied to a temporary folder.
There `--count` faults, drawn with `--seed` from those of `tests.mutant_operators`, are written and undone one by one,
and the room's test files run one after the other, with -x and a time limit, until one fails. A line is printed for
each fault: killed (a test failed), timeout (a file took over three times as long as without it; it counts as killed)
or survived, with file, line, operator and the change. A fault that survives shows a gap in the tests, or is
equivalent: no input makes a difference.

    --tests PATH...     run these tests instead of those of the room, in this order
    --again FILE        try only the faults that survived in this earlier output of the command
    --list              print the faults without a test

Not part of the test suite: 200 faults take minutes. Needs `os.fork`.

References:
    DeMillo, Lipton, Sayward 1978, doi:10.1109/C-M.1978.218136.
"""

import argparse
import contextlib
import gc
import importlib
import math
import os
import random
import re
import resource
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from tests.mutant_operators import Mutant, mutants

ROOT = Path(__file__).parent.parent
TESTS = {
    "statistics": ("tests/statistics", "tests/sweeps/test_comparison.py"),
    "metrics": ("tests/metrics", "tests/tasks"),
    "objectives": ("tests/objectives", "tests/nn/test_losses.py", "tests/tasks", "tests/training/test_state.py"),
}
"""Where `tests/ROOM` is not all of a room's tests."""
PRELOADED = (
    "numpy",
    "scipy.stats",
    "scipy.special",
    "sklearn.metrics",
    "pandas",
    "pydantic",
    "pytest",
    "hypothesis.strategies",
)
"""Imported once, before the forks: most of the time of a short test run is these imports."""
MOST_BYTES = 12 << 30
"""Address space for one run of the tests, so that a fault cannot use up the memory of the machine."""


def ordered(tests: Sequence[str], module: Path) -> list[str]:
    """Return the test files, those that name the module first."""
    name = ".".join(module.with_suffix("").parts).removesuffix(".__init__")
    files = [
        str(file)
        for one in tests
        for file in (sorted(Path(one).rglob("test_*.py")) if Path(one).is_dir() else [Path(one)])
    ]
    stem = re.compile(rf"\b{re.escape(name.rpartition('.')[2])}\b")

    def distance(file: str) -> tuple[bool, bool]:
        text = Path(file).read_text()
        return name not in text, not stem.search(text)

    return sorted(dict.fromkeys(files), key=distance)


def passes(tree: Path, file: str, seconds: float) -> str:
    """Run the tests of a file in a fork.

    Returns:
        `survived` if all tests pass, `killed` if one fails, or `timeout`.
    """
    child = os.fork()
    if child == 0:
        os.setsid()
        resource.setrlimit(resource.RLIMIT_AS, (MOST_BYTES, MOST_BYTES))
        output = os.open(tree / "output.txt", os.O_RDWR | os.O_CREAT | os.O_TRUNC)
        for stream in (0, 1, 2):
            os.dup2(output, stream)
        sys.path.insert(0, str(tree))
        del sys.modules["tests"]  # this file's own package, which is not the copy
        import pytest

        options = ["-q", "-x", "-n", "0", "--tb=short", "--assert=plain", "-p", "no:cacheprovider"]
        with contextlib.suppress(BaseException):
            os._exit(int(pytest.main([*options, file]) != 0))
        os._exit(1)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return "survived" if status == 0 else "killed"
        time.sleep(0.02)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return "timeout"


def copied(tree: Path) -> None:
    """Copy everything that the tests need into `tree`, and make it the working directory."""
    for name in ("dropout_cli", "tests", "configs", "pyproject.toml", "README.md", "docs"):
        whole = ROOT / name
        (shutil.copytree if whole.is_dir() else shutil.copy2)(whole, tree / name)
    for cached in tree.rglob("__pycache__"):
        shutil.rmtree(cached)
    os.chdir(tree)
    os.environ |= {"PYTHONPATH": str(tree), "OPENBLAS_NUM_THREADS": "1"}


def limits_of(tree: Path, files: Sequence[str]) -> dict[str, float]:
    """Run each test file without a fault; return the seconds that it may take with one."""
    for name in PRELOADED:
        importlib.import_module(name)
    gc.freeze()  # or every fork copies what the collector touches
    limits = {}
    for file in files:
        began = time.monotonic()
        if passes(tree, file, math.inf) != "survived":
            sys.exit((tree / "output.txt").read_text() + "The tests fail without a fault.")
        limits[file] = 10 + 3 * (time.monotonic() - began)
    # What is compiled by now is used again; a faulty file is later than what was compiled, so it is never taken for it.
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    sys.dont_write_bytecode = True
    return limits


def tried(tree: Path, one: Mutant, tests: Sequence[str], limits: dict[str, float]) -> str:
    """Write a fault, run the tests, undo the fault; return the result."""
    file = tree / one.file
    source, times = file.read_bytes(), file.stat()
    file.write_bytes(source[: one.start] + one.text.encode() + source[one.end :])
    verdicts = (passes(tree, each, limits[each]) for each in ordered(tests, one.file))
    verdict = next((verdict for verdict in verdicts if verdict != "survived"), "survived")
    file.write_bytes(source)
    os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
    return verdict


def main() -> None:
    """Parse the arguments, draw faults, try them and count the results."""
    parser = argparse.ArgumentParser(description="Mutation testing of a room of the package.")
    parser.add_argument("room", help="folder or file below dropout_cli/")
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--tests", nargs="+")
    parser.add_argument("--again", type=Path)
    parser.add_argument("--list", action="store_true")
    asked = parser.parse_args()
    again = None if asked.again is None else asked.again.read_text()
    with tempfile.TemporaryDirectory(prefix="mutants-") as temporary:
        tree = Path(temporary).resolve()
        copied(tree)
        known = mutants(tree / "dropout_cli" / asked.room, tree)
        chosen = random.Random(asked.seed).sample(range(len(known)), min(asked.count, len(known)))
        drawn = [known[at] for at in sorted(chosen)]
        if again is not None:
            drawn = [one for one in known if f"survived {one.said()}\n" in again]
        print(f"{len(drawn)} of {len(known)} faults in {asked.room}, seed {asked.seed}", flush=True)  # noqa: T201
        if asked.list:
            print("\n".join(one.said() for one in drawn))  # noqa: T201
            return
        tests = asked.tests or TESTS.get(asked.room, (f"tests/{asked.room}",))
        limits = limits_of(tree, ordered(tests, Path("none")))
        counts: Counter[str] = Counter()
        for one in drawn:
            verdict = tried(tree, one, tests, limits)
            counts[verdict] += 1
            print(f"{verdict} {one.said()}", flush=True)  # noqa: T201
        print(", ".join(f"{number} {verdict}" for verdict, number in sorted(counts.items())))  # noqa: T201


if __name__ == "__main__":
    main()
