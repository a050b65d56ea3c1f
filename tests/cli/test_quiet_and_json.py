"""`verify --quiet` prints failures alone, and `config check --json` is one object."""

import json
from pathlib import Path

from tests.commands import TINY, dropout


def test_verify_quiet_prints_only_what_fails(tmp_path: Path) -> None:
    """Nothing for a sound run, one row for one damaged file; --json keeps all checks."""
    (tmp_path / "tiny.yaml").write_text(TINY)
    run = dropout("train", "tiny.yaml", "--no-plots", "--quiet", cwd=tmp_path).stdout.strip()
    done = dropout("verify", run, "--quiet", cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    everything = dropout("verify", run, cwd=tmp_path).stdout
    whole = json.loads(dropout("verify", run, "--quiet", "--json", cwd=tmp_path).stdout)
    assert everything.count(" ok ") == len(whole["checks"]) > 5 and whole["right"]
    with (tmp_path / run / "timings.csv").open("a") as file:
        file.write("damaged\n")
    done = dropout("verify", run, "--quiet", cwd=tmp_path)
    assert done.returncode == 4 and " ok " not in done.stdout and done.stdout.count("FAILED") == 1
    assert "timings.csv" in done.stdout and "timings.csv" in done.stderr


def test_config_check_has_json(tmp_path: Path) -> None:
    """With the data: facts, columns with numbers, the target in each part, and the warnings."""
    (tmp_path / "tiny.yaml").write_text(TINY)
    done = dropout("config", "check", "tiny.yaml", "dropout.variant=none", "--json", cwd=tmp_path)
    said = json.loads(done.stdout)
    assert done.returncode == 0 and said["valid"] and said["config"] == "tiny.yaml"
    assert said["notices"] == done.stderr.splitlines() and "columns" not in said
    rows = "".join(f"{n},{'red' if n % 3 else 'blue'},1,{'ab'[n % 2]}\n" for n in range(90))
    (tmp_path / "t.csv").write_text(f"size,color,same,kind\n{rows}")
    (tmp_path / "t.yaml").write_text("dataset: {name: table, path: t.csv}\ntraining: {batch_size: 16}\n")
    done = dropout("config", "check", "t.yaml", "--data", "--json", cwd=tmp_path)
    said = json.loads(done.stdout)
    size, color = said["columns"][:2]
    assert size == {"column": "size", "type": "number", "missing": 0, "distinct": 90, "minimum": 0, "maximum": 89}
    assert color == {"column": "color", "type": "category", "missing": 0, "distinct": 2, "most_frequent": "red"}
    assert said["target"][0] | {"train": 0, "val": 0, "test": 0} == {
        "target": "a",
        "all": 45,
        "train": 0,
        "val": 0,
        "test": 0,
    }
    assert any("'same'" in warning for warning in said["warnings"]) and said["facts"]["examples"] == "90"
    assert said["warnings"] == done.stderr.splitlines() and len(said["first_rows"]) == 5
    table = dropout("config", "check", "t.yaml", "--data", cwd=tmp_path)
    assert table.stdout.endswith("t.yaml: the config is valid.\n") and table.stderr == done.stderr
    wrong = dropout("config", "check", "t.yaml", "dropout.rte=1", "--json", cwd=tmp_path)
    assert wrong.returncode == 2 and wrong.stdout == ""
