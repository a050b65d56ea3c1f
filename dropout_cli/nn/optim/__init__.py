"""Optimizers, learning-rate schedules and the update of the parameters."""
