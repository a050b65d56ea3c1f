"""Shared base of all rooms: errors, registries, field types, streams, locks, environment."""
