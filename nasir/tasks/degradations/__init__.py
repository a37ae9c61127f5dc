"""Degradations: one forward operator or noise a file."""
