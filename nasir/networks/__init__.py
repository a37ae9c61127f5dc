"""Trained networks: the file of one, what it says of itself, and those that come with nasir.

The built-in ones are the files ``NAME.safetensors`` of this folder.
"""
