"""The layers, one file each, and the containers that hold them."""
