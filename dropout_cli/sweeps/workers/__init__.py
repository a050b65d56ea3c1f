"""Training of a sweep's runs: in local processes, or on a Dask cluster."""
