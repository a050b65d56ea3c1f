"""Ensembles: the networks that dropout samples from one run, all its masks, or runs trained independently."""
