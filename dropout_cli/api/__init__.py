"""The public Python API: train, load and compare runs in a script or a notebook.

`import dropout_cli as dropout` offers its names without importing NumPy; they are loaded on first use. The functions do
the same work as the commands of the same name.
"""
