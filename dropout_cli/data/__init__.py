"""Data: one file per source, and the line from a source to a dataset that can be trained on."""

from dropout_cli.data.dataset import Affine, Batches, Dataset, Part
from dropout_cli.data.loading import arranged, load
from dropout_cli.data.source import DATASETS, Examples, Source

__all__ = ["DATASETS", "Affine", "Batches", "Dataset", "Examples", "Part", "Source", "arranged", "load"]
