"""Tests of `nn/`."""
