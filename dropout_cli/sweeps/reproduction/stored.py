"""The files by which a sweep folder is a reproduction: the paper's file, and the runs of its rows."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dropout_cli.core.errors import ConfigError, NewerFormat, UsageError
from dropout_cli.runs import FORMAT, json_bytes
from dropout_cli.runs.safe_read import parse_json_file
from dropout_cli.sweeps.folder import SweepFolder
from dropout_cli.sweeps.replicates import Replicate
from dropout_cli.sweeps.reproduction.design import Chosen
from dropout_cli.sweeps.reproduction.load import Reproduction, load_reproduction

PAPER_FILE, ROWS_FILE = "reproduction.yaml", "reproduction.json"
"""The stored reproduction file, and the runs of its rows."""
AGAIN = "Delete it, and run the same `dropout reproduce` command again."


@dataclass(frozen=True)
class StoredReproduction:
    """What a folder keeps about its reproduction."""

    name: str
    scale: str
    seeds: int
    runs: Mapping[str, Sequence[str]]
    """Row -> the ids of its runs."""
    chosen: Mapping[str, Sequence[Chosen]]

    def to_bytes(self) -> bytes:
        """Return the content of the file."""
        chosen = {
            row: [
                {
                    "values": dict(one.values),
                    "score": one.score,
                    "replicate": None if one.replicate is None else list(one.replicate),
                }
                for one in its
            ]
            for row, its in self.chosen.items()
        }
        content = {"format": FORMAT, "name": self.name, "scale": self.scale, "seeds": self.seeds}
        return json_bytes(content | {"rows": {row: list(ids) for row, ids in self.runs.items()}, "chosen": chosen})


def is_reproduction(folder: SweepFolder) -> bool:
    """Return True if the sweep in a folder is a reproduction."""
    return folder.has(ROWS_FILE) and folder.has(PAPER_FILE)


def read_reproduction(folder: SweepFolder) -> tuple[Reproduction, StoredReproduction]:
    """Return the file of a reproduction and the runs of its rows.

    Raises:
        UsageError: A file is damaged.
    """
    place = str(folder.path / ROWS_FILE)
    try:
        stored = _parse(parse_json_file(folder.read(ROWS_FILE), place, FORMAT))
    except NewerFormat:
        raise
    except UsageError as error:
        raise UsageError(place, error.problems[0].fact, AGAIN) from None
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise UsageError(place, f"is damaged ({type(error).__name__})", AGAIN) from None
    # The base is not needed any more: the runs have their own configs.
    path = Path(folder.path / f"{stored.name}.yaml")
    try:
        reproduction = load_reproduction(path, folder.read(PAPER_FILE), base=path)
    except ConfigError as error:
        problem = error.problems[0]
        where = problem.place.removeprefix(str(path))
        raise UsageError(f"{folder.path / PAPER_FILE}{where}", problem.fact, AGAIN) from None
    if stored.scale not in reproduction.scales or not {*stored.runs} <= {*reproduction.rows}:
        raise UsageError(place, f"does not fit {PAPER_FILE}", AGAIN)
    return reproduction, stored


def _parse(content: Mapping[str, Any]) -> StoredReproduction:
    chosen = {
        str(row): [
            Chosen(
                values=dict(one["values"]),
                score=float(one["score"]),
                replicate=None if one["replicate"] is None else Replicate(*map(int, one["replicate"])),
            )
            for one in its
        ]
        for row, its in content["chosen"].items()
    }
    runs = {str(row): [str(one) for one in ids] for row, ids in content["rows"].items()}
    json.dumps(runs)
    return StoredReproduction(str(content["name"]), str(content["scale"]), int(content["seeds"]), runs, chosen)
