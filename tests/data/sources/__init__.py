"""Tests of `data/sources/`."""
