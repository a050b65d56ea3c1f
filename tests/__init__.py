"""Tests of the package; run them with pytest."""
