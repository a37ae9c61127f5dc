"""How to look for an architecture."""
