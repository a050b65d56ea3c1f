"""The NumPy engine: layers with a forward and a backward pass, losses, optimizers and schedules."""
