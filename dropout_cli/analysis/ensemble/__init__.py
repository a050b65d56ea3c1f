"""Ensembles: sampled networks of a run, all its masks, or independent runs."""
