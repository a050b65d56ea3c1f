"""Sweeps that go on until each setting is decided: planned looks, their levels, and how far a sweep is."""
