"""Tests of `plots/`."""
