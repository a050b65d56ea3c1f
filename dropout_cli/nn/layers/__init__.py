"""Layers, one file each, and the containers that combine them."""
