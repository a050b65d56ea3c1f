"""The paragraph for a paper has the numbers of the tables, and names what the intervals do not cover."""

import re

import pytest

from dropout_cli.core.errors import UsageError
from dropout_cli.sweeps import export_tables, printed_table
from dropout_cli.sweeps.paper_text import paper_text
from dropout_cli.sweeps.settings import ComparisonSettings
from dropout_cli.sweeps.sweep_comparison import SweepComparison, compare_runs
from dropout_cli.sweeps.wording import format_p, format_short
from tests.commands import TINY, dropout
from tests.sweeps.test_comparison import record

NOISE = (0.004, -0.003, 0.002, 0.0, -0.001)


def compared(*shifts: float, splits: bool = True, seeds: int = 5) -> SweepComparison:
    """Compare settings with these mean differences with a baseline."""
    records = [
        record(seed, 0.8 + (rate > 0) * (shift + NOISE[(seed + rate) % 5]), split=seed * splits, dropout_rate=rate)
        for rate, shift in enumerate((0.0, *shifts))
        for seed in range(seeds)
    ]
    return compare_runs(records, ["dropout.rate"], ComparisonSettings())


def test_numbers_are_those_of_the_comparison() -> None:
    """Estimate, interval, t, degrees of freedom and the corrected p-value."""
    evidence = compared(0.01, -0.02)
    text = paper_text(evidence)
    for one in evidence.main:
        low, high = (format_short(end, "+") for end in one.interval)
        t = one.estimate.mean / one.estimate.se
        p = format_p(one.p_bonferroni)
        shown = f"95 % interval {low} to {high}; t(4) = {t:.2f}, corrected p {p if p[0] == '<' else '= ' + p}"
        assert f"difference {format_short(one.estimate.mean, '+')}, {shown}" in text
    assert "Bonferroni's correction for 2 comparisons" in text and "Dunn" in text


def test_it_cites_only_the_methods_that_were_used() -> None:
    """One comparison needs no correction, and runs on one split have no interval of Nadeau and Bengio."""
    text = paper_text(compared(0.01, splits=False))
    assert "Bonferroni" not in text and "Dunn" not in text and "Nadeau" not in text
    assert "5 seeds on one split" in text and "do not cover new examples, other training examples" in text
    assert "Nadeau" in paper_text(compared(0.01))


def test_many_settings_are_counted_by_verdict() -> None:
    """Numbers are given for the setting that the validation part chooses."""
    evidence = compared(0.01, 0.02, 0.03, -0.02, 0.0)
    text = paper_text(evidence)
    assert text.count("The mean test accuracy of") == 1
    count = sum(one.verdict == "better" for one in evidence.main)
    assert f"{count} were better" in text and "Of the 5 settings, " in text


def test_settings_with_baselines_of_their_own_are_not_said_to_share_one() -> None:
    """Over datasets, each setting is compared on its own dataset; the ranks and their reference are there."""
    records = [
        record(seed, 0.8 + 0.01 * rate + 0.001 * (seed * rate % 3), split=seed, dataset_name=data, dropout_rate=rate)
        for data in ("a", "b", "c")
        for rate in (0, 1)
        for seed in range(5)
    ]
    text = paper_text(compare_runs(records, ["dataset.name", "dropout.rate"], ComparisonSettings()))
    assert "We compared 3 settings, each with its own baseline out of 3, by test accuracy" in text
    assert "Ranks of 2 settings over 3 datasets: average ranks" in text and "Demsar" in text


def test_means_are_those_of_the_pairs() -> None:
    """If the baseline has more runs, its mean is over the pairs: the difference is that of the two means."""
    records = [
        record(seed, 0.8 + 0.004 * seed + rate * (0.01 + NOISE[seed % 5]), split=seed, dropout_rate=rate)
        for rate, count in ((0, 9), (1, 5))
        for seed in range(count)
    ]
    text = paper_text(compare_runs(records, ["dropout.rate"], ComparisonSettings()))
    ours, theirs, difference = map(
        float, re.findall(r"was ([\d.]+), that of rate 0 ([\d.]+): .*?difference \+([\d.]+)", text)[0]
    )
    assert ours - theirs == pytest.approx(difference, abs=1.1e-4)


def test_margin_and_later_looks_are_named() -> None:
    """A reader must know what counts as equal, and that runs were added after a look."""
    records = [
        record(seed, 0.8 + rate * NOISE[seed], split=seed, dropout_rate=rate) for rate in (0, 1) for seed in range(5)
    ]
    evidence = compare_runs(records, ["dropout.rate"], ComparisonSettings(margin=0.03), looks=[6])
    text = paper_text(evidence)
    assert "Differences within 0.03 count as equal." in text and "after the results of 6 runs had been seen" in text
    assert "Differences within" not in paper_text(compared(0.01)) and "had been seen" not in paper_text(compared(0.01))


def test_too_few_pairs_are_said_to_be_no_comparison() -> None:
    """Two seeds give no verdict."""
    assert paper_text(compared(0.01, seeds=2)).startswith("The settings could not be compared: 2 splits are too few")


def test_chosen_columns_keep_their_order_and_cells() -> None:
    """Each column is the one of the full table; an unknown name lists all names."""
    headers, rows = printed_table.comparison_table(compared(0.01))
    names = ["verdict", "difference"]
    chosen, cells = export_tables.choose_columns(headers, rows, names)
    assert chosen == names
    assert cells == [[row[headers.index(name)] for name in names] for row in rows]
    with pytest.raises(UsageError, match="no column 'rate'"):
        export_tables.choose_columns(headers, rows, ["rate"])


def test_a_caption_or_a_label_makes_a_table_around_the_tabular() -> None:
    """The caption is escaped; a label that would break LaTeX is refused."""
    text = export_tables.as_latex(["a"], [["1"]], caption="50 % & more", label="tab:rates")
    lines = text.splitlines()
    assert lines[0] == r"\begin{table}" and lines[-1] == r"\end{table}"
    assert r"\caption{50 \% \& more}" in lines and r"\label{tab:rates}" in lines
    assert r"\begin{table}" not in export_tables.as_latex(["a"], [["1"]])
    with pytest.raises(UsageError, match="--label"):
        export_tables.as_latex(["a"], [["1"]], label="tab}rates")


def test_columns_of_numbers_are_aligned_on_the_right() -> None:
    """Texts stay on the left; empty cells do not count."""
    text = export_tables.as_latex(["name", "n", "none"], [["a", "1", ""], ["b", "-2.5", ""]])
    assert r"\begin{tabular}{lrl}" in text


def test_compare_prints_the_paragraph_and_checks_its_options(tmp_path_factory: pytest.TempPathFactory) -> None:
    """`--format text` prints nothing else; options of other formats are refused."""
    folder = tmp_path_factory.mktemp("paper")
    (folder / "tiny.yaml").write_text(TINY)
    done = dropout("sweep", "tiny.yaml", "dropout.rate=0,0.5", "--seeds", "3", "--out", "sw", "--quiet", cwd=folder)
    assert done.returncode == 0
    text = dropout("compare", "sw", "--format", "text", cwd=folder)
    assert text.returncode == 0 and text.stdout.startswith("We compared rate 0.5 with rate 0 on ") and not text.stderr
    assert re.search(r"\nReferences\nStudent", text.stdout)
    for options, named in (
        (("--caption", "x"), "--caption"),
        (("--format", "text", "--columns", "n"), "--columns"),
        (("--columns", " , "), "--columns"),
        (("--margin", "inf"), "--margin"),
        (("--margin", "nan"), "--margin"),
        (("--margin", "-1"), "--margin"),
    ):
        done = dropout("compare", "sw", *options, cwd=folder)
        assert done.returncode == 2 and done.stderr.startswith(f"{named}: ") and not done.stdout
    page = dropout("report", "sw", "--output", "page.html", cwd=folder)
    assert page.returncode == 0 and "Text for a paper" in (folder / "page.html").read_text()
