"""Tests of `architectures/`."""
