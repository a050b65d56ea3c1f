"""Write the files that follow from the code: `python -m tests.generated`.

configs/dropout.schema.json    the keys of a config, for editors; variants of other packages are not in it
configs/variants/NAME.yaml     a config for each variant that has none; one that is there is left as it is
"""

import json
import sys
from pathlib import Path

from dropout_cli import config
from dropout_cli.variants import VARIANTS

ROOT = Path(__file__).parents[1]
HEADER = "# yaml-language-server: $schema=../dropout.schema.json\n"


def built_in() -> list[str]:
    """Return the names of the variants that are not of other packages."""
    return [name for name, cls in VARIANTS if cls.__module__.startswith("dropout_cli.")]


def outdated(root: Path = ROOT) -> dict[Path, str]:
    """Return the text of each file below `root` that is missing or has another text, by its path."""
    schema = root / "configs/dropout.schema.json"
    found = {schema: json.dumps(config.json_schema(plugins=False), indent=2) + "\n"}
    for name in built_in():
        path = root / f"configs/variants/{name}.yaml"
        if not path.exists():
            found[path] = HEADER + config.example_config(name)
    return {path: text for path, text in found.items() if not path.exists() or path.read_text("utf-8") != text}


def main() -> None:
    """Write what is outdated, and print its paths."""
    for path, text in outdated().items():
        path.write_text(text, "utf-8", newline="\n")
        sys.stdout.write(f"{path.relative_to(ROOT)}\n")


if __name__ == "__main__":
    main()
