"""Write all snapshots anew: `python -m tests.snapshots`."""

import tempfile
from pathlib import Path

from tests.snapshots import FOLDER, written

if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        texts = written(Path(place))
    for old in set(FOLDER.glob("*/*.txt")) - {FOLDER / name for name in texts}:
        old.unlink()
    for name, text in texts.items():
        (FOLDER / name).parent.mkdir(exist_ok=True)
        (FOLDER / name).write_text(text, "utf-8")
