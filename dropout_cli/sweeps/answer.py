"""The first sentences of a sweep's answer: about the setting that validation chose, not the best of many test numbers.

Of many settings, the one that looks best on the test part looks better than it is. The setting that validation chose
was chosen without the test part, so that its test numbers are honest.
"""

import math
from collections import Counter
from collections.abc import Iterator

from dropout_cli.sweeps import yardsticks
from dropout_cli.sweeps.comparison import BETTER, NOT_DECIDED, WORSE
from dropout_cli.sweeps.evidence import Evidence
from dropout_cli.sweeps.in_words import count, named, sentence, short, span, speaks_of
from dropout_cli.sweeps.layouts import arrange
from dropout_cli.sweeps.records import Group


def answer(evidence: Evidence) -> str:
    """Return the answer in a few sentences; first of all, which settings do not beat the dummy."""
    return " ".join([*yardsticks.beaten(evidence.records, evidence.metric), *_sentences(evidence)])


def _sentences(evidence: Evidence) -> Iterator[str]:
    if not evidence.groups:
        return
    if len(evidence.groups) == 1:
        yield _of_one(evidence, evidence.groups[0])
        return
    chosen = evidence.chosen
    if chosen is not None:
        group = evidence.groups[chosen.best]
        told = f"Validation chose {group.label}: its {evidence.metric} is {_mean(evidence, group)}"
        one = evidence.of(chosen.best)
        if one is not None:
            yield f"{told}; {sentence(evidence, one)}."
        elif any(other.baseline == chosen.best for other in evidence.main):
            yield f"{told}, and it is the baseline."
        else:
            yield f"{told}."
    yield from _counts(evidence)


def _of_one(evidence: Evidence, group: Group) -> str:
    found = evidence.mean(group, evidence.metric)
    if not found.n:
        return f"No run has {evidence.metric}."
    runs = f"over {count(found.n, 'run')}" if found.n > 1 else "in one run"
    told = f"{evidence.metric} is {short(found.mean)} {'on average ' * (found.n > 1)}{runs}"
    if not math.isnan(found.interval.low):
        layout = arrange(group.by_replicate(evidence.metric), group.folds)
        covers = speaks_of(layout, group, fixed=group.shares_test_part(layout.replicates))
        new = f"; for new data {span(found.new_data)}" if not math.isnan(found.new_data.low) else ""
        return f"{told} (95 % interval {span(found.interval)}, which covers {covers}{new})."
    if not math.isnan(found.new_data.low):
        return f"{told} (95 % interval {span(found.new_data)} for new examples, this network)."
    return f"{told}."


def _mean(evidence: Evidence, group: Group) -> str:
    found = evidence.mean(group, evidence.metric)
    interval = f" (95 % interval {span(found.interval)})" if not math.isnan(found.interval.low) else ""
    return f"{short(found.mean)}{interval}"


def _counts(evidence: Evidence) -> Iterator[str]:
    """How the verdicts are distributed, and which settings are better."""
    if not evidence.main:
        yield "No setting is compared with a baseline."
        return
    verdicts = Counter(one.verdict for one in evidence.main)
    bases = {one.baseline for one in evidence.main}
    base = evidence.groups[bases.pop()].label if len(bases) == 1 else "each has its own"
    order = [BETTER, WORSE, *sorted(one for one in verdicts if one.startswith("equal")), NOT_DECIDED]
    parts = [f"{verdicts[one]} {one}" for one in order if verdicts[one]]
    if len(evidence.main) == 1:
        if evidence.chosen is None or evidence.of(evidence.chosen.best) is None:
            one = evidence.main[0]
            yield f"Of {evidence.groups[one.group].label}: {sentence(evidence, one)}."
        return
    better = [evidence.groups[one.group] for one in evidence.main if one.verdict == BETTER]
    told = f" Better: {named(better)}." if better else ""
    yield f"{len(evidence.main)} settings were compared with the baseline ({base}): {', '.join(parts)}.{told}"
