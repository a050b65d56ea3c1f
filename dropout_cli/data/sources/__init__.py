"""Sources: one file per kind of dataset, registered under its name in YAML."""
