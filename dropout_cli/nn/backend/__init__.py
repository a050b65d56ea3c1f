"""Access to the machine: BLAS, threads, memory layout and tables of noise."""
