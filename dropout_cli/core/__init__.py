"""What everything rests on: errors, registries, field types, random streams, locks, text, the environment."""
