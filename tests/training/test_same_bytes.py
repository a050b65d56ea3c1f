"""The surroundings of a run, such as locale or folder, do not change its bytes."""

import subprocess
from itertools import zip_longest
from pathlib import Path

from tests.commands import dropout_process

CONFIG = """\
dataset: digits
architecture: {name: mlp, hidden: [16, 12], batch_norm: true}
dropout: {variant: concrete}
training: {epochs: 3, steps_per_epoch: 8, average: {decay: 0.9}, early_stopping: {patience: 2}, threads: 1}
"""
COMPARED = (
    "metrics.csv",
    "predictions.npz",
    "confusion_matrix.csv",
    "mistakes.csv",
    "resolved.yaml",
    "confusion_matrix.png",
    "checkpoints/last.safetensors",
    "checkpoints/best.safetensors",
)


def locales() -> list[str]:
    """Some that this machine has."""
    try:
        found = subprocess.run(["locale", "-a"], capture_output=True, text=True, check=False).stdout.split()
    except OSError:
        found = []
    return ["C", *[name for name in found if name not in ("C", "POSIX")][:2]]


def test_surroundings_leave_no_trace(tmp_path: Path) -> None:
    """Hash seed, locale, time zone, working folder, terminal width, --quiet and color, each turned over."""
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "config.yaml").write_text(CONFIG)
    plain = dropout_process("train", "config.yaml", cwd=tmp_path, env={"PYTHONHASHSEED": "0"})
    assert plain.returncode == 0, plain.stderr
    first = tmp_path / plain.stdout.strip()
    turned = [
        {"PYTHONHASHSEED": "12345", "TZ": "Pacific/Kiritimati", "COLUMNS": "20", "NO_COLOR": "1"},
        {"PYTHONHASHSEED": "random", "TZ": "America/St_Johns", "FORCE_COLOR": "1", "PYTHONUTF8": "0"},
    ]
    spoken = [{"LC_ALL": name, "LANG": name, "PYTHONUTF8": "0"} for name in locales()]
    settings = [one | other for one, other in zip_longest(turned, spoken, fillvalue=dict[str, str]())]
    for number, env in enumerate(settings):
        command = ["train", "../config.yaml", "--runs-dir", "here", *(["--quiet"] if number % 2 else [])]
        done = dropout_process(*command, cwd=tmp_path / "elsewhere", env=env)
        assert done.returncode == 0, done.stderr
        again = tmp_path / "elsewhere" / done.stdout.strip()
        for name in COMPARED:
            assert (again / name).read_bytes() == (first / name).read_bytes(), (name, env)
