"""The final training of one architecture: its folder, its settings, and the work."""
