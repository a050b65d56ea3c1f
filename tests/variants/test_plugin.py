"""A variant from another package: one file and one entry point, and it works like any other."""

import ast
import json
import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from dropout_cli import variants
from tests.commands import dropout_process

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/write-a-variant.md").read_text()
(TOY,) = (block for block in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL) if "VARIANTS.register" in block)
((GROUP, NAME, MODULE),) = re.findall(r'\[project\.entry-points\."(.*)"\]\n(\w+) = "(\w+)"', PAGE)


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """A folder as pip would fill it: the module, and the metadata of its distribution."""
    (tmp_path / f"{MODULE}.py").write_text(TOY)
    info = tmp_path / "toy_dropout-0.1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: toy-dropout\nVersion: 0.1\n")
    (info / "entry_points.txt").write_text(f"[{GROUP}]\n{NAME} = {MODULE}\n")
    return tmp_path


def dropout(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run the command with that folder on the path."""
    return dropout_process(*arguments, cwd=folder, env={"PYTHONPATH": os.pathsep.join([str(folder), str(ROOT)])})


def test_a_variant_of_another_package_is_listed_explained_and_trains(installed: Path) -> None:
    """Its keys are checked and stored like any other's, and what is stored trains again."""
    assert "toy" in [row["name"] for row in json.loads(dropout(installed, "variants", "--json").stdout)["variants"]]
    page = dropout(installed, "variants", "toy").stdout
    assert "m = [eps > 0]" in page and "What a kept activation is multiplied by." in page

    (installed / "a.yaml").write_text("dataset: iris\ndropout: {variant: toy, strength: 2.5}\ntraining: {epochs: 2}\n")
    trained = dropout(installed, "train", "a.yaml", "--quiet", "--no-plots")
    assert trained.returncode == 0, trained.stderr
    run = Path(installed / trained.stdout.strip())
    assert "strength: 2.5" in (run / "resolved.yaml").read_text()
    again = dropout(installed, "train", str(run / "resolved.yaml"), "--quiet", "--no-plots")
    assert again.returncode == 0, again.stderr
    weights = [
        (folder / "checkpoints/last.safetensors").read_bytes() for folder in (run, installed / again.stdout.strip())
    ]
    assert weights[0] == weights[1]
    wrong = dropout(installed, "config", "check", "a.yaml", "dropout.strenght=1")
    assert wrong.returncode == 2 and "Did you mean 'strength'?" in wrong.stderr


def test_it_imports_from_the_variants_alone() -> None:
    """No deeper module, so that these may move."""
    imported = [node for node in ast.walk(ast.parse(TOY)) if isinstance(node, ast.Import | ast.ImportFrom)]
    assert {node.module for node in imported if isinstance(node, ast.ImportFrom)} == {"dataclasses", GROUP}
    assert not [node for node in imported if isinstance(node, ast.Import)]


def test_all_that_a_built_in_variant_is_made_of_can_be_imported_from_there() -> None:
    """Every class, function and type that two or more variants use; the engine's own products are not among them."""
    used = Counter(
        alias.name
        for file in (ROOT / "dropout_cli/variants").glob("*.py")
        if file.name != "__init__.py"
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("dropout_cli.")
        if not (node.module or "").startswith("dropout_cli.nn.backend")
        if not (node.module or "").endswith("concrete_distribution")
        for alias in node.names
    )
    assert {name for name, count in used.items() if count > 1} <= set(variants.__all__)


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("import nothing_of_that_name", "ModuleNotFoundError"),
        (TOY.replace('"toy"', '"inverted"'), "registered twice"),
        (TOY + "raise SystemExit", "SystemExit"),
        ("", "registers no variant of that name"),
        (TOY.replace("def draw", "def drawn"), "Toy lacks draw"),
        (TOY.replace("(ActivationNoise)", "").replace("@dataclass(frozen=True, kw_only=True)", ""), "not a dataclass"),
    ],
)
def test_a_broken_package_is_named_in_one_line(installed: Path, fault: str, said: str) -> None:
    """Exit code 2, what is wrong with whom, and what to do; never a traceback."""
    (installed / "toy_dropout.py").write_text(fault)
    done = dropout(installed, "variants")
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.startswith("toy-dropout: entry point 'toy' of dropout_cli.variants cannot be loaded (")
    assert said in done.stderr and "Traceback" not in done.stderr and len(done.stderr.splitlines()) == 1


def test_a_broken_package_is_named_at_every_lookup(installed: Path) -> None:
    """Not at the first alone: what was registered before the fault must not pass for sound afterwards."""
    (installed / "toy_dropout.py").write_text(TOY + "raise RuntimeError")
    code = (
        "from dropout_cli.core.errors import UsageError\nfrom dropout_cli.variants import VARIANTS\n"
        "for _ in range(2):\n"
        "    try:\n        VARIANTS.names()\n"
        "    except UsageError as error:\n        assert 'RuntimeError' in str(error)\n"
        "    else:\n        raise AssertionError\n"
    )
    path = os.pathsep.join([str(installed), str(ROOT)])
    subprocess.run([sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": path}, check=True, timeout=60)
