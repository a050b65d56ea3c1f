"""Sweeps that end by themselves: planned looks, their levels, and progress."""
