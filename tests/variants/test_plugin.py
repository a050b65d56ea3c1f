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
(SOURCE,) = (block for block in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL) if "VARIANTS.register" in block)
((GROUP, NAME, MODULE),) = re.findall(r'\[project\.entry-points\."(.*)"\]\n(\w+) = "(\w+)"', PAGE)


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """A folder as pip would fill it: the module, and the metadata of its distribution."""
    (tmp_path / f"{MODULE}.py").write_text(SOURCE)
    info = tmp_path / "continuous_dropout-0.1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: continuous-dropout\nVersion: 0.1\n")
    (info / "entry_points.txt").write_text(f"[{GROUP}]\n{NAME} = {MODULE}\n")
    return tmp_path


def dropout(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run the command with that folder on the path."""
    return dropout_process(*arguments, cwd=folder, env={"PYTHONPATH": os.pathsep.join([str(folder), str(ROOT)])})


def test_the_page_of_a_variant_without_an_example_leaves_it_out(installed: Path) -> None:
    """Text, keys and config are there; a figure is refused in one line, and nothing is written."""
    bare = re.sub(r"    example = VariantExample\(.*?\n    \)\n", "", SOURCE, flags=re.DOTALL)
    assert bare != SOURCE
    (installed / f"{MODULE}.py").write_text(bare)
    page = dropout(installed, "variants", "continuous")
    assert (page.returncode, page.stderr) == (0, "") and "g = 1 + sd u" in page.stdout
    assert "In NumPy:" not in page.stdout and "At evaluation:" not in page.stdout
    assert "example" not in json.loads(dropout(installed, "variants", "continuous", "--json").stdout)
    refused = dropout(installed, "variants", "continuous", "--figure", "a.png")
    assert (refused.returncode, refused.stdout) == (2, "") and not (installed / "a.png").exists()
    assert refused.stderr == "--figure: continuous has no example. Leave out --figure.\n"


def test_a_variant_of_another_package_is_listed_explained_and_trains(installed: Path) -> None:
    """Its keys are checked and stored like any other's, and what is stored trains again."""
    assert "continuous" in [
        row["name"] for row in json.loads(dropout(installed, "variants", "--json").stdout)["variants"]
    ]
    page = dropout(installed, "variants", "continuous", "--full").stdout
    assert "g = 1 + sd u" in page and "Distribution of the multiplier." in page and "In NumPy:" in page

    (installed / "a.yaml").write_text(
        "dataset: iris\ndropout: {variant: continuous, shape: triangular}\ntraining: {epochs: 2}\n"
    )
    trained = dropout(installed, "train", "a.yaml", "--quiet", "--no-plots")
    assert trained.returncode == 0, trained.stderr
    run = Path(installed / trained.stdout.strip())
    assert "shape: triangular" in (run / "resolved.yaml").read_text()
    again = dropout(installed, "train", str(run / "resolved.yaml"), "--quiet", "--no-plots")
    assert again.returncode == 0, again.stderr
    weights = [
        (folder / "checkpoints/last.safetensors").read_bytes() for folder in (run, installed / again.stdout.strip())
    ]
    assert weights[0] == weights[1]
    wrong = dropout(installed, "config", "check", "a.yaml", "dropout.shap=uniform")
    assert wrong.returncode == 2 and "Did you mean 'shape'?" in wrong.stderr


def test_it_imports_from_the_variants_alone() -> None:
    """No deeper module, so that these may move."""
    imported = [node for node in ast.walk(ast.parse(SOURCE)) if isinstance(node, ast.Import | ast.ImportFrom)]
    assert {node.module for node in imported if isinstance(node, ast.ImportFrom)} == {"dataclasses", "typing", GROUP}
    assert [alias.name for node in imported if isinstance(node, ast.Import) for alias in node.names] == ["math"]


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


FAULTS = {
    "import nothing_of_that_name": "continuous_dropout cannot be loaded (ModuleNotFoundError: No module named",
    SOURCE.replace('"continuous"', '"inverted"'): "registered twice",
    SOURCE + "raise SystemExit": "cannot be loaded (SystemExit: )",
    "": "no variant of that name is registered",
    SOURCE.replace("def draw", "def drawn"): "Continuous lacks draw",
    SOURCE.replace("(ActivationNoise)", "").replace(
        "@dataclass(frozen=True, kw_only=True)", ""
    ): "Continuous is not a dataclass",
    SOURCE
    + "\n    before_logits = None\n": "which is now called noise_before_logits. Rename it in continuous-dropout.",
    SOURCE.replace(
        "import VARIANTS", "import Place, VARIANTS"
    ): ".Place is now called Location. Rename it in continuous-dropout.",
}
"""The source of a plugin -> a part of what is said of it."""


@pytest.mark.parametrize("source", FAULTS)
def test_a_broken_package_is_named_in_one_line_and_left_out(installed: Path, source: str) -> None:
    """Place, fact, way out, once, for a command that goes on; exit code 2 for a config that names the variant."""
    (installed / f"{MODULE}.py").write_text(source)
    done = dropout(installed, "config", "check", "digits")
    assert done.returncode == 0, done.stderr
    (line,) = done.stderr.splitlines()
    assert line.startswith("continuous-dropout: variant 'continuous' is left out: ") and line.endswith(
        "continuous-dropout."
    )
    assert FAULTS[source] in line
    needed = dropout(installed, "config", "check", "digits", "dropout={variant: continuous}")
    warning, error = needed.stderr.splitlines()
    assert needed.returncode == 2 and needed.stdout == "" and warning == line
    assert error.partition(": dropout.variant: ")[2] == line.removeprefix("continuous-dropout: ")


def test_the_log_of_a_run_begins_with_it(installed: Path) -> None:
    """As all that went to stderr."""
    (installed / f"{MODULE}.py").write_text("raise RuntimeError")
    done = dropout(installed, "train", "digits", "training.epochs=1", "--quiet", "--no-plots", "yardstick=none")
    assert done.returncode == 0, done.stderr
    (line,) = done.stderr.splitlines()
    assert (installed / done.stdout.strip() / "log.txt").read_text().splitlines()[0].endswith(line)


def test_lists_have_what_is_broken(installed: Path) -> None:
    """`dropout variants` below the variants, as JSON too, and `dropout doctor` among what needs mending."""
    (installed / f"{MODULE}.py").write_text(SOURCE.replace("def draw", "def drawn"))
    fact = "variant 'continuous' is left out: Continuous lacks draw"
    problem = f"continuous-dropout: {fact}. Update or uninstall continuous-dropout."
    *_, last = dropout(installed, "variants").stdout.rstrip().splitlines()
    assert last.split(maxsplit=2) == ["continuous", "continuous-dropout", problem]
    page = dropout(installed, "variants", "continuous")
    assert page.returncode == 2 and page.stderr.splitlines() == [problem, problem]
    left_out = json.loads(dropout(installed, "variants", "--json").stdout)["left_out"]
    assert left_out == [{"name": "continuous", "package": "continuous-dropout", "problem": problem}]
    examined = dropout(installed, "doctor", "--seconds", "0", "--json")
    (finding,) = (one for one in json.loads(examined.stdout)["findings"] if one["what"] == "variant 'continuous'")
    assert finding["wrong"] == problem and examined.returncode == 1


def test_a_sound_variant_stays_beside_a_broken_one(installed: Path) -> None:
    """Of one package, and of another one."""
    (installed / f"{MODULE}.py").write_text(
        SOURCE + SOURCE.replace('"continuous"', '"second"').replace("def draw", "def drawn")
    )
    listed = json.loads(dropout(installed, "variants", "--json").stdout)
    assert [one["name"] for one in listed["left_out"]] == ["second"]
    assert {"continuous", "inverted"} <= {one["name"] for one in listed["variants"]}


def test_python_code_gets_a_warning(installed: Path) -> None:
    """Once; later look-ups know what is left out."""
    (installed / f"{MODULE}.py").write_text(SOURCE + "raise RuntimeError")
    code = (
        "import warnings\nfrom dropout_cli.core.plugins import PluginWarning\n"
        "from dropout_cli.core.registry import UnusablePlugin\n"
        "from dropout_cli.variants import VARIANTS\n"
        "with warnings.catch_warnings(record=True) as found:\n"
        "    assert all('continuous' not in VARIANTS.names() for _ in range(2))\n"
        "assert [one.category for one in found] == [PluginWarning]\n"
        "try:\n    VARIANTS['continuous']\n"
        "except UnusablePlugin as error:\n    assert 'RuntimeError' in str(error)\n"
        "else:\n    raise AssertionError\n"
    )
    path = os.pathsep.join([str(installed), str(ROOT)])
    subprocess.run([sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": path}, check=True, timeout=600)


@pytest.mark.skipif(os.name != "posix", reason="workers are forked")
def test_a_sweep_says_it_once(installed: Path) -> None:
    """Its workers are silent about it."""
    (installed / f"{MODULE}.py").write_text("raise RuntimeError")
    short = ("training.epochs=1", "training.steps_per_epoch=1", "dropout.rate=0,0.5", "--seeds", "2", "--quiet")
    done = dropout(installed, "sweep", "digits", *short)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("continuous-dropout") == 2 and "Warning" not in done.stderr
