"""Tests of the calibration of classifiers."""
