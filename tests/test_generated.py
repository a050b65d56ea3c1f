"""Files that follow from the code are in step with it."""

from pathlib import Path

from dropout_cli import config
from dropout_cli.variants import VARIANTS
from tests.generated import ROOT, built_in, outdated


def test_every_generated_file_is_up_to_date() -> None:
    """The schema of configs, and a config for each variant."""
    stale = [str(path.relative_to(ROOT)) for path in outdated()]
    assert not stale, f"`python -m tests.generated` writes {', '.join(stale)}"


def test_what_is_missing_is_written_from_the_code(tmp_path: Path) -> None:
    """In an empty checkout that is the schema and a config for every variant, each of which loads as it stands."""
    missing = outdated(tmp_path)
    configs = {path: text for path, text in missing.items() if path.suffix == ".yaml"}
    assert {path.name for path in missing} - {path.name for path in configs} == {"dropout.schema.json"}
    assert {path.stem for path in configs} == set(built_in())
    (tmp_path / "configs/variants").mkdir(parents=True)
    for path, text in configs.items():
        path.write_text(text)
        loaded = config.load_config(path)
        assert loaded.notices == [] and VARIANTS.name_of(type(loaded.experiment.dropout)) == path.stem
