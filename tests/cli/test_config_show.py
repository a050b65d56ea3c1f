"""`dropout config show`: where every value comes from and what it means, and the network with its noise."""

import re
from pathlib import Path

import pytest

from dropout_cli import config
from dropout_cli.variants import VARIANTS
from tests.commands import TINY, dropout


def rows(text: str, columns: int) -> dict[str, list[str]]:
    """Return first cell -> other cells of a printed table."""
    cells = [re.split(r"\s{2,}", line.strip()) for line in text.splitlines() if line.strip()]
    return {row[0]: row[1:] for row in cells if 2 <= len(row) <= columns}


def test_explain_has_value_source_and_meaning(tmp_path: Path) -> None:
    """Sources are a line of the file, the command line, a default, or auto; every key has a meaning."""
    (tmp_path / "tiny.yaml").write_text(TINY)
    done = dropout("config", "show", "tiny.yaml", "seed=7", "--explain", cwd=tmp_path)
    assert done.returncode == 0
    found = rows(done.stdout, 4)
    assert found["dropout.rate"][:2] == ["0.2", "tiny.yaml:3:36"]
    assert found["seed"][:2] == ["7", "command line"]
    assert found["training.l2"][:2] == ["0.0", "default"]
    assert found["training.threads"][:2] == ['"auto"', "auto"]
    assert "The probability of dropping" in found["dropout.rate"][2]
    assert "keep probability" in found["dropout.variant"][2]


@pytest.mark.parametrize("name", [*config.bundled_configs()])
def test_every_key_of_every_bundled_config_has_a_meaning(name: str) -> None:
    """The texts are the docstrings that `variants`, `datasets` and the schema show."""
    explained = config.explain_config(config.load_config(config.find_config(name)))
    assert [key for key, _, _, meaning in explained if not meaning] == []


def test_the_model_has_the_rate_of_each_location(tmp_path: Path) -> None:
    """Rates of input and hidden layers differ, a schedule has its first and last rate, additive noise its sd."""
    (tmp_path / "tiny.yaml").write_text(TINY.replace("hidden: [8]", "hidden: [8, 4]"))
    rates = ["dropout.rate=[0.2,0.4]", "dropout.input_rate=0.1", "architecture.hidden_noise=0.3"]
    found = rows(dropout("config", "show", "tiny.yaml", *rates, "--model", cwd=tmp_path).stdout, 5)
    assert found["input/dropout"][-1] == "rate 0.1" and found["hidden1/dropout"][-1] == "rate 0.2"
    assert found["hidden2/dropout"][-1] == "rate 0.4" and found["hidden1/additive_noise"][-1] == "sd 0.3"
    assert found["hidden1"] == ["Dense", "8", "520"] and found["hidden2"] == ["Dense", "4", "36"]
    schedule = "dropout.rate_schedule={name: linear, start: 0, end: 0.5}"
    found = rows(dropout("config", "show", "tiny.yaml", schedule, "--model", cwd=tmp_path).stdout, 5)
    assert found["hidden1/dropout"][-1] == "rate 0 to 0.5"


@pytest.mark.parametrize("name", VARIANTS.names())
def test_the_noise_of_every_variant_is_shown(name: str, tmp_path: Path) -> None:
    """Learned rates say so; a variant whose noise is not one number has the word noise."""
    (tmp_path / "c.yaml").write_text(config.example_config(name))
    done = dropout("config", "show", "c.yaml", "--model", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    last = [line for line in done.stdout.splitlines() if re.search(r"  (rate|alpha|noise)\b", line)][1:]
    assert bool(last) == (name != "none"), done.stdout
    learned = {"concrete", "concrete_naive", "variational", "adaptive"}
    assert ("learned, starts at" in done.stdout) == (name in learned)
