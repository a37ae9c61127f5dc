"""Training a network on many pictures, for evaluators and strategies."""
