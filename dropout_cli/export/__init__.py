"""Trained runs as programs and files for other libraries."""

from dropout_cli.export.formats import FORMATS, export_run, export_sweep, usage_lines

__all__ = ["FORMATS", "export_run", "export_sweep", "usage_lines"]
