"""Trained runs as programs and files for other libraries: one file per format."""

from dropout_cli.export.formats import FORMATS, export_run, usage_lines

__all__ = ["FORMATS", "export_run", "usage_lines"]
