"""Training steps in other frameworks, with the same network, data, batch and threads as in this package."""
