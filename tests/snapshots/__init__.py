"""Every text that a user reads, in files: help, messages, screens. `python -m tests.snapshots` writes them anew."""

from pathlib import Path

FOLDER = Path(__file__).parent


def written(place: Path) -> dict[str, str]:
    """Return the contents of all snapshots by their names, such as `help/train.txt`; commands run in `place`."""
    from tests.snapshots import help, messages, screens

    kinds = {"help": help.pages(place), "messages": messages.rooms(), "screens": screens.scenarios(place)}
    return {f"{kind}/{name}.txt": text for kind, texts in kinds.items() for name, text in texts.items()}
