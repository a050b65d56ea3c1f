"""Tests of `variants/`."""
