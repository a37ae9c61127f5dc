"""Strategies that consist of strategies."""
