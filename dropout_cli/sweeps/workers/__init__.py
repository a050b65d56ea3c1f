"""Where the runs of a sweep are trained: processes here, or a Dask cluster."""
