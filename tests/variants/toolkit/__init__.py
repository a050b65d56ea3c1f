"""Tests of `variants/toolkit/`."""
