"""Strategies that hold strategies."""
