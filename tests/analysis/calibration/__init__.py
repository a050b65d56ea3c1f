"""Tests of `analysis/calibration/`."""
