"""The HTML report: its content, and its layout in a real browser on phone and desktop, light and dark."""

import base64
import csv
import re
import shutil
from html import unescape
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from dropout_cli import config, report
from dropout_cli.report.mistake_images import is_local
from dropout_cli.report.page import Code, Figure, HtmlTable, Section, SectionPart, render_page
from dropout_cli.runs import Run
from dropout_cli.sweeps.folder import SweepFolder
from tests.commands import dropout
from tests.small_run import train

if TYPE_CHECKING:
    from playwright.sync_api import Browser

NASTY = '<script>alert(1)</script> & "quoted" \N{RIGHT-TO-LEFT OVERRIDE}'


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run, a regression, a sweep, and a page of nasty texts, each as a file."""
    here = tmp_path_factory.mktemp("report")
    rows = [
        f"{n % 9},{'red' if n % 3 else NASTY.replace(chr(34), '')},{'<b>yes</b>' if n % 2 else 'no'}"
        for n in range(200)
    ]
    (here / "t.csv").write_text("number,word,kind\n" + "\n".join(rows))
    tabular = train(here / "a", f"dataset={{name: table, path: {here}/t.csv}}", "training.batch_size=16")
    (here / "run.html").write_bytes(report.run_report(tabular))
    regression = train(here / "b", "dataset={name: diabetes, scaling: standardize}", "architecture.hidden=[8]")
    (here / "regression.html").write_bytes(report.run_report(regression))
    digits = train(here / "i", "dataset=digits", "architecture.hidden=[8]", "training.epochs=2")
    (here / "images.html").write_bytes(report.run_report(digits))
    (here / "c.yaml").write_text("dataset: digits\narchitecture: {hidden: [8]}\ntraining: {epochs: 3}\n")
    done = dropout("sweep", "c.yaml", "dropout={variant: inverted, rate: 0.2},none", "--seeds", "3", cwd=here)
    assert done.returncode == 0, done.stderr
    (here / "sweep.html").write_bytes(report.sweep_report(SweepFolder(here / "runs/sweep-c")))
    shutil.copytree(here / "runs/sweep-c", here / "runs/sweep-m")
    several = (
        "sweep",
        "c.yaml",
        "dropout={variant: inverted, rate: 0.2},none",
        "--seeds",
        "3",
        "--out",
        "runs/sweep-m",
    )
    done = dropout(*several, "--metrics", "test.accuracy,val.error,train.error", cwd=here)
    assert done.returncode == 0, done.stderr
    (here / "metrics.html").write_bytes(report.sweep_report(SweepFolder(here / "runs/sweep-m")))
    done = dropout(*several, "--metrics", "val.error,train.error", cwd=here)
    assert done.returncode == 0, done.stderr
    (here / "errors.html").write_bytes(report.sweep_report(SweepFolder(here / "runs/sweep-m")))
    parts: list[SectionPart] = [HtmlTable(NASTY, [NASTY, "n"], [[NASTY, 2], ["b", 10], ["a", 1.5]]), Code(NASTY), NASTY]
    figure = Figure(b'<svg xmlns="http://www.w3.org/2000/svg"/>', NASTY, NASTY)
    (here / "nasty.html").write_bytes(render_page(NASTY, NASTY, NASTY, [Section(NASTY, [*parts, figure])]))
    return here


PAGES = ["run", "regression", "images", "sweep", "metrics", "nasty"]


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_whole_in_itself(folder: Path, name: str) -> None:
    """A strict policy, one script and one style, no address but those of namespaces inside figures."""
    text = unescape((folder / f"{name}.html").read_text())
    assert "default-src 'none'" in text and "unsafe" not in text
    assert not re.findall(r"""(?:src|href)=["'](?!data:image/(?:svg\+xml|png);base64,|#)""", text)
    for picture in re.findall(r"base64,([A-Za-z0-9+/=]+)", text):
        assert b"<script" not in base64.b64decode(picture)
    assert "<script>alert" not in (folder / f"{name}.html").read_text()


def test_a_sweep_begins_with_its_headline_and_a_table_of_four_columns(folder: Path) -> None:
    """The notes of the terminal are in the section on the method, once; the other columns unfold."""
    text = unescape((folder / "sweep.html").read_text())
    headline = text.partition('<p class="answer">')[2].partition("</p>")[0]
    assert "no dropout" in headline and "3 splits" in headline and "interval" in headline
    table = text.partition("<table>")[2].partition("</table>")[0]
    assert re.findall(r"<button[^>]*>([^<]+)<", table) == ["setting", "test accuracy", "difference", "verdict"]
    assert len(re.findall("<tr>", table)) == 3 and "baseline" in table
    details = text.partition("<details>")[2].partition("</details>")[0]
    assert "p (Bonferroni)" in details and "d_z" in details
    assert "The best setting on the validation part" in headline and text.count("Runs: 3 runs per setting") == 1


def test_every_requested_metric_has_a_table_with_verdicts_and_a_sentence(folder: Path) -> None:
    """Training and validation numbers of one measure also stand side by side, and no column is empty in every row."""
    text = unescape((folder / "metrics.html").read_text())
    tables = re.findall(r"<caption[^>]*>(.*?)</caption>.*?</table>", text, re.S)
    for words in ("test accuracy", "validation error", "training error"):
        assert f"Means and differences with 95 % intervals, by {words}" in tables
    assert "Error on the training and on the validation part: means with 95 % intervals" in tables
    headline = re.search(r'<p class="answer">(.*?)</p>', text, re.S)
    assert headline is not None
    assert "By validation error: " in headline[1] and "By training error: " in headline[1]
    for caption, table in re.findall(r"<caption[^>]*>(Every setting, by .*?)</caption>(.*?)</table>", text, re.S):
        rows = re.findall(r"<tr>(<td.*?)</tr>", table, re.S)
        cells = [re.findall(r"<td[^>]*>(.*?)</td>", row, re.S) for row in rows]
        assert cells and all(any(column) for column in zip(*cells, strict=True)), caption


@pytest.mark.parametrize(("name", "second"), [("metrics", "validation accuracy"), ("errors", "training error")])
def test_the_table_of_runs_has_two_different_numbers(folder: Path, name: str, second: str) -> None:
    """If the main metric is that of the validation part, the next requested one is beside it."""
    text = unescape((folder / f"{name}.html").read_text())
    (head,) = re.findall(r"<caption[^>]*>Every run</caption>.*?<thead>(.*?)</thead>", text, re.S)
    headers = re.findall(r"<button[^>]*>(.*?)</button>", head, re.S)
    assert headers[-1] == second and len(headers) == len({*headers}) == 4


def test_the_words_of_a_figure_have_the_numbers_that_it_shows(folder: Path) -> None:
    """Texts about errors and gaps have the numbers of errors and gaps, not those of the metric."""
    asked = (
        "dropout.variant=inverted",
        "dropout.rate=0.1,0.4",
        "training.epochs=1",
        "--seeds",
        "3",
        "--no-plots",
        "--out",
        "rates",
    )
    assert dropout("sweep", "c.yaml", *asked, cwd=folder).returncode == 0
    text = unescape(report.sweep_report(SweepFolder(folder / "rates")).decode())
    rows = csv.DictReader((folder / "rates/summary.csv").read_text().splitlines())
    means = {(row["dropout.rate"], row["metric"]): float(row["mean"]) for row in rows}
    train, val, test = (
        {one: means[one, f"{part}.accuracy"] for one in ("0.1", "0.4")} for part in ("train", "val", "test")
    )
    for told in (
        f"Means of test.accuracy: rate 0.1: {test['0.1']:.4f}; rate 0.4: {test['0.4']:.4f}.",
        f"Means of train.error and val.error: rate 0.1: {1 - train['0.1']:.4f} and {1 - val['0.1']:.4f};",
        f"Means of train.accuracy minus val.accuracy: rate 0.1: {train['0.1'] - val['0.1']:.4f};",
    ):
        assert told in text


@pytest.mark.parametrize("name", ["run", "regression", "images", "sweep"])
def test_each_figure_has_a_caption_with_numbers(folder: Path, name: str) -> None:
    """It states the finding; captions of sweeps also have the number of seeds or splits."""
    captions = re.findall("<figcaption>(.*?)</figcaption>", (folder / f"{name}.html").read_text())
    assert captions and all(re.search(r"\d", caption) for caption in captions)
    assert name != "sweep" or all("(n = 3 splits per setting)" in caption for caption in captions)


def test_misclassified_images_are_shown_with_both_classes(folder: Path) -> None:
    """As many thumbnails as 24 mistakes at most, each with the classes of mistakes.csv; tables have text rows only."""
    text = unescape((folder / "images.html").read_text())
    images = re.findall(r'<li><img alt="([^"]+)" src="data:image/png;base64,[^"]+">\s*<span>(\S+) → (\S+)</span>', text)
    run = next((folder / "i/runs").iterdir())
    mistakes = list(csv.DictReader((run / "mistakes.csv").read_text().splitlines()))
    expected = [(line["row"], line["true"], line["predicted"]) for line in mistakes[:24]]
    assert [(alt.split(":")[0].split()[-1], true, predicted) for alt, true, predicted in images] == expected
    assert "gallery" not in (folder / "run.html").read_text().partition("</style>")[2]


def test_a_report_without_its_image_files_says_so_and_downloads_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page is complete apart from the images, and its mistakes are text rows."""
    generator = np.random.default_rng(0)
    np.savez(tmp_path / "d.npz", x=generator.integers(0, 256, (60, 4, 4, 1), np.uint8), y=np.arange(60) % 3)
    run = train(
        tmp_path / "r",
        f"dataset={{name: arrays, path: {tmp_path}/d.npz}}",
        "architecture.hidden=[4]",
        "training.batch_size=8",
    )
    assert 'class="gallery"' in report.run_report(run).decode()
    (tmp_path / "d.npz").unlink()
    text = report.run_report(run).decode()
    assert "The misclassified images are not shown, because the data cannot be read" in text
    assert 'class="gallery"' not in text and "The worst mistakes" in text

    monkeypatch.setenv("DROPOUT_DATA", str(tmp_path / "nothing"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "nothing"))
    (tmp_path / "mnist.yaml").write_text("dataset: mnist\n")
    mnist = config.load_config(tmp_path / "mnist.yaml").experiment.dataset
    assert not is_local(mnist)


def test_the_same_run_gives_the_same_page(folder: Path) -> None:
    """Byte for byte."""
    run = next((folder / "a/runs").iterdir())
    assert report.run_report(Run(run)) == (folder / "run.html").read_bytes()


def test_the_command_writes_into_the_folder_or_where_it_is_told(folder: Path) -> None:
    """And the run stays as it was, for `verify`."""
    run = next((folder / "b/runs").iterdir())
    done = dropout("report", str(run), cwd=folder)
    assert done.returncode == 0 and Path(done.stdout.strip()).is_file(), done.stderr
    assert dropout("verify", str(run), cwd=folder).returncode == 0
    done = dropout("report", "runs/sweep-c", "-o", "other.html", cwd=folder)
    assert done.stdout == "other.html\n" and (folder / "other.html").stat().st_size > 10_000
    done = dropout("report", "nothing", cwd=folder)
    assert done.returncode == 2 and len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("width", [390, 1024, 1440])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_a_page_works_in_a_browser(browser: "Browser", folder: Path, name: str, scheme: str, width: int) -> None:
    """No error, no request, nothing wider than the window, nothing serious for axe; sorted with the keyboard alone."""
    from axe_playwright_python.sync_playwright import Axe

    context = browser.new_context(
        viewport={"width": width, "height": 900},
        color_scheme="dark" if scheme == "dark" else "light",
        bypass_csp=False,
    )
    tab = context.new_page()
    said: list[str] = []
    asked: list[str] = []
    tab.on("console", lambda message: said.append(message.text))
    tab.on("pageerror", lambda error: said.append(str(error)))
    tab.on("dialog", lambda dialog: said.append(dialog.message))
    tab.on("request", lambda request: asked.append(request.url))
    tab.goto((folder / f"{name}.html").as_uri())
    tab.evaluate("document.querySelectorAll('details').forEach((part) => part.setAttribute('open', ''))")
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    wider = "(part) => part.scrollWidth > part.clientWidth + 1"
    if name != "nasty":
        clipped = f"[...document.querySelectorAll('.scroll, pre, td, p, figcaption')].filter({wider})"
        assert tab.evaluate(f"{clipped}.map((part) => part.textContent)") == []
    assert tab.evaluate("[...document.images].every((image) => image.complete && image.naturalWidth > 0)")
    button = tab.locator("table").first.locator("thead button").last
    column = "[...document.querySelector('table').tBodies[0].rows].map((row) => row.cells[row.cells.length - 1])"
    values = f"{column}.map((cell) => cell.dataset.value ?? cell.textContent)"
    button.focus()
    tab.keyboard.press("Enter")
    once = tab.evaluate(values)
    tab.keyboard.press("Enter")
    assert sorted(once) == sorted(tab.evaluate(values))
    assert tab.locator("table").first.locator("th[aria-sort=descending]").count() == 1
    if name == "nasty":
        assert once == ["1.5", "2", "10"] and tab.evaluate(values) == ["10", "2", "1.5"]
        assert "<script>alert(1)</script>" in tab.inner_text("h1")
    assert said == [] and [url for url in asked if not url.startswith(("file:", "data:"))] == []
    context.close()
    # axe has to be put into the page, which its policy forbids to everybody else
    context = browser.new_context(
        viewport={"width": width, "height": 900},
        color_scheme="dark" if scheme == "dark" else "light",
        bypass_csp=True,
    )
    tab = context.new_page()
    tab.goto((folder / f"{name}.html").as_uri())
    found = Axe().run(tab).response["violations"]
    assert [one["id"] for one in found if one["impact"] in ("serious", "critical")] == []
    context.close()
