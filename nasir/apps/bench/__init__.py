"""Comparing strategies on tabular benchmarks."""
