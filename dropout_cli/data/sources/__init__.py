"""One file per kind of dataset, registered by the name that YAML uses."""
