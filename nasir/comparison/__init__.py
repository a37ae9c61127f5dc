"""Which is better, by how much, how surely."""
