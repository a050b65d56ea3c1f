"""Text in the encodings that programs write."""

# ruff: noqa: RUF001
import io
from pathlib import Path

import pytest

from dropout_cli.core.errors import DataError, InvalidField
from dropout_cli.data import load_dataset
from dropout_cli.data.readers.encoding import detect_encoding
from dropout_cli.data.sources.table import TableSource
from tests.commands import dropout

SCRIPTS = {
    "cp1251": "город,население\nМосква,12\nКазань,5\nСамара,7\n",
    "koi8_r": "город,население\nМосква,12\nКазань,5\nВладивосток,3\n",
    "cp1253": "πόλη,πληθυσμός\nΑθήνα,12\nΘεσσαλονίκη,5\n",
    "gbk": "城市,人口\n北京,12\n上海,5\n广州,7\n深圳市,9\n",
    "big5": "城市,人口\n臺北市,12\n高雄市,5\n臺中市,9\n",
    "shift_jis": "都市,人口\n東京都,12\n大阪府,5\nサッポロ,7\nよこはま,9\n",
    "euc_kr": "도시,인구\n서울특별시,12\n부산광역시,5\n",
}
WESTERN = {
    "French": "ville,état\nOrléans,à côté\nFrançois,été\nNîmes,déjà\n" * 5,
    "German": "Straße,groß\nMünchen,schön\nKöln,süß\nGöttingen,äußerst\n" * 5,
    "a degree sign": "temperature,unit\n12,°C\n13,°C\n" * 20,
    "Nordic": "by,størrelse\nÅlesund,små\nTromsø,stør\nÆrø,liten\n" * 5,
}


def table(folder: Path, text: str, written: str, encoding: str = "auto") -> TableSource:
    """A file in that encoding; its last column is the target."""
    (folder / "t.csv").write_bytes(text.encode(written))
    return TableSource(path=str(folder / "t.csv"), encoding=encoding)


@pytest.mark.parametrize("encoding", SCRIPTS)
def test_words_of_other_scripts_are_read_and_the_guess_is_reported(tmp_path: Path, encoding: str) -> None:
    """The notice shows a word of the file, by which a reader sees whether the guess is right."""
    header, rows = SCRIPTS[encoding].split("\n", 1)
    text = f"{header}\n{rows * 20}"
    examples = table(tmp_path, text, encoding).read()
    assert examples.columns[0].name == text.split(",", 1)[0]
    (notice,) = examples.notices
    word = notice.split("'")[1]
    assert word in text and "its encoding was guessed" in notice and "set dataset.encoding" in notice


@pytest.mark.parametrize("name", WESTERN)
def test_accents_between_plain_letters_are_western(name: str) -> None:
    """As before, without a notice."""
    assert detect_encoding(io.BytesIO(WESTERN[name].encode("cp1252")), "f") == ("cp1252", "")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_marks_and_utf_8_leave_no_doubt(tmp_path: Path, encoding: str) -> None:
    """As Excel's `Unicode Text`: UTF-16 with a mark and tabs."""
    text = "größe\tпол\tkind\r\n" + "".join(f"{n}\tж\t{'ab'[n % 2]}\r\n" for n in range(40))
    examples = table(tmp_path, text, encoding).read()
    assert [column.name for column in examples.columns] == ["größe", "пол"] and not examples.notices
    assert len(load_dataset(table(tmp_path, text, encoding)).classes) == 2


def test_the_key_decides(tmp_path: Path) -> None:
    """Also where the bytes would be valid in another encoding; without a notice."""
    text = "имя,kind\n" + "".join(f"{'да' if n % 2 else 'нет'},{'ab'[n % 2]}\n" for n in range(40))
    examples = table(tmp_path, text, "cp866", encoding="cp866").read()
    assert examples.columns[0].name == "имя" and examples.columns[0].categories == ("да", "нет")
    assert not examples.notices


def test_an_encoding_that_does_not_exist_is_refused() -> None:
    """Also one of Python's codecs that is not an encoding of text."""
    for name in ("utf-9", "rot13", "base64"):
        with pytest.raises(InvalidField, match="there is no encoding"):
            TableSource(path="t.csv", encoding=name)


def test_bytes_that_do_not_fit_the_key_are_refused(tmp_path: Path) -> None:
    """They would become question marks."""
    with pytest.raises(DataError, match=r"t\.csv: is not ASCII text\. Set another dataset\.encoding"):
        table(tmp_path, "é,kind\n1,a\n2,b\n", "cp1252", encoding="ascii").read()


def test_utf_16_without_a_mark_is_named(tmp_path: Path) -> None:
    """It could be any binary file, but every second byte is null."""
    with pytest.raises(DataError, match=r"If it is UTF-16, set dataset\.encoding: utf-16-le"):
        table(tmp_path, "a,kind\n1,a\n2,b\n" * 20, "utf-16-le").read()
    text = "a,kind\n" + "1,x\n2,y\n" * 20
    assert table(tmp_path, text, "utf-16-le", encoding="utf-16-le").read().columns[0].name == "a"


def test_a_run_predicts_a_file_in_another_encoding(tmp_path: Path) -> None:
    """The key names the encoding of the training file; a file with a mark or in UTF-8 is read as that."""
    text = "город,kind\n" + "".join(f"{'Омск' if n % 2 else 'Тула'},{'ab'[n % 2]}\n" for n in range(60))
    (tmp_path / "t.csv").write_bytes(text.encode("cp1251"))
    for name, encoding in (("a.csv", "utf-8"), ("b.csv", "utf-16"), ("c.csv", "cp1251")):
        (tmp_path / name).write_bytes(text.encode(encoding))
    (tmp_path / "c.yaml").write_text(
        "dataset: {name: table, path: t.csv, encoding: windows-1251}\narchitecture: {name: mlp, hidden: [8]}\n"
        "training: {epochs: 2, batch_size: 16}\n"
    )
    assert dropout("train", "c.yaml", "--quiet", "--no-plots", cwd=tmp_path).returncode == 0
    found = [dropout("predict", "latest", name, cwd=tmp_path) for name in ("a.csv", "b.csv", "c.csv")]
    assert {done.stderr for done in found} == {""}
    assert len({done.stdout.split("\n", 1)[1] for done in found}) == 1
