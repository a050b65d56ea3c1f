"""How the engine uses the machine: BLAS, threads, memory layout, tables of noise."""
