"""The guides for authors are true: their files, commands and tests work as printed, in a copy of the package."""

import re
import shlex
from pathlib import Path

import pytest

from tests.checkout import ROOT, copy_checkout, run_python
from tests.test_docs import GUIDES

VARIANT, LAYER, WITHOUT_RATE = ((ROOT / "docs" / name).read_text() for name in GUIDES)
SHORTER = {
    "train": ("training.epochs=1", "training.steps_per_epoch=2", "--quiet", "--no-plots"),
    "sweep": ("training.steps_per_epoch=2", "--quiet"),
}
"""Command -> further words, which make it short."""
TESTS = (
    "pyproject.toml",
    *("tests/__init__.py", "tests/conftest.py", "tests/needs.py", "tests/gradients.py", "tests/moments.py"),
    *("tests/generated.py", "tests/commands.py", "tests/small_run.py"),
)


def page_files(page: str) -> dict[str, str]:
    """Return the files of a page: a path, a colon, and a block of Python below it."""
    return dict(re.findall(r"`([\w/]+\.py)`:\n\n```python\n(.*?)```", page, re.DOTALL))


def page_commands(page: str) -> list[list[str]]:
    """Return the words of all commands of a page."""
    blocks = re.findall(r"```sh\n(.*?)```", page, re.DOTALL)
    return [shlex.split(line) for block in blocks for line in block.splitlines()]


def checkout_of_page(page: str, folder: Path, *tests: str) -> Path:
    """Return a copy of the package with the files of a page, and these test files, in it."""
    copy_checkout(folder, (*TESTS, *tests))
    for path, text in page_files(page).items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    return folder


def run_page(page: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Run the commands of a page, trainings shortened; return what each printed."""
    monkeypatch.setenv("PYTEST_ADDOPTS", "-n 0")
    printed = {}
    for words in page_commands(page):
        if words[0] == "dropout":
            done = run_python(folder, "dropout_cli", *words[1:], *SHORTER.get(words[1], ()))
        else:
            assert words[:2] == ["python", "-m"]
            done = run_python(folder, *words[2:])
        printed[shlex.join(words)] = done.stdout
    return printed


def test_the_variant_of_the_guide_works_as_printed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is listed, trains, passes its own test and the contract of all variants, and its config is generated."""
    files = (
        "__init__",
        "test_contract",
        "test_catalogue",
        "test_examples",
        "toolkit/__init__",
        "toolkit/test_contracts",
    )
    tests = (f"tests/variants/{name}.py" for name in files)
    folder = checkout_of_page(VARIANT, tmp_path, *tests)
    printed = run_page(VARIANT, folder, monkeypatch)
    assert "g = 1 + sd u" in printed["dropout variants continuous --full --figure continuous.png"]
    assert "Distribution of the multiplier." in printed["dropout variants continuous --full --figure continuous.png"]
    assert "y = g * x" in printed["dropout variants continuous --full --figure continuous.png"]
    assert (folder / "continuous.png").read_bytes().startswith(b"\x89PNG")
    assert "configs/variants/continuous.yaml" in printed["python -m tests.generated"].split()
    tested = printed["python -m pytest tests/variants -k continuous"]
    assert int(re.findall(r"(\d+) passed", tested)[0]) > 30 and "failed" not in tested
    run_python(folder, "dropout_cli", "train", "variants/continuous", *SHORTER["train"])


def test_the_variant_without_a_rate_works_as_printed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It passes the contract of all variants, is compared and exported, and no config gives it a rate."""
    tests = ("__init__", "test_contract", "test_catalogue", "test_examples")
    folder = checkout_of_page(WITHOUT_RATE, tmp_path, *(f"tests/variants/{name}.py" for name in tests))
    printed = run_page(WITHOUT_RATE, folder, monkeypatch)
    tested = printed["python -m pytest tests/variants -k two_level"]
    assert int(re.findall(r"(\d+) passed", tested)[0]) > 10 and "failed" not in tested
    assert "dropout: two_level" in (folder / "configs/variants/two_level.yaml").read_text()
    rated = ("dropout_cli", "config", "check", "digits", "dropout={variant: two_level, rate: 0.2}")
    assert "rate: unknown key" in run_python(folder, *rated, code=2).stderr


def test_the_setting_that_the_guide_refuses_is_one_line(tmp_path: Path) -> None:
    """Exit code 2 with key, fact and way out; a rate that it allows passes."""
    folder = checkout_of_page(VARIANT, tmp_path)
    (refusal,) = re.findall(r"```python\n(    def __post_init__.*?)```", VARIANT, re.DOTALL)
    path = folder / "dropout_cli/variants/continuous.py"
    path.write_text(f"{path.read_text()}\n{refusal}".replace("Generator, Shape", "Generator, InvalidField, Shape"))
    check = ("dropout_cli", "config", "check", "digits", "dropout.variant=continuous")
    (line,) = run_python(folder, *check, code=2).stderr.splitlines()
    assert line.endswith("dropout.rate: 0.3 gives negative multipliers. Use 0.25 or less.")
    run_python(folder, *check, "dropout.rate=0.25")


def test_the_layer_of_the_guide_works_as_printed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It trains, its slope is a parameter of each hidden layer, and its gradients are checked."""
    tests = [f"tests/nn/{name}" for name in ("__init__.py", "test_activations.py")]
    tests += [f"tests/nn/layers/{name}" for name in ("__init__.py", "test_layers.py")]
    folder = checkout_of_page(LAYER, tmp_path, *tests)
    printed = run_page(LAYER, folder, monkeypatch)
    table = printed["dropout config show digits architecture.activation=prelu --model"]
    assert re.findall(r"hidden\d/prelu +Prelu +128 +1\b", table)
    tested = [text for command, text in printed.items() if "pytest" in command]
    assert len(tested) == 2 and all(re.search(r"[1-9]\d* passed", text) and "failed" not in text for text in tested)


@pytest.mark.parametrize("name", GUIDES)
def test_a_guide_is_short(name: str) -> None:
    """An author reads it in ten minutes."""
    assert len((ROOT / "docs" / name).read_text().splitlines()) <= 140
