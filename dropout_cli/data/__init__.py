"""Datasets: one file per source, and the steps from a source to a dataset for training.

A dataset in another package imports `DATASETS`, `Source` and what they need from here.
"""

from dropout_cli.data.base import DATASETS, Column, DatasetInfo, Examples, Source
from dropout_cli.data.dataset import AffineScaling, BatchReader, Dataset, Part
from dropout_cli.data.loading import DatasetLoader, load_dataset, split_and_scale

__all__ = [
    "DATASETS",
    "AffineScaling",
    "BatchReader",
    "Column",
    "Dataset",
    "DatasetInfo",
    "DatasetLoader",
    "Examples",
    "Part",
    "Source",
    "load_dataset",
    "split_and_scale",
]
