"""Tests of `analysis/`."""
