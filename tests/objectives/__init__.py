"""Tests of `objectives/`."""
