"""Tests of `statistics/`."""
