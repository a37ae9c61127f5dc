"""A run on disk: its folder, its store, who writes it, and what is in it."""
