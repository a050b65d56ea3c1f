"""Every text that a user reads stands in `tests/snapshots/`, and keeps the rules of plain English."""

import re
from collections.abc import Iterator

import pytest

from tests.snapshots import FOLDER, written
from tests.snapshots.masks import NEGATIVE_ZERO

BANNED = ("law", "told", "weigh", "endowed", "lesson", "legacy", "heeding", "lent", "errand", "parcels?", "misfits?")
NOUNS = (
    "runs|combinations|seeds|settings|splits|classes|examples|epochs|rows|columns|trials|files|folds|checks|networks"
)
MOST_WORDS = 40

pytestmark = pytest.mark.filterwarnings("default")  # a diverging run warns


@pytest.fixture(scope="module")
def now(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """All snapshots, as the code makes them now."""
    return written(tmp_path_factory.mktemp("snapshots"))


def stored() -> dict[str, str]:
    """Return all snapshots, as they stand in the folder."""
    return {path.relative_to(FOLDER).as_posix(): path.read_text("utf-8") for path in sorted(FOLDER.glob("*/*.txt"))}


def lines(*kinds: str) -> Iterator[tuple[str, str]]:
    """Yield (place, line) of the stored snapshots of some kinds."""
    for name, text in stored().items():
        if name.split("/")[0] in kinds:
            for number, line in enumerate(text.splitlines(), start=1):
                if not line.startswith(("# ", "$ ", "--- ")):
                    yield f"tests/snapshots/{name}:{number}", line


def messages(*kinds: str) -> Iterator[tuple[str, str]]:
    """Yield (place, text) of the messages of some kinds: line, part, text, label, doc."""
    for place, line in lines("messages"):
        kind, _, text = line.partition(" ")
        if kind in kinds:
            yield place, text.strip()


def red(found: Iterator[str]) -> str:
    """Return what breaks a rule, a line each; nothing if nothing does."""
    return "\n".join(found)


def test_the_snapshots_are_what_users_read(now: dict[str, str]) -> None:
    """Help, messages and screens are those that a person read; `python -m tests.snapshots` writes them anew."""
    kept = stored()
    changed = [name for name in sorted({*now, *kept}) if now.get(name) != kept.get(name)]
    assert not changed, f"read what changed and run `python -m tests.snapshots`: {', '.join(changed)}"


def test_a_run_of_a_sweep_is_called_run() -> None:
    """A cell is a cell of a table; in a sweep, users read of runs."""
    kept = stored()
    sweeps = {name for name in kept if name in ("messages/sweeps.txt", "help/sweep.txt", "help/show.txt")}
    sweeps |= {name for name in kept if name.startswith("screens/") and "data" not in name and "config" not in name}
    texts = (
        (place, line) for place, line in lines("help", "messages", "screens") if place[16:].split(":")[0] in sweeps
    )
    bare = ((place, line, re.sub(r"\{[^}]*\}|\S*cells/\S*", "", line)) for place, line in texts)
    assert not red(f"{place}: {line}" for place, line, text in bare if re.search(r"\bcells?\b", text))


def test_nouns_agree_with_their_numbers() -> None:
    """Nobody reads `1 runs`, nor `run(s)`."""
    wrong = re.compile(rf"(?<![\d.,#/])\b1 (\w+ )?({NOUNS})\b|\w\(s\)")
    found = (f"{place}: {line}" for place, line in lines("help", "messages", "screens") if wrong.search(line))
    assert not red(found)


def test_no_number_is_a_negative_zero() -> None:
    """Nobody reads `-0.0000`, which is the only number with a point that is never masked."""
    wrong = re.compile(rf"(?<![\w.]){NEGATIVE_ZERO}")
    assert not red(f"{place}: {line}" for place, line in lines("help", "messages", "screens") if wrong.search(line))


def test_no_description_begins_with_what() -> None:
    """A docstring that users see says what something is, not `What ...`."""
    found = [*messages("doc"), *((place, line.strip()) for place, line in lines("help"))]
    assert not red(f"{place}: {text}" for place, text in found if re.match(r"What\b", text))


def test_no_private_words() -> None:
    """Help and messages use words that an engineer would type into a search."""
    word = re.compile(rf"\b({'|'.join(BANNED)})\b", re.IGNORECASE)
    texts = ((place, line, re.sub(r"\{[^}]*\}", "", line)) for place, line in lines("help", "messages"))
    assert not red(f"{place}: {line}" for place, line, bare in texts if word.search(bare))


def test_messages_end_as_sentences() -> None:
    """A message, and the description of a key, ends with `.`, `?`, `!` or `:`."""
    found = (
        f"{place}: {text}" for place, text in messages("line", "doc") if not text.endswith((".", "?", "!", ":", ".)"))
    )
    assert not red(found)


def test_no_sentence_is_longer_than_a_reader_can_hold() -> None:
    """Forty words, at most, between two stops; a placeholder is one word."""
    texts = ((place, re.sub(r"\{[^}]*\}", "x", text)) for place, text in messages("line", "part", "text", "doc"))
    parts = ((place, part) for place, text in texts for part in re.split(r"[.?!:;](?:\s|$)", text))
    assert not red(f"{place}: {part}" for place, part in parts if len(part.split()) > MOST_WORDS)
