"""The base of all rooms: errors, registries, field types, random streams, locks, text, the environment."""
