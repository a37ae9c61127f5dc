"""Evaluating methods and architectures on the same pictures."""
