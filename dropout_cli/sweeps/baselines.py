"""The baseline of each setting: the setting that it is compared with."""

from collections.abc import Sequence
from typing import Any

from dropout_cli.core.errors import UsageError
from dropout_cli.statistics.comparison_rules import RULES_LATEST, RULES_V1
from dropout_cli.sweeps.records import Values, setting_label

VARIANT, RATE = "dropout.variant", "dropout.rate"


def default_baseline(groups: Sequence[Values]) -> Values:
    """Return the default baseline: no dropout, else rate 0, else the first group."""
    for key, value in ((VARIANT, "none"), (RATE, 0)):
        if any(group.get(key) == value and group.get(key) is not None for group in groups):
            return {key: value}
    return groups[0]


def baseline_text(wanted: Values) -> str:
    """Return the baseline as on the command line, such as `dropout.variant=none`."""
    return ", ".join(f"{key}={'null' if value is None else value}" for key, value in wanted.items())


def find_baselines(
    groups: Sequence[Values], keys: Sequence[str], wanted: Values | None, rules: int = RULES_LATEST
) -> list[int | None]:
    """Return the index of each group's baseline; None for a group without one.

    The baseline of a group has the values of `wanted`, and agrees with the group in all other keys that it has. If
    there is no such group, a single one that agrees in the keys that both have is taken (except by the first rules).

    Args:
        groups: The values of each group.
        keys: The keys that tell groups apart.
        wanted: Key -> value of the baseline; None: the default one.
        rules: The version of the rules, see `statistics.comparison_rules`.

    Raises:
        UsageError: No group has the values of `wanted`, or several are possible for one group.
    """
    if not groups:
        return []
    wanted = default_baseline(groups) if wanted is None else wanted
    unknown = sorted(set(wanted) - set(keys))
    matching = [
        index for index, group in enumerate(groups) if all(equal_values(group.get(k), wanted[k]) for k in wanted)
    ]
    if unknown or not matching:
        known = "; ".join(setting_label(group) for group in groups[:6])
        raise UsageError("baseline", f"no setting has {baseline_text(wanted)}", f"The settings are: {known}.")
    others = [key for key in keys if key not in wanted]
    bases: list[int | None] = []
    for group in groups:
        # A key that the baseline lacks is no difference: a run without dropout has no rate.
        like = [index for index in matching if all(groups[index][k] in (None, group[k]) for k in others)]
        if len(like) > 1:
            names = "; ".join(setting_label(groups[index]) for index in like[:4])
            raise UsageError(
                "baseline",
                f"{baseline_text(wanted)} fits {len(like)} settings for {setting_label(group)} ({names})",
                "Give more keys.",
            )
        if not like and rules > RULES_V1:
            loosely = [
                i for i in matching if all(groups[i][k] is None or group[k] in (None, groups[i][k]) for k in others)
            ]
            like = loosely if len(loosely) == 1 else []
        bases.append(like[0] if like else None)
    return bases


def equal_values(value: Any, wanted: Any) -> bool:
    """Return True for equal values; True is not equal to 1 here."""
    return (type(value) is not bool and value == wanted) or value is wanted
