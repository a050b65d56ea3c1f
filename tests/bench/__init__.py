"""One training step, again and again, in this package and in others: the same network, data, batch and threads."""
