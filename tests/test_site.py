"""The documentation site builds without a warning, misses no page, and works in a browser."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from dropout_cli import config
from dropout_cli.core.locks import locked_folder
from dropout_cli.variants import VARIANTS
from tests.generated import built_in
from tests.snapshots.help import commands

if TYPE_CHECKING:
    from playwright.sync_api import Browser

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
NAMES = built_in()
PAGES = (
    *("index", "tour", "architecture", "search", "variants/index", "variants/dropblock"),
    *("reference/optimizers", "reference/commands/sweep", "reference/python/dropout"),
)
"""Pages that axe looks at: one of each kind, among them those with the widest tables, equations and figures."""


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built once for all workers of pytest-xdist from a copy of `docs/` in a copy of the top level."""
    own = tmp_path_factory.getbasetemp()
    root = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "site"
    root.mkdir(exist_ok=True)
    with locked_folder(root):  # the other workers wait
        if not (root / "said.txt").exists():
            build(root)
    assert (root / "said.txt").read_text() == ""
    return root / "build/site"


def build(root: Path) -> None:
    """Build the site in an empty folder; `said.txt` is what Sphinx said, nothing if there was no warning."""
    shutil.copytree(DOCS, root / "docs", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("CHANGELOG.md", "CONTRIBUTING.md"):
        shutil.copy(ROOT / name, root)
    for name in ("dropout_cli", "configs"):
        (root / name).symlink_to(ROOT / name)
    options = ("-W", "--keep-going", "-n", "-q", "-j", "2", "-d", "build/doctrees")
    command = [sys.executable, "-m", "sphinx", *options, "docs", "build/site"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=600, check=False)
    (root / "said.txt").write_text(done.stdout + done.stderr + ("" if done.returncode == 0 else "failed"))


@pytest.fixture(scope="session")
def index(site: Path) -> dict[str, Any]:
    """The data of the search: the pages, and which of them have a word."""
    text = (site / "searchindex.js").read_text("utf-8")
    found: dict[str, Any] = json.loads(text.removeprefix("Search.setIndex(").removesuffix(")"))
    return found


def test_a_build_says_nothing(site: Path) -> None:
    """No warning, also where links that lead nowhere are warnings, so every page is there."""
    assert (site / "index.html").exists()


def test_every_page_is_in_the_menu(site: Path, index: dict[str, Any]) -> None:
    """Every page in `docs/` and every page that a build writes can be reached from the front page."""
    written = {path.relative_to(DOCS).with_suffix("").as_posix() for path in DOCS.rglob("*.md")} | {"tour"}
    menu = (site / "index.html").read_text("utf-8")
    linked = {
        target.removesuffix(".html") for target in re.findall(r'class="reference internal" href="([^"#]+)"', menu)
    }
    assert written - linked - {"index"} == set()
    assert set(index["docnames"]) - linked - {"index"} == set()


def test_no_page_has_the_name_of_a_page_of_sphinx() -> None:
    """Sphinx would write its own page over it."""
    assert not [name for name in ("search", "genindex", "modindex") if (DOCS / f"{name}.md").exists()]


@pytest.mark.parametrize("name", NAMES)
def test_a_variant_has_a_page_with_every_part(site: Path, name: str) -> None:
    """Equations, a figure for light and dark pages, a config, each key, when to use it, traps, and the paper."""
    page = (site / f"variants/{name}.html").read_text("utf-8")
    for part in ("Equations", "A training pass", "In a config", "When to use it", "Traps", "Reference"):
        (text,) = re.findall(rf"<h2>{part}<a.*?</h2>(.*?)</section>", page, re.DOTALL)
        assert len(re.sub(r"<[^>]*>", "", text).split()) >= 3, part
    for scheme in ("light", "dark"):
        figure = (site / f"_images/{name}-{scheme}.svg").read_text("utf-8")
        assert figure.count("<text") > 12 and "prefers-color-scheme" not in figure
    for key in config.to_dict(VARIANTS[name]()):
        assert f'<span class="pre">{key}</span>' in page


@pytest.mark.parametrize("name", NAMES)
def test_the_search_finds_a_variant(index: dict[str, Any], name: str) -> None:
    """By its name in YAML, in the title of its page."""
    found = [index["docnames"][place] for place, _ in index["alltitles"][name]]
    assert f"variants/{name}" in found


def test_every_command_has_a_page_with_its_options(site: Path) -> None:
    """The page of a command has the texts of its `--help`."""
    for words in filter(None, commands()):
        page = re.sub(r"<[^>]*>", "", (site / f"reference/commands/{'-'.join(words)}.html").read_text("utf-8"))
        said = (ROOT / f"tests/snapshots/help/{'_'.join(words)}.txt").read_text("utf-8")
        assert [option for option in re.findall(r"^ +(--[a-z-]+)", said, re.MULTILINE) if option not in page] == []


def test_every_key_of_the_schema_is_on_a_page(site: Path) -> None:
    """With its name, wherever in a config it stands."""
    pages = [*(site / "reference").glob("*.html"), *(site / "variants").glob("*.html")]
    text = "".join(path.read_text("utf-8") for path in pages)
    missing = [key for key in keys(config.json_schema(plugins=False)) if f'<span class="pre">{key}</span>' not in text]
    assert missing == ["extends"]


def keys(schema: Any) -> list[str]:
    """Return the names of the keys in a JSON Schema, each once; tags of choices are no keys of their own."""
    if isinstance(schema, list):
        return list(dict.fromkeys(key for part in schema for key in keys(part)))
    if not isinstance(schema, dict):
        return []
    own = [key for key, value in schema.get("properties", {}).items() if "const" not in value]
    return list(dict.fromkeys([*own, *keys([value for value in schema.values() if isinstance(value, dict | list)])]))


def test_a_page_asks_nobody_for_anything(site: Path) -> None:
    """No script, style, font or picture comes from another place."""
    for path in site.rglob("*.html"):
        text = path.read_text("utf-8")
        assert re.findall(r'<(?:script|link|img)[^>]+(?:src|href)="(?:https?:)?//', text) == [], path


@pytest.mark.parametrize("width", [390, 1440])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_work_in_a_browser(browser: "Browser", site: Path, scheme: str, width: int) -> None:
    """Nothing is wider than the window, every picture is shown, and axe finds nothing serious."""
    from axe_playwright_python.sync_playwright import Axe

    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme="dark" if scheme == "dark" else "light"
    )
    tab = context.new_page()
    said: list[str] = []
    tab.on("pageerror", lambda error: said.append(str(error)))
    for name in PAGES:
        tab.goto((site / f"{name}.html").as_uri())
        assert tab.evaluate("document.documentElement.scrollWidth") <= width, name
        shown = "[...document.images].filter((image) => image.offsetParent)"
        assert tab.evaluate(f"{shown}.every((image) => image.complete && image.naturalWidth > 0)"), name
        found = Axe().run(tab).response["violations"]
        serious = [one for one in found if one["impact"] in ("serious", "critical")]
        assert [(one["id"], one["nodes"][0]["html"]) for one in serious] == [], name
    context.close()
    assert said == []


@pytest.mark.parametrize("width", [390, 1440])
def test_no_page_is_wider_than_the_window(browser: "Browser", site: Path, width: int) -> None:
    """Wide tables, equations and code scroll by themselves."""
    context = browser.new_context(viewport={"width": width, "height": 900})
    tab = context.new_page()
    wider = []
    for path in sorted(site.rglob("*.html")):
        tab.goto(path.as_uri(), wait_until="domcontentloaded")
        wider += [path] if tab.evaluate("document.documentElement.scrollWidth") > width else []
    context.close()
    assert wider == []


def test_the_search_shows_the_page_of_a_variant_first(browser: "Browser", site: Path) -> None:
    """For the name of a variant, typed into the field on the front page."""
    context = browser.new_context()
    tab = context.new_page()
    tab.goto((site / "index.html").as_uri())
    tab.fill("input[name=q]", "dropblock")
    tab.press("input[name=q]", "Enter")
    first = tab.locator("#search-results li a").first
    assert "variants/dropblock.html" in str(first.get_attribute("href"))
    context.close()
