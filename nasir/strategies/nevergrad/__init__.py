"""The optimisers of nevergrad."""
