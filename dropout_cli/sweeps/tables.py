"""Evidence as tables and notes: for a spreadsheet, for a screen, for a paper."""

import json
import math
from collections.abc import Iterator, Sequence
from typing import Any

from dropout_cli.metrics import METRICS, csv_bytes
from dropout_cli.statistics import wilson_coverage
from dropout_cli.statistics.rules import FIRST
from dropout_cli.sweeps import caveats, power, yardsticks
from dropout_cli.sweeps.comparison import Comparison, Evidence
from dropout_cli.sweeps.power import p_text
from dropout_cli.sweeps.records import Record

Rows = list[list[Any]]


def results_csv(records: Sequence[Record], keys: Sequence[str]) -> bytes:
    """A row per run and number: cell, swept keys, seed, split, metric, value. Nothing in it varies between repeats."""
    rows: Rows = [["cell", *keys, "seed", "split_seed", "metric", "value"]]
    for record in records:
        values = [cell(record.values.get(key)) for key in keys]
        rows += [
            [record.name, *values, *record.replicate[:2], metric, record.score(metric)]
            for metric in METRICS
            if not math.isnan(record.score(metric))
        ]
    return csv_bytes(rows)


def summary_csv(evidence: Evidence) -> bytes:
    """A row per group and number: n, mean, standard deviation and the 95 % interval of the mean."""
    rows: Rows = [[*evidence.keys, "metric", "n", "mean", "sd", "low", "high"]]
    for group in evidence.groups:
        for metric in METRICS:
            found = evidence.mean(group, metric)
            if found.n:
                numbers = (found.mean, found.sd, *found.interval)
                rows.append([*map(cell, group.values.values()), metric, found.n, *map(number, numbers)])
    return csv_bytes(rows)


COMPARED = ("baseline", "metric", "n", "difference", "sd", "low", "high", "effect", "p", "p_holm", "smallest_p")
COUNTED = ("won", "tied", "won_low", "won_high", "verdict")


def comparisons_csv(evidence: Evidence) -> bytes:
    """A row per group that is compared: paired differences from the baseline, test and share of pairs won."""
    rows: Rows = [[*evidence.keys, *COMPARED, *COUNTED]]
    for one in evidence.comparisons:
        paired = one.paired
        numbers = (
            paired.mean,
            paired.sd,
            *paired.interval,
            paired.effect,
            paired.test.p,
            one.p_holm,
            one.smallest,
        )
        rows.append(
            [
                *map(cell, evidence.groups[one.group].values.values()),
                _named(evidence, one.baseline),
                evidence.metric,
                paired.n,
                *map(number, numbers),
                paired.won,
                paired.tied,
                *map(number, paired.won_interval),
                one.verdict,
            ]
        )
    return csv_bytes(rows)


def _named(evidence: Evidence, place: int) -> str:
    """Return a group's name; by the first rules it is `all` where all its values are null."""
    group = evidence.groups[place]
    return "all" if evidence.rules == FIRST and all(one is None for one in group.values.values()) else group.label


def as_dict(evidence: Evidence) -> dict[str, Any]:
    """All of it for a program; None where there is no number."""
    groups = []
    for group in evidence.groups:
        found = {metric: mean for metric in METRICS if (mean := evidence.mean(group, metric)).n}
        scores = {
            metric: {
                "n": one.n,
                **({"averages": one.averages} if evidence.averages else {}),
                "mean": one.mean,
                "sd": known(one.sd),
                "interval": [known(end) for end in one.interval],
            }
            for metric, one in found.items()
        }
        groups.append({"values": dict(group.values), "metrics": scores})
    comparisons = [
        {
            "values": dict(evidence.groups[one.group].values),
            "baseline": dict(evidence.groups[one.baseline].values),
            "n": one.paired.n,
            "difference": one.paired.mean,
            "sd": known(one.paired.sd),
            "interval": [known(end) for end in one.paired.interval],
            "effect": known(one.paired.effect),
            "p": known(one.paired.test.p),
            "p_holm": known(one.p_holm),
            "smallest_p": known(one.smallest),
            "won": one.paired.won,
            "tied": one.paired.tied,
            "won_interval": [known(end) for end in one.paired.won_interval],
            "verdict": one.verdict,
        }
        for one in evidence.comparisons
    ]
    return {
        "metric": evidence.metric,
        "test": evidence.test,
        **({"pooled_over": evidence.pooled} if evidence.pooled is not None else {}),
        "groups": groups,
        "comparisons": comparisons,
        "notes": list(notes(evidence)),
    }


def known(value: float) -> float | None:
    """None for NaN."""
    return None if math.isnan(value) else value


def cell(value: Any) -> Any:
    """A swept value in one cell."""
    return value if isinstance(value, str | int | float) and not isinstance(value, bool) else number_or_json(value)


def number_or_json(value: Any) -> str:
    """Nothing for None, else JSON."""
    return "" if value is None else json.dumps(value)


def number(value: float) -> float | str:
    """Nothing for NaN."""
    return "" if math.isnan(value) else value


LEAST = ("d_z", "p", "95 % interval", "averages", "n", "smallest p", "won")
"""Columns of the overview that may be left out where there is little room, the first one first."""


def overview(evidence: Evidence) -> tuple[list[str], Rows]:
    """Headers and rows of the one table that says it all: a row per group."""
    compared = {one.group: one for one in evidence.comparisons}
    bases = {one.baseline for one in evidence.comparisons}
    bounded = power.is_bounded(evidence)
    pooled = ["averages"] if evidence.averages else []
    headers = [*evidence.keys, "n", *pooled, evidence.metric, "95 % interval"]
    uncompared = evidence.uncompared
    rows: Rows = []
    for place, group in enumerate(evidence.groups):
        found = evidence.mean(group, evidence.metric)
        counts = [found.n, *([found.averages] if pooled else [])]
        row = [*map(cell, group.values.values()), *counts, short(found.mean), span(found.interval)]
        if compared:
            row += _against(compared.get(place), _alone(group in uncompared, place in bases), bounded)
        rows.append(row)
    if compared:
        smallest = ["smallest p"] if bounded else []
        headers += ["difference", "95 % interval", "d_z", "p", "p (Holm)", *smallest, "won", "verdict"]
    return headers, rows


def _alone(uncompared: bool, is_baseline: bool) -> str:
    return "not compared" if uncompared else "baseline" if is_baseline else ""


def _against(one: Comparison | None, alone: str, bounded: bool) -> list[Any]:
    if one is None:
        return [""] * (6 + bounded) + [alone]
    paired = one.paired
    effect = "" if math.isnan(paired.effect) else f"{paired.effect:+.2f}"
    numbers = [f"{paired.mean:+.4f}", span(paired.interval, sign="+"), effect]
    tests = [p_text(paired.test.p), p_text(one.p_holm), *([p_text(one.smallest)] if bounded else [])]
    return [*numbers, *tests, f"{paired.won}/{paired.n - paired.tied}", one.verdict]


def short(value: float) -> str:
    """Four decimals; nothing for NaN."""
    return "" if math.isnan(value) else f"{value:.4f}"


def span(interval: tuple[float, float], sign: str = "") -> str:
    """Both ends of an interval."""
    low, high = interval
    return "" if math.isnan(low) else f"{low:{sign}.4f} to {high:{sign}.4f}"


def as_csv(headers: Sequence[str], rows: Rows) -> str:
    """A table for a spreadsheet."""
    return csv_bytes([[*headers], *rows]).decode()


def as_markdown(headers: Sequence[str], rows: Rows) -> str:
    """A table for a README; bars in its cells are escaped."""
    lines = [[*headers], ["---"] * len(headers), *rows]
    return "".join("| " + " | ".join(str(one).replace("|", "\\|") for one in line) + " |\n" for line in lines)


LATEX = str.maketrans({one: f"\\{one}" for one in "&%$#_{}"} | {"~": r"\textasciitilde{}", "^": r"\textasciicircum{}"})


def as_latex(headers: Sequence[str], rows: Rows) -> str:
    """A tabular for a paper, with the rules of booktabs."""

    def line(cells: Sequence[Any]) -> str:
        return " & ".join(str(one).replace("\\", "/").translate(LATEX) for one in cells) + r" \\"

    body = [line(row) for row in rows]
    frame = rf"\begin{{tabular}}{{{'l' * len(headers)}}}"
    return "\n".join([frame, r"\toprule", line(headers), r"\midrule", *body, r"\bottomrule", r"\end{tabular}", ""])


TESTED = {
    "sign_flip": "p: exact sign-flip permutation test of the paired differences (two-sided; above 16 pairs, "
    "99,999 drawn patterns).",
    "t": "p: Student's paired t-test (two-sided), which takes the differences to be normal.",
    "wilcoxon": "p: Wilcoxon's signed-rank test (two-sided), ties left out.",
}


def notes(evidence: Evidence) -> Iterator[str]:
    """How to read the tables, a sentence or two per line."""
    records = [record for group in evidence.groups for record in group.runs]
    yield from yardsticks.beaten(records, evidence.metric)
    yield from yardsticks.told(records, evidence.metric)
    several = any(evidence.mean(group, evidence.metric).n > 1 for group in evidence.groups)
    if several:
        yield "Intervals: 95 % t intervals of the mean over runs, which take the values to be roughly normal."
    yield from caveats.of_splits(evidence, several)
    yield from caveats.of_pooled(evidence)
    if evidence.comparisons:
        yield from _of_tests(evidence)
        if evidence.margin is not None:
            yield (
                f"within {evidence.margin:g}: the interval of the difference lies inside that margin on both sides, "
                "whether or not p is below .05."
            )
        yield "'No difference shown' is not 'equal'" + (
            ": the interval says how large a difference may still be." if several else "."
        )
    yield from caveats.of_uncompared(evidence)
    chosen = evidence.chosen
    if chosen is not None:
        group = evidence.groups[chosen.best]
        val = "val." + evidence.metric.partition(".")[2]
        yield (
            f"Best on validation: {group.label} ({val} {evidence.mean(group, val).mean:.4f}), with {evidence.metric} "
            f"{evidence.mean(group, evidence.metric).mean:.4f}."
            + (
                ""
                if math.isnan(chosen.optimism)
                else f" Having been chosen for it flatters its {val} by {chosen.optimism:.4f} (bootstrap over seeds), "
                f"and {100 * chosen.stability:.0f} % of resampled seeds choose it."
            )
        )
    if evidence.ranks is not None:
        settings, datasets, ranks = evidence.ranks
        told = f"p = {p_text(ranks.p)}" if not math.isnan(ranks.p) else "no p with two settings"
        yield (
            f"Ranks of {len(settings)} settings over {len(datasets)} datasets: Friedman's test {told}; average ranks "
            f"closer than {ranks.critical_difference:.3g} have no difference shown (Nemenyi, .05)."
        )


def _of_tests(evidence: Evidence) -> Iterator[str]:
    """What the columns about differences mean, those that are there."""
    if all(math.isnan(one.p_holm) for one in evidence.comparisons):
        yield "With one pair of runs each there are no intervals and no p-values. More seeds give them."
        return
    bound = " smallest p: what it can be at best with so many pairs that are not tied."
    yield TESTED[evidence.test]
    yield f"p (Holm): adjusted for {power.family(evidence)}.{bound if power.is_bounded(evidence) else ''}"
    yield from power.of_evidence(evidence)
    yield "d_z: mean difference over its standard deviation. won: pairs in which it was better, of those not tied."
    yield f"Wilson's intervals of the share won (comparisons.csv) hold the true share in {_coverage()}."


def _coverage() -> str:
    """How often Wilson's interval holds the true share, computed from the binomial distribution."""
    told = []
    for n in (5, 10, 20):
        held = wilson_coverage(n)
        told.append(f"{100 * held.mean():.1f} % (at worst {100 * held.min():.1f} %) for n = {n}")
    return ", ".join(told)
