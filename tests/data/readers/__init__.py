"""Tests of `data/readers/`."""
