"""How well an architecture does a task."""
