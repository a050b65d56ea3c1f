"""The NumPy engine: layers, losses, optimizers and schedules."""
