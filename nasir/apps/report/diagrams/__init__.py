"""Architectures drawn: one module a search space, and a list of choices for any other."""
