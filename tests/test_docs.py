"""Every command and every config that the README and `docs/` show works as printed."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from dropout_cli import config
from dropout_cli.sweeps import plan
from dropout_cli.sweeps.reproduction.load import load_reproduction
from dropout_cli.sweeps.sweep_file import is_sweep_file, load_sweep
from dropout_cli.training.setup import prepare
from tests.page_blocks import code_blocks, is_plain, parts, run_page

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
WRITTEN_BY_A_BUILD = ("variants", "reference", "project")
"""Folders of `docs/` whose pages a build of the site writes from the code."""
PATHS = {"README.md": ROOT / "README.md"} | {
    path.relative_to(DOCS).as_posix(): path
    for path in sorted(DOCS.rglob("*.md"))
    if path.relative_to(DOCS).parts[0] not in WRITTEN_BY_A_BUILD
}
PAGES = {name: path.read_text(encoding="utf-8") for name, path in PATHS.items()}
SETUP = [block for block in code_blocks(PAGES["README.md"], "sh") if "pip install" in block]
GUIDES = ("write-a-variant.md", "write-a-layer.md", "write-a-variant-without-rate.md")
"""Pages whose commands need the files that they show: `tests/test_guides.py` runs them."""
PLUGINS = "plugins.md"
"""A page whose commands need the packages that it shows: `tests/test_plugins.py` runs them."""
RUN = [
    name
    for name, page in PAGES.items()
    if name not in (*GUIDES, PLUGINS) and (code_blocks(page, "sh") or code_blocks(page, "python"))
]
NEED_MNIST = ("tutorials/mnist.md",)
SHORT = ("python.md", "scikit-learn.md")
EXPECTED = {"README.md": "completed", "variants.md": "y = m (.) a / q"}
"""A piece of what the blocks of a page print."""


def test_two_commands_do_all_the_set_up() -> None:
    """The first trains on digits, the second runs the tests, as `.ci/run` does to the letter."""
    assert [block.count("\n") for block in SETUP] == [1, 1]
    assert SETUP[0].strip().endswith("dropout train configs/digits.yaml")
    assert SETUP[1].strip() in (ROOT / ".ci/run").read_text().splitlines()


@pytest.mark.skipif(os.name != "posix", reason="a POSIX shell")
@pytest.mark.parametrize("page", RUN)
def test_every_block_of_a_page_runs(
    page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    """One after another in one folder, without a warning, and with the printed output; only the set-up is left out."""
    if page in NEED_MNIST:
        request.getfixturevalue("real_data")
    for name in ("configs", "tests"):
        (tmp_path / name).symlink_to(ROOT / name)
    monkeypatch.chdir(tmp_path)
    assert EXPECTED.get(page, "") in run_page(PATHS[page])


def test_an_output_that_is_not_printed_is_found(tmp_path: Path) -> None:
    """A text below a block of Python is compared with what the block prints."""
    page = tmp_path / "page.md"
    for shown in ("3", "4"):
        page.write_text(f"```python\nx = 1\n```\n\n```python\nprint(x + 2)\n```\n\n```text\n{shown}\n```\n")
        if shown == "3":
            assert run_page(page) == "3\n"
        else:
            with pytest.raises(AssertionError):
                run_page(page)


@pytest.mark.parametrize("page", SHORT)
def test_the_pages_about_python_are_short(page: str) -> None:
    """A user reads them in some minutes."""
    assert len(PAGES[page].splitlines()) <= 140


@pytest.mark.parametrize(
    "page", [name for name in PAGES if name != "index.md"]
)  # it links to pages that a build writes
def test_links_between_pages_lead_somewhere(page: str) -> None:
    """A relative link names a file of the repository."""
    folder = PATHS[page].parent
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", PAGES[page]):
        assert "://" in target or (folder / target).exists(), target


def test_files_that_the_pages_for_authors_name_exist() -> None:
    """Paths are relative to the package or to the repository; the guides name files that their reader writes."""
    for page in (PAGES["architecture.md"], (ROOT / "CONTRIBUTING.md").read_text()):
        names = re.findall(r"`([\w./]+\.py)`", page)
        assert names
        assert [name for name in names if not ((ROOT / name).exists() or (ROOT / "dropout_cli" / name).exists())] == []


def test_no_line_of_prose_is_longer_than_120_characters() -> None:
    """Rows of tables and lines of code may be longer, since they cannot be broken."""
    for name, page in PAGES.items():
        for line in re.sub(r"```.*?```", "", page, flags=re.DOTALL).splitlines():
            assert len(line) <= 120 or line.startswith("|"), (name, line)


def test_what_needs_a_shell_is_told_from_plain_commands() -> None:
    """A line with operators, variables or a loop around it goes to the shell, with its neighbors of that kind."""
    shell = "n=$(dropout c)\ndropout d $n\nfor n in 1; do\n    dropout e\ndone"
    found = parts(f"dropout a 'x < $1' \\\n  b\n{shell}\ndropout f\n")
    assert found == ["dropout a 'x < $1'   b", shell, "dropout f"]
    assert [is_plain(part) for part in found] == [True, False, True]


def test_the_configs_in_them_load(tmp_path: Path) -> None:
    """As they are printed."""
    texts = [text for page in PAGES.values() for text in code_blocks(page, "yaml")]
    assert len(texts) > 3
    for text in texts:
        (tmp_path / "readme.yaml").write_text(text)
        if text.startswith("paper:"):
            assert load_reproduction(tmp_path / "readme.yaml").rows
        elif is_sweep_file(tmp_path / "readme.yaml"):
            assert plan.make_plan(load_sweep(tmp_path / "readme.yaml")).cells
        else:
            assert config.load_config(tmp_path / "readme.yaml").notices == []


@pytest.mark.skipif(os.name != "posix", reason="a POSIX shell")
def test_the_config_for_the_table_in_them_can_train(tmp_path: Path) -> None:
    """As it is printed, on the table that the commands above it make."""
    page = PAGES["data.md"]
    making = [line for line in page.splitlines() if "plants.csv" in line and line.startswith(("printf", "for"))]
    subprocess.run(["sh", "-c", "\n".join(making)], cwd=tmp_path, check=True)
    (text,) = (one for one in code_blocks(page, "yaml") if "plants.csv" in one)
    (tmp_path / "plants.yaml").write_text(text)
    assert prepare(config.load_config(tmp_path / "plants.yaml").experiment).dataset.targets is not None


def test_every_command_and_every_bundled_config_is_mentioned() -> None:
    """Nothing is hidden."""
    import typer

    from dropout_cli.cli.application import app

    text = "\n".join(PAGES.values())
    for name in getattr(typer.main.get_command(app), "commands", {}):
        assert f"dropout {name}" in text, name
    for name in {name if "/" not in name else "variants/NAME" for name in config.bundled_configs()}:
        assert f"`{name}`" in text, name
