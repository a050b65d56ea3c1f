"""Datasets: one file per source, and the steps from a source to a dataset for training."""

from dropout_cli.data.base import DATASETS, Examples, Source
from dropout_cli.data.dataset import Affine, Batches, Dataset, Part
from dropout_cli.data.loading import Loader, arranged, load

__all__ = ["DATASETS", "Affine", "Batches", "Dataset", "Examples", "Loader", "Part", "Source", "arranged", "load"]
