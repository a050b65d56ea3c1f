"""The choice of the group that the others are compared with."""

from collections.abc import Sequence
from typing import Any

from dropout_cli.core.errors import UsageError
from dropout_cli.statistics.rules import FIRST, LATEST
from dropout_cli.sweeps.records import Values, setting_label

VARIANT, RATE = "dropout.variant", "dropout.rate"


def default_baseline(groups: Sequence[Values]) -> Values:
    """Return no dropout where a group has that, else rate 0, else the first group."""
    for key, value in ((VARIANT, "none"), (RATE, 0)):
        if any(group.get(key) == value and group.get(key) is not None for group in groups):
            return {key: value}
    return groups[0]


def baseline_text(wanted: Values) -> str:
    """Return the baseline as it is written on the command line."""
    return ", ".join(f"{key}={'null' if value is None else value}" for key, value in wanted.items())


def find_baselines(
    groups: Sequence[Values], keys: Sequence[str], wanted: Values | None, rules: int = LATEST
) -> list[int | None]:
    """Return for each group the place of its baseline: the group that is as `wanted` and has the same other keys.

    Keys that the baseline lacks are not held against it; where that leaves none, nor are keys that the group lacks
    (not by the first rules), if a single baseline is left then. None where there is none for the group. Raises
    UsageError where no group is as wanted, or several are and nothing tells which one is meant.
    """
    if not groups:
        return []
    wanted = default_baseline(groups) if wanted is None else wanted
    unknown = sorted(set(wanted) - set(keys))
    matching = [place for place, group in enumerate(groups) if all(_same(group.get(k), wanted[k]) for k in wanted)]
    if unknown or not matching:
        known = "; ".join(setting_label(group) for group in groups[:6])
        raise UsageError("baseline", f"no group has {baseline_text(wanted)}", f"The groups are: {known}.")
    others = [key for key in keys if key not in wanted]
    found: list[int | None] = []
    for group in groups:
        like = [place for place in matching if all(groups[place][k] in (None, group[k]) for k in others)]
        if len(like) > 1:
            names = "; ".join(setting_label(groups[place]) for place in like[:4])
            raise UsageError(
                "baseline",
                f"{baseline_text(wanted)} means {len(like)} groups for {setting_label(group)} ({names})",
                "Give more keys.",
            )
        if not like and rules > FIRST:
            loosely = [
                p for p in matching if all(groups[p][k] is None or group[k] in (None, groups[p][k]) for k in others)
            ]
            like = loosely if len(loosely) == 1 else []
        found.append(like[0] if like else None)
    return found


def _same(found: Any, wanted: Any) -> bool:
    return (type(found) is not bool and found == wanted) or found is wanted
