"""Readers: one file per file format, and the parsing that they share."""
