"""Tables in JSON, ARFF and libsvm files."""

import io
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dropout_cli.core.errors import DataError
from dropout_cli.data.readers.dialect import make_unique
from dropout_cli.data.readers.text import find_encoding, open_text

if TYPE_CHECKING:
    from pandas import DataFrame

MAX_DENSE_BYTES = 2 << 30
"""A libsvm file whose rows would take more memory than this is refused."""
LIBSVM_TARGET = "target"
"""Name of the first number of each line, which becomes the last column."""


def read_json(path: Path) -> "DataFrame":
    """Read JSON lines, or one array of objects.

    Args:
        path: the file, gzipped or not.

    Raises:
        DataError: if it is no list of objects.
    """
    import pandas as pd

    records: list[Any] = []
    with open_text(path, find_encoding(path).name) as file:
        text = file.read()
    try:
        # An array may be spread over many lines, and lines may follow each other without commas.
        whole = json.loads(text) if text.lstrip().startswith("[") else None
        if whole is not None:
            records = whole
        else:
            for number, line in enumerate(text.splitlines(), 1):
                if line.strip():
                    records.append(_json_object(line, path, number))
    except (ValueError, RecursionError) as error:
        raise DataError(str(path), f"is not valid JSON ({str(error)[:80]})", "Correct it") from None
    if not records:
        raise DataError(str(path), "is empty", "Give a file with rows")
    if not all(isinstance(record, dict) for record in records):
        raise DataError(str(path), "is not a list of JSON objects", "Give one object with all columns per row")
    # As objects, so that every column is read by the rules for cells.
    frame = pd.DataFrame(records, dtype=object)
    frame.columns = make_unique(str(name).strip() for name in frame.columns)
    return frame.infer_objects()


def _json_object(line: str, path: Path, number: int) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError) as error:
        reason = str(error).split(":")[0]
        if number == 1 and line.strip() == "{":
            fact = "is one JSON object over several lines"
            raise DataError(str(path), fact, "Give an array of objects, or one object per line") from None
        raise DataError(f"{path}, line {number}", f"is not valid JSON ({reason})", "Correct it") from None


def read_arff(path: Path) -> "DataFrame":
    """Read a file in Weka's format.

    Args:
        path: the file, gzipped or not.

    Raises:
        DataError: if SciPy cannot read it.
    """
    import pandas as pd
    from scipy.io import arff

    with open_text(path, find_encoding(path).name) as file:
        text = file.read()
    try:
        data, _ = arff.loadarff(io.StringIO(text))
    except Exception as error:  # SciPy raises several kinds for damaged files
        reason = " ".join(str(error).split())[:120]
        raise DataError(str(path), f"cannot be read as ARFF ({reason})", "Export it as CSV") from None
    if not len(data):
        raise DataError(str(path), "has no rows", "Give a file with rows")
    columns = {
        name: [cell.decode("utf-8", "replace") for cell in data[name]] if data[name].dtype.kind == "S" else data[name]
        for name in data.dtype.names
    }
    return pd.DataFrame(columns)


def read_libsvm(path: Path) -> "DataFrame":
    """Read lines such as `1 3:0.5 7:1`: a target, then values of the columns that are not 0.

    Args:
        path: the file, gzipped or not.

    Raises:
        DataError: if scikit-learn cannot read it, or its rows belong to queries.
    """
    import pandas as pd
    from sklearn.datasets import load_svmlight_file

    with open_text(path, find_encoding(path).name) as file:
        text = file.read()
    if " qid:" in text[:100_000]:
        raise DataError(str(path), "has queries (qid), which are for ranking", "Remove them, or rank with another tool")
    try:
        sparse, target = load_svmlight_file(io.BytesIO(text.encode()), dtype=np.float64)
    except (ValueError, OverflowError) as error:
        raise DataError(str(path), f"cannot be read as libsvm ({str(error)[:120]})", "Export it as CSV") from None
    if sparse.shape[0] * sparse.shape[1] * 8 > MAX_DENSE_BYTES:
        size = f"{sparse.shape[0]:,} rows of {sparse.shape[1]:,} columns"
        raise DataError(str(path), f"has {size}, and more than 2 GiB do not fit", "Choose some of its columns")
    frame = pd.DataFrame(sparse.toarray(), columns=[f"x{place}" for place in range(sparse.shape[1])])
    frame[LIBSVM_TARGET] = target
    return frame
