"""Real outputs of real commands on small data."""

import html
import json
import re
from collections.abc import Iterator
from pathlib import Path

from tests.commands import dropout
from tests.snapshots.data_errors import FILES
from tests.snapshots.masks import masked

SMALL = """\
dataset: {name: iris, val_fraction: 0.2}
architecture: {name: mlp, hidden: [4]}
dropout: {variant: inverted, rate: 0.2}
training: {epochs: 2, batch_size: 16}
"""
TABLE = "length,width,kind\n" + "".join(f"{1 + place % 7},{place % 5},{'ab'[place % 7 > 3]}\n" for place in range(60))
CONFIGS = {
    "small.yaml": SMALL,
    "typo.yaml": SMALL.replace("rate:", "rte:").replace("hidden: [4]", "hidden: wide"),
    "sweep.yaml": "base: small.yaml\ngrid: {dropout.rate: [0, 0.2, 0.5]}\nseeds: 4\n",
    "broken.yaml": "dataset: [iris\n",
    "data.csv": TABLE,
    "new.csv": "length,width\n1,2\n6,3\n",
}
QUICK = ("--jobs", "1", "--quiet", "--no-plots")
ENV = {"NO_COLOR": "1", "OMP_NUM_THREADS": "1", "COLUMNS": "100"}


class _Screen:
    """Runs commands in a folder, and keeps what they write."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.texts: dict[str, list[str]] = {}

    def run(self, scenario: str, *words: str, given: str = "") -> str:
        """Run `dropout`; return its stdout."""
        done = dropout(
            *words,
            cwd=self.folder,
            env={**ENV, "DROPOUT_DATA": str(self.folder / "data"), "HOME": str(self.folder)},
            given=given,
        )
        command = " ".join(f"'{word}'" if " " in word or ("=" in word and "," in word) else word for word in words)
        parts = [f"$ dropout {command}", *([done.stdout.rstrip("\n")] if done.stdout.strip() else [])]
        if done.stderr.strip():
            parts += ["--- stderr", done.stderr.rstrip("\n")]
        parts.append(f"--- exit code {done.returncode}")
        self.keep(scenario, "\n".join(parts))
        return done.stdout

    def keep(self, scenario: str, text: str) -> None:
        """Add a text to a scenario."""
        self.texts.setdefault(scenario, []).append(masked(text, self.folder))


def scenarios(folder: Path) -> dict[str, str]:
    """Return the contents of `screens/<scenario>.txt`; commands run in `folder`."""
    for name, text in CONFIGS.items():
        (folder / name).write_text(text)
    screen = _Screen(folder)
    run = _of_a_run(screen)
    _of_sweeps(screen, run)
    _of_lists(screen)
    _of_mistakes(screen)
    return {name: "\n\n".join(texts) + "\n" for name, texts in screen.texts.items()}


def _of_a_run(screen: _Screen) -> str:
    run = screen.run("train", "train", "small.yaml", "--no-plots").strip()
    screen.run("train_diverging", "train", "small.yaml", "training.optimizer={name: sgd, learning_rate: 1e30}")
    other = screen.run("train", "train", "small.yaml", "dropout.rate=0.5", "--no-plots", "--name", "other").strip()
    screen.run("eval", "eval", run)
    screen.run("eval_mc", "eval", run, "--mc", "3", "--thinned", "3")
    screen.run("resume_nothing_to_do", "resume", run)
    screen.run("show", "show", run)
    # Runs of one second are listed by their random names, so one of each status is shown.
    for condition in ("status == failed", "config.dropout.rate == 0.5"):
        screen.run("runs", "runs", "--where", condition)
    screen.run("runs", "runs", "--where", "test.accuracy")
    screen.run("compare_two_runs", "compare", run, other)
    screen.run("effects", "effects", run)
    screen.run("ensemble", "ensemble", run, "--networks", "5", "--no-plots")
    screen.run("ensemble", "ensemble", run, "--exact", "--no-plots")
    page = screen.run("report_run", "report", run).strip()
    screen.keep("report_run", _visible(screen.folder / page))
    screen.run("predict", "predict", run, "new.csv")
    table = screen.run("predict", "train", "table.yaml").strip() if _table(screen) else ""
    screen.run("predict", "predict", table, "new.csv")
    screen.run("predict", "predict", table, "new.csv", "--mc", "3")
    screen.run("verify", "verify", run)
    metrics = screen.folder / other / "metrics.csv"
    metrics.write_bytes(metrics.read_bytes().replace(b"1,", b"2,", 1))
    screen.run("verify_damaged", "verify", other)
    return run


def _table(screen: _Screen) -> bool:
    screen.run("config_init", "config", "init", "mine.yaml")
    screen.run("config_init", "config", "init", "table.yaml", "--data", "data.csv")
    screen.keep("config_init", (screen.folder / "table.yaml").read_text())
    file = screen.folder / "table.yaml"
    file.write_text(re.sub(r"epochs: \d+", "epochs: 1", file.read_text()))
    return True


def _of_sweeps(screen: _Screen, run: str) -> None:
    screen.run("sweep_dry_run", "sweep", "sweep.yaml", "--dry-run", "--jobs", "1")
    screen.run("sweep", "sweep", "sweep.yaml", *QUICK)
    screen.run(
        "sweep", "sweep", "small.yaml", "dropout.rate=0,0.5", "--seeds", "1", "--jobs", "1", "--quiet", "--no-plots"
    )
    screen.run("sweep", "verify", "runs/sweep-sweep")
    screen.run("ensemble", "ensemble", "runs/sweep-sweep", "--setting", "dropout.rate=0.2")
    page = screen.run("report_sweep", "report", "runs/sweep-sweep").strip()
    screen.keep("report_sweep", _visible(screen.folder / page))
    words = ("--jobs", "1", "--trials", "2", "--repeats", "1", "--seeds", "2", "--no-plots")
    screen.run("tune", "tune", "small.yaml", "dropout.rate=0,0.3", *words)


def _of_lists(screen: _Screen) -> None:
    found = json.loads(dropout("doctor", "--json", "--seconds", "0", cwd=screen.folder).stdout)["findings"]
    screen.keep("doctor", "\n".join(dict.fromkeys(one["what"] for one in found)))
    screen.run("variants", "variants")
    screen.run("variants_inverted", "variants", "inverted")
    screen.run("variants_concrete", "variants", "concrete")
    screen.run("datasets", "datasets")
    screen.run("datasets_table", "datasets", "table")
    screen.run("config_check", "config", "check", "small.yaml")
    screen.run("config_check", "config", "check", "table.yaml", "--data")
    screen.run("config_show", "config", "show", "small.yaml")
    screen.run("config_show", "config", "show", "small.yaml", "--explain")
    screen.run("config_show", "config", "show", "small.yaml", "--model")


def _of_mistakes(screen: _Screen) -> None:
    for words in (
        ("train", "typo.yaml"),
        ("train", "broken.yaml"),
        ("train", "nothing.yaml"),
        ("train", "small.yaml", "dropout.rate=1.0"),
        ("train", "small.yaml", "dropout.rate=high"),
        ("train", "small.yaml", "dropout.variant=invertd"),
        ("train", "small.yaml", "dropout.variant=spatial"),
        ("train", "small.yaml", "training.batch_size=1000"),
        ("train", "small.yaml", "dataset=cifar10"),
        ("train", "small.yaml", "epochs"),
        ("train",),
        ("trian", "small.yaml"),
        ("show", "nothing"),
        ("eval", "latest", "--thinned", "2"),
        ("compare",),
        ("sweep", "small.yaml", "dropout.rate=", "--seeds", "x"),
        ("predict", "latest", "nothing.csv"),
    ):
        screen.run("mistakes", *words)
    for name, content in FILES.items():
        file = screen.folder / "cases" / name
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(content)
        screen.run(
            "data_errors", "train", "small.yaml", f"dataset={{name: table, path: cases/{name}, val_fraction: 0.2}}"
        )


def _visible(page: Path) -> str:
    """Return the visible text of a report."""
    return "\n".join(_lines(page.read_text()))


def _lines(page: str) -> Iterator[str]:
    page = re.sub(r"<(script|style)\b.*?</\1>|<svg\b.*?</svg>", "", page, flags=re.DOTALL)
    page = re.sub(r'<img alt="([^"]*)"[^>]*>', r"<p>[figure: \1]</p>", page)
    page = re.sub(r"</t[dh]>\s*<t[dh][^>]*>", " | ", page)
    for line in re.sub(r"<[^>]+>", "\n", re.sub(r"</?(a|b|code|button|span|em|strong)\b[^>]*>", "", page)).split("\n"):
        if text := html.unescape(line).strip():
            yield text
