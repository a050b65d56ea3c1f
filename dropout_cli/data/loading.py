"""The steps from a source to a dataset: read, check, split, fit the preprocessing."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import replace
from typing import cast

import numpy as np

from dropout_cli.core.errors import DataError
from dropout_cli.core.types import Array
from dropout_cli.data.base import Column, Examples, Source
from dropout_cli.data.dataset import Dataset, Part, RegressionTargets
from dropout_cli.data.example_weights import training_weights
from dropout_cli.data.image_copies import copies_in_parts
from dropout_cli.data.missing_and_categories import UNKNOWN_CATEGORY, TableEncoding, fit_encoding
from dropout_cli.data.preprocessing import Preprocessing
from dropout_cli.data.readers.file_rows import FileRows
from dropout_cli.data.readers.images import DEPTH_FACTOR
from dropout_cli.data.readers.spellings import normal_form
from dropout_cli.data.scaling import fit_scaling
from dropout_cli.data.sparse_rows import SparseRows
from dropout_cli.data.splits import SplitRows, split_rows


def load_dataset(source: Source, preprocessing: Preprocessing | None = None) -> Dataset:
    """Read a source, check its fingerprint, split it and fit encoding and scaling.

    Args:
        source: the dataset's config.
        preprocessing: preprocessing of an earlier run, used instead of fitting; the data must match it.

    Raises:
        DataError: if data are missing, damaged or changed, do not match `preprocessing`, or cannot be split.
    """
    examples = source.read() if preprocessing is None else source.read_for_classes(preprocessing.classes)
    return split_and_scale(source, examples, preprocessing)


def split_and_scale(
    source: Source,
    examples: Examples,
    preprocessing: Preprocessing | None = None,
    *,
    known_fingerprint: str | None = None,
) -> Dataset:
    """Split examples that were read before, and fit encoding and scaling.

    Args:
        source: the dataset's config.
        examples: the result of `source.read()`.
        preprocessing: preprocessing of an earlier run, used instead of fitting; the data must match it.
        known_fingerprint: the fingerprint of `examples`, if it was computed before.

    Raises:
        DataError: if data have changed, do not match `preprocessing`, or cannot be split.
    """
    examples, fingerprint = _check_fingerprint(source, examples, known_fingerprint)
    if preprocessing is not None:
        if preprocessing.scaling.offset is None and _is_float64(examples):
            # The network was trained on values that were rounded to float32 first.
            examples = replace(examples, x=examples.x.astype(np.float32))
        examples = _match_preprocessing(examples, preprocessing)
    # Preprocessing is fitted after the split, on the train part alone: nothing leaks from val and test.
    rows = split_rows(examples, source)
    encoding = preprocessing.encoding if preprocessing else None
    if examples.needs_encoding and encoding is None:
        encoding = fit_encoding(examples.x[rows.train], examples.columns, source.encoding_options())
    train = replace(_make_part(examples, rows.train, encoding), weights=training_weights(examples.weights, rows.train))
    scaled = encoding.is_numeric if encoding else None
    return Dataset(
        name=source.dataset_name(),
        train=train,
        val=None if rows.val is None else _make_part(examples, rows.val, encoding),
        test=_make_part(examples, rows.test, encoding),
        classes=examples.classes,
        scaling=preprocessing.scaling if preprocessing else fit_scaling(train.x, source.scaling, scaled),
        fingerprint=fingerprint,
        columns=examples.columns,
        encoding=encoding,
        targets=_fit_targets(examples, train, preprocessing),
        notices=(*examples.notices, *_copies(examples, rows)),
        varying_parts=source.varying_parts(examples),
        pixel_bits=examples.pixel_bits,
    )


def _check_fingerprint(source: Source, examples: Examples, known: str | None) -> tuple[Examples, str]:
    """Return the examples and their fingerprint, as older versions read them if the config expects that.

    Raises:
        DataError: if the config expects other data.
    """
    actual = known or compute_fingerprint(examples)
    if source.fingerprint in (None, actual) or source.fingerprint == _former_fingerprint(examples):
        return examples, actual
    former = source.read_former()
    if former is not None and compute_fingerprint(former) == source.fingerprint:
        return former, source.fingerprint
    expected = f"the fingerprint is {actual[:12]}, and the config expects {source.fingerprint[:12]}"
    fact = f"the data have changed: {expected}"
    way_out = "Restore the data; to train on these, set dataset.fingerprint=null; to evaluate, add --allow-changed-data"
    raise DataError("dataset.fingerprint", fact, way_out)


def _copies(examples: Examples, rows: SplitRows) -> Iterable[str]:
    """Return notices about images that are in more than one part."""
    if examples.images is None:
        return ()
    return copies_in_parts(examples.images, list(zip(("train", "val", "test"), rows, strict=True)))


class DatasetLoader:
    """Loads sources in turn; those that differ only in `split_seed` and `fold` are read once."""

    def __init__(self) -> None:
        """Start without any data."""
        self._last: tuple[Source, Examples, str] | None = None

    def load(self, source: Source) -> Dataset:
        """Return the dataset of a source, as `load_dataset` does.

        Args:
            source: the dataset's config.

        Raises:
            DataError: if data are missing, damaged or changed, or cannot be split.
        """
        # These two keys do not change what `read` returns.
        undivided = replace(source, split_seed=0, fold=0)
        if self._last is not None and self._last[0] == undivided:
            return split_and_scale(source, self._last[1], known_fingerprint=self._last[2])
        self._last = None  # frees the previous dataset first: two are never in memory at once
        examples, fingerprint = _check_fingerprint(source, source.read(), None)
        dataset = split_and_scale(source, examples, known_fingerprint=fingerprint)
        self._last = undivided, examples, fingerprint
        return dataset


def compute_fingerprint(examples: Examples) -> str:
    """Return the SHA-256, in hex, over shapes, dtypes and bytes of examples, labels and weights.

    Bytes are little-endian, so the result is the same on every machine.
    """
    digest = hashlib.sha256()
    # intp has another size on 32-bit machines.
    labels = examples.labels if examples.target_names else examples.labels.astype(np.int64, copy=False)
    if examples.digest is not None:
        digest.update(examples.digest.encode())
    for array in (labels,) if isinstance(examples.x, FileRows) else (examples.x, labels):
        little_endian = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
        digest.update(f"{little_endian.shape} {little_endian.dtype.str}\n".encode())
        digest.update(little_endian.reshape(-1).view(np.uint8).data)
    if examples.needs_encoding:  # the codes of categories mean nothing without their names
        columns = [[column.name, column.categories] for column in examples.columns]
        meaning = [examples.classes, examples.target_names, columns]
        digest.update(json.dumps(meaning).encode())
    for optional in (examples.assigned_parts, examples.groups):
        if optional is not None:
            digest.update(optional.astype(np.int64).tobytes())
    if examples.weights is not None:
        digest.update(b"weights\n" + examples.weights.astype("<f8").tobytes())
    return digest.hexdigest()


def _former_fingerprint(examples: Examples) -> str | None:
    """Return the fingerprint that older versions stored for data with float64 features.

    None for other data, whose fingerprint is the same.
    """
    return compute_fingerprint(replace(examples, x=examples.x.astype(np.float32))) if _is_float64(examples) else None


def _is_float64(examples: Examples) -> bool:
    """Return True if examples in memory have a feature that needs float64."""
    return isinstance(examples.x, np.ndarray) and examples.x.dtype == np.float64


def _match_preprocessing(examples: Examples, fitted: Preprocessing) -> Examples:
    """Return the examples with the labels and columns of a trained network.

    Raises:
        DataError: if columns, targets or classes do not match.
    """
    names = tuple(column.name for column in fitted.columns)
    form = normal_form if fitted.encoding is not None and fitted.encoding.merges_spellings else str
    if examples.needs_encoding and names != tuple(column.name for column in examples.columns):
        raise DataError(
            "dataset", f"its columns differ from those of the training ({', '.join(names[:10])})", "Restore the columns"
        )
    if examples.images is not None and examples.pixel_bits != fitted.pixel_bits:
        examples = convert_pixel_bits(examples, fitted.pixel_bits)
    if bool(examples.target_names) != (fitted.targets is not None):
        raise DataError("dataset", "its targets have another type than in training", "Restore the target column")
    x, labels = examples.x, examples.labels
    if not examples.target_names:
        places = {form(name): index for index, name in enumerate(fitted.classes)}
        unknown = [name for name in examples.classes if form(name) not in places]
        if unknown:
            fact = f"has the class '{unknown[0]}', which did not occur in training"
            raise DataError("dataset", fact, "Remove its rows, or train again")
        # The same class may have another number here, if classes are missing.
        labels = np.array([places[form(name)] for name in examples.classes], np.intp)[labels]
    if fitted.encoding is not None:
        x = recode_categories(x, examples.columns, fitted)
    return replace(examples, x=x, labels=labels, classes=fitted.classes, columns=fitted.columns)


def recode_categories(x: Array, columns: tuple[Column, ...], fitted: Preprocessing) -> Array:
    """Return table rows with the codes that the categories had in training.

    Args:
        x: (N, columns); NaN marks a missing value.
        columns: The columns of the rows, in the order of the training.
        fitted: The preprocessing of the training, which has an encoding.

    Raises:
        DataError: if a column has another type.
    """
    form = normal_form if fitted.encoding is not None and fitted.encoding.merges_spellings else str
    x = x.copy()
    for index, (column, known_column) in enumerate(zip(columns, fitted.columns, strict=True)):
        if (column.categories is None) != (known_column.categories is None):
            raise DataError("dataset", f"column '{column.name}' has another type than in training", "Correct it")
        if column.categories is not None and known_column.categories is not None:
            codes = {form(word): float(code) for code, word in enumerate(known_column.categories)}
            table = np.array([codes.get(form(word), UNKNOWN_CATEGORY) for word in column.categories], np.float32)
            # Missing values stay NaN; they have no code.
            present = ~np.isnan(x[:, index])
            x[present, index] = table[x[present, index].astype(np.intp)]
    return x


def convert_pixel_bits(examples: Examples, bits: int) -> Examples:
    """Return images with the range of the images in training.

    Args:
        examples: Images from files.
        bits: Range of the images in training: 8, 16 or 32.

    Raises:
        DataError: if one of them has floating-point pixels.
    """
    if 32 in (bits, examples.pixel_bits):
        raise DataError("dataset", "only some images have floating-point pixels", "Convert them as for the training")
    x = examples.x.astype(np.float32) * DEPTH_FACTOR if bits == 16 else (examples.x // 256).astype(np.uint8)
    return replace(examples, x=x, pixel_bits=bits)


def _fit_targets(examples: Examples, train: Part, fitted: Preprocessing | None) -> RegressionTargets | None:
    """Return the targets with their mean and standard deviation on the train part."""
    if not examples.target_names or fitted is not None:
        return fitted.targets if fitted else None
    sd = train.labels.std(axis=0)
    # A constant target would be divided by 0.
    return RegressionTargets(examples.target_names, train.labels.mean(axis=0), np.where(sd > 0, sd, 1.0))


def _make_part(examples: Examples, rows: Array, encoding: TableEncoding | None) -> Part:
    labels, numbers = examples.labels[rows], rows if examples.rows is None else examples.rows[rows]
    if isinstance(examples.x, FileRows | SparseRows):
        return Part(cast("Array", examples.x.subset(rows)), _read_only(labels), _read_only(numbers))
    x = examples.x[rows]
    values = np.ascontiguousarray(encoding.apply(x) if encoding else x)
    return Part(_read_only(values), _read_only(labels), _read_only(numbers))


def _read_only(array: Array) -> Array:
    """Return the array, made read-only."""
    array.setflags(write=False)
    return array
